//! The tune: 24 bars in D major at 83⅓ beats a minute, in four voices and drums, of our own making.
//!
//! Sixteen steps make a bar, a step lasts 0.18 s, all of it 69.12 s; the last bar leads back into the first.

/// Steps in a bar.
pub const BAR: usize = 16;
/// Bars before it begins again.
pub const BARS: usize = 24;
/// How long a step is: a whole number of samples at every usual rate.
pub const STEP_MS: u32 = 180;

/// What is played in one bar.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// Four keys of the chord, close to those before and after.
    pub chord: [u8; 4],
    /// A second half on another chord: suspensions that resolve.
    pub resolution: Option<[u8; 4]>,
    /// The bass: its root, and where it steps to on the fourth beat.
    pub bass: [u8; 2],
    /// Step, length in steps, key.
    pub melody: &'static [(u8, u8, u8)],
    /// Which drums join in.
    pub drums: Drums,
}

/// How full the drums are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drums {
    /// Only the shaker.
    Light,
    /// The kick too.
    Half,
    /// And the brush.
    Full,
}

const D: [u8; 4] = [54, 57, 61, 64];
const D_PLAIN: [u8; 4] = [57, 62, 64, 66];
const D_OVER_F: [u8; 4] = [57, 62, 64, 69];
const BM: [u8; 4] = [54, 57, 59, 62];
const G: [u8; 4] = [55, 59, 62, 66];
const A_SUS: [u8; 4] = [57, 59, 62, 64];
const A: [u8; 4] = [57, 59, 61, 64];
const A7: [u8; 4] = [55, 57, 61, 64];
const EM: [u8; 4] = [55, 59, 62, 64];
const FM: [u8; 4] = [57, 61, 64, 66];

const fn bar(chord: [u8; 4], bass: [u8; 2], drums: Drums, melody: &'static [(u8, u8, u8)]) -> Bar {
    Bar { chord, resolution: None, bass, melody, drums }
}

const fn suspended(bass: [u8; 2], drums: Drums, to: [u8; 4], melody: &'static [(u8, u8, u8)]) -> Bar {
    Bar { chord: A_SUS, resolution: Some(to), bass, melody, drums }
}

use Drums::{Full, Half, Light};

/// A, A again with another ending, and a quieter B that leads home.
pub const SCORE: [Bar; BARS] = [
    bar(D, [38, 45], Light, &[(0, 6, 78), (6, 2, 76), (8, 4, 74), (12, 4, 69)]),
    bar(BM, [35, 42], Light, &[(0, 6, 71), (6, 2, 73), (8, 8, 74)]),
    bar(G, [43, 50], Half, &[(0, 6, 79), (6, 2, 78), (8, 4, 74), (12, 4, 71)]),
    suspended([45, 40], Half, A, &[(0, 8, 76), (8, 4, 73), (12, 2, 69), (14, 2, 71)]),
    bar(D_OVER_F, [42, 45], Full, &[(0, 6, 74), (6, 2, 76), (8, 4, 78), (12, 4, 81)]),
    bar(BM, [35, 42], Full, &[(0, 6, 83), (6, 2, 81), (8, 8, 78)]),
    bar(EM, [40, 47], Full, &[(0, 6, 79), (6, 2, 78), (8, 4, 76), (12, 4, 71)]),
    suspended([45, 40], Full, A7, &[(0, 8, 74), (8, 6, 73), (14, 2, 76)]),
    bar(D, [38, 45], Full, &[(0, 4, 78), (4, 2, 81), (6, 2, 78), (8, 4, 76), (12, 4, 74)]),
    bar(BM, [35, 42], Full, &[(0, 6, 71), (6, 2, 74), (8, 4, 78), (12, 4, 76)]),
    bar(G, [43, 50], Full, &[(0, 6, 79), (6, 2, 81), (8, 4, 78), (12, 4, 74)]),
    suspended([45, 40], Full, A, &[(0, 8, 76), (8, 4, 73), (12, 4, 76)]),
    bar(G, [43, 50], Full, &[(0, 6, 83), (6, 2, 81), (8, 4, 78), (12, 4, 74)]),
    suspended([45, 40], Full, A7, &[(0, 6, 76), (6, 2, 78), (8, 4, 76), (12, 4, 73)]),
    bar(D_PLAIN, [38, 45], Half, &[(0, 12, 74)]),
    bar(D, [38, 45], Light, &[(8, 2, 66), (10, 2, 69), (12, 2, 71), (14, 2, 73)]),
    bar(G, [43, 50], Light, &[(0, 8, 74), (8, 8, 78)]),
    bar(FM, [42, 37], Light, &[(0, 8, 76), (8, 8, 73)]),
    bar(EM, [40, 47], Half, &[(0, 8, 71), (8, 4, 74), (12, 4, 76)]),
    bar(BM, [35, 42], Half, &[(0, 12, 78), (12, 4, 76)]),
    bar(G, [43, 50], Half, &[(0, 8, 74), (8, 8, 71)]),
    bar(D_OVER_F, [42, 45], Half, &[(0, 6, 69), (6, 2, 71), (8, 8, 74)]),
    bar(EM, [40, 47], Full, &[(0, 4, 76), (4, 4, 79), (8, 4, 78), (12, 4, 76)]),
    suspended([45, 40], Half, A7, &[(0, 8, 74), (8, 4, 73), (12, 4, 76)]),
];
