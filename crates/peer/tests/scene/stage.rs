//! Two peers over a simulated network, in virtual time.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use peerless_netsim::{Link, Network};
use peerless_peer::Peer;
use peerless_peer::config::Config;
use peerless_peer::description::{IceCandidateInit, SessionDescription};
use peerless_peer::event::Event;
use peerless_peer::id::{TransceiverId, TransportId};
use peerless_peer::state::{ConnectionState, MediaKind, SdpType};
use peerless_peer::transceiver::TrackInit;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Datagram, Protocol};

use crate::scene::media::{Arrivals, Source};

/// Which of the two peers.
pub type Side = usize;
/// The first peer, which offers first in most tests.
pub const ALICE: Side = 0;
/// The second peer.
pub const BOB: Side = 1;

/// Two peers, the network between them, and the signalling channel.
pub struct Scene {
    pub now: Instant,
    pub network: Network<BytesMut>,
    pub ends: [End; 2],
    /// How long a message of signalling takes.
    pub signalling_delay: Duration,
    /// Whether candidates travel one by one.
    pub trickles: bool,
    /// Lines of descriptions that have this word are lost on the way.
    pub loses_lines_with: Option<&'static str>,
    signalling: VecDeque<(Instant, Side, Message)>,
    started: Instant,
}

/// One peer with what it gave.
pub struct End {
    pub peer: Peer,
    /// That of its first transport; the others have the ports after it.
    pub address: SocketAddr,
    /// Further sockets, of other networks.
    pub others: Vec<SocketAddr>,
    /// Addresses whose network is gone.
    pub gone: Vec<IpAddr>,
    pub events: Vec<Event>,
    pub sources: Vec<Source>,
    pub arrivals: Arrivals,
    out: BytesMut,
    pub datagrams_sent: usize,
    /// Which of them is lost, counted from 0.
    pub loses: Option<usize>,
    pub largest_batch: usize,
    /// In bytes.
    pub largest_datagram: usize,
}

/// What travels over the signalling channel.
pub enum Message {
    Description(SessionDescription),
    Candidate(IceCandidateInit),
}

/// What a scene changes of a configuration.
pub type Adjust = fn(Side, &mut Config);

/// How a scene begins.
pub struct Setting {
    pub seed: u64,
    pub link: Link,
    pub adjust: Adjust,
}

impl Default for Setting {
    fn default() -> Self {
        Self { seed: 1, link: delay(20), adjust: |_, _| {} }
    }
}

/// A link with nothing but delay.
pub fn delay(delay_ms: u64) -> Link {
    Link { delay: Duration::from_millis(delay_ms), ..Link::default() }
}

impl Scene {
    /// Two peers on a link of 20 ms.
    pub fn new() -> Self {
        Self::with(Setting::default())
    }

    pub fn with(setting: Setting) -> Self {
        let started = moment();
        let end = |side: Side| {
            let mut config = config(setting.seed, side);
            (setting.adjust)(side, &mut config);
            End::new(Peer::new(config).unwrap(), side)
        };
        Self {
            now: started,
            network: Network::new(setting.seed, setting.link),
            ends: [end(ALICE), end(BOB)],
            signalling_delay: Duration::from_millis(10),
            trickles: true,
            loses_lines_with: None,
            signalling: VecDeque::new(),
            started,
        }
    }

    pub fn peer(&mut self, side: Side) -> &mut Peer {
        &mut self.ends[side].peer
    }

    pub fn elapsed(&self) -> Duration {
        self.now - self.started
    }

    /// Adds a track that sends from the moment it can.
    pub fn add_source(&mut self, side: Side, kind: MediaKind) -> TransceiverId {
        let name = format!("track-{side}-{}", self.ends[side].sources.len());
        let track = TrackInit { id: name, stream_ids: vec![format!("stream-{side}")] };
        let id = self.ends[side].peer.add_track(kind, track).unwrap();
        self.ends[side].sources.push(Source::new(id, kind));
        id
    }

    /// Both sides add sound and pictures.
    pub fn add_all_sources(&mut self) {
        for side in [ALICE, BOB] {
            self.add_source(side, MediaKind::Audio);
            self.add_source(side, MediaKind::Video);
        }
    }

    /// `side` makes an offer and sends it; the other answers by itself when it arrives.
    pub fn offer(&mut self, side: Side) {
        let now = self.now;
        let peer = &mut self.ends[side].peer;
        peer.set_local_description(now, None).unwrap();
        let description = peer.local_description().unwrap();
        self.signal(side, Message::Description(description));
    }

    /// Sends a message of signalling to the other side.
    pub fn signal(&mut self, from: Side, mut message: Message) {
        if let (Message::Description(description), Some(word)) = (&mut message, self.loses_lines_with) {
            let kept = description.sdp.split_inclusive('\n').filter(|line| !line.contains(word));
            description.sdp = kept.collect();
        }
        self.signalling.push_back((self.now + self.signalling_delay, 1 - from, message));
    }

    /// What is on its way over the signalling channel is lost.
    pub fn forget_signalling(&mut self) {
        self.signalling.clear();
    }

    /// Offer, answer and candidates at once and without losing time, as if signalling took none.
    pub fn negotiate(&mut self, from: Side) {
        self.offer(from);
        let delay = std::mem::replace(&mut self.signalling_delay, Duration::ZERO);
        let now = self.now;
        self.signalling.iter_mut().for_each(|(at, _, _)| *at = now);
        self.drain();
        while self.deliver_signalling() {
            self.drain();
        }
        self.signalling_delay = delay;
    }

    /// Takes Alice's pending offer to Bob and his answer back, both stripped of all candidates.
    pub fn negotiate_plainly(&mut self) {
        let now = self.now;
        let offer = stripped(self.peer(ALICE).local_description().unwrap());
        self.peer(BOB).set_remote_description(now, offer).unwrap();
        self.peer(BOB).set_local_description(now, None).unwrap();
        let answer = stripped(self.peer(BOB).local_description().unwrap());
        self.peer(ALICE).set_remote_description(now, answer).unwrap();
        self.drain();
    }

    /// Runs until `done`, for at most `limit` of virtual time. Says whether it was reached.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let (mut still, mut at) = (0, self.now);
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let Some(next) = self.next_moment().filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            still = if self.now == at { still + 1 } else { 0 };
            at = self.now;
            assert!(
                still < 10_000,
                "time stands still at {:?}: a due timeout that does nothing",
                self.elapsed()
            );
            self.advance();
        }
    }

    /// Lets time go by.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Runs until both are connected.
    pub fn connect(&mut self) {
        assert!(
            self.run_until(Duration::from_secs(30), Self::is_connected),
            "not connected: {}",
            self.states()
        );
    }

    pub fn is_connected(&self) -> bool {
        self.ends.iter().all(|end| end.peer.connection_state() == ConnectionState::Connected)
    }

    pub fn states(&self) -> String {
        let state = |end: &End| {
            let peer = &end.peer;
            let (ice, dtls) = (peer.ice_connection_state(), peer.stats().transport.dtls);
            format!("{} (ice {ice}, dtls {dtls})", peer.connection_state())
        };
        format!("{} and {} after {:?}", state(&self.ends[0]), state(&self.ends[1]), self.elapsed())
    }

    /// Two connected peers that send each other sound and pictures.
    pub fn call() -> Self {
        Self::call_with(Setting::default())
    }

    pub fn call_with(setting: Setting) -> Self {
        let mut scene = Self::with(setting);
        scene.add_all_sources();
        scene.negotiate(ALICE);
        scene.connect();
        scene
    }

    /// Whether both sides have got this many frames more of each kind than `since`.
    pub fn has_frames(&self, pictures: usize, sounds: usize) -> bool {
        self.ends.iter().all(|end| end.arrivals.pictures >= pictures && end.arrivals.sounds >= sounds)
    }

    fn next_moment(&self) -> Option<Instant> {
        let signalling = self.signalling.iter().map(|(at, _, _)| *at).min();
        let ends = self.ends.iter().flat_map(|end| [end.peer.poll_timeout(), end.next_frame()]);
        ends.chain([self.network.next_arrival(), signalling]).flatten().min()
    }

    fn advance(&mut self) {
        self.deliver_signalling();
        while let Some((source, destination, contents)) = self.network.receive(self.now) {
            if let Some(end) = self.ends.iter_mut().find(|end| end.has(destination)) {
                let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
                end.peer.handle_datagram(self.now, datagram);
            }
        }
        for end in &mut self.ends {
            if end.peer.poll_timeout().is_some_and(|at| at <= self.now) {
                end.peer.handle_timeout(self.now);
            }
        }
    }

    /// Delivers what is due; says whether there was anything.
    fn deliver_signalling(&mut self) -> bool {
        let mut any = false;
        while let Some(index) = self.signalling.iter().position(|(at, _, _)| *at <= self.now) {
            let (_, side, message) = self.signalling.remove(index).unwrap();
            self.take_message(side, message);
            any = true;
        }
        any
    }

    fn take_message(&mut self, side: Side, message: Message) {
        let now = self.now;
        let peer = &mut self.ends[side].peer;
        match message {
            Message::Candidate(candidate) => peer.add_ice_candidate(now, &candidate).unwrap(),
            Message::Description(description) => {
                let is_offer = description.kind == SdpType::Offer;
                peer.set_remote_description(now, description).unwrap();
                if is_offer {
                    peer.set_local_description(now, None).unwrap();
                    let answer = peer.local_description().unwrap();
                    self.signal(side, Message::Description(answer));
                }
            }
        }
    }

    /// Takes all that both peers have to give.
    pub fn drain(&mut self) {
        for side in [ALICE, BOB] {
            let now = self.now;
            let mut told = Vec::new();
            self.ends[side].drain(now, &mut self.network, &mut told);
            told.truncate(if self.trickles { told.len() } else { 0 });
            for candidate in told {
                self.signal(side, Message::Candidate(candidate));
            }
        }
    }
}

impl End {
    fn new(peer: Peer, side: Side) -> Self {
        Self {
            peer,
            address: SocketAddr::from(([10, 0, 0, side as u8 + 1], 5000 + side as u16)),
            others: Vec::new(),
            gone: Vec::new(),
            events: Vec::new(),
            sources: Vec::new(),
            arrivals: Arrivals::default(),
            out: BytesMut::with_capacity(65_536),
            datagrams_sent: 0,
            loses: None,
            largest_batch: 0,
            largest_datagram: 0,
        }
    }

    fn drain(
        &mut self,
        now: Instant,
        network: &mut Network<BytesMut>,
        candidates: &mut Vec<IceCandidateInit>,
    ) {
        while let Some(event) = self.peer.poll_event() {
            match &event {
                Event::Gather(transport) => {
                    for address in std::iter::once(self.address_of(*transport)).chain(self.others.clone()) {
                        if !self.gone.contains(&address.ip()) {
                            self.peer.add_local_address(now, *transport, address);
                        }
                    }
                    self.peer.finish_local_addresses(now, *transport);
                }
                Event::IceCandidate(candidate) => candidates.push(candidate.clone()),
                Event::KeyFrameRequested(id, _) => {
                    self.sources.iter_mut().filter(|one| one.id == *id).for_each(Source::request_key);
                }
                _ => {}
            }
            self.events.push(event);
        }
        self.send_frames(now);
        while let Some(transmit) = self.peer.poll_transmit(now, &mut self.out) {
            let contents = self.out.split_to(transmit.size);
            assert!(self.out.is_empty(), "a transmit is as large as it says");
            let segment = transmit.segment_size.unwrap_or(transmit.size);
            let pieces = contents.chunks(segment);
            self.largest_batch = self.largest_batch.max(pieces.len());
            for piece in pieces {
                let is_lost = self.loses == Some(self.datagrams_sent);
                self.datagrams_sent += 1;
                self.largest_datagram = self.largest_datagram.max(piece.len());
                if is_lost || self.gone.contains(&transmit.source.ip()) {
                    continue;
                }
                network.send(now, transmit.source, transmit.destination, BytesMut::from(piece));
            }
            self.out = contents;
            self.out.clear();
        }
        while let Some((id, frame)) = self.peer.poll_frame() {
            self.arrivals.take(id, &frame);
        }
    }

    /// Where the socket of a transport is.
    pub fn address_of(&self, transport: TransportId) -> SocketAddr {
        SocketAddr::new(self.address.ip(), self.address.port() + 10 * transport.0 as u16)
    }

    fn has(&self, address: SocketAddr) -> bool {
        let is_first =
            address.ip() == self.address.ip() && (address.port() - self.address.port()).is_multiple_of(10);
        (is_first || self.others.contains(&address)) && !self.gone.contains(&address.ip())
    }

    /// The candidates it told so far, the end of them not among them.
    pub fn candidates(&self) -> Vec<IceCandidateInit> {
        let told = self.events.iter().filter_map(|event| match event {
            Event::IceCandidate(candidate) => Some(candidate.clone()),
            _ => None,
        });
        told.filter(|candidate| !candidate.candidate.is_empty()).collect()
    }

    fn next_frame(&self) -> Option<Instant> {
        self.sources.iter().filter_map(|source| source.next).min()
    }

    fn send_frames(&mut self, now: Instant) {
        for source in &mut self.sources {
            source.send_due(now, &mut self.peer);
        }
    }

    /// How often an event like this was given.
    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| matches(event)).count()
    }
}

fn stripped(description: SessionDescription) -> SessionDescription {
    let is_kept = |line: &&str| !line.starts_with("a=candidate") && !line.starts_with("a=end-of-candidates");
    let lines = description.sdp.lines().filter(is_kept).map(|line| format!("{line}\r\n"));
    SessionDescription { kind: description.kind, sdp: lines.collect() }
}

/// The one moment at which the virtual time of all tests begins.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other source; nothing depends on which it is"
)]
pub fn moment() -> Instant {
    static MOMENT: OnceLock<Instant> = OnceLock::new();
    *MOMENT.get_or_init(Instant::now)
}

/// The wall time at that moment.
pub fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A configuration for a simulated peer: all chance from the seed, and the certificate made once.
pub fn config(seed: u64, side: Side) -> Config {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = side as u8 + 1;
    let mut config = Config::new(bytes, (moment(), wall()));
    config.certificates = vec![certificates()[side].clone()];
    config.simulation = true;
    config.max_segments = 16;
    config
}

fn certificates() -> &'static [Arc<Certificate>; 2] {
    static CERTIFICATES: OnceLock<[Arc<Certificate>; 2]> = OnceLock::new();
    let make = || Arc::new(Certificate::generate(wall()).unwrap());
    CERTIFICATES.get_or_init(|| [make(), make()])
}
