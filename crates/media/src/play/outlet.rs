//! Where decoded things wait for whoever wants them: the newest picture, or a bounded row.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use peerless::RemoteTrack;
use peerless::stats::PlayoutReport;

use crate::picture::Picture;
use crate::sound::Sound;

/// A picture as it came.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DecodedPicture {
    /// The picture.
    pub picture: Picture,
    /// Its RTP timestamp: ticks of 1/90 000 s, wrapping.
    pub timestamp: u32,
    /// Whether it came as a key frame.
    pub key: bool,
    /// When its last packet arrived.
    pub arrived: Option<Instant>,
    /// When it is to be shown, in step with the tracks of the same stream: now, or a little before or after.
    pub playout: Option<Instant>,
    /// Counts from 1: pictures that this play has decoded.
    pub number: u64,
}

/// A stretch of sound, in order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DecodedSound {
    /// The sound.
    pub sound: Sound,
    /// The RTP timestamp of its beginning, in ticks of the codec's clock, wrapping. A gap in it is silence that was not
    /// sent, or a loss too long to be concealed.
    pub timestamp: u32,
    /// How it was had.
    pub origin: Origin,
    /// When the packet that it was made of arrived; of what stands for a lost one, the next one.
    pub arrived: Option<Instant>,
    /// When the sound of that packet is to be heard, in step with the tracks of the same stream.
    pub playout: Option<Instant>,
    /// When it was decoded or made up.
    pub decoded: Instant,
}

/// How a sound was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// From its packet.
    Decoded,
    /// Its packet was lost; from the redundancy in the next one.
    Recovered,
    /// Its packet was lost; made up from what came before.
    Concealed,
}

/// Pictures in order, those decoded after this was made. One who is too slow loses the oldest: with a limit of 1 it is
/// always the newest that is given.
#[derive(Debug)]
pub struct Pictures {
    pub(crate) row: Arc<Row<Arc<DecodedPicture>>>,
}

impl Pictures {
    /// Waits for the next picture; `None` once the play has ended.
    pub async fn next(&mut self) -> Option<Arc<DecodedPicture>> {
        std::future::poll_fn(|context| self.row.poll_next(context)).await
    }

    /// The next picture where one waits already.
    pub fn try_next(&mut self) -> Option<Arc<DecodedPicture>> {
        self.row.take()
    }

    /// How many were lost because they were not taken in time.
    pub fn missed(&self) -> u64 {
        self.row.missed()
    }
}

/// Sounds in order, those decoded after this was made. One who is too slow loses the oldest.
#[derive(Debug)]
pub struct Sounds {
    pub(crate) row: Arc<Row<Arc<DecodedSound>>>,
    /// The track whose play-out this is, where it counts as that.
    pub(crate) played: Option<RemoteTrack>,
}

impl Sounds {
    /// Waits for the next stretch of sound; `None` once the play has ended.
    pub async fn next(&mut self) -> Option<Arc<DecodedSound>> {
        let sound = std::future::poll_fn(|context| self.row.poll_next(context)).await;
        self.told(sound)
    }

    /// The next stretch of sound where one waits already.
    pub fn try_next(&mut self) -> Option<Arc<DecodedSound>> {
        let sound = self.row.take();
        self.told(sound)
    }

    /// What is taken counts as played, for the stats of the connection.
    fn told(&self, sound: Option<Arc<DecodedSound>>) -> Option<Arc<DecodedSound>> {
        if let (Some(track), Some(taken)) = (&self.played, &sound) {
            track.report_playout(PlayoutReport {
                samples: taken.sound.frames() as u32,
                sample_rate: taken.sound.sample_rate(),
                delay: taken.decoded.elapsed(),
                synthesized: false,
            });
        }
        sound
    }

    /// How many were lost because they were not taken in time.
    pub fn missed(&self) -> u64 {
        self.row.missed()
    }
}

/// All rows of one play, and what each of them gets.
#[derive(Debug)]
pub(crate) struct Outlet<T> {
    state: Mutex<OutletState<T>>,
}

#[derive(Debug)]
struct OutletState<T> {
    rows: Vec<Weak<Row<T>>>,
    latest: Option<T>,
    ended: bool,
}

impl<T> Default for Outlet<T> {
    fn default() -> Self {
        Self { state: Mutex::new(OutletState { rows: Vec::new(), latest: None, ended: false }) }
    }
}

impl<T: Clone> Outlet<T> {
    fn lock(&self) -> MutexGuard<'_, OutletState<T>> {
        // Plain values: right even if a holder had panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another row, of at most `limit` things.
    pub(crate) fn open(&self, limit: usize) -> Arc<Row<T>> {
        let row = Arc::new(Row::new(limit));
        let mut state = self.lock();
        if state.ended {
            row.end();
        } else {
            state.rows.retain(|row| row.strong_count() > 0);
            state.rows.push(Arc::downgrade(&row));
        }
        row
    }

    /// The last thing that was given out.
    pub(crate) fn latest(&self) -> Option<T> {
        self.lock().latest.clone()
    }

    /// Gives it out to all.
    pub(crate) fn push(&self, item: T) {
        let mut state = self.lock();
        for row in state.rows.iter().filter_map(Weak::upgrade) {
            row.push(item.clone());
        }
        state.latest = Some(item);
    }

    /// Nothing more will come.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        for row in state.rows.drain(..).filter_map(|row| row.upgrade()) {
            row.end();
        }
    }
}

/// A bounded row of things for one reader; when it is full the oldest makes room.
#[derive(Debug)]
pub(crate) struct Row<T> {
    state: Mutex<RowState<T>>,
}

#[derive(Debug)]
struct RowState<T> {
    items: VecDeque<T>,
    limit: usize,
    reader: Option<Waker>,
    missed: u64,
    ended: bool,
}

impl<T> Row<T> {
    /// Holds at most `limit`, at least one.
    fn new(limit: usize) -> Self {
        let state =
            RowState { items: VecDeque::new(), limit: limit.max(1), reader: None, missed: 0, ended: false };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, RowState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: T) {
        let mut state = self.lock();
        if state.items.len() >= state.limit {
            state.items.pop_front();
            state.missed += 1;
        }
        state.items.push_back(item);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Nothing more will come; what waits can still be taken.
    fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn take(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    fn missed(&self) -> u64 {
        self.lock().missed
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_one_gives_the_newest_and_a_longer_one_loses_the_oldest() {
        let outlet = Outlet::default();
        outlet.push(0);
        let (newest, last) = (outlet.open(1), outlet.open(3));
        (1..=5).for_each(|item| outlet.push(item));
        outlet.end();
        assert_eq!((newest.take(), newest.take(), newest.missed()), (Some(5), None, 4));
        let rest: Vec<i32> = std::iter::from_fn(|| last.take()).collect();
        assert_eq!((rest, last.missed(), outlet.latest()), (vec![3, 4, 5], 2, Some(5)));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_next_and_by_the_end() {
        let outlet = Arc::new(Outlet::default());
        let row = outlet.open(2);
        let waiting = tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(item) = std::future::poll_fn(|context| row.poll_next(context)).await {
                taken.push(item);
            }
            taken
        });
        tokio::task::yield_now().await;
        outlet.push(7);
        tokio::task::yield_now().await;
        outlet.end();
        assert_eq!(waiting.await.unwrap(), [7]);
        let late = outlet.open(1);
        assert_eq!(std::future::poll_fn(|context| late.poll_next(context)).await, None);
    }
}
