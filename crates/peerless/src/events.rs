//! What a connection tells its user, as a stream.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use peerless_peer::description::IceCandidateInit;
use peerless_peer::event::{Diagnostic, Secured, SelectedPair};
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{ConnectionState, IceConnectionState, IceGatheringState, SignalingState};
use peerless_rtp::codec::Codec;
use peerless_transport::dtls::Failure as DtlsFailure;
use peerless_transport::state::DtlsState;

use crate::remote_track::RemoteTrack;

/// How many events wait for a subscriber before the oldest is lost. Diagnostics stop at half of it.
const EVENT_LIMIT: usize = 4096;

/// Something happened to a connection. Events come in the order in which it happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// `signalingstatechange`.
    SignalingState(SignalingState),
    /// `icegatheringstatechange`.
    IceGatheringState(IceGatheringState),
    /// `iceconnectionstatechange`.
    IceConnectionState(IceConnectionState),
    /// `connectionstatechange`.
    ConnectionState(ConnectionState),
    /// `negotiationneeded`: make an offer when it suits.
    NegotiationNeeded,
    /// `icecandidate`: send it to the other side; an empty one says there are no more.
    IceCandidate(IceCandidateInit),
    /// `icecandidateerror`: a STUN server did not answer, or not well.
    IceCandidateError {
        /// The local address that asked, where it came to that.
        local: Option<SocketAddr>,
        /// The server: an address, or the name that did not resolve.
        server: String,
        /// A STUN error code, or 701 where the server could not be reached.
        code: u16,
        /// Why, in words.
        reason: String,
    },
    /// `track`: the remote sends a track.
    Track(RemoteTrack),
    /// The pair of addresses in use changed.
    SelectedPair(SelectedPair),
    /// DTLS is done and the remote is who its description said.
    Secured(Secured),
    /// `statechange` of the DTLS transport. `Closed` is the other side's goodbye: by the W3C's table the connection
    /// state stays connected then, until ICE loses consent.
    DtlsState(DtlsState),
    /// DTLS failed, and why: another fingerprint than the description's, no version in common.
    DtlsFailed(DtlsFailure),
    /// A transceiver's sender has something to send with (or, with `None`, not any more).
    Negotiated {
        /// Which transceiver.
        transceiver: TransceiverId,
        /// What it sends.
        codec: Option<Codec>,
    },
    /// A message seen or sent, only with `Configuration::diagnostics`.
    Diagnostic(Diagnostic),
}

/// A subscription: every event since it was made. A [`Stream`] that ends when the connection has closed.
#[derive(Debug)]
pub struct Events {
    queue: Arc<EventQueue>,
}

impl Events {
    pub(crate) fn new(queue: Arc<EventQueue>) -> Self {
        Self { queue }
    }

    /// Waits for the next event; `None` when the connection has closed and all was read.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.queue.poll(context)).await
    }

    /// How many events were lost because they were not read: 0 for a subscriber that keeps reading.
    pub fn lost(&self) -> u64 {
        self.queue.lock().lost
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.ended = true;
        state.events.clear();
    }
}

/// Where a subscriber's events wait.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    events: VecDeque<Event>,
    reader: Option<Waker>,
    lost: u64,
    ended: bool,
}

impl EventQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: &Event) {
        let mut state = self.lock();
        let limit = if matches!(event, Event::Diagnostic(_)) { EVENT_LIMIT / 2 } else { EVENT_LIMIT };
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

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
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
    use super::*;

    #[tokio::test]
    async fn events_come_in_order_and_end_with_the_connection() {
        let queue = Arc::new(EventQueue::default());
        let mut events = Events::new(queue.clone());
        queue.push(&Event::NegotiationNeeded);
        queue.push(&Event::ConnectionState(ConnectionState::Closed));
        queue.end();
        assert!(matches!(events.next().await, Some(Event::NegotiationNeeded)));
        assert!(matches!(events.next().await, Some(Event::ConnectionState(ConnectionState::Closed))));
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn unread_diagnostics_never_push_out_state_changes() {
        let queue = Arc::new(EventQueue::default());
        let mut events = Events::new(queue.clone());
        let noise = Event::Diagnostic(Diagnostic::Rtcp { sent: true, summary: "SR".into() });
        queue.push(&Event::NegotiationNeeded);
        for _ in 0..EVENT_LIMIT {
            queue.push(&noise);
        }
        queue.push(&Event::ConnectionState(ConnectionState::Connected));
        queue.end();
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event);
        }
        assert!(matches!(seen.first(), Some(Event::NegotiationNeeded)));
        assert!(matches!(seen.last(), Some(Event::ConnectionState(_))));
        assert_eq!(events.lost(), (EVENT_LIMIT / 2 + 1) as u64);
    }
}
