//! A ring with a comet running around it: shows whether motion is smooth.

use crate::picture::{Colour, Picture, PlaneMut};
use crate::source::font::mix;

/// The comet's colour.
const COMET: Colour = Colour::from_rgb(40, 205, 255);
/// Of 256: how visible the ring is where the comet is not.
const FLOOR: u8 = 22;

/// The ring, with what each of its pixels needs to know.
#[derive(Debug)]
pub(crate) struct Ring {
    corner: (usize, usize),
    luma: Mask,
    chroma: Mask,
}

/// Coverage (0 to 255) and angle (256ths of a turn, clockwise from the top) of the pixels of a square.
#[derive(Debug)]
struct Mask {
    side: usize,
    pixels: Vec<(u8, u8)>,
}

impl Ring {
    /// A ring around a place, in pixels.
    pub(crate) fn new((x, y): (usize, usize), radius: usize) -> Self {
        let corner = (x.saturating_sub(radius) & !1, y.saturating_sub(radius) & !1);
        let side = (2 * radius + 2) & !1;
        let middle = (x as f64 - corner.0 as f64, y as f64 - corner.1 as f64);
        Self {
            corner,
            luma: Mask::new(side, 1.0, middle, radius),
            chroma: Mask::new(side / 2, 2.0, middle, radius),
        }
    }

    /// Draws the comet's head at `turn`, 0 to 1 clockwise from the top.
    pub(crate) fn draw(&self, picture: &mut Picture, turn: f64, paper: Colour) {
        let head = (turn * 256.0) as i64 as u8;
        let [mut y, mut u, mut v] = picture.planes_mut();
        let half = (self.corner.0 / 2, self.corner.1 / 2);
        self.luma.draw(&mut y, self.corner, head, (paper.y, COMET.y));
        self.chroma.draw(&mut u, half, head, (paper.u, COMET.u));
        self.chroma.draw(&mut v, half, head, (paper.v, COMET.v));
    }
}

impl Mask {
    fn new(side: usize, scale: f64, (x, y): (f64, f64), radius: usize) -> Self {
        let outer = radius as f64 - 1.0;
        let inner = outer * 0.76;
        let pixel = |column: usize, row: usize| {
            let right = (column as f64 + 0.5) * scale - x;
            let down = (row as f64 + 0.5) * scale - y;
            let distance = right.hypot(down);
            let edge = (outer - distance).min(distance - inner) / scale + 0.5;
            let angle = right.atan2(-down) / std::f64::consts::TAU;
            ((edge.clamp(0.0, 1.0) * 255.0) as u8, (angle.rem_euclid(1.0) * 256.0) as u8)
        };
        let pixels = (0..side * side).map(|at| pixel(at % side, at / side)).collect();
        Self { side, pixels }
    }

    fn draw(&self, plane: &mut PlaneMut<'_>, (left, top): (usize, usize), head: u8, (from, to): (u8, u8)) {
        for (row, mask) in self.pixels.chunks_exact(self.side).enumerate() {
            let Some(span) = plane.row_mut(top + row).get_mut(left..) else { continue };
            for (sample, &(coverage, angle)) in span.iter_mut().zip(mask) {
                if coverage > 0 {
                    *sample = mix(from, to, glow(coverage, head.wrapping_sub(angle)));
                }
            }
        }
    }
}

/// The tail fades with the square of the way behind the head.
fn glow(coverage: u8, behind: u8) -> u8 {
    let near = 255 - u32::from(behind);
    let tail = (near * near / 255).max(u32::from(FLOOR));
    (tail * u32::from(coverage) / 255) as u8
}
