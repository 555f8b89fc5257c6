//! One source as it arrives: its packets in order, what it lacks and asks for, and the counts that reports and stats
//! are made of.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::rtcp::ReportBlock;
use peerless_wire::rtp::{Header, Mid, PayloadType, Rid, SequenceNumber, ShortText, Ssrc};

use crate::codec::{Codec, Format, TelephoneEvent};
use crate::frame::Frame;
use crate::ntp::NtpTime;
use crate::payload::{Depacketizer, Inspection};
use crate::recv::clock::RemoteClock;
use crate::recv::flow::Flow;
use crate::recv::jitter::{Framing, Inserted, JitterBuffer, Ready, Waiting};
use crate::recv::keyframe::KeyFrameRequests;
use crate::recv::loss::{Jitter, Origin, Place, Reception};
use crate::recv::nack::{Nacks, RepairTrips};
use crate::recv::playout::{Bounds, Playout};
use crate::recv::sources::{Voice, Voices};
use crate::recv::tones::{TonePacket, Tones};
use crate::stats::{InboundStats, RemoteOutboundStats};
use crate::tone::ReceivedTone;

/// One source of a media section.
#[derive(Debug)]
pub struct Stream {
    /// The source.
    pub ssrc: Ssrc,
    /// The source of its retransmissions, once known.
    pub rtx_ssrc: Option<Ssrc>,
    /// Which encoding of several it is, where its packets say so; as they say it, and as frames do.
    rid: Option<(ShortText, Rid)>,
    /// How its latest packets are coded.
    codec: Codec,
    origin: Origin,
    reception: Reception,
    rtx_reception: Reception,
    jitter: Jitter,
    clock: RemoteClock,
    buffer: JitterBuffer,
    playout: Playout,
    /// What it lacks, where it may be asked for.
    pub nacks: Nacks,
    /// Whether a key frame is to be asked for.
    pub keys: KeyFrameRequests,
    depacketizers: Vec<(PayloadType, Format, Depacketizer)>,
    /// Whether packets came since the last report, of the source and of its retransmissions.
    heard: (bool, bool),
    repair_trips: RepairTrips,
    /// The first of the packets that were asked for because the first one seen begins no frame.
    asked_before_first: Option<u64>,
    /// How much later than others a packet may come by a retransmission and be waited for by those after it.
    repair_allowance: Duration,
    /// The canonical name that the source was given (RFC 3550 §6.5.1).
    cname: Option<Box<str>>,
    /// Timestamp and play-out time of the latest frame handed on.
    last: Option<(u32, Instant)>,
    tones: Tones,
    voices: Voices,
    flow: Flow,
    stats: InboundStats,
}

/// A packet's payload and what it weighs.
#[derive(Debug, Clone)]
pub struct Content {
    /// The payload.
    pub payload: Bytes,
    /// Bytes of header, extensions and padding.
    pub header_len: usize,
}

/// For how long frames wait.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For what they lack.
    pub give_up: Duration,
    /// For their time, as the path asks.
    pub bounds: Bounds,
    /// And as the user does.
    pub target: Option<Duration>,
}

impl Stream {
    /// A source that was not heard before `now`.
    pub fn new(now: Instant, mid: &Mid, ssrc: Ssrc, codec: &Codec, waits: Waits) -> Self {
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
            buffer: JitterBuffer::new(framing, waits.give_up),
            playout: Playout::new(codec.clock_rate, waits.bounds, waits.target),
            nacks: Nacks::default(),
            keys: KeyFrameRequests::default(),
            depacketizers: Vec::new(),
            heard: (false, false),
            repair_trips: RepairTrips::default(),
            asked_before_first: None,
            repair_allowance: Duration::ZERO,
            cname: None,
            last: None,
            tones: Tones::default(),
            voices: Voices::default(),
            flow: Flow::default(),
            stats: InboundStats::new(mid, ssrc, codec),
        }
    }

    /// Takes in a packet of the source itself. False where its payload is none of its format.
    pub fn handle_media(&mut self, now: Instant, header: &Header, content: Content, codec: &Codec) -> bool {
        if codec.payload_type != self.codec.payload_type {
            self.change_codec(codec);
        }
        self.jitter.handle(self.origin.since(now), header.timestamp, self.codec.clock_rate);
        let Some((number, is_repair)) = self.place(now, header, &content) else { return true };
        self.voices.handle(header);
        self.insert(now, number, header, content.payload, codec, is_repair)
    }

    /// What its packets say of the sources of the frame with this timestamp, which was handed on.
    pub fn take_voice(&mut self, timestamp: u32) -> Option<Voice> {
        self.voices.take(timestamp)
    }

    /// Takes in a packet of tones beside the sound that `codec` codes. It has a number among the packets of sound, but is
    /// no frame: it takes up its place as padding does. Tones that end with it are given to `told`.
    pub fn handle_tones(
        &mut self,
        now: Instant,
        header: &Header,
        content: Content,
        (codec, event): (&Codec, &TelephoneEvent),
        told: &mut dyn FnMut(ReceivedTone),
    ) {
        let Some((number, is_repair)) = self.place(now, header, &content) else { return };
        let payload = content.payload;
        self.insert(now, number, header, Bytes::new(), codec, is_repair);
        let packet = TonePacket {
            marker: header.marker,
            timestamp: header.timestamp,
            payload: &payload,
            lengths: event.clock_rate,
            timestamps: codec.clock_rate,
        };
        self.tones.handle(now, packet, told);
    }

    /// Ends a tone of which nothing was heard for long.
    pub fn end_tones(&mut self, now: Instant, told: &mut dyn FnMut(ReceivedTone)) {
        self.tones.handle_timeout(now, told);
    }

    /// When a tone is to be taken for ended.
    pub fn poll_tone_timeout(&self) -> Option<Instant> {
        self.tones.poll_timeout()
    }

    /// Takes account of a packet of the source itself: its number, and whether it was sent again. `None` where it is not
    /// believed.
    fn place(&mut self, now: Instant, header: &Header, content: &Content) -> Option<(u64, bool)> {
        self.heard.0 = true;
        self.stats.last_packet = Some(now);
        let mut is_repair = false;
        let number = match self.reception.handle(header.sequence, |number| self.nacks.is_missing(number)) {
            Place::Ahead { number, missing } => {
                if self.codec.feedback.nack && !self.nacks.missing(now, missing) {
                    self.want_key();
                }
                number
            }
            Place::Behind { number } => {
                if let Some(trip) = self.nacks.arrived(now, number) {
                    is_repair = true;
                    self.repair_trips.handle(now, trip);
                }
                number
            }
            Place::Restart { number } => {
                self.nacks.clear();
                self.jitter.restart();
                self.buffer.restart(number);
                self.playout.restart();
                self.tones.restart();
                number
            }
            Place::Stray => return None,
        };
        self.count(content);
        Some((number, is_repair))
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
        self.stats.retransmitted_bytes += (size_of::<SequenceNumber>() + content.payload.len()) as u64;
        // Only what lies behind can be missing; ahead of that nothing is known.
        let Some(highest) = self.reception.highest() else { return true };
        let step = i64::from(original.since(SequenceNumber::from(highest)));
        let Some(number) = highest.checked_add_signed(step).filter(|_| step <= 0) else { return true };
        if let Some(trip) = self.nacks.arrived(now, number) {
            self.repair_trips.handle(now, trip);
        }
        self.insert(now, number, header, content.payload, codec, true)
    }

    /// Which encoding of several it is, where its packets say so.
    pub fn rid(&self) -> Option<ShortText> {
        self.rid.as_ref().map(|(text, _)| *text)
    }

    /// Takes the name of its encoding, as a packet says it.
    pub fn set_rid(&mut self, text: ShortText) {
        if self.rid() != Some(text) {
            self.rid = Some((text, Rid::new(text.as_str())));
        }
    }

    /// It is of no encoding by name any more.
    pub fn forget_rid(&mut self) {
        self.rid = None;
    }

    /// Whether it is of the encoding `rid`.
    pub fn is_encoding(&self, rid: &Rid) -> bool {
        self.rid().is_some_and(|text| text == *rid)
    }

    /// Takes account of a packet on the source of its retransmissions, whatever is in it.
    pub fn handle_rtx_reception(&mut self, sequence: SequenceNumber, content: &Content) {
        self.count(content);
        self.heard.1 = true;
        self.rtx_reception.handle(sequence, |_| false);
    }

    /// Counts a packet that was received, whatever becomes of it.
    fn count(&mut self, content: &Content) {
        self.stats.packets += 1;
        self.stats.bytes += content.payload.len() as u64;
        self.stats.header_bytes += content.header_len as u64;
    }

    /// The next frame that is whole and due at `now`.
    pub fn poll_frame(&mut self, now: Instant) -> Option<Frame> {
        loop {
            let Some(ready) = self.buffer.poll(now, &self.playout) else {
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
            let playout = self.playout.due(ready.timestamp, ready.arrived).unwrap_or(now);
            self.count_frame(now, &ready, format.is_video());
            self.last = Some((ready.timestamp, playout));
            self.settle();
            return Some(Frame {
                format,
                rid: self.rid.as_ref().map(|(_, rid)| rid.clone()),
                timestamp: ready.timestamp,
                captured: None,
                ssrc: Some(self.ssrc),
                began: Some(ready.began),
                arrived: Some(ready.arrived),
                playout: Some(playout),
                lost: ready.lost,
                key: ready.key,
                payload,
            });
        }
    }

    /// Takes account of a frame that is handed on.
    fn count_frame(&mut self, now: Instant, ready: &Ready, is_video: bool) {
        let stats = &mut self.stats;
        stats.frames += 1;
        if is_video && ready.key {
            stats.key_frames += 1;
            self.keys.came();
        }
        if is_video && ready.count > 1 {
            stats.frames_assembled += 1;
            stats.assembly_time += ready.arrived.saturating_duration_since(ready.began);
        }
        if is_video {
            self.flow.handle(now);
        }
        let units = if is_video { 1 } else { ready.duration };
        let buffer = &mut stats.jitter_buffer;
        buffer.emitted += u64::from(units);
        buffer.delay += now.saturating_duration_since(ready.began) * units;
        buffer.target_delay += self.playout.aimed_delay() * units;
        buffer.minimum_delay += self.playout.least_delay() * units;
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
        let before = self.stats.remote.take();
        let reports = before.as_ref().map_or(0, |remote| remote.reports) + 1;
        let round_trips = before.map(|remote| remote.round_trips).unwrap_or_default();
        self.stats.remote = Some(RemoteOutboundStats {
            reported: now,
            ntp: ntp.0,
            packets,
            bytes: octets,
            reports,
            round_trips,
        });
    }

    /// Takes in a round trip that the remote's answer to a reference time tells (RFC 3611 §4.5).
    pub fn handle_round_trip(&mut self, rtt: Duration) {
        if let Some(remote) = &mut self.stats.remote {
            remote.round_trips.add(rtt);
        }
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

    /// When a frame will leave, or one that is incomplete be given up.
    pub fn poll_release(&self) -> Option<Instant> {
        self.buffer.poll_timeout()
    }

    /// Goes on with what was agreed on anew for its payload type.
    pub fn set_codec(&mut self, codec: &Codec) {
        self.change_codec(codec);
    }

    /// Sets for how long frames are held at least.
    pub fn set_target(&mut self, target: Option<Duration>) {
        self.playout.set_target(target);
    }

    /// Takes the name that the remote gives the source.
    pub fn set_cname(&mut self, cname: &str) {
        if self.cname.as_deref() != Some(cname) {
            self.cname = Some(cname.into());
        }
    }

    /// Its canonical name, and the remote's time of what is played at `now`, but for what lip sync adds. `None` before the
    /// remote has told both, where frames leave at once, and where none came for long.
    pub fn playing(&self, now: Instant) -> Option<(&str, NtpTime)> {
        self.stats.last_packet.filter(|last| now < *last + LONGEST_SILENCE)?;
        let timestamp = self.playout.playing(now)?;
        Some((self.cname.as_deref()?, self.clock.ntp(timestamp, self.codec.clock_rate)?))
    }

    /// Sets for how long frames are held so that another stream keeps up.
    pub fn set_extra(&mut self, extra: Duration) {
        self.playout.set_extra(extra);
    }

    /// The round trip: `measured`, or else as its retransmissions show it, or what it is thought to be.
    pub fn round_trip(&self, measured: Option<Duration>) -> Duration {
        measured.or(self.repair_trips.round_trip()).unwrap_or(ASSUMED_RTT)
    }

    /// Lets frames wait for `give_up`, and where packets are asked for again, long enough for five retransmissions over
    /// the round trip that is known: `measured`, or as its retransmissions show it.
    pub fn set_patience(&mut self, give_up: Duration, measured: Option<Duration>) {
        let trip = measured.or(self.repair_trips.round_trip());
        self.repair_allowance = trip.unwrap_or(ASSUMED_RTT) * 5 / 4 + REPAIR_MARGIN;
        if !self.codec.format.is_video() || !self.codec.feedback.nack {
            return self.buffer.set_give_up(give_up);
        }
        let enough = trip.map_or(PATIENCE_IN_THE_DARK, |trip| trip * 7 + REPAIR_MARGIN);
        self.buffer.set_give_up(give_up.max(enough.min(LONGEST_GIVE_UP)));
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
            rid: self.rid.as_ref().map(|(_, rid)| rid.clone()),
            rtx_ssrc: self.rtx_ssrc,
            frames_received: self.stats.frames + self.stats.frames_received,
            flow: self.flow.stats(),
            last_frame_ntp: self
                .last
                .and_then(|(timestamp, _)| self.clock.ntp(timestamp, self.codec.clock_rate))
                .map(|ntp| ntp.0),
            last_frame_playout: self.last.map(|(_, playout)| playout),
            ..self.stats.clone()
        }
    }

    fn insert(
        &mut self,
        now: Instant,
        number: u64,
        header: &Header,
        payload: Bytes,
        codec: &Codec,
        is_repair: bool,
    ) -> bool {
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
                duration: inspection.duration.unwrap_or(codec.clock_rate / USUAL_PACKETS_PER_SECOND),
                arrived: now,
            },
        );
        if inserted == Inserted::Duplicate {
            self.stats.duplicates += 1;
            return true;
        }
        // Padding has any timestamp, and one that came too late counts too: the next shall not.
        if len > 0 {
            let at_most = is_repair.then_some(self.repair_allowance);
            self.playout.handle(now, header.timestamp, at_most);
        }
        if inspection.key && codec.format.is_video() {
            self.keys.begins(now);
        }
        if inserted == Inserted::Late {
            self.stats.late += 1;
            self.stats.discarded += 1;
        }
        if self.codec.feedback.nack
            && let Some(number) = self.buffer.lacks_before_first()
            && self.asked_before_first.is_none_or(|asked| number < asked)
        {
            let from = number.saturating_sub(ASKED_BEFORE_FIRST - 1);
            self.nacks.missing_before(now, from..number + 1);
            self.asked_before_first = Some(from);
        }
        true
    }

    /// What follows when frames were taken or given up: below the next number nothing is missed any more, and after
    /// a loss a key frame may be wanted.
    fn settle(&mut self) {
        if let Some(next) = self.buffer.next_number() {
            self.nacks.forget_below(next);
        }
        let dropped = self.buffer.take_dropped();
        self.stats.frames_dropped += dropped.frames;
        self.stats.frames_received += dropped.whole_frames;
        self.stats.discarded += dropped.packets;
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
            self.playout.set_clock_rate(codec.clock_rate);
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

/// What retransmissions take beyond their round trips: patience before asking, and pacing.
const REPAIR_MARGIN: Duration = Duration::from_millis(100);

/// A frame waits so long for what it lacks while the round trip is not known.
const PATIENCE_IN_THE_DARK: Duration = Duration::from_millis(1500);

/// However long the round trip, a frame does not wait longer.
const LONGEST_GIVE_UP: Duration = Duration::from_secs(3);

/// Nothing waits for a source from which nothing came for so long.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// So many packets are asked for before the first one seen, if that begins no frame.
const ASKED_BEFORE_FIRST: u64 = 4;

/// How many packets of sound make a second where they do not tell themselves.
const USUAL_PACKETS_PER_SECOND: u32 = 50;

fn clamp(lost: i64) -> i32 {
    i32::try_from(lost).unwrap_or(if lost < 0 { i32::MIN } else { i32::MAX })
}
