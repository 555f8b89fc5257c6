//! Behaviour of the vp8 payload format.
