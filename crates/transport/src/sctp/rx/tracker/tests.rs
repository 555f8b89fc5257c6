//! The tracker against a plain set of numbers, and at its bounds.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn blocks(tracker: &Tracker) -> Vec<(u16, u16)> {
    tracker.gaps().map(|block| (block.start, block.end)).collect()
}

#[test]
fn in_order_nothing_is_kept() {
    let mut tracker = Tracker::new(Tsn(u32::MAX - 1));
    for step in 0..5 {
        let tsn = Tsn(u32::MAX - 1).plus(step);
        assert!(tracker.is_next(tsn));
        assert_eq!(tracker.handle(tsn), Arrival::New { gap: false });
        assert_eq!(tracker.cumulative(), tsn);
    }
    assert!(!tracker.has_gaps());
}

#[test]
fn what_is_missing_shows_between_the_runs() {
    let mut tracker = Tracker::new(Tsn(10));
    for tsn in [10, 12, 13, 16, 15, 20] {
        tracker.handle(Tsn(tsn));
    }
    assert_eq!(tracker.cumulative(), Tsn(10));
    assert_eq!(blocks(&tracker), [(2, 3), (5, 6), (10, 10)]);
    assert_eq!(tracker.handle(Tsn(14)), Arrival::New { gap: true });
    assert_eq!(blocks(&tracker), [(2, 6), (10, 10)]);
    assert_eq!(tracker.handle(Tsn(11)), Arrival::New { gap: true });
    assert_eq!((tracker.cumulative(), blocks(&tracker)), (Tsn(16), vec![(4, 4)]));
}

#[test]
fn what_came_twice_is_told_once_for_each_time_too_much() {
    let mut tracker = Tracker::new(Tsn(1));
    for tsn in [1, 3, 3, 1, 3] {
        tracker.handle(Tsn(tsn));
    }
    assert_eq!(tracker.duplicates(), [Tsn(3), Tsn(1), Tsn(3)]);
    tracker.clear_duplicates();
    assert!(tracker.duplicates().is_empty());
    (0..1000).for_each(|_| assert_eq!(tracker.handle(Tsn(1)), Arrival::Duplicate));
    assert_eq!(tracker.duplicates().len(), MOST_DUPLICATES);
}

#[test]
fn what_is_given_up_counts_as_arrived() {
    let mut tracker = Tracker::new(Tsn(1));
    for tsn in [3, 4, 8] {
        tracker.handle(Tsn(tsn));
    }
    assert!(tracker.handle_forward(Tsn(2)));
    assert_eq!((tracker.cumulative(), blocks(&tracker)), (Tsn(4), vec![(4, 4)]));
    assert!(tracker.handle_forward(Tsn(20)));
    assert_eq!((tracker.cumulative(), tracker.has_gaps()), (Tsn(20), false));
    assert!(!tracker.handle_forward(Tsn(19)));
    assert!(!tracker.handle_forward(Tsn(20).plus(70_000)), "further than any chunk could be");
}

#[test]
fn too_many_gaps_and_numbers_too_far_ahead_are_outside() {
    let mut tracker = Tracker::new(Tsn(1));
    assert_eq!(tracker.handle(Tsn(65_536)), Arrival::Outside);
    assert_eq!(tracker.handle(Tsn(65_535)), Arrival::New { gap: true });
    for step in 1..MOST_BLOCKS as u32 {
        assert_eq!(tracker.handle(Tsn(2 * step + 1)), Arrival::New { gap: true });
    }
    assert!(!tracker.is_new(Tsn(30_001)));
    assert_eq!(tracker.handle(Tsn(30_001)), Arrival::Outside);
    assert!(tracker.is_new(Tsn(4)), "it fills a gap");
    assert!(tracker.is_new(Tsn(1)), "it is the next");
    assert_eq!(tracker.gaps().len(), MOST_BLOCKS);
}

proptest! {
    #[test]
    fn agrees_with_a_plain_set(
        first: u32,
        steps in proptest::collection::vec((0_u32..60, prop::bool::weighted(0.05)), 0..200),
    ) {
        let mut tracker = Tracker::new(Tsn(first));
        let mut seen = BTreeSet::new();
        for (offset, forward) in steps {
            let tsn = Tsn(first).plus(offset);
            if forward {
                tracker.handle_forward(tsn);
                seen.extend(0..=offset);
            } else {
                prop_assert_eq!(tracker.is_new(tsn), !seen.contains(&offset));
                let arrival = tracker.handle(tsn);
                prop_assert_eq!(matches!(arrival, Arrival::New { .. }), seen.insert(offset));
            }
            let missing = (0..).find(|number| !seen.contains(number)).unwrap_or(0);
            prop_assert_eq!(tracker.cumulative(), Tsn(first).plus(missing).minus(1));
            let told: BTreeSet<u32> = tracker
                .gaps()
                .flat_map(|block| (u32::from(block.start)..=u32::from(block.end)).map(|gap| gap + missing - 1))
                .collect();
            prop_assert_eq!(told, seen.iter().copied().filter(|number| *number > missing).collect());
        }
    }
}
