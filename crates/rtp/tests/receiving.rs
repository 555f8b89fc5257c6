//! Receiving well: over a path that loses, jitters and reorders, frames come whole and in their time; the delay follows
//! the path; sound and pictures stay in step; what is lost is told.

mod stage;

use std::time::{Duration, Instant};

use peerless_netsim::{Link, Loss};
use peerless_rtp::config::MAX_JITTER_BUFFER_TARGET;
use peerless_rtp::frame::Frame;
use stage::*;

/// A path of 50 ms there and back.
fn path(loss: f64) -> Link {
    Link { delay: 25 * MS, loss: Loss::Random(loss), ..Link::default() }
}

/// The share of pictures of 40 calls of 20 s that came whole, over a path that loses so many packets both ways.
fn share_of_pictures(loss: f64) -> f64 {
    let (mut sent, mut came) = (0, 0);
    for seed in 0..40 {
        let mut stage = Stage::new(seed, path(loss));
        stage.run_until(20 * SECOND);
        stage.idle_until(22 * SECOND);
        stage.assert_decodable();
        sent += stage.pictures;
        came += stage.b.numbers("v").len();
    }
    came as f64 / f64::from(sent)
}

#[test]
fn of_a_hundred_packets_one_is_lost_and_hardly_a_picture() {
    let share = share_of_pictures(0.01);
    assert!(share >= 0.999, "{share}");
}

#[test]
fn of_a_hundred_packets_five_are_lost_and_not_one_picture() {
    let share = share_of_pictures(0.05);
    assert!(share >= 0.99, "{share}");
}

#[test]
fn a_tenth_lost_both_ways_over_a_long_path_costs_few_pictures() {
    let (mut sent, mut came) = (0, 0);
    for seed in 0..30 {
        let mut stage = Stage::new(seed, Link { delay: 200 * MS, ..path(0.1) });
        stage.run_until(6 * SECOND);
        stage.idle_until(10 * SECOND);
        stage.assert_decodable();
        sent += stage.pictures;
        came += stage.b.numbers("v").len() as u32;
    }
    assert!(came * 100 >= sent * 95, "{came} of {sent}");
}

/// When each frame of a section left, in milliseconds after it was sampled, by frames of `interval`.
fn delays_ms(stage: &Stage, section: &str, interval: Duration) -> Vec<(u32, f64)> {
    let frames = stage.b.frames.iter().filter(|(_, mid, _)| mid.as_str() == section);
    let delay = |(at, _, frame): &(Instant, _, Frame)| {
        let number = number(&frame.payload);
        (number, (*at - (stage.start + interval * number)).as_secs_f64() * 1000.0)
    };
    frames.map(delay).collect()
}

/// How many of these frames came after they were due, and how many there are.
fn late<'a>(frames: impl Iterator<Item = &'a Frame>) -> (usize, usize) {
    let late = frames.map(|frame| frame.arrived.unwrap() > frame.playout.unwrap());
    late.fold((0, 0), |(late, all), is_late| (late + usize::from(is_late), all + 1))
}

#[test]
fn the_delay_follows_the_jitter_and_comes_down_again() {
    for seed in 0..10 {
        let even = Link { delay: 25 * MS, ..Link::default() };
        let mut stage = Stage::new(seed, even);
        stage.run_until(20 * SECOND);
        stage.network.set_default_link(Link { jitter: 100 * MS, ..even });
        stage.run_until(60 * SECOND);
        stage.network.set_default_link(even);
        stage.run_until(110 * SECOND);
        stage.assert_decodable();
        for (section, per_second) in [("a", 50), ("v", 25)] {
            let interval = SECOND / per_second;
            let while_jittery =
                |frame: &&Frame| (20 * per_second..60 * per_second).contains(&number(&frame.payload));
            let (late, all) = late(stage.b.frames_of(section).filter(while_jittery));
            assert!(late * 100 < all, "seed {seed}, {section}: {late} of {all} late");
            let delays = delays_ms(&stage, section, interval);
            let worst = |from: u32, to: u32| {
                let range = from * per_second..to * per_second;
                let of_them = delays.iter().filter(|(number, _)| range.contains(number));
                of_them.map(|(_, delay)| *delay).fold(0.0, f64::max)
            };
            assert!(worst(15, 20) < 25.0 + 45.0, "seed {seed}, {section}: {} before", worst(15, 20));
            assert!(worst(30, 60) < 25.0 + 170.0, "seed {seed}, {section}: {} amid", worst(30, 60));
            assert!(worst(100, 110) < 25.0 + 45.0, "seed {seed}, {section}: {} after", worst(100, 110));
        }
        let audio = stage.b.inbound("a");
        assert!(audio.late < 20, "seed {seed}: {} late packets of sound", audio.late);
    }
}

#[test]
fn lost_sound_is_told_to_the_packet() {
    for seed in 0..20 {
        let mut stage = Stage::new(seed, Link { jitter: 60 * MS, ..path(0.1) });
        stage.run_until(20 * SECOND);
        stage.idle_until(22 * SECOND);
        let mut last: Option<u32> = None;
        let mut told = 0;
        for frame in stage.b.frames_of("a") {
            let number = number(&frame.payload);
            if let Some(last) = last {
                assert_eq!(u32::from(frame.lost), number - last - 1, "seed {seed}, sound {number}");
            }
            told += u32::from(frame.lost);
            last = Some(number);
        }
        assert!(told > 50, "seed {seed}: {told} of 1000");
        // Of pictures nothing was lost that another was coded against.
        stage.assert_decodable();
    }
}

#[test]
fn a_burst_of_lost_sound_is_told_as_one_gap_and_costs_no_delay() {
    let mut stage = Stage::new(3, path(0.0));
    stage.run_until(2 * SECOND);
    stage.network.set_default_link(Link::cut());
    stage.run_until(2 * SECOND + 200 * MS);
    stage.network.set_default_link(path(0.0));
    stage.run_until(4 * SECOND);
    let gaps: Vec<_> = stage.b.frames_of("a").map(|frame| frame.lost).filter(|lost| *lost > 0).collect();
    assert_eq!(gaps, [10]);
    let delays = delays_ms(&stage, "a", 20 * MS);
    assert!(delays.iter().all(|(_, delay)| *delay < 36.0), "{delays:?}");
    // The pictures were mended.
    assert!(stage.b.numbers("v").len() >= 92, "{}", stage.b.numbers("v").len());
    stage.assert_decodable();
}

#[test]
fn reordered_packets_are_waited_for() {
    for seed in 0..10 {
        let link = Link { reorder: 0.1, reorder_delay: 60 * MS, duplicate: 0.05, ..path(0.0) };
        let mut stage = Stage::new(seed, link);
        stage.run_until(30 * SECOND);
        stage.idle_until(31 * SECOND);
        stage.assert_decodable();
        assert_eq!(stage.b.numbers("v").len(), 750, "seed {seed}");
        // Until the delay has grown some come too late.
        let sound = stage.b.numbers("a").len();
        assert!(sound >= 1500 - 15, "seed {seed}: {sound} of 1500");
        let told = stage.b.frames_of("a").map(|frame| usize::from(frame.lost)).sum::<usize>();
        assert_eq!(told, 1500 - sound, "seed {seed}");
    }
}

/// Pictures come 150 ms late from their camera; how much later than sound they are played, in milliseconds, by second.
fn skew_ms(stage: &mut Stage) -> Vec<f64> {
    stage.camera_delay = 150 * MS;
    stage.run_until(20 * SECOND);
    let mean = |section: &str, second: u32, interval: Duration, early: Duration| {
        let sampled = |frame: &Frame| stage.start + interval * number(&frame.payload) - early;
        let in_second = |frame: &&Frame| frame.playout.unwrap() - stage.start >= SECOND * second;
        let frames = stage.b.frames_of(section).filter(in_second).take(20);
        let delays: Vec<_> =
            frames.map(|frame| (frame.playout.unwrap() - sampled(frame)).as_secs_f64()).collect();
        delays.iter().sum::<f64>() / delays.len() as f64 * 1000.0
    };
    let skew = |second| mean("v", second, 40 * MS, 150 * MS) - mean("a", second, 20 * MS, Duration::ZERO);
    (0..19).map(skew).collect()
}

fn in_sync(stage: &mut Stage) {
    for (section, codec) in [("v", vp8()), ("a", opus())] {
        let mut config = receive(codec);
        config.sync_group = Some("stream".into());
        stage.b.session.set_receiver(stage.now, &mid(section), Some(config));
    }
}

#[test]
fn sound_waits_for_the_pictures_of_its_stream() {
    for seed in 0..10 {
        let mut stage = Stage::new(seed, Link { jitter: 20 * MS, ..path(0.01) });
        in_sync(&mut stage);
        let skew = skew_ms(&mut stage);
        assert!(skew[0] > 100.0, "seed {seed}: {skew:?}");
        assert!(skew[6..].iter().all(|skew| skew.abs() < 40.0), "seed {seed}: {skew:?}");
        // The change is too slow to be heard: an eighth at most for a while.
        let due: Vec<_> =
            stage.b.frames_of("a").map(|frame| (number(&frame.payload), frame.playout)).collect();
        for pair in due.windows(2).skip(250) {
            let step = (pair[1].1.unwrap() - pair[0].1.unwrap()).as_secs_f64() * 1000.0;
            let expected = f64::from(pair[1].0 - pair[0].0) * 20.0;
            assert!((step - expected).abs() < expected / 8.0 + 12.0, "seed {seed}: {step} after {expected}");
        }
    }
}

#[test]
fn streams_that_do_not_belong_together_do_not_wait_for_each_other() {
    let mut stage = Stage::new(1, path(0.0));
    let skew = skew_ms(&mut stage);
    assert!(skew.iter().all(|skew| *skew > 100.0), "{skew:?}");
}

#[test]
fn the_user_may_want_a_longer_delay_and_none() {
    let mut stage = Stage::new(1, path(0.0));
    stage.b.session.set_jitter_buffer_target(stage.now, &mid("v"), Some(500 * MS));
    stage.b.session.set_jitter_buffer_target(stage.now, &mid("a"), Some(Duration::ZERO));
    stage.run_until(3 * SECOND);
    stage.b.session.set_jitter_buffer_target(stage.now, &mid("v"), Some(Duration::ZERO));
    stage.b.session.set_jitter_buffer_target(stage.now, &mid("a"), Some(MAX_JITTER_BUFFER_TARGET));
    stage.run_until(9 * SECOND);
    stage.idle_until(14 * SECOND);
    stage.assert_decodable();
    let early =
        |delays: Vec<(u32, f64)>, until| delays.into_iter().filter(move |(number, _)| *number < until);
    let pictures = delays_ms(&stage, "v", 40 * MS);
    // All that waited when the wish changed left at once.
    assert!(early(pictures.clone(), 60).all(|(_, delay)| (525.0..580.0).contains(&delay)), "{pictures:?}");
    assert!(pictures.iter().filter(|(number, _)| *number >= 76).all(|(_, delay)| *delay < 40.0));
    let sound = delays_ms(&stage, "a", 20 * MS);
    assert!(early(sound.clone(), 145).all(|(_, delay)| delay == 25.0), "{sound:?}");
    let of_late = sound.iter().filter(|(number, _)| *number >= 151);
    assert!(of_late.clone().all(|(_, delay)| (4020.0..4030.0).contains(delay)), "{sound:?}");
    assert_eq!((pictures.len(), sound.len()), (225, 450));
}

#[test]
fn silence_without_packets_is_no_loss_and_no_delay() {
    let mut stage = Stage::new(1, path(0.0));
    for silence in 0..3 {
        stage.run_until(stage.now - stage.start + 2 * SECOND);
        stage.sounds += 50 * (silence + 1);
        stage.run_until(SECOND * 2 + stage.sounds * 20 * MS);
    }
    assert!(stage.b.frames_of("a").all(|frame| frame.lost == 0));
    let delays = delays_ms(&stage, "a", 20 * MS);
    assert!(delays.len() > 300 && delays.iter().all(|(_, delay)| *delay < 36.0), "{delays:?}");
}

#[test]
fn what_the_jitter_buffer_did_is_counted() {
    let mut stage = Stage::new(1, Link { jitter: 40 * MS, ..path(0.02) });
    in_sync(&mut stage);
    stage.run_until(20 * SECOND);
    stage.network.set_default_link(Link::cut());
    stage.run_until(21 * SECOND);
    stage.network.set_default_link(path(0.0));
    stage.run_until(25 * SECOND);
    let (video, audio) = (stage.b.inbound("v"), stage.b.inbound("a"));
    let handed_on = stage.b.numbers("v").len() as u64;
    assert_eq!((video.frames, video.jitter_buffer.emitted), (handed_on, handed_on));
    assert!(video.frames_received >= handed_on && video.frames_assembled == handed_on, "{video:?}");
    assert_eq!(audio.jitter_buffer.emitted, stage.b.numbers("a").len() as u64 * 960);
    for stream in [&video, &audio] {
        let average = |total: Duration| total.as_secs_f64() * 1000.0 / stream.jitter_buffer.emitted as f64;
        let buffer = stream.jitter_buffer;
        assert!((20.0..300.0).contains(&average(buffer.delay)), "{stream:?}");
        assert!(average(buffer.target_delay) >= average(buffer.minimum_delay), "{stream:?}");
        assert!((30.0..300.0).contains(&average(buffer.minimum_delay)), "{stream:?}");
    }
    let flow = video.flow;
    let spans: Vec<_> = stage.b.frames.iter().filter(|(_, mid, _)| mid.as_str() == "v").collect();
    assert_eq!(flow.inter_frame_delay, spans[spans.len() - 1].0 - spans[0].0);
    assert!(flow.freezes >= 1 && flow.freezes_duration >= 700 * MS && flow.pauses == 0, "{flow:?}");
    assert!(flow.squared_inter_frame_delay > 1.0, "{flow:?}");
    assert_eq!(audio.flow, Default::default());
    // What is played now was sampled by the remote's clock, which is 12.345 s ahead of none of its own.
    let ntp = |stream: &peerless_rtp::stats::InboundStats| {
        let since = (stage.now - stream.last_frame_playout.unwrap()).as_secs_f64();
        stream.last_frame_ntp.unwrap() as f64 / 4_294_967_296.0 + since
    };
    assert!((ntp(&video) - ntp(&audio)).abs() < 0.04, "{} {}", ntp(&video), ntp(&audio));
}
