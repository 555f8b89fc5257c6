//! The test pattern through each video encoder and its decoder: colours, sizes, bitrate, key frames.

mod measure;

use measure::{FPS, assert_bars, moment, psnr};
use peerless_media::codec::traits::{Coded, VideoDecoder, VideoEncoder, VideoSettings};
use peerless_media::picture::Picture;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::VideoSource;

fn decode(decoder: &mut dyn VideoDecoder, frame: &[u8]) -> Picture {
    decoder.decode(frame).unwrap().expect("a picture for each frame")
}

/// Runs frames `numbers` through an encoder; `look` sees each picture with what became of it.
fn run(
    encoder: &mut dyn VideoEncoder,
    pattern: &mut TestPattern,
    numbers: std::ops::Range<u64>,
    mut look: impl FnMut(u64, &Picture, Option<Coded>),
) {
    for number in numbers {
        let picture = pattern.draw(moment(number));
        let coded = encoder.encode(picture, number as u32 * 3000, false).unwrap();
        look(number, picture, coded);
    }
}

mod vp8 {
    use super::*;
    use peerless_media::codec::vp8::Vp8Encoder;
    use peerless_media::codec::vp8_decoder::Vp8Decoder;

    #[test]
    fn the_bars_arrive_in_their_colours_at_even_and_odd_sizes() {
        for (width, height) in [(640, 480), (101, 75), (33, 17)] {
            let mut pattern = TestPattern::new(width, height, FPS).unwrap();
            let mut encoder = Vp8Encoder::new(VideoSettings::new((width, height), FPS, 2_000_000)).unwrap();
            let mut decoder = Vp8Decoder::new();
            run(&mut encoder, &mut pattern, 0..10, |_, picture, coded| {
                let coded = coded.unwrap();
                assert!(coded.key);
                let decoded = decode(&mut decoder, &coded.payload);
                assert_eq!((decoded.width(), decoded.height()), (width, height));
                assert_bars(&decoded, 4, &format!("{width}x{height}"));
                let ratio = psnr(&decoded, picture);
                assert!(ratio > 26.0, "{width}x{height}: {ratio:.1} dB");
            });
        }
    }

    #[test]
    fn the_bitrate_is_met_and_changes_while_it_runs() {
        let mut pattern = TestPattern::new(640, 480, FPS).unwrap();
        let mut encoder = Vp8Encoder::new(VideoSettings::new((640, 480), FPS, 2_000_000)).unwrap();
        for (round, target) in [2_000_000, 1_200_000, 2_500_000, 200_000].into_iter().enumerate() {
            encoder.set_bitrate(target);
            let (start, mut bits) = (round as u64 * 120, 0.0);
            run(&mut encoder, &mut pattern, start..start + 30, |_, _, _| {});
            run(&mut encoder, &mut pattern, start + 30..start + 120, |_, _, coded| {
                assert!(coded.is_some() || target == 200_000, "only where no quality is low enough");
                bits += coded.map_or(0.0, |coded| coded.payload.len() as f64 * 8.0);
            });
            let spent = bits / 3.0 / target as f64;
            assert!((0.85..1.15).contains(&spent), "{target}: {spent:.2}");
        }
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut encoder = Vp8Encoder::new(VideoSettings::new((64, 48), FPS, 100_000)).unwrap();
        assert!(encoder.encode(&Picture::new(65, 48).unwrap(), 0, true).is_err());
    }
}

#[cfg(feature = "libvpx")]
mod vpx {
    use super::*;
    use peerless_media::codec::vp8_decoder::Vp8Decoder;
    use peerless_media::codec::vpx::VpxEncoder;

    #[test]
    fn the_bars_arrive_in_their_colours_and_only_wishes_make_key_frames() {
        let mut pattern = TestPattern::new(640, 480, FPS).unwrap();
        let mut encoder = VpxEncoder::new(VideoSettings::new((640, 480), FPS, 800_000)).unwrap();
        let mut decoder = Vp8Decoder::new();
        let mut bits = 0.0;
        for number in 0..90 {
            let picture = pattern.draw(moment(number));
            let coded = encoder.encode(picture, number as u32 * 3000, number == 45).unwrap().unwrap();
            assert_eq!(coded.key, number == 0 || number == 45, "{number}");
            let decoded = decode(&mut decoder, &coded.payload);
            assert_eq!((decoded.width(), decoded.height()), (640, 480));
            if number > 5 {
                assert_bars(&decoded, 6, "libvpx");
                let ratio = psnr(&decoded, picture);
                assert!(ratio > 28.0, "{number}: {ratio:.1} dB");
            }
            bits += coded.payload.len() as f64 * 8.0;
        }
        assert!(bits / 3.0 < 900_000.0, "{bits} bits in 3 s");
    }

    /// Starved of bits, libvpx refreshes parts of the picture by segments: the decoder must take all of them.
    #[test]
    fn ten_starved_seconds_decode_from_one_key_frame() {
        let mut pattern = TestPattern::new(320, 240, FPS).unwrap();
        let mut encoder = VpxEncoder::new(VideoSettings::new((320, 240), FPS, 60_000)).unwrap();
        let mut decoder = Vp8Decoder::new();
        for number in 0..300 {
            let picture = pattern.draw(moment(number));
            let Some(coded) = encoder.encode(picture, number as u32 * 3000, false).unwrap() else { continue };
            assert_eq!(coded.key, number == 0, "{number}");
            let decoded = decode(&mut decoder, &coded.payload);
            assert_bars(&decoded, 10, &format!("libvpx {number}"));
        }
    }
}

mod h264 {
    use super::*;
    use peerless_media::codec::h264::{H264Encoder, SLICE_LIMIT};
    use peerless_media::codec::h264_decoder::H264Decoder;
    use peerless_media::codec::traits::Error;

    const LEVEL_3_1: u32 = 0x42e01f;

    /// NAL units of an access unit in Annex B.
    fn units(frame: &[u8]) -> Vec<&[u8]> {
        let mut starts: Vec<usize> = Vec::new();
        for at in 0..frame.len().saturating_sub(3) {
            if frame[at..].starts_with(&[0, 0, 1]) {
                starts.push(at + 3);
            }
        }
        let ends = starts.iter().skip(1).map(|start| start - 3).chain([frame.len()]);
        let trim = |unit: &'_ [u8]| unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        starts.iter().zip(ends).map(|(&start, end)| &frame[start..start + trim(&frame[start..end])]).collect()
    }

    #[test]
    fn the_bars_arrive_in_their_colours_and_odd_sizes_lose_their_last_line() {
        for (width, height) in [(640, 480), (321, 243), (64, 48)] {
            let mut pattern = TestPattern::new(width, height, FPS).unwrap();
            let mut encoder =
                H264Encoder::new(VideoSettings::new((width, height), FPS, 1_500_000), LEVEL_3_1, 1).unwrap();
            let mut decoder = H264Decoder::new().unwrap();
            run(&mut encoder, &mut pattern, 0..60, |number, picture, coded| {
                let coded = coded.unwrap();
                assert_eq!(coded.key, number == 0, "{number}");
                let decoded = decode(&mut decoder, &coded.payload);
                assert_eq!((decoded.width(), decoded.height()), (width & !1, height & !1));
                assert_bars(&decoded, 5, &format!("{width}x{height} {number}"));
                let ratio = psnr(&decoded, picture);
                assert!(ratio > 28.0, "{width}x{height} {number}: {ratio:.1} dB");
            });
        }
    }

    #[test]
    fn a_key_frame_on_request_brings_its_parameter_sets_of_the_negotiated_profile_and_level() {
        let mut pattern = TestPattern::new(320, 240, FPS).unwrap();
        let mut encoder =
            H264Encoder::new(VideoSettings::new((320, 240), FPS, 500_000), LEVEL_3_1, 1).unwrap();
        for number in 0..20 {
            let picture = pattern.draw(moment(number));
            let coded = encoder.encode(picture, number as u32 * 3000, number == 10).unwrap().unwrap();
            let kinds: Vec<u8> = units(&coded.payload).iter().map(|unit| unit[0] & 0x1f).collect();
            if number == 0 || number == 10 {
                assert!(coded.key);
                assert_eq!(kinds, [7, 8, 5], "SPS, PPS, IDR");
                let sps = units(&coded.payload)[0];
                assert_eq!((sps[1], sps[3]), (66, 31), "baseline, level 3.1");
                assert_eq!(sps[2] & 0x40, 0x40, "constrained");
            } else {
                assert_eq!((coded.key, kinds), (false, vec![1]));
            }
        }
    }

    #[test]
    fn under_mode_0_every_unit_fits_a_packet() {
        let mut pattern = TestPattern::new(640, 480, FPS).unwrap();
        let mut encoder =
            H264Encoder::new(VideoSettings::new((640, 480), FPS, 2_000_000), LEVEL_3_1, 0).unwrap();
        let mut decoder = H264Decoder::new().unwrap();
        let mut slices = 0;
        run(&mut encoder, &mut pattern, 0..30, |_, picture, coded| {
            let payload = coded.unwrap().payload;
            for unit in units(&payload) {
                assert!(unit.len() <= SLICE_LIMIT, "{} bytes", unit.len());
                slices += 1;
            }
            let decoded = decode(&mut decoder, &payload);
            assert!(psnr(&decoded, picture) > 28.0);
        });
        assert!(slices > 60, "{slices} slices");
    }

    #[test]
    fn the_bitrate_is_kept_and_changes_while_it_runs_without_a_key_frame() {
        let mut pattern = TestPattern::new(640, 480, FPS).unwrap();
        let mut encoder =
            H264Encoder::new(VideoSettings::new((640, 480), FPS, 600_000), LEVEL_3_1, 1).unwrap();
        let mut spent = Vec::new();
        for (round, target) in [600_000u64, 100_000, 600_000].into_iter().enumerate() {
            encoder.set_bitrate(target);
            let (start, mut bits) = (round as u64 * 150, 0.0);
            run(&mut encoder, &mut pattern, start..start + 60, |_, _, _| {});
            run(&mut encoder, &mut pattern, start + 60..start + 150, |_, _, coded| {
                let coded = coded.unwrap();
                assert!(!coded.key);
                bits += coded.payload.len() as f64 * 8.0;
            });
            spent.push(bits / 3.0);
        }
        assert!(spent[0] < 660_000.0 && spent[2] < 660_000.0, "{spent:?}");
        assert!(spent[1] < 120_000.0, "{spent:?}");
        assert!(spent[0] > 2.0 * spent[1] && spent[2] > 2.0 * spent[1], "{spent:?}");
    }

    #[test]
    fn pictures_above_the_level_are_refused_and_faster_ones_left_out() {
        let settings = VideoSettings::new((1920, 1080), FPS, 1_000_000);
        let refused = H264Encoder::new(settings, LEVEL_3_1, 1).unwrap_err();
        assert!(
            matches!(refused, Error::AboveLevel { level: 31, macroblocks: 8160, limit: 3600 }),
            "{refused}"
        );
        // 1280×720 is 3600 macroblocks: level 3.1 takes 30 of them in a second.
        let mut encoder =
            H264Encoder::new(VideoSettings::new((1280, 720), 60, 1_000_000), LEVEL_3_1, 1).unwrap();
        let picture = Picture::new(1280, 720).unwrap();
        let coded =
            (0..20).filter(|number| encoder.encode(&picture, number * 1500, false).unwrap().is_some());
        assert_eq!(coded.count(), 10);
    }
}
