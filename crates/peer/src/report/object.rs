//! Stats objects and the report they make (RTCStatsReport, webrtc-pc §8.4 to §8.6): by id, in JSON, and the part of it
//! that one sender or receiver has to do with.

use std::collections::BTreeSet;

use crate::report::connection::{DataChannelStats, PeerConnectionStats};
use crate::report::media::{AudioPlayoutStats, AudioSourceStats, VideoSourceStats};
use crate::report::path::{CertificateStats, IceCandidatePairStats, IceCandidateStats, TransportStats};
use crate::report::rtp::{
    CodecStats, InboundRtpStreamStats, OutboundRtpStreamStats, RemoteInboundRtpStreamStats,
    RemoteOutboundRtpStreamStats,
};
use crate::report::value::{Field, Members, Value, write_object, write_text};
use crate::report::words::StatsType;

/// RTCStatsReport (webrtc-pc §8.4): the stats objects of one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatsReport {
    objects: Vec<StatsObject>,
}

/// RTCStats (webrtc-pc §8.6): what one monitored object had counted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatsObject {
    /// Names the monitored object for the life of the connection; no other one ever has the same.
    pub id: String,
    /// When it was so: milliseconds since the UNIX epoch. Of what the remote reports, when the report came.
    pub timestamp: f64,
    /// What it had counted.
    pub statistics: Statistics,
}

/// The dictionaries, one for each RTCStatsType (webrtc-stats §6.1); the two kinds of media sources have one each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "a report has few objects, most of them of the large kinds")]
pub enum Statistics {
    /// A codec in use.
    Codec(CodecStats),
    /// A stream that arrives.
    InboundRtp(InboundRtpStreamStats),
    /// A stream that we send.
    OutboundRtp(OutboundRtpStreamStats),
    /// What the remote says of a stream that we send.
    RemoteInboundRtp(RemoteInboundRtpStreamStats),
    /// What the remote says of a stream that it sends.
    RemoteOutboundRtp(RemoteOutboundRtpStreamStats),
    /// A track of sound that a sender has.
    AudioSource(AudioSourceStats),
    /// A track of pictures that a sender has.
    VideoSource(VideoSourceStats),
    /// How a track of sound is played.
    MediaPlayout(AudioPlayoutStats),
    /// The connection.
    PeerConnection(PeerConnectionStats),
    /// A data channel.
    DataChannel(DataChannelStats),
    /// A transport.
    Transport(TransportStats),
    /// A pair of candidates.
    CandidatePair(IceCandidatePairStats),
    /// A candidate of ours.
    LocalCandidate(IceCandidateStats),
    /// A candidate of the remote's.
    RemoteCandidate(IceCandidateStats),
    /// A certificate.
    Certificate(CertificateStats),
}

impl StatsReport {
    pub(crate) fn new(objects: Vec<StatsObject>) -> Self {
        Self { objects }
    }

    /// All objects.
    pub fn iter(&self) -> std::slice::Iter<'_, StatsObject> {
        self.objects.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object with this id.
    pub fn get(&self, id: &str) -> Option<&StatsObject> {
        self.objects.iter().find(|object| object.id == id)
    }

    /// All objects of one type.
    pub fn of_type(&self, of: StatsType) -> impl Iterator<Item = &StatsObject> {
        self.objects.iter().filter(move |object| object.statistics.stats_type() == of)
    }

    /// The report as JSON: ids with their objects, as `JSON.stringify(Object.fromEntries(report))` gives it. Members
    /// that are not there are left out.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (index, object) in self.objects.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_text(&object.id, &mut out);
            out.push(':');
            write_object(&object.members(), &mut out);
        }
        out.push('}');
        out
    }

    /// The stats selection algorithm (webrtc-pc §8.5): these objects, and all that they refer to, directly or not.
    pub(crate) fn select(mut self, roots: impl IntoIterator<Item = String>) -> Self {
        let mut wanted = BTreeSet::new();
        let mut open: Vec<String> = roots.into_iter().collect();
        while let Some(id) = open.pop() {
            if let Some(object) = self.get(&id).filter(|_| !wanted.contains(&id)) {
                open.extend(object.references().map(str::to_owned).collect::<Vec<_>>());
                wanted.insert(id);
            }
        }
        self.objects.retain(|object| wanted.contains(&object.id));
        self
    }
}

impl<'a> IntoIterator for &'a StatsReport {
    type Item = &'a StatsObject;
    type IntoIter = std::slice::Iter<'a, StatsObject>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl StatsObject {
    pub(crate) fn new(id: String, timestamp: f64, statistics: Statistics) -> Self {
        Self { id, timestamp, statistics }
    }

    /// Its type.
    pub fn stats_type(&self) -> StatsType {
        self.statistics.stats_type()
    }

    /// All members of its dictionary by the names of the IDL, those that are not there too.
    pub fn members(&self) -> Members {
        let mut members = vec![
            ("id", self.id.value()),
            ("timestamp", self.timestamp.value()),
            ("type", Value::Text(self.stats_type().as_str().to_owned())),
        ];
        members.extend(self.statistics.members());
        members
    }

    /// One member by its name in the IDL; `None` where the dictionary has none of that name.
    pub fn member(&self, name: &str) -> Option<Value> {
        self.members().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The ids of the objects that it refers to.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        self.statistics.references().into_iter().flatten()
    }
}

impl Statistics {
    /// The type that stands for it.
    pub fn stats_type(&self) -> StatsType {
        match self {
            Self::Codec(_) => StatsType::Codec,
            Self::InboundRtp(_) => StatsType::InboundRtp,
            Self::OutboundRtp(_) => StatsType::OutboundRtp,
            Self::RemoteInboundRtp(_) => StatsType::RemoteInboundRtp,
            Self::RemoteOutboundRtp(_) => StatsType::RemoteOutboundRtp,
            Self::AudioSource(_) | Self::VideoSource(_) => StatsType::MediaSource,
            Self::MediaPlayout(_) => StatsType::MediaPlayout,
            Self::PeerConnection(_) => StatsType::PeerConnection,
            Self::DataChannel(_) => StatsType::DataChannel,
            Self::Transport(_) => StatsType::Transport,
            Self::CandidatePair(_) => StatsType::CandidatePair,
            Self::LocalCandidate(_) => StatsType::LocalCandidate,
            Self::RemoteCandidate(_) => StatsType::RemoteCandidate,
            Self::Certificate(_) => StatsType::Certificate,
        }
    }

    fn members(&self) -> Members {
        match self {
            Self::Codec(stats) => stats.members(),
            Self::InboundRtp(stats) => stats.members(),
            Self::OutboundRtp(stats) => stats.members(),
            Self::RemoteInboundRtp(stats) => stats.members(),
            Self::RemoteOutboundRtp(stats) => stats.members(),
            Self::AudioSource(stats) => stats.members(),
            Self::VideoSource(stats) => stats.members(),
            Self::MediaPlayout(stats) => stats.members(),
            Self::PeerConnection(stats) => stats.members(),
            Self::DataChannel(stats) => stats.members(),
            Self::Transport(stats) => stats.members(),
            Self::CandidatePair(stats) => stats.members(),
            Self::LocalCandidate(stats) | Self::RemoteCandidate(stats) => stats.members(),
            Self::Certificate(stats) => stats.members(),
        }
    }

    /// The members that name another object: those whose names end in `Id` (webrtc-stats §4.1).
    fn references(&self) -> Vec<Option<&str>> {
        match self {
            Self::Codec(stats) => vec![Some(&stats.transport_id)],
            Self::InboundRtp(stats) => vec![
                stats.transport_id.as_deref(),
                stats.codec_id.as_deref(),
                stats.remote_id.as_deref(),
                stats.playout_id.as_deref(),
            ],
            Self::OutboundRtp(stats) => vec![
                stats.transport_id.as_deref(),
                stats.codec_id.as_deref(),
                stats.media_source_id.as_deref(),
                stats.remote_id.as_deref(),
            ],
            Self::RemoteInboundRtp(stats) => {
                vec![stats.transport_id.as_deref(), stats.codec_id.as_deref(), stats.local_id.as_deref()]
            }
            Self::RemoteOutboundRtp(stats) => {
                vec![stats.transport_id.as_deref(), stats.codec_id.as_deref(), stats.local_id.as_deref()]
            }
            Self::Transport(stats) => vec![
                stats.selected_candidate_pair_id.as_deref(),
                stats.local_certificate_id.as_deref(),
                stats.remote_certificate_id.as_deref(),
            ],
            Self::CandidatePair(stats) => vec![
                Some(&stats.transport_id),
                Some(&stats.local_candidate_id),
                Some(&stats.remote_candidate_id),
            ],
            Self::LocalCandidate(stats) | Self::RemoteCandidate(stats) => vec![Some(&stats.transport_id)],
            Self::Certificate(stats) => vec![stats.issuer_certificate_id.as_deref()],
            Self::AudioSource(_)
            | Self::VideoSource(_)
            | Self::MediaPlayout(_)
            | Self::PeerConnection(_)
            | Self::DataChannel(_) => Vec::new(),
        }
    }
}
