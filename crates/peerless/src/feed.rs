//! What a connection shares with those who read a track: the bounded queue of frames towards a reader, and the reader's
//! wishes back. Leaves: they know neither connection nor driver.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use peerless_peer::figures::ReceiveFigures;
use peerless_peer::id::TransceiverId;
use peerless_rtp::codec::{Codec, Format};
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;

/// Frames that wait for a slow reader before the queue gives up on them: two seconds of 50 per second.
const RECEIVE_LIMIT: usize = 100;

/// Received frames on their way to a reader.
#[derive(Debug, Default)]
pub(crate) struct FrameQueue {
    state: Mutex<QueueState>,
    /// What readers reported of decoding and playing; only in the queue that the connection fills.
    figures: Mutex<ReceiveFigures>,
}

#[derive(Debug, Default)]
struct QueueState {
    frames: VecDeque<Frame>,
    codec: Option<Codec>,
    /// The encodings that were negotiated, where there are several.
    rids: Vec<Rid>,
    /// The one encoding that is taken, where not all are.
    only: Option<Rid>,
    reader: Option<Waker>,
    /// Queues of other readers that get the same frames.
    forks: Vec<Weak<FrameQueue>>,
    /// A reader has taken frames.
    has_given: bool,
    /// After a drop nothing of an encoding is taken before its next key frame: those that had theirs since.
    fresh: Option<Vec<Option<Rid>>>,
    /// The reader still has to ask for that key frame.
    wants_key: bool,
    /// Nobody has asked for frames since the last drop: a key frame would be for nobody.
    is_unread: bool,
    dropped: u64,
    jitter_buffer_target: Option<Duration>,
    ended: bool,
}

impl FrameQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was reported so far, to be added to.
    pub(crate) fn figures(&self) -> MutexGuard<'_, ReceiveFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a frame in. When the reader is too slow the waiting frames are dropped up to the next key frame;
    /// `false` then asks the caller to have one sent.
    pub(crate) fn push(&self, frame: Frame) -> bool {
        let mut state = self.lock();
        if state.ended {
            return true;
        }
        let mut is_fine = true;
        if !state.forks.is_empty() {
            state.forks.retain(|fork| fork.strong_count() > 0);
            for fork in state.forks.iter().filter_map(Weak::upgrade) {
                is_fine &= fork.push(frame.clone());
            }
        }
        state.take(frame) && is_fine
    }

    /// A queue that gets the same frames from now on, and those that still wait here: of one encoding, or all.
    pub(crate) fn fork_of(&self, only: Option<Rid>) -> Arc<Self> {
        let mut state = self.lock();
        let mut fork = QueueState {
            frames: state.frames.iter().filter(|frame| is_of(frame, only.as_ref())).cloned().collect(),
            codec: state.codec.clone(),
            rids: state.rids.clone(),
            only,
            fresh: state.fresh.clone(),
            wants_key: state.wants_key,
            ended: state.ended,
            ..QueueState::default()
        };
        // What leans on frames that another has taken is of no use.
        if state.has_given && !fork.frames.front().is_some_and(|frame| frame.key) {
            let first_key = fork.frames.iter().position(|frame| frame.key).unwrap_or(fork.frames.len());
            fork.frames.drain(..first_key);
            fork.fresh = fork.frames.is_empty().then(Vec::new);
            fork.wants_key = fork.frames.is_empty();
        }
        let fork = Arc::new(Self { state: Mutex::new(fork), figures: Mutex::default() });
        state.forks.push(Arc::downgrade(&fork));
        fork
    }

    pub(crate) fn set_codec(&self, codec: Option<Codec>) {
        let mut state = self.lock();
        for fork in state.forks.iter().filter_map(Weak::upgrade) {
            fork.set_codec(codec.clone());
        }
        state.codec = codec;
    }

    pub(crate) fn set_rids(&self, rids: Vec<Rid>) {
        self.lock().rids = rids;
    }

    pub(crate) fn rids(&self) -> Vec<Rid> {
        self.lock().rids.clone()
    }

    /// Whether the reader is to ask for a key frame; asking clears it.
    pub(crate) fn take_key_wish(&self) -> bool {
        std::mem::take(&mut self.lock().wants_key)
    }

    pub(crate) fn codec(&self) -> Option<Codec> {
        self.lock().codec.clone()
    }

    /// Whether the codec known so far is of this format.
    pub(crate) fn expects(&self, format: Format) -> bool {
        self.lock().codec.as_ref().is_some_and(|codec| codec.format == format)
    }

    pub(crate) fn set_jitter_buffer_target(&self, target: Option<Duration>) {
        self.lock().jitter_buffer_target = target;
    }

    pub(crate) fn jitter_buffer_target(&self) -> Option<Duration> {
        self.lock().jitter_buffer_target
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        for fork in state.forks.drain(..).filter_map(|fork| fork.upgrade()) {
            fork.end();
        }
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    pub(crate) fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        let mut state = self.lock();
        state.is_unread = false;
        state.has_given |= !state.frames.is_empty();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl QueueState {
    /// Takes a frame in; `false` where a key frame must be asked for.
    fn take(&mut self, frame: Frame) -> bool {
        if !is_of(&frame, self.only.as_ref()) {
            return true;
        }
        if let Some(fresh) = &mut self.fresh
            && !fresh.contains(&frame.rid)
        {
            if !frame.key {
                self.dropped += 1;
                return true;
            }
            // As many as there are encodings, which negotiation bounds.
            fresh.push(frame.rid.clone());
        }
        self.wants_key = false;
        if self.frames.len() >= RECEIVE_LIMIT {
            self.dropped += self.frames.len() as u64;
            self.frames.clear();
            self.has_given = true;
            let is_unread = std::mem::replace(&mut self.is_unread, true);
            self.fresh = Some(Vec::new());
            if frame.key {
                self.fresh = Some(vec![frame.rid.clone()]);
            } else {
                self.dropped += 1;
                // A reader that comes back asks for itself.
                self.wants_key = is_unread;
                return is_unread;
            }
        }
        self.frames.push_back(frame);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        true
    }
}

/// What the other side may change about a track of its own, seen by all handles of it.
#[derive(Debug)]
pub(crate) struct Standing {
    state: Mutex<StandingState>,
}

#[derive(Debug)]
struct StandingState {
    stream_ids: Arc<[String]>,
    muted: bool,
}

impl Standing {
    pub(crate) fn new(stream_ids: Vec<String>, muted: bool) -> Self {
        Self { state: Mutex::new(StandingState { stream_ids: stream_ids.into(), muted }) }
    }

    fn lock(&self) -> MutexGuard<'_, StandingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, stream_ids: Vec<String>, muted: bool) {
        let mut state = self.lock();
        if *state.stream_ids != *stream_ids {
            state.stream_ids = stream_ids.into();
        }
        state.muted = muted;
    }

    pub(crate) fn stream_ids(&self) -> Arc<[String]> {
        self.lock().stream_ids.clone()
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.lock().muted
    }
}

/// Whether a frame is of this encoding.
fn is_of(frame: &Frame, only: Option<&Rid>) -> bool {
    only.is_none() || frame.rid.as_ref() == only
}

/// What the reader of a track wants of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// A key frame from the remote: of one encoding, or of all.
    KeyFrame(Option<Rid>),
    /// That frames are held so long at least.
    JitterBufferTarget(Option<Duration>),
}

/// The requests of all readers on their way to the driver; the last of each kind and track counts.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    state: Mutex<RequestState>,
}

#[derive(Debug, Default)]
struct RequestState {
    waiting: Vec<(TransceiverId, Request)>,
    driver: Option<Waker>,
}

impl Requests {
    fn lock(&self) -> MutexGuard<'_, RequestState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request in and wakes the driver.
    pub(crate) fn push(&self, id: TransceiverId, request: Request) {
        let mut state = self.lock();
        let replaces = |waiting: &Request| match (waiting, &request) {
            (Request::KeyFrame(one), Request::KeyFrame(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        };
        state.waiting.retain(|(other, waiting)| *other != id || !replaces(waiting));
        state.waiting.push((id, request));
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The oldest request; without one, `driver` is woken for the next.
    pub(crate) fn poll(&self, driver: &Waker) -> Option<(TransceiverId, Request)> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            if !state.driver.as_ref().is_some_and(|known| known.will_wake(driver)) {
                state.driver = Some(driver.clone());
            }
            return None;
        }
        Some(state.waiting.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use peerless_rtp::codec::Format;

    fn frame(key: bool) -> Frame {
        Frame::new(Format::Vp8, 0, key, Bytes::from_static(b"x"))
    }

    #[tokio::test]
    async fn a_slow_reader_loses_frames_up_to_the_next_key_frame() {
        let queue = FrameQueue::default();
        for _ in 0..RECEIVE_LIMIT {
            assert!(queue.push(frame(false)));
        }
        assert!(!queue.push(frame(false)), "a key frame is asked for once");
        assert!(queue.push(frame(false)), "and not again while it is awaited");
        assert!(queue.push(frame(true)));
        assert!(queue.push(frame(false)));
        queue.end();
        let mut keys = Vec::new();
        while let Some(frame) = std::future::poll_fn(|context| queue.poll_frame(context)).await {
            keys.push(frame.key);
        }
        assert_eq!(keys, [true, false]);
        assert_eq!(queue.dropped(), RECEIVE_LIMIT as u64 + 2);
    }

    #[test]
    fn a_queue_that_nobody_reads_asks_for_one_key_frame_and_its_reader_for_the_next() {
        let queue = FrameQueue::default();
        let asked = (0..1_010).filter(|number| !queue.push(frame(number % 150 == 0))).count();
        assert_eq!((asked, queue.take_key_wish(), queue.take_key_wish()), (1, true, false));
    }

    #[tokio::test]
    async fn a_reader_of_one_encoding_gets_its_frames_alone_and_each_begins_anew_by_itself() {
        let named = |name: &str, key: bool| Frame { rid: Some(Rid::new(name)), ..frame(key) };
        let queue = FrameQueue::default();
        let only = queue.fork_of(Some(Rid::new("h")));
        for name in ["q", "h", "f"] {
            queue.push(named(name, true));
        }
        for _ in 0..RECEIVE_LIMIT {
            queue.push(named("q", false));
        }
        // All was dropped; only what can be decoded is taken since.
        for (name, key) in [("f", false), ("h", true), ("q", false), ("h", false), ("f", true)] {
            queue.push(named(name, key));
        }
        queue.end();
        let read = async |queue: &FrameQueue| {
            let mut names = Vec::new();
            while let Some(frame) = std::future::poll_fn(|context| queue.poll_frame(context)).await {
                names.push((frame.rid.unwrap().to_string(), frame.key));
            }
            names
        };
        let pair = |name: &str, key: bool| (name.to_owned(), key);
        assert_eq!(read(&queue).await, [pair("h", true), pair("h", false), pair("f", true)]);
        assert_eq!(read(&only).await, [pair("h", true), pair("h", true), pair("h", false)]);
    }

    #[tokio::test]
    async fn a_fork_gets_all_frames_too_and_one_made_later_begins_with_a_key_frame() {
        let take = async |queue: &FrameQueue| {
            let frame = std::future::poll_fn(|context| queue.poll_frame(context)).await;
            frame.map(|frame| frame.timestamp)
        };
        let numbered = |timestamp: u32, key: bool| Frame { timestamp, ..frame(key) };
        let queue = FrameQueue::default();
        queue.push(numbered(1, true));
        let early = queue.fork_of(None);
        queue.push(numbered(2, false));
        assert_eq!(take(&queue).await, Some(1));
        let late = queue.fork_of(None);
        assert!(late.take_key_wish(), "what waits leans on what another took");
        queue.push(numbered(3, false));
        queue.push(numbered(4, true));
        queue.end();
        for (queue, expected) in [(&queue, vec![2, 3, 4]), (&early, vec![1, 2, 3, 4]), (&late, vec![4])] {
            let mut taken = Vec::new();
            while let Some(timestamp) = take(queue).await {
                taken.push(timestamp);
            }
            assert_eq!(taken, expected);
        }
        assert_eq!((early.dropped(), late.dropped()), (0, 1));
    }
}
