//! Sound through each encoder and its decoder, whole, with losses, and broken.

mod measure;

use bytes::Bytes;
use measure::{Chance, channel, sine};
use peerless::{Codec, Feedback, Format};
use peerless_media::codec::any;
use peerless_media::codec::traits::{AudioDecoder, DecodeError};
use peerless_media::sound::Sound;
use peerless_media::source::music::Music;
use peerless_media::source::tone::Sine;
use peerless_media::source::traits::SoundSource;
use peerless_wire::rtp::PayloadType;

fn codec(format: Format, clock_rate: u32, channels: u8, parameters: &str) -> Codec {
    Codec {
        format,
        payload_type: PayloadType::new(96).unwrap(),
        clock_rate,
        channels,
        parameters: parameters.into(),
        rtx: None,
        feedback: Feedback::default(),
    }
}

fn all() -> Vec<Codec> {
    vec![
        codec(Format::Opus, 48_000, 2, ""),
        codec(Format::Opus, 48_000, 2, "stereo=1;useinbandfec=1"),
        codec(Format::Pcmu, 8_000, 1, ""),
        codec(Format::Pcma, 8_000, 1, ""),
        codec(Format::G722, 8_000, 1, ""),
        codec(Format::L16, 44_100, 2, ""),
        codec(Format::L16, 48_000, 1, ""),
    ]
}

/// So many milliseconds of a source, in packets.
fn packets(codec: &Codec, source: &mut dyn SoundSource, bitrate: Option<u64>, ms: usize) -> Vec<Bytes> {
    let mut encoder = any::audio(codec, bitrate).unwrap();
    let shape = encoder.shape();
    let mut sound = Sound::new(shape.sample_rate, shape.channels, shape.frames).unwrap();
    (0..ms * shape.sample_rate as usize / 1000 / shape.frames)
        .map(|_| {
            source.fill(&mut sound);
            encoder.encode(&sound).unwrap()
        })
        .collect()
}

/// What is heard where the packets that `is_lost` are lost: its left channel, and its rate.
fn heard(codec: &Codec, packets: &[Bytes], is_lost: impl Fn(usize) -> bool) -> (Vec<f64>, u32) {
    let mut decoder = any::audio_decoder(codec).unwrap();
    let (rate, channels) = decoder.output();
    let mut samples = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        let sound = if is_lost(number) { decoder.conceal() } else { decoder.decode(packet).unwrap() };
        assert_eq!((sound.sample_rate(), sound.channels()), (rate, channels));
        samples.extend(channel(sound.samples(), channels, 0));
    }
    (samples, rate)
}

fn name(codec: &Codec) -> String {
    format!("{} {} {} {}", codec.format.name(), codec.clock_rate, codec.channels, codec.parameters)
}

#[test]
fn a_sine_comes_back_as_loud_and_as_pure_as_the_codec_allows() {
    for codec in all() {
        let (samples, rate) = heard(&codec, &packets(&codec, &mut Sine::new(440.0), None, 2_000), |_| false);
        let second = &samples[rate as usize / 2..][..rate as usize];
        let (amplitude, ratio) = sine(second, 440.0, rate);
        let least = match codec.format {
            Format::Opus => 25.0,
            Format::Pcmu | Format::Pcma => 33.0,
            Format::G722 => 30.0,
            _ => 75.0,
        };
        assert!((amplitude / 8_192.0 - 1.0).abs() < 0.03, "{}: amplitude {amplitude:.0}", name(&codec));
        assert!(ratio > least, "{}: {ratio:.1} dB", name(&codec));
    }
}

#[test]
fn a_packet_takes_as_many_ticks_as_its_sender_says() {
    for codec in all() {
        let mut encoder = any::audio(&codec, None).unwrap();
        let mut decoder = any::audio_decoder(&codec).unwrap();
        let shape = encoder.shape();
        let sound = Sound::new(shape.sample_rate, shape.channels, shape.frames).unwrap();
        let decoded = decoder.decode(&encoder.encode(&sound).unwrap()).unwrap();
        assert_eq!(decoder.ticks(), encoder.ticks(), "{}", name(&codec));
        assert_eq!(decoder.conceal().duration(), decoded.duration(), "{}", name(&codec));
    }
}

#[test]
fn one_packet_in_twenty_may_be_lost_and_the_tone_goes_on_without_clicks() {
    for codec in all() {
        let packets = packets(&codec, &mut Sine::new(440.0), None, 4_000);
        let (samples, rate) = heard(&codec, &packets, |number| number > 20 && number % 20 == 0);
        let played = &samples[rate as usize / 2..];
        // In each stretch of 10 ms there is sound: half the power of the tone at least.
        let whole = 8_192.0 * 8_192.0 / 2.0;
        for (at, stretch) in played.chunks_exact(rate as usize / 100).enumerate() {
            let power = stretch.iter().map(|sample| sample * sample).sum::<f64>() / stretch.len() as f64;
            assert!(power > whole / 2.0 && power < whole * 2.0, "{} at {at}0 ms: {power:.0}", name(&codec));
        }
        // From sample to sample no step is much larger than those of the tone itself.
        let natural = 8_192.0 * 440.0 / f64::from(rate) * std::f64::consts::TAU;
        let worst = played.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        let quantised = if matches!(codec.format, Format::Pcmu | Format::Pcma) { 400.0 } else { 80.0 };
        assert!(worst < natural * 1.6 + quantised, "{}: {worst:.0}, {natural:.0}", name(&codec));
        let (amplitude, ratio) = sine(played, 440.0, rate);
        assert!((amplitude / 8_192.0 - 1.0).abs() < 0.1, "{}: amplitude {amplitude:.0}", name(&codec));
        assert!(ratio > 14.0, "{}: {ratio:.1} dB", name(&codec));
    }
}

#[test]
fn a_long_loss_fades_to_silence_and_the_sound_comes_back() {
    for codec in all() {
        let packets = packets(&codec, &mut Sine::new(440.0), None, 3_000);
        let third = packets.len() / 3;
        let (samples, rate) = heard(&codec, &packets, |number| (third..2 * third).contains(&number));
        // Of the last tenth of each second.
        let [before, during, after] = [1, 2, 3].map(|end| {
            let end = end * third * samples.len() / packets.len();
            let part = &samples[end - rate as usize / 10..end];
            part.iter().map(|sample| sample * sample).sum::<f64>() / part.len() as f64
        });
        // Opus ends in the noise that it took for the background.
        let share = if codec.format == Format::Opus { 50.0 } else { 1e6 };
        assert!(during < before / share, "{}: {before:.0}, {during:.0}", name(&codec));
        assert!((after / before - 1.0).abs() < 0.1, "{}: {before:.0}, {after:.0}", name(&codec));
    }
}

/// Speech-like packets of 20 ms, laid out for heavy loss: the encoder codes each twice.
fn redundant_packets(count: usize) -> Vec<Bytes> {
    let mut encoder = opus_pure::OpusEncoder::new(48_000, 1, opus_pure::Application::Voip).unwrap();
    (encoder.bitrate_bps, encoder.use_inband_fec, encoder.packet_loss_perc) = (24_000, true, 20);
    let (mut source, mut packet) = (Music::new(), vec![0; opus_pure::MAX_PACKET_BYTES]);
    let mut sound = Sound::new(48_000, 1, 960).unwrap();
    (0..count)
        .map(|_| {
            source.fill(&mut sound);
            let len = encoder.encode_s16(sound.samples(), 960, &mut packet).unwrap();
            Bytes::copy_from_slice(&packet[..len])
        })
        .collect()
}

#[test]
fn opus_recovers_a_lost_packet_from_the_next_and_nearer_to_the_truth_than_by_guessing() {
    let codec = codec(Format::Opus, 48_000, 2, "useinbandfec=1");
    let packets = redundant_packets(200);
    let mut whole = any::audio_decoder(&codec).unwrap();
    let (mut with, mut without) = (any::audio_decoder(&codec).unwrap(), any::audio_decoder(&codec).unwrap());
    let (mut recovered, mut by_guess, mut by_recovery) = (0, 0.0, 0.0);
    let error = |a: &Sound, b: &Sound| -> f64 {
        let pairs = a.samples().iter().zip(b.samples());
        pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
    };
    for (number, packet) in packets.iter().enumerate() {
        let truth = whole.decode(packet).unwrap();
        if number % 7 != 6 {
            with.decode(packet).unwrap();
            without.decode(packet).unwrap();
            continue;
        }
        let Some(next) = packets.get(number + 1) else { break };
        let guessed = without.conceal();
        let Some(sound) = with.recover(next) else {
            with.conceal();
            continue;
        };
        assert_eq!(sound.frames(), truth.frames());
        recovered += 1;
        by_guess += error(&guessed, &truth);
        by_recovery += error(&sound, &truth);
    }
    // Where nothing is said there is nothing to say twice.
    assert!(recovered > 10, "{recovered} of 28");
    assert!(by_recovery < by_guess / 2.0, "{by_recovery:.0}, {by_guess:.0}");
}

#[test]
fn without_redundancy_there_is_nothing_to_recover() {
    for codec in all() {
        let packets = packets(&codec, &mut Music::new(), Some(96_000), 200);
        let mut decoder = any::audio_decoder(&codec).unwrap();
        for packet in &packets {
            assert!(decoder.recover(packet).is_none(), "{}", name(&codec));
            decoder.decode(packet).unwrap();
        }
        assert!(decoder.recover(&[]).is_none());
    }
}

#[test]
fn a_loss_before_anything_was_heard_is_silence() {
    for codec in all() {
        let mut decoder = any::audio_decoder(&codec).unwrap();
        let sound = decoder.conceal();
        assert_eq!(sound.duration().as_millis(), 20, "{}", name(&codec));
        assert!(sound.samples().iter().all(|&sample| sample == 0), "{}", name(&codec));
    }
}

/// What a decoder makes of any bytes is a sound of its shape or an error; the next whole packet is heard.
fn torture(decoder: &mut dyn AudioDecoder, packets: &[Bytes], chance: &mut Chance) -> usize {
    let (rate, channels) = decoder.output();
    let mut errors = 0;
    for _ in 0..2_000 {
        let packet = &packets[chance.below(packets.len())];
        let packet = match chance.below(4) {
            0 => {
                let count = chance.below(400);
                chance.bytes(count)
            }
            _ => chance.broken(packet),
        };
        if chance.below(5) == 0 {
            let _ = decoder.recover(&packet);
        }
        let sound = match decoder.decode(&packet) {
            Ok(sound) => sound,
            Err(_) => {
                errors += 1;
                decoder.conceal()
            }
        };
        assert_eq!((sound.sample_rate(), sound.channels()), (rate, channels));
        assert!(sound.frames() <= 5_760);
    }
    let whole = &packets[0];
    assert!(decoder.decode(whole).is_ok());
    errors
}

#[test]
fn broken_packets_are_errors_or_noise_and_nothing_worse() {
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for codec in all() {
        let mut packets = packets(&codec, &mut Music::new(), None, 400);
        if codec.format == Format::Opus {
            packets.extend(redundant_packets(20));
        }
        let mut decoder = any::audio_decoder(&codec).unwrap();
        let errors = torture(decoder.as_mut(), &packets, &mut chance);
        assert!(errors > 0, "{}: empty ones at least", name(&codec));
    }
}

#[test]
fn empty_cut_and_overlong_packets_are_refused_by_name() {
    for codec in all() {
        let mut decoder = any::audio_decoder(&codec).unwrap();
        assert!(matches!(decoder.decode(&[]), Err(DecodeError::Empty)), "{}", name(&codec));
    }
    let mut decoder = any::audio_decoder(&codec(Format::L16, 48_000, 2, "")).unwrap();
    assert!(matches!(decoder.decode(&[0; 6]), Err(DecodeError::Uneven { len: 6, unit: 4 })));
    let mut decoder = any::audio_decoder(&codec(Format::Pcmu, 8_000, 1, "")).unwrap();
    assert!(matches!(decoder.decode(&[0; 70_000]), Err(DecodeError::TooLong { .. })));
    let mut decoder = any::audio_decoder(&codec(Format::Opus, 48_000, 2, "")).unwrap();
    // Sixty-three frames of 20 ms: more than the 120 ms that a packet may hold (RFC 6716 §3.2.5).
    assert!(decoder.decode(&[0xff, 63, 0, 0]).is_err());
}

#[test]
fn formats_of_pictures_and_impossible_shapes_have_no_decoder() {
    let vp8 = codec(Format::Vp8, 90_000, 1, "");
    assert!(matches!(any::audio_decoder(&vp8), Err(DecodeError::Unsupported(Format::Vp8))));
    assert!(any::video_decoder(&codec(Format::Opus, 48_000, 2, "")).is_err());
    assert!(matches!(any::audio_decoder(&codec(Format::L16, 400, 1, "")), Err(DecodeError::Sound(_))));
}
