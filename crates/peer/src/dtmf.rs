//! The tones that wait to be played by each sender (RTCDTMFSender, webrtc-pc §7.2): a buffer of characters, and when the
//! next one is due. Which it plays, the caller is told; how it sounds, the RTP session knows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peerless_rtp::tone::Tone;

use crate::id::TransceiverId;

/// The tone buffers of all senders that have one.
#[derive(Debug, Default)]
pub(crate) struct ToneBuffers {
    list: Vec<ToneBuffer>,
}

#[derive(Debug)]
struct ToneBuffer {
    id: TransceiverId,
    tones: VecDeque<char>,
    timing: ToneTiming,
    /// When the playout task runs next, if it is scheduled.
    next: Option<Instant>,
}

/// How long each tone is, and each gap after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToneTiming {
    duration: Duration,
    gap: Duration,
}

/// What the playout task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Playout {
    /// Whose buffer it was.
    pub(crate) id: TransceiverId,
    /// The character that was taken; `None` where the buffer had run out.
    pub(crate) character: Option<char>,
    /// The tone to play and for how long; a comma has none.
    pub(crate) tone: Option<(Tone, Duration)>,
}

impl ToneTiming {
    /// Within what webrtc-pc §7.2 allows: 40 ms to 6 s for a tone, 30 ms to 6 s for a gap.
    pub(crate) fn new(duration: Duration, gap: Duration) -> Self {
        Self { duration: duration.clamp(SHORTEST_TONE, LONGEST), gap: gap.clamp(SHORTEST_GAP, LONGEST) }
    }
}

/// The tones as they go into the buffer: in capitals. Errs with the first character that is none.
pub(crate) fn normalized(tones: &str) -> Result<VecDeque<char>, char> {
    let normal = |character: char| match Tone::from_char(character) {
        Some(tone) => Ok(tone.as_char()),
        None if character == PAUSE => Ok(PAUSE),
        None => Err(character),
    };
    tones.chars().map(normal).collect()
}

impl ToneBuffers {
    /// Puts tones in place of those that wait. The playout task is scheduled unless it is or there is nothing to do.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        id: TransceiverId,
        tones: VecDeque<char>,
        timing: ToneTiming,
    ) {
        let known = self.list.iter().position(|buffer| buffer.id == id);
        let mut buffer = match known {
            Some(index) => self.list.swap_remove(index),
            None => ToneBuffer { id, tones: VecDeque::new(), timing, next: None },
        };
        (buffer.tones, buffer.timing) = (tones, timing);
        if buffer.next.is_none() && !buffer.tones.is_empty() {
            buffer.next = Some(now);
        }
        if buffer.next.is_some() {
            self.list.push(buffer);
        }
    }

    /// The tones that wait.
    pub(crate) fn tones(&self, id: TransceiverId) -> String {
        let buffer = self.list.iter().find(|buffer| buffer.id == id);
        buffer.map(|buffer| buffer.tones.iter().collect()).unwrap_or_default()
    }

    /// When a playout task runs next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.list.iter().filter_map(|buffer| buffer.next).min()
    }

    /// What the next playout task that is due at `now` does; `may_send` tells whose transceiver still sends. Where it does
    /// not, the task ends and what waits stays.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        mut may_send: impl FnMut(TransceiverId) -> bool,
    ) -> Option<Playout> {
        loop {
            let is_due = |buffer: &ToneBuffer| buffer.next.is_some_and(|next| next <= now);
            let index = self.list.iter().position(is_due)?;
            let buffer = self.list.get_mut(index)?;
            let id = buffer.id;
            if !may_send(id) {
                buffer.next = None;
                continue;
            }
            let Some(character) = buffer.tones.pop_front() else {
                self.list.swap_remove(index);
                return Some(Playout { id, character: None, tone: None });
            };
            let ToneTiming { duration, gap } = buffer.timing;
            let tone = Tone::from_char(character);
            buffer.next = Some(now + tone.map_or(PAUSE_LENGTH, |_| duration + gap));
            return Some(Playout { id, character: Some(character), tone: tone.map(|tone| (tone, duration)) });
        }
    }

    /// Forgets the tones of a transceiver that is gone.
    pub(crate) fn forget(&mut self, id: TransceiverId) {
        self.list.retain(|buffer| buffer.id != id);
    }
}

/// A tone is not shorter.
const SHORTEST_TONE: Duration = Duration::from_millis(40);
/// A gap is not shorter.
const SHORTEST_GAP: Duration = Duration::from_millis(30);
/// Neither is longer.
const LONGEST: Duration = Duration::from_secs(6);
/// Stands for a pause.
const PAUSE: char = ',';
/// How long that is.
const PAUSE_LENGTH: Duration = Duration::from_secs(2);
