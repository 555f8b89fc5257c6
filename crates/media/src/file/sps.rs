//! What the sequence parameter set of H.264 says of the pictures (ITU-T H.264 §7.3.2.1.1): profile, level, size.

/// What we read of a sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// profile_idc, constraint flags and level_idc as one number.
    pub(crate) profile_level_id: u32,
    /// Width and height in pixels, cropped.
    pub(crate) size: (u32, u32),
    /// chroma_format_idc, and how many bits luma and chroma have above 8.
    pub(crate) samples: [u32; 3],
}

impl Sequence {
    /// Reads a sequence parameter set, from its NAL unit header on. `None` where it is none or broken.
    pub(crate) fn parse(unit: &[u8]) -> Option<Self> {
        let (header, body) = unit.split_first()?;
        if header & 0x1f != 7 {
            return None;
        }
        let mut bits = Bits::new(body);
        let profile_level_id = bits.take(24)?;
        bits.unsigned()?;
        let (mut chroma, mut luma_depth, mut chroma_depth) = (1, 0, 0);
        if HIGH_PROFILES.contains(&(profile_level_id >> 16)) {
            chroma = bits.unsigned()?;
            if chroma == 3 {
                bits.take(1)?;
            }
            (luma_depth, chroma_depth) = (bits.unsigned()?, bits.unsigned()?);
            bits.take(1)?;
            if bits.take(1)? == 1 {
                skip_scaling_lists(&mut bits, if chroma == 3 { 12 } else { 8 })?;
            }
        }
        bits.unsigned()?;
        match bits.unsigned()? {
            0 => {
                bits.unsigned()?;
            }
            1 => {
                bits.take(1)?;
                bits.unsigned()?;
                bits.unsigned()?;
                let count = bits.unsigned()?;
                for _ in 0..count.min(256) {
                    bits.unsigned()?;
                }
            }
            _ => {}
        }
        bits.unsigned()?;
        bits.take(1)?;
        let size = read_size(&mut bits, chroma)?;
        Some(Self { profile_level_id, size, samples: [chroma, luma_depth, chroma_depth] })
    }

    /// Whether it is of a profile whose parameter sets tell chroma format and depths.
    pub(crate) fn is_high(&self) -> bool {
        HIGH_PROFILES.contains(&(self.profile_level_id >> 16))
    }
}

/// Profiles whose parameter sets tell the chroma format and scaling lists.
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// From pic_width_in_mbs_minus1 to the cropping.
fn read_size(bits: &mut Bits<'_>, chroma: u32) -> Option<(u32, u32)> {
    let width = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
    let map_height = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let fields = 2 - frames_only;
    let height = map_height.checked_mul(fields)?;
    if bits.take(1)? == 0 {
        return Some((width, height));
    }
    let (left, right, top, bottom) = (bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?);
    // §7.4.2.1.1: crop units are chroma samples.
    let unit_x = if chroma == 1 || chroma == 2 { 2 } else { 1 };
    let unit_y = fields * if chroma == 1 { 2 } else { 1 };
    let cut_x = left.checked_add(right)?.checked_mul(unit_x)?;
    let cut_y = top.checked_add(bottom)?.checked_mul(unit_y)?;
    let (width, height) = (width.checked_sub(cut_x)?, height.checked_sub(cut_y)?);
    (width > 0 && height > 0).then_some((width, height))
}

fn skip_scaling_lists(bits: &mut Bits<'_>, count: usize) -> Option<()> {
    for list in 0..count {
        if bits.take(1)? == 0 {
            continue;
        }
        let (mut last, mut next) = (8i64, 8i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

/// Bits of a NAL unit, without its emulation prevention bytes (ITU-T H.264 §7.4.1).
struct Bits<'a> {
    bytes: &'a [u8],
    zeros: u8,
    current: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, zeros: 0, current: 0, left: 0 }
    }

    fn next_byte(&mut self) -> Option<u8> {
        let (mut byte, mut rest) = self.bytes.split_first()?;
        if self.zeros == 2 && *byte == 3 {
            self.zeros = 0;
            (byte, rest) = rest.split_first()?;
        }
        self.bytes = rest;
        self.zeros = if *byte == 0 { (self.zeros + 1).min(2) } else { 0 };
        Some(*byte)
    }

    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.current = self.next_byte()?;
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    /// At most 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// ue(v), §9.1.
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some(((1u64 << zeros) - 1) as u32 + rest)
    }

    /// se(v), §9.1.1.
    fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.unsigned()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_set_tells_size_and_profile() {
        // Constrained baseline 3.1, 1280x720, and high 4.0, 1920x1080 cropped from 1088 (from ffmpeg's encoder).
        let baseline = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
        let sequence = Sequence::parse(&baseline).unwrap();
        assert_eq!((sequence.profile_level_id, sequence.size), (0x42_c01f, (1280, 720)));
        let high =
            [0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03];
        let sequence = Sequence::parse(&high).unwrap();
        assert_eq!((sequence.profile_level_id, sequence.size), (0x64_0028, (1920, 1080)));
    }

    #[test]
    fn no_bytes_make_it_fail_otherwise_than_by_saying_so() {
        let baseline = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
        for len in 0..baseline.len() {
            for byte in 0..=255 {
                let mut bytes = baseline[..len].to_vec();
                bytes.push(byte);
                let _ = Sequence::parse(&bytes);
            }
        }
        for first in 0..=255u8 {
            assert_eq!(Sequence::parse(&[0x67, first, 0, 0]), None);
            let long = [&[0x67, first][..], &[0; 64]].concat();
            assert_eq!(Sequence::parse(&long), None, "zeros without an end");
        }
    }
}
