//! WAV: G.711, G.722 and linear samples, as RIFF chunks (RFC 2361 names the codecs).
//!
//! ```text
//! "RIFF"  size (4)  "WAVE"
//! "fmt "  size (4)  codec (2)  channels (2)  rate (4)  bytes per second (4)  bytes per block (2)  bits per sample (2)
//! "fact"  4 (4)     samples per channel (4)                                      where the codec is not linear
//! "data"  size (4)  the sound                                                    all little-endian
//! ```
//!
//! A file begins with its first frame; where frames are missing it is silent for as long. The sizes in it are made
//! right with each flush, so that a program that dies leaves a file that plays. L16 is big-endian in RTP and
//! little-endian here.

use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::Bytes;
use peerless::Format;

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::stored::{StoredFrame, TrackInfo, from_ticks, to_ticks};

/// The most sound in a file: sizes have 32 bits, and the header counts too.
const DATA_LIMIT: u64 = u32::MAX as u64 - 1_024;
/// Gaps below this are rounding and jitter of clocks, not silence.
const SMALLEST_GAP: Duration = Duration::from_millis(2);
/// A frame that is read is 20 ms of sound (RFC 3551 §4.2), or less where that would not fit into a packet.
const PACKET_ROOM: u32 = 1_000;

/// How a codec stands in WAV.
#[derive(Debug, Clone, Copy)]
struct Layout {
    tag: u16,
    /// Of the sound, not of the RTP clock.
    rate: u32,
    channels: u16,
    bits: u16,
    bytes_per_second: u32,
    block: u16,
    silence: u8,
}

impl Layout {
    fn of(info: &TrackInfo) -> Result<Self, Error> {
        let (rate, channels) = (info.clock_rate, u16::from(info.channels));
        let telephone = |tag, silence| Self {
            tag,
            rate: 8_000,
            channels: 1,
            bits: 8,
            bytes_per_second: 8_000,
            block: 1,
            silence,
        };
        match info.format {
            Format::Pcmu => Ok(telephone(MU_LAW, 0xff)),
            Format::Pcma => Ok(telephone(A_LAW, 0xd5)),
            // Half a byte for each sample of 16 kHz (RFC 3551 §4.5.2: the RTP clock is half of that).
            Format::G722 => Ok(Self { rate: 16_000, bits: 4, ..telephone(G722, 0xff) }),
            Format::L16 => {
                let block = channels * 2;
                let bytes_per_second = rate.saturating_mul(block.into());
                Ok(Self { tag: LINEAR, rate, channels, bits: 16, bytes_per_second, block, silence: 0 })
            }
            format => Err(Error::Unsupported(format)),
        }
    }

    /// WAVEFORMATEX, 18 bytes.
    fn to_chunk(self) -> Vec<u8> {
        let mut chunk = Vec::with_capacity(18);
        chunk.extend_from_slice(&self.tag.to_le_bytes());
        chunk.extend_from_slice(&self.channels.to_le_bytes());
        chunk.extend_from_slice(&self.rate.to_le_bytes());
        chunk.extend_from_slice(&self.bytes_per_second.to_le_bytes());
        chunk.extend_from_slice(&self.block.to_le_bytes());
        chunk.extend_from_slice(&self.bits.to_le_bytes());
        chunk.extend_from_slice(&0u16.to_le_bytes());
        chunk
    }
}

const LINEAR: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const G722: u16 = 0x028f;
const EXTENSIBLE: u16 = 0xfffe;

/// Writes sound.
#[derive(Debug)]
pub struct WavWriter<W> {
    output: W,
    layout: Layout,
    is_linear: bool,
    /// Where the size of the sound stands; the sound begins 4 bytes later.
    size_at: u64,
    written: u64,
    start: Option<Duration>,
    scratch: Vec<u8>,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Writes the header of a file of G.711, G.722 or L16.
    ///
    /// # Errors
    /// For any other format, and what the system says.
    pub fn new(output: W, info: &TrackInfo) -> Result<Self, Error> {
        let layout = Layout::of(info)?;
        let is_linear = layout.tag == LINEAR;
        let size_at = if is_linear { 40 } else { 54 };
        let mut writer =
            Self { output, layout, is_linear, size_at, written: 0, start: None, scratch: Vec::new() };
        writer.write_header()?;
        Ok(writer)
    }

    fn write_header(&mut self) -> Result<(), Error> {
        let layout = self.layout;
        let written = self.written as u32;
        let mut header = Vec::with_capacity(58);
        header.extend_from_slice(b"RIFF");
        header.extend_from_slice(&(self.size_at as u32 - 4 + written + written % 2).to_le_bytes());
        header.extend_from_slice(b"WAVEfmt ");
        header.extend_from_slice(&if self.is_linear { 16u32 } else { 18 }.to_le_bytes());
        // Linear sound goes without the length of an extension that is not there.
        let chunk = layout.to_chunk();
        header.extend_from_slice(chunk.get(..if self.is_linear { 16 } else { 18 }).unwrap_or(&chunk));
        if !self.is_linear {
            header.extend_from_slice(b"fact");
            header.extend_from_slice(&4u32.to_le_bytes());
            let samples = self.written * u64::from(layout.rate) / u64::from(layout.bytes_per_second);
            header.extend_from_slice(&u32::try_from(samples).unwrap_or(u32::MAX).to_le_bytes());
        }
        header.extend_from_slice(b"data");
        header.extend_from_slice(&written.to_le_bytes());
        self.output.seek(SeekFrom::Start(0))?;
        self.output.write_all(&header)?;
        self.output.seek(SeekFrom::Start(self.size_at + 4 + self.written))?;
        Ok(())
    }

    /// Writes one frame, and silence before it where it comes later than the sound so far ends. One that comes earlier
    /// follows at once.
    ///
    /// # Errors
    /// [`Error::TooLong`] at four gigabytes, or what the system says.
    pub fn write(&mut self, frame: &StoredFrame) -> Result<(), Error> {
        let start = *self.start.get_or_insert(frame.time);
        let gap = self.gap(frame.time.saturating_sub(start));
        if self.written + gap + frame.payload.len() as u64 > DATA_LIMIT {
            return Err(Error::TooLong);
        }
        std::io::copy(&mut std::io::repeat(self.layout.silence).take(gap), &mut self.output)?;
        self.written += gap;
        if self.is_linear {
            swap_bytes(&frame.payload, &mut self.scratch);
            self.output.write_all(&self.scratch)?;
        } else {
            self.output.write_all(&frame.payload)?;
        }
        self.written += frame.payload.len() as u64;
        Ok(())
    }

    /// Bytes of silence that are missing at a time from the start.
    fn gap(&self, time: Duration) -> u64 {
        let block = u64::from(self.layout.block);
        let blocks_per_second = self.layout.bytes_per_second / u32::from(self.layout.block);
        let here = from_ticks(self.written / block, blocks_per_second.into());
        if time < here + SMALLEST_GAP {
            return 0;
        }
        to_ticks(time - here, blocks_per_second) * block
    }

    /// Makes the sizes right and hands what is buffered to the output.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.write_header()?;
        Ok(self.output.flush()?)
    }

    /// Makes the sizes right and gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<W, Error> {
        if self.written % 2 == 1 {
            self.output.write_all(&[0])?;
        }
        self.flush()?;
        Ok(self.output)
    }
}

/// Reads sound in frames of 20 ms; shorter ones where 20 ms of it would not fit into a packet.
#[derive(Debug)]
pub struct WavReader<R> {
    input: Input<R>,
    info: TrackInfo,
    layout: Layout,
    /// Bytes of sound still to come by the header; `None` up to the end of the file.
    left: Option<u64>,
    read: u64,
    ended: bool,
}

impl<R: Read> WavReader<R> {
    /// Reads up to the sound.
    ///
    /// # Errors
    /// When it is no WAV of G.711, G.722 or 16-bit linear sound, or the file ends in its header.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut input = Input::new(reader);
        let kind = input.take(12)?;
        if !kind.starts_with(b"RIFF") || !kind.ends_with(b"WAVE") {
            return Err(Error::Malformed { fault: Fault::Kind, at: 0 });
        }
        let mut info = None;
        loop {
            let header = input.take(8)?;
            let mut size = [0; 4];
            size.copy_from_slice(header.get(4..).unwrap_or(&[0; 4]));
            let size = u32::from_le_bytes(size);
            if header.starts_with(b"data") {
                let info: TrackInfo = info.ok_or(input.malformed(Fault::Structure))?;
                let layout = Layout::of(&info)?;
                // A program that died before it knew the size leaves 0 or the largest number.
                let left = (size != 0 && size != u32::MAX).then_some(u64::from(size));
                return Ok(Self { input, info, layout, left, read: 0, ended: false });
            }
            if header.starts_with(b"fmt ") {
                let chunk = input.take(usize::try_from(size).unwrap_or(usize::MAX))?;
                info = Some(parse_format(&chunk).ok_or(input.malformed(Fault::Codec))?);
                input.skip((size % 2).into())?;
            } else {
                input.skip(u64::from(size) + u64::from(size % 2))?;
            }
        }
    }

    /// What the file holds.
    pub fn info(&self) -> TrackInfo {
        self.info
    }

    /// The next frame; `None` at the end, and after an error. The last one may be shorter.
    ///
    /// # Errors
    /// When the file ends before its sound does by the header, or in the middle of a sample. What is whole was given.
    pub fn next_frame(&mut self) -> Result<Option<StoredFrame>, Error> {
        if self.ended {
            return Ok(None);
        }
        let frame = self.read();
        self.ended = !matches!(frame, Ok(Some(_)));
        frame
    }

    fn read(&mut self) -> Result<Option<StoredFrame>, Error> {
        let block = usize::from(self.layout.block);
        let mut len = (self.layout.bytes_per_second / 50) as usize / block * block;
        while len > PACKET_ROOM as usize && len / 2 >= block {
            len = len / 2 / block * block;
        }
        let wanted = usize::try_from(self.left.unwrap_or(u64::MAX)).unwrap_or(usize::MAX).min(len.max(block));
        let mut bytes = vec![0; wanted];
        let count = self.input.fill(&mut bytes)?;
        let whole = count / block * block;
        if whole == 0 {
            let is_cut = count > 0 || self.left.is_some_and(|left| left > 0);
            return if is_cut { Err(self.input.truncated()) } else { Ok(None) };
        }
        bytes.truncate(whole);
        if let Some(left) = &mut self.left {
            *left -= count as u64;
        }
        let payload: Bytes = if self.layout.tag == LINEAR { swapped(&bytes) } else { bytes.into() };
        let time = from_ticks(self.read, self.layout.bytes_per_second.into());
        self.read += whole as u64;
        Ok(Some(StoredFrame { time, key: true, payload }))
    }
}

/// What a format chunk says, where it is a format that can be sent.
pub(crate) fn parse_format(chunk: &[u8]) -> Option<TrackInfo> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk::<2>()?));
    let rate = u32::from_le_bytes(*chunk.get(4..)?.first_chunk::<4>()?);
    let (mut tag, channels, bits) = (u16_at(0)?, u8::try_from(u16_at(2)?).ok()?, u16_at(14)?);
    if tag == EXTENSIBLE {
        tag = u16_at(24)?;
    }
    match (tag, rate, channels, bits) {
        (MU_LAW, 8_000, 1, 8) => Some(TrackInfo::audio(Format::Pcmu, 8_000, 1)),
        (A_LAW, 8_000, 1, 8) => Some(TrackInfo::audio(Format::Pcma, 8_000, 1)),
        (G722, 16_000, 1, _) => Some(TrackInfo::audio(Format::G722, 8_000, 1)),
        (LINEAR, 1_000..=192_000, 1..=8, 16) => Some(TrackInfo::audio(Format::L16, rate, channels)),
        _ => None,
    }
}

/// A format chunk of 18 bytes (WAVEFORMATEX), as Matroska keeps it too.
pub(crate) fn format_chunk(info: &TrackInfo) -> Result<Vec<u8>, Error> {
    Ok(Layout::of(info)?.to_chunk())
}

/// 16-bit samples in the other byte order.
pub(crate) fn swapped(samples: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(samples.len());
    swap_bytes(samples, &mut out);
    out.into()
}

/// 16-bit samples in the other byte order. Half a sample at the end is left out.
fn swap_bytes(samples: &[u8], swapped: &mut Vec<u8>) {
    swapped.clear();
    let (pairs, _) = samples.as_chunks::<2>();
    swapped.extend(pairs.iter().flat_map(|[first, second]| [*second, *first]));
}

#[cfg(test)]
mod tests;
