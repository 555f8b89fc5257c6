//! Behaviour of packets.
