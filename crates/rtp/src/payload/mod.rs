//! Payload formats: how each codec's frames are cut into packets and put together again.
