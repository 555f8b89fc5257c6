//! Which addresses an endpoint holds whose addresses are those of the machine: what is to be bound, and what is to be let go
//! of. One whose network is gone waits for it to come back, with its sockets, as long as consent can last (RFC 7675 §5.1).
//!
//! States of an address: held → missing → held again, or released.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::driver::watch::GRACE;

/// The addresses.
#[derive(Debug)]
pub(super) struct Holding(Vec<Held>);

#[derive(Debug)]
struct Held {
    local: SocketAddr,
    /// Since when no interface has it.
    missing: Option<Instant>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is one more: it is held when it is bound.
    Bind(SocketAddr),
    /// Its network is gone.
    Suspend(SocketAddr),
    /// Its network is back.
    Restore(SocketAddr),
    /// It is held no more.
    Release(SocketAddr),
}

impl Holding {
    /// These are held.
    pub(super) fn new(locals: &[SocketAddr]) -> Self {
        let mut holding = Self(Vec::new());
        locals.iter().for_each(|local| holding.add(*local));
        holding
    }

    /// One more is held.
    pub(super) fn add(&mut self, local: SocketAddr) {
        self.0.push(Held { local, missing: None });
    }

    /// Compares it with the addresses that are wanted and those that interfaces have now.
    pub(super) fn compare(&mut self, now: Instant, wanted: &[SocketAddr], present: &[IpAddr]) -> Vec<Step> {
        let mut steps = Vec::new();
        self.0.retain_mut(|Held { local, missing }| {
            // All of 127.0.0.0/8 is there, though no interface names each.
            let is_there = local.ip().is_loopback() || present.contains(&local.ip());
            match *missing {
                None if !is_there => {
                    *missing = Some(now);
                    steps.push(Step::Suspend(*local));
                }
                Some(_) if is_there => {
                    *missing = None;
                    steps.push(Step::Restore(*local));
                }
                Some(since) if since + GRACE <= now => {
                    steps.push(Step::Release(*local));
                    return false;
                }
                _ => {}
            }
            true
        });
        let further = wanted.iter().filter(|one| self.0.iter().all(|held| held.local != **one));
        steps.extend(further.copied().map(Step::Bind));
        steps
    }

    /// Those of these that are held and there.
    pub(super) fn among(&self, wanted: &[SocketAddr]) -> Vec<SocketAddr> {
        let is_there =
            |one: &SocketAddr| self.0.iter().any(|held| held.local == *one && held.missing.is_none());
        wanted.iter().copied().filter(is_there).collect()
    }

    /// When the next is to be released.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(|held| held.missing).map(|since| since + GRACE).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(text: &str) -> SocketAddr {
        format!("{text}:5000").parse().unwrap()
    }

    #[test]
    fn an_address_that_is_gone_waits_and_is_let_go_of() {
        let [lo, one, other] = ["127.0.0.1", "192.0.2.1", "192.0.2.2"].map(at);
        let start = Instant::now();
        let mut holding = Holding::new(&[lo]);
        // A network comes: what was wanted alone before is kept, and is not among the addresses.
        assert_eq!(holding.compare(start, &[one], &[one.ip()]), [Step::Bind(one)]);
        // It could not be bound, and is tried again.
        assert_eq!(holding.compare(start, &[one], &[one.ip()]), [Step::Bind(one)]);
        holding.add(one);
        assert_eq!(holding.compare(start, &[one, other], &[one.ip(), other.ip()]), [Step::Bind(other)]);
        holding.add(other);
        assert_eq!(holding.among(&[other, one]), [other, one]);
        assert_eq!(holding.deadline(), None);
        // It goes for a moment.
        assert_eq!(holding.compare(start, &[other], &[other.ip()]), [Step::Suspend(one)]);
        assert_eq!((holding.among(&[other]), holding.deadline()), (vec![other], Some(start + GRACE)));
        let later = start + GRACE - Duration::from_millis(1);
        assert_eq!(holding.compare(later, &[other], &[other.ip()]), []);
        assert_eq!(holding.compare(later, &[one, other], &[one.ip(), other.ip()]), [Step::Restore(one)]);
        assert_eq!(holding.compare(later + GRACE, &[one, other], &[one.ip(), other.ip()]), []);
        // It goes for good.
        assert_eq!(holding.compare(later, &[other], &[other.ip()]), [Step::Suspend(one)]);
        assert_eq!(holding.compare(later + GRACE, &[other], &[other.ip()]), [Step::Release(one)]);
        assert_eq!(holding.deadline(), None);
        // Another time it is a new one.
        assert_eq!(holding.compare(later + GRACE, &[one], &[one.ip(), other.ip()]), [Step::Bind(one)]);
    }
}
