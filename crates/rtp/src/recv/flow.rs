//! How evenly the pictures of one source were handed on: delays between frames, freezes and pauses, as webrtc-stats
//! defines them for inbound streams (§8.3).
//!
//! Departs: webrtc-stats §8.3 takes the moments at which frames are rendered, this those at which they are handed on,
//! because rendering is the user's.

use std::time::{Duration, Instant};

use crate::stats::FlowStats;

/// The account of one source.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    last: Option<Instant>,
    /// The delays between the latest frames, a ring of [`WINDOW`].
    recent: Vec<Duration>,
    oldest: usize,
    stats: FlowStats,
}

impl Flow {
    /// Takes account of a frame that is handed on at `now`.
    pub fn handle(&mut self, now: Instant) {
        let Some(last) = self.last.replace(now) else { return };
        let delay = now.saturating_duration_since(last);
        self.stats.inter_frame_delay += delay;
        self.stats.squared_inter_frame_delay += delay.as_secs_f64().powi(2);
        if delay >= PAUSE {
            self.stats.pauses += 1;
            self.stats.pauses_duration += delay;
            return;
        }
        if !self.recent.is_empty() {
            let average = self.recent.iter().sum::<Duration>() / self.recent.len() as u32;
            if delay >= (average * 3).max(average + FREEZE_MARGIN) {
                self.stats.freezes += 1;
                self.stats.freezes_duration += delay;
            }
        }
        if self.recent.len() < WINDOW {
            self.recent.push(delay);
        } else if let Some(oldest) = self.recent.get_mut(self.oldest) {
            *oldest = delay;
            self.oldest = (self.oldest + 1) % WINDOW;
        }
    }

    /// What was counted.
    pub fn stats(&self) -> FlowStats {
        self.stats
    }
}

/// So many delays make the average.
const WINDOW: usize = 30;

/// A delay is a freeze if it is three times the average, and by this longer than it.
const FREEZE_MARGIN: Duration = Duration::from_millis(150);

/// A longer delay is no freeze but a pause.
const PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    #[test]
    fn freezes_and_pauses_are_counted_by_their_length() {
        let mut flow = Flow::default();
        let mut now = start();
        for delay_ms in [40; 30].into_iter().chain([180, 40, 200, 40, 6000, 40]) {
            flow.handle(now);
            now += Duration::from_millis(delay_ms);
        }
        flow.handle(now);
        let stats = flow.stats();
        // 180 is less than 40 + 150, 200 is more than 44.7 + 150.
        assert_eq!((stats.freezes, stats.freezes_duration), (1, Duration::from_millis(200)));
        assert_eq!((stats.pauses, stats.pauses_duration), (1, Duration::from_secs(6)));
        assert_eq!(stats.inter_frame_delay, Duration::from_millis(33 * 40 + 180 + 200 + 6000));
        assert!((stats.squared_inter_frame_delay - (33.0 * 0.0016 + 0.0324 + 0.04 + 36.0)).abs() < 1e-9);
    }
}
