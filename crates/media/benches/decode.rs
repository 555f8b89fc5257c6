//! How many pictures of 640×480 a core decodes in a second, what they cost as RGB and PNG, and how much sound.
//!
//! `cargo bench -p peerless-media --bench decode` (with `--features libvpx` for camera-grade VP8 besides). A sound is
//! 20 ms: a thousand in a second are twenty times real time.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use oxideav_vp8::encoder::{I420Frame, KeyframeParams};
use oxideav_vp8::stream::Vp8InterStreamEncoder;
use peerless_media::codec::g711::{G711Decoder, G711Encoder, Law};
use peerless_media::codec::g722::{G722Decoder, G722Encoder};
use peerless_media::codec::h264::H264Encoder;
use peerless_media::codec::h264_decoder::H264Decoder;
use peerless_media::codec::opus::{OpusEncoder, Wishes};
use peerless_media::codec::opus_decoder::OpusDecoder;
use peerless_media::codec::traits::{AudioDecoder, AudioEncoder, VideoDecoder, VideoEncoder, VideoSettings};
use peerless_media::codec::vp8::Vp8Encoder;
use peerless_media::codec::vp8_decoder::Vp8Decoder;
use peerless_media::picture::Picture;
use peerless_media::sound::Sound;
use peerless_media::source::music::Music;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::{Moment, SoundSource, VideoSource};

const SIZE: (u32, u32) = (640, 480);
const BITRATE: u64 = 1_500_000;
/// Pictures in a stream, which begins with a key frame and then goes around.
const COUNT: u64 = 60;

fn pictures() -> Vec<Picture> {
    let mut pattern = TestPattern::new(SIZE.0, SIZE.1, 30).unwrap();
    (0..COUNT)
        .map(|number| {
            let elapsed = Duration::from_nanos(number * 33_333_333);
            pattern.draw(Moment { number, elapsed, wall: elapsed }).clone()
        })
        .collect()
}

fn encoded(encoder: &mut dyn VideoEncoder, pictures: &[Picture]) -> Vec<Vec<u8>> {
    let coded = |(number, picture): (usize, &Picture)| {
        encoder.encode(picture, number as u32 * 3000, number == 0).unwrap().unwrap().payload.to_vec()
    };
    pictures.iter().enumerate().map(coded).collect()
}

/// VP8 whose pictures lean on one another, by the decoder's own encoder.
fn leaning(pictures: &[Picture]) -> Vec<Vec<u8>> {
    let params = KeyframeParams { y_ac_qi: 40, loop_filter_level: 16, ..KeyframeParams::default() };
    let mut encoder = Vp8InterStreamEncoder::new(params, 1_000).unwrap();
    let coded = |picture: &Picture| {
        let frame = I420Frame {
            width: picture.width(),
            height: picture.height(),
            y: picture.y().data(),
            u: picture.u().data(),
            v: picture.v().data(),
            y_stride: picture.y().stride(),
            uv_stride: picture.u().stride(),
        };
        encoder.encode_frame(&frame).unwrap().bytes
    };
    pictures.iter().map(coded).collect()
}

fn run(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    decoder: &mut dyn VideoDecoder,
    frames: &[Vec<u8>],
) {
    let bits = frames.iter().map(Vec::len).sum::<usize>() * 8 * 30 / frames.len();
    let mut number = 0;
    group.bench_function(format!("{name}, {} kbit/s", bits / 1000), |bencher| {
        bencher.iter(|| {
            let picture = decoder.decode(&frames[number % frames.len()]).unwrap();
            number += 1;
            black_box(picture)
        });
    });
}

fn video(criterion: &mut Criterion) {
    let settings = VideoSettings::new(SIZE, 30, BITRATE);
    let pictures = pictures();
    let mut group = criterion.benchmark_group("decode 640x480");
    group.throughput(Throughput::Elements(1));
    let keys = encoded(&mut Vp8Encoder::new(settings).unwrap(), &pictures);
    run(&mut group, "vp8 key frames", &mut Vp8Decoder::new(), &keys);
    run(&mut group, "vp8", &mut Vp8Decoder::new(), &leaning(&pictures));
    #[cfg(feature = "libvpx")]
    {
        let mut encoder = peerless_media::codec::vpx::VpxEncoder::new(settings).unwrap();
        run(&mut group, "vp8 of libvpx", &mut Vp8Decoder::new(), &encoded(&mut encoder, &pictures));
    }
    let units = encoded(&mut H264Encoder::new(settings, 0x42e01f, 1).unwrap(), &pictures);
    run(&mut group, "h264", &mut H264Decoder::new().unwrap(), &units);
    group.finish();

    let mut group = criterion.benchmark_group("picture 640x480");
    group.throughput(Throughput::Elements(1));
    group.bench_function("to rgb", |bencher| bencher.iter(|| black_box(pictures[0].to_rgb())));
    #[cfg(feature = "png")]
    group.bench_function("to png", |bencher| {
        bencher.iter(|| {
            let mut file = Vec::new();
            pictures[0].write_png(&mut file).unwrap();
            black_box(file)
        });
    });
    group.finish();
}

fn hear(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    encoder: &mut dyn AudioEncoder,
    decoder: &mut dyn AudioDecoder,
) {
    let shape = encoder.shape();
    let (mut music, mut packets) = (Music::new(), Vec::new());
    for _ in 0..100 {
        let mut sound = Sound::new(shape.sample_rate, shape.channels, shape.frames).unwrap();
        music.fill(&mut sound);
        packets.push(encoder.encode(&sound).unwrap());
    }
    let mut number = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box(decoder.decode(&packets[number % packets.len()]).unwrap())
        });
    });
    group.bench_function(format!("{name}, one lost and the next"), |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box((decoder.conceal(), decoder.decode(&packets[number % packets.len()]).unwrap()))
        });
    });
}

fn audio(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode 20 ms of sound");
    group.throughput(Throughput::Elements(1));
    let mut encoder = OpusEncoder::new(Wishes::parse("stereo=1"), None).unwrap();
    hear(&mut group, "opus, stereo", &mut encoder, &mut OpusDecoder::new().unwrap());
    hear(&mut group, "g722", &mut G722Encoder::new(), &mut G722Decoder::new());
    hear(&mut group, "pcmu", &mut G711Encoder::new(Law::Mu), &mut G711Decoder::new(Law::Mu));
    group.finish();
}

criterion_group!(benches, video, audio);
criterion_main!(benches);
