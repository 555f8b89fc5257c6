//! rollbacks.
