//! Files are read back as they were written, whole, cut and from other hands.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use peerless::Format;

use crate::file::annex_b::h264;
use crate::file::error::{Error, Fault};
use crate::file::matroska::{MatroskaReader, MatroskaWriter};
use crate::file::stored::{StoredFrame, TrackInfo};

const VP8_KEY: [u8; 11] = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 7];
const SPS: [u8; 14] = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
const PPS: [u8; 8] = [0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];

type Frames = Vec<(usize, StoredFrame)>;

fn frame(ms: u64, key: bool, payload: &[u8]) -> StoredFrame {
    StoredFrame { time: Duration::from_millis(ms), key, payload: Bytes::copy_from_slice(payload) }
}

fn file(tracks: &[TrackInfo], frames: &Frames) -> Vec<u8> {
    let first = |index| frames.iter().find(|(track, _)| *track == index).unwrap().1.clone();
    let tracks: Vec<_> = tracks.iter().enumerate().map(|(index, info)| (*info, first(index))).collect();
    let mut writer = MatroskaWriter::new(Cursor::new(Vec::new()), &tracks).unwrap();
    for (track, frame) in frames {
        writer.write(*track, frame).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> (Vec<TrackInfo>, Frames, Option<Error>) {
    let mut reader = MatroskaReader::new(bytes).unwrap();
    let tracks = reader.tracks().map(|(_, info)| info).collect();
    let mut frames = Vec::new();
    loop {
        match reader.next_frame() {
            Ok(Some((number, frame))) => frames.push((number as usize - 1, frame)),
            Ok(None) => return (tracks, frames, None),
            Err(error) => return (tracks, frames, Some(error)),
        }
    }
}

/// A minute of VP8 with a key frame every three seconds, and Opus.
fn call() -> (Vec<TrackInfo>, Frames) {
    let tracks =
        vec![TrackInfo::video(Format::Vp8, Some((640, 480))), TrackInfo::audio(Format::Opus, 48_000, 2)];
    let mut frames = Frames::new();
    for number in 0..1_500u64 {
        let key = number % 75 == 0;
        let payload = if key { VP8_KEY.to_vec() } else { vec![1, number as u8, 2] };
        frames.push((0, frame(number * 40, key, &payload)));
        frames.push((1, frame(number * 40, true, &[0xfc, number as u8])));
        frames.push((1, frame(number * 40 + 20, true, &[0xfc, number as u8, 1])));
    }
    (tracks, frames)
}

#[test]
fn sound_and_pictures_come_back_with_their_times() {
    let (tracks, frames) = call();
    let bytes = file(&tracks, &frames);
    let (read_tracks, read_frames, error) = read(&bytes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read_tracks, tracks);
    assert_eq!(read_frames.len(), frames.len());
    for ((track, read), (wanted, written)) in read_frames.iter().zip(&frames) {
        assert_eq!((track, &read.payload, read.key), (wanted, &written.payload, written.key));
        assert!(read.time.abs_diff(written.time) <= Duration::from_micros(500), "{:?}", written.time);
    }
    assert!(bytes.windows(4).any(|window| window == b"webm"));
}

#[test]
fn every_codec_of_ours_has_its_place() {
    let key = [&SPS[..], &PPS, &[0, 0, 0, 1, 0x65, 0x88, 1]].concat();
    let delta = [0, 0, 0, 1, 0x41, 0x9a, 7];
    let tracks = vec![
        TrackInfo::video(h264(0x42_c01f), Some((1280, 720))),
        TrackInfo::audio(Format::Pcmu, 8_000, 1),
        TrackInfo::audio(Format::Pcma, 8_000, 1),
        TrackInfo::audio(Format::G722, 8_000, 1),
        TrackInfo::audio(Format::L16, 44_100, 2),
    ];
    let mut frames = vec![(0, frame(0, true, &key)), (0, frame(33, false, &delta))];
    frames.extend((1..5).map(|track| (track, frame(40, true, &[track as u8; 160]))));
    let (read_tracks, read_frames, error) = read(&file(&tracks, &frames));
    assert!(error.is_none(), "{error:?}");
    assert_eq!((read_tracks, read_frames), (tracks, frames));
}

#[test]
fn a_long_time_without_a_key_frame_and_late_frames_find_their_cluster() {
    let (tracks, _) = call();
    let mut frames = vec![(0, frame(0, true, &VP8_KEY)), (1, frame(0, true, &[0xfc, 1]))];
    frames.extend((1..3_000u64).map(|n| (0, frame(n * 40, false, &[1, n as u8]))));
    frames.push((1, frame(119_000, true, &[0xfc, 2])));
    frames.push((1, frame(60_000, true, &[0xfc, 3])));
    frames.push((0, frame(10_000_000, false, &[1])));
    let (_, read, error) = read(&file(&tracks, &frames));
    assert!(error.is_none(), "{error:?}");
    for ((_, read), (_, written)) in read.iter().zip(&frames) {
        assert!(read.time.abs_diff(written.time) <= Duration::from_micros(500), "{:?}", written.time);
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_frames() {
    let (tracks, mut frames) = call();
    frames.truncate(100);
    let whole = file(&tracks, &frames);
    // As a program that dies leaves it: without what the end brings.
    let first = |index| frames.iter().find(|(track, _)| *track == index).unwrap().1.clone();
    let with_first: Vec<_> = tracks.iter().enumerate().map(|(index, info)| (*info, first(index))).collect();
    let mut output = Cursor::new(Vec::new());
    let mut writer = MatroskaWriter::new(&mut output, &with_first).unwrap();
    for (track, frame) in &frames {
        writer.write(*track, frame).unwrap();
    }
    drop(writer);
    let dead = output.into_inner();
    let (_, all, error) = read(&dead);
    assert!(error.is_none() && all.len() == 100, "{error:?}");
    for bytes in [whole, dead] {
        let mut most = 0;
        for len in (0..bytes.len()).step_by(3) {
            let Ok(mut reader) = MatroskaReader::new(&bytes[..len]) else { continue };
            let mut count = 0;
            let error = loop {
                match reader.next_frame() {
                    Ok(Some((_, frame))) => {
                        assert_eq!(frame.payload, frames[count].1.payload);
                        count += 1;
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            assert!(matches!(error, None | Some(Error::Truncated { .. })), "{len}: {error:?}");
            assert!(count >= most);
            most = count;
        }
        assert!(most >= 99);
    }
}

#[test]
fn nesting_without_end_and_overstated_sizes_are_refused() {
    let (tracks, mut frames) = call();
    frames.truncate(3);
    let bytes = file(&tracks, &frames);
    // Tags in tags in tags, each of unknown size: SimpleTag may hold itself.
    let segment = bytes.windows(4).position(|window| window == [0x18, 0x53, 0x80, 0x67]).unwrap();
    let mut nested = bytes[..segment].to_vec();
    nested.extend_from_slice(&[0x18, 0x53, 0x80, 0x67, 0xff]);
    nested.extend_from_slice(&[0x12, 0x54, 0xc3, 0x67, 0xff, 0x73, 0x73, 0xff]);
    nested.extend([0x67, 0xc8, 0xff].repeat(1_000_000));
    let error = MatroskaReader::new(&nested[..]).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. } | Error::Truncated { .. }), "{error}");
    // A private part of a petabyte.
    let mut huge = bytes[..segment].to_vec();
    huge.extend_from_slice(&[0x18, 0x53, 0x80, 0x67, 0xff, 0x16, 0x54, 0xae, 0x6b, 0xff, 0xae, 0xff]);
    huge.extend_from_slice(&[0x63, 0xa2, 0x01, 0x03, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    huge.resize(20 << 20, 0);
    let error = MatroskaReader::new(&huge[..]).unwrap_err();
    assert!(matches!(error, Error::Malformed { fault: Fault::Oversized, .. }), "{error}");
}

#[test]
fn what_is_no_matroska_is_refused() {
    for bytes in [&b""[..], b"OggS", &[0x1a, 0x45, 0xdf, 0xa3], &[0; 100]] {
        assert!(MatroskaReader::new(bytes).is_err());
    }
    let video = TrackInfo::video(Format::Vp8, None);
    let delta = frame(0, false, &[1, 2, 3]);
    let error = MatroskaWriter::new(Cursor::new(Vec::new()), &[(video, delta)]).unwrap_err();
    assert!(matches!(error, Error::NoKeyFrame));
    assert!(MatroskaWriter::new(Cursor::new(Vec::new()), &[]).is_err());
}
