//! Exchanges over a channel in memory.
