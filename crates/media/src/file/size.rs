//! What a VP8 frame says of its picture in its header (RFC 6386 §9.1).

/// Whether a VP8 frame is a key frame (RFC 6386 §9.1: the first bit is 0).
pub(crate) fn is_vp8_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Width and height of a VP8 key frame; `None` for any other.
pub(crate) fn vp8_size(frame: &[u8]) -> Option<(u16, u16)> {
    let ([_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1], _) = frame.split_first_chunk::<10>()? else {
        return None;
    };
    // The two high bits of each are a hint for scaling.
    let side = |low: u8, high: u8| u16::from_le_bytes([low, high & 0x3f]);
    let (width, height) = (side(*w0, *w1), side(*h0, *h1));
    (is_vp8_key(frame) && width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_key_frame_tells_its_size() {
        let key = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 0x42, 0xe0, 0x81, 7];
        assert_eq!(vp8_size(&key), Some((640, 480)), "the scaling hints are left out");
        let mut other = key;
        other[0] |= 1;
        assert_eq!(vp8_size(&other), None);
        assert_eq!(vp8_size(&key[..9]), None);
    }

    #[test]
    fn no_bytes_make_it_fail_otherwise_than_by_saying_so() {
        for len in 0..12 {
            let zeros = vec![0; len];
            assert_eq!((vp8_size(&zeros), is_vp8_key(&zeros)), (None, len > 0));
        }
    }
}
