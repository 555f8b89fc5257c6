//! H.264 levels: what a receiver's `profile-level-id` promises to decode (RFC 6184 §8.1, ITU-T H.264 table A-1).

use openh264::encoder::Level as Library;

/// The limits of one level, for the baseline profile.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    /// Ten times the level's number; 9 is level 1b.
    pub number: u8,
    /// Macroblocks (16×16 pixels) per second: MaxMBPS.
    pub macroblocks_per_second: u32,
    /// Macroblocks per picture: MaxFS.
    pub macroblocks: u32,
    /// Kilobits per second: MaxBR.
    pub kilobits_per_second: u32,
    pub(crate) library: Library,
}

impl Level {
    /// From a `profile-level-id`: the highest level that is not above the one it names; level 1 where it names none.
    /// Level 1b is written as 9, or as 11 with constraint_set3_flag (RFC 6184 §8.1).
    pub fn from_profile_level_id(id: u32) -> Self {
        let [_, _, constraints, level] = id.to_be_bytes();
        let wanted = if level == 11 && constraints & 0x10 != 0 { 9 } else { level };
        let mut found = LEVELS[0];
        for level in LEVELS {
            // 1b stands between 1 and 1.1, and is meant only when it is named.
            let named = level.number == wanted;
            if named || (level.number <= wanted && level.number >= 10 && wanted >= 10) {
                found = level;
            }
        }
        found
    }
}

const fn level(number: u8, per_second: u32, macroblocks: u32, kilobits: u32, library: Library) -> Level {
    Level { number, macroblocks_per_second: per_second, macroblocks, kilobits_per_second: kilobits, library }
}

const LEVELS: [Level; 17] = [
    level(10, 1_485, 99, 64, Library::Level_1_0),
    level(9, 1_485, 99, 128, Library::Level_1_B),
    level(11, 3_000, 396, 192, Library::Level_1_1),
    level(12, 6_000, 396, 384, Library::Level_1_2),
    level(13, 11_880, 396, 768, Library::Level_1_3),
    level(20, 11_880, 396, 2_000, Library::Level_2_0),
    level(21, 19_800, 792, 4_000, Library::Level_2_1),
    level(22, 20_250, 1_620, 4_000, Library::Level_2_2),
    level(30, 40_500, 1_620, 10_000, Library::Level_3_0),
    level(31, 108_000, 3_600, 14_000, Library::Level_3_1),
    level(32, 216_000, 5_120, 20_000, Library::Level_3_2),
    level(40, 245_760, 8_192, 20_000, Library::Level_4_0),
    level(41, 245_760, 8_192, 50_000, Library::Level_4_1),
    level(42, 522_240, 8_704, 50_000, Library::Level_4_2),
    level(50, 589_824, 22_080, 135_000, Library::Level_5_0),
    level(51, 983_040, 36_864, 240_000, Library::Level_5_1),
    level(52, 2_073_600, 36_864, 240_000, Library::Level_5_2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_last_byte_and_1b_has_two_spellings() {
        for (id, number) in [
            (0x42e01f, 31),
            (0x42e00b, 11),
            (0x42f00b, 9),
            (0x42e009, 9),
            (0x42e00a, 10),
            (0x42e034, 52),
            (0x42e0ff, 52),
            (0x42e023, 32),
            (0x42e000, 10),
        ] {
            assert_eq!(Level::from_profile_level_id(id).number, number, "{id:06x}");
        }
    }
}
