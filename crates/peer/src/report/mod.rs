//! getStats (webrtc-pc §8, webrtc-stats): what a peer counts, typed and as the W3C's JSON. `counters` tells the same by
//! transceiver, with what the standard has no words for.
//!
//! Dictionaries are written out member by member instead of by serde: the names must be compared with the IDL also where
//! a member is absent, and the peer needs no parser, no more crates, and no second way to read what it writes.

pub mod words;
mod value;
mod rtp;
mod media;
mod path;
mod connection;
mod object;
mod ids;
mod base64;
mod moment;
mod streams;
mod paths;
mod gather;
pub mod counters;

pub use connection::{DataChannelStats, PeerConnectionStats};
pub(crate) use gather::Sources;
pub use gather::StatsSelector;
pub use media::{AudioPlayoutStats, AudioSourceStats, VideoSourceStats};
pub use object::{Statistics, StatsObject, StatsReport};
pub use path::{CertificateStats, IceCandidatePairStats, IceCandidateStats, TransportStats};
pub use rtp::{
    CodecStats, InboundRtpStreamStats, OutboundRtpStreamStats, RemoteInboundRtpStreamStats,
    RemoteOutboundRtpStreamStats,
};
pub use value::{Members, Nullable, Record, Value};
pub use words::{CandidatePairState, CandidateType, DtlsRole, StatsType};
