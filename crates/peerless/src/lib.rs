//! peerless-peerless
