//! getStats (webrtc-pc §8.2): the machines of a peer → a report.

use std::time::{Instant, SystemTime};

use peerless_transport::crypto::Certificate;

use crate::engine::Engine;
use crate::error::Error;
use crate::id::TransceiverId;
use crate::negotiation::Negotiation;
use crate::report::connection::{DataChannelStats, PeerConnectionStats};
use crate::report::ids;
use crate::report::moment::Moment;
use crate::report::object::{Statistics, StatsObject, StatsReport};
use crate::report::paths::Path;
use crate::report::streams::Streams;
use crate::transceiver::Transceiver;

/// What a report is to be of (the `selector` of getStats, webrtc-pc §8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StatsSelector {
    /// The whole connection.
    #[default]
    All,
    /// What the sender of this transceiver sends, and all that this refers to.
    Sender(TransceiverId),
    /// What the receiver of this transceiver receives, and all that this refers to.
    Receiver(TransceiverId),
}

/// What a report is made of.
pub(crate) struct Sources<'a> {
    pub(crate) now: Instant,
    pub(crate) epoch: (Instant, SystemTime),
    pub(crate) engine: &'a Engine,
    pub(crate) negotiation: &'a Negotiation,
    pub(crate) certificate: &'a Certificate,
}

impl Sources<'_> {
    /// The report.
    ///
    /// # Errors
    /// `UnknownTransceiver` where the selector names none of this connection.
    pub(crate) fn report(&self, selector: StatsSelector) -> Result<StatsReport, Error> {
        if let StatsSelector::Sender(id) | StatsSelector::Receiver(id) = selector {
            self.engine.transceivers.find(id).ok_or(Error::UnknownTransceiver)?;
        }
        let (mut out, mut streams) = (Vec::new(), Vec::new());
        self.connection(&mut out);
        self.transports(&mut streams, &mut out);
        let report = StatsReport::new(out);
        if selector == StatsSelector::All {
            return Ok(report);
        }
        let selected = streams.into_iter().filter(|(of, _)| *of == selector).map(|(_, id)| id);
        Ok(report.select(selected))
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, epoch: self.epoch }
    }

    /// The connection and its data channels.
    fn connection(&self, out: &mut Vec<StatsObject>) {
        let now = self.moment().now_ms();
        let data = self.engine.channels.stats(&self.engine.links.data().transport);
        let made = PeerConnectionStats {
            data_channels_opened: Some(small(data.opened)),
            data_channels_closed: Some(small(data.closed)),
        };
        out.push(StatsObject::new(ids::PEER_CONNECTION.to_owned(), now, Statistics::PeerConnection(made)));
        for channel in data.channels {
            let made = DataChannelStats {
                label: Some(channel.label),
                protocol: Some(channel.protocol),
                data_channel_identifier: channel.stream,
                state: channel.state,
                messages_sent: Some(small(channel.counts.messages_sent)),
                bytes_sent: Some(channel.counts.bytes_sent),
                messages_received: Some(small(channel.counts.messages_received)),
                bytes_received: Some(channel.counts.bytes_received),
            };
            out.push(StatsObject::new(ids::channel(channel.id), now, Statistics::DataChannel(made)));
        }
    }

    /// The transports, each with the streams that go over it, whose ids are noted in `streams` by whose they are.
    fn transports(&self, streams: &mut Vec<(StatsSelector, String)>, out: &mut Vec<StatsObject>) {
        for link in self.engine.links.iter() {
            let id = ids::transport(link.id);
            let path = Path {
                moment: self.moment(),
                id: &id,
                link,
                has_remote: self.negotiation.has_remote(),
                certificate: self.certificate,
            };
            path.write(out);
        }
        for transceiver in self.engine.transceivers.iter() {
            let link = transceiver.mid.as_ref().map(|mid| self.engine.links.of(mid));
            let transport = link.map(|link| ids::transport(link.id)).unwrap_or_default();
            let of = self.streams(&transport, transceiver);
            of.source(out);
            of.playout(out);
            let Some(session) = link.map(|link| link.media.stats()) else { continue };
            let is_here = |mid: &peerless_wire::rtp::Mid| transceiver.mid.as_ref() == Some(mid);
            for (index, stream) in session.outbound.iter().filter(|stream| is_here(&stream.mid)).enumerate() {
                streams.push((StatsSelector::Sender(transceiver.id), of.outbound(index, stream, out)));
            }
            for stream in session.inbound.iter().filter(|stream| is_here(&stream.mid)) {
                streams.push((StatsSelector::Receiver(transceiver.id), of.inbound(stream, out)));
            }
        }
    }

    fn streams<'a>(&'a self, transport: &'a str, transceiver: &'a Transceiver) -> Streams<'a> {
        Streams {
            moment: self.moment(),
            transport,
            transceiver,
            transceivers: &self.engine.transceivers,
            figures: &self.engine.figures,
            negotiation: self.negotiation,
        }
    }
}

/// `unsigned long`: a counter that does not fit stays at the most there is.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
