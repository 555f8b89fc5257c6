//! Regular nomination, the controlling side's choice (RFC 8445 §8.1.1).
//!
//! The best valid pair is chosen when no better one can still win, or the wait for it is over. Never aggressive: a
//! pair is nominated only after it worked.

use std::time::{Duration, Instant};

use crate::ice::checklist::Checklist;
use crate::ice::pair::PairId;

/// Where the choice stands.
#[derive(Debug, Default)]
pub(crate) struct Nomination {
    /// When the wait for a better pair is over; set when the first worked.
    until: Option<Instant>,
    /// The pair chosen.
    chosen: Option<PairId>,
    /// Its check has yet to be sent.
    is_due: bool,
    /// When it was chosen in place of another.
    changed: Option<Instant>,
}

impl Nomination {
    /// Chooses, where it is time.
    pub(crate) fn choose(&mut self, now: Instant, wait: Duration, checklist: &Checklist) {
        let Some(best) = checklist.best_valid().filter(|_| self.chosen.is_none()) else { return };
        let until = *self.until.get_or_insert(now + wait);
        if until <= now || !checklist.has_open_above(best.priority) {
            *self = Self { until: Some(until), chosen: Some(best.id), is_due: true, changed: None };
        }
    }

    /// Chooses this pair in place of the one in use.
    pub(crate) fn change(&mut self, now: Instant, id: PairId) {
        *self = Self { until: self.until, chosen: Some(id), is_due: true, changed: Some(now) };
    }

    /// The pair that was chosen in place of the one in use, and when.
    pub(crate) fn changing(&self) -> Option<(PairId, Instant)> {
        self.chosen.zip(self.changed)
    }

    /// Takes the pair whose check nominates it and is to be sent.
    pub(crate) fn take(&mut self) -> Option<PairId> {
        self.chosen.filter(|_| std::mem::take(&mut self.is_due))
    }

    /// Whether [`Nomination::take`] has one.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due
    }

    pub(crate) fn has_chosen(&self, id: PairId) -> bool {
        self.chosen == Some(id)
    }

    /// When to choose, if nothing else happens.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.until.filter(|_| self.chosen.is_none())
    }
}
