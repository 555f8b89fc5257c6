//! ffmpeg as the judge of our files: it finds in them what was put in, without a complaint, and we read what it writes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use peerless::{Codec, Format, Frame, MediaKind};
use peerless_media::codec::g711::{G711Encoder, Law};
use peerless_media::codec::g722::G722Encoder;
use peerless_media::codec::h264::H264Encoder;
use peerless_media::codec::l16::L16Encoder;
use peerless_media::codec::opus::{OpusEncoder, Wishes};
use peerless_media::codec::traits::{AudioEncoder, VideoEncoder, VideoSettings};
use peerless_media::codec::vp8::Vp8Encoder;
use peerless_media::file::{
    FileSource, Layout, Recorder, RecorderOptions, RecorderStats, Y4mReader, Y4mWriter,
};
use peerless_media::sound::Sound;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use peerless_media::source::traits::{Moment, VideoSource};
use serde_json::Value;

const H264: Format = Format::H264 { packetization_mode: 1, profile_level_id: 0x42_e01f };
/// Frames of video, 25 a second; frames of sound, 50 a second.
const PICTURES: u32 = 100;
const SOUNDS: u32 = 200;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("peerless-judge-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a program says, where it goes well and complains of nothing.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && complaint.trim().is_empty() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {} {complaint}", output.status))
    }
}

fn probe(file: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json"]).arg(file);
    serde_json::from_str(&said(&mut command).unwrap()).unwrap()
}

/// Decodes all of a file.
fn decode(file: &Path) -> Result<String, String> {
    let mut command = Command::new("ffmpeg");
    said(command.args(["-nostdin", "-v", "error", "-xerror", "-i"]).arg(file).args(["-f", "null", "-"]))
}

fn pictures(format: Format, size: (u32, u32), start: Instant, numbers: std::ops::Range<u32>) -> Vec<Frame> {
    let settings = VideoSettings::new(size, 25, 8_000_000);
    let mut encoder: Box<dyn VideoEncoder> = match format {
        Format::Vp8 => Box::new(Vp8Encoder::new(settings).unwrap()),
        _ => Box::new(H264Encoder::new(settings, 0x42_e01f, 1).unwrap()),
    };
    let mut pattern = TestPattern::new(size.0, size.1, 25).unwrap();
    let mut draw = |number: u32| {
        let elapsed = Duration::from_millis(40) * number;
        let picture = pattern.draw(Moment { number: number.into(), elapsed, wall: elapsed });
        let timestamp = 0xffff_8000u32.wrapping_add(number * 3_600);
        let coded = encoder.encode(picture, number * 3_600, number.is_multiple_of(50)).unwrap()?;
        let mut frame = Frame::new(format, timestamp, coded.key, coded.payload);
        frame.playout = Some(start + elapsed);
        Some(frame)
    };
    // An encoder may leave a picture out.
    numbers.filter_map(&mut draw).collect()
}

fn sounds(format: Format, start: Instant) -> Vec<Frame> {
    let mut encoder: Box<dyn AudioEncoder> = match format {
        Format::Opus => Box::new(OpusEncoder::new(Wishes::parse(""), None).unwrap()),
        Format::Pcmu => Box::new(G711Encoder::new(Law::Mu)),
        Format::Pcma => Box::new(G711Encoder::new(Law::A)),
        Format::G722 => Box::new(G722Encoder::new()),
        _ => Box::new(L16Encoder::new(8_000, 1)),
    };
    let (shape, ticks) = (encoder.shape(), encoder.ticks());
    let mut sound = Sound::new(shape.sample_rate, shape.channels, shape.frames).unwrap();
    let mut source = SoundKind::Sine.source();
    let mut play = |number: u32| {
        source.fill(&mut sound);
        let timestamp = 0xffff_f000u32.wrapping_add(number * ticks);
        let mut frame = Frame::new(format, timestamp, true, encoder.encode(&sound).unwrap());
        frame.playout = Some(start + Duration::from_millis(20) * number);
        frame
    };
    (0..SOUNDS).map(&mut play).collect()
}

/// L16 of 8 kHz, as a negotiation would tell it.
fn l16() -> Codec {
    Codec {
        format: Format::L16,
        payload_type: peerless_wire::rtp::PayloadType::new(96).unwrap(),
        clock_rate: 8_000,
        channels: 1,
        parameters: String::new(),
        rtx: None,
        feedback: peerless::Feedback::default(),
    }
}

async fn record(folder: &Folder, video: &[Frame], audio: &[Frame]) -> RecorderStats {
    let mut options = RecorderOptions::default();
    options.layout = Layout::Both;
    let recorder = Recorder::new(&folder.0, options).unwrap();
    let camera = recorder.add_track(MediaKind::Video, "camera", None);
    let linear = audio[0].format == Format::L16;
    let microphone = recorder.add_track(MediaKind::Audio, "microphone", linear.then(l16));
    let mut audio = audio.iter().peekable();
    for frame in video {
        while let Some(sound) = audio.next_if(|sound| sound.playout <= frame.playout) {
            microphone.write(sound);
        }
        camera.write(frame);
    }
    audio.for_each(|sound| microphone.write(sound));
    let stats = recorder.finish().await;
    assert!(stats.tracks.iter().all(|track| track.problem.is_none() && track.dropped == 0), "{stats:?}");
    assert!(stats.combined_problem.is_none() && stats.combined.len() == 1, "{stats:?}");
    stats
}

fn seconds(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// Four seconds of `codec` in so many packets, decoded without a complaint.
fn check(file: &Path, streams: &[(&str, Option<u32>)]) -> Value {
    let found = probe(file);
    let name = file.display();
    assert_eq!(found["streams"].as_array().unwrap().len(), streams.len(), "{name}: {found}");
    for (stream, (codec, packets)) in found["streams"].as_array().unwrap().iter().zip(streams) {
        assert_eq!(stream["codec_name"], *codec, "{name}: {stream}");
        if let Some(packets) = packets {
            assert_eq!(stream["nb_read_packets"], packets.to_string(), "{name}: {stream}");
        }
    }
    // A raw byte stream knows no time.
    if file.extension().is_some_and(|extension| extension != "h264") {
        let duration = seconds(&found["format"]["duration"]);
        assert!((3.95..4.05).contains(&duration), "{name}: {duration} in {found}");
    }
    decode(file).unwrap();
    found
}

#[tokio::test]
async fn ffmpeg_finds_in_our_files_what_was_put_in() {
    for (video, audio, names) in [
        (Format::Vp8, Format::Opus, ["vp8", "opus"]),
        (H264, Format::Pcmu, ["h264", "pcm_mulaw"]),
        (Format::Vp8, Format::Pcma, ["vp8", "pcm_alaw"]),
        (H264, Format::G722, ["h264", "adpcm_g722"]),
        (Format::Vp8, Format::L16, ["vp8", "pcm_s16be"]),
        (H264, Format::Opus, ["h264", "opus"]),
    ] {
        let folder = Folder::new(names[1]);
        let start = Instant::now();
        let frames = pictures(video, (320, 240), start, 0..PICTURES);
        let stats = record(&folder, &frames, &sounds(audio, start)).await;
        let [camera, microphone] = &stats.tracks[..] else { panic!("{stats:?}") };
        let own = names[1].replace("s16be", "s16le");
        let found = check(&camera.files[0], &[(names[0], Some(PICTURES))]);
        assert_eq!(
            (&found["streams"][0]["width"], &found["streams"][0]["height"]),
            (&320.into(), &240.into())
        );
        let packets = (audio == Format::Opus).then_some(SOUNDS);
        check(&microphone.files[0], &[(&own, packets)]);
        check(&stats.combined[0], &[(names[0], Some(PICTURES)), (names[1], Some(SOUNDS))]);
    }
}

#[tokio::test]
async fn pictures_that_change_their_size_go_on_in_the_same_files() {
    for (format, name) in [(Format::Vp8, "vp8"), (H264, "h264")] {
        let folder = Folder::new(&format!("size-{name}"));
        let start = Instant::now();
        let mut frames = pictures(format, (320, 240), start, 0..50);
        frames.extend(pictures(format, (640, 480), start, 50..PICTURES));
        let count = frames.len() as u32;
        assert!(count >= PICTURES - 5, "{name}: {count}");
        let stats = record(&folder, &frames, &sounds(Format::Opus, start)).await;
        check(&stats.tracks[0].files[0], &[(name, Some(count))]);
        check(&stats.combined[0], &[(name, Some(count)), ("opus", Some(SOUNDS))]);
        // The last picture is of the larger size.
        let mut command = Command::new("ffprobe");
        command.args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "frame=width",
            "-of",
            "csv=p=0",
        ]);
        let widths = said(command.arg(&stats.combined[0])).unwrap();
        let widths: Vec<&str> = widths.lines().map(|line| line.trim_end_matches(',')).collect();
        assert_eq!((widths.first(), widths.last()), (Some(&"320"), Some(&"640")));
    }
}

#[tokio::test]
async fn a_gap_in_the_sound_and_a_late_track_keep_their_times() {
    let folder = Folder::new("gap");
    let start = Instant::now();
    let frames = pictures(Format::Vp8, (160, 120), start, 0..PICTURES);
    let sounds: Vec<Frame> = sounds(Format::Opus, start)
        .into_iter()
        .enumerate()
        .filter(|(number, _)| *number >= 50 && !(100..130).contains(number))
        .map(|(_, frame)| frame)
        .collect();
    let stats = record(&folder, &frames, &sounds).await;
    let found = check(&stats.combined[0], &[("vp8", Some(PICTURES)), ("opus", Some(120))]);
    let begins = seconds(&found["streams"][1]["start_time"]);
    assert!((0.99..1.01).contains(&begins), "{found}");
    // The sound's own file begins at a second too, and its last packet stands where it stood.
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]);
    let times = said(command.arg(&stats.tracks[1].files[0])).unwrap();
    let times: Vec<f64> = times.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!((first - 1.0).abs() < 0.02 && (last - 3.98).abs() < 0.02, "{first} to {last}");
    decode(&stats.tracks[1].files[0]).unwrap();
}

#[tokio::test]
async fn files_that_were_cut_off_play_up_to_there() {
    let folder = Folder::new("cut");
    let start = Instant::now();
    let frames = pictures(Format::Vp8, (320, 240), start, 0..PICTURES);
    let stats = record(&folder, &frames, &sounds(Format::Opus, start)).await;
    let files = stats.tracks.iter().flat_map(|track| &track.files).chain(&stats.combined);
    for file in files {
        let mut bytes = std::fs::read(file).unwrap();
        bytes.truncate(bytes.len() * 7 / 10);
        let extension = file.extension().unwrap().to_string_lossy().into_owned();
        let cut = folder.0.join(format!("cut.{extension}"));
        std::fs::write(&cut, bytes).unwrap();
        let mut command = Command::new("ffprobe");
        command.args(["-v", "quiet", "-count_packets", "-show_streams", "-of", "json"]).arg(&cut);
        let found: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        for stream in found["streams"].as_array().unwrap() {
            let packets = seconds(&stream["nb_read_packets"]);
            let whole = if stream["codec_type"] == "video" { PICTURES } else { SOUNDS };
            // The audio file has pages of a second.
            assert!(packets >= f64::from(whole) * 0.45, "{extension}: {packets} of {whole}");
        }
    }
}

#[tokio::test]
async fn we_read_what_ffmpeg_writes() {
    let folder = Folder::new("foreign");
    let start = Instant::now();
    for (video, audio, extensions) in [
        (Format::Vp8, Format::Opus, &["mkv", "webm"][..]),
        (H264, Format::Pcmu, &["mkv"]),
        (H264, Format::L16, &["mkv"]),
    ] {
        let frames = pictures(video, (320, 240), start, 0..PICTURES);
        let sounds = sounds(audio, start);
        let stats = record(&folder, &frames, &sounds).await;
        for (kind, frames, extensions) in
            [(MediaKind::Video, &frames, extensions), (MediaKind::Audio, &sounds, extensions)]
        {
            let own = if kind == MediaKind::Video { (video, "v") } else { (audio, "a") };
            let single = match own.0 {
                Format::Vp8 => vec!["ivf"],
                Format::H264 { .. } => vec!["h264"],
                Format::Opus => vec!["opus"],
                _ => vec!["wav"],
            };
            for extension in extensions.iter().chain(&single) {
                let foreign = folder.0.join(format!("foreign.{extension}"));
                let mut command = Command::new("ffmpeg");
                command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(&stats.combined[0]);
                command.args(["-map", &format!("0:{}", own.1)]);
                // WAV holds linear samples in the other byte order.
                let linear = *extension == "wav" && audio == Format::L16;
                command.args(["-c", if linear { "pcm_s16le" } else { "copy" }]);
                said(command.arg(&foreign)).unwrap();
                let mut source = FileSource::open(&foreign, Some(kind)).unwrap();
                let mut payloads = Vec::new();
                while let Some(frame) = source.next_frame().unwrap() {
                    payloads.push(frame.payload);
                }
                let wanted: Vec<_> = frames.iter().map(|frame| frame.payload.clone()).collect();
                if own.0 == audio && audio != Format::Opus {
                    assert_eq!(payloads.concat(), wanted.concat(), "{}", foreign.display());
                } else if matches!(own.0, Format::H264 { .. }) {
                    // It moves parameter sets and start codes; the pictures are as many.
                    assert_eq!(payloads.len(), wanted.len(), "{}", foreign.display());
                } else {
                    assert_eq!(payloads, wanted, "{}", foreign.display());
                }
            }
        }
    }
}

#[test]
fn ffmpeg_and_we_agree_on_y4m() {
    let folder = Folder::new("y4m");
    std::fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("pattern.y4m");
    let mut writer = Y4mWriter::new(std::fs::File::create(&file).unwrap(), (161, 121), (25, 1)).unwrap();
    let mut pattern = TestPattern::new(161, 121, 25).unwrap();
    let moment = |number| Moment { number, ..Moment::default() };
    for number in 0..u64::from(PICTURES) {
        writer.write(pattern.draw(moment(number))).unwrap();
    }
    writer.finish().unwrap();
    check(&file, &[("rawvideo", Some(PICTURES))]);
    let again = folder.0.join("again.y4m");
    let mut command = Command::new("ffmpeg");
    said(command.args(["-nostdin", "-v", "error", "-i"]).arg(&file).arg(&again)).unwrap();
    let mut reader = Y4mReader::new(std::io::BufReader::new(std::fs::File::open(&again).unwrap())).unwrap();
    for number in 0..u64::from(PICTURES) {
        assert!(reader.next_picture().unwrap().as_ref() == Some(pattern.draw(moment(number))), "{number}");
    }
    assert!(reader.next_picture().unwrap().is_none());
}
