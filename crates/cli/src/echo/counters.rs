//! What went back so far, of all clients together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted by the tasks that send back, read by the status.
#[derive(Debug, Default)]
pub struct Counters {
    frames: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames of pictures and sound.
    pub frames: u64,
    /// Messages.
    pub messages: u64,
    /// Bytes of both.
    pub bytes: u64,
}

impl Counters {
    /// One frame went back.
    pub fn count_frame(&self, bytes: usize) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// One message went back.
    pub fn count_message(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Reads them.
    pub fn counts(&self) -> Counts {
        Counts {
            frames: self.frames.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// The status line for what happened between two readings that are `time` apart.
pub fn line(clients: usize, before: Counts, now: Counts, time: Duration) -> String {
    let clients = match clients {
        0 => return "no client".to_owned(),
        1 => "1 client".to_owned(),
        number => format!("{number} clients"),
    };
    let seconds = time.as_secs_f64().max(0.001);
    let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
    format!(
        "{clients}  {:.2} Mbit/s back  {:.0} frames/s  {:.0} messages/s  {} frames and {} messages in all",
        rate(now.bytes, before.bytes) * 8.0 / 1e6,
        rate(now.frames, before.frames),
        rate(now.messages, before.messages),
        now.frames,
        now.messages,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_rates_between_readings_and_sums() {
        let counters = Counters::default();
        counters.count_frame(100_000);
        counters.count_message(0);
        let before = counters.counts();
        (0..60).for_each(|_| counters.count_frame(4_000));
        (0..10).for_each(|_| counters.count_message(1_000));
        let text = line(2, before, counters.counts(), Duration::from_secs(2));
        let expected =
            "2 clients  1.00 Mbit/s back  30 frames/s  5 messages/s  61 frames and 11 messages in all";
        assert_eq!(text, expected);
        assert_eq!(line(0, before, counters.counts(), Duration::ZERO), "no client");
    }
}
