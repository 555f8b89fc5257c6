//! Chunks in, messages out.
