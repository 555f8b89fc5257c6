//! What the state of a connection tells its subscribers, and the bounded queue in which it waits for each of them. A
//! leaf: handles that lead back to the connection are made when a subscriber takes the news, see
//! [`Events`](crate::events::Events).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use peerless_peer::event::Event as PeerEvent;
use peerless_peer::id::TransceiverId;
use peerless_rtp::codec::Codec;

use crate::mailbox::Mailbox;
use crate::remote_track::RemoteTrack;

/// How many events wait for a subscriber before the oldest is lost. Diagnostics stop at half of it.
pub(crate) const EVENT_LIMIT: usize = 4096;

/// Something to tell.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// As the peer says it.
    Peer(PeerEvent),
    /// The remote sends a track.
    Track(RemoteTrack),
    /// A track of the remote was muted, unmuted, moved to other streams, or ended.
    TrackChanged(PeerEvent, RemoteTrack),
    /// The remote made a data channel.
    Channel(Arc<Mailbox>),
    /// What a transceiver sends was settled.
    Negotiated { transceiver: TransceiverId, codec: Option<Codec> },
}

/// Where a subscriber's events wait.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    events: VecDeque<News>,
    reader: Option<Waker>,
    lost: u64,
    ended: bool,
}

impl EventQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: &News) {
        let mut state = self.lock();
        let is_passing = matches!(event, News::Peer(PeerEvent::Diagnostic(_)));
        let limit = if is_passing { EVENT_LIMIT / 2 } else { EVENT_LIMIT };
        if state.ended {
            return;
        }
        if state.events.len() >= limit {
            state.lost += 1;
            if limit < EVENT_LIMIT {
                return;
            }
            state.events.pop_front();
        }
        state.events.push_back(event.clone());
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// The subscriber is gone: nothing is kept for it.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.events.clear();
    }

    /// How many were lost because they were not read.
    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<News>> {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
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
    use peerless_peer::event::Diagnostic;
    use peerless_peer::state::ConnectionState;

    use super::*;

    async fn next(queue: &EventQueue) -> Option<News> {
        std::future::poll_fn(|context| queue.poll(context)).await
    }

    #[tokio::test]
    async fn events_come_in_order_and_end_with_the_connection() {
        let queue = EventQueue::default();
        queue.push(&News::Peer(PeerEvent::NegotiationNeeded));
        queue.push(&News::Peer(PeerEvent::ConnectionState(ConnectionState::Closed)));
        queue.end();
        assert!(matches!(next(&queue).await, Some(News::Peer(PeerEvent::NegotiationNeeded))));
        let closed = PeerEvent::ConnectionState(ConnectionState::Closed);
        assert!(matches!(next(&queue).await, Some(News::Peer(event)) if event == closed));
        assert!(next(&queue).await.is_none());
    }

    #[tokio::test]
    async fn unread_diagnostics_never_push_out_state_changes() {
        let queue = EventQueue::default();
        let noise = News::Peer(PeerEvent::Diagnostic(Diagnostic::Rtcp { sent: true, summary: "SR".into() }));
        queue.push(&News::Peer(PeerEvent::NegotiationNeeded));
        for _ in 0..EVENT_LIMIT {
            queue.push(&noise);
        }
        queue.push(&News::Peer(PeerEvent::ConnectionState(ConnectionState::Connected)));
        queue.end();
        let mut seen = Vec::new();
        while let Some(event) = next(&queue).await {
            seen.push(event);
        }
        assert!(matches!(seen.first(), Some(News::Peer(PeerEvent::NegotiationNeeded))));
        assert!(matches!(seen.last(), Some(News::Peer(PeerEvent::ConnectionState(_)))));
        assert_eq!(queue.lost(), (EVENT_LIMIT / 2 + 1) as u64);
    }
}
