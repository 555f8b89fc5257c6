//! A controlled agent before one that nominates all its pairs: a stall of the best path, however it falls, ends with both
//! on the best again. RFC 5245 §8.1.1.2: of several nominated pairs the one of the highest priority is used.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Loss, Network};
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Config, Event};
use peerless_transport::state::IceState;
use peerless_wire::sdp::{Candidate, CandidateKind};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::nominator::{Nominator, Packet};
use crate::world::{MEDIA, Side, at, milliseconds, seconds, some_instant};

const OURS: [&str; 3] = ["10.1.0.1:1000", "10.2.0.1:1000", "10.3.0.1:1000"];
/// The last is one that a server lends it.
const THEIRS: [(&str, CandidateKind, u32); 3] = [
    ("10.1.0.2:2000", CandidateKind::Host, 2_130_706_431),
    ("10.2.0.2:2000", CandidateKind::Host, 2_130_706_175),
    ("192.0.2.7:3000", CandidateKind::Relay, 16_777_215),
];

struct Scene {
    network: Network<Bytes>,
    /// The controlled one.
    ours: Side,
    theirs: Nominator,
    now: Instant,
    /// How often each sends what is not STUN, by its route, where it does.
    media: Option<Duration>,
    next_media: Instant,
    links: [[Link; 3]; 3],
    /// Candidates of either, and when they are told to the other.
    to_us: Vec<(Instant, Candidate)>,
    to_them: Vec<(Instant, Candidate)>,
}

fn below(chance: &mut ChaCha20Rng, limit: u64) -> u64 {
    u64::from(chance.next_u32()) % limit
}

impl Scene {
    /// What one gathers, which pairs work, how long packets take and when candidates are told is chance.
    fn new(chance: &mut ChaCha20Rng, change: fn(&mut Config)) -> Self {
        let now = some_instant();
        let network = Network::new(u64::from(chance.next_u32()), Link::cut());
        let links: [[Link; 3]; 3] = std::array::from_fn(|one| {
            std::array::from_fn(|other| {
                let works = one == other || other == 2 || below(chance, 3) == 0;
                let delay = milliseconds(2 + below(chance, 80));
                let loss = Loss::Random(below(chance, 3) as f64 / 100.0);
                if works { Link { delay, loss, ..Link::default() } } else { Link::cut() }
            })
        });
        let mut config = Config::new([below(chance, 200) as u8; 32]);
        change(&mut config);
        let mut ours = Side::with(config, &OURS);
        ours.agent.set_controlling(false);
        ours.gather(now, None);
        let theirs = Nominator::new(now, &THEIRS.map(|(text, kind, priority)| (at(text), kind, priority)));
        let mut told = |candidate: Candidate| (now + milliseconds(below(chance, 400)), candidate);
        let to_us = theirs.candidates.iter().cloned().map(&mut told).collect();
        let to_them = ours.agent.local_candidates().map(told).collect();
        let mut scene =
            Self { network, ours, theirs, now, media: None, next_media: now, links, to_us, to_them };
        scene.join();
        scene.ours.agent.set_remote(now, scene.theirs.credentials.clone(), false);
        scene.theirs.set_remote(scene.ours.agent.local_credentials().clone());
        scene
    }

    /// Brings all paths in line with the links.
    fn join(&mut self) {
        for (one, links) in OURS.iter().zip(self.links) {
            for ((other, ..), link) in THEIRS.iter().zip(links) {
                self.network.set_link(at(one).ip(), at(other).ip(), link);
                self.network.set_link(at(other).ip(), at(one).ip(), link);
            }
        }
    }

    /// Cuts the path in use for a time, in both directions.
    fn stall(&mut self, time: Duration) {
        let Some((theirs, ours)) = self.theirs.route() else { return };
        for (from, to) in [(theirs.ip(), ours.ip()), (ours.ip(), theirs.ip())] {
            self.network.set_link(from, to, Link::cut());
        }
        self.pass(time);
        self.join();
    }

    /// Nothing gets through at all for a time.
    fn silence(&mut self, time: Duration) {
        let links = std::mem::replace(&mut self.links, [[Link::cut(); 3]; 3]);
        self.join();
        self.pass(time);
        self.links = links;
        self.join();
    }

    fn agrees(&self) -> bool {
        let ours = self.ours.agent.route().map(|(base, remote)| (remote, base.address));
        ours.is_some() && ours == self.theirs.route()
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.exchange();
            let told = self.to_us.iter().chain(&self.to_them).map(|(at, _)| *at);
            let timeouts = [self.ours.agent.poll_timeout(), self.theirs.next_timeout()];
            let media = self.media.map(|_| self.next_media);
            let all = timeouts.into_iter().flatten().chain(told).chain(self.network.next_arrival());
            match all.chain(media).min().filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
        }
        self.now = end;
    }

    fn exchange(&mut self) {
        let now = self.now;
        for (_, candidate) in self.to_us.extract_if(.., |(at, _)| *at <= now) {
            self.ours.agent.add_remote_candidate(now, &candidate).unwrap();
        }
        for (_, candidate) in self.to_them.extract_if(.., |(at, _)| *at <= now) {
            self.theirs.add_remote(now, &candidate);
        }
        self.ours.agent.handle_timeout(now);
        let packets = self.theirs.handle_timeout(now);
        self.send(packets);
        self.send_media();
        self.transmit();
        while let Some((from, to, contents)) = self.network.receive(now) {
            self.deliver(from, to, &contents);
            self.transmit();
        }
        while let Some(event) = self.ours.agent.poll_event() {
            self.ours.events.push((Duration::ZERO, event));
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, contents: &Bytes) {
        let (now, is_media) = (self.now, contents == MEDIA);
        if self.theirs.has(to) {
            let packets =
                if is_media { Vec::new() } else { self.theirs.handle_stun(now, from, to, contents) };
            self.send(packets);
        } else if !is_media {
            self.ours.agent.handle_stun(now, from, Base::udp(to), contents);
        } else if self.ours.agent.is_known(from, Base::udp(to)) {
            self.ours.agent.handle_traffic(now, from, Base::udp(to));
        }
    }

    fn send_media(&mut self) {
        let Some(interval) = self.media.filter(|_| self.next_media <= self.now) else { return };
        self.next_media = self.now + interval;
        let ours = self.ours.agent.route().map(|(base, remote)| (base.address, remote));
        for (from, to) in ours.into_iter().chain(self.theirs.route()) {
            self.network.send(self.now, from, to, Bytes::from_static(MEDIA));
        }
    }

    fn send(&mut self, packets: Vec<Packet>) {
        packets.into_iter().for_each(|(from, to, contents)| self.network.send(self.now, from, to, contents));
    }

    fn transmit(&mut self) {
        let mut out = BytesMut::new();
        while let Some(transmit) = self.ours.agent.poll_transmit(self.now, &mut out) {
            self.network.send(self.now, transmit.source, transmit.destination, out.split().freeze());
        }
    }

    /// How often another pair was selected so far.
    fn selections(&self) -> usize {
        let events = self.ours.events.iter();
        events.filter(|(_, event)| matches!(event, Event::Selected { .. })).count()
    }
}

fn media(chance: &mut ChaCha20Rng) -> Option<Duration> {
    [None, Some(milliseconds(20)), Some(milliseconds(50)), Some(milliseconds(700))][below(chance, 4) as usize]
}

fn stalls(seeds: std::ops::Range<u64>, change: fn(&mut Config)) {
    let only = std::env::var("PEERLESS_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        let mut chance = ChaCha20Rng::seed_from_u64(seed);
        let mut scene = Scene::new(&mut chance, change);
        scene.media = media(&mut chance);
        scene.pass(milliseconds(below(&mut chance, 1500)));
        for _ in 0..3 {
            // Some before the checks are over, some long after.
            let time = milliseconds(1500 + below(&mut chance, 4500));
            match below(&mut chance, 4) {
                0 => scene.silence(time),
                _ => scene.stall(time),
            }
            scene.pass(milliseconds(below(&mut chance, 20_000)));
        }
        scene.pass(seconds(40));
        let routes = (scene.ours.agent.state(), scene.ours.agent.route(), scene.theirs.route());
        assert!(scene.agrees() && routes.0 != IceState::Failed, "PEERLESS_SEED={seed}: {routes:?}");
        let before = scene.selections();
        scene.pass(seconds(60));
        let routes = (scene.ours.agent.route(), scene.theirs.route());
        assert!(
            scene.agrees() && scene.selections() == before,
            "PEERLESS_SEED={seed}: and stays: {routes:?}"
        );
    }
}

#[test]
fn a_stall_before_a_peer_that_nominates_all_pairs_ends_on_the_best_one() {
    stalls(0..150, |_| {});
}

#[test]
fn a_stall_before_a_peer_that_nominates_all_pairs_ends_on_the_best_one_where_gathering_goes_on() {
    stalls(1000..1150, |config| config.is_continual = true);
}

#[test]
fn a_lite_agent_comes_back_to_the_best_pair_of_a_peer_that_nominates_all() {
    stalls(2000..2150, |config| config.lite = true);
}
