//! Y4M (YUV4MPEG2): pictures that were decoded, one behind the other; what `ffmpeg` and browsers' fake cameras read.
//!
//! ```text
//! "YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n"   then for each picture   "FRAME\n"  Y  U  V
//! ```
//!
//! Planes lie without gaps, chroma half the size rounded up. Pictures come at a fixed rate and have one size: another
//! size is another file.

use std::io::{Read, Write};

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::picture::{Picture, PlaneMut};

/// A header line is no longer than this.
const LINE_LIMIT: usize = 1_024;
/// The largest picture that is read, in bytes: 64 million pixels.
const PICTURE_LIMIT: usize = 96 << 20;

/// Writes pictures.
#[derive(Debug)]
pub struct Y4mWriter<W> {
    output: W,
    size: (u32, u32),
}

impl<W: Write> Y4mWriter<W> {
    /// Writes the header: width and height, and pictures per second as a fraction.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(mut output: W, size: (u32, u32), rate: (u32, u32)) -> Result<Self, Error> {
        let ((width, height), (pictures, seconds)) = (size, rate);
        let (pictures, seconds) = (pictures.max(1), seconds.max(1));
        writeln!(
            output,
            "YUV4MPEG2 W{width} H{height} F{pictures}:{seconds} Ip A1:1 C420jpeg XCOLORRANGE=LIMITED"
        )?;
        Ok(Self { output, size })
    }

    /// Writes a picture.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a picture of another size than the file's, and what the system says.
    pub fn write(&mut self, picture: &Picture) -> Result<(), Error> {
        let got = (picture.width(), picture.height());
        if got != self.size {
            return Err(Error::SizeChanged { got, before: self.size });
        }
        self.output.write_all(b"FRAME\n")?;
        for plane in [picture.y(), picture.u(), picture.v()] {
            for row in plane.rows() {
                self.output.write_all(row)?;
            }
        }
        Ok(())
    }

    /// Gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<W, Error> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// Reads pictures.
#[derive(Debug)]
pub struct Y4mReader<R> {
    input: Input<R>,
    size: (u32, u32),
    rate: (u32, u32),
    ended: bool,
}

impl<R: Read> Y4mReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is no Y4M of 8-bit 4:2:0 pictures, or the file ends in it.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut input = Input::new(reader);
        let line = read_line(&mut input)?.unwrap_or_default();
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(Error::Malformed { fault: Fault::Kind, at: 0 });
        }
        let (mut size, mut rate) = ((0, 0), (30, 1));
        for word in words {
            let (name, value) = word.split_at_checked(1).unwrap_or((word, ""));
            match name {
                "W" => size.0 = value.parse().unwrap_or(0),
                "H" => size.1 = value.parse().unwrap_or(0),
                "F" => {
                    let (pictures, seconds) = value.split_once(':').unwrap_or((value, "1"));
                    rate = (pictures.parse().unwrap_or(0), seconds.parse().unwrap_or(0));
                }
                // Where exactly chroma is sampled differs by less than can be seen.
                "C" if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                    return Err(input.malformed(Fault::Codec));
                }
                _ => {}
            }
        }
        let sides = 1..=Picture::LIMIT;
        let fits = sides.contains(&size.0) && sides.contains(&size.1) && picture_len(size) <= PICTURE_LIMIT;
        if !fits || rate.0 == 0 || rate.1 == 0 {
            return Err(input.malformed(Fault::Header));
        }
        Ok(Self { input, size, rate, ended: false })
    }

    /// Width and height of all pictures.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Pictures per second as a fraction.
    pub fn rate(&self) -> (u32, u32) {
        self.rate
    }

    /// The next picture; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file ends inside a picture, or there is something else in its place.
    pub fn next_picture(&mut self) -> Result<Option<Picture>, Error> {
        if self.ended {
            return Ok(None);
        }
        let picture = self.read();
        self.ended = !matches!(picture, Ok(Some(_)));
        picture
    }

    fn read(&mut self) -> Result<Option<Picture>, Error> {
        let Some(line) = read_line(&mut self.input)? else { return Ok(None) };
        if line.split(' ').next() != Some("FRAME") {
            return Err(self.input.malformed(Fault::Structure));
        }
        let bytes = self.input.take_within(picture_len(self.size), PICTURE_LIMIT)?;
        let mut picture =
            Picture::new(self.size.0, self.size.1).map_err(|_| self.input.malformed(Fault::Header))?;
        let mut rest = &bytes[..];
        for (mut plane, half) in picture.planes_mut().into_iter().zip([false, true, true]) {
            rest = fill(&mut plane, plane_size(self.size, half), rest);
        }
        Ok(Some(picture))
    }
}

/// Copies rows into a plane; gives what is left.
fn fill<'a>(plane: &mut PlaneMut<'_>, (width, height): (usize, usize), mut rows: &'a [u8]) -> &'a [u8] {
    for row in 0..height {
        let (bytes, rest) = rows.split_at(width.min(rows.len()));
        if let Some(target) = plane.row_mut(row).get_mut(..bytes.len()) {
            target.copy_from_slice(bytes);
        }
        rows = rest;
    }
    rows
}

fn plane_size((width, height): (u32, u32), half: bool) -> (usize, usize) {
    let part = |side: u32| if half { side.div_ceil(2) } else { side } as usize;
    (part(width), part(height))
}

fn picture_len(size: (u32, u32)) -> usize {
    let area = |half| {
        let (width, height) = plane_size(size, half);
        width.saturating_mul(height)
    };
    area(false).saturating_add(area(true).saturating_mul(2))
}

/// A line without its end; `None` where the file ends in front of it.
fn read_line<R: Read>(input: &mut Input<R>) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    loop {
        match input.header::<1>()? {
            None if line.is_empty() => return Ok(None),
            None => return Err(input.truncated()),
            Some([b'\n']) => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            Some(_) if line.len() >= LINE_LIMIT => return Err(input.malformed(Fault::Oversized)),
            Some([byte]) => line.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::pattern::TestPattern;
    use crate::source::traits::{Moment, VideoSource};

    fn pictures(size: (u32, u32)) -> Vec<Picture> {
        let mut pattern = TestPattern::new(size.0, size.1, 30).unwrap();
        let moment = |number| Moment { number, elapsed: Default::default(), wall: Default::default() };
        (0..3).map(|number| pattern.draw(moment(number)).clone()).collect()
    }

    fn file(pictures: &[Picture]) -> Vec<u8> {
        let size = (pictures[0].width(), pictures[0].height());
        let mut writer = Y4mWriter::new(Vec::new(), size, (30_000, 1_001)).unwrap();
        for picture in pictures {
            writer.write(picture).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn pictures_of_even_and_odd_sizes_are_read_back() {
        for size in [(64, 48), (65, 49)] {
            let pictures = pictures(size);
            let bytes = file(&pictures);
            let mut reader = Y4mReader::new(&bytes[..]).unwrap();
            assert_eq!((reader.size(), reader.rate()), (size, (30_000, 1_001)));
            for picture in pictures {
                assert!(reader.next_picture().unwrap() == Some(picture));
            }
            assert!(reader.next_picture().unwrap().is_none());
        }
    }

    #[test]
    fn another_size_is_refused() {
        let mut writer = Y4mWriter::new(Vec::new(), (32, 32), (30, 1)).unwrap();
        let error = writer.write(&Picture::new(32, 34).unwrap()).unwrap_err();
        assert!(matches!(error, Error::SizeChanged { got: (32, 34), before: (32, 32) }));
    }

    #[test]
    fn a_file_cut_anywhere_gives_whole_pictures() {
        let pictures = pictures((64, 48));
        let bytes = file(&pictures[..2]);
        let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for len in 0..bytes.len() {
            let Ok(mut reader) = Y4mReader::new(&bytes[..len]) else {
                assert!(len < header);
                continue;
            };
            let frame = 6 + 64 * 48 * 3 / 2;
            for _ in 0..(len - header) / frame {
                assert!(reader.next_picture().unwrap().is_some());
            }
            let is_whole = (len - header) % frame == 0;
            assert_eq!(reader.next_picture().is_ok(), is_whole);
            assert!(matches!(reader.next_picture(), Ok(None)));
        }
    }

    #[test]
    fn impossible_headers_are_refused_before_memory_is_taken() {
        for header in [
            "YUV4MPEG2 W0 H1\n",
            "YUV4MPEG2 W16383 H16383\n",
            "YUV4MPEG2 W4294967297 H1\n",
            "YUV4MPEG2 W2 H2 C444\n",
            "YUV4MPEG2 W2 H2 F0:1\n",
            "YUV4MPEG\n",
            "é\n",
        ] {
            assert!(matches!(Y4mReader::new(header.as_bytes()), Err(Error::Malformed { .. })), "{header}");
        }
        assert!(Y4mReader::new(&[b'x'; 5_000][..]).is_err());
    }
}
