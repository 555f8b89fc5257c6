//! Several encodings of one track between two of ours, and the parameters of senders and receivers
//! (webrtc-pc §5.1, §5.2, §5.4.1; RFC 8853).

mod scene;

use std::time::Duration;

use peerless_netsim::{Link, Loss};
use peerless_peer::channel::Priority;
use peerless_peer::config::CodecCapability;
use peerless_peer::description::SessionDescription;
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::id::TransceiverId;
use peerless_peer::media::SendError;
use peerless_peer::parameters::{EncodingParameters, SendParameters};
use peerless_peer::state::{Direction, MediaKind, SdpType};
use peerless_peer::transceiver::{TrackInit, TransceiverInit};
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;
use scene::{ALICE, BOB, Scene, Setting};

const RIDS: [&str; 3] = ["q", "h", "f"];

fn init(names: &[&str]) -> TransceiverInit {
    TransceiverInit {
        direction: Direction::SendOnly,
        track: Some(TrackInit { id: "camera".to_owned(), stream_ids: vec!["stream".to_owned()] }),
        send_encodings: names.iter().map(|name| EncodingParameters::named(name)).collect(),
        ..TransceiverInit::default()
    }
}

/// Two peers of which Alice sends three encodings.
struct Layers {
    scene: Scene,
    id: TransceiverId,
    numbers: [u32; 3],
    wants_key: [bool; 3],
    seen: usize,
}

impl Layers {
    fn new(link: Link) -> Self {
        let mut scene = Scene::with(Setting { link, ..Setting::default() });
        let id = scene.peer(ALICE).add_transceiver(MediaKind::Video, init(&RIDS)).unwrap();
        scene.negotiate(ALICE);
        scene.connect();
        Self { scene, id, numbers: [0; 3], wants_key: [true; 3], seen: 0 }
    }

    /// A picture of each encoding every 40 ms.
    fn run_for(&mut self, time: Duration) {
        let end = self.scene.now + time;
        while self.scene.now < end {
            for index in 0..3 {
                let _ = self.give(index);
            }
            self.scene.run_for(Duration::from_millis(40));
            let events = &self.scene.ends[ALICE].events;
            for event in &events[self.seen..] {
                match event {
                    Event::KeyFrameRequested(_, None) => self.wants_key = [true; 3],
                    Event::KeyFrameRequested(_, Some(rid)) => {
                        let index = RIDS.iter().position(|name| *name == rid.as_str()).unwrap();
                        self.wants_key[index] = true;
                    }
                    _ => {}
                }
            }
            self.seen = events.len();
        }
    }

    fn give(&mut self, index: usize) -> Result<(), SendError> {
        let now = self.scene.now;
        let frame = scene::media::picture(self.numbers[index], self.wants_key[index], now);
        let frame = Frame { rid: Some(Rid::new(RIDS[index])), ..frame };
        self.scene.peer(ALICE).send_frame(now, self.id, &frame)?;
        self.numbers[index] += 1;
        self.wants_key[index] = false;
        Ok(())
    }

    fn arrived(&self) -> [usize; 3] {
        RIDS.map(|name| self.scene.ends[BOB].arrivals.encodings.get(&Rid::new(name)).map_or(0, Vec::len))
    }

    fn parameters(&mut self) -> SendParameters {
        let id = self.id;
        self.scene.peer(ALICE).get_parameters(id).unwrap()
    }

    fn set(&mut self, parameters: SendParameters) -> Result<(), Error> {
        let (now, id) = (self.scene.now, self.id);
        self.scene.peer(ALICE).set_parameters(now, id, parameters)
    }

    fn change(&mut self, change: impl Fn(&mut Vec<EncodingParameters>)) {
        let mut parameters = self.parameters();
        change(&mut parameters.encodings);
        self.set(parameters).unwrap();
    }
}

#[test]
fn three_encodings_are_sent_and_received_over_a_lossy_path() {
    let link = Link { delay: Duration::from_millis(20), loss: Loss::Random(0.03), ..Link::default() };
    let mut layers = Layers::new(link);
    layers.run_for(Duration::from_secs(15));
    layers.scene.run_for(Duration::from_secs(3));
    let arrived = layers.arrived();
    for (index, count) in arrived.into_iter().enumerate() {
        let sent = layers.numbers[index] as usize;
        assert!(sent > 300 && count * 100 >= sent * 97, "{count} of {sent} of {}", RIDS[index]);
    }
    let transceiver = layers.scene.peer(BOB).transceivers()[0].id;
    assert_eq!(layers.scene.ends[BOB].count(|event| *event == Event::Track(transceiver)), 1, "one track");
}

#[test]
fn an_encoding_is_turned_off_and_on_without_negotiation() {
    let mut layers = Layers::new(scene::delay(20));
    layers.run_for(Duration::from_secs(2));
    layers.change(|encodings| encodings[2].active = false);
    assert_eq!(layers.give(2), Err(SendError::Inactive));
    layers.run_for(Duration::from_secs(1));
    let before = layers.arrived();
    layers.run_for(Duration::from_secs(2));
    let after = layers.arrived();
    assert_eq!(after[2], before[2]);
    assert!(after[0] > before[0] + 40 && after[1] > before[1] + 40, "{before:?} {after:?}");
    let view = layers.scene.peer(ALICE).sender(layers.id).unwrap();
    assert_eq!(view.encodings.iter().map(|one| one.can_send).collect::<Vec<_>>(), [true, true, false]);
    layers.change(|encodings| encodings[2].active = true);
    layers.run_for(Duration::from_secs(1));
    assert!(layers.arrived()[2] > after[2] + 15);
    assert_eq!(layers.scene.ends[ALICE].count(|event| *event == Event::NegotiationNeeded), 1);
}

#[test]
fn a_limit_of_the_bitrate_is_told_to_the_encoder_at_once() {
    let mut layers = Layers::new(scene::delay(20));
    layers.change(|encodings| encodings[1].max_bitrate = Some(250_000));
    let view = layers.scene.peer(ALICE).sender(layers.id).unwrap();
    let targets: Vec<_> = view.encodings.iter().map(|one| one.target_bitrate).collect();
    assert_eq!(targets, [None, Some(250_000), None]);
    layers.change(|encodings| encodings[1].max_bitrate = Some(0));
    assert_eq!(layers.give(1), Err(SendError::Inactive), "nothing is to be sent");
}

#[test]
fn a_key_frame_is_asked_for_of_one_encoding() {
    let mut layers = Layers::new(scene::delay(20));
    layers.run_for(Duration::from_secs(1));
    let now = layers.scene.now;
    let transceiver = layers.scene.peer(BOB).transceivers()[0].id;
    layers.scene.peer(BOB).request_key_frame(now, transceiver, Some(&Rid::new("h")));
    layers.run_for(Duration::from_secs(1));
    let of = |name: &str| Event::KeyFrameRequested(layers.id, Some(Rid::new(name)));
    let counts = RIDS.map(|name| layers.scene.ends[ALICE].count(|event| *event == of(name)));
    assert_eq!(counts, [0, 1, 0]);
}

#[test]
fn a_remote_that_does_not_know_simulcast_gets_the_first_encoding() {
    let mut scene = Scene::new();
    let id = scene.peer(ALICE).add_transceiver(MediaKind::Video, init(&RIDS)).unwrap();
    scene.loses_lines_with = Some("simulcast");
    scene.negotiate(ALICE);
    scene.connect();
    let parameters = scene.peer(ALICE).get_parameters(id).unwrap();
    assert_eq!(parameters.encodings.len(), 1);
    assert_eq!(parameters.encodings[0].rid, Some(Rid::new("q")));
    let now = scene.now;
    let frame = |name: Option<&str>| Frame { rid: name.map(Rid::new), ..scene::media::picture(0, true, now) };
    let refused = scene.peer(ALICE).send_frame(now, id, &frame(Some("h")));
    assert_eq!(refused, Err(SendError::NoEncoding(Rid::new("h"))));
    scene.peer(ALICE).send_frame(now, id, &frame(Some("q"))).unwrap();
    assert!(scene.run_until(Duration::from_secs(5), |scene| scene.ends[BOB].arrivals.pictures > 0));
}

#[test]
fn parameters_say_what_was_negotiated() {
    let mut layers = Layers::new(scene::delay(20));
    let parameters = layers.parameters();
    assert_eq!(parameters.codecs[0].format.name(), "VP8");
    assert!(parameters.rtcp.reduced_size && !parameters.rtcp.cname.is_empty());
    let uris: Vec<&str> = parameters.header_extensions.iter().map(|one| one.uri.as_str()).collect();
    assert!(uris.contains(&"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"), "{uris:?}");
    assert_eq!(
        parameters.encodings.iter().map(|one| one.scale_resolution_down_by).collect::<Vec<_>>(),
        [Some(4.0), Some(2.0), Some(1.0)]
    );
    let transceiver = layers.scene.peer(BOB).transceivers()[0].id;
    let received = layers.scene.peer(BOB).receive_parameters(transceiver).unwrap();
    assert_eq!(received.codecs[0].format.name(), "VP8");
    assert!(received.header_extensions.iter().any(|one| one.uri.ends_with("repaired-rtp-stream-id")));
}

#[test]
fn parameters_are_set_once_for_each_reading() {
    let mut layers = Layers::new(scene::delay(20));
    let first = layers.parameters();
    assert_eq!(layers.parameters(), first, "the same reading until it is used");
    layers.set(first.clone()).unwrap();
    let refused = layers.set(first.clone()).unwrap_err();
    assert_eq!((refused.name(), matches!(refused, Error::ParametersNotRead)), ("InvalidStateError", true));
    let second = layers.parameters();
    assert_ne!(second.transaction_id, first.transaction_id);
    assert_eq!(layers.set(first).unwrap_err().name(), "InvalidModificationError");
    layers.set(second).unwrap();
    // A description that settles something new makes what was read before old.
    layers.parameters();
    layers.scene.negotiate(ALICE);
    let read = layers.parameters();
    layers.scene.negotiate(ALICE);
    assert_eq!(layers.set(read).unwrap_err().name(), "InvalidStateError");
}

#[test]
fn what_is_read_only_cannot_be_set() {
    let mut layers = Layers::new(scene::delay(20));
    type Change = fn(&mut SendParameters);
    let cases: [(Change, &str); 11] = [
        (|it| drop(it.encodings.pop()), "InvalidModificationError"),
        (|it| it.encodings.push(EncodingParameters::named("x")), "InvalidModificationError"),
        (|it| it.encodings.swap(0, 1), "InvalidModificationError"),
        (|it| it.encodings[0].rid = None, "InvalidModificationError"),
        (|it| it.transaction_id.push('x'), "InvalidModificationError"),
        (|it| it.rtcp.cname.clear(), "InvalidModificationError"),
        (|it| it.codecs.clear(), "InvalidModificationError"),
        (|it| it.header_extensions.clear(), "InvalidModificationError"),
        (|it| it.encodings[1].codec = CodecCapability::all().into_iter().nth(5), "InvalidModificationError"),
        (|it| it.encodings[1].scale_resolution_down_by = Some(0.5), "RangeError"),
        (|it| it.encodings[1].max_framerate = Some(-1.0), "RangeError"),
    ];
    for (number, (change, name)) in cases.into_iter().enumerate() {
        let read = layers.parameters();
        let mut changed = read.clone();
        change(&mut changed);
        assert_eq!(layers.set(changed).unwrap_err().name(), name, "case {number}");
        assert_eq!(layers.parameters(), read, "case {number} changes nothing");
    }
    let mut marked = layers.parameters();
    marked.encodings[0].network_priority = Priority::HIGH;
    assert_eq!(layers.set(marked).unwrap_err().name(), "NotSupportedError");
    let read = layers.parameters();
    let (now, id) = (layers.scene.now, layers.id);
    layers.scene.peer(ALICE).stop(now, id).unwrap();
    assert_eq!(layers.set(read).unwrap_err().name(), "InvalidStateError");
}

#[test]
fn a_scale_that_is_left_out_is_none_and_sound_has_none() {
    let mut layers = Layers::new(scene::delay(20));
    layers.change(|encodings| encodings[0].scale_resolution_down_by = None);
    assert_eq!(layers.parameters().encodings[0].scale_resolution_down_by, Some(1.0));
    let mut scene = Scene::new();
    let encodings = vec![
        EncodingParameters {
            scale_resolution_down_by: Some(2.0),
            max_framerate: Some(1.0),
            max_bitrate: Some(20_000),
            ..EncodingParameters::named("a")
        },
        EncodingParameters::named("b"),
    ];
    let init = TransceiverInit { send_encodings: encodings, ..TransceiverInit::default() };
    let id = scene.peer(ALICE).add_transceiver(MediaKind::Audio, init).unwrap();
    let expected = EncodingParameters { max_bitrate: Some(20_000), ..EncodingParameters::default() };
    assert_eq!(scene.peer(ALICE).get_parameters(id).unwrap().encodings, [expected]);
}

#[test]
fn encodings_of_a_new_transceiver_are_checked() {
    let mut scene = Scene::new();
    let named = EncodingParameters::named;
    let long = "a".repeat(256);
    let scaled = |scale: f64| EncodingParameters { scale_resolution_down_by: Some(scale), ..named("a") };
    let timed = |rate: f64| EncodingParameters { max_framerate: Some(rate), ..named("a") };
    let coded = EncodingParameters { codec: CodecCapability::all().into_iter().nth(5), ..named("a") };
    let cases = [
        (vec![named("")], "TypeError"),
        (vec![named("a-b")], "TypeError"),
        (vec![named("ä")], "TypeError"),
        (vec![named(&long)], "TypeError"),
        (vec![named("a"), EncodingParameters::default()], "TypeError"),
        (vec![named("a"), named("b"), named("a")], "TypeError"),
        (vec![scaled(0.99)], "RangeError"),
        (vec![scaled(f64::NAN)], "TypeError"),
        (vec![timed(-0.1)], "RangeError"),
        (vec![coded], "OperationError"),
        (vec![named("12345678901234567")], "NotSupportedError"),
    ];
    for (number, (send_encodings, name)) in cases.into_iter().enumerate() {
        let init = TransceiverInit { send_encodings, ..TransceiverInit::default() };
        let refused = scene.peer(ALICE).add_transceiver(MediaKind::Video, init).unwrap_err();
        assert_eq!(refused.name(), name, "case {number}");
    }
    assert!(scene.peer(ALICE).transceivers().is_empty());
}

#[test]
fn encodings_that_say_nothing_get_what_the_standard_gives_them() {
    let mut scene = Scene::new();
    let mut encodings = |send_encodings: Vec<EncodingParameters>| {
        let init = TransceiverInit { send_encodings, ..TransceiverInit::default() };
        let id = scene.peer(ALICE).add_transceiver(MediaKind::Video, init).unwrap();
        scene.peer(ALICE).get_parameters(id).unwrap().encodings
    };
    let scales = |encodings: &[EncodingParameters]| -> Vec<f64> {
        encodings.iter().map(|one| one.scale_resolution_down_by.unwrap()).collect()
    };
    let names = |encodings: &[EncodingParameters]| -> Vec<Option<String>> {
        encodings.iter().map(|one| one.rid.as_ref().map(ToString::to_string)).collect()
    };
    let lone = encodings(Vec::new());
    assert_eq!((scales(&lone), names(&lone)), (vec![1.0], vec![None]));
    let lone = encodings(vec![EncodingParameters::named("a")]);
    assert_eq!((scales(&lone), names(&lone)), (vec![1.0], vec![None]), "one alone has no name");
    let mut some = ["a", "b", "c"].map(EncodingParameters::named).to_vec();
    some[1].scale_resolution_down_by = Some(3.0);
    assert_eq!(scales(&encodings(some)), [1.0, 3.0, 1.0]);
    let unnamed = encodings(vec![EncodingParameters::default(); 3]);
    assert_eq!(scales(&unnamed), [4.0, 2.0, 1.0]);
    assert_eq!(names(&unnamed), ["0", "1", "2"].map(|name| Some(name.to_owned())));
    let many = (0..12).map(|number| EncodingParameters::named(&format!("r{number}"))).collect();
    let many = encodings(many);
    assert_eq!((many.len(), scales(&many)[0]), (8, 128.0));
}

#[test]
fn a_rollback_gives_a_sender_its_encoding_back() {
    let mut scene = Scene::new();
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        receive_rids: ["a", "b"].map(Rid::new).to_vec(),
        ..TransceiverInit::default()
    };
    scene.peer(ALICE).add_transceiver(MediaKind::Video, init).unwrap();
    let id = scene.add_source(BOB, MediaKind::Video);
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.peer(BOB).set_remote_description(now, offer.clone()).unwrap();
    let names = |scene: &mut Scene| -> Vec<Option<Rid>> {
        let parameters = scene.peer(BOB).get_parameters(id).unwrap();
        parameters.encodings.into_iter().map(|encoding| encoding.rid).collect()
    };
    assert_eq!(names(&mut scene), [Some(Rid::new("a")), Some(Rid::new("b"))]);
    let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
    scene.peer(BOB).set_remote_description(now, rollback).unwrap();
    assert_eq!(names(&mut scene), [None]);
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    assert_eq!(names(&mut scene), [Some(Rid::new("a")), Some(Rid::new("b"))]);
}

#[test]
fn until_the_answer_the_first_of_the_encodings_that_are_asked_for_is_sent_in_the_place_of_the_one_before() {
    let mut scene = Scene::new();
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        receive_rids: ["a", "b"].map(Rid::new).to_vec(),
        ..TransceiverInit::default()
    };
    scene.peer(ALICE).add_transceiver(MediaKind::Video, init).unwrap();
    let track = TrackInit { id: "camera".to_owned(), stream_ids: Vec::new() };
    let id = scene.peer(BOB).add_track(MediaKind::Video, track).unwrap();
    scene.loses_lines_with = Some("simulcast");
    scene.negotiate(ALICE);
    scene.connect();
    let frame = |name: Option<&str>, number: u32, scene: &Scene| Frame {
        rid: name.map(Rid::new),
        ..scene::media::picture(number, true, scene.now)
    };
    let now = scene.now;
    let offer = {
        scene.peer(ALICE).set_local_description(now, None).unwrap();
        scene.peer(ALICE).local_description().unwrap()
    };
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    let can_send = |scene: &Scene| -> Vec<bool> {
        let encodings = scene.ends[BOB].peer.sender(id).unwrap().encodings;
        encodings.iter().map(|one| one.can_send).collect()
    };
    assert_eq!(can_send(&scene), [true, false]);
    let first = frame(Some("a"), 0, &scene);
    scene.peer(BOB).send_frame(now, id, &first).unwrap();
    let second = frame(Some("b"), 0, &scene);
    let refused = scene.peer(BOB).send_frame(now, id, &second);
    assert_eq!(refused, Err(SendError::NoEncoding(Rid::new("b"))));
    // Parameters that are set meanwhile do not bring the names into force either.
    let parameters = scene.peer(BOB).get_parameters(id).unwrap();
    scene.peer(BOB).set_parameters(now, id, parameters).unwrap();
    assert_eq!(can_send(&scene), [true, false]);
    assert!(scene.run_until(Duration::from_secs(5), |scene| scene.ends[ALICE].arrivals.pictures == 1));
    let now = scene.now;
    let first = frame(Some("a"), 1, &scene);
    scene.peer(BOB).send_frame(now, id, &first).unwrap();
    assert!(scene.run_until(Duration::from_secs(5), |scene| scene.ends[ALICE].arrivals.pictures == 2));
    let now = scene.now;
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let answer = scene.peer(BOB).local_description().unwrap();
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    assert_eq!(can_send(&scene), [true, true]);
    for name in ["a", "b"] {
        let frame = frame(Some(name), 2, &scene);
        scene.peer(BOB).send_frame(now, id, &frame).unwrap();
    }
    let has_both = |scene: &Scene| {
        ["a", "b"].iter().all(|name| scene.ends[ALICE].arrivals.encodings.contains_key(&Rid::new(name)))
    };
    assert!(scene.run_until(Duration::from_secs(5), has_both));
}
