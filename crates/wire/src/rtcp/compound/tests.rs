//! Behaviour of RTCP packets and compounds of them.

use proptest::prelude::*;

use super::*;
use crate::rtcp::feedback::FirRequest;
use crate::rtcp::report::ReportBlock;
use crate::rtcp::sdes::{SdesChunk, SdesItem, SdesKind};
use crate::rtcp::xr::{DlrrBlock, XrBlock};
use crate::rtp::SequenceNumber;

fn block(number: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(number),
        fraction_lost: 64,
        lost: -3,
        highest_sequence: 0x0001_0203,
        jitter: 90,
        last_report: 0xaabb_ccdd,
        delay_since_last_report: 65_536,
    }
}

fn sender_report(blocks: u32) -> Packet {
    Packet::SenderReport(SenderReport {
        ssrc: Ssrc(0x0102_0304),
        ntp: 0x1122_3344_5566_7788,
        rtp_timestamp: 90_000,
        packets: 12,
        octets: 3456,
        blocks: (0..blocks).map(block).collect(),
        extension: vec![1, 2, 3, 4],
    })
}

/// One packet of each kind.
fn all() -> Vec<Packet> {
    let text = |kind, text: &str| SdesItem { kind, value: text.into() };
    vec![
        sender_report(2),
        Packet::ReceiverReport(ReceiverReport {
            ssrc: Ssrc(9),
            blocks: (0..31).map(block).collect(),
            extension: vec![],
        }),
        Packet::SourceDescription(SourceDescription {
            chunks: vec![
                SdesChunk {
                    ssrc: Ssrc(1),
                    items: vec![text(SdesKind::Cname, "me@here"), text(SdesKind::Mid, "0")],
                },
                SdesChunk { ssrc: Ssrc(2), items: vec![] },
                SdesChunk { ssrc: Ssrc(3), items: vec![text(SdesKind::Other(6), "tool")] },
            ],
        }),
        Packet::Goodbye(Goodbye { ssrcs: vec![Ssrc(1), Ssrc(2)], reason: Some(b"tired".to_vec()) }),
        Packet::Goodbye(Goodbye { ssrcs: vec![Ssrc(1)], reason: None }),
        Packet::Nack(Nack::new(Ssrc(1), Ssrc(2), [5, 6, 21, 22, 65_535, 0].map(SequenceNumber))),
        Packet::PictureLoss(PictureLoss { sender: Ssrc(1), media: Ssrc(2) }),
        Packet::FullIntraRequest(FullIntraRequest {
            sender: Ssrc(1),
            media: Ssrc(0),
            requests: vec![
                FirRequest { ssrc: Ssrc(2), sequence: 255 },
                FirRequest { ssrc: Ssrc(3), sequence: 0 },
            ],
        }),
        Packet::Remb(Remb { sender: Ssrc(1), bitrate: 261_120_000, ssrcs: vec![Ssrc(2), Ssrc(3)] }),
        Packet::ExtendedReport(ExtendedReport {
            ssrc: Ssrc(1),
            blocks: vec![
                XrBlock::ReceiverReferenceTime(0x1122_3344_5566_7788),
                XrBlock::Dlrr(vec![DlrrBlock { ssrc: Ssrc(2), last_report: 7, delay_since_last_report: 8 }]),
                XrBlock::Other { kind: 42, specific: 1, contents: vec![1, 2, 3, 4] },
            ],
        }),
        Packet::Unknown { packet_type: 204, count: 3, body: b"\0\0\0\x01nameDATA".to_vec() },
        Packet::Unknown { packet_type: 206, count: 15, body: b"\0\0\0\x01\0\0\0\x02LOSS".to_vec() },
    ]
}

fn written(packets: &[Packet]) -> BytesMut {
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| packet.write(&mut out));
    out
}

fn read(bytes: &[u8]) -> Vec<Result<Packet, Error>> {
    parse_compound(bytes).collect()
}

#[test]
fn every_kind_goes_there_and_back_in_one_compound() {
    let bytes = written(&all());
    assert_eq!(read(&bytes), all().into_iter().map(Ok).collect::<Vec<_>>());
    assert_eq!(check_compound(&bytes, false), Ok(()));
}

#[test]
fn a_sender_report_has_the_bytes_of_the_rfc() {
    let bytes = written(&[sender_report(1)]);
    let expected = [
        0x81, 200, 0, 13, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 1, 0x5f, 0x90, 0, 0,
        0, 12, 0, 0, 0x0d, 0x80, 0, 0, 0, 0, 64, 0xff, 0xff, 0xfd, 0, 1, 2, 3, 0, 0, 0, 90, 0xaa, 0xbb, 0xcc,
        0xdd, 0, 1, 0, 0, 1, 2, 3, 4,
    ];
    assert_eq!(bytes, expected.as_slice());
}

#[test]
fn a_nack_packs_as_many_numbers_as_it_can() {
    let nack = Nack::new(Ssrc(1), Ssrc(2), [10, 11, 26, 27, 27, 65_535, 3].map(SequenceNumber));
    let pairs: Vec<_> = nack.pairs.iter().map(|pair| (pair.first.0, pair.following)).collect();
    assert_eq!(pairs, [(10, 0x8001), (27, 0), (65_535, 0x0008)]);
    let lost: Vec<_> = nack.lost().map(|number| number.0).collect();
    assert_eq!(lost, [10, 11, 26, 27, 65_535, 3]);
}

#[test]
fn a_bitrate_keeps_its_upper_18_bits() {
    for (bitrate, travelled) in [(0, 0), (262_143, 262_143), (262_145, 262_144), (u64::MAX, 0x3_ffff << 46)] {
        let bytes = written(&[Packet::Remb(Remb { sender: Ssrc(1), bitrate, ssrcs: vec![] })]);
        let expected = Packet::Remb(Remb { sender: Ssrc(1), bitrate: travelled, ssrcs: vec![] });
        assert_eq!(read(&bytes), [Ok(expected)]);
    }
}

#[test]
fn losses_are_cut_to_24_bits() {
    for (lost, travelled) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (-1, -1)] {
        let report = |lost| ReceiverReport {
            ssrc: Ssrc(1),
            blocks: vec![ReportBlock { lost, ..block(1) }],
            extension: vec![],
        };
        let bytes = written(&[Packet::ReceiverReport(report(lost))]);
        assert_eq!(read(&bytes), [Ok(Packet::ReceiverReport(report(travelled)))]);
    }
}

#[test]
fn reports_hold_at_most_31_blocks() {
    let bytes = written(&[sender_report(40)]);
    let packets = read(&bytes);
    assert!(matches!(&packets[..], [Ok(Packet::SenderReport(report))] if report.blocks.len() == 31));
}

#[test]
fn a_cname_is_found_by_its_source() {
    let description = SourceDescription::of_cname([Ssrc(1), Ssrc(2)], "peer");
    assert_eq!(description.cname(Ssrc(2)).as_deref(), Some("peer"));
    assert_eq!(description.cname(Ssrc(3)), None);
}

#[test]
fn a_bad_body_does_not_hide_the_packets_after_it() {
    let mut bytes = written(&[sender_report(0)]);
    bytes[0] |= 5;
    Packet::PictureLoss(PictureLoss { sender: Ssrc(1), media: Ssrc(2) }).write(&mut bytes);
    let packets = read(&bytes);
    assert!(matches!(packets[..], [Err(Error::Truncated(_)), Ok(Packet::PictureLoss(_))]), "{packets:?}");
}

#[test]
fn nothing_is_read_beyond_a_bad_header() {
    let good = written(&[sender_report(0)]);
    for tail in [&[0x40, 201, 0, 0, 0x80, 201, 0, 0][..], &[0x80, 201, 0, 9], &[0x80, 201, 0]] {
        let bytes = [&good, tail].concat();
        assert!(check_compound(&bytes, false).is_err());
        assert!(matches!(read(&bytes)[..], [Ok(_), Err(_)]), "{tail:?}");
    }
}

#[test]
fn a_full_compound_starts_with_a_report() {
    let bytes = written(&[Packet::PictureLoss(PictureLoss { sender: Ssrc(1), media: Ssrc(2) })]);
    assert_eq!(check_compound(&bytes, false), Err(Error::NoReport(206)));
    assert_eq!(check_compound(&bytes, true), Ok(()));
    assert!(matches!(check_compound(&[], true), Err(Error::Truncated(_))));
}

#[test]
fn only_the_last_packet_is_padded() {
    let padded = [0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    assert_eq!(check_compound(&padded, false), Ok(()));
    let report = ReceiverReport { ssrc: Ssrc(1), blocks: vec![], extension: vec![] };
    assert_eq!(read(&padded), [Ok(Packet::ReceiverReport(report))]);
    assert_eq!(check_compound(&[padded, padded].concat(), false), Err(Error::EarlyPadding));
}

#[test]
fn refuses_hostile_packets() {
    let table: [(&str, &[u8]); 16] = [
        ("version 0", &[0x00, 201, 0, 1, 0, 0, 0, 1]),
        ("version 1", &[0x40, 201, 0, 1, 0, 0, 0, 1]),
        ("length beyond the end", &[0x80, 201, 0xff, 0xff, 0, 0, 0, 1]),
        ("no ssrc", &[0x80, 201, 0, 0]),
        ("31 blocks in none", &[0x9f, 201, 0, 1, 0, 0, 0, 1]),
        ("a sender report cut off", &[0x80, 200, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("padding of 0", &[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("padding beyond the packet", &[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9]),
        ("padding in no body", &[0xa0, 201, 0, 0]),
        ("a chunk without end", &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, b'a', b'b']),
        ("an item beyond the end", &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, b'a', 0]),
        ("a goodbye to more than there are", &[0x83, 203, 0, 1, 0, 0, 0, 1]),
        ("a reason beyond the end", &[0x81, 203, 0, 2, 0, 0, 0, 1, 9, b'a', b'b', b'c']),
        ("feedback without media source", &[0x81, 206, 0, 1, 0, 0, 0, 1]),
        ("a REMB for more than there are", b"\x8f\xce\0\x04\0\0\0\x01\0\0\0\0REMB\xff\0\0\x01"),
        ("an XR block beyond the end", &[0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0, 2]),
    ];
    for (name, bytes) in table {
        let packets = read(bytes);
        assert!(matches!(packets[..], [Err(_)]), "{name}: {packets:?}");
    }
}

#[test]
fn a_bitrate_beyond_64_bits_is_refused() {
    let bytes = b"\x8f\xce\0\x04\0\0\0\x01\0\0\0\0REMB\0\xff\xff\xff";
    assert_eq!(read(bytes), [Err(Error::Field("REMB exponent"))]);
}

#[test]
fn a_known_report_block_of_wrong_length_is_kept_as_it_came() {
    let bytes = [0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 1, 2, 3, 4];
    let block = XrBlock::Other { kind: 4, specific: 0, contents: vec![1, 2, 3, 4] };
    let report = Packet::ExtendedReport(ExtendedReport { ssrc: Ssrc(1), blocks: vec![block] });
    assert_eq!(read(&bytes), [Ok(report.clone())]);
    assert_eq!(written(&[report]), bytes.as_slice());
}

#[test]
fn a_chunk_may_end_with_the_packet() {
    // Some leave out the zeros that fill the last word and pad instead.
    let bytes = [0xa1, 202, 0, 3, 0, 0, 0, 1, 1, 1, b'a', 0, 0, 0, 0, 4];
    assert!(matches!(read(&bytes)[..], [Ok(Packet::SourceDescription(_))]));
}

#[test]
fn a_summary_says_what_a_packet_says() {
    let lines: Vec<_> = all().iter().map(Packet::summary).collect();
    assert_eq!(
        lines[0],
        "SR ssrc=16909060 packets=12 octets=3456 rtp=90000 ntp=0x1122334455667788 \
         [media=0 lost=25.0% total=-3 highest=66051 jitter=90] [media=1 lost=25.0% total=-3 highest=66051 jitter=90]"
    );
    assert_eq!(lines[2], "SDES ssrc=1 Cname=\"me@here\" Mid=\"0\" ssrc=2 ssrc=3 Other(6)=\"tool\"");
    assert_eq!(lines[3], "BYE ssrc=1 ssrc=2 reason=\"tired\"");
    assert_eq!(lines[5], "NACK ssrc=1 media=2 lost=5,6,21,22,65535,0");
    assert_eq!(lines[6], "PLI ssrc=1 media=2");
    assert_eq!(lines[7], "FIR ssrc=1 media=2 number=255 media=3 number=0");
    assert_eq!(lines[8], "REMB ssrc=1 bitrate=261120000 for=2,3");
    assert_eq!(
        lines[9],
        "XR ssrc=1 [RRTR ntp=0x1122334455667788] [DLRR ssrc=2 lrr=0x7 delay=0ms] [block 42, 4 bytes]"
    );
    assert_eq!(lines[10], "RTCP type=204 count=3 bytes=12");
}

#[test]
fn a_summary_of_many_losses_is_short() {
    let nack = Nack::new(Ssrc(1), Ssrc(2), (0..100).map(SequenceNumber));
    assert!(Packet::Nack(nack).summary().ends_with("14,15 and 84 more"));
}

/// Bytes that look like RTCP: right versions, likely types, lengths that mostly fit.
fn any_compound() -> impl Strategy<Value = Vec<u8>> {
    let packet = (any::<u8>(), 200_u8..208, proptest::collection::vec(any::<[u8; 4]>(), 0..12), 0_u8..20);
    proptest::collection::vec(packet, 0..5).prop_map(|packets| {
        let mut bytes = Vec::new();
        for (first, packet_type, words, astray) in packets {
            let len = words.len() as u8 + u8::from(astray == 0);
            bytes.extend_from_slice(&[first & 0x3f | 0x80, packet_type, 0, len]);
            bytes.extend(words.concat());
        }
        bytes
    })
}

proptest! {
    #[test]
    fn what_was_written_once_is_written_the_same_again(bytes in any_compound()) {
        let packets: Vec<_> = parse_compound(&bytes).flatten().collect();
        let once = written(&packets);
        let again: Vec<_> = parse_compound(&once).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(written(&again), once);
        packets.iter().for_each(|packet| drop(packet.summary()));
    }

    #[test]
    fn any_bytes_give_packets_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let packets = read(&bytes);
        prop_assert!(packets.len() <= bytes.len() / 4 + 1);
        if check_compound(&bytes, true).is_ok() {
            let headers = packets.iter().filter(|packet| !matches!(packet, Err(Error::Version(_) | Error::Padding { .. })));
            prop_assert_eq!(headers.count(), packets.len());
        }
    }

    #[test]
    fn all_lost_numbers_are_told(lost in proptest::collection::vec(1_u16..40, 0..100), start: u16) {
        let numbers: Vec<_> = lost.iter().scan(SequenceNumber(start), |at, step| {
            *at = at.plus(*step);
            Some(*at)
        }).collect();
        let nack = Nack::new(Ssrc(1), Ssrc(2), numbers.iter().copied());
        prop_assert_eq!(nack.lost().collect::<Vec<_>>(), numbers);
    }
}
