//! The transports of a peer to look at: RTCDtlsTransport and RTCIceTransport (webrtc-pc §5.5, §5.6).

use bytes::Bytes;
use peerless_transport::state::{DtlsState, GatheringState, IceState};
use peerless_wire::sdp::Candidate;

use crate::event::SelectedPair;
use crate::id::{TransceiverId, TransportId};
use crate::jsep::view::{Credentials, DtlsRole};
use crate::link::Link;
use crate::peer::Peer;
use crate::state::{IceComponent, IceRole};

/// A look at a DTLS transport (RTCDtlsTransport, webrtc-pc §5.5) and the ICE transport beneath.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DtlsTransportView {
    /// Its handle, by which events name it.
    pub id: TransportId,
    /// Where DTLS stands.
    pub state: DtlsState,
    /// Our role, once an answer settled it.
    pub role: Option<DtlsRole>,
    /// The remote's certificates in DER (`getRemoteCertificates`), its own first; none before their fingerprint was found
    /// right. Of a chain only the first is kept: WebRTC's certificates are self-signed.
    pub remote_certificates: Vec<Bytes>,
    /// The names of the media sections that go over it, in the order in which they were settled.
    pub mids: Vec<String>,
    /// The ICE transport beneath.
    pub ice: IceTransportView,
}

/// A look at an ICE transport (RTCIceTransport, webrtc-pc §5.6).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IceTransportView {
    /// Where ICE stands.
    pub state: IceState,
    /// Who nominates.
    pub role: IceRole,
    /// What flows over it.
    pub component: IceComponent,
    /// Whether it gathers.
    pub gathering_state: GatheringState,
    /// The pair in use (`getSelectedCandidatePair`).
    pub selected_pair: Option<SelectedPair>,
    /// Our candidates of this generation (`getLocalCandidates`).
    pub local_candidates: Vec<Candidate>,
    /// The remote's candidates of this generation that have an address (`getRemoteCandidates`), 256 at most.
    pub remote_candidates: Vec<Candidate>,
    /// Our credentials (`getLocalParameters`).
    pub local_parameters: Credentials,
    /// The remote's, once an answer settled them (`getRemoteParameters`).
    pub remote_parameters: Option<Credentials>,
}

impl Peer {
    /// All transports that media sections go over, or would by our pending offer; in the order of their making.
    pub fn transports(&self) -> Vec<DtlsTransportView> {
        self.engine.links.used().map(|link| self.transport_view(link)).collect()
    }

    /// One of them.
    pub fn transport(&self, id: TransportId) -> Option<DtlsTransportView> {
        self.engine.links.used().find(|link| link.id == id).map(|link| self.transport_view(link))
    }

    /// `transport` of the sender and receiver of a transceiver (webrtc-pc §5.2, §5.3): over which its media section goes;
    /// `None` before our description said that.
    pub fn transport_of(&self, id: TransceiverId) -> Option<DtlsTransportView> {
        let mid = self.engine.transceivers.find(id)?.mid.as_ref()?;
        self.transport(self.engine.links.routes.of(mid)?)
    }

    /// `transport` of the SCTP transport (webrtc-pc §6.1): over which the data channels go; `None` before an answer took
    /// their section.
    pub fn data_transport(&self) -> Option<DtlsTransportView> {
        self.transport(self.engine.links.data_id()?)
    }

    fn transport_view(&self, link: &Link) -> DtlsTransportView {
        let ice = link.transport.ice();
        // Closing closes all transports, and no event tells of it (webrtc-pc §4.4.2 close).
        let is_closed = self.is_closed();
        let certificate = link.transport.remote_certificate().map(Bytes::copy_from_slice);
        let routes = &self.engine.links.routes;
        let is_here = |mid: &&peerless_wire::rtp::Mid| routes.of(mid) == Some(link.id);
        let mut mids: Vec<String> = Vec::new();
        for mid in routes.mids().filter(is_here) {
            if mids.iter().all(|known| known != mid.as_str()) {
                mids.push(mid.as_str().to_owned());
            }
        }
        let parameters = |one: &peerless_transport::ice::Credentials| Credentials {
            ufrag: one.ufrag.clone(),
            password: one.password.clone(),
        };
        DtlsTransportView {
            id: link.id,
            state: if is_closed { DtlsState::Closed } else { link.connectivity.dtls },
            role: link.dtls_role,
            remote_certificates: certificate.into_iter().collect(),
            mids,
            ice: IceTransportView {
                state: if is_closed { IceState::Closed } else { link.connectivity.ice() },
                role: match self.engine.links.controlling() {
                    None => IceRole::Unknown,
                    Some(_) if ice.is_controlling() => IceRole::Controlling,
                    Some(_) => IceRole::Controlled,
                },
                component: IceComponent::Rtp,
                gathering_state: link.connectivity.told_gathering,
                selected_pair: link.connectivity.selected,
                local_candidates: ice.local_candidates().collect(),
                remote_candidates: link.connectivity.remote_candidates().to_vec(),
                local_parameters: parameters(ice.local_credentials()),
                remote_parameters: link.connectivity.remote().map(parameters),
            },
        }
    }
}
