//! What a session has counted: one snapshot, in the units of webrtc-stats (seconds, bytes, packets).

use std::time::{Duration, Instant};

use peerless_wire::rtp::{Mid, PayloadType, Rid, Ssrc};

use crate::codec::{Codec, Format};

/// All counts of a session at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// One for each encoding of each sender, those of one section in their order.
    pub outbound: Vec<OutboundStats>,
    /// One for each source that arrives.
    pub inbound: Vec<InboundStats>,
    /// The round trip, smoothed (RFC 6298 §2's 1/8), whichever report it came from.
    pub rtt: Option<Duration>,
    /// Arriving packets, RTP and RTCP, that no parser could read.
    pub malformed: u64,
    /// Arriving RTP packets that belong to no media section, or come from one source too many.
    pub unroutable: u64,
    /// Arriving packets that claim one of our own sources (RFC 3550 §8.2).
    pub collisions: u64,
    /// Compound RTCP packets sent.
    pub rtcp_sent: u64,
    /// Compound RTCP packets received.
    pub rtcp_received: u64,
    /// RTCP packets inside compounds that we do not know; skipped.
    pub rtcp_unknown: u64,
    /// Packets the remote reported on with transport-wide feedback.
    pub transport_reported: u64,
    /// Of these, those it reported as not arrived. A late packet may be counted here and arrive after all.
    pub transport_lost: u64,
}

/// What was sent from one source.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OutboundStats {
    /// Its media section.
    pub mid: Mid,
    /// Which encoding of several it is (RFC 8851).
    pub rid: Option<Rid>,
    /// Whether it is sent.
    pub active: bool,
    /// The source.
    pub ssrc: Ssrc,
    /// The source of its retransmissions, where there is one.
    pub rtx_ssrc: Option<Ssrc>,
    /// How its frames are coded.
    pub format: Format,
    /// The payload type of its packets.
    pub payload_type: PayloadType,
    /// RTP packets sent, retransmissions included.
    pub packets: u64,
    /// Payload bytes sent, without headers, retransmissions included.
    pub bytes: u64,
    /// Header and extension bytes sent.
    pub header_bytes: u64,
    /// For how long packets waited for the pacer before they were sent first, added up.
    pub send_delay: Duration,
    /// RTP packets sent again.
    pub retransmitted_packets: u64,
    /// Payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// Frames of which the last packet was sent.
    pub frames: u64,
    /// Key frames among them; for sound, none.
    pub key_frames: u64,
    /// Frames that were dropped because too much was waiting.
    pub frames_dropped: u64,
    /// Packets waiting in the pacer at this moment.
    pub queued_packets: usize,
    /// Generic NACK packets received for it.
    pub nacks: u64,
    /// Picture loss indications received.
    pub plis: u64,
    /// Full intra requests received, repetitions not counted.
    pub firs: u64,
    /// The most the encoder should give, bit/s, as the remote asked (REMB) and
    /// [`SendConfig::max_bitrate`](crate::config::SendConfig::max_bitrate) allows; `None` while neither is known.
    pub target_bitrate: Option<u64>,
    /// What the remote last reported about it; `None` before its first report.
    pub remote: Option<RemoteInboundStats>,
}

/// What the remote reports about what we send: a report block (RFC 3550 §6.4.1) in plain units.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteInboundStats {
    /// When the report came.
    pub reported: Instant,
    /// The part of packets lost since the report before, 0 to 1.
    pub fraction_lost: f64,
    /// Packets lost in all; negative when there were more duplicates than losses.
    pub lost: i64,
    /// The interarrival jitter.
    pub jitter: Duration,
    /// The round trip by the last report that allowed to tell it.
    pub rtt: Option<Duration>,
    /// All round trips added up.
    pub total_rtt: Duration,
    /// How many round trips that is.
    pub rtt_measurements: u64,
    /// The highest sequence number it has seen, extended by its count of turns.
    pub highest_sequence: u32,
    /// Packets it has received: those sent up to that number, less those lost.
    pub packets: u64,
}

/// What arrived from one source.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InboundStats {
    /// Its media section.
    pub mid: Mid,
    /// The source.
    pub ssrc: Ssrc,
    /// The source of its retransmissions, once known.
    pub rtx_ssrc: Option<Ssrc>,
    /// Which encoding of several it is (RFC 8852), where its packets say so.
    pub rid: Option<Rid>,
    /// How its latest packets are coded.
    pub format: Format,
    /// The payload type of its latest packets.
    pub payload_type: PayloadType,
    /// RTP packets received, late ones and duplicates included (RFC 3550 §6.4.1), and all of the source of its
    /// retransmissions, padding too: as many as the sender counts, but for those that were lost.
    pub packets: u64,
    /// Payload bytes of these, without headers and padding.
    pub bytes: u64,
    /// Header, extension and padding bytes of these.
    pub header_bytes: u64,
    /// Packets expected less packets received (RFC 3550 §A.3); duplicates make it smaller, even negative.
    pub lost: i64,
    /// The interarrival jitter (RFC 3550 §A.8).
    pub jitter: Duration,
    /// Packets that came twice, or again though they were not missing; dropped.
    pub duplicates: u64,
    /// Packets that came after they had been given up; dropped.
    pub late: u64,
    /// Packets that came, and were dropped: late, or of frames that were. Duplicates are not among them.
    pub discarded: u64,
    /// Packets that came as retransmissions on a source of their own (RFC 4588), padding not.
    pub retransmitted_packets: u64,
    /// Payload bytes of these, with the original numbers in front.
    pub retransmitted_bytes: u64,
    /// Frames put together and handed on.
    pub frames: u64,
    /// Key frames among them; for sound, none.
    pub key_frames: u64,
    /// Frames that were whole, handed on or dropped.
    pub frames_received: u64,
    /// Frames handed on that came in more than one packet.
    pub frames_assembled: u64,
    /// From the first packet of each of these to its last, added up.
    pub assembly_time: Duration,
    /// Frames dropped: incomplete, or coded against one that was.
    pub frames_dropped: u64,
    /// What its jitter buffer did.
    pub jitter_buffer: JitterBufferStats,
    /// How evenly its pictures were handed on; of sound, nothing.
    pub flow: FlowStats,
    /// Generic NACK packets sent for it.
    pub nacks: u64,
    /// Picture loss indications sent.
    pub plis: u64,
    /// Full intra requests sent.
    pub firs: u64,
    /// When its last packet came.
    pub last_packet: Option<Instant>,
    /// When, by the remote's clock, the latest frame handed on was sampled: NTP, seconds since 1900 in 32.32 fixed
    /// point. `None` before the first sender report.
    pub last_frame_ntp: Option<u64>,
    /// When that frame was due. What is played at another moment was sampled as much later; streams of one remote are in
    /// step when what they play at one moment was sampled at one moment.
    pub last_frame_playout: Option<Instant>,
    /// What its last sender report said; `None` before the first.
    pub remote: Option<RemoteOutboundStats>,
}

impl InboundStats {
    /// Nothing counted yet.
    pub(crate) fn new(mid: &Mid, ssrc: Ssrc, codec: &Codec) -> Self {
        Self {
            mid: mid.clone(),
            ssrc,
            rtx_ssrc: None,
            rid: None,
            format: codec.format,
            payload_type: codec.payload_type,
            packets: 0,
            bytes: 0,
            header_bytes: 0,
            lost: 0,
            jitter: Duration::ZERO,
            duplicates: 0,
            late: 0,
            discarded: 0,
            retransmitted_packets: 0,
            retransmitted_bytes: 0,
            frames: 0,
            key_frames: 0,
            frames_received: 0,
            frames_assembled: 0,
            assembly_time: Duration::ZERO,
            frames_dropped: 0,
            jitter_buffer: JitterBufferStats::default(),
            flow: FlowStats::default(),
            nacks: 0,
            plis: 0,
            firs: 0,
            last_packet: None,
            last_frame_ntp: None,
            last_frame_playout: None,
            remote: None,
        }
    }
}

/// What a jitter buffer did, added up over all frames handed on. The times, divided by [`emitted`](Self::emitted), are
/// averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JitterBufferStats {
    /// Frames of video, or ticks of sound, that left.
    pub emitted: u64,
    /// From the arrival of its first packet until each left.
    pub delay: Duration,
    /// The delay that was aimed at when each left.
    pub target_delay: Duration,
    /// The delay that would have been aimed at for the path alone: without the user's wish and lip sync.
    pub minimum_delay: Duration,
}

/// How evenly pictures were handed on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct FlowStats {
    /// The time between each picture and the next, added up.
    pub inter_frame_delay: Duration,
    /// The squares of these times, in seconds squared, added up.
    pub squared_inter_frame_delay: f64,
    /// How often that time was three times the average of the last 30, and 150 ms longer than it.
    pub freezes: u64,
    /// Those times added up.
    pub freezes_duration: Duration,
    /// How often it was five seconds or more, which counts when the next picture comes; these are no freezes.
    pub pauses: u64,
    /// Those times added up.
    pub pauses_duration: Duration,
}

/// What the remote reports about what it sends: a sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteOutboundStats {
    /// When the report came.
    pub reported: Instant,
    /// The remote's clock in it: NTP, seconds since 1900 in 32.32 fixed point.
    pub ntp: u64,
    /// Packets it has sent, as 32 bits count them.
    pub packets: u32,
    /// Payload bytes it has sent, as 32 bits count them.
    pub bytes: u32,
    /// How many sender reports came.
    pub reports: u64,
    /// The round trips that it let us measure, by answers to our reference times (RFC 3611 §4.5).
    pub round_trips: RoundTrips,
}

/// Round trips that were measured one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RoundTrips {
    /// The last one.
    pub last: Option<Duration>,
    /// All of them added up.
    pub total: Duration,
    /// How many that is.
    pub measurements: u64,
}

impl RoundTrips {
    /// Takes account of one.
    pub(crate) fn add(&mut self, rtt: Duration) {
        self.last = Some(rtt);
        self.total += rtt;
        self.measurements += 1;
    }
}
