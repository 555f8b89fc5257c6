//! H.264 profiles and levels as SDP names them: profile-level-id (RFC 6184 §8.1) and what two sides that name
//! different ones agree on (RFC 6184 §8.2.2).

/// What a `profile-level-id` says of the profile: two that name the same profile compare equal, though their
/// constraint flags may differ (RFC 6184 Table 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    Extended,
    High,
    ConstrainedHigh,
    /// profile_idc and constraint flags, to be compared as they are.
    Other(u8, u8),
}

/// Baseline at level 1, without further constraints: what is meant where nothing is said (RFC 6184 §8.1).
pub(super) const DEFAULT: u32 = 0x42_00_0a;

/// Reads six hexadecimal digits.
pub(super) fn parse(text: &str) -> Option<u32> {
    let is_hex = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u32::from_str_radix(text, 16).ok() } else { None }
}

/// The profile in a profile-level-id.
pub(super) fn profile(id: u32) -> Profile {
    let [_, idc, flags, _] = id.to_be_bytes();
    match (idc, flags) {
        (0x42, flags) if flags & 0x4f == 0x40 => Profile::ConstrainedBaseline,
        (0x4d, flags) if flags & 0x8f == 0x80 => Profile::ConstrainedBaseline,
        (0x58, flags) if flags & 0xcf == 0xc0 => Profile::ConstrainedBaseline,
        (0x42, flags) if flags & 0x4f == 0x00 => Profile::Baseline,
        (0x58, flags) if flags & 0xcf == 0x80 => Profile::Baseline,
        (0x4d, flags) if flags & 0xaf == 0x00 => Profile::Main,
        (0x58, flags) if flags & 0xcf == 0x00 => Profile::Extended,
        (0x64, 0x00) => Profile::High,
        (0x64, 0x0c) => Profile::ConstrainedHigh,
        (idc, flags) => Profile::Other(idc, flags),
    }
}

/// `own` with its level lowered to that of `other`, where that is lower: what both can do.
pub(super) fn at_common_level(own: u32, other: u32) -> u32 {
    if level(own) <= level(other) {
        return own;
    }
    let [_, idc, flags, _] = own.to_be_bytes();
    let level = level(other);
    // Level 1b is written as 11 with constraint_set3_flag in these profiles, as 9 in the others (H.264 §A.3.4).
    let (flags, level) = match (idc, level) {
        (0x42 | 0x4d | 0x58, LEVEL_1B) => (flags | CONSTRAINT_SET3, 11),
        (0x42 | 0x4d | 0x58, level) => (flags & !CONSTRAINT_SET3, level / 2),
        (_, LEVEL_1B) => (flags, 9),
        (_, level) => (flags, level / 2),
    };
    u32::from_be_bytes([0, idc, flags, level])
}

/// The level, doubled, so that 1b has its place between 1 (10) and 1.1 (11).
fn level(id: u32) -> u8 {
    let [_, idc, flags, level] = id.to_be_bytes();
    match (idc, level) {
        (0x42 | 0x4d | 0x58, 11) if flags & CONSTRAINT_SET3 != 0 => LEVEL_1B,
        (0x64.., 9) => LEVEL_1B,
        (_, level) => level.saturating_mul(2),
    }
}

const LEVEL_1B: u8 = 21;
const CONSTRAINT_SET3: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_profiles_apart_by_the_table_of_rfc_6184() {
        let cases = [
            (0x42e01f, Profile::ConstrainedBaseline),
            (0x42c00d, Profile::ConstrainedBaseline),
            (0x4d801f, Profile::ConstrainedBaseline),
            (0x58c01f, Profile::ConstrainedBaseline),
            (0x42001f, Profile::Baseline),
            (0x42a01e, Profile::Baseline),
            (0x4d001f, Profile::Main),
            (0x58001f, Profile::Extended),
            (0x64001f, Profile::High),
            (0x640c1f, Profile::ConstrainedHigh),
            (0xf4001f, Profile::Other(0xf4, 0)),
        ];
        for (id, expected) in cases {
            assert_eq!(profile(id), expected, "{id:06x}");
        }
    }

    #[test]
    fn lowers_the_level_to_what_both_can() {
        assert_eq!(at_common_level(0x42e01f, 0x42c00d), 0x42e00d);
        assert_eq!(at_common_level(0x42e00d, 0x42e01f), 0x42e00d);
        assert_eq!(at_common_level(0x42e01f, 0x42f00b), 0x42f00b);
        assert_eq!(at_common_level(0x42f00b, 0x42e00a), 0x42e00a);
        assert_eq!(at_common_level(0x64001f, 0x640009), 0x640009);
    }

    #[test]
    fn takes_six_hexadecimal_digits_only() {
        assert_eq!(parse("42e01f"), Some(0x42e01f));
        assert_eq!(parse("42E01F"), Some(0x42e01f));
        for text in ["", "42e01", "42e01g", "+2e01f", "042e01f"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
