//! Behaviour of header extensions.
