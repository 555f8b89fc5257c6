//! Whom a section has heard in the last ten seconds (webrtc-pc §5.3): told when frames are handed on, not when their
//! packets come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peerless_wire::rtp::{CsrcLevels, Csrcs, Header, Ssrc};

use crate::source::MediaSource;

/// The sources that were heard, of frames handed on.
#[derive(Debug, Default)]
pub struct Sources {
    synchronization: Vec<MediaSource>,
    contributing: Vec<MediaSource>,
}

/// What the packets of frames that wait say of their sources.
#[derive(Debug, Default)]
pub struct Voices {
    waiting: VecDeque<Voice>,
}

/// What one packet says of its sources.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    timestamp: u32,
    level: Option<u8>,
    csrcs: Csrcs,
    levels: Option<CsrcLevels>,
}

impl Voices {
    /// Takes in a packet; of those of one frame, the first that came tells.
    pub fn handle(&mut self, header: &Header) {
        let level = header.extensions.audio_level.map(|level| level.level);
        if level.is_none() && header.csrcs.as_slice().is_empty() {
            return;
        }
        if self.waiting.iter().rev().take(LOOK_BACK).any(|voice| voice.timestamp == header.timestamp) {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        let levels = header.extensions.csrc_levels;
        self.waiting.push_back(Voice { timestamp: header.timestamp, level, csrcs: header.csrcs, levels });
    }

    /// What was said of the frame with this timestamp, which is handed on; what was said of those before it is forgotten.
    pub fn take(&mut self, timestamp: u32) -> Option<Voice> {
        let voice = self.waiting.iter().find(|voice| voice.timestamp == timestamp).copied();
        self.waiting.retain(|voice| voice.timestamp.wrapping_sub(timestamp).cast_signed() > 0);
        voice
    }
}

impl Sources {
    /// A frame of `ssrc` is handed on.
    pub fn heard(&mut self, now: Instant, ssrc: Ssrc, timestamp: u32, voice: Option<Voice>) {
        let level = voice.and_then(|voice| voice.level);
        note(&mut self.synchronization, MediaSource::new(ssrc, now, timestamp, level));
        let Some(voice) = voice else { return };
        let mut levels = voice.levels.iter().flat_map(|levels| levels.as_slice().iter().copied());
        for &csrc in voice.csrcs.as_slice() {
            let level = levels.next();
            note(&mut self.contributing, MediaSource::new(csrc, now, timestamp, level));
        }
    }

    /// Those that packets came from, in the ten seconds before `now`, the latest first.
    pub fn synchronization(&self, now: Instant) -> Vec<MediaSource> {
        lately(&self.synchronization, now)
    }

    /// Those that a mixer named, likewise.
    pub fn contributing(&self, now: Instant) -> Vec<MediaSource> {
        lately(&self.contributing, now)
    }
}

/// Puts a source in the place of what was known of it; where too many are known, in that of the one heard longest ago.
fn note(list: &mut Vec<MediaSource>, source: MediaSource) {
    if let Some(known) = list.iter_mut().find(|known| known.source == source.source) {
        *known = source;
    } else if list.len() < MAX_SOURCES {
        list.push(source);
    } else if let Some(oldest) = list.iter_mut().min_by_key(|known| known.timestamp) {
        *oldest = source;
    }
}

fn lately(list: &[MediaSource], now: Instant) -> Vec<MediaSource> {
    let is_late = |source: &&MediaSource| now.saturating_duration_since(source.timestamp) <= LATELY;
    let mut heard: Vec<MediaSource> = list.iter().filter(is_late).copied().collect();
    heard.sort_by_key(|source| std::cmp::Reverse(source.timestamp));
    heard
}

/// Sources are told of for so long after they were heard (webrtc-pc §5.3).
const LATELY: Duration = Duration::from_secs(10);

/// The most sources of either kind that are known at once.
const MAX_SOURCES: usize = 128;

/// The most packets of which what they say waits for their frame: eight seconds of sound.
const MAX_WAITING: usize = 400;

/// Among so many that came last, another packet of the same frame is looked for.
const LOOK_BACK: usize = 4;
