//! CUBIC (RFC 9438) with HyStart++ (RFC 9406), telling random loss from congestion.
//!
//! Departs: RFC 9438 §4.6, because a window that falls by 30 % with every loss fills no long path over radio: at one
//! packet lost in a thousand it averages some tens of packets, whatever the link carries. A loss counts as random while
//! two things hold, judged over two rounds: fewer are lost than one in fifty, give or take what chance does to small
//! numbers (the share that BBRv3 bears), and no queue stands in the way, which is to say that the fastest packet of a
//! round is hardly slower than the fastest ever. Random loss reduces the window to what was measured to fit on the path
//! and no further (bandwidth times least round trip, as Westwood does), and does not end slow start. Whatever queue
//! there was is empty after that; so a shallow bottleneck is backed off from as well, by just what it holds too much.
//! All other loss is congestion and is met as the RFC says.

use std::time::{Duration, Instant};

use crate::sctp::tx::hystart::HyStart;
use crate::sctp::tx::path::Path;
use crate::sctp::tx::window::{Acked, INITIAL_WINDOW, Lost, MAX_WINDOW, Window, tolerated_queue};

/// β of RFC 9438 §4.6.
const BETA: f64 = 0.7;
/// C of RFC 9438 §5, in packets per second³.
const SCALE: f64 = 0.4;
/// The share of lost packets that is no sign of congestion.
const TOLERATED_LOSS: f64 = 0.02;
/// A random loss that would reduce the window to more than this share of it reduces nothing: so near, what was measured
/// is less than the window only by what was lost.
const WORTH_IT: f64 = 0.97;
/// How many rounds after a congestion the measured bandwidth is trusted again.
const SETTLED_ROUNDS: u64 = 10;

/// The default controller.
#[derive(Debug, Clone)]
pub struct Cubic {
    window: f64,
    threshold: f64,
    packet: f64,
    epoch: Option<Epoch>,
    /// The window at the last reduction, in bytes.
    peak: f64,
    start: HyStart,
    /// What was sent before these belongs to a loss that was reacted to, fully or by the measured product.
    congested_since: Option<Instant>,
    reduced_since: Option<Instant>,
    congested_round: Option<u64>,
    before: Option<Before>,
}

/// A stretch of congestion avoidance.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    began: Instant,
    /// How long the curve takes back to the peak, in seconds.
    plateau: f64,
    /// The window that NewReno would have, in bytes (RFC 9438 §4.3).
    friendly: f64,
}

/// What a needless reduction is undone to.
#[derive(Debug, Clone, Copy)]
struct Before {
    window: f64,
    threshold: f64,
    peak: f64,
    epoch: Option<Epoch>,
}

impl Cubic {
    /// Starts in slow start.
    pub fn new(packet: usize) -> Self {
        Self {
            window: INITIAL_WINDOW.max(4 * packet) as f64,
            threshold: f64::INFINITY,
            packet: packet as f64,
            epoch: None,
            peak: 0.0,
            start: HyStart::default(),
            congested_since: None,
            reduced_since: None,
            congested_round: None,
            before: None,
        }
    }

    fn least(&self) -> f64 {
        4.0 * self.packet
    }

    /// Grows along the curve (RFC 9438 §4.2 to §4.5).
    fn avoid(&mut self, acked: &Acked<'_>) {
        let (window, peak, packet) = (self.window, self.peak.max(self.window), self.packet);
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            began: acked.now,
            plateau: ((peak - window) / packet / SCALE).cbrt(),
            friendly: window,
        });
        let ahead = acked.now.saturating_duration_since(epoch.began) + acked.path.smoothed;
        let from_plateau = ahead.as_secs_f64() - epoch.plateau;
        let target = (SCALE * from_plateau.powi(3) * packet + peak).clamp(window, 1.5 * window);
        let acked_share = acked.bytes as f64 / window;
        let additive = if epoch.friendly < peak { 3.0 * (1.0 - BETA) / (1.0 + BETA) } else { 1.0 };
        epoch.friendly += additive * acked_share * packet;
        let grown = window + (target - window) * acked_share;
        self.window = grown.max(epoch.friendly.min(window + acked.bytes as f64));
    }

    fn is_random(lost: &Lost<'_>) -> bool {
        let (gone, sent) = lost.path.losses();
        let expected = TOLERATED_LOSS * sent as f64;
        let chance = 2.0 * expected.sqrt() + 1.0;
        (gone as f64) <= expected + chance && !has_standing_queue(lost.path)
    }

    fn remember(&mut self) {
        self.before = Some(Before {
            window: self.window,
            threshold: self.threshold,
            peak: self.peak,
            epoch: self.epoch,
        });
    }
}

/// Whether packets wait in a queue all the time.
fn has_standing_queue(path: &Path) -> bool {
    path.least().is_some_and(|least: Duration| path.standing_queue() > tolerated_queue(least))
}

impl Window for Cubic {
    fn bytes(&self) -> usize {
        self.window as usize
    }

    fn is_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    fn handle_acked(&mut self, acked: &Acked<'_>) {
        if self.is_slow_start() {
            let over = acked.round && self.start.handle_round();
            if acked.measured {
                self.start.handle_measurement(acked.path.latest);
            }
            if over {
                self.threshold = self.window;
                self.peak = self.window;
            } else if acked.limited {
                self.window += self.start.growth(acked.bytes) as f64;
            }
        } else if acked.limited {
            self.avoid(acked);
        } else if let Some(epoch) = &mut self.epoch {
            // Time without use does not count (§4.2.1: the epoch is that of use).
            epoch.began = epoch.began.max(acked.now.checked_sub(acked.path.smoothed).unwrap_or(epoch.began));
        }
        self.window = self.window.min(MAX_WINDOW as f64);
    }

    fn handle_lost(&mut self, lost: &Lost<'_>) -> bool {
        if self.congested_since.is_some_and(|since| lost.sent_at <= since) {
            return false;
        }
        if !Self::is_random(lost) {
            self.remember();
            self.congested_since = Some(lost.now);
            self.congested_round = Some(lost.path.rounds);
            // Fast convergence (§4.7).
            self.peak = if self.window < self.peak { self.window * (1.0 + BETA) / 2.0 } else { self.window };
            let mut kept = self.window * BETA;
            if self.is_slow_start() {
                // By now it has grown to two or three times what the path holds: what was measured is the better start.
                kept = kept.min((lost.path.product() as f64).max(self.window / 3.0));
            }
            self.window = kept.max(self.least());
            self.threshold = self.window;
            self.epoch = None;
            return true;
        }
        if self.is_slow_start() || self.reduced_since.is_some_and(|since| lost.sent_at <= since) {
            return false;
        }
        // After a congestion the bandwidth is measured anew: until that was in use for some rounds, it says too little.
        if self.congested_round.is_some_and(|round| lost.path.rounds < round + SETTLED_ROUNDS) {
            return false;
        }
        let kept = (lost.path.product() as f64).max(self.window * BETA).max(self.least());
        if kept < self.window * WORTH_IT {
            self.remember();
            self.reduced_since = Some(lost.now);
            self.peak = self.window;
            self.window = kept;
            self.threshold = kept;
            self.epoch = None;
        }
        false
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.remember();
        self.congested_since = Some(now);
        self.peak = self.window;
        self.threshold = (self.window * BETA).max(self.least());
        self.window = self.packet;
        self.epoch = None;
        self.start = HyStart::default();
    }

    fn handle_spurious(&mut self) {
        if let Some(before) = self.before.take()
            && before.window > self.window
        {
            (self.window, self.threshold, self.peak) = (before.window, before.threshold, before.peak);
            self.epoch = before.epoch;
        }
    }

    fn set_packet_size(&mut self, bytes: usize) {
        self.packet = bytes as f64;
        self.window = self.window.max(self.packet);
    }
}
