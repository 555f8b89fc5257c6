//! The test pattern: colour bars, a clock, a frame number, and things that move.
//!
//! From the top, as fractions of the height:
//!
//! | rows | what |
//! |---|---|
//! | 0 to 0.6 | seven bars of 75 % in the order of [`BARS`], each a seventh of the width: **never drawn upon** |
//! | 0.62 to 0.68 | a strip of the bars' colours in reverse, every second one black |
//! | below | a dark panel with the clock (UTC), the number, a ring that turns once a second, a ball, a ramp of grey |
//!
//! The bars are cut at even pixels, so the middle of bar `i`, at width × (i + ½) / 7 and height × 0.3, is of its
//! pure colour in every encoding (in pictures from 28 pixels of width on). What does not fit a small picture is left
//! out; the ball always fits.
//!
//! The picture is drawn straight into I420, BT.601, studio range; per frame only what changes is drawn again.

use crate::picture::{Colour, Picture};
use crate::source::font::{Font, Ink, mix};
use crate::source::ring::Ring;
use crate::source::traits::{Moment, VideoSource};

/// The bars from left to right: name and R'G'B' (75 % of full scale is 191).
pub const BARS: [(&str, [u8; 3]); 7] = [
    ("grey", [191, 191, 191]),
    ("yellow", [191, 191, 0]),
    ("cyan", [0, 191, 191]),
    ("green", [0, 191, 0]),
    ("magenta", [191, 0, 191]),
    ("red", [191, 0, 0]),
    ("blue", [0, 0, 191]),
];

/// The strip below them: every second bar black, the others such that each column holds blue once.
const STRIP: [[u8; 3]; 7] =
    [[0, 0, 191], [10, 10, 10], [191, 0, 191], [10, 10, 10], [0, 191, 191], [10, 10, 10], [191, 191, 191]];

const PANEL: [u8; 3] = [15, 20, 34];
/// Luma of the letters of the clock, and of the small ones.
const BRIGHT: u8 = 226;
const DIM: u8 = 140;
const TRACK: u8 = 62;

/// The pattern, with the picture it draws on.
#[derive(Debug)]
pub struct TestPattern {
    picture: Picture,
    /// The parts that stand still, for wiping out what moves.
    still: Picture,
    paper: Colour,
    lines: Vec<Line>,
    ring: Option<Ring>,
    ball: Ball,
    text: String,
}

/// A size or rate that the pattern is not drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Too small or too large.
    #[error("{width}x{height}: the test pattern is drawn from 16x16 to 4096x2304")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// Not 1 to 240 pictures per second.
    #[error("{0} frames per second: from 1 to 240")]
    Rate(u32),
}

impl TestPattern {
    /// A pattern of a size, 16×16 to 4096×2304, even or odd, whose label says `frames_per_second`, 1 to 240.
    ///
    /// # Errors
    /// When size or rate are out of these ranges.
    pub fn new(width: u32, height: u32, frames_per_second: u32) -> Result<Self, PatternError> {
        let size = PatternError::Size { width, height };
        if !(16..=4096).contains(&width) || !(16..=2304).contains(&height) {
            return Err(size);
        }
        if !(1..=240).contains(&frames_per_second) {
            return Err(PatternError::Rate(frames_per_second));
        }
        let mut still = Picture::new(width, height).map_err(|_| size)?;
        let layout = Layout::new(width as usize, height as usize);
        let paper = colour(PANEL);
        draw_still(&mut still, &layout, paper);
        let mut pattern = Self {
            picture: still.clone(),
            paper,
            lines: layout.lines(),
            ring: layout.ring.map(|(centre, radius)| Ring::new(centre, radius)),
            ball: layout.ball,
            text: String::new(),
            still,
        };
        pattern.label(&format!("{width}×{height}@{frames_per_second}"));
        Ok(pattern)
    }

    /// Where the bars are pure: width and height in pixels, from the upper left corner.
    pub fn undisturbed(&self) -> (u32, u32) {
        (self.picture.width(), Layout::bars_height(self.picture.height() as usize) as u32)
    }

    /// Words that never change go onto the still picture as well.
    fn label(&mut self, size: &str) {
        for line in &mut self.lines {
            let words = match line.content {
                Content::Name => "PEERLESS",
                Content::Size => size,
                Content::Zone => "UTC",
                Content::Clock | Content::Number => continue,
            };
            line.write(&mut self.still, words, self.paper);
            line.shown.clear();
            line.write(&mut self.picture, words, self.paper);
        }
    }
}

impl VideoSource for TestPattern {
    fn size(&self) -> (u32, u32) {
        (self.picture.width(), self.picture.height())
    }

    fn draw(&mut self, moment: Moment) -> &Picture {
        use std::fmt::Write as _;
        for line in &mut self.lines {
            self.text.clear();
            // Writing to a String cannot fail.
            let _ = match line.content {
                Content::Clock => {
                    let (seconds, millis) = (moment.wall.as_secs(), moment.wall.subsec_millis());
                    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
                    write!(self.text, "{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
                }
                Content::Number => write!(self.text, "FRAME {:08}", moment.number % 100_000_000),
                Content::Name | Content::Size | Content::Zone => continue,
            };
            line.write(&mut self.picture, &self.text, self.paper);
        }
        if let Some(ring) = &self.ring {
            let turn = f64::from(moment.wall.subsec_nanos()) / 1e9;
            ring.draw(&mut self.picture, turn, self.paper);
        }
        self.ball.draw(&mut self.picture, &self.still, moment.elapsed.as_secs_f64());
        &self.picture
    }
}

/// What a line of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Name,
    Size,
    Clock,
    Number,
    Zone,
}

/// A line of text at its place, and what it shows now.
#[derive(Debug)]
struct Line {
    content: Content,
    font: Font,
    /// Left end, or the right one where `is_right`.
    at: (usize, usize),
    is_right: bool,
    ink: u8,
    shown: String,
}

impl Line {
    /// Draws the letters that differ from those shown.
    fn write(&mut self, picture: &mut Picture, words: &str, paper: Colour) {
        let width: usize = words.chars().map(|letter| self.font.advance(letter)).sum();
        let left = if self.is_right { self.at.0.saturating_sub(width) } else { self.at.0 };
        let [mut y, _, _] = picture.planes_mut();
        let colour = Ink { ink: self.ink, paper: paper.y };
        let mut shown = self.shown.chars();
        let mut left = left;
        for letter in words.chars() {
            if shown.next() != Some(letter) {
                self.font.draw(&mut y, (left, self.at.1), letter, colour);
            }
            left += self.font.advance(letter);
        }
        self.shown.clear();
        self.shown.push_str(words);
    }
}

/// A ball that swings along its track, there and back in four seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Ball {
    /// Middle of the leftmost and rightmost position.
    from: f64,
    to: f64,
    middle: f64,
    radius: f64,
    /// Left end of what was drawn last, to wipe it out.
    last: usize,
}

impl Ball {
    const PERIOD_SECONDS: f64 = 4.0;

    /// Columns and rows that it can touch at a position of its middle.
    fn extent(&self, x: f64) -> ((usize, usize), (usize, usize)) {
        let reach = self.radius + 1.0;
        let corner = ((x - reach).max(0.0) as usize, (self.middle - reach).max(0.0) as usize);
        let side = (2.0 * reach) as usize + 2;
        (corner, (side, side))
    }

    fn draw(&mut self, picture: &mut Picture, still: &Picture, seconds: f64) {
        let swing = (seconds / Self::PERIOD_SECONDS * std::f64::consts::TAU).cos();
        let x = f64::midpoint(self.from, self.to) - (self.to - self.from) / 2.0 * swing;
        let (_, size) = self.extent(x);
        let ((left, top), _) = self.extent(x);
        let [mut y, _, _] = picture.planes_mut();
        y.copy_from(still.y(), (self.last, top), size);
        self.last = left;
        for row in top..top + size.1 {
            let down = row as f64 + 0.5 - self.middle;
            let Some(span) = y.row_mut(row).get_mut(left..) else { continue };
            for (column, sample) in span.iter_mut().take(size.0).enumerate() {
                let right = (left + column) as f64 + 0.5 - x;
                let inside = self.radius + 0.5 - right.hypot(down);
                *sample = mix(*sample, BRIGHT, (inside.clamp(0.0, 1.0) * 255.0) as u8);
            }
        }
    }
}

/// Where things are. Positions that colour depends on are even.
#[derive(Debug)]
struct Layout {
    width: usize,
    height: usize,
    bars: usize,
    strip: (usize, usize),
    panel: usize,
    ramp: usize,
    /// Left and right end of the block of text.
    block: (usize, usize),
    /// Pixels per dot of the clock's letters and of the others; 0 where there is no room.
    scales: (usize, usize),
    /// Upper edges of the three lines.
    rows: [usize; 3],
    ring: Option<((usize, usize), usize)>,
    ball: Ball,
}

/// Dots of "00:00:00.000" in a row: nine digits, three narrow letters.
const CLOCK_DOTS: usize = 9 * 8 + 3 * 4;

fn even(value: usize) -> usize {
    value & !1
}

impl Layout {
    fn bars_height(height: usize) -> usize {
        even(height * 62 / 100)
    }

    fn new(width: usize, height: usize) -> Self {
        let bars = Self::bars_height(height);
        let panel = even(height * 68 / 100).max(bars);
        let ramp = even(height - height / 28);
        let room = ramp - panel;
        let large = (width * 66 / 100 / CLOCK_DOTS).min(room * 30 / 100 / 8);
        let block = if large == 0 { width - width / 8 } else { CLOCK_DOTS * large };
        let small = if large == 0 { 0 } else { (block / (24 * 8)).max(1) };

        // The ring stands right of the text, where there is room for it.
        let side = room * 72 / 100;
        let with_ring = large > 0 && side >= 24 && block + side + 3 * (room / 10) <= width;
        let used = if with_ring { block + side + room / 5 } else { block };
        let left = (width - used) / 2;
        let ring = with_ring.then(|| ((left + used - side / 2, panel + room / 2), side / 2));

        // Three lines and the ball's track, evenly spread.
        let radius = (room as f64 / 22.0).max(1.0);
        let text = 8 * (large + 2 * small);
        let gap = room.saturating_sub(text + 2 * radius as usize) / 5;
        let second = panel + gap + 8 * small + gap;
        let third = second + 8 * large + gap;
        let middle = if large == 0 {
            panel as f64 + room as f64 / 2.0
        } else {
            (third + 8 * small + gap) as f64 + radius
        };
        let from = left as f64 + radius;
        let to = (left + block) as f64 - radius;
        let strip = (bars, panel - bars);
        let ball = Ball { from, to, middle, radius, last: left };
        let rows = [panel + gap, second, third];
        let (block, scales) = ((left, left + block), (large, small));
        Self { width, height, bars, strip, panel, ramp, block, scales, rows, ring, ball }
    }

    fn lines(&self) -> Vec<Line> {
        let (large, small) = self.scales;
        if large == 0 {
            return Vec::new();
        }
        let line = |content, scale: usize, row: usize, is_right: bool, ink| {
            let x = if is_right { self.block.1 } else { self.block.0 };
            let at = (x, self.rows[row]);
            Line { content, font: Font::new(scale), at, is_right, ink, shown: String::new() }
        };
        let mut lines = vec![line(Content::Clock, large, 1, false, BRIGHT)];
        // Both ends of a line need 24 letters; in a narrow block only one of them is written.
        let fits = |letters: usize| letters * 8 * small <= self.block.1 - self.block.0;
        if fits(14) {
            lines.push(line(Content::Number, small, 2, false, DIM));
            lines.push(line(Content::Name, small, 0, false, DIM));
        }
        if fits(24) {
            lines.push(line(Content::Size, small, 0, true, DIM));
            lines.push(line(Content::Zone, small, 2, true, DIM));
        }
        lines
    }
}

fn colour([red, green, blue]: [u8; 3]) -> Colour {
    Colour::from_rgb(red, green, blue)
}

fn draw_still(picture: &mut Picture, layout: &Layout, paper: Colour) {
    let (width, height) = (layout.width, layout.height);
    let edge = |index: usize| if index == 7 { width } else { even(width * index / 7) };
    for (index, (bar, strip)) in BARS.iter().zip(STRIP).enumerate() {
        let (left, wide) = (edge(index), edge(index + 1) - edge(index));
        picture.fill((left, 0), (wide, layout.bars), colour(bar.1));
        picture.fill((left, layout.strip.0), (wide, layout.strip.1), colour(strip));
    }
    picture.fill((0, layout.panel), (width, height - layout.panel), paper);
    let [mut y, mut u, mut v] = picture.planes_mut();
    // A hairline for the ball to run along.
    let line = (layout.ball.middle as usize, (layout.ball.radius / 5.0).max(1.0) as usize);
    let (from, to) = (layout.ball.from as usize, layout.ball.to as usize);
    y.fill((from, line.0), (to.saturating_sub(from), line.1), TRACK);
    // Black to white, without colour.
    for row in layout.ramp..height {
        for (column, sample) in y.row_mut(row).iter_mut().enumerate() {
            *sample = (16 + column * 219 / (width - 1)) as u8;
        }
    }
    let half = ((width).div_ceil(2), (height - layout.ramp).div_ceil(2));
    u.fill((0, layout.ramp / 2), half, Colour::BLACK.u);
    v.fill((0, layout.ramp / 2), half, Colour::BLACK.v);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SIZES: [(u32, u32); 9] = [
        (16, 16),
        (17, 33),
        (64, 48),
        (101, 75),
        (160, 120),
        (321, 243),
        (640, 480),
        (1279, 719),
        (2304, 256),
    ];

    fn moment(number: u64) -> Moment {
        let elapsed = Duration::from_nanos(number * 33_333_333);
        Moment { number, elapsed, wall: Duration::from_secs(86_390) + elapsed }
    }

    #[test]
    fn the_bars_keep_their_colours_while_the_rest_moves() {
        for (width, height) in SIZES {
            let mut pattern = TestPattern::new(width, height, 30).unwrap();
            let still = pattern.draw(moment(0)).clone();
            let (_, rows) = pattern.undisturbed();
            assert!(rows as f32 >= height as f32 * 0.5, "{width}x{height}: {rows}");
            for number in [1, 2, 29, 30, 31, 400] {
                let picture = pattern.draw(moment(number));
                for (index, (_, rgb)) in BARS.iter().enumerate().filter(|_| width >= 28) {
                    let x = width as usize * (2 * index + 1) / 14;
                    for y in [0, height as usize * 3 / 10, rows as usize - 1] {
                        assert_eq!(
                            picture.colour(x, y),
                            colour(*rgb),
                            "{width}x{height}, bar {index}, {number}"
                        );
                    }
                }
                assert_ne!(*picture, still, "{width}x{height} {number}");
            }
        }
    }

    #[test]
    fn what_moved_leaves_no_trace() {
        for (width, height) in SIZES {
            let mut used = TestPattern::new(width, height, 60).unwrap();
            for number in [0, 1, 2, 3, 50, 51, 299, 300, 12_345] {
                let mut fresh = TestPattern::new(width, height, 60).unwrap();
                let one = used.draw(moment(number));
                assert_eq!(one, fresh.draw(moment(number)), "{width}x{height} {number}");
            }
        }
    }

    #[test]
    fn the_clock_shows_milliseconds_and_turns_at_midnight() {
        let mut pattern = TestPattern::new(640, 480, 30).unwrap();
        let words = |pattern: &TestPattern, content| {
            pattern.lines.iter().find(|line| line.content == content).map(|line| line.shown.clone())
        };
        pattern.draw(moment(1));
        assert_eq!(words(&pattern, Content::Clock).unwrap(), "23:59:50.033");
        assert_eq!(words(&pattern, Content::Number).unwrap(), "FRAME 00000001");
        assert_eq!(words(&pattern, Content::Size).unwrap(), "640×480@30");
        pattern.draw(moment(301));
        assert_eq!(words(&pattern, Content::Clock).unwrap(), "00:00:00.033");
    }

    #[test]
    fn sizes_and_rates_out_of_range_are_refused() {
        for (width, height) in [(15, 16), (16, 15), (4097, 2304), (4096, 2305), (0, 0), (u32::MAX, u32::MAX)]
        {
            assert!(matches!(TestPattern::new(width, height, 30), Err(PatternError::Size { .. })));
        }
        assert!(TestPattern::new(4096, 2304, 240).is_ok());
        assert_eq!(TestPattern::new(16, 16, 0).unwrap_err(), PatternError::Rate(0));
        assert_eq!(TestPattern::new(16, 16, 241).unwrap_err(), PatternError::Rate(241));
    }
}
