//! From a pump through a connection into files, and from these through another connection: the same bytes come out.

mod call;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use call::{Call, PATIENCE};
use peerless::{Frame, LocalTrack, MediaKind, RemoteTrack};
use peerless_media::file::{
    FilePlayer, FileSource, IvfWriter, KeyFrames, Layout, PlayEnd, PlayError, PlayOptions, Recorder,
    RecorderOptions, RecorderStats, StoredFrame,
};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use tokio::time::timeout;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("peerless-replay-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tracks() -> (LocalTrack, LocalTrack) {
    let video = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    (video, LocalTrack::new(MediaKind::Audio, "music", "stream"))
}

/// Sends pattern and music through a connection into files until each track has so many frames.
async fn record(folder: &Folder, codecs: &[&str], frames: u64) -> RecorderStats {
    let (screen, speaker) = tracks();
    let _video = Pump::video(screen.clone(), TestPattern::new(160, 120, 30).unwrap(), 30, 300_000).unwrap();
    let _audio = Pump::audio(speaker.clone(), SoundKind::Music.source()).unwrap();
    let mut call = Call::new(&[&screen, &speaker], codecs);
    let (seen, heard) = (call.track(MediaKind::Video).await, call.track(MediaKind::Audio).await);
    let mut options = RecorderOptions::default();
    options.layout = Layout::Both;
    let recorder = Recorder::new(&folder.0, options).unwrap();
    let camera = recorder.add_track(MediaKind::Video, "camera", None);
    let microphone = recorder.add_track(MediaKind::Audio, "microphone", None);
    let tasks = [(camera.clone(), seen), (microphone.clone(), heard)]
        .map(|(track, remote)| tokio::spawn(async move { track.follow(remote).await }));
    timeout(PATIENCE, async {
        while camera.stats().frames < frames || microphone.stats().frames < frames {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    call.a.close();
    call.b.close();
    for task in tasks {
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
    let stats = timeout(PATIENCE, recorder.finish()).await.unwrap();
    let problems = stats.tracks.iter().filter_map(|track| track.problem.clone());
    assert_eq!(problems.chain(stats.combined_problem.clone()).count(), 0, "{stats:?}");
    stats
}

fn stored(path: &PathBuf, kind: MediaKind) -> Vec<(bool, bytes::Bytes)> {
    let mut source = FileSource::open(path, Some(kind)).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        frames.push((frame.key, frame.payload));
    }
    frames
}

async fn receive(track: RemoteTrack, count: usize) -> Vec<Frame> {
    // Nothing is to be hurried past a slow test.
    track.set_jitter_buffer_target(Some(Duration::from_millis(200))).unwrap();
    let mut frames: Vec<Frame> = Vec::new();
    while frames.len() < count {
        frames.push(timeout(PATIENCE, track.recv()).await.unwrap().unwrap());
    }
    frames
}

/// Plays both tracks of files again and sees what arrives.
async fn play(files: [&PathBuf; 2], codecs: &[&str]) {
    let (screen, speaker) = tracks();
    let [video, audio] = files;
    let pictures = stored(video, MediaKind::Video);
    let sounds = stored(audio, MediaKind::Audio);
    let sources = vec![
        (screen.clone(), FileSource::open(video, Some(MediaKind::Video)).unwrap()),
        (speaker.clone(), FileSource::open(audio, Some(MediaKind::Audio)).unwrap()),
    ];
    let mut options = PlayOptions::default();
    options.key_frames = KeyFrames::Wait;
    let player = FilePlayer::start(sources, options).unwrap();
    let mut call = Call::new(&[&screen, &speaker], codecs);
    let seen = call.track(MediaKind::Video).await;
    let heard = call.track(MediaKind::Audio).await;
    let (seen, heard) = tokio::join!(receive(seen, pictures.len()), receive(heard, sounds.len()));
    for (frames, stored) in [(&seen, &pictures), (&heard, &sounds)] {
        for (number, (frame, (key, payload))) in frames.iter().zip(stored).enumerate() {
            assert_eq!((frame.key, &frame.payload), (*key, payload), "{} {number}", frame.format.name());
        }
    }
    let end = timeout(PATIENCE, player.ended()).await.unwrap();
    assert!(matches!(end, Ok(PlayEnd::File)), "{end:?}");
    let stats = player.stats();
    assert_eq!((stats.frames as usize, stats.refused), (pictures.len() + sounds.len(), 0), "{stats:?}");
    // In their own time: the timestamps go by as much as the recording did.
    let steps = |frames: &[Frame]| frames[frames.len() - 1].timestamp.wrapping_sub(frames[0].timestamp);
    let (pictures, sounds) = (f64::from(steps(&seen)) / 90_000.0, f64::from(steps(&heard)));
    let sounds = sounds / if heard[0].format.name() == "opus" { 48_000.0 } else { 8_000.0 };
    assert!((0.5..60.0).contains(&pictures) && (0.5..60.0).contains(&sounds), "{pictures} {sounds}");
    call.a.close();
    call.b.close();
}

#[tokio::test]
async fn what_was_recorded_is_sent_again_byte_for_byte_from_the_one_file_and_from_each() {
    let folder = Folder::new("vp8");
    let stats = record(&folder, &["VP8", "opus"], 45).await;
    play([&stats.combined[0], &stats.combined[0]], &["VP8", "opus"]).await;
    play([&stats.tracks[0].files[0], &stats.tracks[1].files[0]], &["VP8", "opus"]).await;
}

#[tokio::test]
async fn h264_and_telephone_sound_are_sent_again_byte_for_byte() {
    let folder = Folder::new("h264");
    let stats = record(&folder, &["H264", "PCMU"], 45).await;
    play([&stats.combined[0], &stats.tracks[1].files[0]], &["H264", "PCMU"]).await;
}

#[tokio::test]
async fn a_file_of_another_codec_is_refused_and_a_repeated_one_goes_on() {
    let folder = Folder::new("refused");
    let stats = record(&folder, &["VP8", "opus"], 20).await;
    let video = &stats.tracks[0].files[0];
    let (screen, _) = tracks();
    let source = FileSource::open(video, None).unwrap();
    let player = FilePlayer::start(vec![(screen.clone(), source)], PlayOptions::default()).unwrap();
    let call = Call::new(&[&screen], &["H264"]);
    let end = timeout(PATIENCE, player.ended()).await.unwrap();
    let Err(PlayError::Codec { file, negotiated }) = end else { panic!("{end:?}") };
    assert_eq!((file.format.name(), negotiated.format.name()), ("VP8", "H264"));
    call.a.close();
    call.b.close();

    let (screen, _) = tracks();
    let count = stored(video, MediaKind::Video).len();
    let mut options = PlayOptions::default();
    options.repeat = true;
    let source = FileSource::open(video, None).unwrap();
    let player = FilePlayer::start(vec![(screen.clone(), source)], options).unwrap();
    let mut call = Call::new(&[&screen], &["VP8"]);
    let track = call.track(MediaKind::Video).await;
    let frames = receive(track, count * 2 + 1).await;
    let steps: Vec<u32> =
        frames.windows(2).map(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp)).collect();
    assert!(steps.iter().all(|step| (1..90_000).contains(step)), "time goes on: {steps:?}");
    assert!(player.stats().repeats >= 1 && player.outcome().is_none());
    // The track's end is the player's: nobody is left who could have it sent.
    drop(screen);
    call.a.close();
    let end = timeout(PATIENCE, player.ended()).await.unwrap();
    assert!(matches!(end, Ok(PlayEnd::Track)), "{end:?}");
    call.b.close();
}

/// Half a minute of what looks like VP8, 50 frames a second, with key frames at 0 and at 28 seconds.
fn long_file(folder: &Folder) -> PathBuf {
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("long.ivf");
    let mut writer = IvfWriter::new(File::create(&path).unwrap(), (640, 480)).unwrap();
    for number in 0..1_500u32 {
        let key = number.is_multiple_of(1_400);
        let start: &[u8] = if key { &[0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1] } else { &[1] };
        let payload = [start, &number.to_be_bytes()].concat().into();
        writer.write(&StoredFrame { time: Duration::from_millis(20) * number, key, payload }).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[tokio::test]
async fn a_wish_for_a_key_frame_jumps_to_the_next_one_or_is_counted() {
    let folder = Folder::new("wish");
    let file = long_file(&folder);
    for key_frames in [KeyFrames::Jump, KeyFrames::Wait] {
        let (screen, _) = tracks();
        let mut options = PlayOptions::default();
        options.key_frames = key_frames;
        let source = FileSource::open(&file, Some(MediaKind::Video)).unwrap();
        let player = FilePlayer::start(vec![(screen.clone(), source)], options).unwrap();
        let mut call = Call::new(&[&screen], &["VP8"]);
        let track = call.track(MediaKind::Video).await;
        receive(track.clone(), 5).await;
        // Wishes that cross a key frame are not passed on, so it is said again.
        let wished = async {
            while player.stats().jumps + player.stats().unanswered == 0 {
                track.request_key_frame();
                receive(track.clone(), 5).await;
            }
        };
        timeout(PATIENCE, wished).await.unwrap();
        let stats = player.stats();
        if key_frames == KeyFrames::Wait {
            assert_eq!((stats.jumps, stats.skipped), (0, 0), "{stats:?}");
            player.stop();
            let end = timeout(PATIENCE, player.ended()).await.unwrap();
            assert!(matches!(end, Ok(PlayEnd::Stopped)), "{end:?}");
        } else {
            assert_eq!((stats.jumps, stats.unanswered), (1, 0), "{stats:?}");
            // The key frame comes at once, and the two seconds after it.
            let end = timeout(PATIENCE, player.ended()).await.unwrap();
            assert!(matches!(end, Ok(PlayEnd::File)), "{end:?}");
            let stats = player.stats();
            assert!(stats.skipped > 500 && stats.frames + stats.skipped == 1_500, "{stats:?}");
        }
        call.a.close();
        call.b.close();
    }
}
