//! What acknowledgements tell of the path: rounds, the least round-trip time, the bandwidth, and losses per round.
//! The controllers judge by it, the pacer and the loss detection go by it.

use std::time::{Duration, Instant};

/// How many rounds the bandwidth's maximum is kept.
const BANDWIDTH_ROUNDS: usize = 10;
/// How long the least round-trip time is believed before the path is taken to have changed.
const LEAST_LIFETIME: Duration = Duration::from_secs(30);

/// The path as the acknowledgements show it.
#[derive(Debug, Clone)]
pub struct Path {
    /// How many rounds have passed. A round ends when something is acknowledged that was sent after it began.
    pub rounds: u64,
    /// The smoothed round-trip time; zero before the first measurement.
    pub smoothed: Duration,
    /// The newest measurement.
    pub latest: Duration,
    least: Option<(Duration, Instant)>,
    round_end: u64,
    round_began: Instant,
    round_bytes: u64,
    round_least: Option<Duration>,
    previous_least: Option<Duration>,
    round_packets: Counts,
    previous_packets: Counts,
    bandwidths: [u64; BANDWIDTH_ROUNDS],
}

/// Chunks of a round.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    delivered: u64,
    lost: u64,
}

impl Path {
    /// Nothing known yet; `next` is the first number to be sent.
    pub fn new(now: Instant, next: u64) -> Self {
        Self {
            rounds: 0,
            smoothed: Duration::ZERO,
            latest: Duration::ZERO,
            least: None,
            round_end: next,
            round_began: now,
            round_bytes: 0,
            round_least: None,
            previous_least: None,
            round_packets: Counts::default(),
            previous_packets: Counts::default(),
            bandwidths: [0; BANDWIDTH_ROUNDS],
        }
    }

    /// A round trip was measured.
    pub fn handle_measurement(&mut self, now: Instant, round_trip: Duration, smoothed: Duration) {
        (self.latest, self.smoothed) = (round_trip, smoothed);
        self.round_least = Some(self.round_least.map_or(round_trip, |least| least.min(round_trip)));
        let stale = |since: Instant| now.duration_since(since) > LEAST_LIFETIME;
        if self.least.is_none_or(|(least, since)| round_trip <= least || stale(since)) {
            self.least = Some((round_trip, now));
        }
    }

    /// `bytes` in `chunks` chunks were acknowledged, `highest` the highest of their numbers; `next` is sent next.
    /// Whether a new round begins.
    pub fn handle_acked(&mut self, now: Instant, bytes: usize, chunks: u64, highest: u64, next: u64) -> bool {
        self.round_bytes += bytes as u64;
        self.round_packets.delivered += chunks;
        if highest < self.round_end {
            return false;
        }
        let lasted = now.saturating_duration_since(self.round_began).as_nanos();
        let slot = self.rounds as usize % BANDWIDTH_ROUNDS;
        // The first round began before anything was sent.
        self.bandwidths[slot] = if self.rounds == 0 || lasted == 0 {
            0
        } else {
            u64::try_from(u128::from(self.round_bytes) * 1_000_000_000 / lasted).unwrap_or(u64::MAX)
        };
        self.rounds += 1;
        self.round_end = next;
        self.round_began = now;
        self.round_bytes = 0;
        self.previous_least = self.round_least.take();
        self.previous_packets = std::mem::take(&mut self.round_packets);
        true
    }

    /// `chunks` chunks are taken for lost.
    pub fn handle_lost(&mut self, chunks: u64) {
        self.round_packets.lost += chunks;
    }

    /// The losses so far, and the queue that there was, were reacted to.
    pub fn forget_losses(&mut self) {
        (self.round_packets.lost, self.previous_packets.lost) = (0, 0);
        (self.round_least, self.previous_least) = (None, None);
    }

    /// What was lost and what was sent in all, of this round and the one before.
    pub fn losses(&self) -> (u64, u64) {
        let lost = self.round_packets.lost + self.previous_packets.lost;
        (lost, lost + self.round_packets.delivered + self.previous_packets.delivered)
    }

    /// The least round-trip time of late, once measured.
    pub fn least(&self) -> Option<Duration> {
        self.least.map(|(least, _)| least)
    }

    /// By how much every packet of the last whole round, and of this one, was slower than the fastest of late: what
    /// stands in queues all the time.
    pub fn standing_queue(&self) -> Duration {
        let Some((least, _)) = self.least else { return Duration::ZERO };
        let round = match (self.previous_least, self.round_least) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or(least),
        };
        round.saturating_sub(least)
    }

    /// The most that was delivered within a round of late, in bytes per second; 0 when unknown.
    pub fn bandwidth(&self) -> u64 {
        self.bandwidths.iter().copied().max().unwrap_or(0)
    }

    /// How many bytes fit on the path without standing in a queue; 0 when unknown.
    pub fn product(&self) -> usize {
        let Some((least, _)) = self.least else { return 0 };
        let bytes = u128::from(self.bandwidth()) * least.as_nanos() / 1_000_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}
