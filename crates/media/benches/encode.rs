//! How many pictures of 640×480 a core draws and codes in a second, and how much sound.
//!
//! `cargo bench -p peerless-media` (with `--features libvpx` for libvpx beside libwebp).

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerless_media::codec::g722::G722Encoder;
use peerless_media::codec::h264::H264Encoder;
use peerless_media::codec::opus::{OpusEncoder, Wishes};
use peerless_media::codec::traits::{AudioEncoder, VideoEncoder, VideoSettings};
use peerless_media::codec::vp8::Vp8Encoder;
use peerless_media::picture::Picture;
use peerless_media::sound::Sound;
use peerless_media::source::music::Music;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::{Moment, SoundSource, VideoSource};

const SIZE: (u32, u32) = (640, 480);
const BITRATE: u64 = 1_500_000;

fn moment(number: u64) -> Moment {
    let elapsed = Duration::from_nanos(number * 33_333_333);
    Moment { number, elapsed, wall: elapsed }
}

fn pictures() -> Vec<Picture> {
    let mut pattern = TestPattern::new(SIZE.0, SIZE.1, 30).unwrap();
    (0..90).map(|number| pattern.draw(moment(number)).clone()).collect()
}

fn video(criterion: &mut Criterion) {
    let settings = VideoSettings::new(SIZE, 30, BITRATE);
    let mut encoders: Vec<(&str, Box<dyn VideoEncoder>)> = vec![
        ("vp8 key frames (libwebp)", Box::new(Vp8Encoder::new(settings).unwrap())),
        ("h264 (openh264)", Box::new(H264Encoder::new(settings, 0x42e01f, 1).unwrap())),
    ];
    #[cfg(feature = "libvpx")]
    encoders.push(("vp8 (libvpx)", Box::new(peerless_media::codec::vpx::VpxEncoder::new(settings).unwrap())));
    let pictures = pictures();
    let mut group = criterion.benchmark_group("encode 640x480");
    group.throughput(Throughput::Elements(1));
    for (name, encoder) in &mut encoders {
        let mut number = 0;
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let picture = &pictures[number % pictures.len()];
                number += 1;
                black_box(encoder.encode(picture, number as u32 * 3000, false).unwrap())
            });
        });
    }
    group.finish();
}

fn pattern(criterion: &mut Criterion) {
    for (width, height) in [SIZE, (1920, 1080)] {
        let mut pattern = TestPattern::new(width, height, 30).unwrap();
        let mut number = 0;
        criterion.bench_function(&format!("draw the pattern {width}x{height}"), |bencher| {
            bencher.iter(|| {
                number += 1;
                black_box(pattern.draw(moment(number)));
            });
        });
    }
}

fn audio(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("20 ms of sound");
    let mut music = Music::new();
    let mut sound = Sound::new(48_000, 2, 960).unwrap();
    group.bench_function("music, stereo", |bencher| bencher.iter(|| music.fill(black_box(&mut sound))));
    let mut opus = OpusEncoder::new(Wishes::parse("stereo=1"), None).unwrap();
    group.bench_function("opus, stereo", |bencher| bencher.iter(|| black_box(opus.encode(&sound).unwrap())));
    let mut sound = Sound::new(16_000, 1, 320).unwrap();
    music.fill(&mut sound);
    let mut g722 = G722Encoder::new();
    group.bench_function("g722", |bencher| bencher.iter(|| black_box(g722.encode(&sound).unwrap())));
    group.finish();
}

criterion_group!(benches, video, pattern, audio);
criterion_main!(benches);
