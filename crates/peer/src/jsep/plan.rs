//! What a description changes: plain data that the peer carries out.

use peerless_rtp::codec::{Codec, TelephoneEvent};
use peerless_wire::rtp::{ExtensionMap, Mid, Rid, Ssrc};
use peerless_wire::sdp::{Candidate, Fingerprint};

use crate::id::{TransceiverId, TransportId};
use crate::jsep::routes::Routes;
use crate::jsep::view::{Credentials, Descriptions, DtlsRole, RemoteTrack, View};
use crate::state::{Direction, MediaKind, SignalingState};

/// What applying a description changes. Carry it out in the order of the fields.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The state afterwards.
    pub signaling: SignalingState,
    /// The descriptions afterwards.
    pub descriptions: Descriptions,
    /// Whether we are controlling in ICE (RFC 8445 §6.1.1), where this description settles it: the first offer does.
    pub controlling: Option<bool>,
    /// Which transport each section goes over afterwards.
    pub routes: Routes,
    /// An answer ends the exchange: transports that nothing goes over are surplus.
    pub is_settled: bool,
    /// The remote offer brings new ICE credentials for these transports: restart our agents, so that the answer has new
    /// ones too (RFC 9429 §5.3.1).
    pub remote_restarts: Vec<TransportId>,
    /// The transceivers that change, in the order of the media sections.
    pub transceivers: Vec<TransceiverPlan>,
    /// Transceivers that go, after all else: unmade by a rollback, or stopped and rejected by a finished exchange.
    pub removed: Vec<TransceiverId>,
    /// The transports after an answer; none where nothing is settled yet, or all sections were rejected.
    pub transports: Vec<TransportPlan>,
    /// What becomes of the data channels.
    pub data: DataChange,
    /// The transport that carries them, where an answer has taken their section.
    pub data_transport: Option<TransportId>,
    /// The indexes of sections that the answer rejects.
    pub rejected: Vec<usize>,
}

/// What becomes of one transceiver.
#[derive(Debug, Clone)]
pub struct TransceiverPlan {
    /// Which.
    pub target: Target,
    /// The index of its media section; `None` where a rollback took it.
    pub section: Option<usize>,
    /// Its MID from now on; `None` where a rollback took it.
    pub mid: Option<Mid>,
    /// Stop it: its section was rejected. It stays, as stopped, until it is in `Plan::removed`.
    pub stop: bool,
    /// `currentDirection` from now on; `None` where it is not settled by this description.
    pub current_direction: Option<Direction>,
    /// What becomes of the sender's encodings; before the media flow.
    pub encodings: EncodingsChange,
    /// What becomes of the remote's track.
    pub remote_track: TrackChange,
    /// How media flows, where an answer settles it.
    pub media: Option<MediaPlan>,
}

/// Which transceiver a plan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One that is there.
    Existing(TransceiverId),
    /// Make one, `recvonly`, by remote offer (RFC 9429 §5.10).
    New(MediaKind),
}

/// What becomes of a sender's encodings (`[[SendEncodings]]`, webrtc-pc §4.4.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodingsChange {
    /// Nothing.
    None,
    /// The remote offers to receive these in place of the one there was: each smaller than the next by half, the last of
    /// full size.
    Proposed(Vec<Rid>),
    /// The answer takes these only; where it takes none, the first one stays.
    Reduced(Vec<Rid>),
    /// A rollback takes back what was proposed.
    Restored,
}

/// What becomes of the remote's track (webrtc-pc §4.4.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackChange {
    /// Nothing.
    None,
    /// The remote sends from now on: `track` event.
    Began(RemoteTrack),
    /// It is sent still, but belongs to other streams now.
    Moved(RemoteTrack),
    /// The remote sends no more: mute the track and take it out of its streams.
    Muted,
}

/// How the media of one section flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPlan {
    /// Send this way; `None`: do not send.
    pub send: Option<SendPlan>,
    /// Receive this way; `None`: take nothing.
    pub receive: Option<ReceivePlan>,
}

/// How to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendPlan {
    /// What the remote takes, best first: never empty. The payload types are those to send with.
    pub codecs: Vec<Codec>,
    /// The header extensions to send.
    pub extensions: ExtensionMap,
    /// RTCP may be of reduced size (RFC 5506).
    pub reduced_size: bool,
    /// The source to send with, as in our description.
    pub ssrc: Ssrc,
    /// The source of retransmissions, where RTX was agreed on.
    pub rtx_ssrc: Option<Ssrc>,
    /// The tones that may be sent beside the sound (RFC 4733).
    pub telephone_events: Vec<TelephoneEvent>,
    /// Packets name their encoding, as those that are sent were agreed on by name (RFC 8853).
    pub is_named: bool,
    /// Those of several encodings that the remote wants paused (RFC 8853 §5.1).
    pub paused: Vec<Rid>,
}

/// What to receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivePlan {
    /// What may arrive: never empty. The payload types are those that arrive.
    pub codecs: Vec<Codec>,
    /// The header extensions that may arrive.
    pub extensions: ExtensionMap,
    /// RTCP may be of reduced size (RFC 5506).
    pub reduced_size: bool,
    /// The sources the remote named, each with that of its retransmissions; may be empty, then MID or payload type
    /// find the way.
    pub ssrcs: Vec<(Ssrc, Option<Ssrc>)>,
    /// The tones that may arrive beside the sound (RFC 4733).
    pub telephone_events: Vec<TelephoneEvent>,
    /// The encodings that may arrive, where there are several (RFC 8853); else empty.
    pub rids: Vec<Rid>,
    /// The remote's canonical name, where its description says it (RFC 5576 §6.1).
    pub cname: Option<String>,
}

/// A transport as an answer settles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportPlan {
    /// Which.
    pub id: TransportId,
    /// The section that lends its transport to the others (the BUNDLE tag).
    pub mid: Mid,
    /// The index of that section.
    pub section: usize,
    /// The remote's ICE credentials.
    pub credentials: Credentials,
    /// The credentials are others than those of the description before: ICE restarts.
    pub restarted: bool,
    /// The remote is an ICE-lite agent (RFC 8445 §2.5).
    pub lite: bool,
    /// Both sides agree to renomination.
    pub renomination: bool,
    /// The remote's certificate must match one of these; all are sound and of accepted hashes.
    pub fingerprints: Vec<Fingerprint>,
    /// Our DTLS role.
    pub role: DtlsRole,
    /// The remote's candidates that stand in its description.
    pub candidates: Vec<Candidate>,
    /// The remote has no more candidates.
    pub end_of_candidates: bool,
}

/// What becomes of the data channels (webrtc-pc §4.4.1.5, RFC 8841 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataChange {
    /// Nothing.
    None,
    /// An answer has taken their section: the association comes up, or goes on.
    Negotiated {
        /// The remote's SCTP port.
        port: u16,
        /// The longest message that the remote takes, bytes; `None` for any.
        max_message_size: Option<u64>,
        /// The largest SCTP packet that the remote takes, bytes; `None` where it does not say.
        max_packet_size: Option<u64>,
    },
    /// An answer has refused their section, or ended it: the association and all channels end.
    Refused,
}

impl Plan {
    /// A plan that leaves all as it is.
    pub(super) fn nothing(view: &View) -> Self {
        Self {
            signaling: view.signaling,
            descriptions: view.descriptions.clone(),
            controlling: None,
            routes: view.routes.clone(),
            is_settled: false,
            remote_restarts: Vec::new(),
            transceivers: Vec::new(),
            removed: Vec::new(),
            transports: Vec::new(),
            data: DataChange::None,
            data_transport: None,
            rejected: Vec::new(),
        }
    }
}

impl TransceiverPlan {
    /// Binds a transceiver to a section, nothing more.
    pub(super) fn new(target: Target, section: usize, mid: Mid) -> Self {
        Self { section: Some(section), mid: Some(mid), ..Self::unbound(target) }
    }

    /// Unbinds a transceiver, nothing more.
    pub(super) fn unbound(target: Target) -> Self {
        Self {
            target,
            section: None,
            mid: None,
            stop: false,
            current_direction: None,
            encodings: EncodingsChange::None,
            remote_track: TrackChange::None,
            media: None,
        }
    }
}
