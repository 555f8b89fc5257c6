//! Messages that wait, and how they are cut.

use std::time::Duration;

use super::*;

const PLAIN: Form = Form { is_interleaved: false };
const MIXED: Form = Form { is_interleaved: true };
const WHOLE: usize = 1000;

#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
fn desk(form: Form) -> (Instant, Queue) {
    (Instant::now(), Queue::new(form))
}

fn push(queue: &mut Queue, now: Instant, stream: u16, length: usize, reliability: Reliability) {
    let options = SendOptions { ordered: true, reliability };
    queue.push(now, StreamId(stream), Ppid::BINARY, vec![0; length].into(), options);
}

/// Stream, length, number of the message in its stream, and whether it begins and ends one.
fn poll(queue: &mut Queue, now: Instant, room: usize) -> Option<(u16, usize, u32, bool, bool)> {
    match queue.poll(now, room, WHOLE, true)? {
        Next::Fragment(cut) => {
            Some((cut.stream.0, cut.payload.len(), cut.sequence, cut.flags.beginning, cut.flags.end))
        }
        Next::Expired { .. } => None,
    }
}

#[test]
fn a_message_is_cut_to_what_there_is_room_for() {
    let (now, mut queue) = desk(PLAIN);
    push(&mut queue, now, 1, 2500, Reliability::Reliable);
    assert_eq!(queue.amount(StreamId(1)), 2500);
    assert_eq!(poll(&mut queue, now, 600), Some((1, 600, 0, true, false)));
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 1000, 0, false, false)));
    assert_eq!(poll(&mut queue, now, 4), None, "no crumbs");
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 900, 0, false, true)));
    assert!(queue.is_empty() && queue.amount(StreamId(1)) == 0);
    assert_eq!(poll(&mut queue, now, WHOLE), None);
}

#[test]
fn one_that_fits_a_packet_is_not_cut_to_fill_another() {
    let (now, mut queue) = desk(PLAIN);
    push(&mut queue, now, 1, 900, Reliability::Reliable);
    assert_eq!(poll(&mut queue, now, 500), None);
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 900, 0, true, true)));
}

#[test]
fn without_interleaving_a_message_is_finished_first() {
    let (now, mut queue) = desk(PLAIN);
    push(&mut queue, now, 1, 2000, Reliability::Reliable);
    push(&mut queue, now, 2, 10, Reliability::Reliable);
    let streams: Vec<u16> = std::iter::from_fn(|| poll(&mut queue, now, WHOLE)).map(|cut| cut.0).collect();
    assert_eq!(streams, [1, 1, 2]);
}

#[test]
fn with_interleaving_streams_take_turns_by_fragment_and_share_by_priority() {
    let (now, mut queue) = desk(MIXED);
    push(&mut queue, now, 1, 3000, Reliability::Reliable);
    push(&mut queue, now, 2, 10, Reliability::Reliable);
    let streams: Vec<u16> = std::iter::from_fn(|| poll(&mut queue, now, WHOLE)).map(|cut| cut.0).collect();
    assert_eq!(streams, [1, 2, 1, 1]);
    queue.set_priority(StreamId(1), 1024);
    queue.set_priority(StreamId(2), 256);
    push(&mut queue, now, 1, 50_000, Reliability::Reliable);
    push(&mut queue, now, 2, 50_000, Reliability::Reliable);
    let first: Vec<u16> = (0..50).filter_map(|_| poll(&mut queue, now, WHOLE)).map(|cut| cut.0).collect();
    let count = first.iter().filter(|stream| **stream == 1).count();
    assert!(count.abs_diff(40) <= 1, "{count}");
}

#[test]
fn numbers_count_by_stream_and_begin_again_after_a_reset() {
    let (now, mut queue) = desk(PLAIN);
    for stream in [1, 1, 2] {
        push(&mut queue, now, stream, 10, Reliability::Reliable);
    }
    let numbers: Vec<(u16, u32)> =
        std::iter::from_fn(|| poll(&mut queue, now, WHOLE)).map(|cut| (cut.0, cut.2)).collect();
    assert_eq!(
        numbers.iter().filter(|(stream, _)| *stream == 1).map(|cut| cut.1).collect::<Vec<_>>(),
        [0, 1]
    );
    queue.set_resetting(StreamId(1));
    assert!(queue.is_resetting(StreamId(1)) && !queue.is_resetting(StreamId(2)));
    queue.restart(StreamId(1), true);
    push(&mut queue, now, 1, 10, Reliability::Reliable);
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 10, 0, true, true)));
    queue.restart(StreamId(1), false);
    push(&mut queue, now, 1, 10, Reliability::Reliable);
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 10, 1, true, true)), "the reset was refused");
}

#[test]
fn what_is_too_old_is_dropped_or_its_rest_is() {
    let (mut now, mut queue) = desk(PLAIN);
    let lifetime = Reliability::Lifetime(Duration::from_millis(10));
    push(&mut queue, now, 1, 1500, lifetime);
    push(&mut queue, now, 1, 10, lifetime);
    push(&mut queue, now, 1, 20, Reliability::Reliable);
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 1000, 0, true, false)));
    now += Duration::from_millis(10);
    let Some(Next::Expired { end, .. }) = queue.poll(now, WHOLE, WHOLE, true) else { panic!("expired") };
    assert!(end.flags.end && end.payload.is_empty() && end.sequence == 0);
    assert_eq!(poll(&mut queue, now, WHOLE), Some((1, 20, 1, true, true)), "the second had no number yet");
    assert_eq!(queue.abandoned, 1);
    assert!(queue.is_empty());
}

#[test]
fn the_threshold_is_told_when_it_is_passed_from_above() {
    let (now, mut queue) = desk(PLAIN);
    queue.set_threshold(StreamId(1), 1000);
    push(&mut queue, now, 1, 500, Reliability::Reliable);
    poll(&mut queue, now, WHOLE);
    assert_eq!(queue.poll_low(), None, "was never above");
    push(&mut queue, now, 1, 2500, Reliability::Reliable);
    poll(&mut queue, now, WHOLE);
    assert_eq!(queue.poll_low(), None);
    poll(&mut queue, now, WHOLE);
    assert_eq!(queue.poll_low(), Some(StreamId(1)));
    poll(&mut queue, now, WHOLE);
    assert_eq!(queue.poll_low(), None, "once");
}

#[test]
fn unfinished_messages_never_fill_the_peers_window() {
    let (now, mut queue) = desk(MIXED);
    queue.set_form(MIXED, true, 12_000);
    for stream in 1..=4 {
        push(&mut queue, now, stream, 3000, Reliability::Reliable);
    }
    push(&mut queue, now, 5, 10, Reliability::Reliable);
    let cuts: Vec<_> = std::iter::from_fn(|| poll(&mut queue, now, WHOLE)).collect();
    let mut open = Vec::new();
    for &(stream, _, _, begins, ends) in &cuts {
        if begins {
            open.push(stream);
        }
        // Two of 3000 are half the window; a third is sent to its end at one go.
        assert!(open.len() <= 3, "{cuts:?}");
        open.retain(|one| !(ends && *one == stream));
    }
    assert!(open.is_empty() && queue.is_empty());
    let streams: Vec<u16> = cuts.iter().map(|cut| cut.0).collect();
    assert_eq!(streams[..5], [1, 2, 3, 3, 3]);
}
