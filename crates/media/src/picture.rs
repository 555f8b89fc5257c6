//! Decoded pictures: I420, that is 8-bit Y'CbCr 4:2:0 in three planes, BT.601, studio range (luma 16 to 235).

/// A picture that owns its planes. A new one is black.
///
/// Rows of a plane lie `stride` bytes apart; chroma planes are half the size, rounded up, so odd sizes are fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    planes: [Vec<u8>; 3],
    strides: [usize; 3],
}

/// One plane, borrowed. Asking for a row that is not there gives an empty one.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

/// One plane to draw on. Whatever lies outside is not drawn.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    data: &'a mut [u8],
    stride: usize,
    width: usize,
    height: usize,
}

/// A picture of no or of too large a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {width}x{height}: each side must be 1 to {}", Picture::LIMIT)]
pub struct SizeError {
    /// What was asked for, in pixels.
    pub width: u32,
    /// What was asked for, in pixels.
    pub height: u32,
}

/// A colour as the planes hold it: BT.601, studio range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Luma, 16 (black) to 235 (white).
    pub y: u8,
    /// Blue difference, 128 is none.
    pub u: u8,
    /// Red difference, 128 is none.
    pub v: u8,
}

impl Picture {
    /// The longest side, in pixels: what VP8 can write (RFC 6386 §9.1).
    pub const LIMIT: u32 = 16_383;

    /// A black picture.
    ///
    /// # Errors
    /// When a side is zero or above [`LIMIT`](Self::LIMIT).
    pub fn new(width: u32, height: u32) -> Result<Self, SizeError> {
        if width == 0 || height == 0 || width > Self::LIMIT || height > Self::LIMIT {
            return Err(SizeError { width, height });
        }
        // Rows begin where wide loads like them.
        let luma_stride = (width as usize).next_multiple_of(32);
        let chroma_stride = (width.div_ceil(2) as usize).next_multiple_of(32);
        let half_height = height.div_ceil(2) as usize;
        let chroma = vec![Colour::BLACK.u; chroma_stride * half_height];
        let luma = vec![Colour::BLACK.y; luma_stride * height as usize];
        let planes = [luma, chroma.clone(), chroma];
        Ok(Self { width, height, planes, strides: [luma_stride, chroma_stride, chroma_stride] })
    }

    /// A picture of planes Y, U, V without padding, as decoders give them; nothing is copied.
    ///
    /// # Errors
    /// When a side is zero or above [`LIMIT`](Self::LIMIT), or a plane is not as long as its size asks.
    pub fn from_planes(width: u32, height: u32, planes: [Vec<u8>; 3]) -> Result<Self, SizeError> {
        let is_possible = (1..=Self::LIMIT).contains(&width) && (1..=Self::LIMIT).contains(&height);
        let (luma, chroma) = (width as usize, width.div_ceil(2) as usize);
        let half_height = height.div_ceil(2) as usize;
        let [y, u, v] = &planes;
        let fits = is_possible
            && y.len() == luma * height as usize
            && u.len() == chroma * half_height
            && v.len() == chroma * half_height;
        if !fits {
            return Err(SizeError { width, height });
        }
        Ok(Self { width, height, planes, strides: [luma, chroma, chroma] })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma.
    pub fn y(&self) -> Plane<'_> {
        self.plane(0)
    }

    /// Blue difference, half the size rounded up.
    pub fn u(&self) -> Plane<'_> {
        self.plane(1)
    }

    /// Red difference, half the size rounded up.
    pub fn v(&self) -> Plane<'_> {
        self.plane(2)
    }

    /// The three planes to draw on, in order Y, U, V.
    pub fn planes_mut(&mut self) -> [PlaneMut<'_>; 3] {
        let sizes = [self.plane_size(0), self.plane_size(1), self.plane_size(2)];
        let strides = self.strides;
        let [y, u, v] = &mut self.planes;
        let plane = |data, index: usize| {
            let (width, height) = sizes[index];
            PlaneMut { data, stride: strides[index], width, height }
        };
        [plane(y, 0), plane(u, 1), plane(v, 2)]
    }

    /// Fills a rectangle, given in pixels, with a colour. Chroma is coarser: it follows at even positions and sizes.
    pub fn fill(&mut self, (left, top): (usize, usize), (width, height): (usize, usize), colour: Colour) {
        let [mut y, mut u, mut v] = self.planes_mut();
        y.fill((left, top), (width, height), colour.y);
        let corner = (left / 2, top / 2);
        let size = ((left + width).div_ceil(2) - corner.0, (top + height).div_ceil(2) - corner.1);
        u.fill(corner, size, colour.u);
        v.fill(corner, size, colour.v);
    }

    /// The colour at a pixel; black outside.
    pub fn colour(&self, x: usize, y: usize) -> Colour {
        let at = |plane: Plane<'_>, x: usize, y: usize| plane.row(y).get(x).copied();
        match (at(self.y(), x, y), at(self.u(), x / 2, y / 2), at(self.v(), x / 2, y / 2)) {
            (Some(y), Some(u), Some(v)) => Colour { y, u, v },
            _ => Colour::BLACK,
        }
    }

    fn plane(&self, index: usize) -> Plane<'_> {
        let (width, height) = self.plane_size(index);
        Plane { data: &self.planes[index], stride: self.strides[index], width, height }
    }

    fn plane_size(&self, index: usize) -> (usize, usize) {
        match index {
            0 => (self.width as usize, self.height as usize),
            _ => (self.width.div_ceil(2) as usize, self.height.div_ceil(2) as usize),
        }
    }
}

impl<'a> Plane<'a> {
    /// All bytes, padding behind each row included.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Samples in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The samples of one row; empty outside.
    pub fn row(&self, row: usize) -> &'a [u8] {
        if row >= self.height {
            return &[];
        }
        let start = row * self.stride;
        self.data.get(start..start + self.width).unwrap_or(&[])
    }

    /// All rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let plane = *self;
        (0..plane.height).map(move |row| plane.row(row))
    }
}

impl PlaneMut<'_> {
    /// Samples in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The samples of one row to write; empty outside.
    pub fn row_mut(&mut self, row: usize) -> &mut [u8] {
        if row >= self.height {
            return &mut [];
        }
        let start = row * self.stride;
        self.data.get_mut(start..start + self.width).unwrap_or(&mut [])
    }

    /// Sets a rectangle, clipped to the plane.
    pub fn fill(&mut self, (left, top): (usize, usize), (width, height): (usize, usize), value: u8) {
        let right = left.saturating_add(width).min(self.width);
        for row in top..top.saturating_add(height).min(self.height) {
            if let Some(span) = self.row_mut(row).get_mut(left..right) {
                span.fill(value);
            }
        }
    }

    /// Copies a rectangle from the same place of another plane; as much of it as both have.
    pub fn copy_from(
        &mut self,
        from: Plane<'_>,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) {
        let right = left.saturating_add(width).min(self.width).min(from.width);
        for row in top..top.saturating_add(height).min(self.height) {
            let source = from.row(row).get(left..right);
            if let (Some(to), Some(source)) = (self.row_mut(row).get_mut(left..right), source) {
                to.copy_from_slice(source);
            }
        }
    }
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self { y: 16, u: 128, v: 128 };

    /// From full-range R'G'B' by BT.601 (ITU-R BT.601-7 §2.5.1, quantised to studio range).
    pub const fn from_rgb(red: u8, green: u8, blue: u8) -> Self {
        let (r, g, b) = (red as i32, green as i32, blue as i32);
        // The matrix times 65536; the halves round.
        let y = (16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + 32_768) >> 16;
        let u = (-9_714 * r - 19_071 * g + 28_784 * b + (128 << 16) + 32_768) >> 16;
        let v = (28_784 * r - 24_103 * g - 4_681 * b + (128 << 16) + 32_768) >> 16;
        Self { y: y as u8, u: u as u8, v: v as u8 }
    }

    /// To full-range R'G'B', as a browser draws it.
    pub const fn to_rgb(self) -> [u8; 3] {
        // The inverse matrix times 65536; the halves round.
        let y = 76_309 * (self.y as i32 - 16) + 32_768;
        let (u, v) = (self.u as i32 - 128, self.v as i32 - 128);
        let red = (y + 104_597 * v) >> 16;
        let green = (y - 25_675 * u - 53_279 * v) >> 16;
        let blue = (y + 132_201 * u) >> 16;
        [byte(red), byte(green), byte(blue)]
    }
}

const fn byte(value: i32) -> u8 {
    if value < 0 {
        0
    } else if value > 255 {
        255
    } else {
        value as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_their_chroma_up_and_edges_clip() {
        let mut picture = Picture::new(17, 5).unwrap();
        assert_eq!((picture.u().width(), picture.u().height()), (9, 3));
        let red = Colour::from_rgb(255, 0, 0);
        picture.fill((16, 4), (100, 100), red);
        assert_eq!(picture.colour(16, 4), red);
        assert_eq!(picture.colour(15, 3), Colour::BLACK);
        assert_eq!(picture.colour(17, 4), Colour::BLACK, "outside");
        assert!(picture.y().row(5).is_empty());
        assert_eq!(picture.y().rows().count(), 5);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (width, height) in [(0, 1), (1, 0), (16_384, 1), (1, u32::MAX)] {
            assert_eq!(Picture::new(width, height), Err(SizeError { width, height }));
        }
    }

    #[test]
    fn planes_of_the_wrong_size_are_refused_and_right_ones_are_the_picture() {
        let planes = |y, u, v| [vec![50; y], vec![60; u], vec![70; v]];
        let picture = Picture::from_planes(5, 3, planes(15, 6, 6)).unwrap();
        assert_eq!(picture.colour(4, 2), Colour { y: 50, u: 60, v: 70 });
        for planes in [planes(14, 6, 6), planes(15, 5, 6), planes(15, 6, 7), planes(0, 0, 0)] {
            assert_eq!(Picture::from_planes(5, 3, planes), Err(SizeError { width: 5, height: 3 }));
        }
        assert!(Picture::from_planes(0, 3, planes(0, 0, 0)).is_err());
    }

    #[test]
    fn the_integer_matrix_rounds_as_the_real_one() {
        for y in 0..=255u8 {
            for u in (0..=255u8).step_by(3) {
                for v in (0..=255u8).step_by(3) {
                    let luma = 255.0 / 219.0 * (f64::from(y) - 16.0);
                    let (blue, red) = ((f64::from(u) - 128.0) / 112.0, (f64::from(v) - 128.0) / 112.0);
                    let (kr, kb) = (0.299, 0.114);
                    let r = luma + 255.0 * (1.0 - kr) * red;
                    let b = luma + 255.0 * (1.0 - kb) * blue;
                    let g = luma - 255.0 * (kr * (1.0 - kr) * red + kb * (1.0 - kb) * blue) / (1.0 - kr - kb);
                    for (got, exact) in (Colour { y, u, v }).to_rgb().into_iter().zip([r, g, b]) {
                        let error = (f64::from(got) - exact.clamp(0.0, 255.0)).abs();
                        assert!(error <= 0.505, "{y} {u} {v}: {got}, {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn colours_survive_the_way_to_studio_range_and_back() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let there = Colour::from_rgb(red, green, blue);
                    let back = there.to_rgb();
                    for (a, b) in back.iter().zip([red, green, blue]) {
                        assert!(a.abs_diff(b) <= 2, "{red} {green} {blue}: {there:?} {back:?}");
                    }
                }
            }
        }
        assert_eq!(Colour::from_rgb(255, 255, 255), Colour { y: 235, u: 128, v: 128 });
        assert_eq!(Colour::from_rgb(0, 0, 0), Colour::BLACK);
    }
}
