//! The vectors of RFC 3711 appendix B and RFC 7714 §16 and §17.

use super::*;

const RFC_3711: &str = include_str!("../../../../../vectors/srtp/rfc3711.txt");
const RFC_7714: &str = include_str!("../../../../../vectors/srtp/rfc7714.txt");

fn vector(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == name));
    let digits: Vec<u8> = line.unwrap().1.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).unwrap();
    digits.chunks(2).map(|pair| u8::from_str_radix(&text(pair), 16).unwrap()).collect()
}

fn packet(name: &str) -> BytesMut {
    BytesMut::from(&vector(RFC_7714, name)[..])
}

fn galois(bits: u16) -> Cipher {
    let key = vector(RFC_7714, &format!("key {bits}"));
    Cipher::Galois { cipher: Gcm::new(&key).unwrap(), salt: vector(RFC_7714, "salt").try_into().unwrap() }
}

fn appendix_b_3() -> MasterKey {
    let (key, salt) = (vector(RFC_3711, "master key"), vector(RFC_3711, "master salt"));
    MasterKey::new(Profile::Aes128CmHmacSha1_80, &key, &salt).unwrap()
}

#[test]
fn makes_the_key_stream_of_rfc_3711_appendix_b_2() {
    let cipher = Ctr::new(&vector(RFC_3711, "session key")).unwrap();
    let salt: [u8; 14] = vector(RFC_3711, "session salt").try_into().unwrap();
    let mut stream = [0; 48];
    cipher.apply(initial_counter(&salt, Ssrc(0), 0), &mut stream).unwrap();
    assert_eq!(stream[..], vector(RFC_3711, "key stream"));
}

#[test]
fn derives_the_keys_of_rfc_3711_appendix_b_3() {
    for (label, name) in [
        (Label::RtpEncryption, "cipher key"),
        (Label::RtpSalt, "cipher salt"),
        (Label::RtpAuthentication, "authentication key"),
    ] {
        let expected = vector(RFC_3711, name);
        let mut derived = vec![0; expected.len()];
        derive(&appendix_b_3(), label, &mut derived).unwrap();
        assert_eq!(derived, expected, "{name}");
    }
}

#[test]
fn protects_a_whole_packet_as_others_do_with_counter_mode() {
    let cipher = Cipher::new(&appendix_b_3(), Use::Rtp).unwrap();
    let plain = vector(RFC_3711, "plain packet");
    let mut packet = BytesMut::from(&plain[..]);
    cipher.seal_rtp(&mut packet, 0, 12, Ssrc(0xcafebabe), 0x1234).unwrap();
    assert_eq!(packet[..], vector(RFC_3711, "protected packet"));
    cipher.open_rtp(&mut packet, 12, Ssrc(0xcafebabe), 0x1234).unwrap();
    assert_eq!(packet[..], plain);
}

#[test]
fn protects_and_opens_the_srtp_packets_of_rfc_7714_section_16() {
    for bits in [128, 256] {
        let (cipher, ssrc) = (galois(bits), Ssrc(0x5501a0b2));
        let mut sealed = packet("rtp");
        cipher.seal_rtp(&mut sealed, 0, 12, ssrc, 0xf17b).unwrap();
        assert_eq!(sealed, packet(&format!("srtp {bits}")));
        cipher.open_rtp(&mut sealed, 12, ssrc, 0xf17b).unwrap();
        assert_eq!(sealed, packet("rtp"));
    }
}

#[test]
fn protects_and_opens_the_srtcp_packets_of_rfc_7714_section_17() {
    for bits in [128, 256] {
        let (cipher, ssrc) = (galois(bits), Ssrc(0x4d617273));
        let mut sealed = packet("rtcp");
        cipher.seal_rtcp(&mut sealed, 0, ssrc, 0x5d4).unwrap();
        assert_eq!(sealed, packet(&format!("srtcp {bits}")));
        let word = cipher.rtcp_word(&sealed).unwrap();
        assert_eq!(rtcp_index(word), 0x5d4);
        cipher.open_rtcp(&mut sealed, ssrc, word).unwrap();
        assert_eq!(sealed, packet("rtcp"));
    }
}

#[test]
fn opens_the_tagged_only_srtcp_packets_of_rfc_7714_section_17() {
    for bits in [128, 256] {
        let (cipher, mut tagged) = (galois(bits), packet(&format!("srtcp {bits} tagged")));
        let word = cipher.rtcp_word(&tagged).unwrap();
        cipher.open_rtcp(&mut tagged, Ssrc(0x4d617273), word).unwrap();
        assert_eq!(tagged, packet("rtcp"));
    }
}
