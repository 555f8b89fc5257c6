//! Two associations on a network, what each sends, and all that must hold while it arrives.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Network};
use peerless_transport::sctp::{Association, Config, Event, Message, Reliability};
use peerless_wire::sctp::StreamId;

use crate::content::content;
use crate::script::Script;
use crate::watch::Watch;

pub const MS: Duration = Duration::from_millis(1);

/// One end.
pub struct Side {
    pub association: Association,
    pub address: SocketAddr,
    pub script: Script,
    pub watch: Watch,
    pub events: Vec<Event>,
    limits: Limits,
    /// Which of the other side's messages arrived.
    arrived: Vec<bool>,
    /// The newest ordered message of each of the other side's streams, and the epoch it is of.
    newest: BTreeMap<StreamId, (u32, Option<u32>)>,
    /// How often the other side reset each stream.
    resets: BTreeMap<StreamId, u32>,
    is_connected: bool,
}

/// What an end may hold and send.
struct Limits {
    held: usize,
    waiting: usize,
    largest: usize,
}

pub struct Scene {
    pub now: Instant,
    pub network: Network<Bytes>,
    pub sides: [Side; 2],
    /// What is larger is lost.
    pub mtu: usize,
    /// Whether messages are read.
    pub reads: [bool; 2],
    /// When something new arrived last, on either side.
    pub progress: Instant,
    still: u32,
    out: BytesMut,
}

#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
pub fn some_instant() -> Instant {
    Instant::now()
}

impl Scene {
    pub fn new(now: Instant, seed: u64, link: Link, configs: [Config; 2], scripts: [Script; 2]) -> Self {
        let [first, second] = configs;
        let [to_second, to_first] = scripts;
        let sides = [Side::new(now, 1, first, to_second), Side::new(now, 2, second, to_first)];
        Self {
            now,
            network: Network::new(seed, link),
            sides,
            mtu: usize::MAX,
            reads: [true; 2],
            progress: now,
            still: 0,
            out: BytesMut::new(),
        }
    }

    /// Lets all that is due happen.
    pub fn exchange(&mut self) {
        for side in 0..2 {
            let other = 1 - side;
            let [mine, theirs] = self.sides.each_mut();
            let (mine, theirs) = if side == 0 { (mine, theirs) } else { (theirs, mine) };
            mine.script.act(self.now, &mut mine.association);
            self.out.clear();
            while let Some(len) = mine.association.poll_transmit(self.now, &mut self.out) {
                let packet = self.out.split().freeze();
                assert!(packet.len() == len && len <= mine.limits.largest, "a packet of {len} bytes");
                mine.watch.handle_packet(self.now, &packet, &mine.script.sent);
                if len <= self.mtu {
                    self.network.send(self.now, mine.address, theirs.address, packet);
                }
            }
            while let Some(event) = mine.association.poll_event() {
                mine.handle_event(event, &theirs.script);
            }
            while self.reads[side]
                && let Some(message) = mine.association.poll_message(self.now)
            {
                mine.handle_message(&message, &theirs.script);
                self.progress = self.now;
            }
            mine.check_limits();
            let _ = other;
        }
    }

    /// Moves time to whatever comes next, but not beyond `until`, and hands over what arrives then.
    pub fn advance(&mut self, until: Instant) {
        let timers = self.sides.iter().filter_map(|side| side.association.poll_timeout());
        let scripts = self.sides.iter().filter_map(|side| side.script.next_at(self.now));
        let next = timers.chain(scripts).chain(self.network.next_arrival()).min();
        let next = next.map_or(until, |next| next.min(until));
        self.still = if next <= self.now { self.still + 1 } else { 0 };
        assert!(self.still < 1000, "time stands still");
        self.now = self.now.max(next);
        while let Some((_, to, packet)) = self.network.receive(self.now) {
            let side = usize::from(to != self.sides[0].address);
            self.sides[side].association.handle_packet(self.now, packet);
        }
        for side in &mut self.sides {
            if side.association.poll_timeout().is_some_and(|at| at <= self.now) {
                side.association.handle_timeout(self.now);
            }
        }
    }

    /// Whether all that was promised has arrived, and nothing waits any more.
    pub fn is_done(&self) -> bool {
        let [first, second] = &self.sides;
        let is_done = |from: &Side, to: &Side| {
            from.script.is_done()
                && from.association.total_buffered() == 0
                && from.script.sent.iter().enumerate().all(|(number, sent)| {
                    sent.options.reliability != Reliability::Reliable || to.has_arrived(number)
                })
                && from.script.streams().all(|stream| to.resets_of(stream) == from.script.resets(stream))
        };
        is_done(first, second) && is_done(second, first)
    }

    pub fn are_connected(&self) -> bool {
        self.sides.iter().all(|side| side.is_connected)
    }
}

impl Side {
    fn new(now: Instant, host: u8, config: Config, script: Script) -> Self {
        let settled = config.clone().settled();
        let limits = Limits {
            // The next chunk is taken when the window is full, for one message at most.
            held: settled.receive_window + settled.max_message_size + 256,
            waiting: settled.send_buffer,
            largest: settled.max_packet_size,
        };
        Self {
            association: Association::new(now, config),
            address: SocketAddr::from(([10, 0, 0, host], 5000)),
            script,
            watch: Watch::default(),
            events: Vec::new(),
            limits,
            arrived: Vec::new(),
            newest: BTreeMap::new(),
            resets: BTreeMap::new(),
            is_connected: false,
        }
    }

    pub fn has_arrived(&self, number: usize) -> bool {
        self.arrived.get(number).is_some_and(|has_arrived| *has_arrived)
    }

    fn resets_of(&self, stream: StreamId) -> u32 {
        self.resets.get(&stream).copied().unwrap_or(0)
    }

    fn handle_event(&mut self, event: Event, theirs: &Script) {
        self.script.handle_event(&event);
        match &event {
            Event::Connected { .. } => {
                assert!(!std::mem::replace(&mut self.is_connected, true), "connected once");
            }
            Event::StreamsReset(streams) => {
                for stream in streams {
                    let resets = self.resets.entry(*stream).or_default();
                    *resets += 1;
                    // Their own word of it comes later.
                    assert!(*resets <= theirs.resets(*stream) + 1, "reset once");
                }
            }
            Event::ResetDenied(_) | Event::Restarted => panic!("{event:?}"),
            _ => {}
        }
        self.events.push(event);
    }

    fn handle_message(&mut self, message: &Message, theirs: &Script) {
        let number = message.ppid.0;
        let sent = &theirs.sent[number as usize];
        assert_eq!((message.stream, message.unordered), (sent.stream, !sent.options.ordered));
        assert!(message.payload == content(number, sent.len), "message {number} is not what was sent");
        self.arrived.resize(theirs.sent.len(), false);
        assert!(!std::mem::replace(&mut self.arrived[number as usize], true), "message {number} came twice");
        let (epoch, newest) = self.newest.entry(message.stream).or_default();
        assert!(sent.epoch >= *epoch, "message {number} is from before the reset");
        if sent.epoch > *epoch {
            (*epoch, *newest) = (sent.epoch, None);
        }
        if sent.options.ordered {
            assert!(newest.is_none_or(|newest| newest < number), "message {number} is out of order");
            *newest = Some(number);
        }
    }

    fn check_limits(&self) {
        let held = self.association.stats().receive_buffered;
        assert!(held <= self.limits.held, "{held} bytes are held, {} are allowed", self.limits.held);
        let waiting = self.association.total_buffered();
        // One message of any size is taken while the buffer is empty; and 64 for each chunk are counted when it is cut.
        let largest = self.script.sent.iter().map(|sent| sent.len).max().unwrap_or(0);
        let most = self.limits.waiting.max(largest) * 8 / 7 + 4096;
        assert!(waiting <= most, "{waiting} bytes wait, {most} are allowed");
    }
}
