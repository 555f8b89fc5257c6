//! The payload of telephone events (RFC 4733 §2.3): one report of 4 bytes on how a tone goes on, or several in a row, of
//! tones one after the other (§2.5.1.5).

/// What one report says.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     event     |E|R| volume    |          duration             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToneReport {
    /// The event's code.
    pub event: u8,
    /// Whether the tone has ended.
    pub ends: bool,
    /// How loud, in -dBm0: 0 to 63.
    pub volume: u8,
    /// For how long it has been heard since the packet's timestamp, in ticks.
    pub duration: u16,
}

impl ToneReport {
    /// The four bytes.
    pub fn write(&self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.ends) << 7 | self.volume.min(63), high, low]
    }
}

/// The reports of a payload, in order; what is left over of less than 4 bytes is passed over.
pub fn tone_reports(payload: &[u8]) -> impl Iterator<Item = ToneReport> + '_ {
    payload.as_chunks().0.iter().map(|&[event, flags, high, low]| ToneReport {
        event,
        ends: flags & 0x80 != 0,
        volume: flags & 0x3f,
        duration: u16::from_be_bytes([high, low]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_go_there_and_back() {
        let report = ToneReport { event: 11, ends: true, volume: 10, duration: 0x1234 };
        assert_eq!(report.write(), [11, 0x8a, 0x12, 0x34]);
        let other = ToneReport { event: 1, ends: false, volume: 63, duration: u16::MAX };
        let payload = [report.write(), other.write()].concat();
        assert_eq!(tone_reports(&payload).collect::<Vec<_>>(), [report, other]);
        assert_eq!(tone_reports(&payload[..7]).count(), 1);
        assert_eq!(tone_reports(&payload[..3]).count(), 0);
    }
}
