//! One track of a player: frames from a file, in front of the local track that takes them.

use std::time::Duration;

use peerless::{Codec, Format, LocalTrack, MediaKind};

use crate::file::error::{Error, FileError};
use crate::file::source::FileSource;
use crate::file::stored::{StoredFrame, TrackInfo};

/// One frame is looked at before it is due.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) track: LocalTrack,
    pub(crate) source: FileSource,
    pub(crate) pending: Option<StoredFrame>,
    /// After a frame that was not taken, video goes on with a key frame only.
    pub(crate) awaits_key: bool,
    /// What the track was last seen to want, and whether the file is that.
    pub(crate) codec: Option<Codec>,
    /// Where the last frame stood and how long after the one before it.
    last: Option<(Duration, Duration)>,
    /// The last key frame of the file, once somebody asked.
    last_key: Option<Option<Duration>>,
    /// The file is cut off or broken there.
    pub(crate) problem: Option<FileError>,
}

impl Lane {
    pub(crate) fn new(track: LocalTrack, source: FileSource) -> Self {
        Self {
            track,
            source,
            pending: None,
            awaits_key: false,
            codec: None,
            last: None,
            last_key: None,
            problem: None,
        }
    }

    pub(crate) fn is_video(&self) -> bool {
        self.source.info().kind() == MediaKind::Video
    }

    /// Whether nobody can want its frames any more.
    pub(crate) fn is_over(&self) -> bool {
        self.track.is_ended() || self.track.is_abandoned()
    }

    /// Has the next frame ready, unless there is none.
    pub(crate) fn advance(&mut self) {
        if let Some(frame) = &self.pending {
            let step = self.last.map_or(Duration::ZERO, |(last, _)| frame.time.saturating_sub(last));
            self.last = Some((frame.time, step));
        }
        self.pending = match self.source.next_frame() {
            Ok(frame) => frame,
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        };
    }

    /// Where the file ends: a step behind its last frame.
    pub(crate) fn end(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |(time, step)| time + step)
    }

    /// Back to the beginning.
    pub(crate) fn rewind(&mut self) -> Result<(), FileError> {
        self.source.rewind()?;
        (self.last, self.pending) = (None, None);
        self.advance();
        Ok(())
    }

    /// Whether a key frame is still to come. The first time the whole file is read for it.
    pub(crate) fn has_key_ahead(&mut self) -> bool {
        let Some(here) = self.pending.as_ref().map(|frame| frame.time) else { return false };
        if self.last_key.is_none() {
            self.last_key = Some(self.find_last_key());
        }
        self.last_key.flatten().is_some_and(|last| last >= here)
    }

    fn find_last_key(&self) -> Option<Duration> {
        let mut source = FileSource::open(self.source.path(), Some(MediaKind::Video)).ok()?;
        let mut last = None;
        while let Ok(Some(frame)) = source.next_frame() {
            last = if frame.key { Some(frame.time) } else { last };
        }
        last
    }

    /// Leaves out what stands before a time; of video also what stands before a key frame. Returns how much that is.
    pub(crate) fn skip_to(&mut self, time: Duration, key: bool) -> u64 {
        let mut count = 0;
        while self.pending.as_ref().is_some_and(|frame| frame.time < time || (key && !frame.key)) {
            self.advance();
            count += 1;
        }
        count
    }
}

/// Whether frames of a file can be sent under a negotiated codec as they are.
pub(crate) fn suits(info: &TrackInfo, codec: &Codec) -> bool {
    match (info.format, codec.format) {
        (Format::H264 { profile_level_id: own, .. }, Format::H264 { profile_level_id: theirs, .. }) => {
            let (profile, wanted) = (own >> 16, theirs >> 16);
            // RFC 6184 §8.1 and ITU-T H.264 §A.2: who takes main or high takes constrained baseline too.
            let constrained = profile == BASELINE && own >> 8 & CONSTRAINT_SET1 != 0;
            profile == wanted || (constrained && [MAIN, HIGH].contains(&wanted))
        }
        (Format::L16, Format::L16) => {
            (info.clock_rate, info.channels) == (codec.clock_rate, codec.channels.max(1))
        }
        (own, theirs) => std::mem::discriminant(&own) == std::mem::discriminant(&theirs),
    }
}

const BASELINE: u32 = 66;
const MAIN: u32 = 77;
const HIGH: u32 = 100;
const CONSTRAINT_SET1: u32 = 0x40;

/// Whether all frames up to the end of the file were whole.
pub(crate) fn is_cut(problem: &FileError) -> bool {
    matches!(problem.error, Error::Truncated { .. })
}
