//! NewReno, as RFC 9260 §7.2 has it: the window doubles, then grows by one packet a round, and halves with each loss.

use std::time::Instant;

use crate::sctp::tx::window::{Acked, INITIAL_WINDOW, Lost, MAX_WINDOW, Window};

/// The controller of RFC 9260.
#[derive(Debug, Clone)]
pub struct NewReno {
    window: usize,
    threshold: usize,
    partial: usize,
    packet: usize,
    /// What was sent before this belongs to the congestion that was reacted to.
    recovering_since: Option<Instant>,
    /// Window and threshold before the last reduction.
    before: Option<(usize, usize)>,
}

impl NewReno {
    /// Starts in slow start.
    pub fn new(packet: usize) -> Self {
        Self {
            window: INITIAL_WINDOW.max(4 * packet),
            threshold: usize::MAX,
            partial: 0,
            packet,
            recovering_since: None,
            before: None,
        }
    }
}

impl Window for NewReno {
    fn bytes(&self) -> usize {
        self.window
    }

    fn is_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    fn handle_acked(&mut self, acked: &Acked<'_>) {
        if !acked.limited {
            return;
        }
        if self.is_slow_start() {
            self.window = (self.window + acked.bytes).min(MAX_WINDOW);
            return;
        }
        self.partial += acked.bytes;
        if self.partial >= self.window {
            self.partial -= self.window;
            self.window = (self.window + self.packet).min(MAX_WINDOW);
        }
    }

    fn handle_lost(&mut self, lost: &Lost<'_>) -> bool {
        if self.recovering_since.is_some_and(|since| lost.sent_at <= since) {
            return false;
        }
        self.before = Some((self.window, self.threshold));
        self.recovering_since = Some(lost.now);
        self.threshold = (self.window / 2).max(4 * self.packet);
        self.window = self.threshold;
        self.partial = 0;
        true
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.before = Some((self.window, self.threshold));
        self.recovering_since = Some(now);
        self.threshold = (self.window / 2).max(4 * self.packet);
        self.window = self.packet;
        self.partial = 0;
    }

    fn handle_spurious(&mut self) {
        if let Some((window, threshold)) = self.before.take() {
            self.window = self.window.max(window);
            self.threshold = threshold;
        }
    }

    fn set_packet_size(&mut self, bytes: usize) {
        self.packet = bytes;
        self.window = self.window.max(bytes);
    }
}
