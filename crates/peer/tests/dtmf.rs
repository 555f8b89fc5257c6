//! Tones of a telephone between two peers (RTCDTMFSender, webrtc-pc §7; RFC 4733): when they may be inserted, when each
//! begins, and what the other side hears.

mod scene;

use std::time::Duration;

use peerless_peer::config::CodecCapability;
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::TransceiverInit;
use scene::{ALICE, BOB, Scene};

const TONE: Duration = Duration::from_millis(100);
const GAP: Duration = Duration::from_millis(70);

/// Two connected peers of which Alice sends sound, on this transceiver.
fn call() -> (Scene, TransceiverId) {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    scene.connect();
    (scene, id)
}

/// Inserts tones at Alice's.
fn insert(scene: &mut Scene, id: TransceiverId, tones: &str) -> Result<(), Error> {
    let now = scene.now;
    scene.peer(ALICE).insert_dtmf(now, id, tones, TONE, GAP)
}

fn changes(scene: &Scene) -> Vec<Option<char>> {
    let events = scene.ends[ALICE].events.iter();
    events
        .filter_map(|event| if let Event::ToneChange(_, tone) = event { Some(*tone) } else { None })
        .collect()
}

/// What Bob heard: keys and lengths in ms.
fn heard(scene: &Scene) -> Vec<(char, u128)> {
    let tones = scene.ends[BOB].events.iter().filter_map(|event| match event {
        Event::ToneReceived(_, tone) => Some((tone.tone.as_char(), tone.duration.as_millis())),
        _ => None,
    });
    tones.collect()
}

/// Runs until that many tone changes were told; at which ms after now each was.
fn times_of_changes(scene: &mut Scene, count: usize) -> Vec<u128> {
    let (begin, before) = (scene.elapsed(), changes(scene).len());
    let mut times = Vec::new();
    for number in 1..=count {
        let done = |scene: &Scene| changes(scene).len() >= before + number;
        assert!(scene.run_until(Duration::from_secs(60), done), "change {number} of {count}");
        times.push((scene.elapsed() - begin).as_millis());
    }
    times
}

#[test]
fn tones_are_played_one_after_the_other_and_heard_as_they_are() {
    let (mut scene, id) = call();
    insert(&mut scene, id, "1a,#").unwrap();
    assert_eq!(scene.peer(ALICE).tone_buffer(id), "1A,#", "in capitals, and nothing has begun");
    assert_eq!(times_of_changes(&mut scene, 5), [0, 170, 340, 2340, 2510]);
    assert_eq!(changes(&scene), [Some('1'), Some('A'), Some(','), Some('#'), None]);
    assert_eq!(scene.peer(ALICE).tone_buffer(id), "");
    scene.run_for(Duration::from_secs(1));
    assert_eq!(heard(&scene), [('1', 100), ('A', 100), ('#', 100)]);
    // Sound goes on behind them, without a gap in its numbers.
    let sounds = scene.ends[BOB].arrivals.sounds;
    scene.run_for(Duration::from_secs(1));
    assert!(scene.ends[BOB].arrivals.sounds >= sounds + 45);
}

#[test]
fn lengths_and_gaps_are_brought_into_their_bounds() {
    let (mut scene, id) = call();
    let now = scene.now;
    scene.peer(ALICE).insert_dtmf(now, id, "12", Duration::ZERO, Duration::ZERO).unwrap();
    assert_eq!(times_of_changes(&mut scene, 3), [0, 70, 140]);
    let (now, hour) = (scene.now, Duration::from_secs(3600));
    scene.peer(ALICE).insert_dtmf(now, id, "34", hour, hour).unwrap();
    assert_eq!(times_of_changes(&mut scene, 3), [0, 12_000, 24_000]);
    scene.run_for(Duration::from_secs(1));
    assert_eq!(heard(&scene), [('1', 40), ('2', 40), ('3', 6000), ('4', 6000)]);
}

#[test]
fn what_waits_is_replaced_and_what_is_played_is_played_to_its_end() {
    let (mut scene, id) = call();
    insert(&mut scene, id, "123").unwrap();
    assert_eq!(times_of_changes(&mut scene, 1), [0]);
    assert_eq!(scene.peer(ALICE).tone_buffer(id), "23");
    insert(&mut scene, id, "9").unwrap();
    assert_eq!(times_of_changes(&mut scene, 1), [170], "when the first and its gap are over");
    insert(&mut scene, id, "").unwrap();
    assert_eq!(times_of_changes(&mut scene, 1), [170]);
    assert_eq!(changes(&scene), [Some('1'), Some('9'), None]);
    scene.run_for(Duration::from_secs(1));
    assert_eq!(heard(&scene), [('1', 100), ('9', 100)]);
    // None at all where nothing is played does nothing (webrtc-pc §7.2).
    insert(&mut scene, id, "").unwrap();
    scene.run_for(Duration::from_secs(1));
    assert_eq!(changes(&scene).len(), 3);
}

#[test]
fn what_is_no_tone_is_refused_and_changes_nothing() {
    let (mut scene, id) = call();
    insert(&mut scene, id, "55").unwrap();
    for (tones, wrong) in [("12e", 'e'), ("1 2", ' '), ("!", '!'), ("٣", '٣')] {
        let refused = insert(&mut scene, id, tones).unwrap_err();
        assert!(matches!(refused, Error::InvalidCharacter(character) if character == wrong));
        assert_eq!(refused.name(), "InvalidCharacterError");
    }
    assert_eq!(scene.peer(ALICE).tone_buffer(id), "55");
}

#[test]
fn tones_are_refused_while_they_cannot_be_sent() {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    let video = scene.add_source(ALICE, MediaKind::Video);
    let refuse = |scene: &mut Scene, id, when: &str| {
        assert!(!scene.peer(ALICE).can_insert_dtmf(id), "{when}");
        // The state is looked at before the characters.
        let refused = insert(scene, id, "e").unwrap_err();
        assert!(matches!(refused, Error::CannotInsertDtmf), "{when}");
        assert_eq!(refused.name(), "InvalidStateError");
    };
    refuse(&mut scene, id, "before negotiation");
    scene.negotiate(ALICE);
    refuse(&mut scene, id, "before connection");
    scene.connect();
    assert!(scene.peer(ALICE).can_insert_dtmf(id));
    refuse(&mut scene, video, "pictures");
    let bob = scene.peer(BOB).transceivers()[0].id;
    assert!(!scene.peer(BOB).can_insert_dtmf(bob), "Bob sends nothing");
    let mut parameters = scene.peer(ALICE).get_parameters(id).unwrap();
    parameters.encodings[0].active = false;
    let now = scene.now;
    scene.peer(ALICE).set_parameters(now, id, parameters).unwrap();
    refuse(&mut scene, id, "not active");
    let mut parameters = scene.peer(ALICE).get_parameters(id).unwrap();
    parameters.encodings[0].active = true;
    scene.peer(ALICE).set_parameters(now, id, parameters).unwrap();
    scene.peer(ALICE).set_direction(id, Direction::RecvOnly).unwrap();
    assert!(scene.peer(ALICE).can_insert_dtmf(id), "as long as nothing else was negotiated");
    scene.negotiate(ALICE);
    refuse(&mut scene, id, "does not send");
    let now = scene.now;
    scene.peer(ALICE).stop(now, id).unwrap();
    assert!(matches!(insert(&mut scene, id, "1"), Err(Error::UnknownTransceiver)));
    scene.peer(ALICE).close(now);
    assert!(matches!(insert(&mut scene, id, "1"), Err(Error::Closed)));
}

#[test]
fn tones_that_wait_end_where_sending_does() {
    let (mut scene, id) = call();
    insert(&mut scene, id, "12345").unwrap();
    assert_eq!(times_of_changes(&mut scene, 2), [0, 170]);
    scene.peer(ALICE).set_direction(id, Direction::Inactive).unwrap();
    scene.negotiate(ALICE);
    scene.run_for(Duration::from_secs(2));
    assert_eq!(changes(&scene), [Some('1'), Some('2')], "the playout task ends without a word");
    assert_eq!(scene.peer(ALICE).tone_buffer(id), "345");
    // When it sends again, new tones take their place.
    scene.peer(ALICE).set_direction(id, Direction::SendOnly).unwrap();
    scene.negotiate(ALICE);
    insert(&mut scene, id, "7").unwrap();
    assert_eq!(times_of_changes(&mut scene, 2), [0, 170]);
}

#[test]
fn preferences_without_tones_have_none() {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    let opus: Vec<_> =
        CodecCapability::all().into_iter().filter(|codec| codec.mime_type() == "audio/opus").collect();
    scene.peer(ALICE).set_codec_preferences(id, &opus).unwrap();
    scene.negotiate(ALICE);
    let offer = scene.peer(ALICE).local_description().unwrap().sdp;
    assert!(!offer.contains("telephone-event"), "{offer}");
    scene.connect();
    assert!(matches!(insert(&mut scene, id, "1"), Err(Error::CannotInsertDtmf)));

    // With one of 8000 only, as Firefox has it: lengths in its clock, beside Opus.
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    let with_tones = [opus, vec![CodecCapability::telephone_event(8000)]].concat();
    scene.peer(ALICE).set_codec_preferences(id, &with_tones).unwrap();
    scene.negotiate(ALICE);
    scene.connect();
    insert(&mut scene, id, "*").unwrap();
    scene.run_for(Duration::from_secs(1));
    assert_eq!(heard(&scene), [('*', 100)]);

    // Tones alone are no sound.
    let tones = [CodecCapability::telephone_event(8000)];
    assert!(matches!(scene.peer(ALICE).set_codec_preferences(id, &tones), Err(Error::Modified)));
}

#[test]
fn an_answer_takes_the_tones_that_are_offered() {
    let mut scene = Scene::new();
    let init = TransceiverInit { direction: Direction::RecvOnly, ..TransceiverInit::default() };
    let alice = scene.peer(ALICE).add_transceiver(MediaKind::Audio, init).unwrap();
    let bob = scene.add_source(BOB, MediaKind::Audio);
    scene.negotiate(ALICE);
    scene.connect();
    let answer = scene.peer(BOB).local_description().unwrap().sdp;
    let lines: Vec<_> =
        answer.lines().filter(|line| line.contains(":110") || line.contains(":126")).collect();
    assert_eq!(
        lines,
        [
            "a=rtpmap:110 telephone-event/48000",
            "a=fmtp:110 0-16",
            "a=rtpmap:126 telephone-event/8000",
            "a=fmtp:126 0-16"
        ]
    );
    let now = scene.now;
    scene.peer(BOB).insert_dtmf(now, bob, "0", TONE, GAP).unwrap();
    scene.run_for(Duration::from_secs(1));
    let is_heard = |event: &Event| matches!(event, Event::ToneReceived(id, tone) if *id == alice && tone.tone.as_char() == '0');
    assert_eq!(scene.ends[ALICE].count(is_heard), 1);
}
