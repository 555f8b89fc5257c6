//! Several encodings of one media section, sent and received (RFC 8853, RFC 8852).

mod stage;

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Loss};
use peerless_rtp::config::{ReceiveConfig, SendConfig};
use peerless_rtp::frame::Frame;
use peerless_rtp::session::{Event, PacketKind, SendError};
use peerless_rtp::stats::{InboundStats, OutboundStats};
use peerless_wire::rtcp::{Goodbye, Packet, PictureLoss, Remb};
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Header, Packet as RtpPacket, Rid, Ssrc};
use stage::*;

const RIDS: [&str; 3] = ["q", "h", "f"];

fn rid(text: &str) -> Rid {
    Rid::new(text)
}

fn source(index: usize) -> Ssrc {
    Ssrc(0x2222_0000 + 2 * index as u32)
}

fn named_extensions() -> ExtensionMap {
    let mut map = extensions();
    assert!(map.insert(9, ExtensionKind::Rid) && map.insert(10, ExtensionKind::RepairedRid));
    map
}

fn encoding(index: usize) -> SendConfig {
    let mut config = SendConfig::new(vp8(), source(index));
    config.rtx_ssrc = Some(Ssrc(source(index).0 + 1));
    config.extensions = named_extensions();
    config.reduced_size = true;
    config.rid = Some(rid(RIDS[index]));
    config
}

fn all() -> Vec<SendConfig> {
    (0..3).map(encoding).collect()
}

fn receive_all() -> ReceiveConfig {
    let mut config = receive(vp8());
    config.extensions = named_extensions();
    config.rids = RIDS.map(rid).to_vec();
    config
}

/// A sends three encodings in section "s", and B knows of their sources what their packets say.
struct Layers {
    stage: Stage,
    /// How many pictures each has given, of what size, and whether the next is a key frame.
    given: [u32; 3],
    wants_key: [bool; 3],
    events: usize,
}

const SIZES: [usize; 3] = [1500, 4000, 9000];

impl Layers {
    fn new(seed: u64, link: Link) -> Self {
        let mut stage = Stage::empty(seed, link, start());
        let now = stage.now;
        stage.a.session.set_encodings(now, &mid("s"), all());
        stage.b.session.set_receiver(now, &mid("s"), Some(receive_all()));
        Self { stage, given: [0; 3], wants_key: [true; 3], events: 0 }
    }

    /// One picture of each encoding, every 40 ms, until then; those that are refused are not given.
    fn run_until(&mut self, until: std::time::Duration) {
        let until = self.stage.start + until;
        while self.stage.now < until {
            for index in 0..3 {
                let _ = self.give(index);
            }
            let next = (self.stage.now + 40 * MS).min(until);
            self.stage.idle_until(next - self.stage.start);
            self.heed();
        }
    }

    fn heed(&mut self) {
        let news = self.stage.a.events[self.events..].iter();
        for event in news {
            if let Event::KeyFrameRequested(_, Some(name)) = event {
                let index = RIDS.iter().position(|known| rid(known) == *name).unwrap();
                self.wants_key[index] = true;
            }
        }
        self.events = self.stage.a.events.len();
    }

    fn give(&mut self, index: usize) -> Result<(), SendError> {
        let key = self.wants_key[index];
        let number = self.given[index];
        let frame = picture(number, key, SIZES[index] * if key { 3 } else { 1 }, self.stage.now);
        let frame = Frame { rid: Some(rid(RIDS[index])), ..frame };
        self.stage.a.session.send_frame(self.stage.now, &mid("s"), &frame)?;
        self.given[index] += 1;
        self.wants_key[index] = false;
        Ok(())
    }

    fn frames(&self, index: usize) -> impl Iterator<Item = &Frame> {
        self.stage.b.frames_of("s").filter(move |frame| frame.rid == Some(rid(RIDS[index])))
    }

    /// Each encoding's pictures are its own, whole, in order, and can be decoded; how many there are.
    fn check(&self) -> [usize; 3] {
        assert!(self.stage.b.frames.iter().all(|(_, _, frame)| frame.rid.is_some()));
        [0, 1, 2].map(|index| {
            let mut last = None;
            for frame in self.frames(index) {
                let number = number(&frame.payload);
                let size = SIZES[index] * if frame.key { 3 } else { 1 };
                assert_eq!(frame.payload.len(), size, "{} {number}", RIDS[index]);
                assert!(frame.key || last == Some(number - 1), "{} {number} after {last:?}", RIDS[index]);
                last = Some(number);
            }
            self.frames(index).count()
        })
    }

    fn sent(&self, ssrc: Ssrc) -> Vec<(std::time::Instant, RtpPacket)> {
        let media = self.stage.a.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtp);
        let packets =
            media.map(|(at, sent)| (*at, RtpPacket::parse(sent.bytes.clone(), &named_extensions()).unwrap()));
        packets.filter(|(_, packet)| packet.header.ssrc == ssrc).collect()
    }

    fn outbound(&self, index: usize) -> OutboundStats {
        self.stage.a.session.stats().outbound.remove(index)
    }

    fn inbound(&self, index: usize) -> InboundStats {
        let mut inbound = self.stage.b.session.stats().inbound.into_iter();
        inbound.find(|stream| stream.rid == Some(rid(RIDS[index]))).unwrap()
    }
}

fn written(packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    packet.write(&mut out);
    out.freeze()
}

#[test]
fn three_encodings_arrive_as_three_over_a_lossy_path() {
    let link = Link { delay: 20 * MS, jitter: 10 * MS, loss: Loss::Random(0.05), ..Link::default() };
    let mut layers = Layers::new(1, link);
    layers.run_until(20 * SECOND);
    let given = layers.given;
    layers.stage.idle_until(24 * SECOND);
    let arrived = layers.check();
    for (index, count) in arrived.into_iter().enumerate() {
        assert!(count as u32 * 100 >= given[index] * 97, "{count} of {} of {}", given[index], RIDS[index]);
        let (outbound, inbound) = (layers.outbound(index), layers.inbound(index));
        assert_eq!((outbound.rid.unwrap().as_str(), outbound.ssrc), (RIDS[index], source(index)));
        assert!(inbound.retransmitted_packets > 0 && outbound.nacks > 0, "{inbound:?}");
        assert_eq!(inbound.ssrc, source(index));
        assert!(outbound.remote.is_some());
    }
}

#[test]
fn packets_name_their_encoding_until_the_remote_reports_on_them() {
    let mut layers = Layers::new(2, Link { delay: 20 * MS, loss: Loss::Random(0.1), ..Link::default() });
    layers.run_until(10 * SECOND);
    for (index, name) in RIDS.iter().enumerate() {
        let media = layers.sent(source(index));
        let first = &media[0].1.header.extensions;
        assert_eq!((first.rid.unwrap().as_str(), first.repaired_rid), (*name, None));
        let last = &media[media.len() - 1].1.header.extensions;
        assert_eq!((last.mid, last.rid, last.repaired_rid), (None, None, None));
        let again = layers.sent(Ssrc(source(index).0 + 1));
        let first = &again[0].1.header.extensions;
        assert_eq!((first.rid, first.repaired_rid.unwrap().as_str()), (None, *name));
        assert!(again.last().unwrap().1.header.extensions.repaired_rid.is_none());
    }
}

#[test]
fn one_that_is_not_active_any_more_sends_not_one_packet_and_begins_again_with_a_key_frame() {
    let mut layers = Layers::new(3, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(5 * SECOND);
    // A large picture is on its way out when it ends.
    layers.give(2).unwrap();
    let mut configs = all();
    configs[2].active = false;
    let now = layers.stage.now;
    layers.stage.a.session.set_encodings(now, &mid("s"), configs);
    let before = layers.sent(source(2)).len();
    assert_eq!(layers.give(2), Err(SendError::Inactive));
    let counts = layers.check();
    // Nobody needs to be asked for what is not sent.
    let loss = written(&Packet::PictureLoss(PictureLoss { sender: Ssrc(9), media: source(2) }));
    layers.stage.a.session.handle_rtcp(now, loss);
    layers.run_until(10 * SECOND);
    assert_eq!(layers.sent(source(2)).len(), before);
    assert!(!layers.outbound(2).active && layers.outbound(1).active);
    let later = layers.check();
    assert!(later[0] > counts[0] + 100 && later[1] > counts[1] + 100, "{later:?} after {counts:?}");
    let now = layers.stage.now;
    layers.stage.a.session.set_encodings(now, &mid("s"), all());
    layers.stage.settle();
    layers.heed();
    assert_eq!(layers.wants_key, [false, false, true]);
    let first_again = layers.given[2];
    layers.run_until(12 * SECOND);
    let numbers: Vec<u32> = layers.frames(2).map(|frame| number(&frame.payload)).collect();
    assert!(numbers.contains(&first_again), "{first_again} of {numbers:?}");
    assert!(layers.check()[2] > later[2] + 40);
    // Its numbers went on.
    let packets = layers.sent(source(2));
    let gaps =
        packets.windows(2).filter(|pair| pair[1].1.header.sequence.since(pair[0].1.header.sequence) != 1);
    assert_eq!(gaps.count(), 0);
}

#[test]
fn a_request_for_a_key_frame_is_for_the_encoding_of_its_source() {
    let mut layers = Layers::new(4, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(2 * SECOND);
    let now = layers.stage.now;
    layers.stage.b.session.request_key_frame(now, &mid("s"), Some(&rid("h")));
    layers.stage.idle_until(2100 * MS);
    layers.heed();
    assert_eq!(layers.wants_key, [false, true, false]);
    assert_eq!([0, 1, 2].map(|index| layers.outbound(index).plis), [0, 1, 0]);
    let now = layers.stage.now;
    layers.stage.b.session.request_key_frame(now, &mid("s"), None);
    layers.stage.idle_until(2500 * MS);
    layers.heed();
    // The one that was asked before still owes its key frame.
    assert_eq!(layers.wants_key, [true; 3]);
}

#[test]
fn a_bitrate_is_shared_by_shares_and_limits_among_those_that_send() {
    let mut layers = Layers::new(5, Link::default());
    let (section, now) = (mid("s"), layers.stage.now);
    let configure = |most: Option<u64>, active: bool| {
        let mut configs = all();
        (configs[0].share, configs[1].share, configs[2].share) = (1, 2, 4);
        configs[0].max_bitrate = most;
        configs[2].active = active;
        configs
    };
    let targets =
        |layers: &Layers| RIDS.map(|name| layers.stage.a.session.target_bitrate(&section, Some(&rid(name))));
    layers.stage.a.session.set_encodings(now, &section, configure(None, true));
    assert_eq!(targets(&layers), [None; 3]);
    let remb = Remb { sender: Ssrc(9), bitrate: 700_000, ssrcs: (0..3).map(source).collect() };
    layers.stage.a.session.handle_rtcp(now, written(&Packet::Remb(remb)));
    assert_eq!(targets(&layers), [Some(100_000), Some(200_000), Some(400_000)]);
    layers.stage.a.session.set_encodings(now, &section, configure(Some(40_000), true));
    assert_eq!(targets(&layers), [Some(40_000), Some(220_000), Some(440_000)]);
    layers.stage.a.session.set_encodings(now, &section, configure(Some(40_000), false));
    assert_eq!(targets(&layers), [Some(40_000), Some(660_000), None]);
}

#[test]
fn a_limit_is_a_target_without_a_word_of_the_remote() {
    let mut layers = Layers::new(6, Link::default());
    let (section, now) = (mid("s"), layers.stage.now);
    let mut configs = all();
    configs[1].max_bitrate = Some(300_000);
    layers.stage.a.session.set_encodings(now, &section, configs);
    let target = |name: &str| layers.stage.a.session.target_bitrate(&section, Some(&rid(name)));
    assert_eq!((target("q"), target("h"), target("x")), (None, Some(300_000), None));
}

#[test]
fn those_that_are_taken_away_say_goodbye_and_the_others_go_on() {
    let mut layers = Layers::new(7, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(2 * SECOND);
    let now = layers.stage.now;
    layers.stage.a.session.set_encodings(now, &mid("s"), vec![encoding(1)]);
    layers.run_until(3 * SECOND);
    let said: Vec<Ssrc> = (layers.stage.a.control().into_iter())
        .filter_map(|(_, packet)| match packet {
            Packet::Goodbye(goodbye) => Some(goodbye.ssrcs),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(said.contains(&source(0)) && said.contains(&source(2)) && !said.contains(&source(1)), "{said:?}");
    assert_eq!(layers.given[0], layers.given[2]);
    assert!(layers.given[1] > layers.given[0] + 20);
    layers.check();
    let named = Frame { rid: Some(rid("f")), ..picture(0, true, 100, layers.stage.now) };
    let error = layers.stage.a.session.send_frame(layers.stage.now, &mid("s"), &named);
    assert_eq!(error, Err(SendError::NoEncoding(mid("s"), rid("f"))));
}

#[test]
fn a_frame_without_a_name_is_for_the_first_encoding() {
    let mut layers = Layers::new(8, Link::default());
    let now = layers.stage.now;
    layers.stage.a.session.send_frame(now, &mid("s"), &picture(0, true, 500, now)).unwrap();
    layers.stage.idle_until(SECOND);
    let names: Vec<_> = layers.stage.b.frames_of("s").map(|frame| frame.rid.clone()).collect();
    assert_eq!(names, [Some(rid("q"))]);
}

#[test]
fn sources_that_name_no_encoding_or_an_unknown_one_are_not_taken() {
    let mut layers = Layers::new(9, Link::default());
    let now = layers.stage.now;
    let mut configs = all();
    configs[0].rid = None;
    configs[1].rid = Some(rid("x"));
    layers.stage.a.session.set_encodings(now, &mid("s"), configs);
    for name in [None, Some(rid("x")), Some(rid("f"))] {
        let frame = Frame { rid: name, ..picture(0, true, 500, now) };
        layers.stage.a.session.send_frame(now, &mid("s"), &frame).unwrap();
    }
    layers.stage.idle_until(SECOND);
    let stats = layers.stage.b.session.stats();
    assert_eq!(stats.inbound.len(), 1);
    assert_eq!(stats.inbound[0].rid, Some(rid("f")));
    assert!(stats.unroutable >= 2, "{}", stats.unroutable);
}

#[test]
fn an_encoding_moves_to_another_source_and_leaves_none_behind() {
    let mut layers = Layers::new(10, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(SECOND);
    for turn in 0..200_u32 {
        let mut config = encoding(0);
        config.ssrc = Ssrc(0x4444_0000 + turn);
        config.rtx_ssrc = None;
        let now = layers.stage.now;
        layers.stage.a.session.set_encodings(now, &mid("s"), vec![config]);
        let frame = Frame { rid: Some(rid("q")), ..picture(turn, true, 500, now) };
        layers.stage.a.session.send_frame(now, &mid("s"), &frame).unwrap();
        let now = layers.stage.now - layers.stage.start;
        layers.stage.idle_until(now + SECOND);
        let inbound = layers.stage.b.session.stats().inbound;
        assert!(inbound.iter().filter(|stream| stream.rid == Some(rid("q"))).count() <= 1, "{turn}");
    }
    let last = layers.stage.b.frames_of("s").last().unwrap();
    assert_eq!(number(&last.payload), 199);
}

#[test]
fn where_encodings_have_no_names_any_more_frames_have_none() {
    let mut layers = Layers::new(12, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(2 * SECOND);
    assert!(layers.frames(0).count() > 0);
    let (now, before) = (layers.stage.now, layers.stage.b.frames.len());
    let mut plain = encoding(0);
    (plain.rid, plain.extensions) = (None, extensions());
    layers.stage.a.session.set_encodings(now, &mid("s"), vec![plain]);
    layers.stage.b.session.set_receiver(now, &mid("s"), Some(receive(vp8())));
    for number in 0..10 {
        let frame = picture(layers.given[0] + number, number == 0, SIZES[0], layers.stage.now);
        layers.stage.a.session.send_frame(layers.stage.now, &mid("s"), &frame).unwrap();
        let next = layers.stage.now + 40 * MS;
        layers.stage.idle_until(next - layers.stage.start);
    }
    let last = layers.stage.b.frames[before..].last().expect("the source goes on");
    assert_eq!(last.2.rid, None);
}

#[test]
fn encodings_go_on_over_a_hold_though_their_packets_have_no_names_any_more() {
    let link = Link { delay: 20 * MS, loss: Loss::Random(0.05), ..Link::default() };
    let mut layers = Layers::new(13, link);
    layers.run_until(5 * SECOND);
    let now = layers.stage.now;
    layers.stage.b.session.set_receiver(now, &mid("s"), None);
    layers.run_until(6 * SECOND);
    let (now, before) = (layers.stage.now, layers.check());
    layers.stage.b.session.set_receiver(now, &mid("s"), Some(receive_all()));
    layers.run_until(10 * SECOND);
    let after = layers.check();
    for (index, name) in RIDS.iter().enumerate() {
        assert!(after[index] > before[index] + 50, "{name}: {after:?} after {before:?}");
        assert!(layers.inbound(index).retransmitted_packets > 0, "{name} is repaired");
    }
}

#[test]
fn an_encoding_that_said_goodbye_may_go_on_without_its_name() {
    let mut layers = Layers::new(14, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(2 * SECOND);
    let (now, before) = (layers.stage.now, layers.check());
    let goodbye = Packet::Goodbye(Goodbye { ssrcs: vec![source(1)], reason: None });
    layers.stage.b.session.handle_rtcp(now, written(&goodbye));
    layers.run_until(8 * SECOND);
    let after = layers.check();
    assert!(after[1] > before[1] + 50, "{after:?} after {before:?}");
}

#[test]
fn an_encoding_that_was_named_before_several_were_agreed_on_may_say_goodbye_and_go_on() {
    let mut layers = Layers::new(16, Link { delay: 20 * MS, ..Link::default() });
    let now = layers.stage.now;
    let mut plain = receive_all();
    plain.rids.clear();
    layers.stage.b.session.set_receiver(now, &mid("s"), Some(plain));
    layers.run_until(2 * SECOND);
    let now = layers.stage.now;
    layers.stage.b.session.set_receiver(now, &mid("s"), Some(receive_all()));
    let goodbye = Packet::Goodbye(Goodbye { ssrcs: vec![source(1)], reason: None });
    layers.stage.b.session.handle_rtcp(now, written(&goodbye));
    let before = layers.check();
    layers.run_until(8 * SECOND);
    let after = layers.check();
    assert!(after[1] > before[1] + 50, "{after:?} after {before:?}");
}

#[test]
fn a_name_that_moved_to_another_source_does_not_come_back_with_a_late_packet_of_the_old() {
    let mut layers = Layers::new(15, Link { delay: 20 * MS, ..Link::default() });
    layers.run_until(2 * SECOND);
    let old = layers.sent(source(0)).pop().unwrap();
    assert_eq!(old.1.header.extensions.rid, None, "it was reported on");
    let mut config = encoding(0);
    config.ssrc = Ssrc(0x4444_0000);
    let now = layers.stage.now;
    layers.stage.a.session.set_encodings(now, &mid("s"), vec![config]);
    layers.wants_key[0] = true;
    layers.run_until(3 * SECOND);
    let count = layers.frames(0).count();
    let late = layers.stage.a.sent.iter().rev().map(|(_, sent)| sent).find(|sent| {
        let header = Header::parse(&sent.bytes).map(|(header, _)| header.ssrc);
        sent.kind == PacketKind::Rtp && header == Ok(source(0))
    });
    let late = late.unwrap().bytes.clone();
    let now = layers.stage.now;
    layers.stage.b.session.handle_rtp(now, late);
    layers.run_until(4 * SECOND);
    assert!(layers.frames(0).count() > count + 20);
    assert!(layers.stage.b.session.stats().inbound.iter().all(|stream| stream.ssrc != source(0)));
}
