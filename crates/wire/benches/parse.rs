//! How fast packets are read and written: RTP with the extensions of a video stream, a compound RTCP of five, SCTP packets
//! of data and of a SACK.

use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use peerless_wire::rtcp::{
    Nack, Packet as Rtcp, PictureLoss, ReportBlock, SenderReport, SourceDescription, TransportFeedback,
    parse_compound,
};
use peerless_wire::rtp::{
    ExtensionKind, ExtensionMap, Extensions, Header, Packet, SequenceNumber, ShortText, Ssrc,
};
use peerless_wire::sctp::{
    Checksum, Data, DataFlags, GapBlock, Header as SctpHeader, Packet as SctpPacket, Ppid, Sack, Ssn,
    StreamId, Tag, Tsn, Writer,
};

fn map() -> ExtensionMap {
    let kinds = [ExtensionKind::Mid, ExtensionKind::AbsSendTime, ExtensionKind::TransportSequence];
    ExtensionMap::from_iter((1..).zip(kinds))
}

/// A packet of a video stream as libwebrtc sends it: 12 bytes, three extensions, 1100 bytes of payload.
fn packet() -> Packet {
    let (header, _) = Header::parse(&[0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]).expect("a header");
    let extensions = Extensions {
        mid: ShortText::new("0"),
        abs_send_time: Some(0x12_3456),
        transport_sequence: Some(7),
        ..Extensions::default()
    };
    Packet { header: Header { extensions, ..header }, payload: Bytes::from(vec![7; 1100]), padding: 0 }
}

fn rtp(criterion: &mut Criterion) {
    let (map, packet) = (map(), packet());
    let mut out = BytesMut::with_capacity(1 << 16);
    packet.write(&map, &mut out);
    let datagram = out.split().freeze();
    let mut group = criterion.benchmark_group("rtp");
    group.throughput(Throughput::Elements(1));
    let bare = Header { extensions: Extensions::default(), ..packet.header.clone() };
    let plain = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9];
    // What a reader takes is given back, not the header: moving 180 bytes would be most of the time.
    let read =
        |datagram: &[u8]| Header::parse(datagram).map(|(header, len)| (header.ssrc, header.sequence, len));
    group.bench_function("read a header of 12 bytes", |bench| {
        bench.iter(|| read(black_box(&plain)));
    });
    group.bench_function("read a header with extensions", |bench| {
        bench.iter(|| read(black_box(&datagram)));
    });
    group.bench_function("read a packet and its three extensions", |bench| {
        bench.iter(|| {
            let packet = Packet::parse(black_box(datagram.clone()), &map).expect("a packet");
            (packet.header.sequence, packet.header.extensions.transport_sequence, packet.payload)
        });
    });
    group.bench_function("write a header of 12 bytes", |bench| {
        bench.iter(|| {
            out.clear();
            black_box(&bare).write(&map, &mut out);
        });
    });
    group.bench_function("write a header with three extensions", |bench| {
        bench.iter(|| {
            out.clear();
            black_box(&packet.header).write(&map, &mut out);
        });
    });
    group.finish();
}

/// Sender report with one block, CNAME, NACK, picture loss, transport feedback of 50 packets.
fn compound() -> BytesMut {
    let block = ReportBlock {
        ssrc: Ssrc(2),
        fraction_lost: 3,
        lost: 40,
        highest_sequence: 0x1_0203,
        jitter: 90,
        last_report: 5,
        delay_since_last_report: 6,
    };
    let (ssrc, ntp, rtp_timestamp, packets, octets) = (Ssrc(1), 0x1122_3344_5566_7788, 90_000, 12, 3456);
    let blocks = vec![block];
    let report = SenderReport { ssrc, ntp, rtp_timestamp, packets, octets, blocks, extension: vec![] };
    let arrivals: Vec<_> =
        (0..50).filter(|n| n % 9 != 4).map(|n| (n, Duration::from_micros(n * 1300))).collect();
    let feedback = TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 0, &arrivals, 1200);
    let mut out = BytesMut::new();
    report.write(&mut out);
    SourceDescription::of_cname([Ssrc(1)], "b1946ac92492d234").write(&mut out);
    Nack::new(Ssrc(1), Ssrc(2), [5, 6, 9, 40].map(SequenceNumber)).write(&mut out);
    PictureLoss { sender: Ssrc(1), media: Ssrc(2) }.write(&mut out);
    feedback.expect("there are arrivals").0.write(&mut out);
    out
}

fn rtcp(criterion: &mut Criterion) {
    let datagram = compound();
    let packets: Vec<Rtcp> = parse_compound(&datagram).collect::<Result<_, _>>().expect("packets");
    assert_eq!(packets.len(), 5);
    let mut out = BytesMut::with_capacity(4096);
    let mut group = criterion.benchmark_group("rtcp");
    group.throughput(Throughput::Elements(1));
    group.bench_function("read a compound of five", |bench| {
        bench.iter(|| parse_compound(black_box(&datagram)).filter(Result::is_ok).count());
    });
    group.bench_function("write a compound of five", |bench| {
        bench.iter(|| {
            out.clear();
            black_box(&packets).iter().for_each(|packet| packet.write(&mut out));
        });
    });
    group.finish();
}

fn write_data(data: &Data, checksum: Checksum, out: &mut BytesMut) {
    let mut writer = Writer::new(out, SctpHeader { source_port: 5000, destination_port: 5000, tag: Tag(1) });
    data.write(writer.out());
    writer.finish(checksum);
}

fn write_sack(out: &mut BytesMut) {
    let mut writer = Writer::new(out, SctpHeader { source_port: 5000, destination_port: 5000, tag: Tag(1) });
    let blocks = [2, 11, 20, 29, 38, 47, 56, 65].map(|start| GapBlock { start, end: start + 3 });
    Sack::write_parts(writer.out(), Tsn(1), 1 << 20, blocks.into_iter(), [].into_iter());
    writer.finish(Checksum::Crc32c);
}

fn sctp(criterion: &mut Criterion) {
    let flags = DataFlags { beginning: true, end: true, ..DataFlags::default() };
    let (tsn, stream, ssn, ppid, payload) =
        (Tsn(1), StreamId(2), Ssn(3), Ppid::BINARY, Bytes::from(vec![7; 1144]));
    let data = Data { tsn, stream, ssn, ppid, flags, payload };
    let mut out = BytesMut::with_capacity(1 << 16);
    let mut group = criterion.benchmark_group("sctp");
    group.throughput(Throughput::Elements(1));
    let read = |packet: &Bytes, checksum| {
        SctpPacket::parse(packet.clone(), checksum).map(|packet| packet.chunks.count())
    };
    for (name, checksum) in [("without a checksum", Checksum::Zero), ("with its checksum", Checksum::Crc32c)]
    {
        out.clear();
        write_data(&data, checksum, &mut out);
        let packet = out.split().freeze();
        out.reserve(1 << 16);
        group.bench_function(format!("read a packet of data {name}"), |bench| {
            bench.iter(|| read(black_box(&packet), checksum));
        });
        group.bench_function(format!("write a packet of data {name}"), |bench| {
            bench.iter(|| {
                out.clear();
                write_data(black_box(&data), checksum, &mut out);
            });
        });
    }
    out.clear();
    write_sack(&mut out);
    let packet = out.split().freeze();
    group.bench_function("read a SACK of eight gap blocks", |bench| {
        bench.iter(|| read(black_box(&packet), Checksum::Crc32c));
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rtp(&mut criterion);
    rtcp(&mut criterion);
    sctp(&mut criterion);
    criterion.final_summary();
}
