//! What the protocol demands of packets that are wrong, late, strange or made up.

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Closed, Event, SendOptions, State};
use peerless_wire::sctp::{
    Abort, Cause, Checksum, Chunk, Data, DataFlags, Header, Heartbeat, Packet, Sack, Tag, Tsn, Writer,
};

use crate::world::{Link, MS, World, config};

/// The tag that packets of `end` carry.
fn tag_of(world: &World, end: usize) -> Tag {
    Tag(u32::from_be_bytes(world.last[end][4..8].try_into().unwrap()))
}

fn packet(tag: Tag, chunks: &[Chunk]) -> Bytes {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Header { source_port: 5000, destination_port: 5000, tag });
    chunks.iter().for_each(|chunk| writer.chunk(chunk));
    writer.finish(Checksum::Crc32c);
    out.freeze()
}

/// Everything that `end` has to say.
fn answers(world: &mut World, end: usize) -> Vec<Chunk> {
    let (mut out, mut chunks) = (BytesMut::new(), Vec::new());
    while world.ends[end].poll_transmit(world.now, &mut out).is_some() {
        let packet = Packet::parse(out.split().freeze(), Checksum::Zero).unwrap();
        chunks.extend(packet.chunks.map(Result::unwrap));
    }
    chunks
}

fn sack(cumulative: Tsn) -> Chunk {
    let mut out = BytesMut::new();
    Writer::new(&mut out, Header { source_port: 0, destination_port: 0, tag: Tag(0) });
    Sack::write_parts(&mut out, cumulative, 100_000, [].into_iter(), [].into_iter());
    Packet::parse(with_checksum(out), Checksum::Crc32c).unwrap().chunks.next().unwrap().unwrap()
}

fn with_checksum(mut packet: BytesMut) -> Bytes {
    let crc = peerless_wire::sctp::crc32c_of(&packet);
    packet[8..12].copy_from_slice(&crc);
    packet.freeze()
}

#[test]
fn packets_with_another_tag_port_or_checksum_change_nothing() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    let tag = tag_of(&world, 0);
    let abort = Chunk::Abort(Abort::default());
    let before = world.ends[1].stats().packets_refused;
    world.ends[1].handle_packet(world.now, packet(Tag(tag.0 ^ 1), std::slice::from_ref(&abort)));
    let heartbeat = Chunk::Heartbeat(Heartbeat { info: Bytes::from_static(b"x") });
    world.ends[1].handle_packet(world.now, packet(Tag(tag.0 ^ 1), &[heartbeat]));
    let mut wrong = packet(tag, std::slice::from_ref(&abort)).to_vec();
    wrong[9] ^= 1;
    world.ends[1].handle_packet(world.now, wrong.into());
    let mut wrong = BytesMut::from(&packet(tag, &[abort])[..]);
    wrong[1] ^= 1;
    world.ends[1].handle_packet(world.now, with_checksum(wrong));
    assert_eq!(world.ends[1].state(), State::Established);
    assert_eq!(world.ends[1].stats().packets_refused, before + 3);
    assert_eq!(answers(&mut world, 1), []);
}

#[test]
fn an_abort_may_carry_the_tag_of_its_sender_where_it_says_so() {
    for (reflected, from, ends) in [(false, 0, true), (true, 1, true), (true, 0, false), (false, 1, false)] {
        let mut world = World::open(Link::default(), [config(1), config(2)]);
        let abort = Chunk::Abort(Abort { reflected, causes: vec![] });
        let tag = tag_of(&world, from);
        world.ends[1].handle_packet(world.now, packet(tag, &[abort]));
        assert_eq!(world.ends[1].state() == State::Closed, ends, "reflected {reflected}, tag of {from}");
    }
}

#[test]
fn unknown_chunks_are_skipped_or_end_the_packet_and_are_reported_where_their_type_says_so() {
    let heartbeat = Chunk::Heartbeat(Heartbeat { info: Bytes::from_static(b"are you there") });
    for (kind, goes_on, is_reported) in
        [(0x3f, false, false), (0x7f, false, true), (0xbf, true, false), (0xff, true, true)]
    {
        let mut world = World::open(Link::default(), [config(1), config(2)]);
        let unknown = Chunk::Unknown { kind, flags: 1, value: Bytes::from_static(b"new") };
        let tag = tag_of(&world, 0);
        world.ends[1].handle_packet(world.now, packet(tag, &[unknown, heartbeat.clone()]));
        let answers = answers(&mut world, 1);
        assert_eq!(answers.iter().any(|chunk| matches!(chunk, Chunk::HeartbeatAck(_))), goes_on, "{kind:x}");
        assert_eq!(answers.iter().any(|chunk| matches!(chunk, Chunk::Error(_))), is_reported, "{kind:x}");
    }
}

#[test]
fn a_sack_for_what_was_never_sent_is_a_violation() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    world.send(1, 0, "one", SendOptions::default());
    let sent = answers(&mut world, 1);
    let tsn = sent.iter().find_map(|chunk| match chunk {
        Chunk::InterleavedData(data) => Some(data.tsn),
        _ => None,
    });
    let tag = tag_of(&world, 0);
    world.ends[1].handle_packet(world.now, packet(tag, &[sack(tsn.unwrap().plus(1))]));
    assert_eq!(world.ends[1].state(), State::Closed);
    assert!(matches!(world.ends[1].poll_event(), Some(Event::Closed(Closed::Violation(_)))));
    assert!(matches!(answers(&mut world, 1)[..], [Chunk::Abort(_)]));
}

#[test]
fn data_of_the_other_kind_and_data_without_payload_are_violations() {
    for (interleaving, payload) in [(true, "x"), (false, "")] {
        let mut configs = [config(1), config(2)];
        configs[0].interleaving = interleaving;
        let mut world = World::open(Link::default(), configs);
        let data = Data {
            tsn: Tsn(1),
            stream: Default::default(),
            ssn: Default::default(),
            ppid: Default::default(),
            flags: DataFlags { beginning: true, end: true, ..DataFlags::default() },
            payload: payload.into(),
        };
        // The number must be new.
        world.send(0, 0, "first", SendOptions::default());
        let sent = answers(&mut world, 0);
        let tsn = sent.iter().find_map(|chunk| match chunk {
            Chunk::InterleavedData(data) => Some(data.tsn),
            Chunk::Data(data) => Some(data.tsn),
            _ => None,
        });
        let tag = tag_of(&world, 0);
        world.ends[1]
            .handle_packet(world.now, packet(tag, &[Chunk::Data(Data { tsn: tsn.unwrap(), ..data })]));
        let aborts = answers(&mut world, 1);
        let [Chunk::Abort(abort)] = &aborts[..] else { panic!("{aborts:?}") };
        let wanted = if interleaving { 13 } else { 9 };
        assert_eq!(abort.causes.first().map(Cause::code), Some(wanted));
    }
}

#[test]
fn a_peer_that_starts_anew_is_taken_back_and_nothing_read_is_lost() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    world.reads = false;
    world.send(0, 0, "from before", SendOptions::default());
    world.run(100 * MS);
    world.ends[0] = Association::new(world.now, config(3));
    world.ends[0].connect(world.now);
    world.run(200 * MS);
    assert_eq!(world.events[1][0], Event::Restarted);
    assert!(matches!(world.events[1][1], Event::Connected { .. }));
    world.send(0, 0, "from after", SendOptions::default());
    world.send(1, 0, "and back", SendOptions::default());
    world.reads = true;
    world.run(200 * MS);
    let texts: Vec<&[u8]> = world.messages[1].iter().map(|message| &message.payload[..]).collect();
    assert_eq!(texts, [&b"from before"[..], b"from after"]);
    assert_eq!(world.messages[0][0].payload, "and back");
}

#[test]
fn a_cookie_that_comes_too_late_is_told_to_be_stale() {
    let mut configs = [config(1), config(2)];
    configs[1].timers.cookie_lifetime = 5 * MS;
    let mut world = World::new(Link::default(), configs);
    world.ends[0].connect(world.now);
    world.run(45 * MS);
    assert_ne!(world.ends[0].state(), State::Established);
    assert_eq!(world.ends[1].state(), State::Closed);
    assert!(world.events[1].is_empty());
}

#[test]
fn inits_and_cookies_by_the_thousand_cost_nothing() {
    let mut world = World::new(Link::default(), [config(1), config(2)]);
    world.ends[0].connect(world.now);
    let mut out = BytesMut::new();
    world.ends[0].poll_transmit(world.now, &mut out).unwrap();
    let init = out.split().freeze();
    for _ in 0..10_000 {
        world.ends[1].handle_packet(world.now, init.clone());
    }
    let answers = answers(&mut world, 1);
    assert!(answers.len() <= 16 && answers.iter().all(|chunk| matches!(chunk, Chunk::InitAck(_))));
    assert_eq!(world.ends[1].state(), State::Closed);
}

#[test]
fn an_early_timeout_is_undone() {
    let mut world = World::open(Link { rate: 1_000_000, ..Link::default() }, [config(1), config(2)]);
    for _ in 0..40 {
        world.send(0, 0, vec![0; 50_000], SendOptions::default());
    }
    world.run(600 * MS);
    let before = world.ends[0].stats();
    // All at once the way is longer by more than the timeout.
    world.link.delay = 600 * MS;
    world.run(1_500 * MS);
    let after = world.ends[0].stats();
    assert!(after.timeouts > before.timeouts);
    assert!(after.congestion_window * 2 > before.congestion_window, "{before:?} {after:?}");
    let resent = after.retransmissions - before.retransmissions;
    assert!(resent < 30, "{resent} sent again, {before:?} {after:?}");
}

#[test]
fn a_path_that_goes_and_comes_back_loses_nothing() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    for round in 0..10 {
        for _ in 0..20 {
            world.send(0, 0, vec![round; 10_000], SendOptions::default());
        }
        world.run(15 * MS);
        world.link.loss = 1_000_000;
        world.run(1_500 * MS);
        world.link.loss = 0;
        world.run(500 * MS);
    }
    world.run(10_000 * MS);
    assert_eq!(world.messages[1].len(), 200);
    assert!(world.messages[1].iter().zip(0..).all(|(message, place)| message.payload[0] == place / 20));
}

#[test]
fn made_up_packets_with_the_right_tag_do_no_harm() {
    let mut chance = 0x1234_5678_9abc_def1_u64;
    let mut next = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance
    };
    for _ in 0..300 {
        let mut world = World::open(Link::default(), [config(1), config(2)]);
        let tag = tag_of(&world, 0);
        for _ in 0..50 {
            let mut bytes = BytesMut::from(&packet(tag, &[])[..]);
            for _ in 0..1 + next() % 3 {
                let kinds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 64, 130, 132, 192, 194, 255];
                let length = 4 + next() as usize % 60;
                let start = bytes.len();
                bytes.extend_from_slice(&[
                    kinds[next() as usize % kinds.len()],
                    next() as u8,
                    0,
                    length as u8,
                ]);
                bytes.resize(start + length.next_multiple_of(4), 0);
                for place in start + 4..start + length {
                    // Small numbers more often than others.
                    bytes[place] = if next() % 3 == 0 { next() as u8 } else { 0 };
                }
            }
            world.ends[1].handle_packet(world.now, with_checksum(bytes));
            world.ends[1].handle_timeout(world.now);
            answers(&mut world, 1);
            while world.ends[1].poll_message(world.now).is_some() {}
        }
        assert!(world.ends[1].stats().receive_buffered < 1 << 20);
    }
}
