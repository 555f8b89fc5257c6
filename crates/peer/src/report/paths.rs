//! The stats objects of a transport: itself, its candidates and pairs, the certificates of both sides.

use peerless_transport::crypto::{Certificate, Fingerprint, HashAlgorithm};
use peerless_transport::dtls::Version;
use peerless_transport::ice::stats::{CandidateStats, PairStateStats, PairStats};
use peerless_transport::srtp::Profile;
use peerless_wire::sdp::CandidateKind;

use crate::jsep::view;
use crate::link::Link;
use crate::report::base64;
use crate::report::ids;
use crate::report::moment::{Moment, seconds};
use crate::report::object::{Statistics, StatsObject};
use crate::report::path::{CertificateStats, IceCandidatePairStats, IceCandidateStats, TransportStats};
use crate::report::value::Nullable;
use crate::report::words::{CandidatePairState, CandidateType, DtlsRole};
use crate::state::IceRole;

/// What the objects of one transport are made with.
pub(crate) struct Path<'a> {
    pub(crate) moment: Moment,
    /// Its id.
    pub(crate) id: &'a str,
    pub(crate) link: &'a Link,
    /// Whether the remote has described itself.
    pub(crate) has_remote: bool,
    pub(crate) certificate: &'a Certificate,
}

impl Path<'_> {
    pub(crate) fn write(&self, out: &mut Vec<StatsObject>) {
        let transport = &self.link.transport;
        let routes = transport.ice().stats();
        let (stats, ice, secured) = (transport.stats(), transport.ice(), transport.secured());
        let local = self.certificate_object(self.certificate.der(), out);
        let remote = transport.remote_certificate().map(|der| self.certificate_object(der, out));
        let made = TransportStats {
            packets_sent: Some(stats.packets_sent - stats.checks_sent.packets),
            packets_received: Some(stats.packets_received - stats.checks_received.packets),
            bytes_sent: Some(stats.bytes_sent - stats.checks_sent.bytes),
            bytes_received: Some(stats.bytes_received - stats.checks_received.bytes),
            ice_role: Some(
                match (self.has_remote || self.link.local_section.is_some(), ice.is_controlling()) {
                    (false, _) => IceRole::Unknown,
                    (true, true) => IceRole::Controlling,
                    (true, false) => IceRole::Controlled,
                },
            ),
            ice_local_username_fragment: Some(ice.local_credentials().ufrag.clone()),
            dtls_state: transport.dtls_state(),
            ice_state: Some(ice.state()),
            selected_candidate_pair_id: routes
                .selected
                .filter(|selected| routes.pairs.iter().any(|pair| pair.number == *selected))
                .map(|number| ids::pair(self.id, number)),
            local_certificate_id: Some(local),
            remote_certificate_id: remote,
            tls_version: secured.map(|secured| {
                let version = match secured.version {
                    Version::Dtls12 => "FEFD",
                    Version::Dtls13 => "FEFC",
                };
                version.to_owned()
            }),
            dtls_cipher: secured.map(|secured| secured.cipher.as_str().to_owned()),
            dtls_role: Some(match self.link.dtls_role {
                Some(view::DtlsRole::Client) => DtlsRole::Client,
                Some(view::DtlsRole::Server) => DtlsRole::Server,
                None => DtlsRole::Unknown,
            }),
            srtp_cipher: secured
                .and_then(|secured| secured.srtp_profile)
                .map(|profile| Profile::as_str(profile).to_owned()),
            selected_candidate_pair_changes: Some(routes.selected_changes),
            ccfb_messages_sent: None,
            ccfb_messages_received: None,
        };
        out.push(StatsObject::new(self.id.to_owned(), self.moment.now_ms(), Statistics::Transport(made)));
        for local in &routes.locals {
            let id = ids::local_candidate(self.id, local.key);
            let made = Statistics::LocalCandidate(self.candidate(local, true));
            out.push(StatsObject::new(id, self.moment.now_ms(), made));
        }
        for remote in &routes.remotes {
            let id = ids::remote_candidate(self.id, remote.key);
            let made = Statistics::RemoteCandidate(self.candidate(remote, false));
            out.push(StatsObject::new(id, self.moment.now_ms(), made));
        }
        for pair in &routes.pairs {
            let made = Statistics::CandidatePair(self.pair(pair, routes.selected == Some(pair.number)));
            out.push(StatsObject::new(ids::pair(self.id, pair.number), self.moment.now_ms(), made));
        }
    }

    /// A candidate. The address of a remote one that was not signalled is not told (webrtc-stats §8.18).
    fn candidate(&self, candidate: &CandidateStats, is_local: bool) -> IceCandidateStats {
        let is_told = is_local || candidate.kind != CandidateKind::PeerReflexive;
        let related = candidate.related.as_ref();
        let address = || candidate.shown.clone().unwrap_or_else(|| candidate.address.ip().to_string());
        IceCandidateStats {
            transport_id: self.id.to_owned(),
            address: Nullable(is_told.then(address)),
            port: Some(candidate.address.port().into()),
            protocol: Some(if candidate.tcp_type.is_some() { "tcp" } else { "udp" }.to_owned()),
            candidate_type: match candidate.kind {
                CandidateKind::Host => CandidateType::Host,
                CandidateKind::ServerReflexive => CandidateType::ServerReflexive,
                CandidateKind::PeerReflexive => CandidateType::PeerReflexive,
                CandidateKind::Relay => CandidateType::Relay,
            },
            priority: Some(candidate.priority),
            url: candidate.url.clone(),
            relay_protocol: candidate.relay_protocol.map(|protocol| protocol.as_str().to_owned()),
            foundation: candidate.foundation.clone(),
            related_address: related.map(|(address, _)| address.clone()),
            related_port: related.map(|(_, port)| (*port).into()),
            username_fragment: candidate.ufrag.clone(),
            tcp_type: candidate.tcp_type.map(|tcp_type| tcp_type.to_string()),
        }
    }

    fn pair(&self, pair: &PairStats, is_selected: bool) -> IceCandidatePairStats {
        let (moment, counts) = (self.moment, &pair.counts);
        IceCandidatePairStats {
            transport_id: self.id.to_owned(),
            local_candidate_id: ids::local_candidate(self.id, pair.local),
            remote_candidate_id: ids::remote_candidate(self.id, pair.remote),
            state: match pair.state {
                PairStateStats::Frozen => CandidatePairState::Frozen,
                PairStateStats::Waiting => CandidatePairState::Waiting,
                PairStateStats::InProgress => CandidatePairState::InProgress,
                PairStateStats::Succeeded => CandidatePairState::Succeeded,
                PairStateStats::Failed => CandidatePairState::Failed,
            },
            nominated: Some(pair.is_nominated),
            packets_sent: Some(counts.packets_sent),
            packets_received: Some(counts.packets_received),
            bytes_sent: Some(counts.bytes_sent),
            bytes_received: Some(counts.bytes_received),
            last_packet_sent_timestamp: counts.last_sent.map(|at| moment.ms(at)),
            last_packet_received_timestamp: counts.last_received.map(|at| moment.ms(at)),
            total_round_trip_time: Some(seconds(counts.total_round_trip)),
            current_round_trip_time: counts.round_trip.map(seconds),
            available_outgoing_bitrate: is_selected.then(|| self.available()).flatten(),
            available_incoming_bitrate: None,
            requests_received: Some(counts.requests_received),
            requests_sent: Some(counts.requests_sent),
            responses_received: Some(counts.responses_received),
            responses_sent: Some(counts.responses_sent),
            consent_requests_sent: Some(counts.consent_requests_sent),
            packets_discarded_on_send: Some(u32::try_from(counts.packets_discarded).unwrap_or(u32::MAX)),
            bytes_discarded_on_send: Some(counts.bytes_discarded),
        }
    }

    /// What the remote lets all our pictures take together, once it has told.
    fn available(&self) -> Option<f64> {
        let session = self.link.media.stats();
        let told: Vec<u64> = session.outbound.iter().filter_map(|stream| stream.target_bitrate).collect();
        (!told.is_empty()).then(|| told.iter().sum::<u64>() as f64)
    }

    /// The object of a certificate, unless another transport has put it there already. Gives its id.
    fn certificate_object(&self, der: &[u8], out: &mut Vec<StatsObject>) -> String {
        let fingerprint = Fingerprint::of(HashAlgorithm::Sha256, der);
        let id = ids::certificate(&fingerprint);
        if out.iter().any(|object| object.id == id) {
            return id;
        }
        let made = CertificateStats {
            fingerprint: ids::digits(&fingerprint),
            fingerprint_algorithm: fingerprint.hash().as_str().to_owned(),
            base64_certificate: base64::encoded(der),
            issuer_certificate_id: None,
        };
        out.push(StatsObject::new(id.clone(), self.moment.now_ms(), Statistics::Certificate(made)));
        id
    }
}
