//! What a peer tells its caller: ids and states, never payload.

use std::net::{IpAddr, SocketAddr};

use peerless_rtp::tone::ReceivedTone;
use peerless_transport::datagram::StreamId;
use peerless_transport::dtls::Failure;
use peerless_transport::state::{DtlsState, GatheringState, IceState};
use peerless_transport::turn::Alternate;
use peerless_wire::rtp::{Mid, Rid};

use crate::channel::ChannelError;
use crate::description::IceCandidateInit;
use crate::id::{ChannelId, TransceiverId, TransportId};
use crate::state::{
    ConnectionState, DataChannelState, IceConnectionState, IceGatheringState, SctpState, SignalingState,
};

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
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
    /// `negotiationneeded` (webrtc-pc §4.7.3).
    NegotiationNeeded,
    /// `icecandidate`: send it to the other side. An empty `candidate` is the end of candidates.
    IceCandidate(IceCandidateInit),
    /// `icecandidateerror`: a STUN server gave no candidate. Never the end of anything.
    IceCandidateError(IceCandidateError),
    /// `track` (webrtc-pc §5.7): the remote sends on this transceiver from now on, or its track came into a stream
    /// more. Each time it is the same track.
    Track(TransceiverId),
    /// `mute` of the receiver's track (webrtc-pc §5.3): the remote's direction has no sending any more, or its source
    /// said goodbye. The track has not ended.
    TrackMuted(TransceiverId),
    /// `unmute` of the receiver's track: its media arrives. A track is muted until then.
    TrackUnmuted(TransceiverId),
    /// `ended` of the receiver's track: its transceiver was stopped, by either side, or unmade by a rollback.
    TrackEnded(TransceiverId),
    /// `addtrack` and `removetrack` of the remote's streams (webrtc-pc §9.3): the receiver's track belongs to others
    /// than before; see `Peer::receiver`. Not told for the streams that come with the first `Track`.
    StreamsChanged(TransceiverId),
    /// What the transceiver sends with was settled or changed: look at `Peer::sender(id)`.
    SenderChanged(TransceiverId),
    /// The remote asks for a key frame (PLI, FIR) on this transceiver, or one is needed to begin with: of the encoding of
    /// this name, or of all of them.
    KeyFrameRequested(TransceiverId, Option<Rid>),
    /// `tonechange` of a sender (webrtc-pc §7.4): this key is played, or paused for; `None` when all were.
    ToneChange(TransceiverId, Option<char>),
    /// The remote played a tone on this transceiver (RFC 4733). Told when it has ended.
    ToneReceived(TransceiverId, ReceivedTone),
    /// `datachannel`: the remote made this channel. Its `open` comes next.
    DataChannel(ChannelId),
    /// `open`, `closing` and `close` of a channel. A closed one can be read until it is empty.
    ChannelState(ChannelId, DataChannelState),
    /// `error` of a channel: it ended for this reason. Comes before its state.
    ChannelError(ChannelId, ChannelError),
    /// `bufferedamountlow` of a channel: no more than its threshold is waiting.
    BufferedAmountLow(ChannelId),
    /// Messages came for a channel that had none waiting: read with `Peer::poll_message` until there are none.
    MessageArrived(ChannelId),
    /// A message was refused because the send buffer was full: now there is room for it.
    SendBufferFree,
    /// `statechange` of the SCTP transport (webrtc-pc §6.1).
    SctpState(SctpState),
    /// The caller shall gather for this transport: hand in the addresses of sockets that no other transport uses, and
    /// STUN servers, then say that is all. Comes again with each ICE restart: addresses and servers may be others now;
    /// those that are known need not be handed in again, but may.
    Gather(TransportId),
    /// This transport has ended, and no other has its place: its sockets can go once nothing is left to send. It was surplus
    /// after the remote had bundled, or its last section was rejected.
    TransportClosed(TransportId),
    /// This stream of the transport is of no use any more: it is to be closed once what was sent by it has left.
    CloseStream(TransportId, StreamId),
    /// A TURN server that is reached by a stream has another in its place (RFC 8489 §10): the stream is to be closed, and one
    /// to the other's address to be opened as that one was, when something is to be sent there.
    FollowServer(Alternate),
    /// The caller shall resolve this (mDNS) name and hand in the result.
    ResolveName(String),
    /// `selectedcandidatepairchange` of an ICE transport (webrtc-pc §5.6).
    SelectedPair(TransportId, SelectedPair),
    /// `statechange` of an ICE transport (webrtc-pc §5.6.4).
    IceTransportState(TransportId, IceState),
    /// `gatheringstatechange` of an ICE transport (webrtc-pc §5.6.3).
    IceTransportGathering(TransportId, GatheringState),
    /// DTLS is done and the remote's fingerprint is right.
    Secured(TransportId, Secured),
    /// `statechange` of a DTLS transport (webrtc-pc §5.5): `Closed` is the remote's goodbye.
    DtlsState(TransportId, DtlsState),
    /// `error` of a DTLS transport (webrtc-pc §5.5.2): the connection failed for this reason.
    DtlsFailed(TransportId, Failure),
    /// For the curious, only where the configuration asks for it.
    Diagnostic(Diagnostic),
}

/// RTCPeerConnectionIceErrorEvent (webrtc-pc §4.8.3): why a server gave no candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCandidateError {
    /// The local address that asked; `None` where it did not come to that.
    pub address: Option<IpAddr>,
    /// The local port that asked.
    pub port: Option<u16>,
    /// The server, as the configuration names it.
    pub url: String,
    /// The server's STUN error code, 300 to 699; or 701 where it could not be reached from any local address, or its
    /// name not be resolved.
    pub error_code: u16,
    /// The server's own words, or ours for 701.
    pub error_text: String,
}

/// The pair of candidates in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectedPair {
    /// The local base.
    pub local: SocketAddr,
    /// Where the remote is.
    pub remote: SocketAddr,
    /// "host", "srflx", "prflx" or "relay".
    pub local_kind: &'static str,
    /// "host", "srflx", "prflx" or "relay".
    pub remote_kind: &'static str,
}

/// What DTLS agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// "DTLS 1.2" or "DTLS 1.3".
    pub version: &'static str,
    /// The IANA name of the cipher suite.
    pub cipher: &'static str,
    /// The name of the SRTP protection profile (RFC 5764 §4.1.2), where media was negotiated.
    pub srtp_profile: Option<&'static str>,
}

/// A message seen or sent, with a readable summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostic {
    /// A STUN message.
    Stun {
        /// Whether we sent it.
        sent: bool,
        /// The other end.
        remote: SocketAddr,
        /// Method, class and telling attributes in words.
        summary: String,
    },
    /// A compound RTCP packet.
    Rtcp {
        /// Whether we sent it.
        sent: bool,
        /// Its packets in words.
        summary: String,
    },
    /// Something from the network was dropped.
    Dropped {
        /// Where it came from, where known.
        remote: Option<IpAddr>,
        /// The media section it was for, where known.
        mid: Option<Mid>,
        /// Why, in words.
        reason: String,
    },
}
