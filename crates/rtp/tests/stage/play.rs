//! Two sessions, a simulated network between them, and a camera and a microphone at one of them, all in virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Network};
use peerless_rtp::config::SendConfig;
use peerless_rtp::frame::Frame;
use peerless_rtp::session::{Event, PacketKind, Session};
use peerless_rtp::stats::InboundStats;
use peerless_wire::rtcp::{Packet, parse_compound};
use peerless_wire::rtp::{Header, Mid};

use crate::stage::material::{
    AUDIO, MS, extensions, grows, mid, number, opus, picture, receive, send_video, session, sound, start, vp8,
};

/// A packet on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    pub kind: PacketKind,
    pub bytes: Bytes,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// One end and what it did.
pub struct End {
    pub session: Session,
    address: SocketAddr,
    pub frames: Vec<(Instant, Mid, Frame)>,
    pub events: Vec<Event>,
    /// All that it sent, lost or not.
    pub sent: Vec<(Instant, Sent)>,
    /// All that reached it.
    pub received: Vec<Sent>,
}

/// Two ends and the network.
pub struct Stage {
    pub now: Instant,
    pub start: Instant,
    pub a: End,
    pub b: End,
    pub network: Network<Sent>,
    /// Frames given so far.
    pub pictures: u32,
    pub sounds: u32,
    /// Whether the encoder obeys requests for key frames.
    pub gives_keys: bool,
    key_wanted: bool,
    pub picture_len: usize,
    pub key_len: usize,
    /// How long pictures take from the camera to the session.
    pub camera_delay: Duration,
}

impl End {
    fn new(session: Session, address: &str) -> Self {
        let address = address.parse().unwrap();
        Self {
            session,
            address,
            frames: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Takes all it has to give at `now`.
    fn drain(&mut self, now: Instant, peer: SocketAddr, network: &mut Network<Sent>) {
        let mut out = BytesMut::new();
        while let Some(kind) = self.session.poll_packet(now, &mut out) {
            let sent = Sent { kind, bytes: out.split().freeze() };
            assert!(sent.bytes.len() <= 1200, "{} bytes", sent.bytes.len());
            network.send(now, self.address, peer, sent.clone());
            self.sent.push((now, sent));
        }
        assert!(out.is_empty());
        while let Some((mid, frame)) = self.session.poll_frame() {
            self.frames.push((now, mid, frame));
        }
        while let Some(event) = self.session.poll_event() {
            self.events.push(event);
        }
    }

    fn take(&mut self, now: Instant, sent: Sent) {
        self.received.push(sent.clone());
        match sent.kind {
            PacketKind::Rtp => self.session.handle_rtp(now, sent.bytes),
            PacketKind::Rtcp => self.session.handle_rtcp(now, sent.bytes),
        }
    }

    /// The control packets it sent, with the time of each.
    pub fn control(&self) -> Vec<(Instant, Packet)> {
        let compounds = self.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtcp);
        let parse = |bytes: &Bytes| parse_compound(bytes).map(Result::unwrap).collect::<Vec<_>>();
        compounds.flat_map(|(at, sent)| parse(&sent.bytes).into_iter().map(|packet| (*at, packet))).collect()
    }

    /// The headers of the media packets it sent, with the time and size of each.
    pub fn media(&self) -> Vec<(Instant, Header, usize)> {
        let packets = self.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtp);
        packets.map(|(at, sent)| (*at, Header::parse(&sent.bytes).unwrap().0, sent.bytes.len())).collect()
    }

    /// The numbers of the frames of a section that it gave.
    pub fn numbers(&self, mid: &str) -> Vec<u32> {
        self.frames_of(mid).map(|frame| number(&frame.payload)).collect()
    }

    /// The frames of a section that it gave.
    pub fn frames_of(&self, mid: &str) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(move |(_, section, _)| section.as_str() == mid).map(|(_, _, frame)| frame)
    }

    /// The counts of what it received of a section.
    pub fn inbound(&self, mid: &str) -> InboundStats {
        self.session.stats().inbound.into_iter().find(|stream| stream.mid.as_str() == mid).unwrap()
    }
}

impl Stage {
    /// Video in section "v" and sound in "a" from A to B, which has learnt nothing of their sources.
    pub fn new(seed: u64, link: Link) -> Self {
        let start = start();
        let mut stage = Self::empty(seed, link, start);
        stage.a.session.set_sender(start, &mid("v"), Some(send_video(vp8())));
        let mut audio = SendConfig::new(opus(), AUDIO);
        (audio.extensions, audio.reduced_size) = (extensions(), true);
        stage.a.session.set_sender(start, &mid("a"), Some(audio));
        stage.b.session.set_receiver(start, &mid("v"), Some(receive(vp8())));
        stage.b.session.set_receiver(start, &mid("a"), Some(receive(opus())));
        stage
    }

    /// Two sessions that neither send nor receive.
    pub fn empty(seed: u64, link: Link, start: Instant) -> Self {
        let salt = seed as u8 & 0x3f;
        Self {
            now: start,
            start,
            a: End::new(session(salt, start, Duration::ZERO), "10.0.0.1:1000"),
            b: End::new(session(0x80 | salt, start, 12345 * MS), "10.0.0.2:2000"),
            network: Network::new(seed, link),
            pictures: 0,
            sounds: 0,
            gives_keys: true,
            key_wanted: false,
            picture_len: 6000,
            key_len: 30_000,
            camera_delay: Duration::ZERO,
        }
    }

    /// Lets both ends and the network do what is due now.
    pub fn settle(&mut self) {
        let (a, b) = (self.a.address, self.b.address);
        for turn in 0.. {
            assert!(turn < 1000, "the ends do not come to rest");
            self.a.session.handle_timeout(self.now);
            self.b.session.handle_timeout(self.now);
            self.a.drain(self.now, b, &mut self.network);
            self.b.drain(self.now, a, &mut self.network);
            let Some((_, to, sent)) = self.network.receive(self.now) else { break };
            if to == a { &mut self.a } else { &mut self.b }.take(self.now, sent);
        }
        for event in &self.a.events {
            self.key_wanted |= matches!(event, Event::KeyFrameRequested(..));
        }
    }

    /// Runs without new frames until `until` after the start.
    pub fn idle_until(&mut self, until: Duration) {
        let until = self.start + until;
        for step in 0.. {
            assert!(step < 1_000_000, "time does not pass");
            self.settle();
            let ends = [&self.a, &self.b].into_iter().filter_map(|end| end.session.poll_timeout());
            let next = ends.chain(self.network.next_arrival()).min();
            // What is due now was just done; if an end still wants it, a millisecond must pass.
            let next = next.map_or(until, |next| if next <= self.now { self.now + MS } else { next });
            if next >= until {
                break;
            }
            self.now = next;
        }
        self.now = until;
        self.settle();
    }

    /// Runs until `until` after the start, with 25 pictures and 50 sounds a second from A.
    pub fn run_until(&mut self, until: Duration) {
        loop {
            let picture = 40 * MS * self.pictures;
            let sound = 20 * MS * self.sounds;
            let next = picture.min(sound);
            if next >= until {
                return self.idle_until(until);
            }
            self.idle_until(next);
            if picture == next {
                self.give_picture();
            }
            if sound == next {
                self.give_sound();
            }
            self.settle();
        }
    }

    /// A gives its next picture: a key frame if it is the first or one was asked for.
    pub fn give_picture(&mut self) {
        let key = self.pictures == 0 || self.gives_keys && std::mem::take(&mut self.key_wanted);
        if key {
            self.a.events.retain(|event| !matches!(event, Event::KeyFrameRequested(..)));
        }
        let len = if key { self.key_len } else { self.picture_len };
        let captured = self.now.checked_sub(self.camera_delay).unwrap();
        let frame = picture(self.pictures, key, len, captured);
        self.a.session.send_frame(self.now, &mid("v"), &frame).unwrap();
        self.pictures += 1;
    }

    /// A gives its next 20 ms of sound.
    pub fn give_sound(&mut self) {
        let frame = sound(self.sounds, self.now);
        self.a.session.send_frame(self.now, &mid("a"), &frame).unwrap();
        self.sounds += 1;
    }

    /// No frame that B gave is there twice or out of order, each is what was sent, and a picture follows its
    /// predecessor or is a key frame.
    pub fn assert_decodable(&self) {
        assert!(grows(&self.b.numbers("v")) && grows(&self.b.numbers("a")));
        let mut last = None;
        for frame in self.b.frames_of("v") {
            let number = number(&frame.payload);
            let expected = if frame.key { self.key_len } else { self.picture_len };
            assert_eq!(frame.payload.len(), expected);
            assert!(frame.payload[5..].iter().all(|byte| *byte == number as u8));
            assert!(frame.key || last == Some(number - 1), "frame {number} after {last:?}");
            last = Some(number);
        }
        for frame in self.b.frames_of("a") {
            assert_eq!(frame.payload, sound(number(&frame.payload), self.now).payload);
        }
    }
}
