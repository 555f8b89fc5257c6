//! Recorded files of every kind: frames end, and are no more than the file can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_media::file::{
    AnnexBReader, Error, IvfReader, MatroskaReader, OggOpusReader, StoredFrame, WavReader, Y4mReader,
};

fuzz_target!(|data: &[u8]| {
    let Some((kind, file)) = data.split_first() else { return };
    match kind % 6 {
        0 => read(file, IvfReader::new(file), |reader| reader.next_frame()),
        1 => read(file, AnnexBReader::new(file, 30), |reader| reader.next_frame()),
        2 => read(file, OggOpusReader::new(file), |reader| reader.next_frame()),
        3 => read(file, WavReader::new(file), |reader| reader.next_frame()),
        4 => read(file, MatroskaReader::new(file), |reader| {
            Ok(reader.next_frame()?.map(|(_, frame)| frame))
        }),
        _ => {
            let Ok(mut reader) = Y4mReader::new(file) else { return };
            while let Ok(Some(picture)) = reader.next_picture() {
                let (width, height) = (picture.width() as usize, picture.height() as usize);
                assert!(width * height <= file.len());
            }
        }
    }
});

fn read<R>(
    file: &[u8],
    reader: Result<R, Error>,
    next: impl Fn(&mut R) -> Result<Option<StoredFrame>, Error>,
) {
    let Ok(mut reader) = reader else { return };
    let (mut frames, mut bytes) = (0, 0);
    while let Ok(Some(frame)) = next(&mut reader) {
        frames += 1;
        bytes += frame.payload.len();
        assert!(frames <= file.len() && bytes <= 300 * file.len());
    }
    assert!(matches!(next(&mut reader), Ok(None)), "an error comes once");
}
