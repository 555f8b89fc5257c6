//! Behaviour of the h264 payload format.
