//! One direction between two hosts: delay, jitter, rate with a queue, loss, reordering, duplication.

use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::loss::Loss;

/// How one direction between two hosts behaves. The default carries everything at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The least time a datagram takes.
    pub delay: Duration,
    /// Up to this is added to each datagram's delay; order is kept.
    pub jitter: Duration,
    /// Bits per second of payload, `None` for no limit.
    pub rate_bps: Option<u64>,
    /// How many bytes may wait where there is a rate; what does not fit is dropped.
    pub queue_bytes: usize,
    /// What is lost.
    pub loss: Loss,
    /// The probability, 0 to 1, that a datagram is held back by up to `reorder_delay`, so that later ones overtake it.
    pub reorder: f64,
    /// How long a datagram may be held back.
    pub reorder_delay: Duration,
    /// The probability, 0 to 1, that a datagram arrives twice.
    pub duplicate: f64,
    /// The probability, 0 to 1, that a datagram is damaged, by the network's corruption hook.
    pub corrupt: f64,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate_bps: None,
            queue_bytes: 256 * 1024,
            loss: Loss::None,
            reorder: 0.0,
            reorder_delay: Duration::from_millis(50),
            duplicate: 0.0,
            corrupt: 0.0,
        }
    }
}

impl Link {
    /// A link that carries nothing.
    pub fn cut() -> Self {
        Self { loss: Loss::Random(1.0), ..Self::default() }
    }
}

/// What a link remembers.
#[derive(Debug, Default)]
pub(crate) struct LinkState {
    is_bad: bool,
    /// When the last byte accepted will have left.
    free_at: Option<Instant>,
    /// The last arrival of those that keep their order.
    last_arrival: Option<Instant>,
}

impl LinkState {
    /// When a datagram of `size` bytes sent now arrives; `None` where it is lost or the queue is full.
    pub(crate) fn arrival(
        &mut self,
        now: Instant,
        size: usize,
        link: &Link,
        chance: &mut Chance,
    ) -> Option<Instant> {
        let is_lost = link.loss.takes(&mut self.is_bad, chance);
        let jitter = chance.duration(link.jitter);
        let is_held = chance.happens(link.reorder);
        let held = chance.duration(link.reorder_delay);
        let sent = self.departure(now, size, link)?;
        if is_lost {
            return None;
        }
        let arrival = sent + link.delay + jitter;
        let on_time = self.last_arrival.map_or(arrival, |last| last.max(arrival));
        if is_held {
            return Some(on_time + held);
        }
        self.last_arrival = Some(on_time);
        Some(on_time)
    }

    /// When the datagram has left a link of limited rate; `None` where the queue is full.
    fn departure(&mut self, now: Instant, size: usize, link: &Link) -> Option<Instant> {
        let Some(rate_bps) = link.rate_bps else { return Some(now) };
        let start = self.free_at.map_or(now, |free| free.max(now));
        let waiting_bytes = (start - now).as_secs_f64() * rate_bps as f64 / 8.0;
        if waiting_bytes + size as f64 > link.queue_bytes as f64 {
            return None;
        }
        let sent = start + Duration::from_secs_f64(size as f64 * 8.0 / rate_bps as f64);
        self.free_at = Some(sent);
        Some(sent)
    }
}
