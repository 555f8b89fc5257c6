//! Message authentication codes: HMAC-SHA1 of STUN (RFC 8489 §14.5), HMAC-SHA256 of SCTP's state cookies (RFC 9260 §5.1.3).

use aws_lc_rs::hmac::{self, Algorithm, Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key};

/// HMAC-SHA1 under `key` of all `parts`, one after the other.
pub fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = [0; 20];
    for (out, byte) in mac.iter_mut().zip(sign(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, parts).as_ref()) {
        *out = *byte;
    }
    mac
}

/// Whether `mac` is the HMAC-SHA1 under `key` of all `parts`. Takes the same time wherever the first difference is.
pub fn is_hmac_sha1(key: &[u8], parts: &[&[u8]], mac: &[u8; 20]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(
        sign(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, parts).as_ref(),
        mac,
    )
    .is_ok()
}

/// HMAC-SHA256 under `key` of `bytes`.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = [0; 32];
    for (out, byte) in mac.iter_mut().zip(sign(HMAC_SHA256, key, &[bytes]).as_ref()) {
        *out = *byte;
    }
    mac
}

/// Whether `mac` is the HMAC-SHA256 under `key` of `bytes`. Takes the same time wherever the first difference is.
pub fn is_hmac_sha256(key: &[u8], bytes: &[u8], mac: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(&hmac_sha256(key, bytes), mac).is_ok()
}

/// Whether `mac`, which may be cut short to 16 bytes or more (RFC 8489 §14.6), is the HMAC-SHA256 under `key` of all `parts`.
pub fn is_hmac_sha256_of(key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
    let whole = sign(HMAC_SHA256, key, parts);
    let wanted = whole.as_ref().get(..mac.len()).filter(|wanted| wanted.len() >= SHORTEST_SHA256);
    wanted.is_some_and(|wanted| aws_lc_rs::constant_time::verify_slices_are_equal(wanted, mac).is_ok())
}

/// The least bytes that a MESSAGE-INTEGRITY-SHA256 may be cut to.
const SHORTEST_SHA256: usize = 16;

fn sign(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = Context::with_key(&Key::new(algorithm, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

#[cfg(test)]
mod tests {
    use peerless_wire::stun::Message;

    use super::*;

    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_messages_of_rfc_5769_are_authentic() {
        let long_term_key = 0xe8ca_7ad5_9d5e_b051_8e31_2911_d2da_b2a9_u128.to_be_bytes();
        let vectors: [(&[u8], &[u8]); 4] = [
            (include_bytes!("../../../../vectors/stun/rfc5769-request.bin"), PASSWORD),
            (include_bytes!("../../../../vectors/stun/rfc5769-response-ipv4.bin"), PASSWORD),
            (include_bytes!("../../../../vectors/stun/rfc5769-response-ipv6.bin"), PASSWORD),
            (include_bytes!("../../../../vectors/stun/rfc5769-request-long-term.bin"), &long_term_key),
        ];
        for (bytes, key) in vectors {
            let integrity = Message::parse(bytes).unwrap().integrity().unwrap();
            assert_eq!(hmac_sha1(key, &integrity.parts()), *integrity.mac());
            assert!(is_hmac_sha1(key, &integrity.parts(), integrity.mac()));
            assert!(!is_hmac_sha1(b"wrong", &integrity.parts(), integrity.mac()));
        }
    }
}
