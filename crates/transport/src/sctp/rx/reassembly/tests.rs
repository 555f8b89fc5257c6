//! Chunks in, messages out: order, fragments in any sequence, what is given up, what is reset, and the window.

use std::collections::BTreeMap;

use peerless_wire::sctp::{MessageId, Ppid, SkippedMessage, SkippedStream, Ssn};
use proptest::prelude::*;

use super::*;

const LARGEST: usize = 10_000;

fn room(interleaving: bool) -> Reassembly {
    Reassembly::new(interleaving, LARGEST, 40_000, 100)
}

/// Flags in the letters of the RFC: `U`, `B`, `E`.
fn flags(letters: &str) -> DataFlags {
    let has = |letter| letters.contains(letter);
    DataFlags { immediate: false, unordered: has('U'), beginning: has('B'), end: has('E') }
}

fn data(tsn: u32, stream: u16, ssn: u16, letters: &str, payload: &str) -> Data {
    let (stream, ssn, payload) = (StreamId(stream), Ssn(ssn), Bytes::copy_from_slice(payload.as_bytes()));
    Data { tsn: Tsn(tsn), stream, ssn, ppid: Ppid::STRING, flags: flags(letters), payload }
}

fn part(tsn: u32, stream: u16, message: u32, fragment: u32, letters: &str, payload: &str) -> InterleavedData {
    let (stream, message, payload) =
        (StreamId(stream), MessageId(message), Bytes::copy_from_slice(payload.as_bytes()));
    let ppid = if letters.contains('B') { Ppid::STRING } else { Ppid(0) };
    InterleavedData { tsn: Tsn(tsn), stream, message, ppid, fragment, flags: flags(letters), payload }
}

fn texts(room: &mut Reassembly) -> Vec<String> {
    std::iter::from_fn(|| room.poll_message())
        .map(|message| {
            assert_eq!(message.ppid, Ppid::STRING);
            String::from_utf8(message.payload.to_vec()).expect("a text")
        })
        .collect()
}

fn take(room: &mut Reassembly, chunks: impl IntoIterator<Item = Data>) -> Vec<String> {
    chunks.into_iter().for_each(|data| room.handle_data(data).expect("right"));
    texts(room)
}

fn take_parts(room: &mut Reassembly, chunks: impl IntoIterator<Item = InterleavedData>) -> Vec<String> {
    chunks.into_iter().for_each(|data| room.handle_interleaved(data).expect("right"));
    texts(room)
}

#[test]
fn a_whole_message_in_one_chunk_is_not_copied() {
    let mut room = room(false);
    let payload = Bytes::from(vec![7; 1000]);
    room.handle_data(Data { payload: payload.clone(), ..data(1, 1, 0, "BE", "") }).expect("right");
    assert_eq!(room.window().held(), charge(1000));
    assert_eq!(room.poll_message().expect("a message").payload.as_ptr(), payload.as_ptr());
    assert_eq!(room.window().held(), 0);
}

#[test]
fn ordered_messages_wait_for_each_other_and_unordered_ones_do_not() {
    let mut room = room(false);
    assert_eq!(take(&mut room, [data(3, 1, 1, "BE", "second")]), [""; 0]);
    assert_eq!(
        take(&mut room, [data(4, 1, 9, "UBE", "free"), data(5, 2, 0, "BE", "other")]),
        ["free", "other"]
    );
    assert_eq!(take(&mut room, [data(2, 1, 0, "BE", "first")]), ["first", "second"]);
    assert_eq!(room.window().held(), 0);
}

#[test]
fn the_number_of_a_stream_wraps() {
    let mut room = room(false);
    for number in 0..70_000_u32 {
        assert_eq!(take(&mut room, [data(number, 1, number as u16, "BE", "x")]).len(), 1);
    }
}

#[test]
fn fragments_make_a_message_in_whatever_order_they_come() {
    let texts = ["a", "b", "c", "d"];
    let all = |index: usize| data(10 + index as u32, 1, 0, ["B", "", "", "E"][index], texts[index]);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        for unordered in [false, true] {
            let mut room = room(false);
            let mut came = Vec::new();
            for index in order {
                assert!(came.is_empty());
                let mut chunk = all(index);
                chunk.flags.unordered = unordered;
                came = take(&mut room, [chunk]);
            }
            assert_eq!((came, room.window().held()), (vec!["abcd".to_owned()], 0));
        }
    }
}

#[test]
fn fragments_of_messages_in_a_row_do_not_mix() {
    let mut room = room(false);
    let chunks = [
        data(4, 1, 8, "UE", "d"),
        data(2, 1, 9, "UE", "b"),
        data(3, 1, 7, "UB", "c"),
        data(1, 1, 0, "UB", "a"),
    ];
    assert_eq!(take(&mut room, chunks), ["cd", "ab"]);
}

#[test]
fn fragments_that_cannot_be_are_violations() {
    for second in [
        data(11, 2, 0, "E", "other stream"),
        data(11, 1, 1, "E", "other message"),
        data(11, 1, 0, "UE", "other order"),
    ] {
        let mut room = room(false);
        room.handle_data(data(10, 1, 0, "B", "a")).expect("right");
        assert!(matches!(room.handle_data(second), Err(Violation::Fragments(_))));
    }
    let mut one = room(false);
    one.handle_data(data(10, 1, 0, "E", "a")).expect("its beginning may come");
    assert!(matches!(one.handle_data(data(11, 1, 0, "E", "b")), Err(Violation::Fragments(_))));
}

#[test]
fn a_message_given_up_half_way_makes_way_for_the_next_before_that_is_told() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let mut room = room(false);
        let all = [
            data(10, 1, 0, "UB", "half"),
            data(11, 1, 0, "U", "way"),
            data(12, 1, 0, "UB", "ne"),
            data(13, 1, 0, "UE", "xt"),
        ];
        assert_eq!(take(&mut room, order.map(|index: usize| all[index].clone())), ["next"]);
        room.handle_cumulative(Tsn(13));
        assert_eq!(room.window().held(), 0);
    }
}

#[test]
fn no_message_waits_for_one_that_can_never_be_whole() {
    let mut whole = room(false);
    assert_eq!(take(&mut whole, [data(1, 1, 0, "B", "half"), data(2, 1, 1, "BE", "next")]), [""; 0]);
    whole.handle_cumulative(Tsn(2));
    assert_eq!((texts(&mut whole), whole.window().held()), (vec!["next".to_owned()], 0));
    assert_eq!(take(&mut whole, [data(5, 1, 3, "BE", "d"), data(3, 1, 2, "B", "b")]), [""; 0]);
    whole.handle_cumulative(Tsn(3));
    assert_eq!(take(&mut whole, [data(4, 1, 2, "E", "c")]), ["bc", "d"], "it was only late");

    let mut parts = room(true);
    let chunks = [part(1, 1, 0, 0, "B", "half"), part(2, 1, 1, 0, "B", "ne"), part(3, 1, 1, 1, "E", "xt")];
    assert_eq!(take_parts(&mut parts, chunks), [""; 0]);
    parts.handle_cumulative(Tsn(3));
    assert_eq!((texts(&mut parts), parts.window().held()), (vec!["next".to_owned()], 0));
}

#[test]
fn parts_that_the_next_message_of_their_stream_has_overtaken_are_freed() {
    let mut room = room(true);
    let chunks = [
        part(1, 1, 0, 0, "UB", "half"),
        part(2, 2, 0, 0, "UB", "other"),
        part(4, 1, 1, 0, "UBE", "next"),
        part(5, 1, 2, 0, "UB", "ne"),
    ];
    assert_eq!(take_parts(&mut room, chunks), ["next"]);
    room.handle_cumulative(Tsn(2));
    assert_eq!(room.window().held(), 3 * charge(0) + 11, "the one at 3 may be its rest");
    room.handle_cumulative(Tsn(5));
    assert_eq!(room.window().held(), 2 * charge(0) + 7);
    assert_eq!(
        take_parts(&mut room, [part(6, 1, 2, 1, "UE", "w"), part(7, 2, 0, 1, "UE", "!")]),
        ["new", "other!"]
    );
    room.handle_cumulative(Tsn(7));
    assert_eq!(room.window().held(), 0);
}

#[test]
fn what_is_not_allowed_is_told() {
    let mut room = room(false);
    assert_eq!(room.handle_data(data(1, 100, 0, "BE", "x")), Err(Violation::InvalidStream(StreamId(100))));
    assert!(!Violation::InvalidStream(StreamId(100)).is_fatal());
    assert_eq!(room.handle_data(data(1, 1, 0, "BE", "")), Err(Violation::NoUserData(Tsn(1))));
    assert_eq!(room.handle_interleaved(part(1, 1, 0, 0, "BE", "x")), Err(Violation::WrongKind));
    let large = "x".repeat(LARGEST + 1);
    assert_eq!(room.handle_data(data(1, 1, 0, "BE", &large)), Err(Violation::TooLarge { limit: LARGEST }));
    room.handle_data(data(1, 1, 0, "B", &large[..LARGEST])).expect("it may end here");
    assert_eq!(room.handle_data(data(2, 1, 0, "E", "x")), Err(Violation::TooLarge { limit: LARGEST }));
}

#[test]
fn parts_of_many_messages_may_come_mixed() {
    let mut room = room(true);
    let chunks = [
        part(1, 1, 0, 0, "B", "a"),
        part(2, 2, 0, 0, "B", "x"),
        part(3, 1, 0, 0, "UB", "u"),
        part(4, 1, 1, 0, "BE", "later"),
        part(6, 1, 0, 2, "E", "c"),
        part(5, 1, 0, 1, "", "b"),
        part(7, 2, 0, 1, "E", "y"),
        part(8, 1, 0, 1, "UE", "v"),
    ];
    let mut came = take_parts(&mut room, chunks);
    came.sort();
    assert_eq!((came, room.window().held()), (["abc", "later", "uv", "xy"].map(str::to_owned).to_vec(), 0));
}

#[test]
fn parts_that_cannot_be_are_violations() {
    let cases = [
        [part(1, 1, 0, 0, "B", "a"), part(2, 1, 0, 0, "B", "a")],
        [part(1, 1, 0, 3, "", "a"), part(2, 1, 0, 2, "E", "a")],
        [part(1, 1, 0, 2, "E", "a"), part(2, 1, 0, 3, "", "a")],
        [part(1, 1, 0, 2, "E", "a"), part(2, 1, 0, 2, "E", "a")],
        [part(1, 1, 0, 1, "", "a"), part(2, 1, 0, 0, "", "a")],
    ];
    for [first, second] in cases {
        let mut room = room(true);
        room.handle_interleaved(first).expect("right");
        assert!(matches!(room.handle_interleaved(second), Err(Violation::Fragments(_))));
    }
}

#[test]
fn messages_given_up_free_their_parts_and_let_others_pass() {
    let mut room = room(false);
    let chunks = [
        data(1, 1, 0, "B", "lost"),
        data(3, 1, 1, "BE", "after"),
        data(4, 2, 0, "UB", "kept"),
        data(9, 1, 3, "BE", "waits"),
    ];
    assert_eq!(take(&mut room, chunks), [""; 0]);
    let skipped = vec![SkippedStream { stream: StreamId(1), ssn: Ssn(0) }];
    room.handle_forward(&ForwardTsn { cumulative: Tsn(2), skipped });
    assert_eq!(texts(&mut room), ["after"]);
    assert_eq!(room.window().held(), charge(4) + charge(5));
    assert_eq!(take(&mut room, [data(5, 2, 0, "UE", "!")]), ["kept!"]);
    room.handle_forward(&ForwardTsn { cumulative: Tsn(8), skipped: vec![] });
    assert_eq!(texts(&mut room), [""; 0]);
    let skipped = vec![SkippedStream { stream: StreamId(1), ssn: Ssn(2) }];
    room.handle_forward(&ForwardTsn { cumulative: Tsn(8), skipped });
    assert_eq!((texts(&mut room), room.window().held()), (vec!["waits".to_owned()], 0));
    assert_eq!(take(&mut room, [data(10, 1, 2, "BE", "too late")]), [""; 0]);
    assert_eq!(room.window().held(), 0);
}

#[test]
fn a_message_given_up_in_the_middle_makes_way_for_the_next() {
    let mut room = room(false);
    assert_eq!(take(&mut room, [data(1, 1, 0, "UB", "a"), data(2, 1, 0, "U", "b")]), [""; 0]);
    room.handle_forward(&ForwardTsn { cumulative: Tsn(2), skipped: vec![] });
    assert_eq!(take(&mut room, [data(3, 1, 0, "UBE", "next"), data(4, 1, 0, "UB", "x")]), ["next"]);
    assert_eq!(take(&mut room, [data(5, 1, 0, "UE", "y")]), ["xy"]);
    assert!(room.window().held() <= 2 * charge(1), "the parts go when their number is passed");
    room.handle_forward(&ForwardTsn { cumulative: Tsn(5), skipped: vec![] });
    assert_eq!(room.window().held(), 0);
}

#[test]
fn interleaved_messages_given_up_are_named_each() {
    let mut room = room(true);
    let chunks = [
        part(1, 1, 0, 0, "B", "o"),
        part(2, 1, 5, 0, "UB", "u"),
        part(3, 1, 6, 0, "UB", "v"),
        part(4, 1, 1, 0, "BE", "after"),
    ];
    assert_eq!(take_parts(&mut room, chunks), [""; 0]);
    let (stream, cumulative) = (StreamId(1), Tsn(4));
    let skip = |unordered, message| SkippedMessage { stream, unordered, message: MessageId(message) };
    let skipped = vec![skip(false, 0), skip(true, 5)];
    room.handle_interleaved_forward(&InterleavedForwardTsn { cumulative, skipped });
    assert_eq!(texts(&mut room), ["after"]);
    assert_eq!(room.window().held(), charge(1));
    assert_eq!(take_parts(&mut room, [part(5, 1, 6, 1, "UE", "w")]), ["vw"]);
    assert_eq!(take_parts(&mut room, [part(6, 1, 0, 1, "", "late")]), [""; 0]);
    assert_eq!(room.window().held(), 0);
}

#[test]
fn late_parts_of_messages_given_up_are_not_kept() {
    let mut parts = room(true);
    let skipped = vec![SkippedMessage { stream: StreamId(1), unordered: true, message: MessageId(5) }];
    parts.handle_interleaved_forward(&InterleavedForwardTsn { cumulative: Tsn(2), skipped });
    assert_eq!(
        take_parts(&mut parts, [part(3, 1, 5, 1, "UE", "late"), part(4, 1, 6, 0, "UB", "new")]),
        [""; 0]
    );
    assert_eq!(parts.window().held(), charge(3));
    parts.reset(&[StreamId(1)]).expect("right");
    assert_eq!(take_parts(&mut parts, [part(5, 1, 0, 0, "UB", "a"), part(6, 1, 0, 1, "UE", "b")]), ["ab"]);

    let mut runs = room(false);
    runs.handle_forward(&ForwardTsn { cumulative: Tsn(2), skipped: vec![] });
    assert_eq!(take(&mut runs, [data(3, 1, 0, "U", "late"), data(4, 1, 0, "UE", "late")]), [""; 0]);
    runs.handle_cumulative(Tsn(2));
    assert_eq!(runs.window().held(), 2 * charge(4), "its beginning may come");
    runs.handle_cumulative(Tsn(4));
    assert_eq!(runs.window().held(), 0);
    assert_eq!(take(&mut runs, [data(5, 1, 0, "UB", "a")]), [""; 0]);
    runs.handle_cumulative(Tsn(5));
    assert_eq!(take(&mut runs, [data(6, 1, 0, "UE", "b")]), ["ab"]);
}

#[test]
fn a_reset_stream_begins_again_and_what_came_early_waits_for_it() {
    let mut room = room(false);
    assert_eq!(take(&mut room, [data(1, 1, 0, "BE", "a"), data(2, 2, 0, "BE", "b")]), ["a", "b"]);
    room.defer(Tsn(3), &[StreamId(1)]);
    let early = [data(4, 1, 0, "BE", "new"), data(5, 2, 1, "BE", "c"), data(6, 1, 1, "BE", "newer")];
    assert_eq!(take(&mut room, early), ["c"]);
    assert_eq!(take(&mut room, [data(3, 1, 1, "BE", "last")]), ["last"]);
    room.reset(&[StreamId(1)]).expect("right");
    assert_eq!((texts(&mut room), room.window().held()), (vec!["new".to_owned(), "newer".to_owned()], 0));
    room.handle_data(data(7, 2, 9, "BE", "never read")).expect("right");
    room.handle_data(data(9, 3, 0, "B", "never whole")).expect("right");
    room.reset(&[]).expect("right");
    assert_eq!(room.window().held(), 0);
    assert_eq!(take(&mut room, [data(10, 2, 0, "BE", "anew")]), ["anew"]);
}

#[test]
fn streams_are_read_in_turn_or_each_by_itself() {
    let mut room = room(false);
    for (tsn, (stream, ssn)) in (1..).zip([(1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]) {
        room.handle_data(data(tsn, stream, ssn, "BE", &format!("{stream}{ssn}"))).expect("right");
    }
    assert_eq!(room.poll_stream_message(StreamId(2)).expect("a message").payload, "20");
    assert_eq!(room.poll_stream_message(StreamId(2)), None);
    assert_eq!(room.poll_stream_message(StreamId(9)), None);
    assert_eq!(texts(&mut room), ["10", "30", "11", "12"]);
    assert_eq!(room.window().held(), 0);
}

#[test]
fn tiny_fragments_fill_the_window_by_what_they_cost() {
    let mut room = room(true);
    let mut taken = 0;
    while room.room(1, false) == Room::Yes {
        taken += 1;
        room.handle_interleaved(part(taken, 1, 0, taken, "", "x")).expect("right");
    }
    assert!((250..400).contains(&taken), "{taken} bytes taken");
    assert_eq!(room.window().advertised(), 0);
}

#[test]
fn only_the_next_chunk_is_taken_when_the_window_is_full_and_not_for_ever() {
    let mut room = room(true);
    let payload = "x".repeat(1000);
    let mut number = 0;
    while room.room(1000, false) == Room::Yes {
        number += 1;
        // The beginning of ever more messages.
        room.handle_interleaved(part(number, number as u16, 0, 0, "B", &payload)).expect("right");
    }
    assert_eq!(room.room(1000, true), Room::Yes);
    while room.room(1000, true) == Room::Yes {
        number += 1;
        room.handle_interleaved(part(number, number as u16, 0, 0, "B", &payload)).expect("right");
    }
    assert_eq!((room.room(1000, false), room.room(1000, true)), (Room::No, Room::Never));
    assert!(room.window().held() <= 40_000 + charge(LARGEST));
    room.handle_interleaved(part(number + 1, 1, 0, 1, "E", "y")).expect("right");
    assert_eq!(room.room(1000, true), Room::No, "something can be read");
    assert!(room.poll_message().is_some());
}

/// Messages as text, cut into fragments; whether each is unordered, and on which stream.
fn traffic() -> impl Strategy<Value = Vec<(String, bool, u16, usize)>> {
    proptest::collection::vec(("[a-z]{1,12}", any::<bool>(), 0_u16..3, 1_usize..5), 1..20)
}

proptest! {
    /// Whatever the order of arrival: every message once, ordered ones in their order, nothing held at the end.
    #[test]
    fn any_order_of_arrival_gives_every_message_once(messages in traffic(), interleaving: bool, seed: u64) {
        let mut chunks = Vec::new();
        let (mut tsn, mut ordered, mut unordered) = (Tsn(u32::MAX - 5), BTreeMap::new(), BTreeMap::new());
        for (text, is_unordered, stream, size) in &messages {
            let counts = if *is_unordered { &mut unordered } else { &mut ordered };
            let number: &mut u32 = counts.entry(*stream).or_default();
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(*size).collect();
            for (index, piece) in pieces.iter().enumerate() {
                let is = (index == 0, index + 1 == pieces.len());
                let flags = DataFlags { immediate: false, unordered: *is_unordered, beginning: is.0, end: is.1 };
                let stream = StreamId(*stream);
                let payload = Bytes::copy_from_slice(piece);
                let ppid = Ppid::STRING;
                chunks.push(if interleaving {
                    let (message, fragment) = (MessageId(*number), index as u32);
                    Chunk::InterleavedData(InterleavedData { tsn, stream, message, ppid, fragment, flags, payload })
                } else {
                    Chunk::Data(Data { tsn, stream, ssn: Ssn(*number as u16), ppid, flags, payload })
                });
                tsn = tsn.next();
            }
            *number += 1;
        }
        // A shuffle by the seed.
        let mut state = seed | 1;
        for index in (1..chunks.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunks.swap(index, (state >> 33) as usize % (index + 1));
        }
        let mut room = room(interleaving);
        let mut came = Vec::new();
        for chunk in chunks {
            match chunk {
                Chunk::Data(data) => room.handle_data(data).expect("right"),
                Chunk::InterleavedData(data) => room.handle_interleaved(data).expect("right"),
                _ => {}
            }
            came.extend(std::iter::from_fn(|| room.poll_message()));
        }
        prop_assert_eq!(room.window().held(), 0);
        for stream in 0..3 {
            let read = |unordered| came.iter().filter(move |message| {
                (message.stream, message.unordered) == (StreamId(stream), unordered)
            }).map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect::<Vec<_>>();
            let sent = |unordered| messages.iter().filter(move |message| {
                (message.2, message.1) == (stream, unordered)
            }).map(|message| message.0.clone()).collect::<Vec<_>>();
            prop_assert_eq!(read(false), sent(false));
            let (mut read, mut sent) = (read(true), sent(true));
            read.sort();
            sent.sort();
            prop_assert_eq!(read, sent);
        }
    }
}
