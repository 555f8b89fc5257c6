//! Behaviour of transport-wide feedback.
