//! What a peer counts, by transceiver: for programs of ours, which would have to follow ids through a report; with what
//! webrtc-stats has no words for (duplicates, why datagrams were dropped, the association).

use std::time::{Duration, Instant};

use peerless_rtp::codec::Codec;
use peerless_rtp::stats;
pub use peerless_rtp::stats::{FlowStats, JitterBufferStats};
use peerless_transport::state::{DtlsState, IceState};
use peerless_wire::rtp::{Mid, Ssrc};

use crate::data::stats::DataStats;
use crate::engine::Engine;
use crate::event::{Secured, SelectedPair};
use crate::id::{TransceiverId, TransportId};
use crate::link::Link;
use crate::state::MediaKind;
use crate::transceiver::Transceiver;

/// All counters of a peer at one moment. They only grow, except where noted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// One for each transceiver that has a media section, in the order of their making.
    pub transceivers: Vec<TransceiverStats>,
    /// The data channels.
    pub data: DataStats,
    /// The transport that carries them all; of several the oldest.
    pub transport: TransportStats,
}

/// The two halves of a transceiver.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TransceiverStats {
    /// Which transceiver.
    pub id: TransceiverId,
    /// Its media section.
    pub mid: Option<Mid>,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// What is sent, where something is negotiated.
    pub outbound: Option<OutboundStats>,
    /// What arrives, where something is negotiated.
    pub inbound: Option<InboundStats>,
}

/// RTCOutboundRtpStreamStats with the remote's view of it (RTCRemoteInboundRtpStreamStats).
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct OutboundStats {
    /// The stream.
    pub ssrc: Option<Ssrc>,
    /// What it is coded with.
    pub codec: Option<Codec>,
    /// RTP packets sent, retransmissions included.
    pub packets: u64,
    /// Payload bytes sent, without headers and padding, retransmissions included.
    pub bytes: u64,
    /// Packets sent again because they were asked for.
    pub retransmitted_packets: u64,
    /// Frames sent.
    pub frames: u64,
    /// Key frames among them; for sound, none.
    pub key_frames: u64,
    /// Frames dropped because too much was waiting.
    pub frames_dropped: u64,
    /// NACK messages that came in.
    pub nacks: u64,
    /// Picture loss indications that came in.
    pub plis: u64,
    /// Full intra requests that came in.
    pub firs: u64,
    /// How much the encoder may give, bit/s (may fall), once the remote said so; pictures only.
    pub target_bitrate: Option<u64>,
    /// What the remote reported last; `None` before its first report.
    pub remote: Option<RemoteReport>,
}

/// The last receiver report about a stream of ours (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RemoteReport {
    /// Packets lost since the beginning; negative where duplicates outnumber losses.
    pub lost: i64,
    /// The share lost between the last two reports, 0 to 1 (may fall).
    pub fraction_lost: f64,
    /// Interarrival jitter (may fall).
    pub jitter: Duration,
    /// Round-trip time, where the remote saw a report of ours (may fall).
    pub round_trip: Option<Duration>,
}

/// RTCInboundRtpStreamStats.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct InboundStats {
    /// The stream, once a packet came.
    pub ssrc: Option<Ssrc>,
    /// What the last packet was coded with.
    pub codec: Option<Codec>,
    /// RTP packets received: late ones, duplicates and retransmissions included.
    pub packets: u64,
    /// Payload bytes received, without headers and padding.
    pub bytes: u64,
    /// Packets lost, as reported to the remote (RFC 3550 §6.4.1); negative where duplicates outnumber losses.
    pub lost: i64,
    /// Interarrival jitter (may fall).
    pub jitter: Duration,
    /// Packets that came and were dropped: too late, or of frames that were dropped (`packetsDiscarded`). Duplicates are
    /// not among them.
    pub discarded: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came by retransmission.
    pub retransmitted_packets: u64,
    /// Payload bytes of these.
    pub retransmitted_bytes: u64,
    /// When the last packet came (`lastPacketReceivedTimestamp`).
    pub last_packet: Option<Instant>,
    /// Whole frames given to the caller.
    pub frames: u64,
    /// Key frames among them; for sound, none.
    pub key_frames: u64,
    /// Frames that were whole, given to the caller or dropped (`framesReceived`).
    pub frames_received: u64,
    /// Frames given to the caller that came in several packets (`framesAssembledFromMultiplePackets`), ...
    pub frames_assembled: u64,
    /// ... and the time from the first of these to the last, added up (`totalAssemblyTime`).
    pub assembly_time: Duration,
    /// Frames dropped: incomplete, or coded against one that was.
    pub frames_dropped: u64,
    /// NACK messages sent.
    pub nacks: u64,
    /// Picture loss indications sent.
    pub plis: u64,
    /// Full intra requests sent.
    pub firs: u64,
    /// What the jitter buffer did (`jitterBufferDelay`, `-TargetDelay`, `-MinimumDelay`, `-EmittedCount`).
    pub jitter_buffer: JitterBufferStats,
    /// How evenly pictures were given to the caller (`totalInterFrameDelay`, `freezeCount`, `pauseCount`).
    pub flow: FlowStats,
    /// When the latest frame given to the caller was sampled, by the remote's clock (NTP, seconds since 1900 in 32.32
    /// fixed point), and when it was due here; `None` before the remote's first report.
    pub playing: Option<(u64, Instant)>,
}

impl InboundStats {
    /// `estimatedPlayoutTimestamp`: when, by the remote's clock, was sampled what is played at `now`: NTP, seconds since
    /// 1900 in 32.32 fixed point. `None` before the remote's first report.
    pub fn estimated_playout(&self, now: Instant) -> Option<u64> {
        let (ntp, due) = self.playing?;
        let fixed = |span: Duration| ((span.as_nanos() << 32) / 1_000_000_000) as u64;
        Some(match now.checked_duration_since(due) {
            Some(since) => ntp.wrapping_add(fixed(since)),
            None => ntp.wrapping_sub(fixed(due.saturating_duration_since(now))),
        })
    }
}

/// RTCTransportStats with the selected pair.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TransportStats {
    /// The state of ICE.
    pub ice: IceState,
    /// The state of DTLS.
    pub dtls: DtlsState,
    /// The pair in use.
    pub selected_pair: Option<SelectedPair>,
    /// What DTLS agreed on.
    pub secured: Option<Secured>,
    /// The round trip, smoothed over all streams, once a report told it (may fall).
    pub round_trip: Option<Duration>,
    /// The round trip of the selected pair by its checks, once one was answered (may fall).
    pub ice_round_trip: Option<Duration>,
    /// Datagrams sent, of all kinds.
    pub datagrams_sent: u64,
    /// Bytes in them (UDP payload).
    pub bytes_sent: u64,
    /// Datagrams received, of all kinds.
    pub datagrams_received: u64,
    /// Bytes in them (UDP payload).
    pub bytes_received: u64,
    /// Datagrams dropped: malformed, unauthentic, replayed, or from where nothing was checked.
    pub datagrams_dropped: u64,
}

/// Gathers the counters of a peer's machines.
pub(crate) fn collect(engine: &Engine) -> Stats {
    let sessions: Vec<(TransportId, stats::Stats)> =
        engine.links.iter().map(|link| (link.id, link.media.stats())).collect();
    let transceivers = engine.transceivers.iter().filter_map(|transceiver| {
        let link = engine.links.of(transceiver.mid.as_ref()?).id;
        let (_, session) = sessions.iter().find(|(id, _)| *id == link)?;
        Some(transceiver_stats(transceiver, session))
    });
    Stats {
        transceivers: transceivers.collect(),
        data: engine.channels.stats(&engine.links.data().transport),
        transport: transport_stats(engine.links.first()),
    }
}

fn transceiver_stats(transceiver: &Transceiver, session: &stats::Stats) -> TransceiverStats {
    let is_here = |mid: &Mid| transceiver.mid.as_ref() == Some(mid);
    let outbound = session.outbound.iter().find(|stream| is_here(&stream.mid));
    let inbound = session.inbound.iter().filter(|stream| is_here(&stream.mid));
    TransceiverStats {
        id: transceiver.id,
        mid: transceiver.mid.clone(),
        kind: transceiver.kind,
        outbound: outbound.map(|stream| outbound_stats(transceiver, stream)),
        // The remote may have changed its source: the one that came last is the one that counts.
        inbound: inbound
            .max_by_key(|stream| stream.last_packet)
            .map(|stream| inbound_stats(transceiver, stream)),
    }
}

fn outbound_stats(transceiver: &Transceiver, stream: &stats::OutboundStats) -> OutboundStats {
    let remote = stream.remote.as_ref();
    OutboundStats {
        ssrc: Some(stream.ssrc),
        codec: transceiver.sender.codec.clone(),
        packets: stream.packets,
        bytes: stream.bytes,
        retransmitted_packets: stream.retransmitted_packets,
        frames: stream.frames,
        key_frames: stream.key_frames,
        frames_dropped: stream.frames_dropped,
        nacks: stream.nacks,
        plis: stream.plis,
        firs: stream.firs,
        target_bitrate: stream.target_bitrate.filter(|_| transceiver.kind == MediaKind::Video),
        remote: remote.map(|report| RemoteReport {
            lost: report.lost,
            fraction_lost: report.fraction_lost,
            jitter: report.jitter,
            round_trip: report.rtt,
        }),
    }
}

fn inbound_stats(transceiver: &Transceiver, stream: &stats::InboundStats) -> InboundStats {
    let codecs = &transceiver.receiver.codecs;
    InboundStats {
        ssrc: Some(stream.ssrc),
        codec: codecs.iter().find(|codec| codec.payload_type == stream.payload_type).cloned(),
        packets: stream.packets,
        bytes: stream.bytes,
        lost: stream.lost,
        jitter: stream.jitter,
        discarded: stream.discarded,
        duplicates: stream.duplicates,
        retransmitted_packets: stream.retransmitted_packets,
        retransmitted_bytes: stream.retransmitted_bytes,
        last_packet: stream.last_packet,
        frames: stream.frames,
        key_frames: stream.key_frames,
        frames_received: stream.frames_received,
        frames_assembled: stream.frames_assembled,
        assembly_time: stream.assembly_time,
        frames_dropped: stream.frames_dropped,
        nacks: stream.nacks,
        plis: stream.plis,
        firs: stream.firs,
        jitter_buffer: stream.jitter_buffer,
        flow: stream.flow,
        playing: stream.last_frame_ntp.zip(stream.last_frame_playout),
    }
}

fn transport_stats(link: &Link) -> TransportStats {
    let (transport, session) = (link.transport.stats(), link.media.stats());
    let by_session = session.malformed + session.unroutable + session.collisions;
    TransportStats {
        ice: link.connectivity.ice(),
        dtls: link.connectivity.dtls,
        selected_pair: link.connectivity.selected,
        secured: link.connectivity.secured,
        round_trip: session.rtt,
        ice_round_trip: link.transport.ice().round_trip(),
        datagrams_sent: transport.packets_sent,
        bytes_sent: transport.bytes_sent,
        datagrams_received: transport.packets_received,
        bytes_received: transport.bytes_received,
        datagrams_dropped: transport.dropped.total() + by_session,
    }
}
