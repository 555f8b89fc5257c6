//! Sound of every codec, there and back; gaps, cuts and programs that die.

use std::io::Cursor;

use super::*;
use crate::codec::g711::Law;
use crate::codec::g722::G722Decoder;
use crate::codec::traits::AudioDecoder;

fn frame(ms: u64, payload: Vec<u8>) -> StoredFrame {
    StoredFrame { time: Duration::from_millis(ms), key: true, payload: payload.into() }
}

fn file(info: &TrackInfo, frames: &[StoredFrame]) -> Vec<u8> {
    let mut writer = WavWriter::new(Cursor::new(Vec::new()), info).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> (TrackInfo, Vec<StoredFrame>, Option<Error>) {
    let mut reader = WavReader::new(bytes).unwrap();
    let mut frames = Vec::new();
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (reader.info(), frames, None),
            Err(error) => return (reader.info(), frames, Some(error)),
        }
    }
}

fn infos() -> Vec<TrackInfo> {
    vec![
        TrackInfo::audio(Format::Pcmu, 8_000, 1),
        TrackInfo::audio(Format::Pcma, 8_000, 1),
        TrackInfo::audio(Format::G722, 8_000, 1),
        TrackInfo::audio(Format::L16, 8_000, 2),
        TrackInfo::audio(Format::L16, 44_100, 1),
    ]
}

#[test]
fn sound_of_every_codec_is_read_back_as_it_was_written() {
    for info in infos() {
        let layout = Layout::of(&info).unwrap();
        let len = layout.bytes_per_second as usize / 50 / 2 * 2;
        let sound = |n: u8| -> Vec<u8> { (0..len).map(|at| (at * 7) as u8 ^ n).collect() };
        let frames: Vec<_> = (0..5).map(|n| frame(u64::from(n) * 20, sound(n))).collect();
        let (read_info, read_frames, error) = read(&file(&info, &frames));
        assert_eq!((read_info, error.is_none()), (info, true));
        let join = |frames: &[StoredFrame]| -> Vec<u8> {
            frames.iter().flat_map(|frame| frame.payload.to_vec()).collect()
        };
        assert_eq!(join(&read_frames), join(&frames), "{info:?}");
        let last = read_frames.last().unwrap();
        assert!(read_frames.iter().all(|frame| frame.payload.len() <= 1_000));
        assert!(last.time < Duration::from_millis(100) && last.time >= Duration::from_millis(80));
    }
}

#[test]
fn where_frames_are_missing_it_is_silent_for_as_long() {
    let info = TrackInfo::audio(Format::Pcmu, 8_000, 1);
    let frames = [frame(500, vec![1; 160]), frame(540, vec![2; 160]), frame(561, vec![3; 160])];
    let (_, frames, _) = read(&file(&info, &frames));
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.payload.to_vec()).collect();
    let expected = [vec![1; 160], vec![0xff; 160], vec![2; 160], vec![3; 160]].concat();
    assert_eq!(bytes, expected, "a millisecond is rounding");
}

#[test]
fn what_stands_for_missing_frames_cannot_be_heard() {
    let silence = |format| Layout::of(&TrackInfo::audio(format, 8_000, 1)).unwrap().silence;
    assert_eq!(Law::Mu.decode(silence(Format::Pcmu)), 0);
    assert!(Law::A.decode(silence(Format::Pcma)).abs() <= 8);
    let mut decoder = G722Decoder::new();
    for _ in 0..50 {
        let sound = decoder.decode(&[silence(Format::G722); 160]).unwrap();
        assert!(sound.samples().iter().all(|sample| sample.abs() <= 8));
    }
}

#[test]
fn a_program_that_dies_leaves_what_was_flushed() {
    let info = TrackInfo::audio(Format::Pcma, 8_000, 1);
    let mut output = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut output, &info).unwrap();
    writer.write(&frame(0, vec![1; 160])).unwrap();
    writer.flush().unwrap();
    writer.write(&frame(20, vec![2; 160])).unwrap();
    drop(writer);
    let bytes = output.into_inner();
    let (_, frames, error) = read(&bytes);
    assert_eq!((frames, error.is_none()), (vec![frame(0, vec![1; 160])], true));
    // And before the first flush: no size is known, all is read.
    let mut unknown = bytes.clone();
    unknown[54..58].fill(0xff);
    assert_eq!(read(&unknown).1.len(), 2);
}

#[test]
fn a_file_cut_anywhere_gives_whole_samples_and_then_says_where_it_ends() {
    let info = TrackInfo::audio(Format::L16, 8_000, 2);
    let bytes = file(&info, &[frame(0, vec![9; 640])]);
    for len in 0..bytes.len() {
        let Ok(mut reader) = WavReader::new(&bytes[..len]) else {
            assert!(len < 44, "{len}");
            continue;
        };
        let mut sound = 0;
        let error = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => sound += frame.payload.len(),
                Ok(None) => panic!("{len}: not whole"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Truncated { at } if at == len as u64), "{len}: {error}");
        assert_eq!(sound, (len - 44) / 4 * 4);
        assert!(matches!(reader.next_frame(), Ok(None)));
    }
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let bytes = file(&TrackInfo::audio(Format::L16, 8_000, 2), &[]);
    for (at, value) in [(20, 85), (22, 0), (22, 9), (34, 24), (8, 0)] {
        let mut other = bytes.clone();
        other[at] = value;
        assert!(matches!(WavReader::new(&other[..]), Err(Error::Malformed { .. })), "{at} = {value}");
    }
}
