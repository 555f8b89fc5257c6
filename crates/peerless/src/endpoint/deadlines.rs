//! When which connection wants a turn: all deadlines of a worker in order.

use std::collections::BTreeSet;
use std::time::Instant;

/// One deadline for each connection that has one.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, u64)>);

impl Deadlines {
    /// Moves that of a connection.
    pub(super) fn set(&mut self, id: u64, before: Option<Instant>, at: Option<Instant>) {
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.0.remove(&(before, id));
        }
        if let Some(at) = at {
            self.0.insert((at, id));
        }
    }

    /// The first.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes a connection whose deadline has come.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        let first = self.0.first().filter(|(at, _)| *at <= now).copied()?;
        self.0.remove(&first);
        Some(first.1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_is_due_first_and_each_connection_has_one() {
        let start = Instant::now();
        let at = |seconds| Some(start + Duration::from_secs(seconds));
        let mut deadlines = Deadlines::default();
        deadlines.set(1, None, at(3));
        deadlines.set(2, None, at(1));
        deadlines.set(3, None, at(2));
        deadlines.set(1, at(3), at(1));
        deadlines.set(3, at(2), None);
        assert_eq!(deadlines.first(), at(1));
        assert_eq!(deadlines.due(start), None);
        let due: Vec<_> = std::iter::from_fn(|| deadlines.due(start + Duration::from_secs(9))).collect();
        assert_eq!(due, [1, 2]);
    }
}
