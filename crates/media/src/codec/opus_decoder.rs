//! Opus (RFC 6716, RFC 7587) back to sound: two channels at 48 kHz, whatever was sent, with concealment and in-band
//! forward error correction.

use opus_pure::{OpusDecoder as Library, packet};

use crate::codec::traits::{AudioDecoder, DecodeError};
use crate::sound::Sound;

const RATE: u32 = 48_000;
const CHANNELS: u8 = 2;
/// The most sound in one packet, in samples per channel: 120 ms (RFC 6716 §3.2.5).
const FRAMES_LIMIT: usize = 5_760;
/// What a packet holds where none came yet: 20 ms.
const USUAL_FRAMES: usize = 960;

/// The decoder.
#[derive(Debug)]
pub struct OpusDecoder {
    decoder: Library,
    /// Samples per channel in the last packet.
    frames: usize,
}

impl OpusDecoder {
    /// A decoder in its initial state.
    ///
    /// # Errors
    /// Never for this rate and these channels; the library's own words otherwise.
    pub fn new() -> Result<Self, DecodeError> {
        let decoder = Library::new(RATE.cast_signed(), usize::from(CHANNELS))?;
        Ok(Self { decoder, frames: USUAL_FRAMES })
    }
}

impl AudioDecoder for OpusDecoder {
    fn output(&self) -> (u32, u8) {
        (RATE, CHANNELS)
    }

    fn decode(&mut self, payload: &[u8]) -> Result<Sound, DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Empty);
        }
        let frames = packet::samples_48k(payload)?;
        if frames > FRAMES_LIMIT {
            return Err(DecodeError::TooLong { len: frames, limit: FRAMES_LIMIT });
        }
        let mut sound = Sound::new(RATE, CHANNELS, frames)?;
        self.decoder.decode_s16(payload, frames, sound.samples_mut())?;
        self.frames = frames;
        Ok(sound)
    }

    fn conceal(&mut self) -> Sound {
        let mut sound = Sound::silence(RATE, CHANNELS, self.frames);
        // Nothing to decode, so nothing to go wrong: were it so, silence is what there is to play.
        let _ = self.decoder.decode_s16(&[], self.frames, sound.samples_mut());
        sound
    }

    fn recover(&mut self, next: &[u8]) -> Option<Sound> {
        if !has_redundancy(next) {
            return None;
        }
        let mut sound = Sound::silence(RATE, CHANNELS, self.frames);
        self.decoder.decode_fec_s16(next, self.frames, sound.samples_mut()).ok()?;
        Some(sound)
    }

    fn ticks(&self) -> u32 {
        self.frames as u32
    }
}

/// Whether a packet carries a coarse copy of the one before it: the LBRR flags of its first SILK frame (RFC 6716
/// §4.2.3, §4.2.4).
fn has_redundancy(packet: &[u8]) -> bool {
    let Some((&toc, rest)) = packet.split_first() else { return false };
    // Configurations of 16 and above are CELT only (RFC 6716 table 2).
    let configuration = toc >> 3;
    if configuration >= 16 {
        return false;
    }
    let silk_frames = match configuration {
        // Hybrid: 10 or 20 ms.
        12.. => 1,
        // SILK: 10, 20, 40, 60 ms.
        _ => [1, 1, 2, 3][usize::from(configuration & 3)],
    };
    let Some(&first) = first_frame(toc & 3, rest).and_then(<[u8]>::first) else { return false };
    // For each channel one bit per frame for voice activity, then one that says whether there is redundancy. All are
    // coded at even odds, hence stand as plain bits, the highest first.
    let flag = |at: u32| first >> 7u32.saturating_sub(at) & 1 != 0;
    let is_stereo = toc & 4 != 0;
    flag(silk_frames) || (is_stereo && flag(2 * silk_frames + 1))
}

/// The first frame of a packet, by the code of its frame count (RFC 6716 §3.2).
fn first_frame(code: u8, rest: &[u8]) -> Option<&[u8]> {
    match code {
        0 | 1 => Some(rest),
        2 => length(rest).map(|(_, rest)| rest),
        _ => {
            let (&count, mut rest) = rest.split_first()?;
            if count & 0x40 != 0 {
                // Padding: bytes of 255 stand for 254 more each; its content lies at the end.
                loop {
                    let (&size, tail) = rest.split_first()?;
                    rest = tail;
                    if size != 255 {
                        break;
                    }
                }
            }
            if count & 0x80 == 0 {
                return Some(rest);
            }
            // Lengths of all frames but the last.
            for _ in 1..count & 0x3f {
                rest = length(rest)?.1;
            }
            Some(rest)
        }
    }
}

/// A frame length of one or two bytes (RFC 6716 §3.2.1), and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 252 {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(second) * 4 + usize::from(first), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::music::Music;
    use crate::source::traits::SoundSource;
    use opus_pure::{Application, MAX_PACKET_BYTES, OpusEncoder};

    /// Packets of so many milliseconds, of speech laid out for heavy loss.
    fn packets(ms: usize, channels: u8) -> Vec<Vec<u8>> {
        let mut encoder = OpusEncoder::new(48_000, usize::from(channels), Application::Voip).unwrap();
        (encoder.bitrate_bps, encoder.use_inband_fec, encoder.packet_loss_perc) = (20_000, true, 25);
        let frames = 48 * ms;
        let (mut music, mut packet) = (Music::new(), vec![0; MAX_PACKET_BYTES]);
        let mut sound = Sound::new(48_000, channels, frames).unwrap();
        (0..6_000 / ms)
            .map(|_| {
                music.fill(&mut sound);
                let len = encoder.encode_s16(sound.samples(), frames, &mut packet).unwrap();
                packet[..len].to_vec()
            })
            .collect()
    }

    /// What the library decodes as redundancy differs from what it makes up, and only that does.
    #[test]
    fn redundancy_is_seen_where_the_library_finds_it() {
        for (ms, channels) in [(10, 1), (20, 1), (20, 2), (40, 1), (60, 1)] {
            let packets = packets(ms, channels);
            let (mut redundant, mut guessing) = (OpusDecoder::new().unwrap(), OpusDecoder::new().unwrap());
            let mut seen = 0;
            for (number, triple) in packets.chunks_exact(3).enumerate() {
                let frames = redundant.decode(&triple[0]).unwrap().frames();
                guessing.decode(&triple[0]).unwrap();
                let [mut a, mut b] = [vec![0i16; frames * 2], vec![0i16; frames * 2]];
                redundant.decoder.decode_fec_s16(&triple[2], frames, &mut a).unwrap();
                guessing.decoder.decode_s16(&[], frames, &mut b).unwrap();
                assert_eq!(has_redundancy(&triple[2]), a != b, "{ms} ms, {channels} channels, {number}");
                seen += usize::from(a != b);
                // From here on the two would differ for ever.
                redundant.decoder.reset_state().unwrap();
                guessing.decoder.reset_state().unwrap();
            }
            assert!(seen * 20 > packets.len() / 3, "{ms} ms, {channels} channels: {seen}");
        }
    }

    #[test]
    fn the_first_frame_is_found_under_every_frame_count_code() {
        let found = |code: u8, rest: &[u8]| first_frame(code, rest).and_then(<[u8]>::first).copied();
        assert_eq!(found(0, &[7]), Some(7));
        assert_eq!(found(1, &[7, 8]), Some(7));
        assert_eq!(found(2, &[1, 7, 8]), Some(7));
        assert_eq!(found(2, &[252, 0, 7]), Some(7));
        assert_eq!(found(3, &[3, 7, 8, 9]), Some(7), "three of one size");
        assert_eq!(found(3, &[0x83, 1, 1, 7, 8, 9]), Some(7), "three of their own sizes");
        assert_eq!(found(3, &[0xc2, 255, 3, 1, 7, 8]), Some(7), "and padding");
        for (code, rest) in [(0, &[][..]), (2, &[]), (2, &[252]), (3, &[]), (3, &[0x43]), (3, &[0xc3, 1, 1])]
        {
            assert_eq!(found(code, rest), None);
        }
    }
}
