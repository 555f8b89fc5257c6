//! getStats (webrtc-pc §8.2), and what is reported to a peer to be shown in it.

use std::time::Instant;

use peerless_transport::datagram::Transmit;
use peerless_wire::rtp::Rid;

use crate::error::Error;
use crate::figures::{EncodingReport, ReceiveFigures, SourceReport};
use crate::id::TransceiverId;
use crate::peer::Peer;
use crate::report::{Sources, StatsReport, StatsSelector};

impl Peer {
    /// `getStats` (webrtc-pc §8.2), on the connection as on a sender or a receiver. It is made anew with each call, of
    /// what there is at this moment; after `close` too.
    ///
    /// # Errors
    /// `UnknownTransceiver` where the selector names none of this connection.
    pub fn get_stats(&self, now: Instant, selector: StatsSelector) -> Result<StatsReport, Error> {
        let sources = Sources {
            now,
            epoch: self.config.epoch,
            engine: &self.engine,
            negotiation: &self.negotiation,
            certificate: &self.certificate,
        };
        sources.report(selector)
    }

    /// Tells what the source of a sender's track gave (RTCMediaSourceStats). Nothing without such a track.
    pub fn report_source(&mut self, now: Instant, id: TransceiverId, report: &SourceReport) {
        let transceiver = self.engine.transceivers.find(id).filter(|one| one.sender.track.is_some());
        let Some(attachment) = transceiver.map(|transceiver| transceiver.sender.attachment) else { return };
        let figures = self.engine.figures.sending.entry(id).or_default();
        figures.source(now, attachment).add(now, report);
    }

    /// Tells of a frame that the encoder of a sender gave, of the encoding `rid` where there are several
    /// (RTCOutboundRtpStreamStats). Nothing without such a sender.
    pub fn report_encoding(
        &mut self,
        now: Instant,
        id: TransceiverId,
        rid: Option<&Rid>,
        report: &EncodingReport,
    ) {
        if self.engine.transceivers.find(id).is_some() {
            self.engine.figures.sending.entry(id).or_default().encoded(now, rid, report);
        }
    }

    /// Tells that the system would not send what `poll_transmit` gave (`packetsDiscardedOnSend`).
    pub fn count_discarded(&mut self, transmit: &Transmit) {
        self.engine.links.iter_mut().for_each(|link| link.transport.ice_mut().count_discarded(transmit));
    }

    /// Hands in all that was decoded and played so far of what a receiver gave (RTCInboundRtpStreamStats,
    /// RTCAudioPlayoutStats). Nothing without such a receiver.
    pub fn set_receive_figures(&mut self, id: TransceiverId, figures: ReceiveFigures) {
        if self.engine.transceivers.find(id).is_some() {
            self.engine.figures.receiving.insert(id, figures);
        }
    }
}
