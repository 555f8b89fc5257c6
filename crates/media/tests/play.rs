//! Plays on real connections over the loopback interface: what was drawn and played at one end is seen and heard at the
//! other.

mod call;
mod measure;

use std::time::{Duration, Instant};

use bytes::Bytes;
use call::{Call, PATIENCE};
use measure::{assert_bars, channel, sine};
use peerless::{Format, Frame, LocalTrack, MediaKind};
use peerless_media::play::{AudioPlay, Level, Origin, Pictures, PlayError, Sounds, VideoPlay};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use tokio::time::timeout;

fn screen() -> (LocalTrack, Pump) {
    let track = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    let pattern = TestPattern::new(320, 240, 30).unwrap();
    let pump = Pump::video(track.clone(), pattern, 30, 1_500_000).unwrap();
    (track, pump)
}

fn speaker() -> (LocalTrack, Pump) {
    let track = LocalTrack::new(MediaKind::Audio, "tone", "stream");
    let pump = Pump::audio(track.clone(), SoundKind::Sine.source()).unwrap();
    (track, pump)
}

async fn see(pictures: &mut Pictures, count: usize) {
    for number in 0..count {
        let shown = timeout(PATIENCE, pictures.next()).await.unwrap().unwrap();
        assert_eq!((shown.picture.width(), shown.picture.height()), (320, 240));
        assert_bars(&shown.picture, 6, &format!("picture {number}"));
        assert!(shown.arrived.is_some() && shown.playout.is_some());
    }
}

/// The left channel of so many milliseconds.
async fn listen(sounds: &mut Sounds, ms: u32) -> (Vec<f64>, u32) {
    let (mut samples, mut rate) = (Vec::new(), 1_000);
    while samples.len() < (rate * ms / 1_000) as usize {
        let heard = timeout(PATIENCE, sounds.next()).await.unwrap().unwrap();
        assert_eq!(heard.origin, Origin::Decoded, "nothing is lost here");
        rate = heard.sound.sample_rate();
        samples.extend(channel(heard.sound.samples(), heard.sound.channels(), 0));
    }
    (samples, rate)
}

async fn finish(is_finished: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_finished() {
        assert!(started.elapsed() < PATIENCE, "the play did not end with its track");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_patterns_colours_and_the_tone_arrive_by_every_codec() {
    for (video, audio, sample_rate) in
        [("VP8", "opus", 48_000), ("H264", "G722", 16_000), ("VP8", "PCMU", 8_000), ("H264", "PCMA", 8_000)]
    {
        let ((screen, _drawing), (speaker, _playing)) = (screen(), speaker());
        let mut call = Call::new(&[&screen, &speaker], &[video, audio]);
        let seen = VideoPlay::new(call.track(MediaKind::Video).await).unwrap();
        let heard = AudioPlay::new(call.track(MediaKind::Audio).await).unwrap();
        let (mut pictures, mut sounds) = (seen.pictures(100), heard.sounds(500));
        see(&mut pictures, 20).await;
        listen(&mut sounds, 200).await;
        let (samples, rate) = listen(&mut sounds, 400).await;
        assert_eq!(rate, sample_rate, "{audio}");
        let (amplitude, ratio) = sine(&samples, 440.0, rate);
        assert!((amplitude / 8_192.0 - 1.0).abs() < 0.05, "{audio}: {amplitude:.0}");
        assert!(ratio > 20.0, "{audio}: {ratio:.1} dB");

        let stats = seen.stats();
        assert_eq!(stats.format.map(Format::name), Some(video));
        assert!(stats.frames_decoded >= 20 && stats.key_frames_decoded >= 1, "{stats:?}");
        assert_eq!((stats.frames_broken, stats.size, &stats.problem), (0, Some((320, 240)), &None));
        assert!(stats.frames_per_second > 1.0 && stats.decode_time > Duration::ZERO, "{stats:?}");
        let newest = seen.latest().unwrap();
        assert!(newest.number >= 20);
        assert_bars(&newest.picture, 6, "the newest");

        let stats = heard.stats();
        assert_eq!((stats.format.map(Format::name), stats.sample_rate), (Some(audio), sample_rate));
        assert!(stats.packets_decoded >= 30 && stats.packets_broken == 0, "{stats:?}");
        assert_eq!((stats.concealed_samples, stats.recovered_samples, stats.concealment_events), (0, 0, 0));
        // A sine of a quarter of full scale: its peak at -12 dBov, its power 3 dB below.
        let Level { rms, peak } = stats.level;
        assert!((rms + 15.05).abs() < 0.5 && (peak + 12.04).abs() < 0.7, "{audio}: {rms} {peak}");

        call.a.close();
        call.b.close();
        finish(|| seen.is_finished() && heard.is_finished()).await;
        while pictures.next().await.is_some() {}
        while sounds.next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_track_may_be_forked_and_each_reader_sees_all_of_it() {
    let (screen, _drawing) = screen();
    let mut call = Call::new(&[&screen], &["VP8"]);
    let track = call.track(MediaKind::Video).await;
    let fork = track.fork();
    let play = VideoPlay::new(track.fork()).unwrap();
    let mut pictures = play.pictures(1_000);
    let mut timestamps = Vec::new();
    for _ in 0..20 {
        timestamps.push(timeout(PATIENCE, fork.recv()).await.unwrap().unwrap().timestamp);
    }
    let mut shown = Vec::new();
    while shown.last() != timestamps.last() {
        shown.push(timeout(PATIENCE, pictures.next()).await.unwrap().unwrap().timestamp);
    }
    assert_eq!(shown, timestamps[timestamps.len() - shown.len()..]);
    // The play's thread may have been first; the row was opened at its side at once.
    assert!(shown.len() >= 15, "{}", shown.len());
    call.a.close();
    call.b.close();
}

#[tokio::test]
async fn a_play_ends_with_its_handle_and_leaves_the_track_as_it_was() {
    let (screen, _drawing) = screen();
    let mut call = Call::new(&[&screen], &["H264"]);
    let track = call.track(MediaKind::Video).await;
    let play = VideoPlay::new(track.clone()).unwrap();
    let mut newest = play.pictures(1);
    see(&mut newest, 5).await;
    drop(play);
    // What still waits can be taken, then it is over.
    while timeout(PATIENCE, newest.next()).await.unwrap().is_some() {}
    assert!(!track.is_ended());
    timeout(PATIENCE, track.recv()).await.unwrap().unwrap();
    call.a.close();
    call.b.close();
}

#[tokio::test]
async fn a_track_of_the_other_kind_is_refused() {
    let ((screen, _drawing), (speaker, _playing)) = (screen(), speaker());
    let mut call = Call::new(&[&screen, &speaker], &[]);
    let pictures = call.track(MediaKind::Video).await;
    assert!(matches!(AudioPlay::new(pictures), Err(PlayError::Kind(MediaKind::Video))));
    let sounds = call.track(MediaKind::Audio).await;
    assert!(matches!(VideoPlay::new(sounds), Err(PlayError::Kind(MediaKind::Audio))));
    call.a.close();
    call.b.close();
}

#[tokio::test]
async fn the_decoder_follows_when_another_codec_is_negotiated() {
    let (screen, _drawing) = screen();
    let mut call = Call::new(&[&screen], &["VP8", "H264"]);
    let play = VideoPlay::new(call.track(MediaKind::Video).await).unwrap();
    let mut pictures = play.pictures(100);
    see(&mut pictures, 5).await;
    assert_eq!(play.stats().format.map(Format::name), Some("VP8"));
    let transceiver = call.a.transceivers().swap_remove(0);
    let codecs = peerless::CodecCapability::all();
    let h264: Vec<_> = codecs.into_iter().filter(|codec| codec.format.name() == "H264").collect();
    transceiver.set_codec_preferences(&h264).unwrap();
    call.negotiate();
    let started = Instant::now();
    while play.stats().format.map(Format::name) != Some("H264") {
        assert!(started.elapsed() < PATIENCE);
        see(&mut pictures, 1).await;
    }
    see(&mut pictures, 5).await;
    assert_eq!(play.stats().frames_broken, 0);
    call.a.close();
    call.b.close();
}

#[tokio::test]
async fn a_key_frame_is_asked_for_after_a_broken_frame_and_mends_it() {
    let screen = LocalTrack::new(MediaKind::Video, "broken", "stream");
    let mut call = Call::new(&[&screen], &["VP8"]);
    let play = VideoPlay::new(call.track(MediaKind::Video).await).unwrap();
    let mut pictures = play.pictures(10);
    let whole = {
        use peerless_media::codec::traits::{VideoEncoder, VideoSettings};
        use peerless_media::source::traits::VideoSource;
        let mut pattern = TestPattern::new(320, 240, 30).unwrap();
        let settings = VideoSettings::new((320, 240), 30, 1_000_000);
        let mut encoder = peerless_media::codec::vp8::Vp8Encoder::new(settings).unwrap();
        encoder.encode(pattern.draw(measure::moment(0)), 0, true).unwrap().unwrap().payload
    };
    // A key frame by its first bit, and nothing else (RFC 6386 §9.1).
    let broken = Bytes::from_static(&[0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let started = Instant::now();
    let mut timestamp = 0;
    let mut write = |payload: &Bytes| {
        timestamp += 3_000;
        screen.write(&Frame::new(Format::Vp8, timestamp, true, payload.clone())).is_ok()
    };
    while !write(&whole) {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    timeout(PATIENCE, pictures.next()).await.unwrap().unwrap();
    let _ = screen.take_key_frame_request();
    while !screen.take_key_frame_request() {
        assert!(started.elapsed() < PATIENCE);
        write(&broken);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let stats = play.stats();
    assert!(
        stats.frames_broken >= 1 && stats.key_frame_requests >= 1 && stats.problem.is_some(),
        "{stats:?}"
    );
    write(&whole);
    let mended = timeout(PATIENCE, pictures.next()).await.unwrap().unwrap();
    assert_bars(&mended.picture, 6, "mended");
    assert_eq!(play.stats().problem, None);
    call.a.close();
    call.b.close();
}
