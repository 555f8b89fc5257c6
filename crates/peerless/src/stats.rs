//! getStats (webrtc-pc §8): what a connection, a sender or a receiver counts, as typed dictionaries of webrtc-stats and as
//! the W3C's JSON.
//!
//! What lies outside of the connection, sources, encoders, decoders and players, reports itself by
//! [`LocalTrack::report_source`], [`LocalTrack::report_encoding`], [`RemoteTrack::report_decoding`] and
//! [`RemoteTrack::report_playout`]; the pumps and plays of `peerless-media` do. Members that depend on it are absent where
//! nobody reports.
//!
//! ```no_run
//! # fn example(connection: &peerless::PeerConnection) {
//! use peerless::stats::Statistics;
//!
//! let report = connection.get_stats();
//! for object in &report {
//!     if let Statistics::OutboundRtp(stream) = &object.statistics {
//!         println!("{}: {:?} packets", object.id, stream.packets_sent);
//!     }
//! }
//! println!("{}", report.to_json());
//! # }
//! ```

use std::time::Instant;

use peerless_peer::id::TransceiverId;
use peerless_peer::peer::Peer;
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;

pub use peerless_peer::figures::{
    Decoded, DecodingReport, EncodingReport, PlayoutReport, QualityLimitationReason, SoundOrigin,
    SoundReport, SourceReport,
};
pub use peerless_peer::report::{
    AudioPlayoutStats, AudioSourceStats, CandidatePairState, CandidateType, CertificateStats, CodecStats,
    DataChannelStats, DtlsRole, IceCandidatePairStats, IceCandidateStats, InboundRtpStreamStats, Members,
    Nullable, OutboundRtpStreamStats, PeerConnectionStats, Record, RemoteInboundRtpStreamStats,
    RemoteOutboundRtpStreamStats, Statistics, StatsObject, StatsReport, StatsSelector, StatsType,
    TransportStats, Value, VideoSourceStats,
};
pub use peerless_peer::state::IceRole;

use crate::connection::PeerConnection;
use crate::error::Error;
use crate::local_track::LocalTrack;
use crate::receiver::Receiver;
use crate::remote_track::RemoteTrack;
use crate::sender::Sender;
use crate::shared::Shared;

impl PeerConnection {
    /// `getStats` (webrtc-pc §8.2): all stats objects at this moment. What it reports of the remote is as old as its
    /// last report.
    pub fn get_stats(&self) -> StatsReport {
        report(self.shared(), StatsSelector::All).unwrap_or_default()
    }
}

impl Sender {
    /// `getStats` (webrtc-pc §5.2): what it sends, and all that this refers to.
    ///
    /// # Errors
    /// `Peer` with `UnknownTransceiver` where the transceiver is gone.
    pub fn get_stats(&self) -> Result<StatsReport, Error> {
        report(&self.shared, StatsSelector::Sender(self.id))
    }
}

impl Receiver {
    /// `getStats` (webrtc-pc §5.3): what it receives, and all that this refers to.
    ///
    /// # Errors
    /// `Peer` with `UnknownTransceiver` where the transceiver is gone.
    pub fn get_stats(&self) -> Result<StatsReport, Error> {
        report(&self.shared, StatsSelector::Receiver(self.id))
    }
}

impl LocalTrack {
    /// Tells what its source gave, to be shown as a media source of all connections that send it.
    pub fn report_source(&self, report: &SourceReport) {
        self.tell(|peer, id| peer.report_source(Instant::now(), id, report));
    }

    /// Tells of a frame that was encoded for it, of the encoding `rid` where there are several.
    pub fn report_encoding(&self, rid: Option<&Rid>, report: &EncodingReport) {
        self.tell(|peer, id| peer.report_encoding(Instant::now(), id, rid, report));
    }

    /// Tells all senders that have the track.
    fn tell(&self, mut of: impl FnMut(&mut Peer, TransceiverId)) {
        let Some(outlets) = self.source.outlets() else { return };
        for outlet in outlets.iter() {
            if let Some(shared) = outlet.connection.upgrade() {
                of(&mut shared.lock_quietly().peer, outlet.transceiver);
            }
        }
    }
}

impl RemoteTrack {
    /// Tells what became of a frame of this track in a decoder. Of several readers one should tell.
    pub fn report_decoding(&self, frame: &Frame, report: &DecodingReport) {
        self.origin.figures().decoded(Instant::now(), frame, report);
    }

    /// Tells what was played of this track. Of several readers one should tell.
    pub fn report_playout(&self, report: PlayoutReport) {
        self.origin.figures().played(report);
    }
}

fn report(shared: &Shared, selector: StatsSelector) -> Result<StatsReport, Error> {
    let mut state = shared.lock_quietly();
    state.hand_in_figures();
    Ok(state.peer.get_stats(Instant::now(), selector)?)
}
