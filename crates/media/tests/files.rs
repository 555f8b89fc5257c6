//! Recorders on a real disk, and readers before files that nobody should have written.

mod measure;

use std::io::Cursor;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use measure::Chance;
use peerless::{Format, Frame, MediaKind};
use peerless_media::file::{
    AnnexBReader, AnnexBWriter, Error, FileError, FileSource, IvfReader, IvfWriter, Layout, MatroskaReader,
    MatroskaWriter, OggOpusReader, OggOpusWriter, Recorder, RecorderOptions, RecorderStats, StoredFrame,
    TrackInfo, WavReader, WavWriter, Y4mReader, Y4mWriter,
};
use peerless_media::picture::Picture;

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("peerless-files-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const VP8_KEY: [u8; 11] = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 7];
const H264: Format = Format::H264 { packetization_mode: 1, profile_level_id: 0x42_c01f };

fn h264_key() -> Vec<u8> {
    let sps = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
    [&sps[..], &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80], &[0, 0, 0, 1, 0x65, 0x88, 1]].concat()
}

fn payload(format: Format, key: bool, number: u32) -> Bytes {
    let number = number as u8;
    match format {
        Format::Vp8 if key => [&VP8_KEY[..], &[number]].concat().into(),
        Format::Vp8 => vec![1, number, 9].into(),
        Format::H264 { .. } if key => [h264_key(), vec![number | 1]].concat().into(),
        Format::H264 { .. } => vec![0, 0, 0, 1, 0x41, 0x9a, number | 1].into(),
        Format::Opus => vec![0xfc, number].into(),
        _ => vec![number; 160].into(),
    }
}

/// Frame `number` of a stream that began at `start`: 50 a second, each tenth a key frame.
fn frame(format: Format, start: Instant, number: u32) -> Frame {
    let key = !format.is_video() || number.is_multiple_of(10);
    let rate = if format.is_video() {
        90_000
    } else if format == Format::Opus {
        48_000
    } else {
        8_000
    };
    let timestamp = 0xffff_f000u32.wrapping_add(number * rate / 50);
    let mut frame = Frame::new(format, timestamp, key, payload(format, key, number));
    frame.playout = Some(start + Duration::from_millis(20) * number);
    frame
}

fn options(layout: Layout) -> RecorderOptions {
    let mut options = RecorderOptions::default();
    options.layout = layout;
    options
}

fn names(stats: &RecorderStats) -> Vec<String> {
    let files = stats.tracks.iter().flat_map(|track| &track.files).chain(&stats.combined);
    files.map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn drain(path: &PathBuf, kind: MediaKind) -> (Vec<StoredFrame>, Option<FileError>) {
    let mut source = FileSource::open(path, Some(kind)).unwrap();
    let mut frames = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

#[tokio::test]
async fn each_track_has_its_file_and_all_have_one() {
    for (video, audio, files) in [
        (Format::Vp8, Format::Opus, ["camera.ivf", "mic__.opus", "recording.webm"]),
        (H264, Format::Pcmu, ["camera.h264", "mic__.wav", "recording.mkv"]),
    ] {
        let folder = Folder::new("layout");
        let recorder = Recorder::new(&folder.0, options(Layout::Both)).unwrap();
        let camera = recorder.add_track(MediaKind::Video, "camera", None);
        let microphone = recorder.add_track(MediaKind::Audio, "mic/.", None);
        let start = Instant::now();
        for number in 0..100 {
            microphone.write(&frame(audio, start, number));
            // Video that begins with what cannot be decoded.
            camera.write(&frame(video, start, number + 3));
        }
        let stats = recorder.finish().await;
        assert_eq!(names(&stats), files);
        assert!(stats.combined_problem.is_none() && stats.waiting == 0, "{stats:?}");
        let [camera, microphone] = &stats.tracks[..] else { panic!("{stats:?}") };
        assert_eq!((camera.frames, camera.dropped, microphone.frames), (93, 7, 100), "{stats:?}");
        assert_eq!(microphone.time, Duration::from_millis(1_980));
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let (track, format, skipped) =
                if kind == MediaKind::Video { (camera, video, 10) } else { (microphone, audio, 0) };
            let own = drain(&track.files[0], kind);
            let combined = drain(&stats.combined[0], kind);
            assert!(own.1.is_none() && combined.1.is_none());
            for frames in [own.0, combined.0] {
                assert_eq!(frames.len() as u64, track.frames);
                for (stored, number) in frames.iter().zip(skipped..) {
                    let wanted = frame(format, start, number);
                    assert_eq!((&stored.payload, stored.key), (&wanted.payload, wanted.key));
                }
            }
        }
        // Both stand where they were played, in the one file.
        let first = |kind| drain(&stats.combined[0], kind).0[0].time;
        let apart = first(MediaKind::Video).abs_diff(first(MediaKind::Audio));
        assert!(apart.abs_diff(Duration::from_millis(200)) <= Duration::from_millis(1), "{apart:?}");
    }
}

#[tokio::test]
async fn another_codec_begins_another_file_and_names_are_never_taken_twice() {
    let folder = Folder::new("change");
    let recorder = Recorder::new(&folder.0, options(Layout::Both)).unwrap();
    let camera = recorder.add_track(MediaKind::Video, "recording", None);
    let second = recorder.add_track(MediaKind::Video, "recording", None);
    let start = Instant::now();
    (0..20).for_each(|number| camera.write(&frame(Format::Vp8, start, number)));
    (0..20).for_each(|number| second.write(&frame(Format::Vp8, start, number)));
    (25..50).for_each(|number| camera.write(&frame(H264, start, number)));
    let stats = recorder.finish().await;
    let expected =
        ["recording_2.ivf", "recording_2.h264", "recording_3.ivf", "recording.webm", "recording.mkv"];
    assert_eq!(names(&stats), expected);
    assert_eq!((stats.tracks[0].frames, stats.tracks[0].dropped), (40, 5), "{stats:?}");
    assert_eq!(drain(&stats.combined[1], MediaKind::Video).0.len(), 20);
    // Another recording into the same folder.
    let recorder = Recorder::new(&folder.0, options(Layout::Separate)).unwrap();
    let camera = recorder.add_track(MediaKind::Video, "recording_2", None);
    camera.write(&frame(Format::Vp8, start, 0));
    assert_eq!(names(&recorder.finish().await), ["recording_2-2.ivf"]);
}

#[tokio::test]
async fn a_track_that_cannot_be_kept_says_why_and_stops_no_other() {
    let folder = Folder::new("trouble");
    let recorder = Recorder::new(&folder.0, options(Layout::Separate)).unwrap();
    let broken = recorder.add_track(MediaKind::Audio, "broken", None);
    let unreadable = recorder.add_track(MediaKind::Video, "unreadable", None);
    let fine = recorder.add_track(MediaKind::Audio, "fine", None);
    let start = Instant::now();
    for number in 0..10 {
        broken.write(&frame(Format::L16, start, number));
        let mut false_key = frame(Format::Vp8, start, 1);
        false_key.key = true;
        unreadable.write(&false_key);
        fine.write(&frame(Format::Pcma, start, number));
    }
    let stats = recorder.finish().await;
    let problem = |index: usize| stats.tracks[index].problem.clone().map(|problem| problem.error);
    assert!(matches!(problem(0), Some(Error::UnknownRate)), "{stats:?}");
    assert!(matches!(problem(1), Some(Error::NoKeyFrame)), "{stats:?}");
    assert!(problem(2).is_none());
    assert_eq!((stats.tracks[2].frames, stats.tracks[0].dropped), (10, 10));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let folder = Folder::new("file");
    std::fs::write(&folder.0, b"a file").unwrap();
    let error = Recorder::new(folder.0.join("below"), RecorderOptions::default()).unwrap_err();
    assert!(error.path.starts_with(&folder.0) && matches!(error.error, Error::Io(_)), "{error}");
    std::fs::remove_file(&folder.0).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_and_frames_are_dropped() {
    // /dev/full takes nothing: a link to it stands where the recorder's file would be made, but is there already; so
    // the writers are asked directly.
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let error = IvfWriter::new(full(), (640, 480)).unwrap_err();
    assert!(matches!(error, Error::Full), "{error}");
    let error = OggOpusWriter::new(full(), 1).unwrap_err();
    assert!(matches!(error, Error::Full), "{error}");
}

#[tokio::test]
async fn what_waits_is_bounded_and_video_goes_on_with_a_key_frame() {
    let folder = Folder::new("bounded");
    let mut options = options(Layout::Separate);
    // Room for one frame at a time: most find none, however fast the disk is.
    options.queue_limit = 12;
    let recorder = Recorder::new(&folder.0, options).unwrap();
    let camera = recorder.add_track(MediaKind::Video, "camera", None);
    let start = Instant::now();
    (0..2_000).for_each(|number| camera.write(&frame(Format::Vp8, start, number)));
    assert!(recorder.stats().waiting <= 12);
    let stats = recorder.finish().await;
    let track = &stats.tracks[0];
    assert_eq!(track.frames + track.dropped, 2_000, "{stats:?}");
    // No frame follows a gap unless it is a key frame.
    let frames = drain(&track.files[0], MediaKind::Video).0;
    assert_eq!(frames.len() as u64, track.frames);
    for pair in frames.windows(2) {
        let step = pair[1].time - pair[0].time;
        assert!(pair[1].key || step == Duration::from_millis(20), "{step:?}");
    }
    // Over: nothing is taken any more.
    camera.write(&frame(Format::Vp8, start, 0));
    assert_eq!(camera.stats().dropped, track.dropped + 1);
}

fn stored(format: Format, count: u32) -> Vec<StoredFrame> {
    let frame = |number: u32| {
        let key = !format.is_video() || number.is_multiple_of(10);
        let time = Duration::from_millis(20) * number;
        StoredFrame { time, key, payload: payload(format, key, number) }
    };
    (0..count).map(frame).collect()
}

/// A file of each kind, and what reads it: the frames and their bytes.
type Reader = fn(&[u8]) -> (usize, usize);

macro_rules! count_frames {
    ($reader:expr) => {{
        let Ok(mut reader) = $reader else { return (0, 0) };
        let (mut frames, mut len) = (0, 0);
        while let Ok(Some(frame)) = reader.next_frame() {
            frames += 1;
            len += frame.payload.len();
        }
        assert!(matches!(reader.next_frame(), Ok(None)), "an error comes once");
        (frames, len)
    }};
}

fn kinds() -> Vec<(&'static str, Vec<u8>, Reader)> {
    let tracks = [
        (TrackInfo::clone(&info(Format::Vp8)), stored(Format::Vp8, 1)[0].clone()),
        (info(H264), stored(H264, 1)[0].clone()),
        (info(Format::Opus), stored(Format::Opus, 1)[0].clone()),
    ];
    let mut matroska = MatroskaWriter::new(Cursor::new(Vec::new()), &tracks).unwrap();
    for (track, format) in [Format::Vp8, H264, Format::Opus].into_iter().enumerate() {
        stored(format, 80).iter().for_each(|frame| matroska.write(track, frame).unwrap());
    }
    let mut ivf = IvfWriter::new(Cursor::new(Vec::new()), (640, 480)).unwrap();
    stored(Format::Vp8, 40).iter().for_each(|frame| ivf.write(frame).unwrap());
    let mut annex_b = AnnexBWriter::new(Vec::new());
    stored(H264, 40).iter().for_each(|frame| annex_b.write(frame).unwrap());
    let mut ogg = OggOpusWriter::new(Vec::new(), 5).unwrap();
    stored(Format::Opus, 120).iter().for_each(|frame| ogg.write(frame).unwrap());
    let mut wav = WavWriter::new(Cursor::new(Vec::new()), &info(Format::Pcmu)).unwrap();
    stored(Format::Pcmu, 10).iter().for_each(|frame| wav.write(frame).unwrap());
    let mut y4m = Y4mWriter::new(Vec::new(), (18, 10), (30, 1)).unwrap();
    (0..4).for_each(|_| y4m.write(&Picture::new(18, 10).unwrap()).unwrap());
    vec![
        ("ivf", ivf.finish().unwrap().into_inner(), |bytes| count_frames!(IvfReader::new(bytes))),
        ("annex b", annex_b.finish().unwrap(), |bytes| count_frames!(AnnexBReader::new(bytes, 30))),
        ("ogg", ogg.finish().unwrap(), |bytes| count_frames!(OggOpusReader::new(bytes))),
        ("wav", wav.finish().unwrap().into_inner(), |bytes| count_frames!(WavReader::new(bytes))),
        ("matroska", matroska.finish().unwrap().into_inner(), |bytes| {
            let Ok(mut reader) = MatroskaReader::new(bytes) else { return (0, 0) };
            let (mut frames, mut len) = (0, 0);
            while let Ok(Some((_, frame))) = reader.next_frame() {
                frames += 1;
                len += frame.payload.len();
            }
            assert!(matches!(reader.next_frame(), Ok(None)), "an error comes once");
            (frames, len)
        }),
        ("y4m", y4m.finish().unwrap(), |bytes| {
            let Ok(mut reader) = Y4mReader::new(bytes) else { return (0, 0) };
            let mut frames = 0;
            while let Ok(Some(_)) = reader.next_picture() {
                frames += 1;
            }
            (frames, 0)
        }),
    ]
}

fn info(format: Format) -> TrackInfo {
    let bytes: Vec<u8> = stored(format, 1)[0].payload.to_vec();
    // The public way to an info is a reader's.
    match format {
        Format::Vp8 => {
            let file = IvfWriter::new(Cursor::new(Vec::new()), (640, 480)).unwrap().finish().unwrap();
            IvfReader::new(&file.into_inner()[..]).unwrap().info()
        }
        Format::H264 { .. } => AnnexBReader::new(&bytes[..], 30).unwrap().info(),
        Format::Opus => {
            let file = OggOpusWriter::new(Vec::new(), 1).unwrap().finish().unwrap();
            OggOpusReader::new(&file[..]).unwrap().info()
        }
        _ => {
            let fmt = [7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0];
            let file = [&b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"[..], &fmt, b"data\0\0\0\0"].concat();
            WavReader::new(&file[..]).unwrap().info()
        }
    }
}

#[test]
fn broken_files_give_what_is_whole_and_never_more_than_is_there() {
    let seed = std::env::var("PEERLESS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("PEERLESS_SEED={seed}");
    let mut chance = Chance(seed);
    for (name, file, reader) in kinds() {
        let (frames, bytes) = reader(&file);
        assert!(frames >= 4, "{name}: {frames}");
        println!("{name}: {} bytes, {frames} frames of {bytes}", file.len());
        for round in 0..4_000 {
            let mut broken = chance.broken(&file);
            for _ in 0..round % 3 {
                broken = if broken.is_empty() { broken } else { chance.broken(&broken) };
            }
            let (frames, bytes) = reader(&broken);
            // Parameter sets in front of a key frame and a start code for each unit are all that may be added.
            assert!(frames <= broken.len() + 1, "{name}: {frames} frames of {}", broken.len());
            assert!(bytes <= broken.len() * 100, "{name}: {bytes} bytes of {}", broken.len());
        }
        for _ in 0..500 {
            let count = chance.below(600);
            let noise = chance.bytes(count);
            reader(&noise);
            let start = file.len().min(chance.below(200));
            reader(&[&file[..start], &noise].concat());
        }
    }
}
