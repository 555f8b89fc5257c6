//! What a packet costs that goes by TCP, beside one that goes by UDP, in the same run: a data channel over loopback, both
//! ends in this process, packets of the size that browsers take. UDP has the batch calls of the system, TCP its framing.
//! The processor's time is that of this process, which the load of others changes little.
//!
//! `cargo bench -p peerless --bench tcp`, on Linux.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless::{Configuration, DataChannel, DataChannelInit, Event, PeerConnection};

/// How long each of the two is used, and how often they take turns.
const TURN: Duration = Duration::from_secs(2);
const TURNS: u32 = 5;
const MESSAGE: usize = 16 * 1024;

/// Two connected peers with an open channel.
struct Pair {
    a: PeerConnection,
    b: PeerConnection,
    sender: DataChannel,
    receiver: DataChannel,
}

impl Pair {
    async fn connect(by_tcp: bool) -> Self {
        let connection = |passive| {
            let mut configuration = Configuration::default();
            configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
            configuration.max_packet_size = 1200;
            configuration.ice_tcp.active = Some(by_tcp);
            configuration.ice_tcp.passive = passive;
            PeerConnection::new(configuration).unwrap()
        };
        let (a, b) = (connection(None), connection(by_tcp.then_some(0)));
        let mut init = DataChannelInit::default();
        init.negotiated = true;
        init.id = Some(0);
        let (sender, receiver) = (
            a.create_data_channel("flood", init.clone()).unwrap(),
            b.create_data_channel("flood", init).unwrap(),
        );
        let candidates = [trickle(&a, &b, by_tcp), trickle(&b, &a, by_tcp)];
        a.set_local_description(None).unwrap();
        b.set_remote_description(a.local_description().unwrap()).unwrap();
        b.set_local_description(None).unwrap();
        a.set_remote_description(b.local_description().unwrap()).unwrap();
        candidates.into_iter().for_each(|candidates| drop(tokio::spawn(candidates)));
        sender.opened().await;
        Self { a, b, sender, receiver }
    }

    /// How many packets went in either direction.
    fn packets(&self) -> u64 {
        self.a.stats().transport.datagrams_sent + self.b.stats().transport.datagrams_sent
    }

    /// Megabytes per second, and nanoseconds of processor per packet, both ends together.
    async fn flood(&self) -> (f64, f64) {
        let message = Bytes::from(vec![7; MESSAGE]);
        let (begun, packets, used) = (Instant::now(), self.packets(), processor());
        let (sender, receiver) = (self.sender.clone(), self.receiver.clone());
        let sends = tokio::spawn(async move {
            let mut count = 0;
            while begun.elapsed() < TURN {
                sender.send(message.clone()).await.unwrap();
                count += 1;
            }
            count
        });
        let (mut bytes, mut expected) = (0, None);
        let mut sends = std::pin::pin!(sends);
        while expected.is_none_or(|expected: usize| bytes < expected) {
            tokio::select! {
                message = receiver.recv() => bytes += message.map_or(0, |message| message.len()),
                count = &mut sends, if expected.is_none() => expected = Some(count.unwrap() * MESSAGE),
            }
        }
        let packets = (self.packets() - packets) as f64;
        let used = (processor() - used).as_nanos() as f64;
        (bytes as f64 / 1e6 / begun.elapsed().as_secs_f64(), used / packets)
    }
}

/// Subscribes at once, so that no candidate is missed.
fn trickle(from: &PeerConnection, to: &PeerConnection, tcp: bool) -> impl Future<Output = ()> + use<> {
    let (mut events, to) = (from.events(), to.clone());
    async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event
                && (candidate.candidate.is_empty() || candidate.candidate.contains("tcptype") == tcp)
            {
                to.add_ice_candidate(&candidate).unwrap();
            }
        }
    }
}

/// The processor's time that this process has used: in user and in system mode, hundredths of a second each.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let (udp, tcp) = (Pair::connect(false).await, Pair::connect(true).await);
    println!(
        "{:>10} {:>10} {:>12} {:>12} {:>8}",
        "UDP MB/s", "TCP MB/s", "UDP ns/pkt", "TCP ns/pkt", "TCP:UDP"
    );
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let ((fast, dear), (fast_tcp, dear_tcp)) = (udp.flood().await, tcp.flood().await);
        ratios.push(dear_tcp / dear);
        println!("{fast:>10.1} {fast_tcp:>10.1} {dear:>12.0} {dear_tcp:>12.0} {:>8.2}", dear_tcp / dear);
    }
    println!("median {:.2}", median(ratios));
}
