//! One sender: cuts frames into packets, writes their headers when they leave (RFC 3550 §5.1), sends again what the
//! remote misses (RFC 4588), and keeps the counts that reports and stats are made of.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_wire::rtcp::{Nack, ReportBlock, SenderReport};
use peerless_wire::rtp::{
    AbsCaptureTime, AudioLevel, Csrcs, ExtensionKind, Extensions, Header, Mid, PayloadType, SequenceNumber,
    ShortText, Ssrc,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::codec::TelephoneEvent;
use crate::config::SendConfig;
use crate::frame::Frame;
use crate::ntp::{NtpTime, ShortNtp, WallClock};
use crate::payload::{self, Packetizer};
use crate::send::allowance::Allowance;
use crate::send::counts::{Counts, extrapolate};
use crate::send::history::History;
use crate::send::keyframe::KeyFrames;
use crate::send::limit::payload_limit;
use crate::send::queue::Queue;
use crate::send::rate::Rate;
use crate::send::record::Record;
use crate::send::tones::{Clocks, TonePacket, Tones};
use crate::stats::{OutboundStats, RemoteInboundStats};
use crate::tone::Tone;

/// What every packet that leaves at one moment is stamped with.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The moment.
    pub now: Instant,
    /// Tells its wall-clock time.
    pub clock: WallClock,
    /// The transport-wide number, taken if the sender's packets carry one.
    pub transport: SequenceNumber,
}

/// The sender of one media section, or of one of its encodings.
#[derive(Debug)]
pub struct Sender {
    mid: Mid,
    /// MID and RID as they are written.
    mid_text: Option<ShortText>,
    rid_text: Option<ShortText>,
    config: SendConfig,
    packetizer: Packetizer,
    /// Payload bytes a packet may have.
    limit: usize,
    timestamp_offset: u32,
    /// The extended number of the first packet.
    first: u64,
    /// The extended number of the next packet.
    next: u64,
    rtx_next: SequenceNumber,
    queue: Queue,
    history: Option<History>,
    keys: KeyFrames,
    /// Whether frames are dropped up to the next key frame.
    starved: bool,
    /// The timestamp of the newest frame and when it was captured: a point of the RTP clock.
    newest: Option<(u32, Instant)>,
    level: Option<AudioLevel>,
    tones: Tones,
    /// Whether the remote has reported on the source, and so knows its media section.
    is_known: bool,
    is_rtx_known: bool,
    capture_told: Option<Instant>,
    allowance: Allowance,
    /// What the remote asked for.
    target_bitrate: Option<u64>,
    /// What is reckoned with before it asks.
    assumed_bitrate: u64,
    given: Rate,
    media: Counts,
    again: Counts,
    rtx: Counts,
    send_delay: Duration,
    frames: u64,
    key_frames: u64,
    frames_dropped: u64,
    nacks: u64,
    plis: u64,
    firs: u64,
    last_sent: Option<Instant>,
    remote: Option<RemoteInboundStats>,
}

/// Where the numbers of a source and of its retransmissions stand. They go on when the source sends again after a
/// pause: the same numbers under the same keys would be taken for a replay, and give the plaintext away
/// (RFC 3711 §3.3.1, §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    timestamp_offset: u32,
    /// The extended number of the next packet.
    next: u64,
    rtx_next: SequenceNumber,
}

impl Sender {
    /// A sender whose packets are at most `mtu` bytes long. Numbers and timestamps start at random, sequence numbers
    /// in the lower half so that they do not turn over at once (RFC 3711 §3.3.1).
    pub fn new(
        now: Instant,
        mid: Mid,
        config: SendConfig,
        mtu: usize,
        assumed_bitrate: u64,
        rng: &mut ChaCha20Rng,
    ) -> Self {
        let packetizer = Packetizer::new(config.codec.format, rng.next_u32() as u16);
        let timestamp_offset = rng.next_u32();
        let first = u64::from(rng.next_u32() & 0x7fff);
        Self {
            packetizer,
            limit: payload_limit(&mid, &config, mtu),
            timestamp_offset,
            first,
            next: first,
            rtx_next: SequenceNumber(rng.next_u32() as u16 & 0x7fff),
            queue: Queue::default(),
            history: config.codec.feedback.nack.then(History::new),
            keys: KeyFrames::default(),
            starved: false,
            newest: None,
            level: None,
            tones: Tones::default(),
            is_known: false,
            is_rtx_known: false,
            capture_told: None,
            allowance: Allowance::new(now, assumed_bitrate),
            target_bitrate: None,
            assumed_bitrate,
            given: Rate::new(now),
            media: Counts::default(),
            again: Counts::default(),
            rtx: Counts::default(),
            send_delay: Duration::ZERO,
            frames: 0,
            key_frames: 0,
            frames_dropped: 0,
            nacks: 0,
            plis: 0,
            firs: 0,
            last_sent: None,
            remote: None,
            mid_text: ShortText::new(mid.as_str()),
            rid_text: config.rid.as_ref().and_then(|rid| ShortText::new(rid.as_str())),
            mid,
            config,
        }
    }

    /// Goes on with another configuration of the same source. What waits is sent with the new payload type, unless nothing
    /// is to be sent any more.
    pub fn reconfigure(&mut self, config: SendConfig, mtu: usize, rng: &mut ChaCha20Rng) {
        if self.config.active && !config.active {
            self.frames_dropped += self.queue.clear();
            self.starved = config.codec.format.is_video();
            self.keys = KeyFrames::default();
            self.history = None;
        }
        if config.codec.format != self.config.codec.format {
            self.packetizer = Packetizer::new(config.codec.format, rng.next_u32() as u16);
            self.frames_dropped += self.queue.drop_unsent();
            self.starved = config.codec.format.is_video();
        }
        match (config.codec.feedback.nack, &self.history) {
            (true, None) => self.history = Some(History::new()),
            (false, Some(_)) => self.history = None,
            _ => {}
        }
        if !config.active || config.telephone_events != self.config.telephone_events {
            self.tones.clear();
        }
        self.limit = payload_limit(&self.mid, &config, mtu);
        let SendConfig { active, max_bitrate, share, .. } = config;
        let retuned = SendConfig { active, max_bitrate, share, ..self.config.clone() };
        if config == self.config || config != retuned {
            (self.is_known, self.is_rtx_known) = (false, false);
        }
        self.rid_text = config.rid.as_ref().and_then(|rid| ShortText::new(rid.as_str()));
        self.config = config;
    }

    /// Cuts a frame into packets that wait. Where too much waits already, sound drops its oldest, and a picture is
    /// dropped unless it is a key frame, which takes the place of what waits. A tone takes the place of sound.
    pub fn push(&mut self, now: Instant, frame: &Frame) -> Result<(), payload::Error> {
        let is_video = frame.format.is_video();
        if is_video && (self.starved || self.queue.is_full(now)) {
            if !frame.key {
                self.frames_dropped += 1;
                self.starved = true;
                return Ok(());
            }
            self.frames_dropped += self.queue.drop_unsent();
        }
        let timestamp = self.timestamp_offset.wrapping_add(frame.timestamp);
        let captured = frame.captured.unwrap_or(now);
        if self.tones.is_playing() {
            self.newest = Some((timestamp, captured));
            return Ok(());
        }
        let (mut begins, queue) = (true, &mut self.queue);
        self.packetizer.packetize(frame, self.limit, &mut |fragment| {
            let key = is_video && frame.key;
            queue.push(Record { fragment, timestamp, begins, ends: false, key, captured, queued: now });
            begins = false;
        })?;
        self.queue.end_frame();
        self.newest = Some((timestamp, captured));
        self.given.count(now, frame.payload.len());
        if frame.key {
            self.starved = false;
            self.keys.given();
        }
        if !is_video {
            self.frames_dropped += self.queue.drop_oldest();
        }
        Ok(())
    }

    /// Plays a tone in place of sound from `now` on. False where none was agreed on, or too many are being played.
    pub fn play_tone(&mut self, now: Instant, tone: Tone, length: Duration) -> bool {
        let clock_rate = self.config.codec.clock_rate;
        let Some(event) = self.telephone_event() else { return false };
        // It has its place on the clock of the sound (RFC 4733 §2.1).
        let (newest, captured) = *self.newest.get_or_insert((self.timestamp_offset, now));
        let timestamp = extrapolate(newest, captured, now, clock_rate);
        let clocks = Clocks { timestamps: clock_rate, lengths: event.clock_rate };
        self.tones.play(now, timestamp, tone, length, clocks)
    }

    /// When the next packet of a tone is due.
    pub fn poll_tone_timeout(&self) -> Option<Instant> {
        self.tones.poll_timeout()
    }

    /// Whether frames are being dropped up to the next key frame.
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// Appends the next packet that waits to `out`; how many bytes it has.
    pub fn write_next(&mut self, stamp: &Stamp, out: &mut BytesMut) -> Option<usize> {
        if let Some(packet) = self.tones.take(stamp.now) {
            return self.write_tone(packet, stamp, out);
        }
        let record = self.queue.pop()?;
        let start = out.len();
        let header = self.header(&record, stamp, SequenceNumber::from(self.next));
        header.write(&self.config.extensions, out);
        let header_len = out.len() - start;
        record.fragment.write(out);
        self.media.add(header_len, record.fragment.len());
        self.last_sent = Some(stamp.now);
        self.send_delay += stamp.now.saturating_duration_since(record.queued);
        if record.ends {
            self.frames += 1;
            self.key_frames += u64::from(record.key);
            if record.key {
                self.keys.sent(stamp.now);
            }
        }
        if let Some(history) = &mut self.history {
            history.push(stamp.now, self.next, record);
        }
        self.next += 1;
        Some(out.len() - start)
    }

    /// Appends a packet of a tone: the next of the source, with the payload type of tones (RFC 4733 §2.1).
    fn write_tone(&mut self, packet: TonePacket, stamp: &Stamp, out: &mut BytesMut) -> Option<usize> {
        let payload_type = self.telephone_event()?.payload_type;
        let start = out.len();
        let header = Header {
            marker: packet.marker,
            payload_type,
            sequence: SequenceNumber::from(self.next),
            timestamp: packet.timestamp,
            ssrc: self.config.ssrc,
            csrcs: Csrcs::new(),
            extensions: Extensions {
                mid: self.mid_text(self.is_known),
                abs_send_time: Some(stamp.clock.ntp(stamp.now).abs_send_time()),
                transport_sequence: Some(stamp.transport.0),
                ..Extensions::default()
            },
        };
        header.write(&self.config.extensions, out);
        let header_len = out.len() - start;
        let payload = packet.report.write();
        out.extend_from_slice(&payload);
        self.media.add(header_len, payload.len());
        self.last_sent = Some(stamp.now);
        self.next += 1;
        Some(out.len() - start)
    }

    fn telephone_event(&self) -> Option<TelephoneEvent> {
        TelephoneEvent::beside(&self.config.telephone_events, self.config.codec.clock_rate)
    }

    /// Appends the next packet that is to be sent again to `out`; how many bytes it has. `None` also where that would
    /// exceed what retransmissions may take, as much as the bitrate; then the packet has to be asked for anew.
    pub fn write_again(&mut self, stamp: &Stamp, out: &mut BytesMut) -> Option<usize> {
        let bitrate = self.bitrate();
        let history = self.history.as_mut()?;
        let bytes = history.next_asked()?;
        let allowed = self.allowance.take(stamp.now, bitrate, bytes);
        let (sequence, record) = history.take_asked(stamp.now)?;
        if !allowed {
            return None;
        }
        let record = record.clone();
        let start = out.len();
        let mut header = self.header(&record, stamp, sequence);
        let rtx = self.rtx();
        if let Some((payload_type, ssrc)) = rtx {
            header.payload_type = payload_type;
            header.ssrc = ssrc;
            header.sequence = self.rtx_next;
            header.extensions.mid = self.mid_text(self.is_rtx_known);
            // RFC 8852 §4.1: a retransmission names the encoding that it repairs.
            header.extensions.rid = None;
            header.extensions.repaired_rid = self.rid_text.filter(|_| !self.is_rtx_known);
            self.rtx_next = self.rtx_next.next();
        }
        header.write(&self.config.extensions, out);
        let header_len = out.len() - start;
        if rtx.is_some() {
            // RFC 4588 §4: the original sequence number in front of the original payload.
            out.extend_from_slice(&sequence.0.to_be_bytes());
        }
        record.fragment.write(out);
        let payload_len = out.len() - start - header_len;
        self.again.add(header_len, payload_len);
        if rtx.is_some() { &mut self.rtx } else { &mut self.media }.add(header_len, payload_len);
        Some(out.len() - start)
    }

    /// Takes in a NACK for this source.
    pub fn handle_nack(&mut self, now: Instant, nack: &Nack, rtt: Duration) {
        self.nacks += 1;
        if let Some(history) = &mut self.history {
            nack.lost().for_each(|sequence| history.ask(now, sequence, rtt));
        }
    }

    /// Takes in a PLI for this source; true if the encoder is to be asked.
    pub fn handle_picture_loss(&mut self, now: Instant, rtt: Duration) -> bool {
        self.plis += 1;
        !self.queue.has_key() && self.ask_key_frame(now, rtt)
    }

    /// Takes in a FIR command for this source; true if the encoder is to be asked.
    pub fn handle_intra_request(&mut self, now: Instant, from: Ssrc, sequence: u8, rtt: Duration) -> bool {
        if !self.keys.is_new_command(from, sequence) {
            return false;
        }
        self.firs += 1;
        !self.queue.has_key() && self.ask_key_frame(now, rtt)
    }

    /// Whether the encoder is to be asked for a key frame now; then it counts as asked.
    pub fn ask_key_frame(&mut self, now: Instant, rtt: Duration) -> bool {
        self.config.active && self.config.codec.format.is_video() && self.keys.ask(now, rtt)
    }

    /// Takes in what the remote reports on one of this sender's sources; the round trip, where it can be told.
    pub fn handle_report(
        &mut self,
        now: Instant,
        arrived: ShortNtp,
        block: &ReportBlock,
    ) -> Option<Duration> {
        if Some(block.ssrc) == self.config.rtx_ssrc {
            self.is_rtx_known = true;
            return None;
        }
        self.is_known = true;
        let rtt = arrived.round_trip(ShortNtp(block.last_report), ShortNtp(block.delay_since_last_report));
        let clock_rate = u64::from(self.config.codec.clock_rate.max(1));
        let before = self.remote.take();
        let (old_rtt, total, measurements) =
            before.map_or_else(Default::default, |old| (old.rtt, old.total_rtt, old.rtt_measurements));
        self.remote = Some(RemoteInboundStats {
            reported: now,
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            lost: i64::from(block.lost),
            jitter: Duration::from_nanos(u64::from(block.jitter) * 1_000_000_000 / clock_rate),
            rtt: rtt.or(old_rtt),
            total_rtt: total + rtt.unwrap_or_default(),
            rtt_measurements: measurements + u64::from(rtt.is_some()),
            highest_sequence: block.highest_sequence,
            packets: self.arrived(block),
        });
        rtt
    }

    /// The sender reports due at `now`, of the source and of its retransmissions (RFC 3550 §6.4.1); of neither if it
    /// has sent nothing for [`SILENT`].
    ///
    /// The timestamp is that of the moment of the report, told from when the newest frame was captured.
    pub fn reports(&self, now: Instant, ntp: NtpTime) -> impl Iterator<Item = SenderReport> {
        let is_active = self.last_sent.is_some_and(|sent| now.saturating_duration_since(sent) < SILENT);
        let newest = self.newest.filter(|_| is_active && self.media.packets > 0);
        let rtx = self.config.rtx_ssrc.filter(|_| self.rtx.packets > 0);
        let sources = [Some((self.config.ssrc, self.media)), rtx.map(|ssrc| (ssrc, self.rtx))];
        let clock_rate = self.config.codec.clock_rate;
        newest.into_iter().flat_map(move |(timestamp, captured)| {
            let rtp_timestamp = extrapolate(timestamp, captured, now, clock_rate);
            sources.into_iter().flatten().map(move |(ssrc, counts)| SenderReport {
                ssrc,
                ntp: ntp.0,
                rtp_timestamp,
                packets: counts.packets as u32,
                octets: counts.bytes as u32,
                blocks: Vec::new(),
                extension: Vec::new(),
            })
        })
    }

    /// Where the numbers of its sources stand.
    pub fn numbers(&self) -> Numbers {
        Numbers { timestamp_offset: self.timestamp_offset, next: self.next, rtx_next: self.rtx_next }
    }

    /// Takes up its sources where an earlier sender of them left off.
    pub fn go_on(&mut self, numbers: Numbers) {
        self.timestamp_offset = numbers.timestamp_offset;
        self.next = numbers.next;
        self.rtx_next = numbers.rtx_next;
    }

    /// Its sources from which something was sent: those that say BYE.
    pub fn used_sources(&self) -> impl Iterator<Item = Ssrc> {
        let media = Some(self.config.ssrc).filter(|_| self.media.packets > 0);
        media.into_iter().chain(self.config.rtx_ssrc.filter(|_| self.rtx.packets > 0))
    }

    /// Whether `ssrc` is its source or that of its retransmissions.
    pub fn owns(&self, ssrc: Ssrc) -> bool {
        self.config.ssrc == ssrc || self.config.rtx_ssrc == Some(ssrc)
    }

    /// Sets how loud the next packets are.
    pub fn set_level(&mut self, level: Option<AudioLevel>) {
        self.level = level;
    }

    /// Sets the bitrate that the remote asked its encoder to keep to.
    pub fn set_target_bitrate(&mut self, bitrate: Option<u64>) {
        self.target_bitrate = bitrate;
    }

    /// The bitrate that its encoder is to keep to, for the remote asked so or it was told to take no more; `None` while
    /// neither is known.
    pub fn target_bitrate(&self) -> Option<u64> {
        [self.target_bitrate, self.config.max_bitrate].into_iter().flatten().min()
    }

    /// The bitrate to reckon with: what the remote asked for, or else what is handed in. None where it is not sent.
    pub fn bitrate(&self) -> u64 {
        if !self.config.active {
            return 0;
        }
        let assumed =
            self.config.max_bitrate.map_or(self.assumed_bitrate, |most| most.min(self.assumed_bitrate));
        self.target_bitrate.unwrap_or_else(|| self.given.bps().max(assumed))
    }

    /// Its media section.
    pub fn mid(&self) -> &Mid {
        &self.mid
    }

    /// Its configuration.
    pub fn config(&self) -> &SendConfig {
        &self.config
    }

    /// Whether its packets carry transport-wide numbers.
    pub fn numbers_transport(&self) -> bool {
        self.config.extensions.has(ExtensionKind::TransportSequence)
    }

    /// Since when its next packet waits.
    pub fn waits_since(&self) -> Option<Instant> {
        self.queue.front().map(|record| record.queued)
    }

    /// Payload bytes that wait.
    pub fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Whether a packet is to be sent again.
    pub fn has_again(&self) -> bool {
        self.history.as_ref().is_some_and(History::has_asked)
    }

    /// Whether just one packet was sent so far.
    pub fn is_first_sent(&self) -> bool {
        self.media.packets == 1
    }

    /// A snapshot of its counts.
    pub fn stats(&self) -> OutboundStats {
        let both = |count: fn(&Counts) -> u64| {
            count(&self.media) + if self.rtx().is_some() { count(&self.rtx) } else { 0 }
        };
        OutboundStats {
            mid: self.mid.clone(),
            rid: self.config.rid.clone(),
            active: self.config.active,
            ssrc: self.config.ssrc,
            rtx_ssrc: self.rtx().map(|(_, ssrc)| ssrc),
            format: self.config.codec.format,
            payload_type: self.config.codec.payload_type,
            packets: both(|counts| counts.packets),
            bytes: both(|counts| counts.bytes),
            header_bytes: both(|counts| counts.header_bytes),
            send_delay: self.send_delay,
            retransmitted_packets: self.again.packets,
            retransmitted_bytes: self.again.bytes,
            frames: self.frames,
            key_frames: self.key_frames,
            frames_dropped: self.frames_dropped,
            queued_packets: self.queue.len(),
            nacks: self.nacks,
            plis: self.plis,
            firs: self.firs,
            target_bitrate: self.target_bitrate(),
            remote: self.remote.clone(),
        }
    }

    fn header(&mut self, record: &Record, stamp: &Stamp, sequence: SequenceNumber) -> Header {
        Header {
            marker: record.fragment.marker,
            payload_type: self.config.codec.payload_type,
            sequence,
            timestamp: record.timestamp,
            ssrc: self.config.ssrc,
            csrcs: Csrcs::new(),
            extensions: Extensions {
                mid: self.mid_text(self.is_known),
                rid: self.rid_text.filter(|_| !self.is_known),
                abs_send_time: Some(stamp.clock.ntp(stamp.now).abs_send_time()),
                transport_sequence: Some(stamp.transport.0),
                audio_level: self.level,
                abs_capture_time: self.capture_time(record, stamp),
                ..Extensions::default()
            },
        }
    }

    /// The MID, until the remote has shown that it knows the source (RFC 9143 §15.1).
    fn mid_text(&self, is_known: bool) -> Option<ShortText> {
        self.mid_text.filter(|_| !is_known)
    }

    /// When the frame was captured, on the first packet of a frame about once a second.
    fn capture_time(&mut self, record: &Record, stamp: &Stamp) -> Option<AbsCaptureTime> {
        let told = |at| stamp.now.saturating_duration_since(at) < CAPTURE_TIME_INTERVAL;
        if !record.begins || self.capture_told.is_some_and(told) {
            return None;
        }
        self.capture_told = Some(stamp.now);
        Some(AbsCaptureTime { timestamp: stamp.clock.ntp(record.captured).0, clock_offset: None })
    }

    /// How many packets a report says have arrived (webrtc-stats §8.4, `packetsReceived`). The remote's count of turns
    /// begins when it first hears us, so only where in its turn the highest number lies is of use.
    fn arrived(&self, block: &ReportBlock) -> u64 {
        let Some(newest) = self.next.checked_sub(1).filter(|newest| *newest >= self.first) else { return 0 };
        let behind = (newest as u16).wrapping_sub(block.highest_sequence as u16);
        let heard = (newest + 1).saturating_sub(self.first + u64::from(behind));
        heard.saturating_add_signed(-i64::from(block.lost))
    }

    /// Payload type and source of retransmissions, where both are agreed on.
    fn rtx(&self) -> Option<(PayloadType, Ssrc)> {
        self.config.codec.rtx.zip(self.config.rtx_ssrc)
    }
}

/// One that has sent nothing for so long, two to three reports, is no sender any more (RFC 3550 §6.3.8).
const SILENT: Duration = Duration::from_millis(2500);

/// How often the capture time is told.
const CAPTURE_TIME_INTERVAL: Duration = Duration::from_secs(1);
