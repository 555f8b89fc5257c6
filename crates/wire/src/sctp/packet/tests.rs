//! Packets of all chunks: written and read again, and what is broken is refused.

use proptest::prelude::*;

use super::*;
use crate::cursor::Truncated;
use crate::sctp::cause::Cause;
use crate::sctp::control::{Abort, Errors, Heartbeat, Shutdown};
use crate::sctp::data::{Data, DataFlags, InterleavedData};
use crate::sctp::forward::{ForwardTsn, InterleavedForwardTsn, SkippedMessage, SkippedStream};
use crate::sctp::init::Init;
use crate::sctp::number::{MessageId, Ppid, RequestNumber, Ssn, StreamId, Tsn};
use crate::sctp::parameter::Parameter;
use crate::sctp::reconfig::{
    AddStreams, IncomingReset, OutgoingReset, Reconfig, ReconfigParameter, ResetResult, Response,
};
use crate::sctp::sack::{GapBlock, Sack};
use crate::sctp::tlv::Unrecognized;

const HEADER: Header = Header { source_port: 5000, destination_port: 5001, tag: Tag(0x0102_0304) };

fn bytes(value: &'static [u8]) -> Bytes {
    Bytes::from_static(value)
}

fn init() -> Init {
    let parameters = vec![
        Parameter::SupportedExtensions(bytes(&[130, 192, 64])),
        Parameter::ForwardTsn,
        Parameter::ZeroChecksum(Parameter::DTLS),
        Parameter::CookiePreservative(9),
        Parameter::Unrecognized(bytes(&[0xc0, 9, 0, 4])),
        Parameter::Unknown { kind: 0x8003, value: bytes(&[1]) },
        Parameter::StateCookie(bytes(b"cookie")),
    ];
    let (tag, initial_tsn) = (Tag(7), Tsn(9));
    Init { tag, a_rwnd: 1 << 20, outbound_streams: 3, inbound_streams: 65535, initial_tsn, parameters }
}

fn causes() -> Vec<Cause> {
    vec![
        Cause::InvalidStream(StreamId(3)),
        Cause::MissingParameters(vec![7, 8, 9]),
        Cause::StaleCookie(77),
        Cause::OutOfResource,
        Cause::UnrecognizedChunk(bytes(&[200, 0, 0, 4])),
        Cause::InvalidMandatoryParameter,
        Cause::UnrecognizedParameters(bytes(&[0xc0, 9, 0, 5, 1])),
        Cause::NoUserData(Tsn(12)),
        Cause::CookieWhileShuttingDown,
        Cause::Restart(bytes(&[])),
        Cause::UserInitiated(bytes(b"bye")),
        Cause::ProtocolViolation(bytes(b"no")),
        Cause::Unknown { code: 5, value: bytes(&[1, 2]) },
    ]
}

fn reconfig() -> Reconfig {
    let (request, streams) = (RequestNumber(1), vec![StreamId(2), StreamId(65534), StreamId(1)]);
    let outgoing =
        OutgoingReset { request, response: RequestNumber(2), last_tsn: Tsn(3), streams: streams.clone() };
    let next_tsns = Some((Tsn(1), Tsn(2)));
    let parameters = vec![
        ReconfigParameter::OutgoingReset(outgoing),
        ReconfigParameter::IncomingReset(IncomingReset { request, streams }),
        ReconfigParameter::AssociationReset(request),
        ReconfigParameter::Response(Response { request, result: ResetResult::InProgress, next_tsns: None }),
        ReconfigParameter::Response(Response { request, result: ResetResult::Unknown(99), next_tsns }),
        ReconfigParameter::AddOutgoing(AddStreams { request, count: 3 }),
        ReconfigParameter::AddIncoming(AddStreams { request, count: 4 }),
        ReconfigParameter::Unknown { kind: 77, value: bytes(&[5]) },
    ];
    Reconfig { parameters }
}

fn data() -> Data {
    let flags = DataFlags { immediate: true, unordered: false, beginning: true, end: true };
    let (tsn, stream, ssn, ppid) = (Tsn(0x0a0b_0c0d), StreamId(1), Ssn(2), Ppid::BINARY);
    Data { tsn, stream, ssn, ppid, flags, payload: bytes(b"hello") }
}

fn interleaved(beginning: bool) -> InterleavedData {
    let flags = DataFlags { beginning, unordered: true, ..DataFlags::default() };
    let (ppid, fragment) = if beginning { (Ppid::STRING, 0) } else { (Ppid(0), 5) };
    let (tsn, stream, message) = (Tsn(1), StreamId(1), MessageId(2));
    InterleavedData { tsn, stream, message, ppid, fragment, flags, payload: bytes(b"part") }
}

/// One of each.
fn chunks() -> Vec<Chunk> {
    let skipped = vec![SkippedStream { stream: StreamId(1), ssn: Ssn(2) }];
    let message = SkippedMessage { stream: StreamId(1), unordered: true, message: MessageId(9) };
    let blocks = [GapBlock { start: 2, end: 3 }, GapBlock { start: 5, end: 5 }];
    vec![
        Chunk::Data(data()),
        Chunk::InterleavedData(interleaved(true)),
        Chunk::InterleavedData(interleaved(false)),
        Chunk::Init(init()),
        Chunk::InitAck(init()),
        Chunk::Sack(Sack::new(Tsn(5), 1000, &blocks, &[Tsn(3), Tsn(3)])),
        Chunk::Heartbeat(Heartbeat { info: bytes(b"there?") }),
        Chunk::HeartbeatAck(Heartbeat { info: bytes(b"there") }),
        Chunk::Abort(Abort { reflected: true, causes: causes() }),
        Chunk::Error(Errors { causes: causes() }),
        Chunk::Shutdown(Shutdown { cumulative: Tsn(4) }),
        Chunk::ShutdownAck,
        Chunk::CookieEcho(bytes(b"cookie!")),
        Chunk::CookieAck,
        Chunk::ShutdownComplete { reflected: true },
        Chunk::ShutdownComplete { reflected: false },
        Chunk::Reconfig(reconfig()),
        Chunk::Padding(30),
        Chunk::ForwardTsn(ForwardTsn { cumulative: Tsn(8), skipped }),
        Chunk::InterleavedForwardTsn(InterleavedForwardTsn { cumulative: Tsn(8), skipped: vec![message] }),
        Chunk::Unknown { kind: 0xc1, flags: 3, value: bytes(&[1, 2, 3]) },
    ]
}

fn packet(chunks: &[Chunk], checksum: Checksum) -> BytesMut {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, HEADER);
    chunks.iter().for_each(|chunk| writer.chunk(chunk));
    let len = writer.finish(checksum);
    assert_eq!((len, len % 4), (out.len(), 0));
    out
}

fn read(chunk: &[u8]) -> Result<Chunk, Error> {
    Chunk::take(&mut Bytes::copy_from_slice(chunk))
}

#[test]
fn every_chunk_comes_back_as_it_was_written() {
    for checksum in [Checksum::Crc32c, Checksum::Zero] {
        let bytes = packet(&chunks(), checksum).freeze();
        let packet = Packet::parse(bytes, checksum).expect("a packet");
        assert_eq!((packet.header, packet.has_zero_checksum), (HEADER, checksum == Checksum::Zero));
        let read: Vec<Chunk> = packet.chunks.collect::<Result<_, _>>().expect("chunks");
        assert_eq!(read, chunks());
    }
}

#[test]
fn data_stands_in_a_packet_as_the_rfc_draws_it() {
    let bytes = packet(&[Chunk::Data(data())], Checksum::Zero);
    #[rustfmt::skip]
    let drawn = [
        0x13, 0x88, 0x13, 0x89, 1, 2, 3, 4, 0, 0, 0, 0,
        0, 0b1011, 0, 21, 0x0a, 0x0b, 0x0c, 0x0d, 0, 1, 0, 2, 0, 0, 0, 53,
        b'h', b'e', b'l', b'l', b'o', 0, 0, 0,
    ];
    assert_eq!(bytes, &drawn[..]);
    let again = packet(&[Chunk::InterleavedData(interleaved(false))], Checksum::Zero);
    #[rustfmt::skip]
    let drawn = [64, 0b0100, 0, 24, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, b'p', b'a', b'r', b't'];
    assert_eq!(again[Header::LEN..], drawn);
}

#[test]
fn a_flipped_bit_is_a_wrong_checksum() {
    let bytes = packet(&[Chunk::Data(data())], Checksum::Crc32c);
    for checksum in [Checksum::Crc32c, Checksum::Zero] {
        assert!(Packet::parse(bytes.clone().freeze(), checksum).is_ok());
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Packet::parse(broken.freeze(), checksum), Err(Error::Checksum));
        }
    }
    let zero = packet(&[Chunk::Data(data())], Checksum::Zero).freeze();
    assert_eq!(Packet::parse(zero, Checksum::Crc32c), Err(Error::Checksum));
}

#[test]
fn lengths_that_cannot_be_are_errors_and_end_the_packet() {
    for len in 0..4 {
        assert_eq!(read(&[0, 3, 0, len, 0, 0, 0, 0]), Err(Error::Length(len.into())));
    }
    assert_eq!(read(&[0, 3, 0, 9, 1, 2, 3, 4]), Err(Truncated { needed: 9, left: 8 }.into()));
    assert_eq!(read(&[0, 3]), Err(Truncated { needed: 2, left: 0 }.into()));
    let mut out = packet(&[Chunk::CookieAck], Checksum::Zero);
    out.extend_from_slice(&[0, 3, 0, 0, 11, 0, 0, 4]);
    let mut chunks = Packet::parse(out.freeze(), Checksum::Zero).expect("a packet").chunks;
    assert_eq!(chunks.next(), Some(Ok(Chunk::CookieAck)));
    assert_eq!(chunks.next(), Some(Err(Error::Length(0))));
    assert_eq!(chunks.next(), None);
}

#[test]
fn counts_that_are_overstated_are_errors() {
    let sack = |blocks: u8, duplicates: u8| {
        read(&[3, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 2, 0, blocks, 0, duplicates, 0, 2, 0, 3, 0, 0, 0, 9])
    };
    assert!(sack(1, 1).is_ok() && sack(2, 0).is_ok() && sack(0, 2).is_ok());
    for (blocks, duplicates) in [(2, 1), (1, 2), (3, 0), (0, 255), (255, 255)] {
        assert!(matches!(sack(blocks, duplicates), Err(Error::Truncated(_))));
    }
    let missing = [9, 0, 0, 16, 0, 2, 0, 12, 0xff, 0xff, 0xff, 0xff, 0, 7, 0, 8];
    assert!(matches!(read(&missing), Err(Error::Truncated(_))));
    let parameter = [130, 0, 0, 12, 0, 16, 0, 99, 0, 0, 0, 1];
    assert!(matches!(read(&parameter), Err(Error::Truncated(_))));
    let forward = [192, 0, 0, 10, 0, 0, 0, 1, 0, 1, 0, 0];
    assert!(matches!(read(&forward), Err(Error::Truncated(_))), "half an entry");
}

#[test]
fn padding_that_is_missing_at_the_end_is_not_missed() {
    let mut out = packet(&[Chunk::Data(data())], Checksum::Zero);
    out.truncate(out.len() - 3);
    let packet = Packet::parse(out.freeze(), Checksum::Zero).expect("a packet");
    assert_eq!(packet.chunks.collect::<Result<Vec<_>, _>>(), Ok(vec![Chunk::Data(data())]));
}

#[test]
fn a_packet_needs_a_header_and_a_chunk() {
    assert_eq!(Packet::parse(packet(&[], Checksum::Crc32c).freeze(), Checksum::Crc32c), Err(Error::Empty));
    for len in 0..Header::LEN {
        let short = Bytes::from(vec![0; len]);
        assert!(matches!(Packet::parse(short, Checksum::Zero), Err(Error::Truncated(_))));
    }
}

#[test]
fn the_type_of_what_is_unknown_says_what_to_do() {
    let rule = |stops, is_reported| Unrecognized { stops, is_reported };
    assert_eq!(Unrecognized::chunk(0x3f), rule(true, false));
    assert_eq!(Unrecognized::chunk(0x7f), rule(true, true));
    assert_eq!(Unrecognized::chunk(0xbf), rule(false, false));
    assert_eq!(Unrecognized::chunk(0xff), rule(false, true));
    assert_eq!(Unrecognized::parameter(0x4000), rule(true, true));
    let unknown = Chunk::Unknown { kind: 0xc1, flags: 0, value: Bytes::new() };
    assert_eq!((unknown.unrecognized(), Chunk::CookieAck.unrecognized()), (Some(rule(false, true)), None));
    let random = Parameter::Unknown { kind: 0x8002, value: Bytes::new() };
    assert_eq!((random.unrecognized(), Parameter::ForwardTsn.unrecognized()), (None, None));
}

#[test]
fn an_init_tells_its_cookie_and_extensions() {
    let init = init();
    assert_eq!(init.cookie(), Some(&bytes(b"cookie")));
    assert_eq!(init.zero_checksum(), Some(Parameter::DTLS));
    assert!([130, 192, 64].iter().all(|kind| init.has_extension(*kind)));
    assert!(!init.has_extension(194));
}

#[test]
fn more_gaps_than_a_chunk_can_tell_are_cut() {
    let mut out = BytesMut::new();
    let blocks = (0..20_000).map(|_| GapBlock { start: 2, end: 2 });
    Sack::write_parts(&mut out, Tsn(1), 0, blocks, [].into_iter());
    let Ok(Chunk::Sack(sack)) = Chunk::take(&mut out.freeze()) else { panic!("a sack") };
    assert_eq!(sack.gap_blocks().len(), 8000);
}

fn some_chunk() -> impl Strategy<Value = Vec<u8>> {
    let kind =
        prop::sample::select(vec![0_u8, 64, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 130, 132, 192, 194, 200]);
    let inner = (0_u8..20, 0_u8..30).prop_map(|(kind, len)| vec![0, kind, 0, len]);
    let word = prop_oneof![any::<[u8; 4]>().prop_map(|word| word.to_vec()), inner];
    (kind, any::<u8>(), proptest::collection::vec(word, 0..12), -2_i32..3).prop_map(
        |(kind, flags, words, off)| {
            let value = words.concat();
            let len = (value.len() as i32 + 4 + off).max(0) as u16;
            [&[kind, flags][..], &len.to_be_bytes(), &value].concat()
        },
    )
}

/// Header with a zero checksum, then these chunks.
fn written(chunks: &[Chunk]) -> BytesMut {
    packet(chunks, Checksum::Zero)
}

fn stays_the_same(packet: Vec<u8>) {
    let Ok(packet) = Packet::parse(packet.into(), Checksum::Zero) else { return };
    let chunks: Vec<Chunk> = packet.chunks.map_while(Result::ok).collect();
    if chunks.is_empty() {
        return;
    }
    let once = written(&chunks);
    let again = Packet::parse(once.clone().freeze(), Checksum::Zero).expect("what was written is a packet");
    let again: Vec<Chunk> = again.chunks.collect::<Result<_, _>>().expect("of chunks");
    assert_eq!(again, chunks);
    assert_eq!(written(&again), once);
}

proptest! {
    #[test]
    fn any_bytes_give_chunks_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Packet::parse(bytes.clone().into(), Checksum::Crc32c);
        stays_the_same([&[0; Header::LEN][..], &bytes].concat());
    }

    #[test]
    fn what_looks_like_chunks_is_written_as_it_was_read(chunks in proptest::collection::vec(some_chunk(), 1..6)) {
        stays_the_same([&[0; Header::LEN][..], &chunks.concat()].concat());
    }
}
