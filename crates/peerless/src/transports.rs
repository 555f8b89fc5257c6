//! What carries media and messages, to look at (webrtc-pc §5.5, §5.6, §6.1.1): handles that do not keep the connection
//! open.

use std::sync::Arc;

use bytes::Bytes;
use peerless_peer::event::SelectedPair;
use peerless_peer::id::TransportId;
use peerless_peer::jsep::view::{Credentials, DtlsRole};
use peerless_peer::state::{IceComponent, IceRole, SctpState};
use peerless_peer::transports::{DtlsTransportView, IceTransportView};
use peerless_transport::state::{DtlsState, GatheringState, IceState};
use peerless_wire::sdp::Candidate;

use crate::connection::PeerConnection;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::shared::Shared;

/// RTCDtlsTransport (webrtc-pc §5.5). Two handles are equal where they lead to the same transport. That its state has
/// changed is told by [`Event::DtlsState`](crate::Event::DtlsState), why it failed by
/// [`Event::DtlsFailed`](crate::Event::DtlsFailed).
#[derive(Debug, Clone)]
pub struct DtlsTransport {
    shared: Arc<Shared>,
    id: TransportId,
}

/// RTCIceTransport (webrtc-pc §5.6), beneath a DTLS transport. Its changes are told by
/// [`Event::IceTransportState`](crate::Event::IceTransportState),
/// [`Event::IceTransportGathering`](crate::Event::IceTransportGathering) and
/// [`Event::SelectedPair`](crate::Event::SelectedPair).
#[derive(Debug, Clone)]
pub struct IceTransport {
    shared: Arc<Shared>,
    id: TransportId,
}

/// RTCSctpTransport (webrtc-pc §6.1.1), which carries the data channels. Its changes are told by
/// [`Event::SctpState`](crate::Event::SctpState).
#[derive(Debug, Clone)]
pub struct SctpTransport {
    shared: Arc<Shared>,
}

impl Sender {
    /// `transport` (webrtc-pc §5.2): over which it sends; `None` before a description of ours said that.
    pub fn transport(&self) -> Option<DtlsTransport> {
        let id = self.shared.look().peer.transport_of(self.id)?.id;
        Some(DtlsTransport { shared: self.shared.clone(), id })
    }
}

impl Receiver {
    /// `transport` (webrtc-pc §5.3): over which it receives; `None` before a description of ours said that.
    pub fn transport(&self) -> Option<DtlsTransport> {
        let id = self.shared.look().peer.transport_of(self.id)?.id;
        Some(DtlsTransport { shared: self.shared.clone(), id })
    }
}

impl PeerConnection {
    /// All transports in use, in the order of their making: one where all is bundled.
    pub fn transports(&self) -> Vec<DtlsTransport> {
        let views = self.shared().look().peer.transports();
        views.iter().map(|view| DtlsTransport { shared: self.shared().clone(), id: view.id }).collect()
    }

    /// `sctp` as an object; `None` before data channels are negotiated. A look at it: [`sctp`](Self::sctp).
    pub fn sctp_transport(&self) -> Option<SctpTransport> {
        self.sctp().map(|_| SctpTransport { shared: self.shared().clone() })
    }
}

impl DtlsTransport {
    /// Its name within the connection, which events give.
    pub fn id(&self) -> TransportId {
        self.id
    }

    /// `state`; closed once it is gone.
    pub fn state(&self) -> DtlsState {
        self.view().map_or(DtlsState::Closed, |view| view.state)
    }

    /// Who opened DTLS; `None` before an answer settled it.
    pub fn role(&self) -> Option<DtlsRole> {
        self.view().and_then(|view| view.role)
    }

    /// `getRemoteCertificates`: in DER, the remote's own first; none before DTLS is connected.
    pub fn remote_certificates(&self) -> Vec<Bytes> {
        self.view().map(|view| view.remote_certificates).unwrap_or_default()
    }

    /// `iceTransport`: the transport beneath.
    pub fn ice_transport(&self) -> IceTransport {
        IceTransport { shared: self.shared.clone(), id: self.id }
    }

    fn view(&self) -> Option<DtlsTransportView> {
        self.shared.look().peer.transport(self.id)
    }
}

impl IceTransport {
    /// Its name within the connection: that of the DTLS transport on it.
    pub fn id(&self) -> TransportId {
        self.id
    }

    /// `state`; closed once it is gone.
    pub fn state(&self) -> IceState {
        self.view().map_or(IceState::Closed, |view| view.state)
    }

    /// `role`: who nominates.
    pub fn role(&self) -> IceRole {
        self.view().map_or(IceRole::Unknown, |view| view.role)
    }

    /// `component`.
    pub fn component(&self) -> IceComponent {
        self.view().map_or(IceComponent::Rtp, |view| view.component)
    }

    /// `gatheringState`.
    pub fn gathering_state(&self) -> GatheringState {
        self.view().map_or(GatheringState::New, |view| view.gathering_state)
    }

    /// `getSelectedCandidatePair`.
    pub fn selected_candidate_pair(&self) -> Option<SelectedPair> {
        self.view().and_then(|view| view.selected_pair)
    }

    /// `getLocalCandidates`: those of this generation.
    pub fn local_candidates(&self) -> Vec<Candidate> {
        self.view().map(|view| view.local_candidates).unwrap_or_default()
    }

    /// `getRemoteCandidates`: those of this generation that have an address, 256 at most.
    pub fn remote_candidates(&self) -> Vec<Candidate> {
        self.view().map(|view| view.remote_candidates).unwrap_or_default()
    }

    /// `getLocalParameters`: user name fragment and password. Whoever knows them can take part in the checks: they are for
    /// the remote only.
    pub fn local_parameters(&self) -> Option<Credentials> {
        self.view().map(|view| view.local_parameters)
    }

    /// `getRemoteParameters`, once an answer settled them.
    pub fn remote_parameters(&self) -> Option<Credentials> {
        self.view().and_then(|view| view.remote_parameters)
    }

    fn view(&self) -> Option<IceTransportView> {
        self.shared.look().peer.transport(self.id).map(|view| view.ice)
    }
}

impl SctpTransport {
    /// `state`; closed once the data channels have ended.
    pub fn state(&self) -> SctpState {
        self.shared.look().peer.sctp().map_or(SctpState::Closed, |view| view.state)
    }

    /// `maxMessageSize`: the longest message that can be sent, bytes.
    pub fn max_message_size(&self) -> usize {
        self.shared.look().peer.sctp().map_or(0, |view| view.max_message_size)
    }

    /// `maxChannels`: how many channels there can be, once connected.
    pub fn max_channels(&self) -> Option<u32> {
        self.shared.look().peer.sctp().and_then(|view| view.max_channels)
    }

    /// `transport`: the transport beneath; `None` once that is gone.
    pub fn transport(&self) -> Option<DtlsTransport> {
        let id = self.shared.look().peer.data_transport()?.id;
        Some(DtlsTransport { shared: self.shared.clone(), id })
    }
}

impl PartialEq for DtlsTransport {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for DtlsTransport {}
