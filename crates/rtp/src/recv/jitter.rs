//! Where packets wait until their frame is whole and it is its turn: puts packets in order, finds where frames begin
//! and end, gives up what does not come, and after such a loss holds frames back up to the next key frame.
//!
//! Frames leave as soon as they are whole; what waits is what lacks something. The time after which that is given up
//! is fixed for now; a delay that follows the path's jitter belongs here too.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::rtp::PayloadType;

/// One packet that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// When its frame was sampled, in ticks of the codec's clock.
    pub timestamp: u32,
    /// The marker bit: in video, the last packet of a frame.
    pub marker: bool,
    /// How it is coded.
    pub payload_type: PayloadType,
    /// The payload. Empty in packets of padding, which have a number but belong to no frame.
    pub payload: Bytes,
    /// Whether the payload says that a frame begins with it.
    pub starts: bool,
    /// Whether the payload belongs to a key frame, as far as it tells.
    pub key: bool,
    /// When it came.
    pub arrived: Instant,
}

/// How the frames of a stream follow from its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each packet is a frame, and each can be decoded by itself: sound.
    Packet,
    /// A frame is all packets of one timestamp, and leans on those before it unless it is a key frame: video.
    Picture,
}

/// What became of a packet handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It waits.
    New,
    /// It had come before and waits already.
    Duplicate,
    /// Its turn has passed.
    Late,
    /// It was too far ahead: all that waited was dropped to make room for it.
    Overflow,
}

/// A whole frame at the front, and what to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Its packets, from the front.
    pub count: usize,
    /// Its timestamp.
    pub timestamp: u32,
    /// How it is coded.
    pub payload_type: PayloadType,
    /// Whether it is a key frame.
    pub key: bool,
    /// When the last of its packets came.
    pub arrived: Instant,
    /// How many packets before it were given up since the frame before.
    pub lost: u16,
}

/// The packets of one source that wait.
#[derive(Debug)]
pub struct JitterBuffer {
    framing: Framing,
    give_up: Duration,
    /// The front has the number `next`.
    slots: VecDeque<Option<Waiting>>,
    next: Option<u64>,
    /// Whether `next` is known to begin a frame, because the one before it was taken.
    at_boundary: bool,
    /// Whether nothing was taken or dropped yet, so that packets before the first may still be put in front.
    fresh: bool,
    /// Whether a key frame was asked for because the first packets seen begin no frame.
    has_asked_at_start: bool,
    waits_for_key: bool,
    /// When what lacks in front of something that is there is given up.
    gives_up: Option<Instant>,
    /// Packets given up since a frame was taken.
    lost: u16,
    dropped: u64,
    broken: bool,
}

impl JitterBuffer {
    /// An empty one. Pictures wait for a key frame first.
    pub fn new(framing: Framing, give_up: Duration) -> Self {
        Self {
            framing,
            give_up,
            slots: VecDeque::new(),
            next: None,
            at_boundary: false,
            fresh: true,
            has_asked_at_start: false,
            waits_for_key: framing == Framing::Picture,
            gives_up: None,
            lost: 0,
            dropped: 0,
            broken: false,
        }
    }

    /// Sets how long something lacking is waited for.
    pub fn set_give_up(&mut self, give_up: Duration) {
        self.give_up = give_up;
    }

    /// Hands in packet `number`.
    pub fn insert(&mut self, number: u64, packet: Waiting) -> Inserted {
        let next = *self.next.get_or_insert(number);
        if number < next {
            return self.insert_before(next, number, packet);
        }
        let index = (number - next) as usize;
        if index >= CAPACITY {
            self.restart(number);
            self.slots.push_back(Some(packet));
            return Inserted::Overflow;
        }
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        match self.slots.get_mut(index) {
            Some(slot @ None) => {
                *slot = Some(packet);
                Inserted::New
            }
            _ => Inserted::Duplicate,
        }
    }

    /// The frame at the front, if it is whole. What cannot become a frame any more at `now` is dropped first.
    pub fn poll(&mut self, now: Instant) -> Option<Ready> {
        loop {
            self.skip_padding();
            self.skip_to_key();
            match self.front() {
                Front::Whole(ready) if self.waits_for_key && !ready.key => {
                    self.release(ready.count);
                    self.dropped += 1;
                    self.broken = true;
                }
                Front::Whole(ready) => return Some(ready),
                Front::Headless => self.skip(),
                Front::Lacking => {
                    if now < *self.gives_up.get_or_insert(now + self.give_up) {
                        return None;
                    }
                    self.skip();
                }
                Front::Overtaken => {
                    // What it overtook may still come; what was lost cannot even be asked for.
                    if now < *self.gives_up.get_or_insert(now + START_PATIENCE) {
                        return None;
                    }
                    if !self.has_asked_at_start {
                        self.has_asked_at_start = true;
                        self.broken = true;
                        self.gives_up = Some(now + self.give_up);
                        return None;
                    }
                    self.skip();
                }
                Front::Unfinished => {
                    self.gives_up = None;
                    return None;
                }
            }
        }
    }

    /// The payloads of the frame that [`poll`](Self::poll) found.
    pub fn payloads(&self, ready: Ready) -> impl Iterator<Item = &Bytes> {
        let packets = self.slots.iter().take(ready.count).flatten();
        packets.map(|packet| &packet.payload).filter(|payload| !payload.is_empty())
    }

    /// Takes away the frame that [`poll`](Self::poll) found. `good` tells whether it could be put together: if not,
    /// frames after it are held back up to a key frame.
    pub fn take(&mut self, ready: Ready, good: bool) {
        self.release(ready.count);
        self.lost = 0;
        if good {
            self.waits_for_key = false;
        } else {
            self.dropped += 1;
            self.lose();
        }
    }

    /// Drops everything; `number` comes next.
    pub fn restart(&mut self, number: u64) {
        self.dropped += u64::from(self.slots.iter().flatten().next().is_some());
        self.slots.clear();
        self.next = Some(number);
        self.at_boundary = false;
        self.fresh = true;
        self.has_asked_at_start = false;
        self.gives_up = None;
        self.lost = 0;
        self.lose();
    }

    /// The number that comes next: packets below it are of no use any more.
    pub fn next_number(&self) -> Option<u64> {
        self.next
    }

    /// When [`poll`](Self::poll) will give up what lacks.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.gives_up
    }

    /// How many frames were dropped since this was last called. One that lacks more than its end may be counted
    /// once with its neighbour.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Whether, since this was last called, something was dropped that only a key frame mends.
    pub fn take_broken(&mut self) -> bool {
        std::mem::take(&mut self.broken) && self.waits_for_key
    }

    /// A packet from before the first one seen: of use only while nothing was taken.
    fn insert_before(&mut self, next: u64, number: u64, packet: Waiting) -> Inserted {
        let ahead = (next - number) as usize;
        if !self.fresh || ahead > MAX_BEFORE_FIRST || self.slots.len() + ahead > CAPACITY {
            return Inserted::Late;
        }
        for _ in 1..ahead {
            self.slots.push_front(None);
        }
        self.slots.push_front(Some(packet));
        self.next = Some(number);
        Inserted::New
    }

    fn front(&self) -> Front {
        let Some(first) = self.slots.front() else { return Front::Unfinished };
        let Some(first) = first else { return Front::Lacking };
        if self.framing == Framing::Packet {
            return Front::Whole(Ready {
                count: 1,
                timestamp: first.timestamp,
                payload_type: first.payload_type,
                key: true,
                arrived: first.arrived,
                lost: self.lost,
            });
        }
        if !self.at_boundary && !first.starts {
            // At the very start it may just have overtaken those before it.
            return if self.fresh { Front::Overtaken } else { Front::Headless };
        }
        self.frame_at(0)
    }

    /// The frame that begins at `index`: whole, lacking something, or unfinished.
    fn frame_at(&self, start: usize) -> Front {
        let Some(Some(first)) = self.slots.get(start) else { return Front::Lacking };
        let (mut key, mut arrived) = (false, first.arrived);
        for (count, slot) in self.slots.iter().skip(start).enumerate() {
            let Some(packet) = slot else { return Front::Lacking };
            // The last packet may lack its marker: the next frame's first then shows the end.
            let is_next_frame = packet.timestamp != first.timestamp;
            if !is_next_frame {
                key |= packet.key;
                arrived = arrived.max(packet.arrived);
            }
            if is_next_frame || packet.marker {
                return Front::Whole(Ready {
                    count: count + usize::from(!is_next_frame),
                    timestamp: first.timestamp,
                    payload_type: first.payload_type,
                    key,
                    arrived,
                    lost: self.lost,
                });
            }
        }
        Front::Unfinished
    }

    /// Drops packets of padding at the front. They come between frames.
    fn skip_padding(&mut self) {
        while matches!(self.slots.front(), Some(Some(front)) if front.payload.is_empty()) {
            let at_boundary = self.at_boundary;
            self.release(1);
            self.at_boundary = at_boundary;
        }
    }

    /// While a key frame is waited for: drops what is in front of the first packet of one. One that has begun to come
    /// gives way only to one that is whole.
    fn skip_to_key(&mut self) {
        if !self.waits_for_key {
            return;
        }
        let has_begun = matches!(self.slots.front(), Some(Some(front)) if front.key);
        let is_better = |index: usize| !has_begun || matches!(self.frame_at(index), Front::Whole(_));
        let key = (1..self.slots.len()).find(|index| self.begins_frame(*index, true) && is_better(*index));
        if let Some(index) = key {
            self.dropped += u64::from(self.slots.iter().take(index).flatten().next().is_some());
            self.release(index);
        }
    }

    /// Gives up the frame at the front: goes on with the next packet that begins one.
    fn skip(&mut self) {
        let next = (1..self.slots.len()).find(|index| self.begins_frame(*index, false));
        self.dropped += 1;
        let count = next.unwrap_or(self.slots.len());
        self.release(count);
        self.at_boundary = next.is_some();
        self.lose();
    }

    /// Whether a frame (with `key`, a key frame) begins at `index` > 0: the packet before it ended one or, where that
    /// is not there, its payload says so.
    fn begins_frame(&self, index: usize, key: bool) -> bool {
        let Some(Some(packet)) = self.slots.get(index) else { return false };
        if key && !packet.key {
            return false;
        }
        if self.framing == Framing::Packet {
            return true;
        }
        match index.checked_sub(1).and_then(|before| self.slots.get(before)) {
            Some(Some(before)) => before.marker || before.timestamp != packet.timestamp,
            _ => packet.starts,
        }
    }

    fn release(&mut self, count: usize) {
        let lost = self.slots.drain(..count.min(self.slots.len())).filter(Option::is_none).count();
        self.lost = self.lost.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
        self.next = self.next.map(|next| next + count as u64);
        self.at_boundary = true;
        self.fresh = false;
        self.gives_up = None;
    }

    fn lose(&mut self) {
        if self.framing == Framing::Picture {
            self.waits_for_key = true;
            self.broken = true;
        }
    }
}

/// What stands at the front.
enum Front {
    /// A whole frame.
    Whole(Ready),
    /// The front, or something before what is there, has not come.
    Lacking,
    /// The first packets seen, with which no frame begins.
    Overtaken,
    /// Packets whose beginning will not come.
    Headless,
    /// Nothing, or a frame whose end has not come, and nothing after it.
    Unfinished,
}

/// The most packets that wait: two seconds of 10 Mbit/s.
const CAPACITY: usize = 2048;

/// The most packets by which the first one seen may have overtaken the true first.
const MAX_BEFORE_FIRST: usize = 32;

/// How long the first packet seen, if no frame begins with it, waits for those it may have overtaken before a key frame
/// is asked for.
const START_PATIENCE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
