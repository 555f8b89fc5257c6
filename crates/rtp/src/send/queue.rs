//! What waits to be sent for the first time, frame by frame, and what happens when it is too much: sound drops its
//! oldest, video drops new frames up to the next key frame, which takes the place of all that waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::send::record::Record;

/// The packets of one sender that wait for the pacer.
#[derive(Debug, Default)]
pub struct Queue {
    records: VecDeque<Record>,
    /// Payload bytes of all.
    bytes: usize,
}

impl Queue {
    /// Appends a packet.
    pub fn push(&mut self, record: Record) {
        self.bytes += record.fragment.len();
        self.records.push_back(record);
    }

    /// Takes the next packet.
    pub fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        self.bytes -= record.fragment.len();
        Some(record)
    }

    /// The next packet.
    pub fn front(&self) -> Option<&Record> {
        self.records.front()
    }

    /// Marks the last packet as the last of its frame.
    pub fn end_frame(&mut self) {
        if let Some(record) = self.records.back_mut() {
            record.ends = true;
        }
    }

    /// Whether video should not be added to: more than [`MAX_PACKETS`] wait, or the first for longer than
    /// [`MAX_WAIT`].
    pub fn is_full(&self, now: Instant) -> bool {
        let waits = self.front().map_or(Duration::ZERO, |front| now.saturating_duration_since(front.queued));
        self.records.len() > MAX_PACKETS || waits > MAX_WAIT
    }

    /// Drops all frames but the one that is being sent; tells how many.
    pub fn drop_unsent(&mut self) -> u64 {
        let begun = match self.front() {
            Some(front) if !front.begins => {
                self.records.iter().position(|record| record.ends).map_or(0, |end| end + 1)
            }
            _ => 0,
        };
        let dropped = self.records.iter().skip(begun).filter(|record| record.begins).count();
        self.records.truncate(begun);
        self.bytes = self.records.iter().map(|record| record.fragment.len()).sum();
        dropped as u64
    }

    /// Drops all, also of the frame that is being sent; tells how many frames.
    pub fn clear(&mut self) -> u64 {
        let frames = self.records.iter().filter(|record| record.ends).count();
        self.records.clear();
        self.bytes = 0;
        frames as u64
    }

    /// Drops the oldest packets of sound until at most [`MAX_SOUND`] wait; tells how many.
    pub fn drop_oldest(&mut self) -> u64 {
        let mut dropped = 0;
        while self.records.len() > MAX_SOUND && self.pop().is_some() {
            dropped += 1;
        }
        dropped
    }

    /// Whether packets of a key frame wait.
    pub fn has_key(&self) -> bool {
        self.records.iter().any(|record| record.key)
    }

    /// Payload bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Packets that wait.
    pub fn len(&self) -> usize {
        self.records.len()
    }
}

/// The most packets of video that wait before frames are dropped; the frame that passes it is still taken whole.
const MAX_PACKETS: usize = 2048;

/// The longest that packets of video wait before frames are dropped.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The most packets of sound that wait: about a second.
const MAX_SOUND: usize = 50;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::moment::start;
    use crate::payload::{Fragment, Prefix};

    fn frame(queue: &mut Queue, packets: usize, queued: Instant) {
        for packet in 0..packets {
            queue.push(Record {
                fragment: Fragment {
                    prefix: Prefix::new(),
                    body: Bytes::from_static(b"0123456789"),
                    marker: false,
                },
                timestamp: 0,
                begins: packet == 0,
                ends: false,
                key: false,
                captured: queued,
                queued,
            });
        }
        queue.end_frame();
    }

    #[test]
    fn is_full_by_count_and_by_age() {
        let start = start();
        let mut queue = Queue::default();
        frame(&mut queue, MAX_PACKETS, start);
        assert!(!queue.is_full(start + MAX_WAIT));
        assert!(queue.is_full(start + MAX_WAIT + Duration::from_millis(1)));
        frame(&mut queue, 1, start);
        assert!(queue.is_full(start));
    }

    #[test]
    fn drops_whole_frames_but_not_the_one_being_sent() {
        let mut queue = Queue::default();
        for _ in 0..3 {
            frame(&mut queue, 4, start());
        }
        assert_eq!(queue.bytes(), 120);
        queue.pop();
        assert_eq!(queue.drop_unsent(), 2);
        assert_eq!((queue.len(), queue.bytes()), (3, 30));
        (0..3).for_each(|_| drop(queue.pop()));
        frame(&mut queue, 4, start());
        assert_eq!(queue.drop_unsent(), 1);
        assert_eq!((queue.len(), queue.bytes()), (0, 0));
    }

    #[test]
    fn sound_drops_its_oldest() {
        let mut queue = Queue::default();
        for _ in 0..MAX_SOUND + 3 {
            frame(&mut queue, 1, start());
        }
        assert_eq!(queue.drop_oldest(), 3);
        assert_eq!(queue.len(), MAX_SOUND);
    }
}
