//! peerless-netsim
