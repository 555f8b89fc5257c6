//! The seam of congestion control: what a controller is told, and the one number it gives.

use std::time::{Duration, Instant};

use crate::sctp::tx::path::Path;

/// The window a connection starts with, in bytes, at packets of 1200 (RFC 9260 §7.2.1 has 4404; RFC 6928 ten packets).
/// Departs: RFC 9260 §7.2.1, because ten packets have been TCP's and QUIC's start for years.
pub const INITIAL_WINDOW: usize = 12_000;
/// The most that a window grows to, in bytes: more than any send buffer holds.
pub const MAX_WINDOW: usize = 1 << 30;

/// Something was acknowledged.
#[derive(Debug)]
pub struct Acked<'a> {
    /// Now.
    pub now: Instant,
    /// How many bytes were acknowledged that had not been before.
    pub bytes: usize,
    /// Whether the window, and not the lack of data or the peer's window, has held us back.
    pub limited: bool,
    /// Whether a round began with this.
    pub round: bool,
    /// Whether this acknowledgement measured a round trip.
    pub measured: bool,
    /// The path.
    pub path: &'a Path,
}

/// Something was lost.
#[derive(Debug)]
pub struct Lost<'a> {
    /// Now.
    pub now: Instant,
    /// When the latest of what was lost had been sent.
    pub sent_at: Instant,
    /// The path, losses counted.
    pub path: &'a Path,
}

/// A congestion controller.
pub trait Window: std::fmt::Debug + Send {
    /// How many bytes may be on their way.
    fn bytes(&self) -> usize;
    /// Whether the window still doubles with each round.
    fn is_slow_start(&self) -> bool;
    /// Bytes were acknowledged.
    fn handle_acked(&mut self, acked: &Acked<'_>);
    /// Chunks were found lost. Called for each finding; what belongs to one congestion counts once. Whether it was
    /// taken for congestion, and the window reduced.
    fn handle_lost(&mut self, lost: &Lost<'_>) -> bool;
    /// The retransmission timer ran out.
    fn handle_timeout(&mut self, now: Instant);
    /// What the last reduction was for turns out not to have been lost.
    fn handle_spurious(&mut self);
    /// The size of packets has changed.
    fn set_packet_size(&mut self, bytes: usize);
}

/// How long may stand in queues without being taken for congestion, on a path of this least round trip.
pub fn tolerated_queue(least: Duration) -> Duration {
    (least / 8).max(Duration::from_millis(2))
}
