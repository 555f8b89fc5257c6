//! What the thread of a pump shares with the rest of the world, whichever kind it is.

use std::sync::Arc;
use std::time::Instant;

use peerless::{Codec, LocalTrack};

use crate::pump::stats::Counters;
use crate::signal::Signal;

/// What a pump's thread has to do with the rest of the world.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) track: LocalTrack,
    pub(crate) signal: Arc<Signal>,
    pub(crate) counters: Arc<Counters>,
    /// Time zero of all timestamps.
    pub(crate) origin: Instant,
}

impl Link {
    /// Waits for something to encode for; `None` when it is over.
    pub(crate) fn wait_codec(&self) -> Option<Codec> {
        self.counters.set_format(None);
        self.signal.wait(self.track.wait_codec()).flatten()
    }

    /// There is no encoder for a codec: says so, and waits for another. `false` when it is over.
    pub(crate) fn wait_other(&self, codec: &Codec, problem: &crate::codec::traits::Error) -> bool {
        tracing::error!(%problem, "no encoder");
        self.counters.set_problem(problem.to_string());
        self.signal.wait(self.track.changed(Some(codec))).is_some()
    }

    /// Ticks of a clock since time zero, wrapped as RTP does.
    pub(crate) fn ticks(&self, time: Instant, clock_rate: u32) -> u32 {
        let nanos = time.saturating_duration_since(self.origin).as_nanos();
        (nanos * u128::from(clock_rate) / 1_000_000_000) as u32
    }
}

/// Whether a pump goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// With the next frame.
    Frame,
    /// With whatever is negotiated now.
    Codec,
    /// It is over.
    End,
}
