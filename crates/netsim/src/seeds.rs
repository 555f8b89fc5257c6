//! Many seeds in turn, one of which `PEERLESS_SEED` replays.

use std::ops::Range;

/// Plays each of the seeds, or the wanted one alone, of which `play` is told that it is. The seed of a panic is printed.
///
/// # Panics
/// Where `PEERLESS_SEED` is no number, or `play` does.
pub fn each(seeds: Range<u64>, mut play: impl FnMut(u64, bool)) {
    let wanted: Option<u64> =
        std::env::var("PEERLESS_SEED").ok().map(|seed| seed.parse().expect("PEERLESS_SEED is a number"));
    for seed in seeds.filter(|seed| wanted.is_none_or(|wanted| wanted == *seed)) {
        let named = Named(seed);
        play(seed, wanted.is_some());
        drop(named);
    }
}

/// Names the seed when a call panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with PEERLESS_SEED={}", self.0);
        }
    }
}
