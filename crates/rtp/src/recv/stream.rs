//! One source as it arrives: its packets in order, what it lacks and asks for, and the counts that reports and stats
//! are made of.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::rtcp::ReportBlock;
use peerless_wire::rtp::{Header, Mid, PayloadType, Rid, SequenceNumber, ShortText, Ssrc};

use crate::codec::{Codec, Format};
use crate::frame::Frame;
use crate::ntp::NtpTime;
use crate::payload::{Depacketizer, Inspection};
use crate::recv::clock::RemoteClock;
use crate::recv::jitter::{Framing, Inserted, JitterBuffer, Waiting};
use crate::recv::keyframe::KeyFrameRequests;
use crate::recv::loss::{Jitter, Origin, Place, Reception};
use crate::recv::nack::Nacks;
use crate::stats::{InboundStats, RemoteOutboundStats};

/// One source of a media section.
#[derive(Debug)]
pub struct Stream {
    /// The source.
    pub ssrc: Ssrc,
    /// The source of its retransmissions, once known.
    pub rtx_ssrc: Option<Ssrc>,
    /// Which encoding of several it is, where its packets say so.
    pub rid: Option<ShortText>,
    /// How its latest packets are coded.
    codec: Codec,
    origin: Origin,
    reception: Reception,
    rtx_reception: Reception,
    jitter: Jitter,
    clock: RemoteClock,
    buffer: JitterBuffer,
    /// What it lacks, where it may be asked for.
    pub nacks: Nacks,
    /// Whether a key frame is to be asked for.
    pub keys: KeyFrameRequests,
    depacketizers: Vec<(PayloadType, Format, Depacketizer)>,
    /// Whether packets came since the last report, of the source and of its retransmissions.
    heard: (bool, bool),
    /// How long retransmissions take to come, smoothed.
    repair_trip: Option<Duration>,
    /// That of the latest frame handed on.
    last_timestamp: Option<u32>,
    stats: InboundStats,
}

/// A packet's payload and what it weighs.
#[derive(Debug, Clone)]
pub struct Content {
    /// The payload.
    pub payload: Bytes,
    /// Bytes of header and extensions.
    pub header_len: usize,
}

impl Stream {
    /// A source that was not heard before `now`.
    pub fn new(now: Instant, mid: &Mid, ssrc: Ssrc, codec: &Codec, give_up: Duration) -> Self {
        let framing = if codec.format.is_video() { Framing::Picture } else { Framing::Packet };
        Self {
            ssrc,
            rtx_ssrc: None,
            rid: None,
            codec: codec.clone(),
            origin: Origin(now),
            reception: Reception::default(),
            rtx_reception: Reception::default(),
            jitter: Jitter::default(),
            clock: RemoteClock::default(),
            buffer: JitterBuffer::new(framing, give_up),
            nacks: Nacks::default(),
            keys: KeyFrameRequests::default(),
            depacketizers: Vec::new(),
            heard: (false, false),
            repair_trip: None,
            last_timestamp: None,
            stats: new_stats(mid, ssrc, codec),
        }
    }

    /// Takes in a packet of the source itself. False where its payload is none of its format.
    pub fn handle_media(&mut self, now: Instant, header: &Header, content: Content, codec: &Codec) -> bool {
        if codec.payload_type != self.codec.payload_type {
            self.change_codec(codec);
        }
        self.heard.0 = true;
        self.stats.last_packet = Some(now);
        self.jitter.handle(self.origin.since(now), header.timestamp, self.codec.clock_rate);
        let number = match self.reception.handle(header.sequence, |number| self.nacks.is_missing(number)) {
            Place::Ahead { number, missing } => {
                if self.codec.feedback.nack && !self.nacks.missing(now, missing) {
                    self.want_key();
                }
                number
            }
            Place::Behind { number } => {
                self.nacks.arrived(number);
                number
            }
            Place::Restart { number } => {
                self.nacks.clear();
                self.jitter.restart();
                self.buffer.restart(number);
                number
            }
            Place::Stray => return true,
        };
        self.insert(now, number, header, content, codec)
    }

    /// Takes in a retransmission of packet `original`, coded with `codec` (RFC 4588 §4). False where its payload is none
    /// of its format.
    pub fn handle_repair(
        &mut self,
        now: Instant,
        original: SequenceNumber,
        header: &Header,
        content: Content,
        codec: &Codec,
    ) -> bool {
        self.stats.retransmitted_packets += 1;
        self.stats.retransmitted_bytes += content.payload.len() as u64;
        // Only what lies behind can be missing; ahead of that nothing is known.
        let Some(highest) = self.reception.highest() else { return true };
        let step = i64::from(original.since(SequenceNumber::from(highest)));
        let Some(number) = highest.checked_add_signed(step).filter(|_| step <= 0) else { return true };
        if let Some(trip) = self.nacks.repaired(now, number) {
            self.repair_trip = Some(self.repair_trip.map_or(trip, |smoothed| smoothed * 7 / 8 + trip / 8));
        }
        self.insert(now, number, header, content, codec)
    }

    /// Takes account of a packet on the source of its retransmissions, whatever is in it.
    pub fn handle_rtx_reception(&mut self, sequence: SequenceNumber) {
        self.heard.1 = true;
        self.rtx_reception.handle(sequence, |_| false);
    }

    /// The next frame that is whole at `now`.
    pub fn poll_frame(&mut self, now: Instant) -> Option<Frame> {
        loop {
            let Some(ready) = self.buffer.poll(now) else {
                self.settle();
                return None;
            };
            let of_type =
                |(payload_type, _, _): &&mut (PayloadType, _, _)| *payload_type == ready.payload_type;
            let frame = self.depacketizers.iter_mut().find(of_type).and_then(|(_, format, depacketizer)| {
                Some((*format, depacketizer.assemble(&mut self.buffer.payloads(ready)).ok()?))
            });
            self.buffer.take(ready, frame.is_some());
            let Some((format, payload)) = frame else { continue };
            self.stats.frames += 1;
            self.last_timestamp = Some(ready.timestamp);
            if format.is_video() && ready.key {
                self.stats.key_frames += 1;
                self.keys.came();
            }
            self.settle();
            return Some(Frame {
                format,
                timestamp: ready.timestamp,
                captured: None,
                arrived: Some(ready.arrived),
                playout: Some(now),
                lost: ready.lost,
                key: ready.key,
                payload,
            });
        }
    }

    /// Takes in a sender report of the source (RFC 3550 §6.4.1).
    pub fn handle_sender_report(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        timestamp: u32,
        packets: u32,
        octets: u32,
    ) {
        self.clock.handle(now, ntp, timestamp);
        let reports = self.stats.remote.as_ref().map_or(0, |remote| remote.reports) + 1;
        self.stats.remote =
            Some(RemoteOutboundStats { reported: now, ntp: ntp.0, packets, bytes: octets, reports });
    }

    /// The report blocks on what was heard since this was last called (RFC 3550 §6.4).
    pub fn take_report_blocks(&mut self, now: Instant) -> impl Iterator<Item = ReportBlock> {
        let (media, rtx) = std::mem::take(&mut self.heard);
        let (last, delay) = self.clock.last_report(now);
        let media = media.then(|| ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: self.reception.take_fraction_lost(),
            lost: clamp(self.reception.lost()),
            highest_sequence: self.reception.extended_highest(),
            jitter: self.jitter.ticks(),
            last_report: last.0,
            delay_since_last_report: delay.0,
        });
        let rtx = self.rtx_ssrc.filter(|_| rtx).map(|ssrc| ReportBlock {
            ssrc,
            fraction_lost: self.rtx_reception.take_fraction_lost(),
            lost: clamp(self.rtx_reception.lost()),
            highest_sequence: self.rtx_reception.extended_highest(),
            // Timestamps of retransmissions are those of their originals: no measure of jitter.
            jitter: 0,
            last_report: 0,
            delay_since_last_report: 0,
        });
        media.into_iter().chain(rtx)
    }

    /// How its latest packets are coded, and the feedback that was agreed on for them.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// When an incomplete frame will be given up.
    pub fn poll_give_up(&self) -> Option<Instant> {
        self.buffer.poll_timeout()
    }

    /// Goes on with what was agreed on anew for its payload type.
    pub fn set_codec(&mut self, codec: &Codec) {
        self.change_codec(codec);
    }

    /// The round trip: `measured`, or else as its retransmissions show it, or what it is thought to be.
    pub fn round_trip(&self, measured: Option<Duration>) -> Duration {
        measured.or(self.repair_trip).unwrap_or(ASSUMED_RTT)
    }

    /// Lets frames wait for `give_up`, and where packets are asked for again, long enough for three retransmissions.
    pub fn set_give_up(&mut self, give_up: Duration, round_trip: Duration) {
        let repairs = self.codec.format.is_video() && self.codec.feedback.nack;
        let enough =
            if repairs { (round_trip * 7 / 2 + REPAIR_MARGIN).min(LONGEST_GIVE_UP) } else { give_up };
        self.buffer.set_give_up(give_up.max(enough));
    }

    /// Counts feedback that was sent.
    pub fn count_feedback(&mut self, nacks: u64, plis: u64, firs: u64) {
        self.stats.nacks += nacks;
        self.stats.plis += plis;
        self.stats.firs += firs;
    }

    /// A snapshot of its counts.
    pub fn stats(&self) -> InboundStats {
        InboundStats {
            lost: self.reception.lost(),
            jitter: self.jitter.duration(self.codec.clock_rate),
            format: self.codec.format,
            payload_type: self.codec.payload_type,
            rid: self.rid.map(|rid| Rid::new(rid.as_str())),
            last_frame_ntp: self
                .last_timestamp
                .and_then(|timestamp| self.clock.ntp(timestamp, self.codec.clock_rate))
                .map(|ntp| ntp.0),
            ..self.stats.clone()
        }
    }

    fn insert(
        &mut self,
        now: Instant,
        number: u64,
        header: &Header,
        content: Content,
        codec: &Codec,
    ) -> bool {
        let payload = content.payload;
        let inspection = if payload.is_empty() {
            Inspection::default()
        } else {
            let Ok(inspection) = self.depacketizer(codec).inspect(&payload) else { return false };
            inspection
        };
        let len = payload.len() as u64;
        let inserted = self.buffer.insert(
            number,
            Waiting {
                timestamp: header.timestamp,
                marker: header.marker,
                payload_type: codec.payload_type,
                payload,
                starts: inspection.starts_frame,
                key: inspection.key,
                arrived: now,
            },
        );
        match inserted {
            Inserted::Duplicate => self.stats.duplicates += 1,
            Inserted::Late => self.stats.late += 1,
            Inserted::New | Inserted::Overflow => {
                self.stats.packets += 1;
                self.stats.bytes += len;
                self.stats.header_bytes += content.header_len as u64;
            }
        }
        true
    }

    /// What follows when frames were taken or given up: below the next number nothing is missed any more, and after
    /// a loss a key frame may be wanted.
    fn settle(&mut self) {
        if let Some(next) = self.buffer.next_number() {
            self.nacks.forget_below(next);
        }
        self.stats.frames_dropped += self.buffer.take_dropped();
        if self.buffer.take_broken() {
            self.keys.want();
        }
    }

    fn want_key(&mut self) {
        if self.codec.format.is_video() {
            self.keys.want();
        }
    }

    fn change_codec(&mut self, codec: &Codec) {
        if codec.clock_rate != self.codec.clock_rate {
            self.jitter.restart();
        }
        self.codec = codec.clone();
    }

    /// The depacketizer for packets of `codec`, made when first needed and when the payload type changed its meaning.
    fn depacketizer(&mut self, codec: &Codec) -> &Depacketizer {
        let known =
            self.depacketizers.iter().position(|(payload_type, _, _)| *payload_type == codec.payload_type);
        let index = known.unwrap_or(self.depacketizers.len());
        if !self.depacketizers.get(index).is_some_and(|(_, format, _)| *format == codec.format) {
            self.depacketizers.truncate(index);
            self.depacketizers.push((codec.payload_type, codec.format, Depacketizer::new(codec.format)));
        }
        &self.depacketizers[index].2
    }
}

/// The round trip before any was measured.
pub const ASSUMED_RTT: Duration = Duration::from_millis(100);

/// What three retransmissions take beyond their round trips: patience before asking, and pacing.
const REPAIR_MARGIN: Duration = Duration::from_millis(50);

/// However long the round trip, a frame does not wait longer.
const LONGEST_GIVE_UP: Duration = Duration::from_millis(1500);

fn clamp(lost: i64) -> i32 {
    i32::try_from(lost).unwrap_or(if lost < 0 { i32::MIN } else { i32::MAX })
}

fn new_stats(mid: &Mid, ssrc: Ssrc, codec: &Codec) -> InboundStats {
    InboundStats {
        mid: mid.clone(),
        ssrc,
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
        retransmitted_packets: 0,
        retransmitted_bytes: 0,
        frames: 0,
        key_frames: 0,
        frames_dropped: 0,
        nacks: 0,
        plis: 0,
        firs: 0,
        last_packet: None,
        last_frame_ntp: None,
        remote: None,
    }
}
