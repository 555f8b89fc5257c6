//! An RTP session that sends and receives, given packets as they come out of SRTP: any bytes, and packets of its own
//! streams whose payload only is made up. The input is a list of orders, see `obey`.
#![no_main]

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use peerless_rtp::codec::{Codec, Feedback, Format};
use peerless_rtp::config::{Config, ReceiveConfig, SendConfig};
use peerless_rtp::frame::Frame;
use peerless_rtp::payload::MAX_FRAME_LEN;
use peerless_rtp::session::Session;
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Mid, PayloadType, Ssrc};

fuzz_target!(|data: &[u8]| {
    let mut stage = Stage::new();
    let mut rest = data;
    for _ in 0..MAX_ORDERS {
        let [order, argument, tail @ ..] = rest else { break };
        rest = stage.obey(*order, *argument, tail);
        stage.drain();
    }
    stage.pass(Duration::from_secs(2));
    stage.session.close(stage.now);
    stage.drain();
});

struct Stage {
    session: Session,
    now: Instant,
    out: BytesMut,
    sequence: u16,
    timestamp: u32,
}

impl Stage {
    fn new() -> Self {
        let now = *START.get_or_init(Instant::now);
        let epoch = (now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let mut config = Config::new("fuzz", [7; 32], epoch);
        config.diagnostics = true;
        let mut session = Session::new(config);
        let extensions = ExtensionMap::from_iter((1..).zip(ExtensionKind::ALL));
        for (mid, formats) in [("a", &FORMATS[..2]), ("v", &FORMATS[2..])] {
            let codecs: Vec<_> = formats.iter().map(|(number, format)| codec(*number, *format)).collect();
            let ssrc = u32::from(mid.as_bytes()[0]);
            let mut send = SendConfig::new(codecs[0].clone(), Ssrc(ssrc));
            send.rtx_ssrc = Some(Ssrc(ssrc + 1000));
            send.extensions = extensions.clone();
            send.reduced_size = true;
            session.set_sender(now, &Mid::new(mid), Some(send));
            let mut receive = ReceiveConfig::new(codecs);
            receive.extensions = extensions.clone();
            receive.reduced_size = true;
            session.set_receiver(now, &Mid::new(mid), Some(receive));
        }
        Self { session, now, out: BytesMut::new(), sequence: 0, timestamp: 0 }
    }

    /// Does what `order` says with `argument` and the bytes behind; gives what is left.
    fn obey<'a>(&mut self, order: u8, argument: u8, rest: &'a [u8]) -> &'a [u8] {
        let (taken, left) = rest.split_at(usize::from(argument).min(rest.len()));
        match order % 6 {
            0 => self.session.handle_rtp(self.now, Bytes::copy_from_slice(taken)),
            1 => self.session.handle_rtcp(self.now, Bytes::copy_from_slice(taken)),
            2 => {
                self.pass(Duration::from_millis(u64::from(argument) * 4));
                return rest;
            }
            3 => {
                self.send(argument);
                return rest;
            }
            _ => {
                if let [how, payload @ ..] = taken {
                    self.receive(*how, payload);
                }
            }
        }
        left
    }

    /// A packet of one of four streams: `how` chooses it, its marker, how far its number and its timestamp go on.
    fn receive(&mut self, how: u8, payload: &[u8]) {
        let (stream, marker) = (usize::from(how & 3), (how & 4) << 5);
        self.sequence = self.sequence.wrapping_add([1, 2, 0, 65_534][usize::from(how >> 3 & 3)]);
        self.timestamp = self.timestamp.wrapping_add(if how & 0x20 == 0 { 0 } else { 3000 });
        let mut packet = vec![0x80, marker | FORMATS[stream].0];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&[9, 9, 9, stream as u8]);
        packet.extend_from_slice(payload);
        self.session.handle_rtp(self.now, packet.into());
    }

    fn send(&mut self, argument: u8) {
        let (mid, (_, format)) = [("a", FORMATS[0]), ("v", FORMATS[2])][usize::from(argument & 1)];
        let payload = Bytes::from(vec![0x10; usize::from(argument) * 20]);
        let timestamp = self.timestamp;
        let frame = Frame { captured: Some(self.now), ..Frame::new(format, timestamp, true, payload) };
        let _ = self.session.send_frame(self.now, &Mid::new(mid), &frame);
    }

    /// Lets time go by, with all its timeouts.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.session.handle_timeout(self.now);
            self.drain();
            steps += 1;
            assert!(steps < 100_000, "time stands still");
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while self.session.poll_packet(self.now, &mut self.out).is_some() {
            assert!((1..=1200).contains(&self.out.len()), "a packet of {} bytes", self.out.len());
            self.out.clear();
        }
        while let Some((_, frame)) = self.session.poll_frame() {
            assert!((1..=MAX_FRAME_LEN).contains(&frame.payload.len()));
        }
        while self.session.poll_event().is_some() {}
    }
}

fn codec(number: u8, format: Format) -> Codec {
    let is_video = format.is_video();
    Codec {
        format,
        payload_type: PayloadType::from_low_bits(number),
        clock_rate: if is_video { 90_000 } else { 48_000 },
        channels: if is_video { 1 } else { 2 },
        parameters: String::new(),
        rtx: is_video.then(|| PayloadType::from_low_bits(number + 1)),
        feedback: Feedback { nack: true, pli: true, fir: true, transport_cc: true, remb: true },
    }
}

static START: OnceLock<Instant> = OnceLock::new();
const MAX_ORDERS: usize = 200;
const FORMATS: [(u8, Format); 4] = [
    (111, Format::Opus),
    (0, Format::Pcmu),
    (96, Format::Vp8),
    (102, Format::H264 { packetization_mode: 1, profile_level_id: 0x42_e01f }),
];
