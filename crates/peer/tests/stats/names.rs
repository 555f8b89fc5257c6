//! Our dictionaries have the members of the IDL, in its order, and our words are its words.

use peerless_peer::figures::QualityLimitationReason;
use peerless_peer::report::{
    AudioPlayoutStats, AudioSourceStats, CandidatePairState, CertificateStats, CodecStats, DataChannelStats,
    DtlsRole, IceCandidatePairStats, IceCandidateStats, InboundRtpStreamStats, OutboundRtpStreamStats,
    PeerConnectionStats, RemoteInboundRtpStreamStats, RemoteOutboundRtpStreamStats, StatsType,
    TransportStats, VideoSourceStats,
};

use crate::idl;

#[test]
fn every_dictionary_has_the_members_of_the_idl_and_no_other() {
    let ours: [(&str, &[&str]); 14] = [
        ("RTCCodecStats", CodecStats::MEMBERS),
        ("RTCInboundRtpStreamStats", InboundRtpStreamStats::MEMBERS),
        ("RTCOutboundRtpStreamStats", OutboundRtpStreamStats::MEMBERS),
        ("RTCRemoteInboundRtpStreamStats", RemoteInboundRtpStreamStats::MEMBERS),
        ("RTCRemoteOutboundRtpStreamStats", RemoteOutboundRtpStreamStats::MEMBERS),
        ("RTCAudioSourceStats", AudioSourceStats::MEMBERS),
        ("RTCVideoSourceStats", VideoSourceStats::MEMBERS),
        ("RTCAudioPlayoutStats", AudioPlayoutStats::MEMBERS),
        ("RTCPeerConnectionStats", PeerConnectionStats::MEMBERS),
        ("RTCDataChannelStats", DataChannelStats::MEMBERS),
        ("RTCTransportStats", TransportStats::MEMBERS),
        ("RTCIceCandidateStats", IceCandidateStats::MEMBERS),
        ("RTCIceCandidatePairStats", IceCandidatePairStats::MEMBERS),
        ("RTCCertificateStats", CertificateStats::MEMBERS),
    ];
    let mut count = 0;
    for (name, members) in ours {
        let wanted: Vec<_> = idl::members(name).into_iter().map(|member| member.name).collect();
        assert_eq!(members, wanted, "{name}");
        count += members.len();
    }
    let dictionaries: std::collections::BTreeSet<_> =
        idl::DICTIONARIES.iter().map(|(_, name)| *name).collect();
    assert_eq!(dictionaries, ours.iter().map(|(name, _)| *name).collect());
    println!("{count} members in {} dictionaries", ours.len());
    assert!(count > 200, "the IDL was read");
}

#[test]
fn every_enumeration_has_the_words_of_the_idl() {
    let read = |name: &str, known: fn(&str) -> bool| {
        let words = idl::words(name);
        assert!(words.len() > 2 && words.iter().all(|word| known(word)), "{name}: {words:?}");
    };
    read("RTCStatsType", |word| StatsType::from_word(word).is_some());
    read("RTCQualityLimitationReason", |word| QualityLimitationReason::from_word(word).is_some());
    read("RTCDtlsRole", |word| DtlsRole::from_word(word).is_some());
    read("RTCStatsIceCandidatePairState", |word| CandidatePairState::from_word(word).is_some());
}
