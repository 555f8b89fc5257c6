//! Our side of a walk: a peer on one socket, which sends sound and pictures on whatever it may send on, and counts what it
//! gets.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use peerless_peer::Peer;
use peerless_peer::channel::Message;
use peerless_peer::config::Config;
use peerless_peer::event::Event;
use peerless_peer::id::{ChannelId, TransceiverId};
use peerless_peer::state::{DataChannelState, MediaKind};
use peerless_rtp::codec::{Codec, Format};
use peerless_rtp::frame::Frame;
use peerless_transport::datagram::{Datagram, Protocol};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A frame of sound is this long, one of pictures twice as long.
const TICK: Duration = Duration::from_millis(20);

/// The peer with the task that drives it, which ends with it.
pub struct Ours {
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

pub struct State {
    pub peer: Peer,
    address: SocketAddr,
    started: Instant,
    ticks: u32,
    leaving: VecDeque<(SocketAddr, BytesMut)>,
    out: BytesMut,
    /// No frames are sent for the moment.
    pub holds: bool,
    /// How many frames came for each transceiver, and of which of several encodings.
    pub received: BTreeMap<(TransceiverId, Option<String>), u64>,
    /// How often `negotiationneeded` was fired.
    pub needed: usize,
    /// The channels that are not closed, by label.
    pub channels: BTreeMap<String, ChannelId>,
    /// What came on any channel.
    pub messages: Vec<String>,
}

impl Ours {
    pub async fn new(seed: u64) -> Self {
        // The address by which the namespace's one route leaves.
        let probe = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        probe.connect("10.88.0.2:9").await.unwrap();
        let own = probe.local_addr().unwrap().ip();
        let socket = UdpSocket::bind((own, 0)).await.unwrap();
        let started = Instant::now();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let state = State {
            peer: Peer::new(Config::new(bytes, (started, SystemTime::now()))).unwrap(),
            address: socket.local_addr().unwrap(),
            started,
            ticks: 0,
            leaving: VecDeque::new(),
            out: BytesMut::with_capacity(65_536),
            holds: false,
            received: BTreeMap::new(),
            needed: 0,
            channels: BTreeMap::new(),
            messages: Vec::new(),
        };
        let (state, wake) = (Arc::new(Mutex::new(state)), Arc::new(Notify::new()));
        let task = tokio::spawn(drive(socket, state.clone(), wake.clone()));
        Self { state, wake, task }
    }

    /// Acts on the peer, and takes all that it then has to give.
    pub fn act<R>(&self, act: impl FnOnce(&mut State, Instant) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let result = act(&mut state, now);
        state.drain(now);
        drop(state);
        self.wake.notify_one();
        result
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn drive(socket: UdpSocket, state: Arc<Mutex<State>>, wake: Arc<Notify>) {
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let mut buffer = vec![0; 65_536];
    let mut ticker = tokio::time::interval(TICK);
    loop {
        let (leaving, timeout) = {
            let mut state = lock();
            let now = Instant::now();
            state.drain(now);
            let timeout = state.peer.poll_timeout().unwrap_or(now + Duration::from_secs(1));
            (std::mem::take(&mut state.leaving), timeout)
        };
        for (to, bytes) in leaving {
            // Where it cannot leave it is lost, as on any network.
            let _ = socket.send_to(&bytes, to).await;
        }
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                let Ok((size, source)) = received else { continue };
                let mut state = lock();
                let contents = BytesMut::from(&buffer[..size]);
                let destination = state.address;
                let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
                state.peer.handle_datagram(Instant::now(), datagram);
            }
            () = tokio::time::sleep_until(timeout.into()) => lock().peer.handle_timeout(Instant::now()),
            () = wake.notified() => {}
            _ = ticker.tick() => lock().send_frames(Instant::now()),
        }
    }
}

impl State {
    fn drain(&mut self, now: Instant) {
        while let Some(event) = self.peer.poll_event() {
            self.take_event(now, event);
        }
        while let Some(transmit) = self.peer.poll_transmit(now, &mut self.out) {
            let segment = transmit.segment_size.unwrap_or(transmit.size);
            for piece in self.out.chunks(segment) {
                self.leaving.push_back((transmit.destination, BytesMut::from(piece)));
            }
            self.out.clear();
        }
        while let Some((id, frame)) = self.peer.poll_frame() {
            let encoding = frame.rid.map(|rid| rid.to_string());
            *self.received.entry((id, encoding)).or_default() += 1;
        }
    }

    fn take_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Gather(link) => {
                self.peer.add_local_address(now, link, self.address);
                self.peer.finish_local_addresses(now, link);
            }
            Event::NegotiationNeeded => self.needed += 1,
            Event::DataChannel(id) => {
                let label = self.peer.channel(id).unwrap().label;
                self.channels.insert(label, id);
            }
            Event::ChannelState(id, DataChannelState::Closed) => self.channels.retain(|_, one| *one != id),
            Event::MessageArrived(id) => {
                while let Some(message) = self.peer.poll_message(now, id) {
                    self.messages.extend(message.as_text().map(str::to_owned));
                }
            }
            Event::DtlsFailed(_, failure) => panic!("{failure:?}"),
            _ => {}
        }
    }

    /// The frames of one tick on everything that may send.
    fn send_frames(&mut self, now: Instant) {
        self.ticks += 1;
        if self.holds {
            return;
        }
        for view in self.peer.transceivers() {
            let Some(sender) = self.peer.sender(view.id).filter(|sender| sender.can_send) else { continue };
            let Some(codec) = sender.codec else { continue };
            if view.kind == MediaKind::Video && self.ticks.is_multiple_of(2) {
                continue;
            }
            let frame = self.frame(&codec, now);
            // It may have ceased to be possible: that is looked at elsewhere.
            let _ = self.peer.send_frame(now, view.id, &frame);
        }
        self.drain(now);
    }

    fn frame(&self, codec: &Codec, now: Instant) -> Frame {
        let elapsed = (now - self.started).as_micros() as u64;
        let timestamp = (elapsed * u64::from(codec.clock_rate) / 1_000_000) as u32;
        let payload: &'static [u8] = match codec.format {
            // The beginning of a key frame (RFC 6386 §9.1): that packets arrive is all that is asked for.
            Format::Vp8 => &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0, 0x30, 0, 0, 0],
            Format::H264 { .. } => {
                b"\0\0\0\x01\x67\x42\xe0\x1f\x8c\x8d\x40\0\0\0\x01\x68\xce\x3c\x80\0\0\0\x01\x65\x88\x84"
            }
            // Silence (RFC 6716 §3.1).
            Format::Opus => &[0xf8, 0xff, 0xfe],
            _ => &[0xff; 160],
        };
        Frame { captured: Some(now), ..Frame::new(codec.format, timestamp, true, payload.into()) }
    }

    /// Sends a text on each channel that is open; the page sends it back.
    pub fn send_messages(&mut self, now: Instant, text: &str) -> usize {
        let open: Vec<ChannelId> = self
            .channels
            .values()
            .copied()
            .filter(|id| {
                self.peer.channel(*id).is_some_and(|view| view.ready_state == DataChannelState::Open)
            })
            .collect();
        for id in &open {
            self.peer.send_message(now, *id, Message::Text(text.to_owned())).unwrap();
        }
        open.len()
    }
}
