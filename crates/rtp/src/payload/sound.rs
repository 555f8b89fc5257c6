//! Sound in RTP: a packet is a frame, and its payload the coded bytes as they are. Opus (RFC 7587 §4.2), PCMU, PCMA,
//! G.722 and L16 (RFC 3551 §4.5).

use bytes::Bytes;

use crate::codec::Format;
use crate::payload::error::Error;
use crate::payload::fragment::{Fragment, Inspection, Prefix};

/// Makes packets of sound, and marks the first after silence.
#[derive(Debug, Clone)]
pub struct Packetizer {
    format: Format,
    /// The timestamp after the last frame, where its duration is known.
    next: Option<u32>,
    has_started: bool,
}

impl Packetizer {
    /// For the sound format `format`.
    pub fn new(format: Format) -> Self {
        Self { format, next: None, has_started: false }
    }

    /// Makes the one packet of a frame. The marker is set on the first of all and where the timestamp is not where the
    /// frame before ended (RFC 3551 §4.1, RFC 7587 §4.1); L16, of which we do not know the channels here, has it on
    /// the first only.
    ///
    /// Errs where the frame is larger than `limit`: sound is not cut, so choose shorter frames.
    pub fn packetize(
        &mut self,
        frame: &Bytes,
        timestamp: u32,
        limit: usize,
        sink: &mut dyn FnMut(Fragment),
    ) -> Result<(), Error> {
        check(self.format, frame)?;
        if frame.len() > limit {
            return Err(Error::TooLarge { len: frame.len(), limit });
        }
        let marker = !self.has_started || self.next.is_some_and(|next| next != timestamp);
        self.has_started = true;
        self.next = duration(self.format, frame).map(|duration| timestamp.wrapping_add(duration));
        sink(Fragment { prefix: Prefix::new(), body: frame.clone(), marker });
        Ok(())
    }
}

/// What a payload of sound says of its frame: it is one, and needs no other.
pub(crate) fn inspect(format: Format, payload: &[u8]) -> Result<Inspection, Error> {
    check(format, payload)?;
    let duration = duration(format, payload).filter(|duration| *duration > 0);
    Ok(Inspection { starts_frame: true, key: true, duration, ..Inspection::default() })
}

/// The frame in the only one of `packets`.
pub(crate) fn assemble(format: Format, packets: &mut dyn Iterator<Item = &Bytes>) -> Result<Bytes, Error> {
    let frame = packets.next().ok_or(Error::Empty)?;
    check(format, frame)?;
    if packets.next().is_some() { Err(Error::MorePackets) } else { Ok(frame.clone()) }
}

fn check(format: Format, payload: &[u8]) -> Result<(), Error> {
    match payload.len() {
        0 => Err(Error::Empty),
        len if format == Format::L16 && len % 2 != 0 => Err(Error::BrokenSample { len }),
        _ => Ok(()),
    }
}

/// How long a frame is in ticks of its RTP clock, where its bytes tell.
fn duration(format: Format, frame: &[u8]) -> Option<u32> {
    match format {
        Format::Opus => opus_duration(frame),
        // 64 kbit/s under a clock of 8 kHz: one byte a tick, G.722 too, whose clock is half its rate of samples.
        Format::Pcmu | Format::Pcma | Format::G722 => u32::try_from(frame.len()).ok(),
        _ => None,
    }
}

/// How long an Opus packet is in ticks of 48 kHz, by its table of contents (RFC 6716 §3.1).
fn opus_duration(packet: &[u8]) -> Option<u32> {
    let contents = *packet.first()?;
    let frame = match contents >> 3 {
        config @ 0..=11 => *[480, 960, 1920, 2880].get(usize::from(config & 3))?,
        config @ 12..=15 => *[480, 960].get(usize::from(config & 1))?,
        config => *[120, 240, 480, 960].get(usize::from(config & 3))?,
    };
    let frames = match contents & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * frames)
}

#[cfg(test)]
mod tests;
