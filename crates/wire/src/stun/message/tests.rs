//! STUN messages: the vectors of RFC 5769, what is refused, and stability.

use proptest::prelude::*;

use super::*;
use crate::stun::attribute::Family;

const REQUEST: &[u8] = include_bytes!("../../../../../vectors/stun/rfc5769-request.bin");
const RESPONSE_IPV4: &[u8] = include_bytes!("../../../../../vectors/stun/rfc5769-response-ipv4.bin");
const RESPONSE_IPV6: &[u8] = include_bytes!("../../../../../vectors/stun/rfc5769-response-ipv6.bin");
const LONG_TERM: &[u8] = include_bytes!("../../../../../vectors/stun/rfc5769-request-long-term.bin");
const ID: TransactionId = TransactionId(*b"transaction!");

#[test]
fn reads_the_sample_request_of_rfc_5769() {
    let message = Message::parse(REQUEST).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert_eq!(message.username(), Some("evtj:h6vY"));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert!(message.has_fingerprint());
    assert!(message.attributes().any(|found| found == Attribute::Software("STUN test client")));
    assert!(message.attributes().any(|found| found == Attribute::IceControlled(0x932f_f9b1_5126_3b36)));
    let integrity = message.integrity().unwrap();
    assert_eq!(integrity.mac()[..4], [0x9a, 0xea, 0xa7, 0x0c]);
    assert_eq!(integrity.parts()[0][2..4], [0, 0x50]);
    assert_eq!(integrity.parts()[1].len(), REQUEST.len() - HEADER - INTEGRITY - FINGERPRINT);
}

#[test]
fn reads_the_mapped_addresses_of_rfc_5769() {
    let ipv4 = Message::parse(RESPONSE_IPV4).unwrap();
    assert_eq!(ipv4.class(), Class::Success);
    assert_eq!(ipv4.mapped_address(), Some("192.0.2.1:32853".parse().unwrap()));
    let ipv6 = Message::parse(RESPONSE_IPV6).unwrap();
    let address = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
    assert_eq!(ipv6.mapped_address(), Some(address));
}

#[test]
fn reads_the_long_term_request_of_rfc_5769() {
    let message = Message::parse(LONG_TERM).unwrap();
    assert_eq!(message.username(), Some("マトリックス"));
    assert!(message.attributes().any(|found| found == Attribute::Realm("example.org")));
    assert!(message.attributes().any(|found| found == Attribute::Nonce("f//499k954d6OL34oL9FSTvy64sA")));
    assert!(message.integrity().is_some() && !message.has_fingerprint());
}

#[test]
fn writes_every_attribute_so_that_it_reads_the_same() {
    let attributes = [
        Attribute::MappedAddress("192.0.2.9:9".parse().unwrap()),
        Attribute::XorMappedAddress("[2001:db8::1]:65535".parse().unwrap()),
        Attribute::Username("a:b"),
        Attribute::UserHash(&[7; 32]),
        Attribute::ErrorCode(ErrorCode::ROLE_CONFLICT, ErrorCode::ROLE_CONFLICT.reason()),
        Attribute::Realm("realm"),
        Attribute::Nonce("nonce"),
        Attribute::PasswordAlgorithms(&[0, 2, 0, 0]),
        Attribute::PasswordAlgorithm(&[0, 2, 0, 0]),
        Attribute::UnknownAttributes(&[0, 3, 0, 4]),
        Attribute::Software("peerless"),
        Attribute::AlternateServer("192.0.2.1:3478".parse().unwrap()),
        Attribute::AlternateDomain("example.org"),
        Attribute::Priority(u32::MAX),
        Attribute::UseCandidate,
        Attribute::IceControlled(1),
        Attribute::IceControlling(u64::MAX),
        Attribute::Nomination(7),
        Attribute::ChannelNumber(0x4001),
        Attribute::Lifetime(600),
        Attribute::XorPeerAddress("192.0.2.7:7".parse().unwrap()),
        Attribute::Data(b"to the peer"),
        Attribute::XorRelayedAddress("[2001:db8::7]:49152".parse().unwrap()),
        Attribute::RequestedAddressFamily(Family::V6),
        Attribute::RequestedTransport(17),
        Attribute::AdditionalAddressFamily(Family::V6),
        Attribute::AddressErrorCode(Family::V4, ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED),
        Attribute::Unknown(Kind(0x7fff), b"abc"),
    ];
    let mut out = BytesMut::from(&b"before"[..]);
    let mut writer = Writer::new(&mut out, Class::Error, Method::new(0xabc).unwrap(), ID);
    attributes.into_iter().for_each(|attribute| writer.attribute(attribute));
    writer.integrity(|covered| {
        assert_eq!(usize::from(u16::from_be_bytes([covered[2], covered[3]])), covered.len() - HEADER + 24);
        [9; 20]
    });
    writer.fingerprint();
    let message = Message::parse(&out[6..]).unwrap();
    assert_eq!((message.class(), message.method().value()), (Class::Error, 0xabc));
    assert!(message.attributes().take(attributes.len()).eq(attributes));
    assert_eq!(message.integrity().map(|integrity| *integrity.mac()), Some([9; 20]));
    assert_eq!(message.error_code(), Some(ErrorCode::ROLE_CONFLICT));
    assert!(message.has_use_candidate() && message.has_fingerprint());
    assert_eq!(message.nomination(), Some(7));
    assert!(message.unknown_required().eq([Kind(0x7fff)]));
}

#[test]
fn finds_what_the_integrity_with_sha256_covers() {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, ID);
    writer.attribute(Attribute::RequestedTransport(17));
    let mut covered = Vec::new();
    writer.integrity_sha256(|bytes| {
        covered.extend_from_slice(bytes);
        [3; 32]
    });
    writer.fingerprint();
    let message = Message::parse(&out).unwrap();
    let integrity = message.integrity_sha256().unwrap();
    assert_eq!(integrity.parts().concat(), covered);
    assert_eq!((integrity.mac(), message.integrity()), (&[3; 32][..], None));
}

#[test]
fn refuses_attributes_of_turn_with_the_wrong_form() {
    let short = [Kind::CHANNEL_NUMBER, Kind::LIFETIME, Kind::XOR_PEER_ADDRESS, Kind::XOR_RELAYED_ADDRESS];
    let kinds = short.into_iter().chain([Kind::REQUESTED_ADDRESS_FAMILY, Kind::REQUESTED_TRANSPORT]);
    for kind in kinds {
        let mut out = BytesMut::new();
        Writer::new(&mut out, Class::Request, Method::ALLOCATE, ID)
            .attribute(Attribute::Unknown(kind, &[9, 9]));
        assert_eq!(Message::parse(&out).map(|_| ()), Err(Error::Attribute(kind.0)));
    }
}

#[test]
fn ignores_what_follows_the_integrity() {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Class::Request, Method::BINDING, ID);
    writer.integrity(|_| [0; 20]);
    writer.attribute(Attribute::UseCandidate);
    writer.attribute(Attribute::Unknown(Kind::PRIORITY, b"too long"));
    let message = Message::parse(&out).unwrap();
    assert!(!message.has_use_candidate());
    assert_eq!(message.attributes().count(), 1);
}

#[test]
fn an_optional_attribute_of_the_wrong_form_does_no_harm() {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Class::Request, Method::BINDING, ID);
    writer.attribute(Attribute::Unknown(Kind::SOFTWARE, &[0xff]));
    let message = Message::parse(&out).unwrap();
    assert!(message.attributes().eq([Attribute::Unknown(Kind::SOFTWARE, &[0xff])]));
    assert_eq!(message.unknown_required().count(), 0);
}

#[test]
fn refuses_what_is_no_message() {
    let with = |at: usize, byte: u8| {
        let mut bytes = REQUEST.to_vec();
        bytes[at] = byte;
        bytes
    };
    let parse = |bytes: &[u8]| Message::parse(bytes).map(|_| ()).unwrap_err();
    assert!(matches!(parse(&REQUEST[..19]), Error::Truncated(_)));
    assert_eq!(parse(&with(0, 0x40)), Error::NotStun);
    assert_eq!(parse(&with(4, 0)), Error::NotStun);
    assert_eq!(parse(&with(3, 0x54)), Error::Length { stated: 0x54, actual: 0x58 });
    assert_eq!(parse(&with(30, b'!')), Error::Fingerprint);
    assert_eq!(parse(&with(43, 5)), Error::Attribute(0x0024));
    let trailing = [&REQUEST[..2], &[0, 0x5c], &REQUEST[4..], &[0x80, 0, 0, 0]].concat();
    assert!(matches!(parse(&trailing), Error::Fingerprint | Error::AfterFingerprint));
    let mut length_beyond_the_end = REQUEST[..HEADER].to_vec();
    length_beyond_the_end[3] = 4;
    length_beyond_the_end.extend([0x80, 0x22, 0, 200]);
    assert!(matches!(parse(&length_beyond_the_end), Error::Truncated(_)));
}

#[test]
fn says_in_one_line_what_a_message_is() {
    let text = Message::parse(REQUEST).unwrap().to_string();
    assert!(
        text.starts_with("binding request b7e7a701bc34d686fa87dfae software=\"STUN test client\" priority=")
    );
    assert!(text.ends_with("controlled username=\"evtj:h6vY\" integrity fingerprint"));
}

proptest! {
    #[test]
    fn any_bytes_give_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::parse(&bytes);
    }

    #[test]
    fn a_damaged_message_is_read_safely_and_written_stably(
        which in 0_usize..4,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep_fingerprint in any::<bool>(),
    ) {
        let mut bytes = [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6, LONG_TERM][which].to_vec();
        if which < 3 && !keep_fingerprint {
            bytes.truncate(bytes.len() - FINGERPRINT);
            bytes[3] -= FINGERPRINT as u8;
        }
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = Message::parse(&bytes) {
            let mut once = BytesMut::new();
            message.write(&mut once);
            let again = Message::parse(&once).unwrap();
            prop_assert!(message.attributes().filter(|found| found.kind() != Kind::FINGERPRINT)
                .eq(again.attributes().filter(|found| found.kind() != Kind::FINGERPRINT)));
            let mut twice = BytesMut::new();
            again.write(&mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
