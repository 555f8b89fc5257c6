//! Where packets wait until their frame is whole and due: puts packets in order, finds where frames begin and end, gives
//! up what does not come, and after such a loss holds frames back up to the next key frame.
//!
//! When a frame is due, [`Playout`] says. Sound goes on without a packet that is not there when its own time has come;
//! pictures wait for what they lack beyond that, as long as a retransmission may bring it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::rtp::PayloadType;

use crate::recv::playout::Playout;

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
    /// How long it plays, in ticks, if it is sound.
    pub duration: u32,
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
    /// It had come before.
    Duplicate,
    /// It was given up already.
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
    /// How long it plays, in ticks, if it is sound.
    pub duration: u32,
    /// When the packet of it that came first did.
    pub began: Instant,
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
    /// Since when something lacks in front of something that is there; not kept for sound that has its own time.
    lacks_since: Option<Instant>,
    /// When there is something to do.
    wakes: Option<Instant>,
    /// Whether what lacks at the front was waited for so long that a key frame was asked for, and whether that is still
    /// to be told.
    has_doubted: bool,
    is_doubtful: bool,
    /// Packets given up since a frame was taken.
    lost: u16,
    /// The numbers of packets given up lately, ascending.
    given_up: VecDeque<u64>,
    dropped: Dropped,
    broken: bool,
}

/// What was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Frames, whole or not. One that lacks more than its end may be counted once with its neighbour.
    pub frames: u64,
    /// Those among them that were whole.
    pub whole_frames: u64,
    /// Packets that had come.
    pub packets: u64,
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
            lacks_since: None,
            wakes: None,
            has_doubted: false,
            is_doubtful: false,
            lost: 0,
            given_up: VecDeque::new(),
            dropped: Dropped::default(),
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

    /// The frame at the front, if it is whole and due at `now` by the clock `playout`. What cannot become a frame any
    /// more is dropped first.
    pub fn poll(&mut self, now: Instant, playout: &Playout) -> Option<Ready> {
        loop {
            self.skip_padding();
            self.skip_to_key();
            let wakes = match self.front() {
                Front::Whole(ready) if self.waits_for_key && !ready.key => {
                    self.drop_front(ready.count);
                    self.dropped.frames += 1;
                    self.dropped.whole_frames += 1;
                    self.broken = true;
                    continue;
                }
                Front::Whole(ready) => match self.leaves(&ready, playout).filter(|leaves| *leaves > now) {
                    Some(leaves) => leaves,
                    None => return Some(ready),
                },
                Front::Headless => {
                    self.skip();
                    continue;
                }
                Front::Lacking => {
                    let gives_up = self.gives_up(now, playout);
                    if gives_up <= now {
                        self.skip();
                        continue;
                    }
                    match self.doubts(now) {
                        Some(doubts) if doubts > now => doubts.min(gives_up),
                        Some(_) if self.drop_for_key() => continue,
                        _ => gives_up,
                    }
                }
                Front::Overtaken => match self.overtaken(now) {
                    Some(gives_up) => gives_up,
                    None => {
                        self.skip();
                        continue;
                    }
                },
                Front::Unfinished => {
                    (self.lacks_since, self.wakes) = (None, None);
                    return None;
                }
            };
            self.wakes = Some(wakes);
            return None;
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
        if good {
            self.lost = 0;
            self.waits_for_key = false;
        } else {
            self.lost = self.lost.saturating_add(u16::try_from(ready.count).unwrap_or(u16::MAX));
            self.dropped.frames += 1;
            self.dropped.packets += ready.count as u64;
            self.lose();
        }
    }

    /// Drops everything; `number` comes next.
    pub fn restart(&mut self, number: u64) {
        self.dropped.frames += u64::from(self.slots.iter().flatten().next().is_some());
        self.dropped.packets += self.slots.iter().flatten().count() as u64;
        self.slots.clear();
        self.given_up.clear();
        self.next = Some(number);
        self.at_boundary = false;
        self.fresh = true;
        self.has_asked_at_start = false;
        (self.lacks_since, self.wakes) = (None, None);
        self.lost = 0;
        self.lose();
    }

    /// The number that comes next: packets below it are of no use any more. `None` while all are.
    pub fn next_number(&self) -> Option<u64> {
        self.next.filter(|_| !self.fresh)
    }

    /// The number before the first packet seen, if no frame begins with that: so there must be one.
    pub fn lacks_before_first(&self) -> Option<u64> {
        let first = self.slots.front()?.as_ref()?;
        let is_begun = self.framing == Framing::Packet || first.starts || first.payload.is_empty();
        self.next.filter(|_| self.fresh && !is_begun)?.checked_sub(1)
    }

    /// When [`poll`](Self::poll), which gave none, will have a frame, or give up what lacks.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wakes
    }

    /// What was dropped since this was last called.
    pub fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Whether, since this was last called, something was dropped that only a key frame mends, or became likely to be.
    pub fn take_broken(&mut self) -> bool {
        let is_broken = std::mem::take(&mut self.broken) && self.waits_for_key;
        is_broken | std::mem::take(&mut self.is_doubtful)
    }

    /// A packet from before the first one seen: of use only while nothing was taken.
    fn insert_before(&mut self, next: u64, number: u64, packet: Waiting) -> Inserted {
        let ahead = (next - number) as usize;
        if !self.fresh || ahead > MAX_BEFORE_FIRST || self.slots.len() + ahead > CAPACITY {
            let is_late = self.given_up.binary_search(&number).is_ok();
            return if is_late { Inserted::Late } else { Inserted::Duplicate };
        }
        for _ in 1..ahead {
            self.slots.push_front(None);
        }
        self.slots.push_front(Some(packet));
        self.next = Some(number);
        Inserted::New
    }

    /// When a whole frame is to leave. Sound after a loss leaves when the last lost packet was due, so that there is time
    /// to conceal it.
    fn leaves(&self, ready: &Ready, playout: &Playout) -> Option<Instant> {
        let due = playout.due(ready.timestamp, ready.arrived)?;
        match self.framing {
            Framing::Packet if self.lost > 0 => due.checked_sub(playout.duration(ready.duration)),
            _ => Some(due),
        }
    }

    /// When what lacks at the front is given up. In sound that is when the last packet that lacks is due; in pictures
    /// after a patience, and not before it is due.
    fn gives_up(&mut self, now: Instant, playout: &Playout) -> Instant {
        let next = self.slots.iter().flatten().next();
        let due = next.and_then(|next| playout.due(next.timestamp, next.arrived));
        match (self.framing, due) {
            (Framing::Packet, Some(due)) => {
                let duration = next.map_or(Duration::ZERO, |next| playout.duration(next.duration));
                due.checked_sub(duration).unwrap_or(due)
            }
            _ => {
                let patient = *self.lacks_since.get_or_insert(now) + self.give_up;
                due.map_or(patient, |due| due.max(patient))
            }
        }
    }

    /// When half the patience with an incomplete picture is over, from which on a key frame is asked for, in case.
    fn doubts(&mut self, now: Instant) -> Option<Instant> {
        let doubts = self.lacks_since.filter(|_| self.framing == Framing::Picture)? + self.give_up / 2;
        if doubts <= now && !self.has_doubted {
            (self.has_doubted, self.is_doubtful) = (true, true);
        }
        Some(doubts)
    }

    /// Drops what is incomplete and all up to the next key frame, if there is one that is whole.
    fn drop_for_key(&mut self) -> bool {
        let Some(index) = self.next_key_frame(true) else { return false };
        self.drop_up_to(index);
        self.waits_for_key = true;
        true
    }

    /// Until when the first packets seen, with which no frame begins, are kept; `None` when that has passed.
    fn overtaken(&mut self, now: Instant) -> Option<Instant> {
        let since = *self.lacks_since.get_or_insert(now);
        // What they overtook may still come; what was lost cannot even be asked for.
        let asks = since + START_PATIENCE;
        if now < asks {
            return Some(asks);
        }
        if !self.has_asked_at_start {
            self.has_asked_at_start = true;
            self.broken = true;
        }
        let gives_up = asks + self.give_up;
        Some(gives_up).filter(|gives_up| *gives_up > now)
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
                duration: first.duration,
                began: first.arrived,
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
        let (mut key, mut began, mut arrived) = (false, first.arrived, first.arrived);
        for (count, slot) in self.slots.iter().skip(start).enumerate() {
            let Some(packet) = slot else { return Front::Lacking };
            // The last packet may lack its marker: the next frame's first then shows the end.
            let is_next_frame = packet.timestamp != first.timestamp;
            if !is_next_frame {
                key |= packet.key;
                began = began.min(packet.arrived);
                arrived = arrived.max(packet.arrived);
            }
            if is_next_frame || packet.marker {
                return Front::Whole(Ready {
                    count: count + usize::from(!is_next_frame),
                    timestamp: first.timestamp,
                    payload_type: first.payload_type,
                    key,
                    duration: 0,
                    began,
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
    /// gives way only to one that is whole, and one that is whole to none.
    fn skip_to_key(&mut self) {
        if !self.waits_for_key || matches!(self.front(), Front::Whole(ready) if ready.key) {
            return;
        }
        let has_begun = matches!(self.slots.front(), Some(Some(front)) if front.key);
        if let Some(index) = self.next_key_frame(has_begun) {
            self.drop_up_to(index);
        }
    }

    /// Where the next key frame after the front begins; with `whole`, the next that is whole.
    fn next_key_frame(&self, whole: bool) -> Option<usize> {
        let is_meant = |index: usize| !whole || matches!(self.frame_at(index), Front::Whole(_));
        (1..self.slots.len()).find(|index| self.begins_frame(*index, true) && is_meant(*index))
    }

    fn drop_up_to(&mut self, index: usize) {
        self.dropped.frames += u64::from(self.slots.iter().take(index).flatten().next().is_some());
        self.drop_front(index);
    }

    /// Gives up the frame at the front: goes on with the next packet that begins one.
    fn skip(&mut self) {
        let next = (1..self.slots.len()).find(|index| self.begins_frame(*index, false));
        self.dropped.frames += 1;
        let count = next.unwrap_or(self.slots.len());
        self.drop_front(count);
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

    /// Drops what has come of the first `count` packets and gives up the rest.
    fn drop_front(&mut self, count: usize) {
        let next = self.next.unwrap_or(0);
        for (number, slot) in (next..).zip(self.slots.iter().take(count)) {
            match slot {
                Some(packet) => self.dropped.packets += u64::from(!packet.payload.is_empty()),
                None => {
                    self.lost = self.lost.saturating_add(1);
                    if self.given_up.len() == MAX_GIVEN_UP {
                        self.given_up.pop_front();
                    }
                    self.given_up.push_back(number);
                }
            }
        }
        self.release(count);
    }

    fn release(&mut self, count: usize) {
        let count = count.min(self.slots.len());
        self.slots.drain(..count);
        self.next = self.next.map(|next| next + count as u64);
        self.at_boundary = true;
        self.fresh = false;
        self.has_doubted = false;
        self.lacks_since = None;
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

/// The most packets that wait: four seconds of 20 Mbit/s.
const CAPACITY: usize = 8192;

/// So many numbers of packets given up are remembered, to tell what comes late from what comes twice.
const MAX_GIVEN_UP: usize = 256;

/// The most packets by which the first one seen may have overtaken the true first.
const MAX_BEFORE_FIRST: usize = 32;

/// How long the first packet seen, if no frame begins with it, waits for those it may have overtaken before a key frame
/// is asked for.
const START_PATIENCE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
