//! Pictures made smaller: each point is the average of the area it stands for, so that nothing flickers and thin lines
//! fade instead of breaking.

use crate::picture::{Picture, Plane, PlaneMut, SizeError};

/// Makes pictures of one size smaller, always by the same factor. It keeps what it needs, so that a picture costs no
/// allocation.
#[derive(Debug)]
pub struct Scaler {
    source: (u32, u32),
    scaled: Picture,
    luma: [Axis; 2],
    chroma: [Axis; 2],
    /// One row of sums.
    sums: Vec<u32>,
}

/// For each point along an axis of the scaled picture: where in the source it begins, and how much of each point from there
/// on it takes. The parts of a point add up to [`WHOLE`].
#[derive(Debug)]
struct Axis {
    /// The first source point, and where its parts end in `parts`.
    points: Vec<(usize, usize)>,
    parts: Vec<u32>,
}

/// All of a point. Two axes of it, times the brightest value, still fit 32 bits.
const WHOLE: u32 = 1 << 12;

/// The size of a picture made smaller by `scale` (at least 1) in both directions: rounded down to even numbers, as codecs
/// like them, where it is larger than one point.
pub fn scaled_size((width, height): (u32, u32), scale: f64) -> (u32, u32) {
    let side = |side: u32| {
        let scaled = (f64::from(side) / scale.max(1.0)) as u32;
        if scale <= 1.0 {
            side
        } else if scaled < 2 {
            scaled.max(1)
        } else {
            scaled & !1
        }
    };
    (side(width), side(height))
}

impl Scaler {
    /// One for pictures of this size, to be made smaller by `scale` as [`scaled_size`] says.
    ///
    /// # Errors
    /// For a size that no picture has.
    pub fn new(source: (u32, u32), scale: f64) -> Result<Self, SizeError> {
        let target = scaled_size(source, scale);
        let whole = Picture::new(source.0, source.1)?;
        let scaled = Picture::new(target.0, target.1)?;
        let axes = |from: Plane<'_>, to: Plane<'_>| {
            [Axis::new(from.width(), to.width()), Axis::new(from.height(), to.height())]
        };
        let luma = axes(whole.y(), scaled.y());
        let chroma = axes(whole.u(), scaled.u());
        Ok(Self { source, luma, chroma, sums: vec![0; whole.y().width()], scaled })
    }

    /// The picture, smaller; `None` where it is not of the size that was told.
    pub fn scale(&mut self, picture: &Picture) -> Option<&Picture> {
        if (picture.width(), picture.height()) != self.source {
            return None;
        }
        let [y, u, v] = self.scaled.planes_mut();
        shrink(picture.y(), y, &self.luma, &mut self.sums);
        shrink(picture.u(), u, &self.chroma, &mut self.sums);
        shrink(picture.v(), v, &self.chroma, &mut self.sums);
        Some(&self.scaled)
    }
}

impl Axis {
    fn new(source: usize, scaled: usize) -> Self {
        let mut axis = Self { points: Vec::with_capacity(scaled), parts: Vec::new() };
        let step = source as f64 / scaled.max(1) as f64;
        for point in 0..scaled {
            let (begin, end) = (point as f64 * step, ((point + 1) as f64 * step).min(source as f64));
            let first = (begin as usize).min(source.saturating_sub(1));
            let last = (end.ceil() as usize).clamp(first + 1, source.max(first + 1));
            let before = axis.parts.len();
            let mut left = WHOLE;
            for index in first..last {
                let covered = (end.min((index + 1) as f64) - begin.max(index as f64)).max(0.0);
                let part = ((covered / step * f64::from(WHOLE)).round() as u32).min(left);
                axis.parts.push(part);
                left -= part;
            }
            // What rounding has left over belongs to one in the middle.
            let middle = before + (last - first) / 2;
            if let Some(part) = axis.parts.get_mut(middle) {
                *part += left;
            }
            axis.points.push((first, axis.parts.len()));
        }
        axis
    }

    /// Each point: its first source point, and the parts.
    fn iter(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let mut begin = 0;
        self.points.iter().map(move |&(first, end)| {
            let parts = self.parts.get(begin..end).unwrap_or_default();
            begin = end;
            (first, parts)
        })
    }
}

/// Makes one plane smaller: rows are added up first, then the points of the sum.
fn shrink(source: Plane<'_>, mut target: PlaneMut<'_>, [across, down]: &[Axis; 2], sums: &mut [u32]) {
    let Some(sums) = sums.get_mut(..source.width()) else { return };
    for (row, (first, parts)) in down.iter().enumerate() {
        sums.fill(0);
        for (offset, part) in parts.iter().enumerate() {
            for (sum, value) in sums.iter_mut().zip(source.row(first + offset)) {
                *sum += part * u32::from(*value);
            }
        }
        for (value, (first, parts)) in target.row_mut(row).iter_mut().zip(across.iter()) {
            let sum: u32 = sums.iter().skip(first).zip(parts).map(|(sum, part)| sum * part).sum();
            *value = ((sum + (WHOLE * WHOLE / 2)) / (WHOLE * WHOLE)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Colour;

    /// A picture whose luma is what `value` says for each point.
    fn drawn(width: u32, height: u32, value: impl Fn(usize, usize) -> u8) -> Picture {
        let mut picture = Picture::new(width, height).unwrap();
        let [mut y, ..] = picture.planes_mut();
        for row in 0..height as usize {
            for (column, point) in y.row_mut(row).iter_mut().enumerate() {
                *point = value(column, row);
            }
        }
        picture
    }

    #[test]
    fn sizes_are_even_and_never_nothing() {
        assert_eq!(scaled_size((640, 480), 1.0), (640, 480));
        assert_eq!(scaled_size((641, 481), 1.0), (641, 481), "as it is");
        assert_eq!(scaled_size((640, 480), 4.0), (160, 120));
        assert_eq!(scaled_size((1280, 720), 1.5), (852, 480));
        assert_eq!(scaled_size((10, 3), 4.0), (2, 1));
        assert_eq!(scaled_size((1, 1), 1000.0), (1, 1));
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_scale() {
        for (size, scale) in [((640, 480), 2.0), ((641, 479), 3.3), ((63, 5), 1.7), ((7, 7), 100.0)] {
            for level in [0, 1, 16, 128, 254, 255] {
                let mut picture = Picture::new(size.0, size.1).unwrap();
                let all = (size.0 as usize, size.1 as usize);
                picture.fill((0, 0), all, Colour { y: level, u: 255 - level, v: level });
                let mut scaler = Scaler::new(size, scale).unwrap();
                let scaled = scaler.scale(&picture).unwrap();
                assert_eq!((scaled.width(), scaled.height()), scaled_size(size, scale));
                for (plane, wanted) in [(scaled.y(), level), (scaled.u(), 255 - level), (scaled.v(), level)] {
                    assert!(plane.rows().flatten().all(|value| *value == wanted), "{size:?} by {scale}");
                }
            }
        }
    }

    #[test]
    fn each_point_is_the_average_of_its_area() {
        let picture = drawn(8, 4, |x, y| (x * 10 + y) as u8);
        let mut scaler = Scaler::new((8, 4), 2.0).unwrap();
        let scaled = scaler.scale(&picture).unwrap();
        // The average of 0, 10, 1 and 11, and so on; halves go up.
        assert_eq!(scaled.y().row(0), [6, 26, 46, 66]);
        assert_eq!(scaled.y().row(1), [8, 28, 48, 68]);
    }

    #[test]
    fn a_ramp_stays_a_ramp_where_the_scale_is_no_whole_number() {
        let picture = drawn(250, 10, |x, _| x as u8);
        let mut scaler = Scaler::new((250, 10), 2.5).unwrap();
        let scaled = scaler.scale(&picture).unwrap();
        for (index, value) in scaled.y().row(1).iter().enumerate() {
            let wanted = (index as f64 + 0.5) * 2.5 - 0.5;
            assert!((f64::from(*value) - wanted).abs() <= 0.6, "{index}: {value}, {wanted}");
        }
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut scaler = Scaler::new((64, 48), 2.0).unwrap();
        assert!(scaler.scale(&Picture::new(64, 46).unwrap()).is_none());
        assert!(Scaler::new((0, 48), 2.0).is_err());
    }
}
