//! The checksum of a packet: CRC32c over the whole of it with the field as zeros (RFC 9260 §6.8, appendix A), or zero
//! where both ends agreed that the layer below checks better (RFC 9653).

/// What stands in the checksum field of a packet that is written, or may stand there in one that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// The CRC32c (RFC 9260 §6.8), nothing else.
    #[default]
    Crc32c,
    /// Written: zero. Read: zero is taken for right, anything else must be the CRC32c (RFC 9653 §5.2).
    Zero,
}

/// Where the field starts in the packet.
pub(crate) const OFFSET: usize = 8;
/// How long the field is.
pub(crate) const LEN: usize = 4;

/// The four bytes of the field for `packet`, whatever its field holds now. A packet too short to have one gives the
/// CRC of what is there.
pub fn crc32c_of(packet: &[u8]) -> [u8; LEN] {
    let (front, rest) = packet.split_at_checked(OFFSET).unwrap_or((packet, &[]));
    let behind = rest.split_at_checked(LEN).map_or(&[][..], |(_, behind)| behind);
    let front = crc32c::crc32c_append(crc32c::crc32c(front), &[0; LEN]);
    crc32c::crc32c_append(front, behind).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_that_of_rfc_3720() {
        // RFC 3720 §B.4, as RFC 9260 appendix A uses the same CRC.
        assert_eq!(crc32c::crc32c(&[0; 32]).to_le_bytes(), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(crc32c::crc32c(&[0xff; 32]).to_le_bytes(), [0x43, 0xab, 0xa8, 0x62]);
    }

    #[test]
    fn what_the_field_holds_does_not_matter() {
        let mut packet = [7; 40];
        let before = crc32c_of(&packet);
        packet[OFFSET..OFFSET + LEN].fill(0);
        assert_eq!(crc32c_of(&packet), before);
        assert_eq!(crc32c::crc32c(&packet).to_le_bytes(), before);
    }
}
