//! The states of a peer connection as the W3C names them (webrtc-pc §4.3), and the kinds and directions of media.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The word the standard has for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the standard's word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// RTCSignalingState (webrtc-pc §4.3.1).
    SignalingState {
        /// No offer is under way.
        Stable = "stable",
        /// Our offer is set, the answer is awaited.
        HaveLocalOffer = "have-local-offer",
        /// The remote's offer is set, we owe an answer.
        HaveRemoteOffer = "have-remote-offer",
        /// We gave a provisional answer.
        HaveLocalPranswer = "have-local-pranswer",
        /// The remote gave a provisional answer.
        HaveRemotePranswer = "have-remote-pranswer",
        /// Closed.
        Closed = "closed",
    }
}

words! {
    /// RTCIceGatheringState (webrtc-pc §4.3.2).
    IceGatheringState {
        /// Nothing was asked for yet.
        New = "new",
        /// Some transport gathers.
        Gathering = "gathering",
        /// All transports are done.
        Complete = "complete",
    }
}

words! {
    /// RTCIceConnectionState (webrtc-pc §4.3.4).
    IceConnectionState {
        /// No checks yet.
        New = "new",
        /// Checks run.
        Checking = "checking",
        /// A usable pair was found.
        Connected = "connected",
        /// A pair is selected and checks are done.
        Completed = "completed",
        /// Connectivity is lost for the moment.
        Disconnected = "disconnected",
        /// Connectivity failed.
        Failed = "failed",
        /// Closed.
        Closed = "closed",
    }
}

words! {
    /// RTCPeerConnectionState (webrtc-pc §4.3.3): ICE and DTLS together.
    ConnectionState {
        /// Nothing has begun.
        New = "new",
        /// ICE or DTLS is under way.
        Connecting = "connecting",
        /// All transports are connected.
        Connected = "connected",
        /// Some transport lost connectivity for the moment.
        Disconnected = "disconnected",
        /// Some transport failed.
        Failed = "failed",
        /// Closed.
        Closed = "closed",
    }
}

words! {
    /// RTCRtpTransceiverDirection (webrtc-pc §5.4).
    Direction {
        /// Send and receive.
        SendRecv = "sendrecv",
        /// Send only.
        SendOnly = "sendonly",
        /// Receive only.
        RecvOnly = "recvonly",
        /// Neither.
        Inactive = "inactive",
        /// Stopped for good; never seen in SDP.
        Stopped = "stopped",
    }
}

words! {
    /// The kind of a track (mediacapture-main §4.3.1).
    MediaKind {
        /// Sound.
        Audio = "audio",
        /// Pictures.
        Video = "video",
    }
}

words! {
    /// RTCSdpType (webrtc-pc §4.6.1).
    SdpType {
        /// The first half of an exchange.
        Offer = "offer",
        /// A provisional answer.
        Pranswer = "pranswer",
        /// The second half of an exchange.
        Answer = "answer",
        /// Back to the last stable state.
        Rollback = "rollback",
    }
}

words! {
    /// RTCDataChannelState (webrtc-pc §6.2).
    DataChannelState {
        /// It has no stream, or the association is not up yet.
        Connecting = "connecting",
        /// Messages go both ways.
        Open = "open",
        /// What was given to it is sent still, then its stream is reset.
        Closing = "closing",
        /// Nothing more is sent; what had arrived can be read.
        Closed = "closed",
    }
}

words! {
    /// RTCSctpTransportState (webrtc-pc §6.1.2).
    SctpState {
        /// The handshake is under way, or waits for DTLS.
        Connecting = "connecting",
        /// Channels can open.
        Connected = "connected",
        /// Ended: by either side, with DTLS, or because the remote does not answer.
        Closed = "closed",
    }
}

words! {
    /// RTCIceRole (webrtc-pc §5.6): who chooses the pair to be used.
    IceRole {
        /// No description has told yet.
        Unknown = "unknown",
        /// We do.
        Controlling = "controlling",
        /// The remote does.
        Controlled = "controlled",
    }
}

words! {
    /// RTCIceComponent (webrtc-pc §5.6.5). RTP and RTCP always share one transport here (rtcp-mux).
    IceComponent {
        /// RTP, with RTCP or data channels besides.
        Rtp = "rtp",
    }
}

pub(crate) use words;
