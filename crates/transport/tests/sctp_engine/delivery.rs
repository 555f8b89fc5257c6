//! Messages arrive: once, whole, in order where that was asked for.

use std::time::Duration;

use peerless_transport::sctp::{Event, Reliability, SendOptions};
use peerless_wire::sctp::StreamId;

use crate::world::{Link, MS, World, config};

/// A message of this length whose bytes tell which it is.
fn message(number: u32, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|place| (place as u32 ^ number) as u8).collect();
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, part)| *byte = part);
    bytes
}

#[test]
fn messages_of_all_sizes_arrive_in_order_over_a_lossy_path() {
    for interleaving in [false, true] {
        for loss in [0, 10_000, 100_000, 200_000] {
            let mut configs = [config(1), config(2)];
            configs[0].interleaving = interleaving;
            let mut world = World::open(Link { loss, ..Link::default() }, configs);
            let sizes = [4, 5, 1000, 1156, 1157, 16_384, 100_000, 262_144];
            for (number, size) in sizes.iter().cycle().take(32).enumerate() {
                world.send(0, 3, message(number as u32, *size), SendOptions::default());
            }
            let until = world.now + 120_000 * MS;
            assert!(world.run_until(until, |world| world.messages[1].len() == 32), "{interleaving} {loss}");
            for (number, size) in sizes.iter().cycle().take(32).enumerate() {
                assert_eq!(world.messages[1][number].payload, message(number as u32, *size));
            }
            // The last SACK may be lost, and its repetition.
            let until = world.now + 60_000 * MS;
            let is_done = world.run_until(until, |world| world.ends[0].total_buffered() == 0);
            assert!(is_done, "all is acknowledged");
        }
    }
}

#[test]
fn one_sack_answers_a_burst() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    let before = world.sent.clone();
    world.send(0, 0, vec![1; 11_000], SendOptions::default());
    world.run(100 * MS);
    assert_eq!(world.sent[0] - before[0], 9, "packets of 1400 were found to go through");
    assert_eq!(world.sent[1] - before[1], 1);
}

#[test]
fn a_message_with_one_try_is_sent_once() {
    for interleaving in [false, true] {
        let mut configs = [config(1), config(2)];
        configs[0].interleaving = interleaving;
        let mut world = World::open(Link { loss: 200_000, ..Link::default() }, configs);
        let options = SendOptions { ordered: true, reliability: Reliability::Retransmissions(0) };
        for number in 0..200 {
            world.send(0, 0, message(number, 3000), options);
            world.run(5 * MS);
        }
        world.run(10_000 * MS);
        let stats = world.ends[0].stats();
        assert_eq!(stats.retransmissions, 0);
        assert_eq!(stats.send_buffered, 0, "what was given up is told");
        let numbers: Vec<u32> = (world.messages[1].iter())
            .map(|message| u32::from_be_bytes(message.payload[..4].try_into().unwrap()))
            .collect();
        assert!(numbers.is_sorted() && numbers.len() > 60 && numbers.len() < 190, "{}", numbers.len());
        assert!(stats.messages_abandoned >= 200 - numbers.len() as u64);
        for received in &world.messages[1] {
            let number = u32::from_be_bytes(received.payload[..4].try_into().unwrap());
            assert_eq!(received.payload, message(number, 3000), "never half of one");
        }
        world.link.loss = 0;
        world.messages[1].clear();
        world.send(0, 0, "last", SendOptions::default());
        world.run(100 * MS);
        assert_eq!(world.messages[1].len(), 1);
    }
}

#[test]
fn a_message_whose_time_is_over_is_given_up_also_when_it_was_begun() {
    for interleaving in [false, true] {
        let mut configs = [config(1), config(2)];
        configs[0].interleaving = interleaving;
        let link = Link { rate: 100_000, ..Link::default() };
        let mut world = World::open(link, configs);
        let options =
            SendOptions { ordered: true, reliability: Reliability::Lifetime(Duration::from_millis(300)) };
        world.send(0, 0, message(1, 200_000), options);
        world.send(0, 0, message(2, 100), options);
        world.send(0, 0, message(3, 100), SendOptions::default());
        world.run(5_000 * MS);
        assert_eq!(world.messages[1].len(), 1, "{interleaving}");
        assert_eq!(world.messages[1][0].payload, message(3, 100));
        assert_eq!(world.ends[0].stats().messages_abandoned, 2);
        assert_eq!(world.ends[1].stats().receive_buffered, 0);
    }
}

#[test]
fn an_interleaved_message_does_not_block_another_stream() {
    let link = Link { rate: 1_000_000, ..Link::default() };
    let mut world = World::open(link, [config(1), config(2)]);
    world.send(0, 0, vec![0; 250_000], SendOptions::default());
    world.run(20 * MS);
    world.send(0, 1, "small", SendOptions::default());
    world.run(120 * MS);
    assert_eq!(world.messages[1].pop_front().unwrap().stream, StreamId(1));
}

#[test]
fn a_reset_comes_after_the_last_message_and_the_stream_begins_again() {
    for interleaving in [false, true] {
        let mut configs = [config(1), config(2)];
        configs[0].interleaving = interleaving;
        let mut world = World::open(Link { loss: 100_000, ..Link::default() }, configs);
        for round in 0..20 {
            world.send(0, 5, message(round, 20_000), SendOptions::default());
            world.ends[0].reset_stream(world.now, StreamId(5));
            let until = world.now + 60_000 * MS;
            let is_done = |world: &mut World| {
                world.events[0].retain(|event| !matches!(event, Event::BufferedAmountLow(_)));
                !world.events[0].is_empty() && !world.events[1].is_empty()
            };
            assert!(world.run_until(until, is_done), "round {round}");
            assert_eq!(world.events[0], [Event::ResetDone(vec![StreamId(5)])]);
            assert_eq!(world.events[1], [Event::StreamsReset(vec![StreamId(5)])]);
            assert_eq!(world.messages[1].pop_front().unwrap().payload, message(round, 20_000));
            world.events.iter_mut().for_each(Vec::clear);
        }
    }
}

#[test]
fn a_reader_that_rests_closes_the_window_and_opens_it_again() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    world.reads = false;
    for number in 0..100 {
        world.send(0, 0, message(number, 50_000), SendOptions::default());
    }
    world.run(5_000 * MS);
    let held = world.ends[1].stats().receive_buffered;
    assert!(held > 200_000 && held < 1_500_000, "{held} held");
    assert_eq!(world.ends[0].state(), world.ends[1].state());
    world.run(120_000 * MS);
    world.reads = true;
    let until = world.now + 20_000 * MS;
    assert!(world.run_until(until, |world| world.messages[1].len() == 100));
}

#[test]
fn tiny_windows_work() {
    let mut configs = [config(1), config(2)];
    configs[1].max_message_size = 2000;
    configs[1].receive_window = 4096;
    let mut world = World::open(Link { loss: 20_000, ..Link::default() }, configs);
    for number in 0..50 {
        world.send(0, 0, message(number, 1900), SendOptions::default());
    }
    let until = world.now + 120_000 * MS;
    assert!(world.run_until(until, |world| world.messages[1].len() == 50));
}

#[test]
fn the_send_buffer_refuses_when_full_and_says_when_there_is_room() {
    let mut configs = [config(1), config(2)];
    configs[0].send_buffer = 100_000;
    let mut world = World::open(Link::default(), configs);
    let mut taken = 0;
    loop {
        let bytes = vec![0; 10_000].into();
        let sent =
            world.ends[0].send(world.now, StreamId(0), Default::default(), bytes, SendOptions::default());
        if sent.is_err() {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 9);
    assert!(world.ends[0].total_buffered() <= 100_000);
    world.ends[0].set_buffered_amount_low_threshold(StreamId(0), 40_000);
    world.run(1000 * MS);
    assert!(world.events[0].contains(&Event::Writable));
    assert!(world.events[0].contains(&Event::BufferedAmountLow(StreamId(0))));
    assert_eq!(world.messages[1].len(), 9);
}

#[test]
fn larger_packets_are_found_and_lost_ones_noticed() {
    let mut configs = [config(1), config(2)];
    configs[0].max_packet_size = 16_384;
    let mut world = World::open(Link { largest: 1425, ..Link::default() }, configs);
    world.run(20_000 * MS);
    assert_eq!(world.ends[0].stats().packet_size, 1420);
    assert_eq!(world.ends[1].stats().packet_size, 1400);
    world.send(0, 0, vec![0; 100_000], SendOptions::default());
    world.run(1000 * MS);
    assert_eq!(world.messages[1].len(), 1);
}

#[test]
fn a_path_that_carries_less_from_now_on_loses_nothing() {
    let mut world = World::open(Link { rate: 500_000, ..Link::default() }, [config(1), config(2)]);
    world.run(2_000 * MS);
    assert_eq!(world.ends[0].stats().packet_size, 1400);
    for number in 0..20 {
        world.send(0, 0, message(number, 50_000), SendOptions::default());
    }
    world.run(200 * MS);
    world.link.largest = 1250;
    let until = world.now + 30_000 * MS;
    assert!(world.run_until(until, |world| world.messages[1].len() == 20), "{:?}", world.ends[0].stats());
    assert_eq!(world.ends[0].stats().packet_size, 1200);
}
