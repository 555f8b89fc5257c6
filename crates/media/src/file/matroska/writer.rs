//! Writes Matroska.
//!
//! Segment and cluster have an unknown size (RFC 8794 §6.2) while they are written, so that a file that was cut off
//! plays up to there; their sizes, the duration, the cues and where these are come with the end. A second is counted
//! as 1000 ticks, as WebM asks.

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use ebml_iterable::WriteOptions;
use ebml_iterable::tools::Vint;
use peerless::Format;
use webm_iterable::WebmWriter;
use webm_iterable::matroska_spec::{Master, MatroskaSpec as Tag};

use crate::file::error::{Error, Fault};
use crate::file::matroska::codec::{Entry, Form};
use crate::file::ogg_opus;
use crate::file::stored::{FRAME_LIMIT, StoredFrame, TrackInfo, from_ticks};

/// A cluster is ended behind this many milliseconds (block times are 16 bits from its own), or bytes.
const CLUSTER_TIME: i64 = 5_000;
const CLUSTER_BYTES: u64 = 4 << 20;
/// Key frames closer than this do not each begin a cluster.
const CLUSTER_LEAST: i64 = 1_000;
/// Cues beyond this are left out: eleven days of one each second.
const CUE_LIMIT: usize = 1_000_000;
/// Room for the seek head.
const SEEK_ROOM: usize = 120;
/// Bytes of an element with its duration: id, size, number.
const DURATION_LEN: u64 = 11;
/// The samples that Opus's decoder drops at its start, as time (RFC 9559 §5.1.4.1.25).
const OPUS_DELAY: Duration = Duration::from_nanos(ogg_opus::PRE_SKIP as u64 * 1_000_000_000 / 48_000);
/// What it should decode before the place it was asked for (RFC 7845 §4.6).
const OPUS_PRE_ROLL: Duration = Duration::from_millis(80);

/// Writes frames of several tracks into one file.
#[derive(Debug)]
pub struct MatroskaWriter<W> {
    output: W,
    tracks: Vec<Track>,
    position: u64,
    /// Where the segment's contents begin, and in them the room for the seek head, the information and the tracks.
    segment: u64,
    seek_at: u64,
    info_at: u64,
    tracks_at: u64,
    duration_at: u64,
    cluster: Option<Cluster>,
    cues: Vec<Cue>,
    has_video: bool,
    is_webm: bool,
}

#[derive(Debug)]
struct Track {
    format: Format,
    /// Time of the last frame and the step to it.
    last: Option<(Duration, Duration)>,
    end: Duration,
}

#[derive(Debug)]
struct Cluster {
    time: i64,
    contents: u64,
}

#[derive(Debug)]
struct Cue {
    time: u64,
    track: u64,
    cluster: u64,
}

impl<W: Write + Seek> MatroskaWriter<W> {
    /// Writes everything before the first frame. Each track comes with its first frame, whose header tells what the
    /// file says of the track; the frame itself is still to be written. At most 100 tracks.
    ///
    /// # Errors
    /// When video does not begin with a key frame, or what the system says.
    pub fn new(output: W, tracks: &[(TrackInfo, StoredFrame)]) -> Result<Self, Error> {
        let entries: Vec<Entry> =
            tracks.iter().map(|(info, first)| Entry::new(info, first)).collect::<Result<_, _>>()?;
        if entries.is_empty() || entries.len() > 100 {
            return Err(Error::Malformed { fault: Fault::NoTrack, at: 0 });
        }
        let mut writer = Self {
            output,
            tracks: tracks
                .iter()
                .map(|(info, _)| Track { format: info.format, last: None, end: Duration::ZERO })
                .collect(),
            position: 0,
            segment: 0,
            seek_at: 0,
            info_at: 0,
            tracks_at: 0,
            duration_at: 0,
            cluster: None,
            cues: Vec::new(),
            has_video: tracks.iter().any(|(info, _)| info.format.is_video()),
            is_webm: Self::would_be_webm(tracks),
        };
        writer.write_start(&entries)?;
        Ok(writer)
    }

    /// Whether a file of these tracks is WebM, or Matroska.
    pub fn would_be_webm(tracks: &[(TrackInfo, StoredFrame)]) -> bool {
        tracks.iter().all(|(info, _)| matches!(info.format, Format::Vp8 | Format::Opus))
    }

    fn write_start(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let doc_type = if self.is_webm { "webm" } else { "matroska" };
        let header = Tag::Ebml(Master::Full(vec![
            Tag::EbmlVersion(1),
            Tag::EbmlReadVersion(1),
            Tag::EbmlMaxIdLength(4),
            Tag::EbmlMaxSizeLength(8),
            Tag::DocType(doc_type.to_owned()),
            Tag::DocTypeVersion(4),
            Tag::DocTypeReadVersion(2),
        ]));
        let mut start = WebmWriter::new(Vec::new());
        start.write(&header).map_err(|_| Error::TooLong)?;
        self.put(&start.into_inner().map_err(|_| Error::TooLong)?)?;
        self.put(&SEGMENT)?;
        self.put(&UNKNOWN_SIZE)?;
        self.segment = self.position;
        self.seek_at = self.position;
        self.put(&void(SEEK_ROOM))?;
        self.info_at = self.position;
        self.put(&element(&Tag::Info(Master::Full(vec![
            Tag::TimestampScale(1_000_000),
            Tag::MuxingApp("Peerless".to_owned()),
            Tag::WritingApp("Peerless".to_owned()),
            // Until there is a duration: none at all may be said, but not zero.
            Tag::Void(vec![0; DURATION_LEN as usize - 2]),
        ])))?)?;
        self.duration_at = self.position - DURATION_LEN;
        self.tracks_at = self.position;
        let entries = (1..).zip(entries).map(|(number, entry)| track_entry(number, entry)).collect();
        self.put(&element(&Tag::Tracks(Master::Full(entries)))?)
    }

    /// Writes a frame of a track, counted from 0 as they were given.
    ///
    /// # Errors
    /// For a track that is none, a frame above [`FRAME_LIMIT`], and what the system says.
    pub fn write(&mut self, track: usize, frame: &StoredFrame) -> Result<(), Error> {
        let number = track as u64 + 1;
        let known = self.tracks.get_mut(track).ok_or(Error::Malformed { fault: Fault::NoTrack, at: 0 })?;
        if frame.payload.len() > FRAME_LIMIT {
            return Err(Error::Malformed { fault: Fault::Oversized, at: 0 });
        }
        known.count(frame);
        let format = known.format;
        let delay = if format == Format::Opus { OPUS_DELAY } else { Duration::ZERO };
        let time = milliseconds(frame.time + delay);
        let starts = frame.key && format.is_video();
        let relative = match self.cluster.as_ref().filter(|cluster| self.goes_on(cluster, time, starts)) {
            Some(cluster) => time - cluster.time,
            None => {
                self.begin_cluster(time, number, starts)?;
                0
            }
        };
        let payload = Form::to_file(format, &frame.payload);
        let mut head = BytesMut::with_capacity(16);
        head.put_u8(SIMPLE_BLOCK);
        head.put_slice(&(payload.len() as u64 + 4).as_vint().map_err(|_| Error::TooLong)?);
        // RFC 9559 §10.2: the track's number, the time from the cluster's, the flags.
        head.put_u8(0x80 | number as u8);
        head.put_i16(i16::try_from(relative).unwrap_or(i16::MAX));
        head.put_u8(if frame.key { 0x80 } else { 0 });
        self.put(&head)?;
        self.put(&payload)
    }

    /// Whether a frame goes into the cluster that is there.
    fn goes_on(&self, cluster: &Cluster, time: i64, starts: bool) -> bool {
        let age = time - cluster.time;
        let is_full = self.position - cluster.contents >= CLUSTER_BYTES;
        let is_due = if self.has_video { starts && age >= CLUSTER_LEAST } else { age >= CLUSTER_TIME };
        // Late key frames: a cluster ends all the same, in time for its 16 bits.
        !is_due && !is_full && (-i64::from(i16::MAX)..4 * CLUSTER_TIME).contains(&age)
    }

    fn begin_cluster(&mut self, time: i64, track: u64, starts: bool) -> Result<(), Error> {
        self.end_cluster()?;
        let at = self.position - self.segment;
        if (starts || !self.has_video) && self.cues.len() < CUE_LIMIT {
            self.cues.push(Cue { time: time as u64, track, cluster: at });
        }
        self.put(&CLUSTER)?;
        self.put(&UNKNOWN_SIZE)?;
        let contents = self.position;
        let mut head = vec![TIMESTAMP, 0x88];
        head.put_i64(time);
        self.put(&head)?;
        self.cluster = Some(Cluster { time, contents });
        Ok(())
    }

    /// Gives the cluster its size.
    fn end_cluster(&mut self) -> Result<(), Error> {
        let Some(cluster) = self.cluster.take() else { return Ok(()) };
        let size = known_size(self.position - cluster.contents);
        self.overwrite(cluster.contents - 8, &size)
    }

    /// Hands what is buffered to the output.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), Error> {
        Ok(self.output.flush()?)
    }

    /// Writes cues, duration and sizes, and gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<W, Error> {
        self.end_cluster()?;
        let end = self.tracks.iter().map(|track| track.end).max().unwrap_or_default();
        if !end.is_zero() {
            let mut duration = vec![0x44, 0x89, 0x88];
            duration.put_f64(end.as_secs_f64() * 1_000.0);
            self.overwrite(self.duration_at, &duration)?;
        }
        let mut places = vec![(INFO, self.info_at), (TRACKS, self.tracks_at)];
        if !self.cues.is_empty() {
            places.push((CUES, self.position));
            let cues = std::mem::take(&mut self.cues);
            let cues = cues.into_iter().map(cue_point).collect();
            self.put(&element(&Tag::Cues(Master::Full(cues)))?)?;
        }
        let seeks = places.into_iter().map(|(id, at)| {
            let position = Tag::SeekPosition(at - self.segment);
            Tag::Seek(Master::Full(vec![Tag::SeekID(id.to_vec()), position]))
        });
        let mut head = element(&Tag::SeekHead(Master::Full(seeks.collect())))?;
        if head.len() + 2 <= SEEK_ROOM {
            head.extend_from_slice(&void(SEEK_ROOM - head.len()));
            self.overwrite(self.seek_at, &head)?;
        }
        let size = known_size(self.position - self.segment);
        self.overwrite(self.segment - 8, &size)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.output.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn overwrite(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.output.seek(SeekFrom::Start(at))?;
        self.output.write_all(bytes)?;
        self.output.seek(SeekFrom::Start(self.position))?;
        Ok(())
    }
}

impl Track {
    /// Keeps account of where the track ends.
    fn count(&mut self, frame: &StoredFrame) {
        let step = self.last.map_or(Duration::ZERO, |(time, _)| frame.time.saturating_sub(time));
        let length = match self.format {
            Format::Opus => from_ticks(ogg_opus::duration(&frame.payload).unwrap_or(0), 48_000),
            _ => step,
        };
        self.end = self.end.max(frame.time + length);
        self.last = Some((frame.time, step));
    }
}

fn track_entry(number: u64, entry: &Entry) -> Tag {
    let is_video = entry.size.is_some();
    let mut children = vec![
        Tag::TrackNumber(number),
        Tag::TrackUID(number),
        Tag::TrackType(if is_video { 1 } else { 2 }),
        Tag::FlagLacing(0),
        Tag::CodecID(entry.id.clone()),
    ];
    if !entry.private.is_empty() {
        children.push(Tag::CodecPrivate(entry.private.clone()));
    }
    if entry.id == "A_OPUS" {
        children.push(Tag::CodecDelay(OPUS_DELAY.as_nanos() as u64));
        children.push(Tag::SeekPreRoll(OPUS_PRE_ROLL.as_nanos() as u64));
    }
    if let Some((width, height)) = entry.size {
        let size = vec![Tag::PixelWidth(width.into()), Tag::PixelHeight(height.into())];
        children.push(Tag::Video(Master::Full(size)));
    } else {
        let mut sound =
            vec![Tag::SamplingFrequency(entry.sample_rate.into()), Tag::Channels(entry.channels.into())];
        if entry.bit_depth > 0 {
            sound.push(Tag::BitDepth(entry.bit_depth));
        }
        children.push(Tag::Audio(Master::Full(sound)));
    }
    Tag::TrackEntry(Master::Full(children))
}

fn cue_point(cue: Cue) -> Tag {
    let place = vec![Tag::CueTrack(cue.track), Tag::CueClusterPosition(cue.cluster)];
    Tag::CuePoint(Master::Full(vec![Tag::CueTime(cue.time), Tag::CueTrackPositions(Master::Full(place))]))
}

/// The bytes of an element that stands in the segment.
fn element(tag: &Tag) -> Result<Vec<u8>, Error> {
    let mut writer = WebmWriter::new(Vec::new());
    let in_segment = WriteOptions::is_unknown_sized_element();
    writer.write_advanced(&Tag::Segment(Master::Start), in_segment).map_err(|_| Error::TooLong)?;
    writer.write(tag).map_err(|_| Error::TooLong)?;
    let mut bytes = writer.into_inner().map_err(|_| Error::TooLong)?;
    Ok(bytes.split_off(SEGMENT.len() + UNKNOWN_SIZE.len()))
}

/// An element that says nothing in so many bytes, 2 to 127.
fn void(len: usize) -> Vec<u8> {
    let mut void = vec![0xec, 0x80 | (len - 2) as u8];
    void.resize(len, 0);
    void
}

/// A size in 8 bytes (RFC 8794 §4).
fn known_size(size: u64) -> [u8; 8] {
    (1 << 56 | size).to_be_bytes()
}

/// To the nearest.
fn milliseconds(time: Duration) -> i64 {
    i64::try_from((time.as_nanos() + 500_000) / 1_000_000).unwrap_or(i64::MAX / 2)
}

const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
const CLUSTER: [u8; 4] = [0x1f, 0x43, 0xb6, 0x75];
const INFO: [u8; 4] = [0x15, 0x49, 0xa9, 0x66];
const TRACKS: [u8; 4] = [0x16, 0x54, 0xae, 0x6b];
const CUES: [u8; 4] = [0x1c, 0x53, 0xbb, 0x6b];
const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const TIMESTAMP: u8 = 0xe7;
const SIMPLE_BLOCK: u8 = 0xa3;
