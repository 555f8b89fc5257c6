//! Tones of a telephone beside sound (RFC 4733): on its source, in its place, and heard through loss and repetition.

mod stage;

use std::time::Duration;

use peerless_netsim::{Link, Loss};
use peerless_rtp::codec::TelephoneEvent;
use peerless_rtp::config::{ReceiveConfig, SendConfig};
use peerless_rtp::session::{Event, SendError};
use peerless_rtp::tone::Tone;
use stage::*;

fn event(number: u8, clock_rate: u32) -> TelephoneEvent {
    TelephoneEvent { payload_type: payload_type(number), clock_rate }
}

fn send_sound(events: &[TelephoneEvent]) -> SendConfig {
    let mut config = SendConfig::new(opus(), AUDIO);
    config.extensions = extensions();
    config.telephone_events = events.to_vec();
    config
}

fn hear_sound(events: &[TelephoneEvent]) -> ReceiveConfig {
    let mut config = receive(opus());
    config.telephone_events = events.to_vec();
    config
}

fn stage(seed: u64, link: Link, events: &[TelephoneEvent]) -> Stage {
    let start = start();
    let mut stage = Stage::empty(seed, link, start);
    stage.a.session.set_sender(start, &mid("a"), Some(send_sound(events)));
    stage.b.session.set_receiver(start, &mid("a"), Some(hear_sound(events)));
    stage
}

/// Sound every 20 ms up to `until`.
fn sound_until(stage: &mut Stage, until: Duration) {
    while 20 * MS * stage.sounds < until {
        stage.idle_until(20 * MS * stage.sounds);
        stage.give_sound();
        stage.settle();
    }
    stage.idle_until(until);
}

/// Plays a key on A now.
fn play(stage: &mut Stage, key: char, length: Duration) -> Result<(), SendError> {
    let tone = Tone::from_char(key).unwrap();
    stage.a.session.play_tone(stage.now, &mid("a"), tone, length)
}

/// What B heard.
fn heard(stage: &Stage) -> Vec<(char, Duration)> {
    let tones = stage.b.events.iter().filter_map(|event| match event {
        Event::Tone { tone, .. } => Some((tone.tone.as_char(), tone.duration)),
        _ => None,
    });
    tones.collect()
}

#[test]
fn a_tone_takes_the_place_of_sound_on_its_source() {
    let mut stage = stage(1, Link { delay: 10 * MS, ..Link::default() }, &[event(110, 48_000)]);
    sound_until(&mut stage, SECOND);
    play(&mut stage, '5', 100 * MS).unwrap();
    sound_until(&mut stage, 2 * SECOND);
    assert_eq!(heard(&stage), [('5', 100 * MS)]);

    let media = stage.a.media();
    let numbers: Vec<u16> = media.iter().map(|(_, header, _)| header.sequence.0).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "no number is left out");
    assert!(media.iter().all(|(_, header, _)| header.ssrc == AUDIO));
    let is_tone = |number: u8| number == 110;
    let tones: Vec<_> = media.iter().filter(|(_, header, _)| is_tone(header.payload_type.value())).collect();
    let first = media.iter().position(|(_, header, _)| is_tone(header.payload_type.value())).unwrap();
    let after = media.get(first..first + tones.len()).unwrap();
    assert!(after.iter().all(|(_, header, _)| is_tone(header.payload_type.value())), "no sound meanwhile");
    // The sound of the second before has 50 packets; the tone has their clock, and so has what follows.
    let (sound, tone) = (&media[0].1, &tones[0].1);
    assert_eq!(tone.timestamp.wrapping_sub(sound.timestamp), 48_000);
    assert!(tones.iter().all(|(_, header, _)| header.timestamp == tone.timestamp));
    let (_, next, _) = &media[first + tones.len()];
    assert!(next.marker, "the first sound after it");
    assert_eq!(next.timestamp.wrapping_sub(tone.timestamp) % 960, 0);
    assert!((100 * 48..=160 * 48).contains(&next.timestamp.wrapping_sub(tone.timestamp)));
    let given = stage.b.numbers("a");
    assert!(grows(&given) && given.len() >= 100 - 8, "{} frames", given.len());
    assert!(stage.b.frames_of("a").all(|frame| frame.lost == 0), "nothing was lost");
    let inbound = stage.b.inbound("a");
    assert_eq!((inbound.lost, inbound.packets), (0, media.len() as u64));
}

#[test]
fn tones_are_heard_without_any_sound() {
    let mut stage = stage(2, Link { delay: 10 * MS, ..Link::default() }, &[event(110, 48_000)]);
    for (index, key) in "0123456789*#ABCD".chars().enumerate() {
        stage.idle_until(200 * MS * index as u32);
        play(&mut stage, key, (40 + index as u32) * MS).unwrap();
    }
    stage.idle_until(5 * SECOND);
    let expected: Vec<_> =
        "0123456789*#ABCD".chars().zip(40..).map(|(key, length)| (key, length * MS)).collect();
    assert_eq!(heard(&stage), expected);
    let started =
        stage.b.events.iter().filter(|event| matches!(event, Event::ReceiverStarted { .. })).count();
    assert_eq!(started, 1);
}

#[test]
fn tones_come_through_loss_repetition_and_disorder() {
    for seed in 0..30 {
        let link = Link {
            delay: 30 * MS,
            jitter: 15 * MS,
            loss: Loss::Random(0.1),
            reorder: 0.05,
            duplicate: 0.1,
            ..Link::default()
        };
        let mut stage = stage(seed, link, &[event(110, 48_000), event(126, 8_000)]);
        let keys = "1234#";
        for (index, key) in keys.chars().enumerate() {
            sound_until(&mut stage, 400 * MS * (1 + index as u32));
            play(&mut stage, key, 200 * MS).unwrap();
        }
        sound_until(&mut stage, 4 * SECOND);
        let heard = heard(&stage);
        let told: String = heard.iter().map(|(key, _)| *key).collect();
        assert_eq!(told, keys, "seed {seed}");
        assert!(heard.iter().all(|(_, length)| (160 * MS..=200 * MS).contains(length)), "{seed}: {heard:?}");
    }
}

#[test]
fn the_longest_tone_is_heard_whole() {
    for events in [[event(110, 48_000)], [event(126, 8_000)]] {
        let mut stage = stage(3, Link { delay: 10 * MS, ..Link::default() }, &events);
        sound_until(&mut stage, 200 * MS);
        play(&mut stage, '*', 6 * SECOND).unwrap();
        sound_until(&mut stage, 8 * SECOND);
        assert_eq!(heard(&stage), [('*', 6 * SECOND)]);
        assert!(grows(&stage.b.numbers("a")));
    }
}

#[test]
fn without_agreement_no_tone_is_played_or_heard() {
    let mut silent = stage(4, Link::default(), &[]);
    assert_eq!(play(&mut silent, '1', 100 * MS), Err(SendError::NoTone(mid("a"))));
    let mut gone = stage(5, Link::default(), &[event(110, 48_000)]);
    gone.a.session.set_sender(gone.now, &mid("a"), None);
    assert_eq!(play(&mut gone, '1', 100 * MS), Err(SendError::NoSender(mid("a"))));
    let mut deaf = stage(6, Link::default(), &[event(110, 48_000)]);
    deaf.b.session.set_receiver(deaf.now, &mid("a"), Some(hear_sound(&[])));
    play(&mut deaf, '1', 100 * MS).unwrap();
    deaf.idle_until(SECOND);
    assert_eq!(heard(&deaf), []);
    assert_eq!(deaf.b.session.stats().unroutable, 7, "five reports, the last three times");
}

#[test]
fn a_tone_ends_where_its_agreement_does() {
    let mut stage = stage(7, Link { delay: 10 * MS, ..Link::default() }, &[event(110, 48_000)]);
    play(&mut stage, '1', SECOND).unwrap();
    stage.idle_until(500 * MS);
    stage.a.session.set_sender(stage.now, &mid("a"), Some(send_sound(&[])));
    sound_until(&mut stage, 2 * SECOND);
    let heard = heard(&stage);
    assert!(heard.len() == 1 && (460 * MS..=520 * MS).contains(&heard[0].1), "{heard:?}");
}
