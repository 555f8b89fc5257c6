//! Header extensions (RFC 8285): the map from negotiated ids to what they mean, reading both forms, and writing the
//! one-byte form where it serves and the two-byte form where it does not.

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtp::known::{
    AbsCaptureTime, AudioLevel, CsrcLevels, ExtensionKind, PlayoutDelay, ShortText, VideoOrientation,
};

/// The values of a packet's header extensions, those we know; all absent by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// The media section (RFC 9143 §15).
    pub mid: Option<ShortText>,
    /// The encoding (RFC 8852 §4.1).
    pub rid: Option<ShortText>,
    /// The encoding that this retransmission repairs (RFC 8852 §4.1).
    pub repaired_rid: Option<ShortText>,
    /// When the packet left: 6.18 fixed-point seconds, 24 bits, wraps every 64 s.
    pub abs_send_time: Option<u32>,
    /// The number of the packet over all streams of its transport.
    pub transport_sequence: Option<u16>,
    /// How loud it is (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// How to turn the picture.
    pub video_orientation: Option<VideoOrientation>,
    /// How long to delay.
    pub playout_delay: Option<PlayoutDelay>,
    /// When it was captured.
    pub abs_capture_time: Option<AbsCaptureTime>,
    /// How loud its contributing sources are (RFC 6465).
    pub csrc_levels: Option<CsrcLevels>,
}

/// Which id stands for which extension, as negotiated by `a=extmap` (RFC 8285 §5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtensionMap {
    /// The id of each kind, 0 where it was not negotiated.
    ids: [u8; ExtensionKind::ALL.len()],
    /// The kinds of the ids below 16, for a quick look.
    kinds: [Option<ExtensionKind>; 16],
    /// Whether `a=extmap-allow-mixed` was agreed on: each packet then takes the form that suits it (RFC 8285 §6).
    pub mixed: bool,
}

impl ExtensionMap {
    /// One that maps nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps `id` to `kind`. An id or a kind mapped before is taken from its old partner. Returns false, and does
    /// nothing, for id 0, which is padding on the wire.
    pub fn insert(&mut self, id: u8, kind: ExtensionKind) -> bool {
        if id == 0 {
            return false;
        }
        if let Some(old) = self.kind(id) {
            self.remove(old);
        }
        self.remove(kind);
        if let Some(slot) = self.ids.get_mut(kind as usize) {
            *slot = id;
        }
        if let Some(slot) = self.kinds.get_mut(usize::from(id)) {
            *slot = Some(kind);
        }
        true
    }

    /// Forgets `kind`.
    pub fn remove(&mut self, kind: ExtensionKind) {
        if let Some(id) = self.id(kind)
            && let Some(slot) = self.kinds.get_mut(usize::from(id))
        {
            *slot = None;
        }
        if let Some(slot) = self.ids.get_mut(kind as usize) {
            *slot = 0;
        }
    }

    /// The id of `kind`, if negotiated: 1 to 255; those above 14 need the two-byte form.
    pub fn id(&self, kind: ExtensionKind) -> Option<u8> {
        self.ids.get(kind as usize).copied().filter(|id| *id != 0)
    }

    /// What `id` stands for, if negotiated.
    pub fn kind(&self, id: u8) -> Option<ExtensionKind> {
        match self.kinds.get(usize::from(id)) {
            Some(kind) => *kind,
            None => ExtensionKind::ALL.into_iter().find(|kind| self.id(*kind) == Some(id)),
        }
    }

    /// Whether `kind` was negotiated.
    pub fn has(&self, kind: ExtensionKind) -> bool {
        self.id(kind).is_some()
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (u8, ExtensionKind)> + '_ {
        ExtensionKind::ALL.into_iter().filter_map(|kind| Some((self.id(kind)?, kind)))
    }
}

impl FromIterator<(u8, ExtensionKind)> for ExtensionMap {
    fn from_iter<T: IntoIterator<Item = (u8, ExtensionKind)>>(pairs: T) -> Self {
        let mut map = Self::new();
        for (id, kind) in pairs {
            map.insert(id, kind);
        }
        map
    }
}

impl Extensions {
    /// Reads the elements of an extension block: `profile` and `block` as they stand in the packet's header,
    /// without the length field between them.
    ///
    /// It cannot fail: elements that are not mapped or not as long as their kind needs are passed over
    /// (RFC 8285 §4.1.1), and reading ends at an element that is cut off or ends the block by its id (RFC 8285
    /// §4.2). A `profile` that is neither form gives no values.
    pub fn parse(map: &ExtensionMap, profile: u16, block: &[u8]) -> Self {
        let mut values = Self::default();
        let mut reader = Reader::new(block);
        match profile {
            ONE_BYTE => while let Some(()) = values.read_one_byte(map, &mut reader) {},
            _ if profile & 0xfff0 == TWO_BYTE => {
                while let Some(()) = values.read_two_byte(map, &mut reader) {}
            }
            _ => {}
        }
        values
    }

    /// The next element of the one-byte form, `None` at the end.
    fn read_one_byte(&mut self, map: &ExtensionMap, reader: &mut Reader<'_>) -> Option<()> {
        let first = reader.u8().ok()?;
        if first == 0 {
            return Some(());
        }
        let (id, len) = (first >> 4, usize::from(first & 15) + 1);
        // RFC 8285 §4.2: id 0 with a length and id 15 end the block, whatever follows.
        if id == 0 || id == 15 {
            return None;
        }
        self.set(map.kind(id), reader.take(len).ok()?);
        Some(())
    }

    /// The next element of the two-byte form, `None` at the end.
    fn read_two_byte(&mut self, map: &ExtensionMap, reader: &mut Reader<'_>) -> Option<()> {
        let id = reader.u8().ok()?;
        if id == 0 {
            return Some(());
        }
        let len = usize::from(reader.u8().ok()?);
        self.set(map.kind(id), reader.take(len).ok()?);
        Some(())
    }

    fn set(&mut self, kind: Option<ExtensionKind>, value: &[u8]) {
        match (kind, value) {
            (Some(ExtensionKind::Mid), _) => self.mid = ShortText::from_bytes(value).or(self.mid),
            (Some(ExtensionKind::Rid), _) => self.rid = ShortText::from_bytes(value).or(self.rid),
            (Some(ExtensionKind::RepairedRid), _) => {
                self.repaired_rid = ShortText::from_bytes(value).or(self.repaired_rid);
            }
            (Some(ExtensionKind::AbsSendTime), &[a, b, c]) => {
                self.abs_send_time = Some(u32::from_be_bytes([0, a, b, c]));
            }
            (Some(ExtensionKind::TransportSequence), &[a, b]) => {
                self.transport_sequence = Some(u16::from_be_bytes([a, b]));
            }
            (Some(ExtensionKind::AudioLevel), &[byte]) => {
                self.audio_level = Some(AudioLevel::from_byte(byte));
            }
            (Some(ExtensionKind::VideoOrientation), &[byte]) => {
                self.video_orientation = Some(VideoOrientation::from_byte(byte));
            }
            (Some(ExtensionKind::PlayoutDelay), &[a, b, c]) => {
                self.playout_delay = Some(PlayoutDelay::from_bytes([a, b, c]));
            }
            (Some(ExtensionKind::AbsCaptureTime), _) => {
                self.abs_capture_time = read_capture_time(value).or(self.abs_capture_time);
            }
            (Some(ExtensionKind::CsrcAudioLevel), _) => {
                self.csrc_levels = CsrcLevels::new(value).or(self.csrc_levels);
            }
            _ => {}
        }
    }

    /// Appends the extension block: profile, length in words, elements, padding to a word. Values whose kind is
    /// not in `map` are left out; where nothing is left to write nothing is appended and false is returned.
    pub fn write(&self, map: &ExtensionMap, out: &mut BytesMut) -> bool {
        let mut block = Block::new(self.needs_two_bytes(map));
        if let (Some(id), Some(text)) = (map.id(ExtensionKind::Mid), &self.mid) {
            block.element(id, text.as_bytes());
        }
        if let (Some(id), Some(text)) = (map.id(ExtensionKind::Rid), &self.rid) {
            block.element(id, text.as_bytes());
        }
        if let (Some(id), Some(text)) = (map.id(ExtensionKind::RepairedRid), &self.repaired_rid) {
            block.element(id, text.as_bytes());
        }
        if let (Some(id), Some(time)) = (map.id(ExtensionKind::AbsSendTime), self.abs_send_time) {
            let [_, a, b, c] = time.to_be_bytes();
            block.element(id, &[a, b, c]);
        }
        if let (Some(id), Some(number)) = (map.id(ExtensionKind::TransportSequence), self.transport_sequence)
        {
            block.element(id, &number.to_be_bytes());
        }
        if let (Some(id), Some(level)) = (map.id(ExtensionKind::AudioLevel), self.audio_level) {
            block.element(id, &[level.to_byte()]);
        }
        if let (Some(id), Some(turn)) = (map.id(ExtensionKind::VideoOrientation), self.video_orientation) {
            block.element(id, &[turn.to_byte()]);
        }
        if let (Some(id), Some(delay)) = (map.id(ExtensionKind::PlayoutDelay), self.playout_delay) {
            block.element(id, &delay.to_bytes());
        }
        if let (Some(id), Some(time)) = (map.id(ExtensionKind::AbsCaptureTime), self.abs_capture_time) {
            block.capture_time(id, time);
        }
        if let (Some(id), Some(levels)) = (map.id(ExtensionKind::CsrcAudioLevel), &self.csrc_levels) {
            block.element(id, levels.as_slice());
        }
        block.finish(out)
    }

    /// Which form to write. Without leave to mix, a stream keeps to one form (RFC 8285 §4.1), so one id above 14
    /// makes all its packets take the two-byte form; with leave only the packets that carry such an id.
    fn needs_two_bytes(&self, map: &ExtensionMap) -> bool {
        let has_high = map.ids.iter().any(|id| *id > MAX_ONE_BYTE_ID);
        has_high && (!map.mixed || ExtensionKind::ALL.into_iter().any(|kind| self.carries_high(map, kind)))
    }

    fn carries_high(&self, map: &ExtensionMap, kind: ExtensionKind) -> bool {
        map.id(kind).is_some_and(|id| id > MAX_ONE_BYTE_ID) && self.has(kind)
    }

    /// Whether the value of `kind` is there.
    pub fn has(&self, kind: ExtensionKind) -> bool {
        match kind {
            ExtensionKind::Mid => self.mid.is_some(),
            ExtensionKind::Rid => self.rid.is_some(),
            ExtensionKind::RepairedRid => self.repaired_rid.is_some(),
            ExtensionKind::AbsSendTime => self.abs_send_time.is_some(),
            ExtensionKind::TransportSequence => self.transport_sequence.is_some(),
            ExtensionKind::AudioLevel => self.audio_level.is_some(),
            ExtensionKind::VideoOrientation => self.video_orientation.is_some(),
            ExtensionKind::PlayoutDelay => self.playout_delay.is_some(),
            ExtensionKind::AbsCaptureTime => self.abs_capture_time.is_some(),
            ExtensionKind::CsrcAudioLevel => self.csrc_levels.is_some(),
        }
    }
}

fn read_capture_time(value: &[u8]) -> Option<AbsCaptureTime> {
    let mut reader = Reader::new(value);
    let timestamp = reader.u64().ok()?;
    let clock_offset = reader.u64().ok().map(u64::cast_signed);
    matches!(value.len(), 8 | 16).then_some(AbsCaptureTime { timestamp, clock_offset })
}

/// An extension block as it is written, on the stack: room for every kind we know in the two-byte form.
struct Block {
    two_byte: bool,
    len: usize,
    bytes: [u8; Block::ROOM],
}

impl Block {
    const HEAD: usize = 4;
    const ROOM: usize = 116;

    fn new(two_byte: bool) -> Self {
        Self { two_byte, len: Self::HEAD, bytes: [0; Self::ROOM] }
    }

    #[inline]
    fn put(&mut self, value: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + value.len()) {
            room.copy_from_slice(value);
            self.len += value.len();
        } else {
            debug_assert!(false, "all kinds together have room");
        }
    }

    /// Values are 1 to 16 bytes, ids 1 to 14 unless `two_byte`.
    #[inline]
    fn element(&mut self, id: u8, value: &[u8]) {
        let len = value.len() as u8;
        if self.two_byte {
            self.put(&[id, len]);
        } else {
            self.put(&[id << 4 | len.wrapping_sub(1) & 15]);
        }
        self.put(value);
    }

    fn capture_time(&mut self, id: u8, time: AbsCaptureTime) {
        let [a, b, c, d, e, f, g, h] = time.timestamp.to_be_bytes();
        let Some(offset) = time.clock_offset else {
            return self.element(id, &[a, b, c, d, e, f, g, h]);
        };
        let [i, j, k, l, m, n, o, p] = offset.to_be_bytes();
        self.element(id, &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]);
    }

    /// Appends the head and the elements, padded to a word with zeros, unless there are none.
    #[inline]
    fn finish(mut self, out: &mut BytesMut) -> bool {
        if self.len == Self::HEAD {
            return false;
        }
        let end = self.len.next_multiple_of(4).min(Self::ROOM);
        let [profile_high, profile_low] = if self.two_byte { TWO_BYTE } else { ONE_BYTE }.to_be_bytes();
        let [words_high, words_low] = ((end - Self::HEAD) as u16 / 4).to_be_bytes();
        if let Some((head, _)) = self.bytes.split_first_chunk_mut() {
            *head = [profile_high, profile_low, words_high, words_low];
        }
        out.extend_from_slice(self.bytes.get(..end).unwrap_or_default());
        true
    }
}

/// The profile of the one-byte form (RFC 8285 §4.2).
const ONE_BYTE: u16 = 0xbede;
/// The profile of the two-byte form, whose low 4 bits are free (RFC 8285 §4.3).
const TWO_BYTE: u16 = 0x1000;
/// Id 15 is reserved in the one-byte form.
const MAX_ONE_BYTE_ID: u8 = 14;

#[cfg(test)]
mod tests;
