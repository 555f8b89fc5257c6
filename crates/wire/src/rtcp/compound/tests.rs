//! Behaviour of compound packets.
