//! IVF: VP8 frames with their times, the format of the VP8 project's own tools.
//!
//! ```text
//! "DKIF"  version 0 (2)  header length 32 (2)  "VP80"  width (2)  height (2)
//! ticks per second (4)  seconds per second (4)  length in ticks (4)  unused (4)
//! then for each frame: its length (4)  its time in ticks (8)  its bytes                    all little-endian
//! ```
//!
//! We count 90 000 ticks per second, so that times are those of RTP. The size in the header is that of the first key
//! frame; each key frame carries its own, and players follow it. The length is written at the end: a file that was
//! cut off says 0 and plays.

use std::io::{Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use peerless::Format;

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::size;
use crate::file::stored::{FRAME_LIMIT, StoredFrame, TrackInfo, from_ticks, to_ticks};

const HEADER_LEN: u16 = 32;
/// Where the length stands.
const LENGTH_AT: u64 = 24;

/// Writes VP8 frames.
#[derive(Debug)]
pub struct IvfWriter<W> {
    output: W,
    /// Time of the last frame and the step to it, in ticks.
    last: Option<(u64, u64)>,
}

impl<W: Write + Seek> IvfWriter<W> {
    /// Writes the header of a file. The size is in pixels, each side below 65536.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(mut output: W, (width, height): (u16, u16)) -> Result<Self, Error> {
        let mut header = Vec::with_capacity(usize::from(HEADER_LEN));
        header.extend_from_slice(b"DKIF");
        header.extend_from_slice(&0u16.to_le_bytes());
        header.extend_from_slice(&HEADER_LEN.to_le_bytes());
        header.extend_from_slice(b"VP80");
        header.extend_from_slice(&width.to_le_bytes());
        header.extend_from_slice(&height.to_le_bytes());
        header.extend_from_slice(&TrackInfo::VIDEO_CLOCK.to_le_bytes());
        header.extend_from_slice(&1u32.to_le_bytes());
        header.extend_from_slice(&[0; 8]);
        output.write_all(&header)?;
        Ok(Self { output, last: None })
    }

    /// Writes one frame. Times that go back are put one tick behind the frame before.
    ///
    /// # Errors
    /// When the frame is above [`FRAME_LIMIT`], or what the system says.
    pub fn write(&mut self, frame: &StoredFrame) -> Result<(), Error> {
        let len = u32::try_from(frame.payload.len()).ok().filter(|len| *len as usize <= FRAME_LIMIT);
        let len = len.ok_or(Error::Malformed { fault: Fault::Oversized, at: 0 })?;
        let mut time = to_ticks(frame.time, TrackInfo::VIDEO_CLOCK);
        if let Some((last, _)) = self.last {
            time = time.max(last.saturating_add(1));
        }
        self.output.write_all(&len.to_le_bytes())?;
        self.output.write_all(&time.to_le_bytes())?;
        self.output.write_all(&frame.payload)?;
        self.last = Some((time, self.last.map_or(0, |(last, _)| time - last)));
        Ok(())
    }

    /// Hands what is buffered to the output.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), Error> {
        Ok(self.output.flush()?)
    }

    /// Writes the length and gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<W, Error> {
        if let Some((last, step)) = self.last {
            // 13 hours fit: a longer file goes without.
            let length = u32::try_from(last.saturating_add(step)).unwrap_or(0);
            self.output.seek(SeekFrom::Start(LENGTH_AT))?;
            self.output.write_all(&length.to_le_bytes())?;
            self.output.seek(SeekFrom::End(0))?;
        }
        self.output.flush()?;
        Ok(self.output)
    }
}

/// Reads VP8 frames.
#[derive(Debug)]
pub struct IvfReader<R> {
    input: Input<R>,
    info: TrackInfo,
    /// Ticks per second as a fraction.
    rate: (u32, u32),
    ended: bool,
}

impl<R: Read> IvfReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is no IVF, no VP8, or the file ends in it.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut input = Input::new(reader);
        let header = input.take(usize::from(HEADER_LEN))?;
        let mut fields = Fields(&header);
        let (kind, _version, len) = (fields.next::<4>(), fields.next::<2>(), fields.u16());
        if kind != *b"DKIF" {
            return Err(Error::Malformed { fault: Fault::Kind, at: 0 });
        }
        if fields.next::<4>() != *b"VP80" {
            return Err(Error::Malformed { fault: Fault::Codec, at: 8 });
        }
        let (width, height) = (fields.u16(), fields.u16());
        let rate = (fields.u32(), fields.u32());
        if len < HEADER_LEN || rate.0 == 0 || rate.1 == 0 {
            return Err(Error::Malformed { fault: Fault::Header, at: 0 });
        }
        input.skip(u64::from(len - HEADER_LEN))?;
        let info = TrackInfo::video(Format::Vp8, Some((width.into(), height.into())));
        Ok(Self { input, info, rate, ended: false })
    }

    /// What the file holds.
    pub fn info(&self) -> TrackInfo {
        self.info
    }

    /// The next frame; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file ends inside a frame, or a frame is above [`FRAME_LIMIT`].
    pub fn next_frame(&mut self) -> Result<Option<StoredFrame>, Error> {
        if self.ended {
            return Ok(None);
        }
        let frame = self.read();
        self.ended = !matches!(frame, Ok(Some(_)));
        frame
    }

    fn read(&mut self) -> Result<Option<StoredFrame>, Error> {
        let Some(header) = self.input.header::<12>()? else { return Ok(None) };
        let mut fields = Fields(&header);
        let (len, low, high) = (fields.u32(), fields.u32(), fields.u32());
        let ticks = u128::from(high) << 32 | u128::from(low);
        let payload: Bytes = self.input.take(usize::try_from(len).unwrap_or(usize::MAX))?;
        let ticks = u64::try_from(ticks * u128::from(self.rate.1)).unwrap_or(u64::MAX);
        let time = from_ticks(ticks, self.rate.0.into());
        Ok(Some(StoredFrame { time, key: size::is_vp8_key(&payload), payload }))
    }
}

/// Little-endian fields of a header, front to back; zeros behind its end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *field
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.next())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.next())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;

    fn frame(ms: u64, payload: &'static [u8]) -> StoredFrame {
        StoredFrame {
            time: Duration::from_millis(ms),
            key: size::is_vp8_key(payload),
            payload: Bytes::from_static(payload),
        }
    }

    fn file(frames: &[StoredFrame]) -> Vec<u8> {
        let mut writer = IvfWriter::new(Cursor::new(Vec::new()), (640, 480)).unwrap();
        for frame in frames {
            writer.write(frame).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const KEY: &[u8] = &[0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 7];

    #[test]
    fn frames_are_read_back_as_they_were_written() {
        let frames = [frame(0, KEY), frame(40, &[1, 2, 3]), frame(80, &[]), frame(1_000_000, &[1; 5])];
        let bytes = file(&frames);
        let mut reader = IvfReader::new(&bytes[..]).unwrap();
        assert_eq!(reader.info(), TrackInfo::video(Format::Vp8, Some((640, 480))));
        for frame in frames {
            assert_eq!(reader.next_frame().unwrap(), Some(frame));
        }
        assert!(reader.next_frame().unwrap().is_none());
        assert_eq!(bytes[24..28], (90_000_000u32 + 89_992_800).to_le_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_whole_frames_and_then_says_where_it_ends() {
        let bytes = file(&[frame(0, KEY), frame(40, &[1, 2, 3])]);
        for len in 0..bytes.len() {
            let Ok(mut reader) = IvfReader::new(&bytes[..len]) else {
                assert!(len < 32);
                continue;
            };
            let whole = if len >= 32 + 12 + KEY.len() { 1 } else { 0 };
            for _ in 0..whole {
                assert!(reader.next_frame().unwrap().is_some());
            }
            match reader.next_frame() {
                Ok(None) => assert!(len == 32 || len == 32 + 12 + KEY.len()),
                Err(Error::Truncated { at }) => assert_eq!(at, len as u64),
                other => panic!("{len}: {other:?}"),
            }
            assert!(matches!(reader.next_frame(), Ok(None)), "once only");
        }
    }

    #[test]
    fn an_overstated_length_is_refused_before_memory_is_taken() {
        let mut bytes = file(&[frame(0, KEY)]);
        bytes[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut reader = IvfReader::new(&bytes[..]).unwrap();
        let error = reader.next_frame().unwrap_err();
        assert!(matches!(error, Error::Malformed { fault: Fault::Oversized, .. }), "{error}");
    }

    #[test]
    fn times_that_go_back_stay_in_order() {
        let bytes = file(&[frame(40, KEY), frame(40, &[1]), frame(0, &[1])]);
        let mut reader = IvfReader::new(&bytes[..]).unwrap();
        let mut times = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            times.push(to_ticks(frame.time, 90_000));
        }
        assert_eq!(times, [3_600, 3_601, 3_602]);
    }
}
