//! What the thread of a play shares with the rest of the world, whichever kind it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use peerless::{Codec, Format, Frame, RemoteTrack};

use crate::play::outlet::Outlet;
use crate::play::stats::Counters;
use crate::signal::Signal;

/// What a play's thread has to do with the rest of the world: counts of `S`, and what it gives out, `T`.
#[derive(Debug)]
pub(crate) struct Link<S, T> {
    pub(crate) track: RemoteTrack,
    pub(crate) signal: Arc<Signal>,
    pub(crate) counters: Arc<Counters<S>>,
    pub(crate) outlet: Arc<Outlet<T>>,
}

impl<S, T> Link<S, T> {
    /// Waits for the next frame; `None` when it is over.
    pub(crate) fn next(&self) -> Option<Frame> {
        self.signal.wait(self.track.recv()).flatten()
    }

    /// How a frame's codec was negotiated. The track knows the codec of the last frame that came, which is another for a
    /// moment when it changes.
    pub(crate) fn codec(&self, frame: &Frame) -> Option<Codec> {
        let codec = self.track.codec()?;
        match frame.format {
            format if format == codec.format => Some(codec),
            // Its rate and channels stand nowhere else.
            Format::L16 => None,
            format => Some(Codec { format, ..codec }),
        }
    }
}

/// Runs a decoder; `None` where it panicked. None is known to, but they are others' work and read what strangers sent: a
/// track shall not stop for it.
pub(crate) fn guarded<R>(decode: impl FnOnce() -> R) -> Option<R> {
    // What the decoder left half done is thrown away with it.
    catch_unwind(AssertUnwindSafe(decode)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_nothing_decoded() {
        assert_eq!(guarded(|| 7), Some(7));
        let none: Option<i32> = guarded(|| std::panic::resume_unwind(Box::new(())));
        assert_eq!(none, None);
    }
}
