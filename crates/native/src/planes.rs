//! A borrowed I420 picture that is known to be large enough for what it says it is: what C may read without asking.

/// Three planes of 8-bit samples, 4:2:0: luma of `width` × `height`, chroma of half of each, rounded up.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    width: u32,
    height: u32,
    y: &'a [u8],
    u: &'a [u8],
    v: &'a [u8],
    y_stride: u32,
    uv_stride: u32,
}

/// Why three slices are not a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanesError {
    /// A side is zero or above [`Planes::LIMIT`].
    #[error("a picture of {width}x{height}")]
    Size {
        /// In luma samples.
        width: u32,
        /// In luma samples.
        height: u32,
    },
    /// A row is longer than the stride, or a plane ends before its last row does.
    #[error("a plane is too small for its size and stride")]
    TooSmall,
}

impl<'a> Planes<'a> {
    /// The longest side: VP8 writes 14 bits (RFC 6386 §9.1).
    pub const LIMIT: u32 = 16_383;

    /// Checks that each plane holds all rows of its size at its stride (bytes from one row to the next).
    ///
    /// # Errors
    /// When a side is out of range or a plane is too short.
    pub fn new(
        (width, height): (u32, u32),
        (y, y_stride): (&'a [u8], usize),
        (u, v, uv_stride): (&'a [u8], &'a [u8], usize),
    ) -> Result<Self, PlanesError> {
        if width == 0 || height == 0 || width > Self::LIMIT || height > Self::LIMIT {
            return Err(PlanesError::Size { width, height });
        }
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let y_stride = fits(y, y_stride, width, height)?;
        let uv_stride = fits(u, uv_stride, half_width, half_height)?;
        fits(v, uv_stride as usize, half_width, half_height)?;
        Ok(Self { width, height, y, u, v, y_stride, uv_stride })
    }

    /// Luma samples in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Luma rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The planes in order Y, U, V.
    pub fn data(&self) -> [&'a [u8]; 3] {
        [self.y, self.u, self.v]
    }

    /// Bytes from row to row of luma and of each chroma plane; they fit the `int` of C.
    pub fn strides(&self) -> (u32, u32) {
        (self.y_stride, self.uv_stride)
    }
}

fn fits(plane: &[u8], stride: usize, width: u32, height: u32) -> Result<u32, PlanesError> {
    let width = width as usize;
    let needed = stride.checked_mul(height as usize - 1).and_then(|n| n.checked_add(width));
    let stride_fits = i32::try_from(stride).is_ok() && stride >= width;
    match needed {
        Some(needed) if stride_fits && plane.len() >= needed => Ok(stride as u32),
        _ => Err(PlanesError::TooSmall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_one_byte_short_is_refused() {
        let (y, uv) = ([0u8; 16 * 15 + 15], [0u8; 8 * 8]);
        assert!(Planes::new((15, 16), (&y, 16), (&uv, &uv, 8)).is_ok());
        let short = Planes::new((15, 16), (&y[1..], 16), (&uv, &uv, 8));
        assert_eq!(short.unwrap_err(), PlanesError::TooSmall);
        let short = Planes::new((15, 16), (&y, 16), (&uv, &uv[1..], 8));
        assert_eq!(short.unwrap_err(), PlanesError::TooSmall);
        assert!(Planes::new((15, 16), (&y, 14), (&uv, &uv, 8)).is_err());
        assert!(Planes::new((0, 16), (&y, 16), (&uv, &uv, 8)).is_err());
        assert!(Planes::new((15, 16), (&y, usize::MAX), (&uv, &uv, 8)).is_err());
    }
}
