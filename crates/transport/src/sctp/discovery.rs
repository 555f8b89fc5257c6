//! How large packets may be (RFC 8899, by HEARTBEAT and padding as RFC 8899 §6.2 has it for SCTP).
//!
//! States: *searching* (probes are sent), *complete* (the largest size is found, or the peer answers none), and back to
//! *searching* after a time, or when larger packets vanish: then from the base again.

use std::time::{Duration, Instant};

/// Sizes that paths have: plausible sizes of an SCTP packet, that is of the path less IP, UDP and DTLS.
const TABLE: [usize; 14] =
    [1200, 1252, 1300, 1352, 1380, 1400, 1420, 1436, 1900, 2900, 4284, 8100, 8924, 16_384];
/// How often a size is tried (MAX_PROBES).
const MAX_PROBES: u32 = 3;

/// The search for the largest packet.
#[derive(Debug, Clone)]
pub struct Discovery {
    base: usize,
    max: usize,
    size: usize,
    /// The least size known not to go through.
    too_large: usize,
    /// The size that was in use when packets vanished.
    suspect: Option<usize>,
    probe: Option<Probe>,
    next: Option<Instant>,
    raise: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    size: usize,
    count: u32,
}

impl Discovery {
    /// Begins at `base`, goes up to `max`.
    pub fn new(base: usize, max: usize, raise: Duration) -> Self {
        Self { base, max, size: base, too_large: max + 1, suspect: None, probe: None, next: None, raise }
    }

    /// The size that may be used.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The association stands: the search begins.
    pub fn start(&mut self, now: Instant) {
        self.too_large = self.max + 1;
        (self.probe, self.suspect) = (None, None);
        self.next = (self.max > self.size).then_some(now);
    }

    /// When [`Discovery::poll`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// The size of a probe to be sent now, if it is time; it is answered within `wait` or lost.
    pub fn poll(&mut self, now: Instant, wait: Duration) -> Option<usize> {
        self.next.filter(|next| *next <= now)?;
        if let Some(probe) = &mut self.probe {
            if probe.count < MAX_PROBES {
                probe.count += 1;
                self.next = Some(now + wait);
                return Some(probe.size);
            }
            self.too_large = self.too_large.min(probe.size);
            (self.probe, self.suspect) = (None, None);
        } else if self.too_large <= self.max && self.candidate().is_none() {
            // The time to try again has come.
            self.too_large = self.max + 1;
        }
        let Some(size) = self.candidate() else {
            self.next = (self.size < self.max).then(|| now + self.raise);
            return None;
        };
        self.probe = Some(Probe { size, count: 1 });
        self.next = Some(now + wait);
        Some(size)
    }

    /// A probe of this size was answered. Whether the size in use has grown.
    pub fn handle_answer(&mut self, now: Instant, size: usize) -> bool {
        if self.probe.is_none_or(|probe| probe.size != size) || size <= self.size {
            return false;
        }
        self.size = size;
        (self.probe, self.suspect) = (None, None);
        self.next = (self.size < self.max).then_some(now);
        true
    }

    /// Packets vanish, perhaps because they are large: back to the base (RFC 8899 §4.3), and the size that was in use is
    /// the first to be tried again. Whether the size in use has shrunk.
    pub fn handle_black_hole(&mut self, now: Instant) -> bool {
        if self.size == self.base {
            return false;
        }
        self.suspect = Some(self.size);
        self.size = self.base;
        self.probe = None;
        self.next = Some(now);
        true
    }

    /// The next size to try: the largest at first, then by halves of the table.
    fn candidate(&self) -> Option<usize> {
        if let Some(suspect) = self.suspect {
            return Some(suspect);
        }
        if self.too_large > self.max && self.max > self.size {
            return Some(self.max);
        }
        let between: Vec<usize> = TABLE
            .iter()
            .copied()
            .filter(|size| *size > self.size && *size < self.too_large && *size <= self.max)
            .collect();
        between.get(between.len() / 2).copied()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(300);
    const RAISE: Duration = Duration::from_secs(600);

    /// Searches on a path that carries up to `limit`; probes sent.
    fn search(machine: &mut Discovery, now: &mut Instant, limit: usize) -> usize {
        let mut probes = 0;
        let began = *now;
        while let Some(next) = machine.poll_timeout().filter(|next| *next < began + RAISE / 2) {
            *now = next.max(*now);
            if let Some(size) = machine.poll(*now, WAIT) {
                probes += 1;
                if size <= limit {
                    *now += Duration::from_millis(20);
                    machine.handle_answer(*now, size);
                }
            }
        }
        probes
    }

    #[test]
    fn finds_the_largest_at_once_where_the_path_carries_it() {
        let mut now = Instant::now();
        let mut machine = Discovery::new(1200, 16_384, RAISE);
        machine.start(now);
        assert_eq!(search(&mut machine, &mut now, 65_535), 1);
        assert_eq!(machine.size(), 16_384);
        assert_eq!(machine.poll_timeout(), None);
    }

    #[test]
    fn finds_what_an_ethernet_carries() {
        let mut now = Instant::now();
        let mut machine = Discovery::new(1200, 16_384, RAISE);
        machine.start(now);
        assert!(search(&mut machine, &mut now, 1425) <= 20);
        assert_eq!(machine.size(), 1420);
    }

    #[test]
    fn is_back_at_once_when_the_size_was_not_to_blame() {
        let mut now = Instant::now();
        let mut machine = Discovery::new(1200, 16_384, RAISE);
        machine.start(now);
        search(&mut machine, &mut now, 1425);
        assert!(machine.handle_black_hole(now));
        assert_eq!((machine.size(), machine.poll(now, WAIT)), (1200, Some(1420)));
        assert!(machine.handle_answer(now, 1420));
    }

    #[test]
    fn stays_at_the_base_where_nothing_more_goes_through_and_tries_again_later() {
        let mut now = Instant::now();
        let mut machine = Discovery::new(1200, 1400, RAISE);
        machine.start(now);
        search(&mut machine, &mut now, 1200);
        assert_eq!(machine.size(), 1200);
        now = machine.poll_timeout().unwrap();
        assert_eq!(search(&mut machine, &mut now, 1400), 1);
        assert_eq!(machine.size(), 1400);
    }

    #[test]
    fn falls_back_when_large_packets_vanish_and_finds_the_new_size() {
        let mut now = Instant::now();
        let mut machine = Discovery::new(1200, 16_384, RAISE);
        machine.start(now);
        search(&mut machine, &mut now, 65_535);
        assert!(machine.handle_black_hole(now));
        assert_eq!(machine.size(), 1200);
        search(&mut machine, &mut now, 1400);
        assert_eq!(machine.size(), 1400);
        assert!(!Discovery::new(1200, 1200, RAISE).handle_black_hole(now));
    }
}
