//! Chunks on their way, and what SACKs and timers make of them.

use bytes::Bytes;
use peerless_wire::sctp::DataFlags;

use super::*;
use crate::sctp::tx::fragment::UNLIMITED;

const MS: Duration = Duration::from_millis(1);
const FIRST: u64 = 1 << 32;
const FORM: Form = Form { is_interleaved: false };

fn fragment(message: u64, beginning: bool, end: bool) -> Fragment {
    Fragment {
        payload: Bytes::from_static(&[0; 100]),
        message,
        expires: None,
        tries: UNLIMITED,
        ppid: Default::default(),
        sequence: 0,
        place: 0,
        stream: StreamId(0),
        flags: DataFlags { beginning, end, ..DataFlags::default() },
    }
}

struct Desk {
    now: Instant,
    chunks: Outstanding,
    rack: Rack,
}

impl Desk {
    /// With so many chunks sent, one each millisecond.
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    fn new(count: u64) -> Self {
        let mut desk =
            Self { now: Instant::now(), chunks: Outstanding::new(FIRST, FORM), rack: Rack::default() };
        for message in 0..count {
            assert_eq!(desk.chunks.push(desk.now, fragment(message, true, true)), FIRST + message);
            desk.now += MS;
        }
        desk
    }

    /// A SACK for the first `count` chunks and these, counted from the first.
    fn sack(&mut self, count: u64, blocks: &[(u64, u64)]) -> Found {
        let blocks = blocks.iter().map(|(from, to)| (FIRST + from, FIRST + to));
        self.chunks.handle_sack(self.now, FIRST + count - 1, blocks, &mut self.rack)
    }

    /// What is found lost, counted from the first.
    fn lost(&mut self) -> Vec<u64> {
        let mut lost = Vec::new();
        self.chunks.detect(self.now, &self.rack, Duration::ZERO, |number, _| lost.push(number - FIRST));
        lost
    }
}

#[test]
fn each_chunk_counts_once_however_often_it_is_reported() {
    let mut desk = Desk::new(10);
    assert_eq!(desk.chunks.flight(), 10 * FORM.size(100));
    assert_eq!(desk.sack(2, &[(4, 5)]).chunks, 4);
    assert_eq!(desk.sack(2, &[(4, 5)]).chunks, 0);
    assert_eq!(desk.sack(2, &[(4, 6), (8, 8)]).chunks, 2);
    assert_eq!(desk.sack(2, &[(3, 9)]).chunks, 3, "what was between");
    assert_eq!(desk.chunks.beyond(), 7);
    let last = desk.sack(10, &[]);
    assert_eq!((last.chunks, last.is_moved), (1, true));
    assert!(desk.chunks.is_empty());
    assert_eq!((desk.chunks.flight(), desk.chunks.flight_payload(), desk.chunks.weight()), (0, 0, 0));
}

#[test]
fn blocks_that_make_no_sense_do_nothing() {
    let mut desk = Desk::new(5);
    assert_eq!(desk.sack(1, &[(4, 2), (9, 7), (100, 200), (5, 5)]).chunks, 1);
    assert_eq!(desk.sack(1, &[(3, u64::MAX - FIRST), (0, 0)]).chunks, 2);
    assert_eq!(desk.chunks.beyond(), 2);
}

#[test]
fn what_was_sent_before_something_delivered_is_lost_and_a_lost_retransmission_too() {
    let mut desk = Desk::new(5);
    desk.now += 20 * MS;
    desk.sack(1, &[(3, 3)]);
    assert_eq!(desk.lost(), [1, 2]);
    assert_eq!(desk.chunks.flight(), FORM.size(100), "the last");
    for number in [1, 2] {
        desk.chunks.handle_resent(desk.now, FIRST + number).unwrap();
        desk.now += MS;
    }
    desk.now += 20 * MS;
    desk.sack(1, &[(2, 3)]);
    assert_eq!(desk.lost(), [4, 1], "what never came, then the retransmission, as they were sent");
}

#[test]
fn round_trips_are_measured_by_what_was_sent_once() {
    let mut desk = Desk::new(2);
    desk.chunks.handle_resent(desk.now, FIRST + 1).unwrap();
    desk.now += 10 * MS;
    let found = desk.sack(2, &[]);
    assert_eq!(found.round_trip, None, "the newest was sent twice");
    assert_eq!(found.oldest_original, Some(desk.now - 12 * MS));
    let mut desk = Desk::new(3);
    assert_eq!(desk.sack(2, &[]).round_trip, Some(2 * MS));
}

#[test]
fn where_a_sack_is_cut_off_the_rest_is_neither_lost_nor_on_its_way() {
    let mut desk = Desk::new(100);
    desk.now += 20 * MS;
    // Every second one came, but only twenty are told of.
    let told: Vec<(u64, u64)> = (0..20).map(|place| (2 * place + 1, 2 * place + 1)).collect();
    desk.sack(0, &told);
    assert_eq!(desk.lost(), (0..20).map(|place| 2 * place).filter(|number| *number < 39).collect::<Vec<_>>());
    for place in 0..20 {
        desk.chunks.handle_resent(desk.now, FIRST + 2 * place).unwrap();
    }
    desk.now += 20 * MS;
    let told: Vec<(u64, u64)> = (20..40).map(|place| (2 * place + 1, 2 * place + 1)).collect();
    desk.sack(40, &told);
    assert_eq!(
        desk.lost(),
        (20..40).map(|place| 2 * place).filter(|number| *number < 79).collect::<Vec<_>>()
    );
    assert_eq!(desk.chunks.flight(), 0, "nothing is known of the rest");
    desk.now += 20 * MS;
    desk.sack(80, &[(81, 81)]);
    let lost = desk.lost();
    assert!(lost.contains(&80) && lost.contains(&82), "{lost:?}");
}

#[test]
fn a_second_timeout_doubts_what_was_reported() {
    let mut desk = Desk::new(4);
    desk.sack(1, &[(2, 2)]);
    let mut lost = Vec::new();
    desk.chunks.handle_timeout(false, |number| lost.push(number - FIRST));
    assert_eq!(lost, [1, 3]);
    lost.clear();
    desk.chunks.handle_timeout(true, |number| lost.push(number - FIRST));
    assert_eq!(lost, [2]);
    assert_eq!(desk.chunks.first_lost(), Some(FIRST + 1));
    assert_eq!(desk.sack(4, &[]).chunks, 3, "reported anew");
    assert!(!desk.chunks.has_lost() && desk.chunks.flight() == 0);
}

#[test]
fn a_timeout_that_was_too_early_is_undone() {
    let mut desk = Desk::new(4);
    let flight = desk.chunks.flight();
    desk.chunks.handle_timeout(false, |_| {});
    assert_eq!(desk.chunks.flight(), 0);
    desk.chunks.handle_resent(desk.now, FIRST).unwrap();
    desk.chunks.undo_timeout();
    assert_eq!(desk.chunks.flight(), flight);
    desk.now += 10 * MS;
    desk.sack(0, &[(3, 3)]);
    assert_eq!(desk.lost(), [1, 2], "the first was sent again later");
}

#[test]
fn a_message_is_given_up_whole_and_no_other_with_it() {
    let mut desk = Desk::new(1);
    for (message, beginning, end) in [(7, true, false), (7, false, false), (8, true, true), (7, false, true)]
    {
        desk.chunks.push(desk.now, fragment(message, beginning, end));
    }
    assert_eq!(desk.chunks.abandon(FIRST + 2), Some((StreamId(0), 7, true)));
    assert_eq!(desk.chunks.flight(), 2 * FORM.size(100));
    assert_eq!(desk.chunks.abandoned().count(), 0, "the first chunk is still out");
    desk.sack(1, &[]);
    let given_up: Vec<u64> = desk.chunks.abandoned().map(|(number, _)| number - FIRST).collect();
    assert_eq!(given_up, [1, 2]);
    assert_eq!(desk.sack(5, &[]).chunks, 1);
    assert_eq!((desk.chunks.flight(), desk.chunks.weight()), (0, 0));
}
