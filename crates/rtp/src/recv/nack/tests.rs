//! Which packets are asked for, when, and how often.

use super::*;
use crate::moment::start;

const MS: Duration = Duration::from_millis(1);
const RTT: Duration = Duration::from_millis(100);

fn due(nacks: &mut Nacks, now: Instant) -> Vec<u64> {
    let mut numbers = Vec::new();
    nacks.take_due(now, RTT, 100, &mut numbers);
    numbers
}

#[test]
fn asks_after_a_little_patience_and_then_after_a_round_trip_and_more() {
    let start = start();
    let mut nacks = Nacks::default();
    assert!(nacks.missing(start, 10..12));
    assert_eq!(nacks.poll_timeout(), Some(start + 5 * MS));
    assert_eq!(due(&mut nacks, start + 4 * MS), []);
    assert_eq!(due(&mut nacks, start + 5 * MS), [10, 11]);
    assert_eq!(nacks.poll_timeout(), Some(start + 130 * MS));
    assert_eq!(due(&mut nacks, start + 129 * MS), []);
    assert_eq!(due(&mut nacks, start + 130 * MS), [10, 11]);
    assert_eq!(nacks.poll_timeout(), Some(start + 255 * MS));
    assert_eq!(due(&mut nacks, start + 255 * MS), [10, 11]);
    assert_eq!(due(&mut nacks, start + 380 * MS), [10, 11]);
    // From the fourth on it backs off: 187.5 ms.
    assert_eq!(nacks.poll_timeout(), Some(start + 567 * MS + MS / 2));
}

#[test]
fn reordered_packets_are_not_asked_for() {
    let start = start();
    let mut nacks = Nacks::default();
    nacks.missing(start, 10..11);
    assert_eq!(nacks.arrived(start, 10), None);
    assert!(nacks.missing.is_empty());
    assert_eq!(nacks.poll_timeout(), None);
    assert_eq!(due(&mut nacks, start + RTT), []);
}

#[test]
fn gives_up_after_so_many_times() {
    let start = start();
    let mut nacks = Nacks::default();
    nacks.missing(start, 10..11);
    let mut asked = 0;
    while let Some(next) = nacks.poll_timeout() {
        asked += due(&mut nacks, next).len();
    }
    assert_eq!(asked, usize::from(MAX_TRIES));
    assert!(nacks.missing.is_empty());
}

#[test]
fn gives_up_all_when_too_many_are_missing() {
    let start = start();
    let mut nacks = Nacks::default();
    assert!(nacks.missing(start, 0..MAX_MISSING as u64));
    assert!(!nacks.missing(start, 1000..1001));
    assert!(nacks.missing.is_empty());
    assert!(!nacks.missing(start, 0..u64::MAX));
}

#[test]
fn keeps_to_the_limit_of_one_request() {
    let start = start();
    let mut nacks = Nacks::default();
    nacks.missing(start, 0..30);
    let mut numbers = Vec::new();
    nacks.take_due(start + RTT, RTT, 20, &mut numbers);
    assert_eq!(numbers.len(), 20);
    numbers.clear();
    nacks.take_due(start + RTT, RTT, 20, &mut numbers);
    assert_eq!(numbers, (20..30).collect::<Vec<_>>());
}

#[test]
fn forgets_what_lies_below() {
    let mut nacks = Nacks::default();
    nacks.missing(start(), 10..20);
    nacks.forget_below(15);
    assert_eq!(nacks.missing.len(), 5);
    assert!(!nacks.is_missing(14) && nacks.is_missing(15));
}

#[test]
fn what_was_asked_for_tells_how_long_it_took_and_the_least_is_the_round_trip() {
    let start = start();
    let mut nacks = Nacks::default();
    let mut trips = RepairTrips::default();
    nacks.missing(start, 10..13);
    let mut numbers = Vec::new();
    nacks.take_due(start + 5 * MS, RTT, 2, &mut numbers);
    // One that was not asked for.
    assert_eq!(nacks.arrived(start + 100 * MS, 12), None);
    assert_eq!(due(&mut nacks, start + 130 * MS), [10, 11]);
    for (number, at, trip) in [(10, 210, 205), (11, 340, 335)] {
        let took = nacks.arrived(start + at * MS, number).unwrap();
        assert_eq!(took, trip * MS);
        trips.handle(start + at * MS, took);
    }
    assert_eq!(nacks.arrived(start + 340 * MS, 11), None);
    assert_eq!(trips.round_trip(), Some(205 * MS));
    trips.handle(start + MEMORY + 210 * MS, 300 * MS);
    assert_eq!(trips.round_trip(), Some(205 * MS));
    trips.handle(start + MEMORY * 3, 300 * MS);
    assert_eq!(trips.round_trip(), Some(300 * MS));
}

#[test]
fn what_came_before_the_first_is_asked_for_in_front() {
    let start = start();
    let mut nacks = Nacks::default();
    nacks.missing(start, 10..11);
    nacks.missing_before(start, 5..8);
    nacks.missing_before(start, 6..9);
    assert_eq!(due(&mut nacks, start + 5 * MS), [5, 6, 7, 10]);
}
