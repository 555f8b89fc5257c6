//! Pumps on real connections over the loopback interface: what arrives is what was drawn and played, in time.

mod call;

use std::sync::Arc;
use std::time::{Duration, Instant};

use call::{Call, PATIENCE};
use peerless::{Format, Frame, LocalTrack, MediaKind, RemoteTrack};
use peerless_media::picture::Picture;
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use peerless_media::source::traits::{Moment, VideoSource};
use tokio::time::timeout;

async fn frames(track: &RemoteTrack, count: usize) -> (Format, Vec<Frame>) {
    let mut frames = Vec::new();
    while frames.len() < count {
        frames.push(timeout(PATIENCE, track.recv()).await.unwrap().unwrap());
    }
    (frames[0].format, frames)
}

/// Steps of the timestamp from frame to frame.
fn steps(frames: &[Frame]) -> Vec<u32> {
    frames.windows(2).map(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp)).collect()
}

fn pattern_pump(track: &LocalTrack) -> Pump {
    let pattern = TestPattern::new(320, 240, 30).unwrap();
    Pump::video(track.clone(), pattern, 30, 800_000).unwrap()
}

async fn finish(pump: &Pump) {
    let started = Instant::now();
    while !pump.is_finished() {
        assert!(started.elapsed() < PATIENCE, "the pump did not end with its track");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn pictures_and_music_arrive_at_their_rate_until_the_connection_closes() {
    let screen = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    let speaker = LocalTrack::new(MediaKind::Audio, "music", "stream");
    let video = pattern_pump(&screen);
    let audio = Pump::audio(speaker.clone(), SoundKind::Music.source()).unwrap();
    let mut call = Call::new(&[&screen, &speaker], &["VP8"]);
    let pictures = call.track(MediaKind::Video).await;
    let (format, received) = frames(&pictures, 40).await;
    assert_eq!(format, Format::Vp8);
    assert!(received[0].key);
    // A busy machine may leave a frame out, but each stands at a multiple of 1/30 s.
    assert!(steps(&received).iter().all(|step| *step > 0 && step % 3000 == 0), "{:?}", steps(&received));

    let stats = video.stats();
    // The last frame may be read before the pump has counted it.
    assert!(stats.frames >= 39 && stats.bytes > 10_000 && stats.problem.is_none(), "{stats:?}");
    assert_eq!(stats.format, Some(Format::Vp8));
    assert!(stats.encode_time > Duration::ZERO);
    let heard = audio.stats();
    assert!(heard.frames > 20 && heard.format == Some(Format::Opus), "{heard:?}");

    call.a.close();
    // A track that is stopped ends, and one that nobody could add to another connection any more.
    screen.stop();
    drop(speaker);
    finish(&video).await;
    finish(&audio).await;
    assert_eq!(video.stats().format, None);
    call.b.close();
}

#[tokio::test]
async fn sound_comes_every_20_ms_and_stops_with_the_handle() {
    let speaker = LocalTrack::new(MediaKind::Audio, "music", "stream");
    let audio = Pump::audio(speaker.clone(), SoundKind::Sine.source()).unwrap();
    let mut call = Call::new(&[&speaker], &[]);
    let sounds = call.track(MediaKind::Audio).await;
    let (format, received) = frames(&sounds, 60).await;
    assert_eq!(format, Format::Opus);
    assert!(steps(&received).iter().all(|step| *step > 0 && step % 960 == 0), "{:?}", steps(&received));
    let mut decoder = opus_pure::OpusDecoder::new(48_000, 2).unwrap();
    let mut output = vec![0i16; 960 * 2];
    let mut peak = 0;
    for frame in &received {
        assert_eq!(decoder.decode_s16(&frame.payload, 960, &mut output).unwrap(), 960);
        peak = output.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
    }
    assert!((7_000..9_500).contains(&peak), "a sine at a quarter of full scale: {peak}");
    drop(audio);
    // What is on its way still comes; then nothing does.
    while timeout(Duration::from_millis(500), sounds.recv()).await.is_ok() {}
    assert!(!speaker.is_ended());
    call.a.close();
    call.b.close();
}

/// A source that shows whether it is still there.
struct Watched(TestPattern, #[expect(dead_code, reason = "counted, not read")] Arc<()>);

impl VideoSource for Watched {
    fn size(&self) -> (u32, u32) {
        self.0.size()
    }

    fn draw(&mut self, moment: Moment) -> &Picture {
        self.0.draw(moment)
    }
}

#[tokio::test]
async fn h264_begins_with_a_key_frame_that_decodes_and_a_detached_pump_ends_with_its_track() {
    let screen = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    let alive = Arc::new(());
    let source = Watched(TestPattern::new(320, 240, 30).unwrap(), alive.clone());
    Pump::video(screen.clone(), source, 30, 800_000).unwrap().detach();
    let mut call = Call::new(&[&screen], &["H264"]);
    let pictures = call.track(MediaKind::Video).await;
    let (format, received) = frames(&pictures, 20).await;
    assert!(matches!(format, Format::H264 { .. }), "{format:?}");
    assert!(received[0].key, "the first frame can be decoded");
    let mut decoder = openh264::decoder::Decoder::new().unwrap();
    for frame in &received {
        assert!(decoder.decode(&frame.payload).unwrap().is_some());
    }
    drop(screen);
    call.a.close();
    call.b.close();
    let started = Instant::now();
    while Arc::strong_count(&alive) > 1 {
        assert!(started.elapsed() < PATIENCE, "the thread lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_encoder_is_told_what_the_user_wishes_while_the_network_says_nothing() {
    let screen = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    let pattern = TestPattern::new(320, 240, 30).unwrap();
    let video = Pump::video(screen.clone(), pattern, 30, 4_000_000).unwrap();
    let mut call = Call::new(&[&screen], &["VP8"]);
    let pictures = call.track(MediaKind::Video).await;
    frames(&pictures, 20).await;
    assert_eq!((screen.target_bitrate(), video.stats().target_bitrate), (None, 4_000_000));
    drop(screen);
    call.a.close();
    call.b.close();
    finish(&video).await;
}
