//! Behaviour of the payload formats of sound.

use super::*;

fn marker(packetizer: &mut Packetizer, frame: &[u8], timestamp: u32) -> bool {
    let mut markers = Vec::new();
    let frame = Bytes::copy_from_slice(frame);
    packetizer.packetize(&frame, timestamp, 1200, &mut |fragment| markers.push(fragment.marker)).unwrap();
    assert_eq!(markers.len(), 1);
    markers[0]
}

#[test]
fn a_frame_is_one_packet_of_the_same_bytes() {
    let frame = Bytes::from_static(&[0xfc, 1, 2, 3]);
    let mut fragments = Vec::new();
    let mut packetizer = Packetizer::new(Format::Opus);
    packetizer.packetize(&frame, 0, 4, &mut |fragment| fragments.push(fragment)).unwrap();
    assert_eq!(fragments, [Fragment { prefix: Prefix::new(), body: frame.clone(), marker: true }]);
    assert_eq!(assemble(Format::Opus, &mut [frame.clone()].iter()), Ok(frame));
}

#[test]
fn marks_the_first_packet_and_the_first_after_silence() {
    let mut opus = Packetizer::new(Format::Opus);
    let frame = [0xfc, 1];
    let start = u32::MAX - 500;
    assert!(marker(&mut opus, &frame, start));
    assert!(!marker(&mut opus, &frame, start.wrapping_add(960)));
    assert!(marker(&mut opus, &frame, start.wrapping_add(960 + 19_200)));
    let mut pcmu = Packetizer::new(Format::Pcmu);
    assert!(marker(&mut pcmu, &[0; 160], 0));
    assert!(!marker(&mut pcmu, &[0; 80], 160));
    assert!(!marker(&mut pcmu, &[0; 160], 240));
    assert!(marker(&mut pcmu, &[0; 160], 640));
    let mut linear = Packetizer::new(Format::L16);
    assert!(marker(&mut linear, &[0; 160], 0));
    assert!(!marker(&mut linear, &[0; 160], 4000));
}

#[test]
fn knows_how_long_opus_packets_are() {
    let table: [(&str, &[u8], Option<u32>); 9] = [
        ("SILK 10 ms", &[0 << 3], Some(480)),
        ("SILK 60 ms", &[11 << 3], Some(2880)),
        ("hybrid 20 ms", &[13 << 3], Some(960)),
        ("hybrid 10 ms", &[14 << 3], Some(480)),
        ("CELT 2.5 ms", &[16 << 3], Some(120)),
        ("CELT 20 ms twice", &[31 << 3 | 1], Some(1920)),
        ("CELT 5 ms, 4 of them", &[17 << 3 | 3, 4], Some(960)),
        ("a count that is not there", &[17 << 3 | 3], None),
        ("nothing", &[], None),
    ];
    for (name, packet, ticks) in table {
        assert_eq!(opus_duration(packet), ticks, "{name}");
    }
}

#[test]
fn refuses_what_cannot_be_a_packet() {
    let mut sink = |_: Fragment| panic!("no packet should come of it");
    let mut packetizer = Packetizer::new(Format::L16);
    let frame = Bytes::from_static(&[1, 2, 3]);
    assert_eq!(packetizer.packetize(&frame, 0, 1200, &mut sink), Err(Error::BrokenSample { len: 3 }));
    assert_eq!(packetizer.packetize(&Bytes::new(), 0, 1200, &mut sink), Err(Error::Empty));
    let large = packetizer.packetize(&frame.slice(..2), 0, 1, &mut sink);
    assert_eq!(large, Err(Error::TooLarge { len: 2, limit: 1 }));
}

#[test]
fn refuses_payloads_that_are_no_frame() {
    let one = Bytes::from_static(&[1, 2, 3]);
    assert_eq!(inspect(Format::Pcmu, &[]), Err(Error::Empty));
    assert_eq!(inspect(Format::L16, &one), Err(Error::BrokenSample { len: 3 }));
    assert_eq!(assemble(Format::Pcma, &mut [].iter()), Err(Error::Empty));
    assert_eq!(assemble(Format::G722, &mut [one.clone(), one].iter()), Err(Error::MorePackets));
}
