//! totality.
