//! How long an agent without any working pair goes on before it has failed (RFC 8863 §4, RFC 8445 §8.1.2).
//!
//! As long as the peer's checks may last; while more of its candidates may come, counted from the last of them. What shows
//! itself late is given its time too: candidates that are checked for the first time, and a peer whose first check comes.
//! Departs: RFC 8445 §7.2.5.3.3, because a checklist does not stay open for peer-reflexive candidates: two translators that
//! map anew for each destination make another with each check, and would be hoped for through three times as long.

use std::time::{Duration, Instant};

/// How long what shows itself late is hoped for: by then a check was sent five times.
const LATE: Duration = Duration::from_secs(20);

/// What is hoped for, since when. Nothing until the peer's credentials are known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hope {
    /// When the peer's credentials came.
    since: Option<Instant>,
    /// When its last candidate came.
    last: Option<Instant>,
    /// When a candidate that was signalled was last checked for the first time.
    checked: Option<Instant>,
    /// When the peer's first check came.
    heard: Option<Instant>,
}

impl Hope {
    /// The peer's credentials have come.
    pub(crate) fn begin(&mut self, now: Instant) {
        *self = Self { since: Some(now), ..Self::default() };
    }

    /// A candidate of the peer's has come.
    pub(crate) fn note_candidate(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// A candidate that was signalled is checked for the first time.
    pub(crate) fn note_check(&mut self, now: Instant) {
        self.checked = Some(now);
    }

    /// An authentic check of the peer's has come.
    pub(crate) fn note_heard(&mut self, now: Instant) {
        self.heard.get_or_insert(now);
    }

    /// When it ends, as far as is known. `is_complete` where no more candidates of the peer come.
    pub(crate) fn ends(&self, patience: Duration, is_complete: bool) -> Option<Instant> {
        let since = self.since?;
        let last = self.last.filter(|_| !is_complete).map_or(since, |last| last.max(since));
        let late = self.checked.into_iter().chain(self.heard).map(|at| at + LATE);
        late.chain([last + patience]).max()
    }
}
