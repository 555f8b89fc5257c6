//! What a connection tells its user, as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use peerless_peer::description::IceCandidateInit;
use peerless_peer::event::{Diagnostic, Event as PeerEvent, IceCandidateError, Secured, SelectedPair};
use peerless_peer::id::{TransceiverId, TransportId};
use peerless_peer::state::{
    ConnectionState, IceConnectionState, IceGatheringState, SctpState, SignalingState,
};
use peerless_rtp::codec::Codec;
use peerless_rtp::tone::ReceivedTone;
use peerless_transport::dtls::Failure as DtlsFailure;
use peerless_transport::state::{DtlsState, GatheringState, IceState};

use crate::channel::DataChannel;
use crate::news::{EventQueue, News};
use crate::remote_track::RemoteTrack;
use crate::shared::Shared;

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
    /// `negotiationneeded`: make an offer when it suits. Told once for any number of calls in a row, in the stable state
    /// only, and not where a description has settled it before this was read.
    NegotiationNeeded,
    /// `icecandidate`: send it to the other side; an empty one says there are no more.
    IceCandidate(IceCandidateInit),
    /// `icecandidateerror`: a STUN server gave no candidate. Never the end of anything.
    IceCandidateError(IceCandidateError),
    /// `track`: the remote sends a track from now on, or again, which is the same track then. Its streams are
    /// [`RemoteTrack::stream_ids`]; transceiver and receiver are those of
    /// [`PeerConnection::transceiver`](crate::PeerConnection::transceiver) by [`RemoteTrack::transceiver`].
    Track(RemoteTrack),
    /// `mute` of a track of the remote: nothing more arrives, for now. It has not ended.
    TrackMuted(RemoteTrack),
    /// `unmute` of a track of the remote: media arrives.
    TrackUnmuted(RemoteTrack),
    /// `ended` of a track of the remote: its transceiver was stopped, by either side. What waits can still be read.
    TrackEnded(RemoteTrack),
    /// `addtrack` and `removetrack` of the remote's streams: the track belongs to others than before.
    StreamsChanged(RemoteTrack),
    /// `datachannel`: the remote made a data channel.
    DataChannel(DataChannel),
    /// `statechange` of the SCTP transport, which carries the data channels.
    SctpState(SctpState),
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
    /// `statechange` of an ICE transport.
    IceTransportState {
        /// Which transport.
        transport: TransportId,
        /// Its state.
        state: IceState,
    },
    /// `gatheringstatechange` of an ICE transport.
    IceTransportGathering {
        /// Which transport.
        transport: TransportId,
        /// Its state.
        state: GatheringState,
    },
    /// `tonechange` of a sender: this key of a telephone is played from now on, or paused for (a comma); `None` when all
    /// were.
    ToneChange {
        /// Whose sender.
        transceiver: TransceiverId,
        /// The key.
        tone: Option<char>,
    },
    /// The remote has played a key of a telephone. Told when it has ended.
    ToneReceived {
        /// Through which transceiver.
        transceiver: TransceiverId,
        /// Which key, how long and how loud.
        tone: ReceivedTone,
    },
    /// A message seen or sent, only with `Configuration::diagnostics`.
    Diagnostic(Diagnostic),
}

/// A subscription: every event since it was made. A [`Stream`] that ends when the connection has closed.
#[derive(Debug)]
pub struct Events {
    queue: Arc<EventQueue>,
    shared: Arc<Shared>,
}

impl Events {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let queue = shared.look().subscribe();
        Self { queue, shared }
    }

    /// Waits for the next event; `None` when the connection has closed and all was read.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// How many events were lost because they were not read: 0 for a subscriber that keeps reading.
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            let Some(news) = ready!(self.queue.poll(context)) else { return Poll::Ready(None) };
            if let Some(event) = self.event(news) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// The news in the words of the face, with the handles that belong to them.
    fn event(&self, news: News) -> Option<Event> {
        Some(match news {
            // Settled since, or to be told again once the state is stable (webrtc-pc §4.7.3, step 4 of its task).
            News::Peer(PeerEvent::NegotiationNeeded) if !self.shared.look().peer.is_negotiation_needed() => {
                return None;
            }
            // Of an offer that was rolled back since; what describes us now names what was gathered for it.
            News::Peer(PeerEvent::IceCandidate(candidate))
                if !self.shared.look().peer.is_current_candidate(&candidate) =>
            {
                return None;
            }
            News::Peer(event) => return event_of(event),
            News::Track(track) => Event::Track(track),
            News::TrackChanged(PeerEvent::TrackMuted(_), track) => Event::TrackMuted(track),
            News::TrackChanged(PeerEvent::TrackUnmuted(_), track) => Event::TrackUnmuted(track),
            News::TrackChanged(PeerEvent::StreamsChanged(_), track) => Event::StreamsChanged(track),
            News::TrackChanged(_, track) => Event::TrackEnded(track),
            News::Channel(mailbox) => Event::DataChannel(DataChannel::new(self.shared.clone(), mailbox)),
            News::Negotiated { transceiver, codec } => Event::Negotiated { transceiver, codec },
        })
    }
}

fn event_of(event: PeerEvent) -> Option<Event> {
    Some(match event {
        PeerEvent::SignalingState(state) => Event::SignalingState(state),
        PeerEvent::IceGatheringState(state) => Event::IceGatheringState(state),
        PeerEvent::IceConnectionState(state) => Event::IceConnectionState(state),
        PeerEvent::ConnectionState(state) => Event::ConnectionState(state),
        PeerEvent::NegotiationNeeded => Event::NegotiationNeeded,
        PeerEvent::IceCandidate(candidate) => Event::IceCandidate(candidate),
        PeerEvent::IceCandidateError(error) => Event::IceCandidateError(error),
        PeerEvent::SelectedPair(_, pair) => Event::SelectedPair(pair),
        PeerEvent::Secured(_, secured) => Event::Secured(secured),
        PeerEvent::DtlsState(_, state) => Event::DtlsState(state),
        PeerEvent::DtlsFailed(_, failure) => Event::DtlsFailed(failure),
        PeerEvent::IceTransportState(transport, state) => Event::IceTransportState { transport, state },
        PeerEvent::IceTransportGathering(transport, state) => {
            Event::IceTransportGathering { transport, state }
        }
        PeerEvent::SctpState(state) => Event::SctpState(state),
        PeerEvent::ToneChange(transceiver, tone) => Event::ToneChange { transceiver, tone },
        PeerEvent::ToneReceived(transceiver, tone) => Event::ToneReceived { transceiver, tone },
        PeerEvent::Diagnostic(diagnostic) => Event::Diagnostic(diagnostic),
        _ => return None,
    })
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
