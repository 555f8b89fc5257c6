//! peerless-media
