//! Reads Matroska: the tracks we can send, and their frames in the order of the file.
//!
//! Nothing is gathered but the element at hand, none above [`FRAME_LIMIT`] is taken, and elements nested more than
//! [`DEPTH_LIMIT`] deep are refused.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ebml_iterable::TagDecoder;
use ebml_iterable::error::TagIteratorError;
use ebml_iterable::iterator::AllowableErrors;
use webm_iterable::matroska_spec::{Master, MatroskaSpec as Tag};

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::matroska::codec::{Entry, Form};
use crate::file::stored::{FRAME_LIMIT, StoredFrame, TrackInfo};

const CHUNK: usize = 64 << 10;
/// Matroska nests chapters and tags without limit; its own elements go seven deep.
const DEPTH_LIMIT: usize = 32;
const TRACK_LIMIT: usize = 100;

/// Reads frames of all tracks.
pub struct MatroskaReader<R> {
    input: Input<R>,
    decoder: TagDecoder<Tag>,
    buffer: BytesMut,
    at_end: bool,
    depth: usize,
    state: State,
    ready: VecDeque<(u64, StoredFrame)>,
    ended: bool,
}

/// What the elements so far have said.
#[derive(Debug)]
struct State {
    tracks: Vec<Track>,
    has_tracks: bool,
    entry: Draft,
    /// Nanoseconds in a tick.
    scale: u64,
    cluster: u64,
    block: Option<(Vec<u8>, bool)>,
}

/// A track that we can send.
#[derive(Debug)]
struct Track {
    number: u64,
    info: TrackInfo,
    form: Form,
    delay: u64,
}

/// A track entry while it is read.
#[derive(Debug, Default)]
struct Draft {
    number: u64,
    entry: Entry,
    delay: u64,
    /// Its frames are compressed or encrypted once more.
    encoded: bool,
}

impl<R> std::fmt::Debug for MatroskaReader<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MatroskaReader").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<R: Read> MatroskaReader<R> {
    /// Reads up to the end of the tracks.
    ///
    /// # Errors
    /// When it is no Matroska, is broken, or ends before.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut decoder = TagDecoder::new(&[]);
        // Both are limited here, and unknown elements are to be passed over (RFC 8794 §6).
        decoder.set_max_allowable_tag_size(None);
        decoder.allow_errors(&[AllowableErrors::InvalidTagIds]);
        let mut new = Self {
            input: Input::new(reader),
            decoder,
            buffer: BytesMut::new(),
            at_end: false,
            depth: 0,
            state: State::new(),
            ready: VecDeque::new(),
            ended: false,
        };
        new.fill()?;
        if !new.buffer.starts_with(&EBML) {
            return Err(Error::Malformed { fault: Fault::Kind, at: 0 });
        }
        while !new.state.has_tracks {
            let tag = new.next_tag()?.ok_or_else(|| new.input.truncated())?;
            new.take(tag)?;
        }
        Ok(new)
    }

    /// The tracks that we can send, with their numbers.
    pub fn tracks(&self) -> impl Iterator<Item = (u64, TrackInfo)> {
        self.state.tracks.iter().map(|track| (track.number, track.info))
    }

    /// The next frame of any of these tracks, with the track's number; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file ends inside an element, or is broken. What was whole before was given.
    pub fn next_frame(&mut self) -> Result<Option<(u64, StoredFrame)>, Error> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            let taken = match self.next_tag() {
                Ok(Some(tag)) => self.take(tag),
                Ok(None) => {
                    self.ended = true;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                self.ended = true;
                return Err(error);
            }
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let len = self.buffer.len();
        self.buffer.resize(len + CHUNK, 0);
        let count = match self.buffer.get_mut(len..) {
            Some(room) => self.input.fill(room)?,
            None => 0,
        };
        self.buffer.truncate(len + count);
        self.at_end = count < CHUNK;
        Ok(())
    }

    fn next_tag(&mut self) -> Result<Option<Tag>, Error> {
        loop {
            let next = if self.at_end {
                self.decoder.decode_eof(&mut self.buffer)
            } else {
                self.decoder.decode(&mut self.buffer)
            };
            match next {
                Ok(Some(positioned)) => return Ok(Some(positioned.tag)),
                Ok(None) if self.at_end => return Ok(None),
                Ok(None) if self.buffer.len() > FRAME_LIMIT + CHUNK => {
                    return Err(self.malformed(Fault::Oversized));
                }
                Ok(None) => self.fill()?,
                Err(TagIteratorError::UnexpectedEOF { .. }) => return Err(self.input.truncated()),
                Err(_) => return Err(self.malformed(Fault::Structure)),
            }
        }
    }

    fn malformed(&self, fault: Fault) -> Error {
        Error::Malformed { fault, at: self.decoder.position() as u64 }
    }

    fn take(&mut self, tag: Tag) -> Result<(), Error> {
        if let Some(master) = as_master(&tag) {
            self.depth = if *master == Master::Start { self.depth + 1 } else { self.depth.saturating_sub(1) };
            if self.depth > DEPTH_LIMIT {
                return Err(self.malformed(Fault::Structure));
            }
        }
        match self.state.take(tag) {
            Ok(Some(frame)) => self.ready.push_back(frame),
            Ok(None) => {}
            Err(fault) => return Err(self.malformed(fault)),
        }
        Ok(())
    }
}

fn as_master(tag: &Tag) -> Option<&Master<Tag>> {
    use webm_iterable::matroska_spec::EbmlTag;
    tag.as_master()
}

impl State {
    fn new() -> Self {
        Self {
            tracks: Vec::new(),
            has_tracks: false,
            entry: Draft::default(),
            scale: 1_000_000,
            cluster: 0,
            block: None,
        }
    }

    /// Heeds an element; a frame where it is one.
    fn take(&mut self, tag: Tag) -> Result<Option<(u64, StoredFrame)>, Fault> {
        let draft = &mut self.entry;
        match tag {
            Tag::DocType(kind) if kind != "webm" && kind != "matroska" => return Err(Fault::Kind),
            Tag::TimestampScale(scale) => {
                self.scale = if scale == 0 { return Err(Fault::Header) } else { scale };
            }
            Tag::TrackEntry(Master::Start) => *draft = Draft::default(),
            Tag::TrackNumber(number) => draft.number = number,
            Tag::CodecID(id) => draft.entry.id = id,
            Tag::CodecPrivate(private) => draft.entry.private = private,
            Tag::CodecDelay(delay) => draft.delay = delay,
            Tag::ContentEncodings(_) => draft.encoded = true,
            Tag::PixelWidth(width) => {
                let height = draft.entry.size.map_or(0, |(_, height)| height);
                draft.entry.size = Some((u32::try_from(width).unwrap_or(0), height));
            }
            Tag::PixelHeight(height) => {
                let width = draft.entry.size.map_or(0, |(width, _)| width);
                draft.entry.size = Some((width, u32::try_from(height).unwrap_or(0)));
            }
            Tag::SamplingFrequency(rate) => draft.entry.sample_rate = rate as u32,
            Tag::Channels(channels) => draft.entry.channels = u8::try_from(channels).unwrap_or(0),
            Tag::BitDepth(depth) => draft.entry.bit_depth = depth,
            Tag::TrackEntry(Master::End) => self.add_track()?,
            Tag::Tracks(Master::End) => self.has_tracks = true,
            Tag::Timestamp(time) => self.cluster = time,
            Tag::SimpleBlock(block) => {
                let key = block_flags(&block) & 0x80 != 0;
                return self.frame(block, key);
            }
            Tag::Block(block) => self.block = Some((block, true)),
            Tag::ReferenceBlock(_) => {
                if let Some((_, key)) = &mut self.block {
                    *key = false;
                }
            }
            Tag::BlockGroup(Master::End) => {
                if let Some((block, key)) = self.block.take() {
                    return self.frame(block, key);
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn add_track(&mut self) -> Result<(), Fault> {
        if self.tracks.len() >= TRACK_LIMIT {
            return Err(Fault::Oversized);
        }
        let draft = std::mem::take(&mut self.entry);
        if let Some((info, form)) = draft.entry.to_track().filter(|_| !draft.encoded) {
            self.tracks.push(Track { number: draft.number, info, form, delay: draft.delay });
        }
        Ok(())
    }

    /// RFC 9559 §10.1, §10.2: the number of the track, 16 bits of time, flags, then the frame.
    fn frame(&self, block: Vec<u8>, key: bool) -> Result<Option<(u64, StoredFrame)>, Fault> {
        let block = Bytes::from(block);
        let (number, len) = block_track(&block).ok_or(Fault::Structure)?;
        let rest = block.get(len..).and_then(|rest| rest.split_first_chunk::<3>());
        let ([high, low, flags], _) = rest.ok_or(Fault::Structure)?;
        let Some(track) = self.tracks.iter().find(|track| track.number == number) else { return Ok(None) };
        if flags & 0x06 != 0 {
            // We never do it, and few do.
            return Err(Fault::Lacing);
        }
        let key = key || !track.info.format.is_video();
        let ticks = i128::from(self.cluster) + i128::from(i16::from_be_bytes([*high, *low]));
        let nanos = ticks * i128::from(self.scale) - i128::from(track.delay);
        let nanos = u64::try_from(nanos.max(0)).unwrap_or(u64::MAX);
        let payload = track.form.to_frame(block.slice(len + 3..), key).ok_or(Fault::Structure)?;
        Ok(Some((number, StoredFrame { time: Duration::from_nanos(nanos), key, payload })))
    }
}

/// The number of the track at the front of a block, and the bytes it takes (RFC 8794 §4).
fn block_track(block: &[u8]) -> Option<(u64, usize)> {
    ebml_iterable::tools::read_vint(block).ok().flatten()
}

/// The flags of a block; none where it is too short.
fn block_flags(block: &[u8]) -> u8 {
    block_track(block).and_then(|(_, len)| block.get(len + 2)).copied().unwrap_or(0)
}

const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
