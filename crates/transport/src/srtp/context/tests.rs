//! How contexts behave over many packets: roll-over, replay, forgeries, bounds.

use bytes::{BufMut, BytesMut};
use peerless_wire::rtp::Ssrc;

use super::*;
use crate::srtp::streams::LIMIT;

fn master(profile: Profile) -> MasterKey {
    let (key, salt) = ([7; 32], [9; 14]);
    MasterKey::new(profile, &key[..profile.key_length()], &salt[..profile.salt_length()]).unwrap()
}

fn pair(profile: Profile) -> (SendContext, ReceiveContext) {
    (SendContext::new(&master(profile)).unwrap(), ReceiveContext::new(&master(profile)).unwrap())
}

fn rtp(ssrc: u32, sequence: u16) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_slice(&[0x90, 96]);
    packet.put_u16(sequence);
    packet.put_u32(0);
    packet.put_u32(ssrc);
    packet.put_slice(&[0xbe, 0xde, 0, 1, 0x10, 1, 0, 0]);
    packet.put_slice(b"payload of some length");
    packet
}

fn rtcp(ssrc: u32) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_slice(&[0x80, 201, 0, 3]);
    packet.put_u32(ssrc);
    packet.put_slice(b"8 bytes.");
    packet
}

fn protected(sender: &mut SendContext, ssrc: u32, sequence: u16) -> BytesMut {
    let mut packet = rtp(ssrc, sequence);
    sender.protect_rtp(&mut packet, 0).unwrap();
    packet
}

#[test]
fn opens_what_was_protected_behind_other_bytes_of_the_buffer() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut buffer = BytesMut::from(&b"before"[..]);
        buffer.extend_from_slice(&rtp(1, 5));
        sender.protect_rtp(&mut buffer, 6).unwrap();
        let mut packet = buffer.split_off(6);
        assert_eq!(buffer, b"before"[..]);
        assert_eq!(packet.len(), rtp(1, 5).len() + profile.rtp_overhead());
        assert_ne!(packet[20..30], rtp(1, 5)[20..30]);
        receiver.unprotect_rtp(&mut packet).unwrap();
        assert_eq!(packet, rtp(1, 5));
        let mut packet = rtcp(1);
        sender.protect_rtcp(&mut packet, 0).unwrap();
        assert_eq!(packet.len(), rtcp(1).len() + profile.rtcp_overhead());
        receiver.unprotect_rtcp(&mut packet).unwrap();
        assert_eq!(packet, rtcp(1));
    }
}

#[test]
fn follows_the_roll_over_counter_through_loss_and_reorder() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut packets: Vec<BytesMut> =
            (0..200_000).step_by(100).map(|number: u32| protected(&mut sender, 1, number as u16)).collect();
        packets.chunks_mut(3).for_each(<[BytesMut]>::reverse);
        for mut packet in packets {
            receiver.unprotect_rtp(&mut packet).unwrap();
        }
    }
}

#[test]
fn takes_packets_out_of_order_around_the_wrap() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut packets: Vec<BytesMut> =
            [65_000, 65_534, 65_535, 0, 1].map(|sequence| protected(&mut sender, 1, sequence)).into();
        for place in [0, 3, 1, 4, 2] {
            receiver.unprotect_rtp(&mut packets[place]).unwrap();
        }
    }
}

#[test]
fn drops_replayed_packets() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protected(&mut sender, 1, 5);
        receiver.unprotect_rtp(&mut packet.clone()).unwrap();
        let error = receiver.unprotect_rtp(&mut packet.clone()).unwrap_err();
        assert_eq!(error, Error::Replayed { ssrc: Ssrc(1), index: 5 });
        let mut report = rtcp(1);
        sender.protect_rtcp(&mut report, 0).unwrap();
        receiver.unprotect_rtcp(&mut report.clone()).unwrap();
        let error = receiver.unprotect_rtcp(&mut report.clone()).unwrap_err();
        assert_eq!(error, Error::Replayed { ssrc: Ssrc(1), index: 0 });
    }
}

#[test]
fn drops_packets_with_any_bit_changed_and_remembers_nothing_of_them() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protected(&mut sender, 1, 5);
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtp(&mut forged).is_err(), "{profile}, bit {bit}");
        }
        assert!(receiver.rtp_streams.find(Ssrc(1)).is_none());
        receiver.unprotect_rtp(&mut packet.clone()).unwrap();
        let mut report = rtcp(1);
        sender.protect_rtcp(&mut report, 0).unwrap();
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut forged).is_err(), "{profile}, bit {bit}");
        }
        receiver.unprotect_rtcp(&mut report).unwrap();
    }
}

#[test]
fn drops_packets_cut_short_anywhere() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protected(&mut sender, 1, 5);
        let mut report = rtcp(1);
        sender.protect_rtcp(&mut report, 0).unwrap();
        for length in 0..packet.len() {
            assert!(receiver.unprotect_rtp(&mut BytesMut::from(&packet[..length])).is_err());
        }
        for length in 0..report.len() {
            assert!(receiver.unprotect_rtcp(&mut BytesMut::from(&report[..length])).is_err());
        }
    }
}

#[test]
fn keeps_account_of_a_bounded_number_of_streams() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let limit = LIMIT as u32;
    let mut packets: Vec<BytesMut> = (0..limit).map(|ssrc| protected(&mut sender, ssrc, 1)).collect();
    packets.iter_mut().for_each(|packet| receiver.unprotect_rtp(packet).unwrap());
    let error = sender.protect_rtp(&mut rtp(limit, 1), 0).unwrap_err();
    assert_eq!(error, Error::TooManyStreams { limit: LIMIT });
    let (mut other_sender, _) = pair(Profile::AeadAes128Gcm);
    let error = receiver.unprotect_rtp(&mut protected(&mut other_sender, limit, 1)).unwrap_err();
    assert_eq!(error, Error::TooManyStreams { limit: LIMIT });
    receiver.unprotect_rtp(&mut protected(&mut sender, 3, 2)).unwrap();
}

#[test]
fn refuses_to_use_an_index_twice_where_that_would_betray_the_key() {
    for profile in [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm] {
        let (mut sender, _) = pair(profile);
        protected(&mut sender, 1, 5);
        let error = sender.protect_rtp(&mut rtp(1, 5), 0).unwrap_err();
        assert_eq!(error, Error::Reused { ssrc: Ssrc(1), index: 5 });
    }
    let (mut sender, _) = pair(Profile::Aes128CmHmacSha1_80);
    assert_eq!(protected(&mut sender, 1, 5), protected(&mut sender, 1, 5));
}

#[test]
fn stops_when_the_indices_are_used_up() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    sender.rtp_streams.insert(Ssrc(1), Window::with(RTP_INDICES - 2)).unwrap();
    protected(&mut sender, 1, 65_535);
    assert_eq!(sender.protect_rtp(&mut rtp(1, 0), 0), Err(Error::KeyExhausted));
    sender.rtcp_streams.insert(Ssrc(1), RTCP_INDICES - 1).unwrap();
    sender.protect_rtcp(&mut rtcp(1), 0).unwrap();
    assert_eq!(sender.protect_rtcp(&mut rtcp(1), 0), Err(Error::KeyExhausted));
}

#[test]
fn refuses_to_protect_what_is_no_packet() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    assert_eq!(sender.protect_rtp(&mut BytesMut::new(), 7), Err(Error::Malformed));
    assert_eq!(sender.protect_rtcp(&mut BytesMut::from(&[0x80; 7][..]), 0), Err(Error::Malformed));
}
