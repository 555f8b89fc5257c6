//! The decoders of pictures where streams are not as they should be: late beginnings, losses, other sizes, broken bytes.

mod measure;

use measure::{Chance, FPS, assert_bars, moment, psnr};
use peerless_media::codec::traits::{DecodeError, VideoDecoder, VideoEncoder, VideoSettings};
use peerless_media::picture::Picture;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::VideoSource;

/// Feeds broken frames between whole ones and checks that the decoder says so and finds back with each key frame.
fn torture(decoder: &mut dyn VideoDecoder, frames: &[(Vec<u8>, bool)], seed: u64, rounds: usize) {
    let mut chance = Chance(seed);
    let mut broken = 0;
    for round in 0..rounds {
        let (frame, _) = &frames[chance.below(frames.len())];
        let frame = match chance.below(8) {
            0 => {
                let count = chance.below(300);
                chance.bytes(count)
            }
            _ => chance.broken(frame),
        };
        if decoder.decode(&frame).is_err() {
            broken += 1;
            assert!(decoder.awaits_key_frame(), "{round}");
        }
        if round % 16 == 15 {
            let (key, _) = frames.iter().find(|(_, key)| *key).unwrap();
            let picture = decoder.decode(key).unwrap().expect("a key frame always helps");
            assert!(!decoder.awaits_key_frame());
            assert_bars(&picture, 6, &format!("round {round}"));
        }
    }
    assert!(broken > rounds / 4, "{broken} of {rounds}");
}

mod vp8 {
    use super::*;
    use oxideav_vp8::encoder::{I420Frame, KeyframeParams, encode_invisible_altref_update};
    use oxideav_vp8::frame::KeyframePlanes;
    use oxideav_vp8::state::RefFrameSlot;
    use oxideav_vp8::stream::Vp8InterStreamEncoder;
    use peerless_media::codec::vp8::Vp8Encoder;
    use peerless_media::codec::vp8_decoder::Vp8Decoder;

    fn borrowed(picture: &Picture) -> I420Frame<'_> {
        I420Frame {
            width: picture.width(),
            height: picture.height(),
            y: picture.y().data(),
            u: picture.u().data(),
            v: picture.v().data(),
            y_stride: picture.y().stride(),
            uv_stride: picture.u().stride(),
        }
    }

    fn encoder() -> Vp8InterStreamEncoder {
        let params = KeyframeParams {
            y_ac_qi: 20,
            loop_filter_level: 12,
            sharpness_level: 2,
            nbr_of_dct_partitions: 4,
            ..KeyframeParams::default()
        };
        Vp8InterStreamEncoder::new(params, 12).unwrap().with_golden_interval(4)
    }

    /// Key frames and frames that lean on others, whether each is one, and what went in.
    fn stream(count: u64) -> Vec<(Vec<u8>, bool, Picture)> {
        let mut pattern = TestPattern::new(175, 143, FPS).unwrap();
        let mut encoder = encoder();
        (0..count)
            .map(|number| {
                let picture = pattern.draw(moment(number)).clone();
                let coded = encoder.encode_frame(&borrowed(&picture)).unwrap();
                let key = coded.is_keyframe();
                (coded.bytes, key, picture)
            })
            .collect()
    }

    #[test]
    fn frames_that_lean_on_others_come_back_as_their_encoder_saw_them() {
        let mut pattern = TestPattern::new(175, 143, FPS).unwrap();
        let (mut encoder, mut decoder) = (encoder(), Vp8Decoder::new());
        for number in 0..30 {
            let picture = pattern.draw(moment(number));
            let coded = encoder.encode_frame(&borrowed(picture)).unwrap();
            assert_eq!(coded.is_keyframe(), number % 12 == 0);
            let decoded = decoder.decode(&coded.bytes).unwrap().unwrap();
            assert_eq!((decoded.width(), decoded.height()), (175, 143));
            assert_bars(&decoded, 4, &format!("{number}"));
            assert!(psnr(&decoded, picture) > 30.0, "{number}: {:.1} dB", psnr(&decoded, picture));
            let theirs = encoder.last().unwrap();
            for (row, own) in decoded.y().rows().enumerate() {
                assert_eq!(own, &theirs.y[row * theirs.y_stride..][..175], "{number}, row {row}");
            }
            for (row, own) in decoded.v().rows().enumerate() {
                assert_eq!(own, &theirs.v[row * theirs.uv_stride..][..88], "{number}, row {row}");
            }
        }
    }

    fn planes(slot: &RefFrameSlot) -> KeyframePlanes {
        KeyframePlanes {
            y: slot.y.clone(),
            u: slot.u.clone(),
            v: slot.v.clone(),
            y_stride: slot.y_stride,
            uv_stride: slot.uv_stride,
            mb_cols: slot.mb_cols,
            mb_rows: slot.mb_rows,
        }
    }

    #[test]
    fn a_frame_that_is_not_for_display_gives_no_picture() {
        let mut pattern = TestPattern::new(176, 144, FPS).unwrap();
        let (mut encoder, mut decoder) = (encoder(), Vp8Decoder::new());
        let first = encoder.encode_frame(&borrowed(pattern.draw(moment(0)))).unwrap();
        assert!(decoder.decode(&first.bytes).unwrap().is_some());
        let last = planes(encoder.last().unwrap());
        let picture = pattern.draw(moment(1));
        let (hidden, _) =
            encode_invisible_altref_update(&borrowed(picture), &last, None, None, &KeyframeParams::default())
                .unwrap();
        assert!(decoder.decode(&hidden).unwrap().is_none());
        assert!(!decoder.awaits_key_frame());
        let second = encoder.encode_frame(&borrowed(picture)).unwrap();
        assert!(psnr(&decoder.decode(&second.bytes).unwrap().unwrap(), picture) > 30.0);
    }

    #[test]
    fn nothing_is_decoded_before_a_key_frame_nor_after_an_error() {
        let frames = stream(26);
        let mut decoder = Vp8Decoder::new();
        assert!(decoder.awaits_key_frame());
        for (frame, _, _) in &frames[1..12] {
            assert!(matches!(decoder.decode(frame), Err(DecodeError::AwaitsKeyFrame)));
        }
        assert!(decoder.decode(&frames[12].0).unwrap().is_some());
        assert!(decoder.decode(&frames[13].0).unwrap().is_some());
        assert!(matches!(decoder.decode(&frames[14].0[..4]), Err(DecodeError::Vp8(_))));
        assert!(decoder.awaits_key_frame());
        assert!(matches!(decoder.decode(&frames[15].0), Err(DecodeError::AwaitsKeyFrame)));
        let (key, is_key, picture) = &frames[24];
        assert!(is_key);
        assert!(psnr(&decoder.decode(key).unwrap().unwrap(), picture) > 30.0);
        assert!(!decoder.awaits_key_frame());
        assert!(matches!(decoder.decode(&[]), Err(DecodeError::Empty)));
    }

    #[test]
    fn the_size_follows_each_key_frame() {
        let mut decoder = Vp8Decoder::new();
        for (width, height) in [(64, 48), (320, 240), (33, 17), (1, 1), (64, 48)] {
            let mut pattern = TestPattern::new(width.max(16), height.max(16), FPS).unwrap();
            let picture = match width {
                1 => Picture::new(1, 1).unwrap(),
                _ => pattern.draw(moment(0)).clone(),
            };
            let settings = VideoSettings::new((width, height), FPS, 1_000_000);
            let coded = Vp8Encoder::new(settings).unwrap().encode(&picture, 0, true).unwrap().unwrap();
            let decoded = decoder.decode(&coded.payload).unwrap().unwrap();
            assert_eq!((decoded.width(), decoded.height()), (width, height));
            assert!(psnr(&decoded, &picture) > 26.0);
        }
    }

    #[test]
    fn a_header_that_declares_a_picture_above_the_limit_is_refused() {
        let (mut key, _, _) = stream(1).swap_remove(0);
        // Width and height stand behind the frame tag and the start code, 14 bits each (RFC 6386 §9.1).
        key[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
        let refused = Vp8Decoder::new().decode(&key).unwrap_err();
        assert!(refused.to_string().contains("exceeds"), "{refused}");
    }

    #[test]
    fn broken_frames_are_errors_and_nothing_worse() {
        let frames: Vec<_> = stream(8).into_iter().map(|(bytes, key, _)| (bytes, key)).collect();
        let mut decoder = Vp8Decoder::new();
        // Entropy coding gives any bytes a meaning, so few are seen to be broken; none may panic.
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for round in 0..1_500 {
            let (frame, _) = &frames[chance.below(frames.len())];
            let frame = chance.broken(frame);
            if decoder.decode(&frame).is_err() {
                assert!(decoder.awaits_key_frame(), "{round}");
                assert!(decoder.decode(&frames[0].0).unwrap().is_some());
            }
        }
        torture(&mut decoder, &frames, 7, 64);
    }
}

mod h264 {
    use super::*;
    use peerless_media::codec::h264::H264Encoder;
    use peerless_media::codec::h264_decoder::H264Decoder;

    const LEVEL_3_1: u32 = 0x42e01f;

    /// Access units of one size, with a key frame every tenth.
    fn stream((width, height): (u32, u32), count: u64) -> Vec<(Vec<u8>, bool)> {
        let mut pattern = TestPattern::new(width, height, FPS).unwrap();
        let mut encoder =
            H264Encoder::new(VideoSettings::new((width, height), FPS, 600_000), LEVEL_3_1, 1).unwrap();
        (0..count)
            .map(|number| {
                let picture = pattern.draw(moment(number));
                let coded = encoder.encode(picture, number as u32 * 3000, number % 10 == 0).unwrap().unwrap();
                assert_eq!(coded.key, number % 10 == 0);
                (coded.payload.to_vec(), coded.key)
            })
            .collect()
    }

    #[test]
    fn nothing_is_decoded_before_a_key_frame_nor_between_a_loss_and_the_next() {
        let frames = stream((160, 120), 31);
        let mut decoder = H264Decoder::new().unwrap();
        assert!(matches!(decoder.decode(&frames[1].0), Err(DecodeError::AwaitsKeyFrame)));
        for (frame, _) in &frames[10..14] {
            assert!(decoder.decode(frame).unwrap().is_some());
        }
        // Frame 14 is lost: what leans on it is not shown.
        assert!(matches!(decoder.decode(&frames[15].0), Err(DecodeError::H264(_))));
        assert!(decoder.awaits_key_frame());
        assert!(matches!(decoder.decode(&frames[16].0), Err(DecodeError::AwaitsKeyFrame)));
        for (frame, _) in &frames[20..] {
            assert_bars(&decoder.decode(frame).unwrap().unwrap(), 6, "after the key frame");
        }
        assert!(matches!(decoder.decode(&[]), Err(DecodeError::Empty)));
        assert!(matches!(decoder.decode(&[1, 2, 3, 4, 5, 6]), Err(DecodeError::Empty)));
    }

    #[test]
    fn parameter_sets_may_come_by_themselves() {
        let (key, _) = stream((160, 120), 1).swap_remove(0);
        let idr =
            key.windows(4).position(|window| window[..3] == [0, 0, 1] && window[3] & 0x1f == 5).unwrap();
        let mut decoder = H264Decoder::new().unwrap();
        assert!(decoder.decode(&key[..idr - 1]).unwrap().is_none());
        assert!(decoder.awaits_key_frame());
        assert!(decoder.decode(&key[idr - 1..]).unwrap().is_some());
        assert!(!decoder.awaits_key_frame());
    }

    #[test]
    fn the_size_follows_each_key_frame() {
        let mut decoder = H264Decoder::new().unwrap();
        for (width, height) in [(160, 120), (640, 480), (64, 48), (162, 122), (160, 120)] {
            for (frame, _) in stream((width, height), 3) {
                let decoded = decoder.decode(&frame).unwrap().unwrap();
                assert_eq!((decoded.width(), decoded.height()), (width, height));
                assert_bars(&decoded, 8, &format!("{width}x{height}"));
            }
        }
    }

    #[test]
    fn broken_units_are_errors_and_nothing_worse() {
        let frames = stream((160, 120), 10);
        for seed in 1..=4 {
            torture(&mut H264Decoder::new().unwrap(), &frames, seed, 320);
        }
    }
}
