//! The states of ICE and DTLS as the W3C names them (webrtc-pc §5.5, §5.6).

use std::fmt;

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The name the standard gives the state.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

states! {
    /// RTCIceTransportState (webrtc-pc §5.6.4).
    IceState {
        /// Gathering, or waiting for remote candidates.
        New = "new",
        /// A remote candidate is there and checks run.
        Checking = "checking",
        /// A usable pair was found; better ones may come.
        Connected = "connected",
        /// A pair is selected and all checks are done.
        Completed = "completed",
        /// Consent or connectivity is lost for the moment.
        Disconnected = "disconnected",
        /// No pair works, or consent expired.
        Failed = "failed",
        /// Shut down.
        Closed = "closed",
    }
}

states! {
    /// RTCIceGathererState (webrtc-pc §5.6.3).
    GatheringState {
        /// Nothing was asked for yet.
        New = "new",
        /// Candidates are being gathered.
        Gathering = "gathering",
        /// All candidates are there.
        Complete = "complete",
    }
}

states! {
    /// RTCDtlsTransportState (webrtc-pc §5.5.1).
    DtlsState {
        /// The handshake has not begun.
        New = "new",
        /// The handshake runs.
        Connecting = "connecting",
        /// The handshake is done and the remote fingerprint is right.
        Connected = "connected",
        /// Closed by close_notify or by us.
        Closed = "closed",
        /// An error, or a wrong fingerprint.
        Failed = "failed",
    }
}
