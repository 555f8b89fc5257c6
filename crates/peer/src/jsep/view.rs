//! What JSEP must know of a peer to write and to take descriptions: a plain snapshot, filled by the peer.

use std::sync::Arc;

use peerless_transport::ice;
use peerless_wire::rtp::{Mid, Rid, Ssrc};
use peerless_wire::sdp::{Description, Fingerprint};

use crate::config::{BundlePolicy, CodecCapability};
use crate::id::{TransceiverId, TransportId};
use crate::jsep::routes::Routes;
use crate::state::{Direction, MediaKind, SignalingState};

/// A peer as JSEP sees it.
#[derive(Debug, Clone)]
pub struct View {
    /// The signalling state.
    pub signaling: SignalingState,
    /// The session id of our descriptions: random, below 2^63 (RFC 9429 §5.2.1).
    pub session_id: u64,
    /// The session version of the last description we created; the next one gets one more.
    pub session_version: u64,
    /// The CNAME of all our sources (RFC 8834 §4.9).
    pub cname: String,
    /// Whether our ICE is lite, as our descriptions say (RFC 8839 §5.3).
    pub ice_lite: bool,
    /// How sections shall share transports.
    pub bundle_policy: BundlePolicy,
    /// Whether we agree to renomination (draft-thatcher-ice-renomination-01 §3).
    pub renomination: bool,
    /// The transports, in the order of their making. Those that no section goes over are free for sections to come, in
    /// this order; [`transports_wanted`](crate::jsep::transports_wanted) says how many there must be.
    pub transports: Vec<TransportView>,
    /// Which transport each section goes over.
    pub routes: Routes,
    /// What we can send and receive, best first.
    pub codecs: Vec<CodecCapability>,
    /// All transceivers, in the order they were made; stopped ones too while a description may name them.
    pub transceivers: Vec<TransceiverView>,
    /// For which transceiver each section of the last created offer was written: applied, it gets that section.
    pub offered: Vec<Option<TransceiverId>>,
    /// The data channels.
    pub data: DataView,
    /// The descriptions that were set.
    pub descriptions: Descriptions,
}

/// What JSEP must know of the data channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataView {
    /// A channel was made, and its section was not refused since: offers have a section for it.
    pub wanted: bool,
    /// The longest message we take, bytes.
    pub max_message_size: u64,
    /// The largest SCTP packet we take, bytes.
    pub max_packet_size: u64,
}

/// A transport of one section or several.
#[derive(Debug, Clone)]
pub struct TransportView {
    /// Its handle.
    pub id: TransportId,
    /// Our ICE credentials: of the next generation where a restart is under way.
    pub credentials: Credentials,
    /// Of our certificate.
    pub fingerprints: Vec<Fingerprint>,
    /// Our DTLS role once an answer settled it: the association stands (or comes up) and keeps its role.
    pub dtls_role: Option<DtlsRole>,
}

/// ICE credentials (RFC 8445 §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The username fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    pub(crate) fn into_ice(self) -> ice::Credentials {
        let Self { ufrag, password } = self;
        ice::Credentials { ufrag, password }
    }

    pub(crate) fn of_ice(credentials: ice::Credentials) -> Self {
        let ice::Credentials { ufrag, password } = credentials;
        Self { ufrag, password }
    }
}

/// Who opens the DTLS association (RFC 8842 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DtlsRole {
    /// We send the ClientHello: `a=setup:active`.
    Client,
    /// We wait for it: `a=setup:passive`.
    Server,
}

/// One transceiver (webrtc-pc §5.4).
#[derive(Debug, Clone)]
pub struct TransceiverView {
    /// Its handle.
    pub id: TransceiverId,
    /// What flows.
    pub kind: MediaKind,
    /// The name of its media section, once a description gave it one.
    pub mid: Option<Mid>,
    /// What the user wants; `Stopped` also while the stop awaits its negotiation.
    pub direction: Direction,
    /// It is stopped for good (`[[Stopped]]`), not only about to be.
    pub is_stopped: bool,
    /// What was negotiated last; `None` before.
    pub current_direction: Option<Direction>,
    /// Made by `add_track`: a remote offer may take it for its own (RFC 9429 §5.10).
    pub by_add_track: bool,
    /// Made by applying a remote offer, and not used by `add_track` since: goes when that offer is rolled back.
    pub by_remote_offer: bool,
    /// From `set_codec_preferences`, best first; empty for all of ours.
    pub codec_preferences: Vec<CodecCapability>,
    /// The streams of the sender, also while it sends nothing.
    pub stream_ids: Vec<String>,
    /// The id of the track being sent.
    pub track_id: Option<String>,
    /// The source of the sender.
    pub ssrc: Ssrc,
    /// The source of its retransmissions, video only.
    pub rtx_ssrc: Option<Ssrc>,
    /// The names of what the sender has of encodings, at least one: those of several all have names.
    pub encodings: Vec<Option<Rid>>,
    /// Whether the remote's pending offer gave them their names: a rollback takes these away again.
    pub encodings_by_offer: bool,
    /// The encodings that offers ask the remote for; empty for one without a name.
    pub receive_rids: Vec<Rid>,
    /// Whether the remote's track is announced at the moment, and with which streams.
    pub remote_track: Option<RemoteTrack>,
    /// The streams of the remote's track as they were in the last stable state: a rollback goes back to them.
    pub stable_stream_ids: Vec<String>,
}

/// A track of the remote as its `a=msid` names it (RFC 8830 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTrack {
    /// The track's id; `None` where the description does not say: make one.
    pub id: Option<String>,
    /// The streams it belongs to, possibly none.
    pub stream_ids: Vec<String>,
}

/// The four description slots of webrtc-pc §4.4.2 with what they hold. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Descriptions {
    /// `currentLocalDescription`.
    pub current_local: Option<Arc<Description>>,
    /// `currentRemoteDescription`.
    pub current_remote: Option<Arc<Description>>,
    /// `pendingLocalDescription`.
    pub pending_local: Option<Arc<Description>>,
    /// `pendingRemoteDescription`.
    pub pending_remote: Option<Arc<Description>>,
}

impl Descriptions {
    /// `localDescription`: the pending one, else the current one.
    pub fn local(&self) -> Option<&Arc<Description>> {
        self.pending_local.as_ref().or(self.current_local.as_ref())
    }

    /// `remoteDescription`: the pending one, else the current one.
    pub fn remote(&self) -> Option<&Arc<Description>> {
        self.pending_remote.as_ref().or(self.current_remote.as_ref())
    }
}
