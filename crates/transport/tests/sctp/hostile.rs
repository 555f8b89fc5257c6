//! No packet, whatever is in it, makes an association panic, hang, or hold more than the packet justifies. All of them
//! come with the right tag and checksum here, which behind DTLS only the peer itself could give them.

use bytes::Bytes;
use peerless_transport::sctp::{Closed, Event};
use peerless_wire::sctp::{
    Cause, Chunk, Data, DataFlags, ForwardTsn, GapBlock, Heartbeat, IncomingReset, Init, InterleavedData,
    InterleavedForwardTsn, MessageId, OutgoingReset, Ppid, Reconfig, ReconfigParameter, RequestNumber, Sack,
    SkippedMessage, SkippedStream, Ssn, StreamId, Tag, Tsn,
};

use crate::dice::Dice;
use crate::scene::MS;
use crate::victim::Victim;

/// The limit of what is held, in these tests.
const WINDOW: usize = 100_000;
const LARGEST: usize = 20_000;

fn victim(interleaving: bool) -> Victim {
    Victim::new(7, |config| {
        config.interleaving = interleaving;
        config.receive_window = WINDOW;
        config.max_message_size = LARGEST;
        config.inbound_streams = 2000;
    })
}

fn flags(beginning: bool, end: bool, unordered: bool) -> DataFlags {
    DataFlags { immediate: false, unordered, beginning, end }
}

fn data(tsn: Tsn, stream: u16, ssn: u16, flags: DataFlags, payload: &'static [u8]) -> Chunk {
    let (stream, ssn, payload) = (StreamId(stream), Ssn(ssn), Bytes::from_static(payload));
    Chunk::Data(Data { tsn, stream, ssn, ppid: Ppid::BINARY, flags, payload })
}

fn part(tsn: Tsn, stream: u16, message: u32, fragment: u32, flags: DataFlags) -> Chunk {
    let (stream, message, payload) = (StreamId(stream), MessageId(message), Bytes::from_static(b"x"));
    Chunk::InterleavedData(InterleavedData { tsn, stream, message, ppid: Ppid(0), fragment, flags, payload })
}

/// The association goes on with its honest partner.
fn still_works(mut victim: Victim) {
    victim.drain();
    assert!(victim.is_open(), "{:?}", victim.events);
    let payload = Bytes::from_static(b"still there");
    let sent =
        victim.association.send(victim.now, StreamId(3), Ppid::STRING, payload.clone(), Default::default());
    sent.expect("taken");
    let mut came = None;
    for _ in 0..100 {
        victim.converse();
        came = came.or_else(|| victim.partner.poll_message(victim.now));
        victim.now += 10 * MS;
    }
    assert_eq!(came.expect("a message").payload, payload);
}

#[test]
fn lengths_of_zero_and_counts_that_are_overstated_change_nothing() {
    let mut victim = victim(true);
    let broken: [&[u8]; 8] = [
        &[0, 3, 0, 0],
        &[64, 3, 0, 3, 0, 0, 0, 0],
        &[0, 3, 255, 255, 0, 0, 0, 1],
        &[3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255],
        &[9, 0, 0, 16, 0, 2, 0, 12, 255, 255, 255, 255, 0, 7, 0, 8],
        &[192, 0, 0, 10, 0, 0, 0, 1, 0, 1, 0, 0],
        &[130, 0, 0, 12, 0, 13, 0, 0, 0, 0, 0, 1],
        &[194, 0],
    ];
    for bytes in broken {
        let said = victim.attack(victim.raw(bytes));
        assert_eq!(said.packets, 0, "{bytes:?}");
    }
    assert_eq!(victim.held(), 0);
    still_works(victim);
}

#[test]
fn numbers_that_leap_are_not_followed() {
    for leap in [65_536, 1 << 20, 1 << 31, u32::MAX - 5] {
        let mut victim = victim(true);
        let far = victim.next.plus(leap);
        victim.attack_with(&[part(far, 1, 0, 0, flags(true, true, false))]);
        let skipped = vec![SkippedMessage { stream: StreamId(1), unordered: false, message: MessageId(9) }];
        victim
            .attack_with(&[Chunk::InterleavedForwardTsn(InterleavedForwardTsn { cumulative: far, skipped })]);
        victim.wait(100 * MS);
        let said = victim.listen();
        let forward = said.chunks.iter().find_map(|chunk| match chunk {
            Chunk::Sack(sack) => Some((sack.cumulative, sack.gap_blocks().len())),
            _ => None,
        });
        assert!(forward.is_none_or(|told| told == (victim.next.minus(1), 0)), "{forward:?}");
        victim.drain();
        assert!(victim.messages.is_empty() && victim.held() == 0);
        still_works(victim);
    }
}

#[test]
fn messages_forged_as_given_up_leave_nothing_behind() {
    let mut victim = victim(false);
    let next = victim.next;
    victim.attack_with(&[data(next.next(), 1, 4, flags(true, false, false), b"part")]);
    assert!(victim.held() > 0);
    let skipped = (0..200).map(|ssn| SkippedStream { stream: StreamId(1), ssn: Ssn(ssn * 100) }).collect();
    victim.attack_with(&[Chunk::ForwardTsn(ForwardTsn { cumulative: next.plus(60_000), skipped })]);
    assert_eq!(victim.held(), 0);
    let skipped =
        (0..290).map(|stream| SkippedStream { stream: StreamId(stream * 200), ssn: Ssn(1) }).collect();
    victim.attack_with(&[Chunk::ForwardTsn(ForwardTsn { cumulative: next.plus(60_001), skipped })]);
    victim.drain();
    assert!(victim.is_open() && victim.messages.is_empty() && victim.held() == 0);
}

#[test]
fn streams_that_are_not_are_told_of_and_the_rest_goes_on() {
    let mut victim = victim(false);
    let said = victim.attack_with(&[data(victim.next, 2000, 0, flags(true, true, false), b"x")]);
    let is_told = |chunk: &Chunk| matches!(chunk, Chunk::Error(errors) if errors.causes == [Cause::InvalidStream(StreamId(2000))]);
    assert!(said.chunks.iter().any(is_told), "{said:?}");
    assert!(victim.is_open() && victim.held() == 0);
}

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut victim = victim(true);
    let blocks = [GapBlock { start: 2, end: u16::MAX }, GapBlock { start: 9, end: 3 }];
    let cumulative = victim.acknowledged;
    victim.attack_with(&[Chunk::Sack(Sack::new(cumulative, u32::MAX, &blocks, &[Tsn(1); 50]))]);
    assert!(victim.is_open());
    victim.attack_with(&[Chunk::Sack(Sack::new(cumulative.plus(9), u32::MAX, &[], &[]))]);
    victim.drain();
    assert!(matches!(victim.events.last(), Some(Event::Closed(Closed::Violation(_)))), "{:?}", victim.events);
}

#[test]
fn tiny_parts_of_messages_without_end_stay_within_the_window() {
    for interleaving in [false, true] {
        let mut victim = victim(interleaving);
        // The first one never comes.
        let mut tsn = victim.next.next();
        for round in 0..2000_u32 {
            let chunks: Vec<Chunk> = (0..40)
                .map(|step| {
                    tsn = tsn.plus(if interleaving { 1 } else { 1 + (step + 1) % 2 });
                    if interleaving {
                        part(
                            tsn,
                            (round % 2000) as u16,
                            step / 2,
                            1 + step % 2,
                            flags(false, false, step % 3 == 0),
                        )
                    } else {
                        data(tsn, (round % 2000) as u16, round as u16, flags(false, false, true), b"x")
                    }
                })
                .collect();
            victim.attack_with(&chunks);
            assert!(victim.held() <= WINDOW, "{} bytes are held", victim.held());
        }
        assert!(victim.held() > WINDOW / 2, "the window is what limits it");
    }
}

#[test]
fn messages_that_can_never_be_whole_end_the_association_when_nothing_fits_any_more() {
    let mut victim = victim(true);
    let mut count = 0;
    while victim.is_open() {
        let tsn = victim.next.plus(count);
        victim.attack_with(&[part(tsn, (count % 2000) as u16, count, 0, flags(true, false, true))]);
        count += 1;
        assert!(count < 10_000 && victim.held() <= WINDOW + LARGEST + 200);
    }
    victim.drain();
    assert!(matches!(victim.events.last(), Some(Event::Closed(Closed::Violation(_)))), "{:?}", victim.events);
}

#[test]
fn floods_of_inits_are_answered_without_memory_and_change_nothing() {
    let mut victim = victim(true);
    let header = victim.header;
    let mut said = 0;
    for number in 1..5000_u32 {
        let init = Init {
            tag: Tag(number),
            a_rwnd: u32::MAX,
            outbound_streams: 1,
            inbound_streams: 1,
            initial_tsn: Tsn(number),
            parameters: Vec::new(),
        };
        victim.header.tag = Tag(0);
        let packet = victim.packet(&[Chunk::Init(init)]);
        victim.header = header;
        victim.association.handle_packet(victim.now, packet);
        if number % 100 == 0 {
            said += victim.listen().packets;
        }
    }
    assert!(said <= 50 * 16, "{said} answers");
    still_works(victim);
}

#[test]
fn cookies_that_are_none_are_not_answered() {
    let mut victim = victim(true);
    let mut dice = Dice::new(1);
    let true_one = victim.heard.iter().find_map(|packet| {
        let packet = peerless_wire::sctp::Packet::parse(packet.clone(), Default::default()).ok()?;
        packet.chunks.flatten().find_map(|chunk| match chunk {
            Chunk::CookieEcho(cookie) => Some(cookie),
            _ => None,
        })
    });
    let true_one = true_one.expect("the partner sent it");
    for round in 0..5000 {
        let len = dice.below(1100) as usize;
        let mut cookie = if round % 2 == 0 { true_one.to_vec() } else { dice.bytes(len) };
        let place = dice.below(cookie.len().max(1) as u32) as usize;
        if let Some(byte) = cookie.get_mut(place) {
            *byte ^= 1 << dice.below(8);
        }
        let said = victim.attack_with(&[Chunk::CookieEcho(cookie.into())]);
        assert_eq!(said.packets, 0);
    }
    // The true one again is acknowledged again, and that is all.
    let said = victim.attack_with(&[Chunk::CookieEcho(true_one)]);
    assert_eq!(said.chunks, [Chunk::CookieAck]);
    assert!(victim.events.is_empty());
    still_works(victim);
}

#[test]
fn questions_without_end_are_answered_as_far_as_there_is_room() {
    let mut victim = victim(true);
    let heartbeat = Chunk::Heartbeat(Heartbeat { info: vec![7; 1000].into() });
    for _ in 0..10_000 {
        let packet = victim.packet(std::slice::from_ref(&heartbeat));
        victim.association.handle_packet(victim.now, packet);
    }
    assert!(victim.listen().bytes < 200_000);
    let unknown = Chunk::Unknown { kind: 0xff, flags: 0, value: vec![1; 1000].into() };
    for _ in 0..10_000 {
        let packet = victim.packet(std::slice::from_ref(&unknown));
        victim.association.handle_packet(victim.now, packet);
    }
    assert!(victim.listen().bytes < 200_000);
    still_works(victim);
}

#[test]
fn resets_without_end_fill_no_memory() {
    let mut victim = victim(true);
    let mut number = victim.next.minus(1);
    for round in 0..3000_u32 {
        let (request, response) = (RequestNumber(number.0), RequestNumber(0));
        let streams: Vec<StreamId> =
            (0..500).map(|stream| StreamId(((stream + round) % 2000) as u16)).collect();
        let last_tsn = if round % 3 == 0 { victim.next.plus(1000) } else { victim.next.minus(1) };
        let reset = if round % 5 == 0 {
            ReconfigParameter::IncomingReset(IncomingReset { request, streams })
        } else {
            ReconfigParameter::OutgoingReset(OutgoingReset { request, response, last_tsn, streams })
        };
        let packet = victim.packet(&[Chunk::Reconfig(Reconfig { parameters: vec![reset] })]);
        victim.association.handle_packet(victim.now, packet);
        number = number.next();
    }
    assert!(victim.listen().bytes < 200_000);
    victim.drain();
    let told: usize = victim.events.iter().map(|event| format!("{event:?}").len()).sum();
    assert!(told < 2_000_000, "{told} characters of events");
}

/// Any chunk, most of them with a body that could be right, and of the kinds that were agreed.
fn any_chunk(dice: &mut Dice, victim: &Victim, interleaving: bool) -> Vec<u8> {
    let kinds = [1, 2, 3, 4, 5, 9, 10, 11, 130, 132, 63, 127, 191, 255];
    let kind = match dice.below(100) {
        0 => [6, 7, 8, 14, 0, 64, 192, 194][dice.below(8) as usize],
        1..50 if interleaving => 64,
        1..50 => 0,
        50..60 if interleaving => 194,
        50..60 => 192,
        _ => kinds[dice.below(kinds.len() as u32) as usize],
    };
    let mut value = Vec::new();
    let least = if matches!(kind, 0 | 64) { 5 } else { 0 };
    for word in 0..least + dice.below(12) {
        let bytes = match dice.below(20) {
            0 if word > 0 => dice.below(u32::MAX).to_be_bytes(),
            _ if word == 0 && kind == 3 => victim.acknowledged.0.to_be_bytes(),
            1..5 if word > 0 => (dice.below(20) << 16 | dice.below(24)).to_be_bytes(),
            _ if word == 0 => victim.next.plus(dice.below(20)).0.to_be_bytes(),
            _ => dice.below(4).to_be_bytes(),
        };
        value.extend_from_slice(&bytes);
    }
    let len = if dice.happens(90) { value.len() as u32 + 4 } else { dice.below(70_000) };
    let mut chunk = vec![kind, dice.below(16) as u8];
    chunk.extend_from_slice(&(len as u16).to_be_bytes());
    chunk.extend_from_slice(&value);
    chunk
}

#[test]
fn any_packets_neither_panic_nor_hang_nor_hold_more_than_they_may() {
    let mut packets = 0;
    for seed in 0..500 {
        let mut dice = Dice::new(seed);
        let interleaving = dice.happens(50);
        let mut victim = victim(interleaving);
        for round in 0..200 {
            if !victim.is_open() {
                break;
            }
            packets += 1;
            let chunks: Vec<u8> =
                (0..1 + dice.below(4)).flat_map(|_| any_chunk(&mut dice, &victim, interleaving)).collect();
            let packet = if dice.happens(20) {
                // One of the partner's own, damaged.
                let mut packet = victim.heard[dice.below(victim.heard.len() as u32) as usize].to_vec();
                let place = dice.below(packet.len() as u32) as usize;
                packet[place] ^= 1 << dice.below(8);
                if let Some(field) = packet.get_mut(8..12) {
                    field.fill(0);
                }
                packet.into()
            } else {
                victim.raw(&chunks)
            };
            let size = packet.len();
            let mut said = None;
            let counted = allocation_counter::measure(|| said = Some(victim.attack(packet)));
            let said = said.expect("it was measured");
            assert!(said.bytes <= 20_000, "seed {seed}: {size} bytes are answered by {}", said.bytes);
            let allocated = counted.bytes_max;
            assert!(allocated <= 50_000 + 64 * size as u64, "seed {seed}: {size} bytes take {allocated}");
            assert!(victim.held() <= WINDOW + LARGEST + 200, "seed {seed}: {} held", victim.held());
            if round % 10 == 0 {
                victim.wait(300 * MS);
                victim.listen();
                victim.drain();
            }
        }
    }
    assert!(packets > 5000, "{packets} packets before the ends: too few to say anything");
}
