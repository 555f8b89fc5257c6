//! Pictures to what screens and files take: R'G'B' of full range, and PNG (feature `png`).
//!
//! Exact integer arithmetic of BT.601 (ITU-R BT.601-7 §2.5), studio range in, full range out; each chroma sample holds
//! for its square of four pixels.

#[cfg(feature = "png")]
use std::io::{self, Write};

use crate::picture::{Colour, Picture};

impl Picture {
    /// Three bytes for each pixel, red first, row after row from the top.
    pub fn to_rgb(&self) -> Vec<u8> {
        self.interleaved::<3>()
    }

    /// Four bytes for each pixel, red first, alpha 255, row after row from the top.
    pub fn to_rgba(&self) -> Vec<u8> {
        self.interleaved::<4>()
    }

    /// Writes it as a PNG file of 8-bit RGB.
    ///
    /// # Errors
    /// Those of the writer.
    #[cfg(feature = "png")]
    pub fn write_png(&self, output: impl Write) -> io::Result<()> {
        let mut encoder = png::Encoder::new(output, self.width(), self.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.to_rgb())?;
        Ok(writer.finish()?)
    }

    fn interleaved<const BYTES: usize>(&self) -> Vec<u8> {
        let row_len = self.width() as usize * BYTES;
        let mut output = vec![255; row_len * self.height() as usize];
        let (y, u, v) = (self.y(), self.u(), self.v());
        for (row, target) in output.chunks_exact_mut(row_len).enumerate() {
            write_row::<BYTES>(y.row(row), (u.row(row / 2), v.row(row / 2)), target);
        }
        output
    }
}

/// Two pixels at a time share their chroma.
fn write_row<const BYTES: usize>(y: &[u8], (u, v): (&[u8], &[u8]), target: &mut [u8]) {
    for (((y, &u), &v), target) in y.chunks(2).zip(u).zip(v).zip(target.chunks_mut(2 * BYTES)) {
        for (&y, pixel) in y.iter().zip(target.chunks_exact_mut(BYTES)) {
            if let Some((rgb, _)) = pixel.split_first_chunk_mut::<3>() {
                *rgb = Colour { y, u, v }.to_rgb();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_has_its_own_colour_at_even_and_odd_sizes() {
        for (width, height) in [(1, 1), (2, 2), (7, 5), (16, 9)] {
            let mut picture = Picture::new(width, height).unwrap();
            let mut value = 1u32;
            for mut plane in picture.planes_mut() {
                for row in 0..plane.height() {
                    plane.row_mut(row).fill_with(|| {
                        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (value >> 24) as u8
                    });
                }
            }
            let (rgb, rgba) = (picture.to_rgb(), picture.to_rgba());
            assert_eq!(
                (rgb.len() / 3, rgba.len() / 4),
                ((width * height) as usize, (width * height) as usize)
            );
            for at in 0..(width * height) as usize {
                let expected = picture.colour(at % width as usize, at / width as usize).to_rgb();
                assert_eq!(rgb[at * 3..at * 3 + 3], expected, "{width}x{height} {at}");
                assert_eq!(rgba[at * 4..at * 4 + 4], [expected[0], expected[1], expected[2], 255]);
            }
        }
    }

    #[cfg(feature = "png")]
    #[test]
    fn a_png_holds_the_same_pixels() {
        let mut picture = Picture::new(33, 17).unwrap();
        picture.fill((0, 0), (16, 17), Colour::from_rgb(255, 0, 0));
        picture.fill((16, 0), (17, 9), Colour::from_rgb(20, 200, 90));
        let mut file = Vec::new();
        picture.write_png(&mut file).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (33, 17, png::ColorType::Rgb));
        assert_eq!(pixels, picture.to_rgb());
    }
}
