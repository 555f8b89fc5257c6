//! Two peers that connect in virtual time, while the input says what becomes of each datagram between them: it may be
//! lost, doubled, held back, altered, cut, or joined by one that is made up.
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use peerless_peer::Peer;
use peerless_peer::config::Config;
use peerless_peer::event::Event;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{ConnectionState, MediaKind};
use peerless_peer::transceiver::TrackInit;
use peerless_rtp::codec::Format;
use peerless_rtp::frame::Frame;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Datagram, Protocol};

fuzz_target!(|data: &[u8]| {
    let mut stage = Stage::new(data);
    stage.negotiate();
    for _ in 0..MAX_ROUNDS {
        stage.round();
    }
    let is_connected = |peer: &Peer| peer.connection_state() == ConnectionState::Connected;
    assert!(
        !data.is_empty() || stage.peers.iter().all(is_connected) && stage.frames > 2,
        "undisturbed, they connect"
    );
    let now = stage.now;
    stage.peers.iter_mut().for_each(|peer| peer.close(now));
    stage.exchange();
});

struct Stage<'a> {
    script: &'a [u8],
    now: Instant,
    peers: [Peer; 2],
    tracks: [TransceiverId; 2],
    held: VecDeque<(usize, BytesMut)>,
    out: BytesMut,
    /// How many frames arrived.
    frames: usize,
}

impl<'a> Stage<'a> {
    fn new(script: &'a [u8]) -> Self {
        let mut peers = [0, 1].map(|side| Peer::new(config(side)).expect("the configuration is good"));
        let tracks = peers.each_mut().map(|peer| {
            let track = TrackInit { id: "t".to_owned(), stream_ids: vec!["s".to_owned()] };
            peer.add_track(MediaKind::Video, track).expect("a new peer takes tracks")
        });
        Self { script, now: moment(), peers, tracks, held: VecDeque::new(), out: BytesMut::new(), frames: 0 }
    }

    fn negotiate(&mut self) {
        let now = self.now;
        for side in [0, 1] {
            self.peers[side].set_local_description(now, None).expect("its own description");
            self.gather(side);
            let description = self.peers[side].local_description().expect("it has one");
            self.peers[1 - side].set_remote_description(now, description).expect("a peer's description");
        }
    }

    fn gather(&mut self, side: usize) {
        while let Some(event) = self.peers[side].poll_event() {
            if let Event::Gather(transport) = event {
                self.peers[side].add_local_address(self.now, transport, address(side));
                self.peers[side].finish_local_addresses(self.now, transport);
            }
        }
    }

    /// Carries what there is to carry and lets the next timeout come.
    fn round(&mut self) {
        self.exchange();
        for side in [0, 1] {
            let payload = Bytes::from_static(&[0x10; 3000]);
            let (format, captured) = (Format::Vp8, Some(self.now));
            let frame = Frame { captured, ..Frame::new(format, 0, true, payload) };
            let _ = self.peers[side].send_frame(self.now, self.tracks[side], &frame);
        }
        let next = self.peers.iter().filter_map(Peer::poll_timeout).min();
        self.now = next.unwrap_or(self.now).max(self.now + Duration::from_millis(1));
        for peer in &mut self.peers {
            peer.handle_timeout(self.now);
        }
    }

    fn exchange(&mut self) {
        for side in [0, 1] {
            self.gather(side);
            self.frames += std::iter::from_fn(|| self.peers[side].poll_frame()).count();
            while let Some(transmit) = self.peers[side].poll_transmit(self.now, &mut self.out) {
                assert_eq!(transmit.size, self.out.len());
                let batch = self.out.split();
                for piece in batch.chunks(transmit.segment_size.unwrap_or(transmit.size).max(1)) {
                    self.carry(1 - side, piece);
                }
            }
        }
    }

    /// What the script says of this datagram; without script it arrives.
    fn carry(&mut self, to: usize, datagram: &[u8]) {
        let order = self.next();
        let mut contents = BytesMut::from(datagram);
        match order {
            1..=9 => return,
            10..=19 => self.deliver(to, BytesMut::from(datagram)),
            20..=29 => return self.held.push_back((to, contents)),
            30..=59 => {
                let (at, byte) = (usize::from(self.next()), self.next());
                let len = contents.len();
                contents[at % len] ^= byte;
            }
            60..=79 => contents.truncate(usize::from(self.next())),
            80..=109 => {
                let len = usize::from(self.next());
                let (made_up, rest) = self.script.split_at(len.min(self.script.len()));
                self.script = rest;
                self.deliver(to, BytesMut::from(made_up));
            }
            110..=119 => {
                if let Some((to, contents)) = self.held.pop_front() {
                    self.deliver(to, contents);
                }
            }
            _ => {}
        }
        self.deliver(to, contents);
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.script.split_first() else { return 0 };
        self.script = rest;
        *first
    }

    fn deliver(&mut self, to: usize, contents: BytesMut) {
        let (source, destination, protocol, ecn) = (address(1 - to), address(to), Protocol::Udp, None);
        self.peers[to].handle_datagram(self.now, Datagram { source, destination, protocol, ecn, contents });
    }
}

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, side as u8 + 1], 5000))
}

fn moment() -> Instant {
    static MOMENT: OnceLock<Instant> = OnceLock::new();
    *MOMENT.get_or_init(Instant::now)
}

fn config(side: usize) -> Config {
    static CERTIFICATES: OnceLock<[Arc<Certificate>; 2]> = OnceLock::new();
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let make = || Arc::new(Certificate::generate(wall).expect("a certificate"));
    let mut config = Config::new([side as u8 + 1; 32], (moment(), wall));
    config.certificates = vec![CERTIFICATES.get_or_init(|| [make(), make()])[side].clone()];
    config.simulation = true;
    config
}

const MAX_ROUNDS: usize = 60;
