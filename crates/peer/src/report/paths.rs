//! The stats objects of a transport: itself, its candidates and pairs, the certificates of both sides.

use peerless_transport::crypto::{Certificate, Fingerprint, HashAlgorithm};
use peerless_transport::dtls::Version;
use peerless_transport::srtp::Profile;

use crate::jsep::view;
use crate::link::Link;
use crate::report::base64;
use crate::report::ids;
use crate::report::moment::Moment;
use crate::report::object::{Statistics, StatsObject};
use crate::report::path::{CertificateStats, TransportStats};
use crate::report::words::DtlsRole;
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
            selected_candidate_pair_id: None,
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
            selected_candidate_pair_changes: None,
            ccfb_messages_sent: None,
            ccfb_messages_received: None,
        };
        out.push(StatsObject::new(self.id.to_owned(), self.moment.now_ms(), Statistics::Transport(made)));
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
