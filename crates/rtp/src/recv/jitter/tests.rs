//! Frames from packets that come late, twice, or not at all.

use std::ops::Range;

use super::*;
use crate::moment::start;
use crate::recv::playout::Bounds;

const MS: Duration = Duration::from_millis(1);
const GIVE_UP: Duration = Duration::from_millis(500);
const BOUNDS: Bounds = Bounds { min: Duration::ZERO, max: Duration::from_secs(1) };

/// A packet of video: `frame` is its timestamp.
fn packet(frame: u32, starts: bool, marker: bool, key: bool) -> Waiting {
    Waiting {
        timestamp: frame,
        marker,
        payload_type: PayloadType::new(96).unwrap(),
        payload: Bytes::from(vec![frame as u8]),
        starts,
        key: key && starts,
        duration: 0,
        arrived: start(),
    }
}

/// A clock by which frames leave as soon as they are whole.
fn at_once() -> Playout {
    Playout::new(1000, BOUNDS, Some(Duration::ZERO))
}

/// Frames of three packets each from number 10 on; the first of `keys` are key frames.
struct Video {
    buffer: JitterBuffer,
    now: Instant,
    keys: Vec<u32>,
    taken: Vec<u32>,
}

impl Video {
    fn new(keys: &[u32]) -> Self {
        let buffer = JitterBuffer::new(Framing::Picture, GIVE_UP);
        Self { buffer, now: start(), keys: keys.to_vec(), taken: Vec::new() }
    }

    fn arrives(&mut self, number: u64) -> Inserted {
        let (frame, part) = ((number - 10) as u32 / 3, (number - 10) % 3);
        let packet = packet(frame, part == 0, part == 2, self.keys.contains(&frame));
        let inserted = self.buffer.insert(number, packet);
        self.poll();
        inserted
    }

    fn poll(&mut self) {
        while let Some(ready) = self.buffer.poll(self.now, &at_once()) {
            assert_eq!(self.buffer.payloads(ready).count(), ready.count);
            self.taken.push(ready.timestamp);
            self.buffer.take(ready, true);
        }
    }

    fn all_but(&mut self, numbers: Range<u64>, lost: &[u64]) {
        numbers.filter(|number| !lost.contains(number)).for_each(|number| {
            self.arrives(number);
        });
    }
}

#[test]
fn whole_frames_leave_at_once_and_in_order() {
    let mut video = Video::new(&[0]);
    video.all_but(10..19, &[]);
    assert_eq!(video.taken, [0, 1, 2]);
    assert_eq!(video.buffer.poll_timeout(), None);
}

#[test]
fn reordered_and_repeated_packets_are_put_right() {
    let mut video = Video::new(&[0]);
    for number in [11, 10, 12, 15, 13, 14, 14] {
        video.arrives(number);
    }
    assert_eq!(video.taken, [0, 1]);
    assert_eq!(video.arrives(14), Inserted::Duplicate);
    assert_eq!(video.arrives(17), Inserted::New);
    assert_eq!(video.arrives(17), Inserted::Duplicate);
}

#[test]
fn an_incomplete_frame_waits_for_its_retransmission() {
    let mut video = Video::new(&[0]);
    video.all_but(10..22, &[14]);
    assert_eq!(video.taken, [0]);
    assert_eq!(video.buffer.poll_timeout(), Some(video.now + GIVE_UP / 2));
    video.now += 100 * MS;
    video.arrives(14);
    assert_eq!(video.taken, [0, 1, 2, 3]);
    assert!(!video.buffer.take_broken());
}

#[test]
fn after_giving_up_frames_are_held_back_to_the_next_key_frame() {
    let mut video = Video::new(&[0, 4]);
    video.all_but(10..19, &[14]);
    video.now += GIVE_UP;
    video.poll();
    assert_eq!(video.taken, [0]);
    assert!(video.buffer.take_broken());
    video.all_but(19..28, &[]);
    assert_eq!(video.taken, [0, 4, 5]);
    assert_eq!(video.buffer.take_dropped(), Dropped { frames: 3, whole_frames: 2, packets: 8 });
    assert_eq!(video.arrives(14), Inserted::Late);
    assert!(!video.buffer.take_broken());
}

#[test]
fn a_lost_end_or_beginning_of_a_frame_counts_as_that_frame() {
    let mut video = Video::new(&[0, 2, 3]);
    // The end of frame 1 and the beginning of frame 2 are lost: both go.
    video.all_but(10..22, &[15, 16]);
    assert_eq!(video.taken, [0]);
    video.now += GIVE_UP;
    video.poll();
    assert_eq!(video.taken, [0, 3]);
}

#[test]
fn while_a_key_frame_is_waited_for_nothing_else_is() {
    let mut video = Video::new(&[0, 3]);
    video.all_but(10..16, &[14]);
    video.now += GIVE_UP;
    video.all_but(16..19, &[17]);
    assert_eq!(video.taken, [0]);
    // Frame 2 lacks a packet, but the key frame after it need not wait for that.
    video.all_but(19..22, &[]);
    assert_eq!(video.taken, [0, 3]);
}

#[test]
fn a_key_frame_that_lacks_something_gives_way_to_a_whole_one() {
    let mut video = Video::new(&[0, 2]);
    video.all_but(10..16, &[11]);
    assert_eq!(video.taken, []);
    video.all_but(16..18, &[]);
    assert_eq!(video.taken, []);
    video.arrives(18);
    assert_eq!(video.taken, [2]);
}

#[test]
fn a_stream_joined_midway_asks_for_a_key_frame_soon() {
    let mut video = Video::new(&[]);
    video.arrives(11);
    video.arrives(12);
    assert!(!video.buffer.take_broken());
    video.now += START_PATIENCE;
    video.poll();
    assert!(video.buffer.take_broken());
    video.keys.push(2);
    video.all_but(13..19, &[]);
    assert_eq!(video.taken, [2]);
}

#[test]
fn a_frame_that_cannot_be_put_together_breaks_those_after_it() {
    let mut video = Video::new(&[0, 2]);
    video.all_but(10..12, &[]);
    video.buffer.insert(12, packet(0, false, true, true));
    let ready = video.buffer.poll(video.now, &at_once()).unwrap();
    video.buffer.take(ready, false);
    assert!(video.buffer.take_broken());
    video.all_but(13..19, &[]);
    assert_eq!(video.taken, [2]);
}

#[test]
fn the_next_frame_shows_the_end_where_the_marker_is_missing() {
    let mut buffer = JitterBuffer::new(Framing::Picture, GIVE_UP);
    buffer.insert(1, packet(0, true, false, true));
    buffer.insert(2, packet(0, false, false, true));
    assert_eq!(buffer.poll(start(), &at_once()), None);
    buffer.insert(3, packet(1, true, false, false));
    assert_eq!(buffer.poll(start(), &at_once()).map(|ready| (ready.count, ready.key)), Some((2, true)));
}

#[test]
fn padding_takes_a_number_and_nothing_else() {
    let mut buffer = JitterBuffer::new(Framing::Picture, GIVE_UP);
    buffer.insert(1, packet(0, true, true, true));
    for number in 2..5 {
        buffer.insert(number, Waiting { payload: Bytes::new(), ..packet(0, false, false, false) });
    }
    buffer.insert(5, packet(1, false, false, false));
    buffer.insert(6, Waiting { payload: Bytes::new(), ..packet(1, false, false, false) });
    buffer.insert(7, packet(1, false, true, false));
    let mut frames = Vec::new();
    while let Some(ready) = buffer.poll(start(), &at_once()) {
        frames.push((ready.timestamp, buffer.payloads(ready).count()));
        buffer.take(ready, true);
    }
    assert_eq!(frames, [(0, 1), (1, 2)]);
}

#[test]
fn a_packet_far_ahead_drops_all_that_waits() {
    let mut video = Video::new(&[0]);
    video.all_but(10..13, &[]);
    assert_eq!(video.arrives(13 + CAPACITY as u64 - 1), Inserted::New);
    assert_eq!(video.arrives(16 + CAPACITY as u64), Inserted::Overflow);
    assert!(video.buffer.take_broken());
    assert!(video.buffer.slots.len() <= CAPACITY);
}

#[test]
fn at_half_the_patience_a_key_frame_is_asked_for_and_taken_if_it_is_whole() {
    let mut video = Video::new(&[0, 3]);
    video.all_but(10..19, &[14]);
    video.now += GIVE_UP / 2 - MS;
    video.poll();
    assert!(!video.buffer.take_broken());
    assert_eq!(video.buffer.poll_timeout(), Some(video.now + MS));
    video.now += MS;
    video.poll();
    assert!(video.buffer.take_broken());
    assert_eq!(video.buffer.poll_timeout(), Some(video.now + GIVE_UP / 2));
    video.all_but(19..21, &[]);
    assert_eq!(video.taken, [0]);
    video.arrives(21);
    assert_eq!(video.taken, [0, 3]);
    assert!(!video.buffer.take_broken());
}

#[test]
fn sound_that_leaves_at_once_goes_on_without_a_packet_after_a_while() {
    let now = start();
    let give_up = 60 * MS;
    let mut buffer = JitterBuffer::new(Framing::Packet, give_up);
    let mut taken = Vec::new();
    for (number, at) in [(1, 0), (2, 20), (4, 60), (5, 80), (6, 100), (7, 120), (3, 125), (8, 140)] {
        let now = now + at * MS;
        buffer.insert(number, packet(number as u32, false, false, false));
        while let Some(ready) = buffer.poll(now, &at_once()) {
            taken.push((ready.timestamp, at, ready.lost));
            buffer.take(ready, true);
        }
    }
    let late = [(4, 120, 1), (5, 120, 0), (6, 120, 0), (7, 120, 0), (8, 140, 0)];
    assert_eq!(taken, [[(1, 0, 0), (2, 20, 0)].as_slice(), &late].concat());
    assert!(!buffer.take_broken());
}

/// Sound of 20 ms a packet under a clock of 1 kHz, held for 50 ms.
struct Sound {
    buffer: JitterBuffer,
    playout: Playout,
    start: Instant,
    /// What left: number, when, and how many were lost before.
    taken: Vec<(u32, u128, u16)>,
}

impl Sound {
    fn new() -> Self {
        let playout = Playout::new(1000, BOUNDS, Some(50 * MS));
        let buffer = JitterBuffer::new(Framing::Packet, 60 * MS);
        Self { buffer, playout, start: start(), taken: Vec::new() }
    }

    fn arrives(&mut self, number: u32, at_ms: u32) -> Inserted {
        self.pass(at_ms);
        let now = self.start + at_ms * MS;
        let waiting = Waiting { duration: 20, arrived: now, ..packet(number * 20, false, false, false) };
        let inserted = self.buffer.insert(number.into(), waiting);
        self.playout.handle(now, number * 20, None);
        self.poll(now);
        inserted
    }

    /// Lets time pass up to `at_ms`.
    fn pass(&mut self, at_ms: u32) {
        let until = self.start + at_ms * MS;
        while let Some(next) = self.buffer.poll_timeout().filter(|next| *next <= until) {
            self.poll(next);
        }
    }

    fn poll(&mut self, now: Instant) {
        while let Some(ready) = self.buffer.poll(now, &self.playout) {
            // The clock follows the earliest packets, by fractions of a millisecond here.
            let at = (now - self.start + MS / 2).as_millis();
            self.taken.push((ready.timestamp / 20, at, ready.lost));
            self.buffer.take(ready, true);
        }
    }
}

#[test]
fn sound_leaves_when_it_is_due() {
    let mut sound = Sound::new();
    for (number, at) in [(0, 0), (1, 25), (3, 61), (2, 62), (4, 84), (5, 144)] {
        sound.arrives(number, at);
    }
    sound.pass(1000);
    assert_eq!(sound.taken, [(0, 50, 0), (1, 70, 0), (2, 90, 0), (3, 110, 0), (4, 130, 0), (5, 150, 0)]);
    assert_eq!(sound.buffer.poll_timeout(), None);
}

#[test]
fn sound_that_is_not_there_in_its_time_is_given_up_and_told_of() {
    let mut sound = Sound::new();
    for number in [0, 1, 4, 5] {
        sound.arrives(number, number * 20);
    }
    // Packet 3 was due at 110; packet 4, due at 130, leaves then so that there is time to conceal it.
    sound.pass(109);
    assert_eq!(sound.taken.len(), 2);
    assert_eq!(sound.arrives(2, 112), Inserted::Late);
    assert_eq!(sound.arrives(4, 112), Inserted::Duplicate);
    sound.pass(1000);
    // What came late has made the delay longer: it was 72 ms behind, to which an eighth is added.
    assert_eq!(sound.taken, [(0, 50, 0), (1, 70, 0), (4, 110, 2), (5, 181, 0)]);
}

#[test]
fn a_picture_waits_for_its_time_and_beyond_that_for_what_it_lacks() {
    let mut video = Video::new(&[0]);
    let mut playout = Playout::new(1000, BOUNDS, Some(100 * MS));
    playout.handle(video.now, 0, None);
    let now = video.now;
    for number in [10, 11, 12, 14, 15, 16, 17, 18] {
        let (frame, part) = ((number - 10) as u32 / 3, (number - 10) % 3);
        video.buffer.insert(number, packet(frame, part == 0, part == 2, frame == 0));
    }
    assert_eq!(video.buffer.poll(now, &playout), None);
    assert_eq!(video.buffer.poll_timeout(), Some(now + 100 * MS));
    let ready = video.buffer.poll(now + 100 * MS, &playout).unwrap();
    video.buffer.take(ready, true);
    assert_eq!(video.buffer.poll(now + 100 * MS, &playout), None);
    assert_eq!(video.buffer.poll_timeout(), Some(now + 100 * MS + GIVE_UP / 2));
    // What lacked comes late: it leaves at once, and what was due meanwhile after it.
    video.buffer.insert(13, packet(1, true, false, false));
    for frame in 1..3 {
        let ready = video.buffer.poll(now + 300 * MS, &playout).unwrap();
        assert_eq!((ready.timestamp, ready.lost), (frame, 0));
        video.buffer.take(ready, true);
    }
}

#[test]
fn a_key_frame_that_waits_for_its_time_gives_way_to_none() {
    let mut video = Video::new(&[]);
    let mut playout = Playout::new(1000, BOUNDS, Some(100 * MS));
    playout.handle(video.now, 0, None);
    video.buffer.insert(1, packet(0, true, true, true));
    assert_eq!(video.buffer.poll(video.now, &playout), None);
    video.buffer.insert(2, packet(10, true, true, true));
    assert_eq!(video.buffer.poll(video.now, &playout), None);
    let ready = video.buffer.poll(video.now + 200 * MS, &playout).unwrap();
    assert_eq!(ready.timestamp, 0);
}
