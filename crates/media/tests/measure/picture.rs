//! How close pictures came back.

use std::time::Duration;

use peerless_media::picture::{Colour, Picture};
use peerless_media::source::pattern::BARS;
use peerless_media::source::traits::Moment;

pub const FPS: u32 = 30;

pub fn moment(number: u64) -> Moment {
    let elapsed = Duration::from_nanos(number * 1_000_000_000 / u64::from(FPS));
    Moment { number, elapsed, wall: Duration::from_secs(1_000_000) + elapsed }
}

/// Peak signal to noise ratio of luma, in decibels, over what both pictures have.
pub fn psnr(picture: &Picture, other: &Picture) -> f64 {
    let (mut error, mut count) = (0.0, 0usize);
    for (row, other) in picture.y().rows().zip(other.y().rows()) {
        for (a, b) in row.iter().zip(other) {
            error += f64::from(a.abs_diff(*b)).powi(2);
            count += 1;
        }
    }
    10.0 * (255.0 * 255.0 / (error / count as f64).max(1e-9)).log10()
}

/// The seven bars of the test pattern have their colours.
pub fn assert_bars(picture: &Picture, tolerance: u8, what: &str) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    for (index, (name, [red, green, blue])) in BARS.iter().enumerate() {
        let colour = picture.colour(width * (2 * index + 1) / 14, height * 3 / 10);
        let expected = Colour::from_rgb(*red, *green, *blue);
        let worst = colour
            .y
            .abs_diff(expected.y)
            .max(colour.u.abs_diff(expected.u))
            .max(colour.v.abs_diff(expected.v));
        assert!(worst <= tolerance, "{what}, {name}: {colour:?} instead of {expected:?}");
    }
}
