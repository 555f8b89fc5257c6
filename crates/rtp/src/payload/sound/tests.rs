//! Behaviour of the sound payload format.
