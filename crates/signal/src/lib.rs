//! peerless-signal
