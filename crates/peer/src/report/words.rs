//! The words that only webrtc-stats has.

crate::state::words! {
    /// RTCStatsType (webrtc-stats §6.1): the `type` of a stats object.
    StatsType {
        /// [`CodecStats`](crate::report::CodecStats).
        Codec = "codec",
        /// [`InboundRtpStreamStats`](crate::report::InboundRtpStreamStats).
        InboundRtp = "inbound-rtp",
        /// [`OutboundRtpStreamStats`](crate::report::OutboundRtpStreamStats).
        OutboundRtp = "outbound-rtp",
        /// [`RemoteInboundRtpStreamStats`](crate::report::RemoteInboundRtpStreamStats).
        RemoteInboundRtp = "remote-inbound-rtp",
        /// [`RemoteOutboundRtpStreamStats`](crate::report::RemoteOutboundRtpStreamStats).
        RemoteOutboundRtp = "remote-outbound-rtp",
        /// [`AudioSourceStats`](crate::report::AudioSourceStats) or [`VideoSourceStats`](crate::report::VideoSourceStats).
        MediaSource = "media-source",
        /// [`AudioPlayoutStats`](crate::report::AudioPlayoutStats).
        MediaPlayout = "media-playout",
        /// [`PeerConnectionStats`](crate::report::PeerConnectionStats).
        PeerConnection = "peer-connection",
        /// [`DataChannelStats`](crate::report::DataChannelStats).
        DataChannel = "data-channel",
        /// [`TransportStats`](crate::report::TransportStats).
        Transport = "transport",
        /// [`IceCandidatePairStats`](crate::report::IceCandidatePairStats).
        CandidatePair = "candidate-pair",
        /// [`IceCandidateStats`](crate::report::IceCandidateStats) of one of ours.
        LocalCandidate = "local-candidate",
        /// [`IceCandidateStats`](crate::report::IceCandidateStats) of one of the remote's.
        RemoteCandidate = "remote-candidate",
        /// [`CertificateStats`](crate::report::CertificateStats).
        Certificate = "certificate",
    }
}

crate::state::words! {
    /// RTCStatsIceCandidatePairState (webrtc-stats §8.19).
    CandidatePairState {
        /// Waits for a pair of the same foundation.
        Frozen = "frozen",
        /// To be checked.
        Waiting = "waiting",
        /// A check is under way.
        InProgress = "in-progress",
        /// No check was answered, or none is wanted any more.
        Failed = "failed",
        /// A check was answered.
        Succeeded = "succeeded",
    }
}

crate::state::words! {
    /// RTCIceCandidateType (webrtc-pc §4.8.1.3).
    CandidateType {
        /// An address of the machine itself.
        Host = "host",
        /// Its address as a server saw it.
        ServerReflexive = "srflx",
        /// Its address as the other side saw it.
        PeerReflexive = "prflx",
        /// An address of a server that forwards.
        Relay = "relay",
    }
}

crate::state::words! {
    /// RTCDtlsRole (webrtc-stats §8.17): who begins the handshake.
    DtlsRole {
        /// We do.
        Client = "client",
        /// The remote does.
        Server = "server",
        /// The answer has not told yet.
        Unknown = "unknown",
    }
}
