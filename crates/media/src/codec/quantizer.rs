//! How coarsely a frame is coded: the quantizer in a VP8 frame header (RFC 6386 §9.3 to §9.6, §19.2), for `qpSum` of
//! webrtc-stats.

use peerless::Format;

/// The quantizer of a coded frame: of VP8 `y_ac_qi`, 0 to 127. `None` of other formats, whose headers are not read here,
/// and where the frame is cut short.
pub(crate) fn of(format: Format, payload: &[u8]) -> Option<u8> {
    match format {
        Format::Vp8 => vp8(payload),
        _ => None,
    }
}

fn vp8(payload: &[u8]) -> Option<u8> {
    let is_key = payload.first()? & 1 == 0;
    // The tag, and of key frames start code and size (§9.1).
    let mut bits = BoolDecoder::new(payload.get(if is_key { 10 } else { 3 }..)?)?;
    if is_key {
        // Colour space and clamping (§9.2).
        bits.literal(2);
    }
    if bits.flag() {
        segmentation(&mut bits);
    }
    // Filter type, level, sharpness (§9.6).
    bits.literal(10);
    // The adjustments of the filter (§9.6): on, changed, and then each of eight, if at all.
    if bits.flag() && bits.flag() {
        (0..8).for_each(|_| bits.optional(7));
    }
    // The number of partitions (§9.5).
    bits.literal(2);
    let quantizer = bits.literal(7);
    (!bits.is_over).then_some(quantizer as u8)
}

/// §9.3: which of map and data change, and what they are.
fn segmentation(bits: &mut BoolDecoder<'_>) {
    let (has_map, has_data) = (bits.flag(), bits.flag());
    if has_data {
        bits.flag();
        (0..4).for_each(|_| bits.optional(8));
        (0..4).for_each(|_| bits.optional(7));
    }
    if has_map {
        (0..3).for_each(|_| bits.optional(8));
    }
}

/// The arithmetic decoder (RFC 6386 §7.3), of bits that are as likely 0 as 1.
struct BoolDecoder<'a> {
    rest: &'a [u8],
    value: u32,
    range: u32,
    shifted: u32,
    /// It has read beyond its end.
    is_over: bool,
}

impl<'a> BoolDecoder<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk::<2>()?;
        let value = u32::from(u16::from_be_bytes(*first));
        Some(Self { rest, value, range: 255, shifted: 0, is_over: false })
    }

    fn flag(&mut self) -> bool {
        // Probability 128 of 256: split = 1 + ((range - 1) * 128 >> 8).
        let split = 1 + ((self.range - 1) >> 1);
        let is_one = self.value >= split << 8;
        if is_one {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifted += 1;
            if self.shifted == 8 {
                self.shifted = 0;
                match self.rest.split_first() {
                    Some((next, rest)) => {
                        self.value |= u32::from(*next);
                        self.rest = rest;
                    }
                    None => self.is_over = true,
                }
            }
        }
        is_one
    }

    /// A number of so many bits.
    fn literal(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |number, _| number << 1 | u32::from(self.flag()))
    }

    /// A number that is there if the flag before it says so.
    fn optional(&mut self, bits: u32) {
        if self.flag() {
            self.literal(bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoder of RFC 6386 §7.3, for bits that are as likely 0 as 1.
    #[derive(Default)]
    struct Bits(Vec<bool>);

    impl Bits {
        fn literal(&mut self, number: u32, bits: u32) -> &mut Self {
            self.0.extend((0..bits).rev().map(|bit| number >> bit & 1 == 1));
            self
        }

        fn written(&self) -> Vec<u8> {
            let (mut out, mut range, mut bottom, mut count) = (Vec::<u8>::new(), 255u32, 0u32, 24);
            let carry = |out: &mut Vec<u8>| {
                for byte in out.iter_mut().rev() {
                    *byte = byte.wrapping_add(1);
                    if *byte != 0 {
                        break;
                    }
                }
            };
            for bit in self.0.iter().copied().chain([false; 40]) {
                let split = 1 + ((range - 1) >> 1);
                if bit {
                    let (sum, has_carry) = bottom.overflowing_add(split);
                    bottom = sum;
                    range -= split;
                    if has_carry {
                        carry(&mut out);
                    }
                } else {
                    range = split;
                }
                while range < 128 {
                    range <<= 1;
                    if bottom >> 31 == 1 {
                        carry(&mut out);
                    }
                    bottom <<= 1;
                    count -= 1;
                    if count == 0 {
                        out.push((bottom >> 24) as u8);
                        bottom &= 0x00ff_ffff;
                        count = 8;
                    }
                }
            }
            out
        }
    }

    fn frame(key: bool, header: &Bits) -> Vec<u8> {
        let mut frame = vec![u8::from(!key), 0, 0];
        if key {
            frame.extend([0x9d, 0x01, 0x2a, 64, 0, 48, 0]);
        }
        frame.extend(header.written());
        frame
    }

    #[test]
    fn the_quantizer_is_found_behind_all_that_may_stand_before_it() {
        for quantizer in [0, 1, 63, 126, 127] {
            let mut plain = Bits::default();
            plain
                .literal(0, 2)
                .literal(0, 1)
                .literal(0x155, 10)
                .literal(0, 1)
                .literal(2, 2)
                .literal(quantizer, 7);
            assert_eq!(of(Format::Vp8, &frame(true, &plain)), Some(quantizer as u8));
            let mut full = Bits::default();
            full.literal(1, 1).literal(0b11, 2).literal(1, 1);
            for _ in 0..4 {
                full.literal(1, 1).literal(0x9a, 8);
            }
            for _ in 0..2 {
                full.literal(1, 1).literal(0x2b, 7).literal(0, 1);
            }
            for _ in 0..3 {
                full.literal(1, 1).literal(0xc3, 8);
            }
            full.literal(0x2aa, 10).literal(0b11, 2);
            for _ in 0..4 {
                full.literal(0, 1).literal(1, 1).literal(0x55, 7);
            }
            full.literal(1, 2).literal(quantizer, 7);
            assert_eq!(of(Format::Vp8, &frame(false, &full)), Some(quantizer as u8));
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_format_has_none() {
        assert_eq!(of(Format::Vp8, &[]), None);
        assert_eq!(of(Format::Vp8, &[0, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0]), None);
        assert_eq!(of(Format::Vp8, &[1, 0, 0, 0xff, 0xff]), None);
        assert_eq!(of(Format::Opus, &[0xf8; 100]), None);
    }
}
