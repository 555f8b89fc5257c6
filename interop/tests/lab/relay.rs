//! A path between a page and our side on which media gets lost: a relay that both are led to by their candidates, late by
//! a few milliseconds, that drops packets of RTP (RFC 3550 §5.1) by chance and counts them by source. What is not RTP
//! (checks, handshakes, channels, reports) passes, so that both sides are told the truth about what was lost.
//!
//! Each side knows the other by an address of the relay only, which lets in nobody else: nothing can go round it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use peerless_signal::channel::{Channel, ChannelError, Incoming};
use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The address that `xtask` gives the namespace's interface: of each side the candidate there is the one that is led.
const ADDRESS: &str = "10.88.0.1";
/// How long a datagram takes.
const DELAY: Duration = Duration::from_millis(5);
/// Larger than any datagram that either side sends.
const LARGEST: usize = 2048;

/// Which end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Our connection.
    Ours,
    /// The page.
    Page,
}

/// What became of the packets of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets that went on.
    pub passed: u64,
    /// Packets that were dropped.
    pub lost: u64,
}

/// A relay; it ends when dropped.
pub struct Relay {
    shared: Arc<Shared>,
    /// Closes when the relay ends.
    _end: watch::Sender<()>,
}

struct Shared {
    /// Where what each side sends arrives, and the address by which the other side knows it.
    doors: [SocketAddr; 2],
    sides: Mutex<[Known; 2]>,
    /// How many of a thousand packets that each side sends get lost.
    losses: [AtomicU32; 2],
    counts: Mutex<HashMap<u32, Count>>,
}

/// What is known of a side.
#[derive(Default)]
struct Known {
    /// The ports of its candidates: only they are let in.
    ports: Vec<u16>,
    /// Where it really is, once it has sent something.
    place: Option<SocketAddr>,
}

impl Relay {
    /// Starts one that loses nothing yet. It runs on a thread of its own, so that no work of a test keeps it waiting.
    pub fn start(seed: u64) -> Self {
        let bind = || {
            let socket = std::net::UdpSocket::bind((ADDRESS, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        // What our side sends arrives at the first, what the page sends at the second.
        let sockets = [bind(), bind()];
        let shared = Arc::new(Shared {
            doors: [sockets[0].local_addr().unwrap(), sockets[1].local_addr().unwrap()],
            sides: Mutex::default(),
            losses: Default::default(),
            counts: Mutex::default(),
        });
        let (end, ended) = watch::channel(());
        let carried = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let sockets = sockets.map(|socket| UdpSocket::from_std(socket).unwrap());
                let carry = |from, seed| carry(&sockets, from, &carried, Chance(seed), ended.clone());
                tokio::join!(carry(Side::Ours, seed), carry(Side::Page, !seed));
            });
        });
        Self { shared, _end: end }
    }

    /// Signalling that leads both sides to the relay.
    pub fn lead<C: Channel>(&self, channel: C) -> Led<C> {
        Led { channel, shared: self.shared.clone() }
    }

    /// From now on so many of a thousand packets that a side sends get lost.
    pub fn lose(&self, side: Side, per_mille: u32) {
        self.shared.losses[side as usize].store(per_mille, Relaxed);
    }

    /// What became of the packets of a source (SSRC) until now.
    pub fn count(&self, source: u32) -> Count {
        self.shared.counts.lock().unwrap().get(&source).copied().unwrap_or_default()
    }
}

/// Carries what one side sends to the other.
async fn carry(
    sockets: &[UdpSocket; 2],
    side: Side,
    shared: &Shared,
    mut chance: Chance,
    mut end: watch::Receiver<()>,
) {
    let (here, there) = (side as usize, 1 - side as usize);
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = [0; LARGEST];
    loop {
        let due = waiting.front().map(|first| first.0);
        tokio::select! {
            received = sockets[here].recv_from(&mut buffer) => {
                let Ok((length, source)) = received else { continue };
                if shared.lets_in(side, source) && !shared.takes(side, &buffer[..length], &mut chance) {
                    waiting.push_back((Instant::now() + DELAY, buffer[..length].to_vec()));
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let place = shared.sides.lock().unwrap()[there].place;
                if let (Some((_, datagram)), Some(place)) = (waiting.pop_front(), place) {
                    let _ = sockets[there].send_to(&datagram, place).await;
                }
            }
            _ = end.changed() => return,
        }
    }
}

impl Shared {
    /// Whether a side may have sent from there, which is where it is from then on.
    fn lets_in(&self, side: Side, source: SocketAddr) -> bool {
        let known = &mut self.sides.lock().unwrap()[side as usize];
        let is_known = known.ports.contains(&source.port());
        if is_known {
            known.place = Some(source);
        }
        is_known
    }

    /// Whether a datagram gets lost; counts it where it is RTP.
    fn takes(&self, side: Side, datagram: &[u8], chance: &mut Chance) -> bool {
        // RFC 7983 §7 tells RTP and RTCP from all else, RFC 5761 §4 one from the other.
        let &[128..=191, kind, _, _, _, _, _, _, first, second, third, fourth, ..] = datagram else {
            return false;
        };
        if (192..=223).contains(&kind) {
            return false;
        }
        let is_lost = chance.below(1000) < self.losses[side as usize].load(Relaxed);
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(u32::from_be_bytes([first, second, third, fourth])).or_default();
        if is_lost {
            count.lost += 1;
        } else {
            count.passed += 1;
        }
        is_lost
    }

    /// The candidate that leads to the relay in place of the first one of a side that goes by UDP from the interface;
    /// `None` for all others. Firefox hides addresses behind names: which of them is the interface's is not to be seen.
    fn led(&self, side: Side, candidate: &str) -> Option<String> {
        let mut words: Vec<&str> = candidate.split(' ').collect();
        let [_, "1", protocol, _, address, port, _, "host", ..] = words[..] else { return None };
        if !protocol.eq_ignore_ascii_case("udp") || !(address == ADDRESS || address.ends_with(".local")) {
            return None;
        }
        let ports = &mut self.sides.lock().unwrap()[side as usize].ports;
        ports.push(port.parse().ok()?);
        // What a side sends leaves the relay by the other side's door.
        let door = self.doors[1 - side as usize].port().to_string();
        (words[4], words[5]) = (ADDRESS, &door);
        (ports.len() == 1).then(|| words.join(" "))
    }

    /// A message as the other side is to have it; `None` for one that it must not have.
    fn led_message(&self, side: Side, text: &str) -> Option<String> {
        let mut message: Value = serde_json::from_str(text).expect("signalling is JSON");
        // All is bundled into the first section, and only its candidates count.
        if message["sdpMLineIndex"].as_u64().unwrap_or(0) != 0 {
            return None;
        }
        if let Some(candidate) = message["candidate"].as_str().filter(|candidate| !candidate.is_empty()) {
            message["candidate"] = self.led(side, candidate)?.into();
        }
        if let Some(sdp) = message["sdp"].as_str() {
            let lines = sdp.split_inclusive("\r\n").filter_map(|line| {
                match line.trim_end().strip_prefix("a=candidate:") {
                    Some(rest) => Some(format!("a={}\r\n", self.led(side, &format!("candidate:{rest}"))?)),
                    None => Some(line.to_owned()),
                }
            });
            message["sdp"] = lines.collect::<String>().into();
        }
        Some(message.to_string())
    }
}

/// Signalling that leads both sides to a relay.
pub struct Led<C> {
    channel: C,
    shared: Arc<Shared>,
}

impl<C: Channel> Channel for Led<C> {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        match self.shared.led_message(Side::Ours, &text) {
            Some(text) => self.channel.send(text).await,
            None => Ok(()),
        }
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        loop {
            match self.channel.recv().await? {
                Some(Incoming::Text(text)) => {
                    if let Some(text) = self.shared.led_message(Side::Page, &text) {
                        return Ok(Some(Incoming::Text(text)));
                    }
                }
                other => return Ok(other),
            }
        }
    }

    async fn close(&mut self) {
        self.channel.close().await;
    }
}

/// Chance from a seed (xorshift64*).
struct Chance(u64);

impl Chance {
    /// A number from 0 to `limit` - 1.
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % u64::from(limit)) as u32
    }
}
