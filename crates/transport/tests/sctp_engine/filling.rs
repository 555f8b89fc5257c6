//! How much of a link a long transfer fills, and how flows share one.

use std::time::Duration;

use peerless_transport::sctp::{Config, Controller, SendOptions};

use crate::world::{Link, MS, World, config};

/// The share of the link that messages take within `time`, in percent.
fn share(link: Link, time: Duration, configs: [Config; 2]) -> f64 {
    let mut world = World::open(link, configs);
    let (until, message) = (world.now + time, bytes::Bytes::from(vec![7; 65_536]));
    let mut read = 0;
    world.run_until(until, |world| {
        while world.ends[0].has_room(message.len()) {
            world.send(0, 0, message.clone(), SendOptions::default());
        }
        read += world.messages[1].drain(..).map(|message| message.payload.len()).sum::<usize>();
        false
    });
    100.0 * read as f64 / (link.rate as f64 * time.as_secs_f64())
}

fn link(mbit: u64, round_trip_ms: u32, loss: u32) -> Link {
    let rate = mbit * 125_000;
    let delay = round_trip_ms * MS / 2;
    // Half a round trip's worth of queue.
    let queue = (rate as f64 * delay.as_secs_f64()) as usize;
    Link { delay, rate, queue, loss, ..Link::default() }
}

#[test]
fn a_long_path_is_filled_with_and_without_random_loss() {
    for (loss, wanted) in [(0, 88.0), (1_000, 85.0), (10_000, 65.0)] {
        for round_trip in [20, 50, 100] {
            let got = share(link(100, round_trip, loss), 10_000 * MS, [config(1), config(2)]);
            println!("100 Mbit/s, {round_trip} ms, {loss} ppm lost: {got:.1} %");
            assert!(got >= wanted, "{round_trip} ms, {loss} ppm: {got:.1} %");
        }
    }
}

/// The whole table, for those who want to see it: `SCTP_TABLE=1 cargo test …`. One row of it is always checked.
#[test]
fn a_fast_long_path_is_filled() {
    let rows: &[(u32, u32)] = if std::env::var_os("SCTP_TABLE").is_some() {
        &[
            (20, 0),
            (20, 1_000),
            (20, 10_000),
            (50, 0),
            (50, 1_000),
            (50, 10_000),
            (100, 0),
            (100, 1_000),
            (100, 10_000),
        ]
    } else {
        &[(20, 1_000)]
    };
    for (round_trip, loss) in rows {
        let time = if rows.len() > 1 { 10_000 * MS } else { 2_000 * MS };
        // At 100 ms, 16 MiB are little more than the path holds, and losses hold as much again.
        let mut configs = [config(1), config(2)];
        if *round_trip > 50 {
            configs
                .iter_mut()
                .for_each(|config| (config.send_buffer, config.receive_window) = (64 << 20, 64 << 20));
        }
        let got = share(link(1000, *round_trip, *loss), time, configs);
        println!("1 Gbit/s, {round_trip} ms, {loss} ppm lost: {got:.1} %");
        assert!(*loss > 1_000 || got >= 60.0, "{round_trip} ms, {loss} ppm: {got:.1} %");
    }
}

#[test]
fn newreno_fills_a_path_without_loss() {
    let mut configs = [config(1), config(2)];
    configs[0].controller = Controller::NewReno;
    let got = share(link(50, 20, 0), 5_000 * MS, configs);
    assert!(got >= 85.0, "{got:.1} %");
}

#[test]
fn a_shallow_queue_is_backed_off_from() {
    for controller in [Controller::Cubic, Controller::NewReno] {
        let mut configs = [config(1), config(2)];
        configs[0].controller = controller;
        let shallow = Link { queue: 20 * 1200, ..link(50, 40, 0) };
        let mut world = World::open(shallow, configs);
        let message = bytes::Bytes::from(vec![7; 65_536]);
        let until = world.now + 20_000 * MS;
        world.run_until(until, |world| {
            while world.ends[0].total_buffered() < 8 << 20 {
                world.send(0, 0, message.clone(), SendOptions::default());
            }
            false
        });
        let (stats, read) = (world.ends[0].stats(), world.messages[1].len() * 65_536);
        let share = 100.0 * read as f64 / (50.0 * 125_000.0 * 20.0);
        let lost = 100.0 * stats.retransmissions as f64 / stats.packets_sent as f64;
        println!("{controller:?}: {share:.1} % of the link, {lost:.2} % sent again");
        assert!(lost < 2.0, "{controller:?} {lost} %");
        assert!(share > 70.0, "{controller:?} {share} %");
    }
}

#[test]
fn two_flows_share_a_bottleneck_also_when_one_comes_late() {
    // A deep and a shallow queue.
    for (queue, wanted) in [(500_000, 0.25), (60_000, 0.15)] {
        let shared = Link { queue, ..link(50, 40, 0) };
        let mut world = World::open(shared, [config(1), config(2), config(3), config(4)]);
        let message = bytes::Bytes::from(vec![7; 65_536]);
        let (began, mut read) = (world.now, [0; 2]);
        let until = began + 40_000 * MS;
        world.run_until(until, |world| {
            for (flow, read) in read.iter_mut().enumerate() {
                let has_begun = flow == 0 || world.now > began + 5_000 * MS;
                while has_begun && world.ends[2 * flow].total_buffered() < 4 << 20 {
                    world.send(2 * flow, 0, message.clone(), SendOptions::default());
                }
                let bytes = world.messages[2 * flow + 1]
                    .drain(..)
                    .map(|message| message.payload.len())
                    .sum::<usize>();
                if world.now > began + 15_000 * MS {
                    *read += bytes;
                }
            }
            false
        });
        let share = read[1] as f64 / (read[0] + read[1]) as f64;
        let used = (read[0] + read[1]) as f64 / (50.0 * 125_000.0 * 25.0);
        println!("queue {queue}: the late one has {:.0} %, both use {:.0} %", 100.0 * share, 100.0 * used);
        assert!(share > wanted && share < 1.0 - wanted, "{share:.2}");
        assert!(used > 0.85, "{used:.2}");
    }
}

#[test]
fn a_local_path_with_a_socket_buffer_is_filled() {
    for packet in [1200, 16_384] {
        // As a loopback interface whose reader takes 200 MB/s, and whose buffer holds 400 kB.
        let local =
            Link { delay: Duration::from_micros(50), rate: 200_000_000, queue: 400_000, ..Link::default() };
        let mut configs = [config(1), config(2)];
        configs.iter_mut().for_each(|config| config.max_packet_size = packet);
        let mut world = World::open(local, configs);
        world.run(500 * MS);
        let message = bytes::Bytes::from(vec![7; 16_384]);
        let (until, mut read) = (world.now + 1_000 * MS, 0);
        world.run_until(until, |world| {
            while world.ends[0].total_buffered() < 8 << 20 {
                world.send(0, 0, message.clone(), SendOptions::default());
            }
            read += world.messages[1].drain(..).map(|message| message.payload.len()).sum::<usize>();
            false
        });
        let stats = world.ends[0].stats();
        let lost = 100.0 * stats.retransmissions as f64 / stats.packets_sent as f64;
        let share = 100.0 * read as f64 / 200e6;
        println!(
            "packets of {packet}: {share:.1} %, {lost:.2} % sent again, {} timeouts, {stats:?}",
            stats.timeouts
        );
        assert!(share > 80.0 && lost < 3.0 && stats.timeouts == 0, "{share} {lost}");
    }
}
