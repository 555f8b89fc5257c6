//! The dictionaries of transports (webrtc-stats §8.17 to §8.20): DTLS and ICE, candidates, pairs, certificates.
//!
//! Times are in seconds, timestamps in milliseconds since the UNIX epoch, sizes in bytes of UDP payload.

use peerless_transport::state::{DtlsState, IceState};

use crate::report::value::{Nullable, dictionary};
use crate::report::words::{CandidatePairState, CandidateType, DtlsRole};
use crate::state::IceRole;

dictionary! {
    /// RTCTransportStats (webrtc-stats §8.17). Packets and bytes are those of DTLS, SRTP and SRTCP: what the checks of
    /// ICE take is not among them.
    TransportStats {
        /// Packets sent.
        packets_sent: Option<u64> = "packetsSent",
        /// Packets received.
        packets_received: Option<u64> = "packetsReceived",
        /// What was in those sent.
        bytes_sent: Option<u64> = "bytesSent",
        /// What was in those received.
        bytes_received: Option<u64> = "bytesReceived",
        /// Who chooses the pair.
        ice_role: Option<IceRole> = "iceRole",
        /// Our username fragment.
        ice_local_username_fragment: Option<String> = "iceLocalUsernameFragment",
        /// Where DTLS stands.
        dtls_state: DtlsState = "dtlsState",
        /// Where ICE stands.
        ice_state: Option<IceState> = "iceState",
        /// The pair in use.
        selected_candidate_pair_id: Option<String> = "selectedCandidatePairId",
        /// Our certificate.
        local_certificate_id: Option<String> = "localCertificateId",
        /// The remote's certificate.
        remote_certificate_id: Option<String> = "remoteCertificateId",
        /// The version of DTLS as four hexadecimal digits: `FEFD` is 1.2, `FEFC` is 1.3.
        tls_version: Option<String> = "tlsVersion",
        /// The cipher suite, as IANA calls it.
        dtls_cipher: Option<String> = "dtlsCipher",
        /// Who began the handshake.
        dtls_role: Option<DtlsRole> = "dtlsRole",
        /// The protection profile, as IANA calls it.
        srtp_cipher: Option<String> = "srtpCipher",
        /// How often another pair was selected, or none any more.
        selected_candidate_pair_changes: Option<u32> = "selectedCandidatePairChanges",
        /// Feedback of RFC 8888 sent: `None`, it is not spoken here.
        ccfb_messages_sent: Option<u32> = "ccfbMessagesSent",
        /// Feedback of RFC 8888 received: `None`, it is not spoken here.
        ccfb_messages_received: Option<u32> = "ccfbMessagesReceived",
    }
}

dictionary! {
    /// RTCIceCandidateStats (webrtc-stats §8.18), of one of ours or of one of the remote's.
    IceCandidateStats {
        /// The transport it is for.
        transport_id: String = "transportId",
        /// Its address; `null` for a remote one that nobody has told us of, only its checks.
        address: Nullable = "address",
        /// Its port.
        port: Option<u32> = "port",
        /// `udp`.
        protocol: Option<String> = "protocol",
        /// What it is.
        candidate_type: CandidateType = "candidateType",
        /// RFC 8445 §5.1.2.
        priority: Option<u32> = "priority",
        /// The server that showed it, of ours only.
        url: Option<String> = "url",
        /// How the server is spoken to: `None`, TURN is not spoken here.
        relay_protocol: Option<String> = "relayProtocol",
        /// RFC 8445 §5.1.1.3, where it was told.
        foundation: Option<String> = "foundation",
        /// The address behind it, of server-reflexive and relay candidates.
        related_address: Option<String> = "relatedAddress",
        /// The port behind it, likewise.
        related_port: Option<u32> = "relatedPort",
        /// The username fragment of its generation.
        username_fragment: Option<String> = "usernameFragment",
        /// `None`: candidates are of UDP here.
        tcp_type: Option<String> = "tcpType",
    }
}

dictionary! {
    /// RTCIceCandidatePairStats (webrtc-stats §8.19). Packets and bytes are counted as in [`TransportStats`].
    IceCandidatePairStats {
        /// The transport it is of.
        transport_id: String = "transportId",
        /// Our candidate.
        local_candidate_id: String = "localCandidateId",
        /// The remote's candidate.
        remote_candidate_id: String = "remoteCandidateId",
        /// Where its check stands.
        state: CandidatePairState = "state",
        /// Whether it was nominated to be used.
        nominated: Option<bool> = "nominated",
        /// Packets sent.
        packets_sent: Option<u64> = "packetsSent",
        /// Packets received.
        packets_received: Option<u64> = "packetsReceived",
        /// What was in those sent.
        bytes_sent: Option<u64> = "bytesSent",
        /// What was in those received.
        bytes_received: Option<u64> = "bytesReceived",
        /// When the last of these was sent.
        last_packet_sent_timestamp: Option<f64> = "lastPacketSentTimestamp",
        /// When the last of these came.
        last_packet_received_timestamp: Option<f64> = "lastPacketReceivedTimestamp",
        /// The round trips of its checks added up, seconds: [`responses_received`](Self::responses_received) of them
        /// but for requests that were repeated.
        total_round_trip_time: Option<f64> = "totalRoundTripTime",
        /// The last of these, seconds.
        current_round_trip_time: Option<f64> = "currentRoundTripTime",
        /// What the remote lets all video encoders together give, bit/s, once it has told (REMB); of the pair in use.
        available_outgoing_bitrate: Option<f64> = "availableOutgoingBitrate",
        /// `None`: what the path lets the remote give is not estimated here.
        available_incoming_bitrate: Option<f64> = "availableIncomingBitrate",
        /// Checks received, repeated ones and those of consent included.
        requests_received: Option<u64> = "requestsReceived",
        /// Checks sent, each counted once though repeated.
        requests_sent: Option<u64> = "requestsSent",
        /// Answers received, those to checks of consent included.
        responses_received: Option<u64> = "responsesReceived",
        /// Answers sent.
        responses_sent: Option<u64> = "responsesSent",
        /// Checks of consent sent (RFC 7675).
        consent_requests_sent: Option<u64> = "consentRequestsSent",
        /// Packets that the system would not send.
        packets_discarded_on_send: Option<u32> = "packetsDiscardedOnSend",
        /// What was in them.
        bytes_discarded_on_send: Option<u64> = "bytesDiscardedOnSend",
    }
}

dictionary! {
    /// RTCCertificateStats (webrtc-stats §8.20).
    CertificateStats {
        /// Its hash, in upper case with colons (RFC 8122 §5).
        fingerprint: String = "fingerprint",
        /// Which hash: `sha-256`.
        fingerprint_algorithm: String = "fingerprintAlgorithm",
        /// Its DER form in Base64 (RFC 4648 §4).
        base64_certificate: String = "base64Certificate",
        /// Who issued it: `None`, they are self-signed.
        issuer_certificate_id: Option<String> = "issuerCertificateId",
    }
}
