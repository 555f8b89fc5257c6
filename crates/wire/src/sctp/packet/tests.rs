//! Packets of all chunks, written and read; what is broken is refused.
