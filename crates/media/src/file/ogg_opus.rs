//! Opus in Ogg (RFC 7845): a header packet, a comment packet, then packets of sound, counted in samples of 48 kHz.
//!
//! Where packets are missing, as after loss or while nothing was sent (discontinuous transmission), packets whose
//! frames are empty stand for them, as §4.1 asks: decoders conceal that time, and positions stay true.
//! What is read leaves these out again.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use peerless::Format;

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::ogg::{Packet, PageReader, PageWriter};
use crate::file::stored::{StoredFrame, TrackInfo, from_ticks, to_ticks};

/// Granule positions count these (§4).
const RATE: u32 = 48_000;
/// A page is ended at this many samples: what a program that dies loses (§4: no more than a second).
const PAGE_SAMPLES: u64 = 48_000;
/// The shortest frame of Opus. Gaps below are the jitter of clocks.
const SHORTEST: u64 = 120;
/// The longest packet (RFC 6716 §3.2.5).
const LONGEST: u64 = 5_760;
/// Packets on one page, and so in memory, while its position is not known.
const GROUP_LIMIT: usize = 512;

/// The samples at the start that a decoder needs to settle: the usual encoder's delay. Also of Opus in Matroska.
pub(crate) const PRE_SKIP: u16 = 312;

/// The header packet (§5.1): two channels, as RTP always says, and family 0.
pub(crate) fn head() -> [u8; 19] {
    let mut head = *b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0";
    if let Some(field) = head.get_mut(10..12) {
        field.copy_from_slice(&PRE_SKIP.to_le_bytes());
    }
    head
}

/// Whether a header packet is of sound that we send: one or two channels in one stream.
pub(crate) fn is_head(packet: &[u8]) -> bool {
    let Some((start, _)) = packet.split_first_chunk::<19>() else { return false };
    let [magic @ .., version, channels, _, _, _, _, _, _, _, _, family] = start;
    magic == b"OpusHead" && version & 0xf0 == 0 && (1..=2).contains(channels) && *family == 0
}

/// How long an Opus packet is in samples of 48 kHz (RFC 6716 §3.1, §3.2.5). `None` where it is none.
pub(crate) fn duration(packet: &[u8]) -> Option<u64> {
    let contents = *packet.first()?;
    let frames = match contents & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0x3f),
    };
    let samples = frame_samples(contents) * frames;
    (1..=LONGEST).contains(&samples).then_some(samples)
}

/// The length of one frame by the packet's table of contents (RFC 6716 §3.1).
fn frame_samples(contents: u8) -> u64 {
    match contents >> 3 {
        config @ 0..=11 => [480, 960, 1_920, 2_880].get(usize::from(config & 3)),
        config @ 12..=15 => [480, 960].get(usize::from(config & 1)),
        config => [120, 240, 480, 960].get(usize::from(config & 3)),
    }
    .copied()
    .unwrap_or(960)
}

/// Writes Opus packets.
#[derive(Debug)]
pub struct OggOpusWriter<W> {
    pages: PageWriter<W>,
    /// The time of the first packet, which positions begin with.
    start: Option<Duration>,
    /// In samples: where the sound so far ends, and where the page being filled began.
    position: u64,
    page_start: u64,
    /// The table of contents of the last packet: what is missing is filled in its kind.
    contents: u8,
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the two headers. `serial` tells the stream from others in the same file.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(output: W, serial: u32) -> Result<Self, Error> {
        let mut pages = PageWriter::new(output, serial);
        pages.write(&head(), 0)?;
        pages.end_page()?;
        // §5.2: who wrote it, and no comments.
        pages.write(b"OpusTags\x08\0\0\0Peerless\0\0\0\0", 0)?;
        pages.end_page()?;
        Ok(Self { pages, start: None, position: 0, page_start: 0, contents: 0 })
    }

    /// Writes one packet, and what stands for missing ones before it. One that comes earlier than the sound so far
    /// ends follows at once; bytes that are no Opus packet are left out.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, frame: &StoredFrame) -> Result<(), Error> {
        let Some(samples) = duration(&frame.payload) else { return Ok(()) };
        let here = to_ticks(frame.time, RATE);
        if self.start.is_none() {
            self.start = Some(frame.time);
            (self.position, self.page_start) = (here, here);
        } else {
            self.fill(here.saturating_sub(self.position))?;
        }
        self.contents = frame.payload.first().copied().unwrap_or(0);
        self.write_packet(&frame.payload, samples)
    }

    fn write_packet(&mut self, packet: &[u8], samples: u64) -> Result<(), Error> {
        self.position += samples;
        self.pages.write(packet, self.position)?;
        if self.position - self.page_start >= PAGE_SAMPLES {
            self.pages.end_page()?;
            self.page_start = self.position;
        }
        Ok(())
    }

    /// Packets without sound for a number of samples, as far as whole frames go: of the last packet's kind, then of
    /// CELT with its shortest frames.
    fn fill(&mut self, mut gap: u64) -> Result<(), Error> {
        let shortest = SHORTEST_CELT | self.contents & STEREO;
        for contents in [self.contents, shortest] {
            let frame = frame_samples(contents);
            while gap >= frame.max(SHORTEST) {
                let count = (gap.min(LONGEST) / frame).clamp(1, 48);
                self.write_packet(&[contents | 3, count as u8], count * frame)?;
                gap -= count * frame;
            }
        }
        Ok(())
    }

    /// Ends the page and hands what is buffered to the output.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.pages.end_page()?;
        self.page_start = self.position;
        self.pages.flush()
    }

    /// Ends the stream and gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> Result<W, Error> {
        self.pages.finish(self.position)
    }
}

const STEREO: u8 = 4;
/// CELT, fullband, 2.5 ms.
const SHORTEST_CELT: u8 = 28 << 3;

/// Whether a packet is one that stands for missing ones: several frames of the same length, none.
fn is_filler(packet: &[u8]) -> bool {
    matches!(packet, [contents, count] if contents & 3 == 3 && count & 0xc0 == 0)
}

/// Reads Opus packets. Of a file with several streams the first is read, of a chain of files the first.
#[derive(Debug)]
pub struct OggOpusReader<R> {
    pages: PageReader<R>,
    /// Packets of one page, with their times, in samples.
    ready: VecDeque<(u64, Bytes)>,
    position: Option<u64>,
    /// What is wrong behind them.
    problem: Option<Error>,
    ended: bool,
}

impl<R: Read> OggOpusReader<R> {
    /// Reads the headers.
    ///
    /// # Errors
    /// When it is no Ogg, no Opus of one or two channels, or the file ends in its headers.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut pages = PageReader::new(Input::new(reader));
        let head = pages.next_packet()?.ok_or_else(|| pages.input().truncated())?;
        if !is_head(&head.bytes) {
            return Err(Error::Malformed { fault: Fault::Codec, at: 28 });
        }
        let tags = pages.next_packet()?.ok_or_else(|| pages.input().truncated())?;
        if !tags.bytes.starts_with(b"OpusTags") {
            return Err(pages.input().malformed(Fault::Structure));
        }
        Ok(Self { pages, ready: VecDeque::new(), position: None, problem: None, ended: false })
    }

    /// What the file holds.
    pub fn info(&self) -> TrackInfo {
        TrackInfo::audio(Format::Opus, RATE, 2)
    }

    /// The next packet; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file ends inside a page, or a page is broken. What is whole before was given.
    pub fn next_frame(&mut self) -> Result<Option<StoredFrame>, Error> {
        loop {
            if let Some((samples, payload)) = self.ready.pop_front() {
                if is_filler(&payload) {
                    continue;
                }
                let time = from_ticks(samples, RATE.into());
                return Ok(Some(StoredFrame { time, key: true, payload }));
            }
            if self.ended {
                return self.problem.take().map_or(Ok(None), Err);
            }
            self.read_page();
        }
    }

    /// Reads up to the end of a page, whose position tells when its first packet began.
    fn read_page(&mut self) {
        let mut group: Vec<(Packet, u64)> = Vec::new();
        loop {
            match self.pages.next_packet() {
                Ok(Some(packet)) => {
                    if let Some(samples) = duration(&packet.bytes) {
                        let is_last = packet.position.is_some() || group.len() >= GROUP_LIMIT;
                        group.push((packet, samples));
                        if is_last {
                            break;
                        }
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(problem) => {
                    (self.ended, self.problem) = (true, Some(problem));
                    break;
                }
            }
        }
        let total: u64 = group.iter().map(|(_, samples)| samples).sum();
        let end = group.last().and_then(|(packet, _)| packet.position);
        let follows = !group.iter().any(|(packet, _)| packet.after_gap);
        let told = end.map(|end| end.saturating_sub(total));
        // §4.5: the position of the last page may be early, to cut off the end; so it counts after a gap only.
        let mut here = self.position.filter(|_| follows).or(told).or(self.position).unwrap_or(0);
        for (packet, samples) in group {
            self.ready.push_back((here, packet.bytes));
            here = here.saturating_add(samples);
        }
        self.position = Some(here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(samples: u64, payload: &[u8]) -> StoredFrame {
        StoredFrame {
            time: from_ticks(samples, RATE.into()),
            key: true,
            payload: Bytes::copy_from_slice(payload),
        }
    }

    fn file(frames: &[StoredFrame]) -> Vec<u8> {
        let mut writer = OggOpusWriter::new(Vec::new(), 1).unwrap();
        for frame in frames {
            writer.write(frame).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<StoredFrame>, Option<Error>) {
        let mut reader = OggOpusReader::new(bytes).unwrap();
        let mut frames = Vec::new();
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    /// CELT fullband 20 ms, stereo.
    const CELT: u8 = 31 << 3 | 4;
    /// SILK wideband 60 ms, mono.
    const SILK: u8 = 11 << 3;

    #[test]
    fn packets_come_back_with_their_times_however_far_apart() {
        let mut frames: Vec<_> = (0..200u64).map(|n| frame(n * 960, &[CELT, n as u8, 3])).collect();
        // Loss of three, then a minute of silence, then another kind of packet at an odd time.
        frames.extend((203..300u64).map(|n| frame(n * 960, &[CELT, n as u8, 4, 5])));
        frames.extend((0..50u64).map(|n| frame(3_200_040 + n * 2_880, &[SILK, n as u8])));
        let (read, error) = read(&file(&frames));
        assert!(error.is_none());
        let payloads = |frames: &[StoredFrame]| frames.iter().map(|f| f.payload.clone()).collect::<Vec<_>>();
        assert_eq!(payloads(&read), payloads(&frames));
        for (read, written) in read.iter().zip(&frames) {
            let off = read.time.abs_diff(written.time);
            assert!(off < from_ticks(SHORTEST, RATE.into()), "{:?} for {:?}", read.time, written.time);
        }
        assert_eq!(read[296].time, frames[296].time);
    }

    #[test]
    fn a_recording_that_begins_late_keeps_its_beginning() {
        let frames: Vec<_> = (0..5u64).map(|n| frame(96_000 + n * 960, &[CELT, 1, 2])).collect();
        assert_eq!(read(&file(&frames)).0, frames);
    }

    #[test]
    fn packets_tell_their_length() {
        assert_eq!(duration(&[CELT, 1]), Some(960));
        assert_eq!(duration(&[SILK, 1]), Some(2_880));
        assert_eq!(duration(&[SILK | 1, 1]), Some(5_760));
        assert_eq!(duration(&[CELT | 3, 6]), Some(5_760));
        assert_eq!(duration(&[CELT | 3, 7]), None, "more than 120 ms");
        assert_eq!(duration(&[CELT | 3, 0]), None);
        assert_eq!((duration(&[CELT | 3]), duration(&[])), (None, None));
    }

    #[test]
    fn what_is_no_opus_is_left_out_and_its_time_filled() {
        let frames = [frame(0, &[CELT, 1]), frame(960, &[]), frame(1_920, &[CELT, 2])];
        let (read, _) = read(&file(&frames));
        assert_eq!(read, [frames[0].clone(), frames[2].clone()]);
    }

    #[test]
    fn a_file_cut_anywhere_gives_whole_pages() {
        let frames: Vec<_> = (0..120u64).map(|n| frame(n * 960, &[CELT, n as u8])).collect();
        let bytes = file(&frames);
        let mut most = 0;
        for len in 0..bytes.len() {
            let Ok(mut reader) = OggOpusReader::new(&bytes[..len]) else { continue };
            let mut count = 0;
            let ended = loop {
                match reader.next_frame() {
                    Ok(Some(frame)) => {
                        assert_eq!(frame, frames[count]);
                        count += 1;
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            assert!(count >= most && count % 50 == 0, "{count}");
            assert!(matches!(ended, None | Some(Error::Truncated { .. })));
            most = count;
        }
        assert_eq!(most, 100);
    }

    #[test]
    fn other_heads_are_refused() {
        assert!(is_head(&head()));
        for (at, value) in [(0, 0), (8, 0x10), (9, 0), (9, 3), (18, 1)] {
            let mut other = head();
            other[at] = value;
            assert!(!is_head(&other));
        }
        assert!(!is_head(&head()[..18]));
    }
}
