//! The receiver of one media section: tells its sources apart, gives retransmissions back to the source they belong to
//! (RFC 4588 §5.3, §8), and says what to ask the remote for (RFC 4585).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Buf;
use peerless_wire::rtcp::{self, FirRequest, FullIntraRequest, Nack, PictureLoss, ReportBlock};
use peerless_wire::rtp::{Header, Mid, Packet, PayloadType, Rid, SequenceNumber, ShortText, Ssrc};

use crate::codec::Codec;
use crate::config::ReceiveConfig;
use crate::frame::Frame;
use crate::ntp::NtpTime;
use crate::recv::playout::Bounds;
use crate::recv::sources::Sources;
use crate::recv::stream::{Content, Stream, Waits};
use crate::stats::InboundStats;
use crate::tone::ReceivedTone;

/// The receiver of one media section.
#[derive(Debug)]
pub struct Receiver {
    mid: Mid,
    config: ReceiveConfig,
    patience: Patience,
    streams: Vec<Stream>,
    /// Sources that said BYE lately.
    ended: VecDeque<(Ssrc, Instant)>,
    /// Tones that have ended and are still to be told.
    tones: VecDeque<(Ssrc, ReceivedTone)>,
    sources: Sources,
    /// For NACKs, to be reused.
    numbers: Vec<u64>,
    /// Whether the owner wants to hear of the next packet.
    is_awaited: bool,
}

/// How long frames wait for what they lack, and for their time.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Pictures of which lost packets are asked for again.
    pub video: Duration,
    /// Everything else.
    pub audio: Duration,
    /// For their time, as the path asks.
    pub bounds: Bounds,
}

/// A packet was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// The first of its source.
    First(Ssrc, PayloadType),
    /// Any other.
    More,
}

/// Why a packet was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The section has no such payload type, or no source that a retransmission could belong to.
    Unroutable,
    /// The payload is none of its format.
    Malformed,
}

impl Receiver {
    /// A receiver of nothing yet.
    pub fn new(mid: Mid, config: ReceiveConfig, patience: Patience) -> Self {
        Self {
            mid,
            config,
            patience,
            streams: Vec::new(),
            ended: VecDeque::new(),
            tones: VecDeque::new(),
            sources: Sources::default(),
            numbers: Vec::new(),
            is_awaited: false,
        }
    }

    /// The next packet of media counts as the first of its source.
    pub fn await_next(&mut self) {
        self.is_awaited = true;
    }

    /// Goes on with another configuration. Sources go on, also those that said BYE; those no codec of which is left are
    /// forgotten.
    pub fn reconfigure(&mut self, config: ReceiveConfig) {
        let before = std::mem::replace(&mut self.config, config);
        // What was negotiated anew may begin anew.
        self.ended.clear();
        let codecs = &self.config.codecs;
        let codec_of =
            |stream: &Stream| codecs.iter().find(|codec| codec.payload_type == stream.codec().payload_type);
        self.streams.retain(|stream| codec_of(stream).is_some());
        let rids = &self.config.rids;
        self.streams.retain(|stream| rids.is_empty() || rids.iter().any(|rid| stream.is_encoding(rid)));
        for stream in &mut self.streams {
            if let Some(codec) = codec_of(stream) {
                stream.set_codec(codec);
            }
            stream.set_target(self.config.jitter_buffer_target);
            // Of several encodings the first goes on as the only one (webrtc-pc §4.4.1.5); of the others only what is on its
            // way still comes, which keeps their names.
            if rids.is_empty() && before.rids.first().is_some_and(|first| stream.is_encoding(first)) {
                stream.forget_rid();
            }
        }
    }

    /// Takes in a packet of this section that came at `now`, `len` bytes long with its header.
    pub fn handle_rtp(&mut self, now: Instant, packet: Packet, len: usize) -> Result<Arrived, Refused> {
        let header_len = len.saturating_sub(packet.payload.len());
        let content = Content { payload: packet.payload, header_len };
        let header = packet.header;
        let payload_type = header.payload_type;
        if let Some(place) = self.config.codecs.iter().position(|codec| codec.payload_type == payload_type) {
            if !self.is_expected(header.ssrc, header.extensions.rid) {
                return Err(Refused::Unroutable);
            }
            let Some((_, is_new)) = self.source(now, header.ssrc, place) else {
                return Ok(Arrived::More);
            };
            if let Some(rid) = header.extensions.rid {
                name(&mut self.streams, &self.config.rids, header.ssrc, rid);
            }
            let codec = self.config.codecs.get(place).ok_or(Refused::Unroutable)?;
            // Naming may have taken the place of another.
            let index = self.streams.iter().position(|stream| stream.ssrc == header.ssrc);
            let index = index.ok_or(Refused::Unroutable)?;
            let stream = self.streams.get_mut(index).ok_or(Refused::Unroutable)?;
            if !stream.handle_media(now, &header, content, codec) {
                return Err(Refused::Malformed);
            }
            let is_first = std::mem::take(&mut self.is_awaited) || is_new;
            return Ok(if is_first { Arrived::First(header.ssrc, payload_type) } else { Arrived::More });
        }
        if self.config.telephone_events.iter().any(|event| event.payload_type == payload_type) {
            return self.handle_tones(now, &header, content);
        }
        let repaired = self.config.codecs.iter().find(|codec| codec.rtx == Some(payload_type));
        let codec = repaired.ok_or(Refused::Unroutable)?;
        let rid = header.extensions.repaired_rid;
        let stream = repaired_stream(&mut self.streams, &self.config, header.ssrc, rid);
        let stream = stream.ok_or(Refused::Unroutable)?;
        stream.handle_rtx_reception(header.sequence, &content);
        let mut content = content;
        // Less than an original number is padding: a probe of the path.
        if content.payload.len() < 2 {
            return Ok(Arrived::More);
        }
        let original = SequenceNumber(content.payload.get_u16());
        match stream.handle_repair(now, original, &header, content, codec) {
            true => Ok(Arrived::More),
            false => Err(Refused::Malformed),
        }
    }

    /// Takes in a packet of tones beside the sound of a source, which is reckoned to be coded as before, or with the best
    /// of what was agreed on where none of it came yet.
    fn handle_tones(&mut self, now: Instant, header: &Header, content: Content) -> Result<Arrived, Refused> {
        let known = self.streams.iter().find(|stream| stream.ssrc == header.ssrc).map(Stream::codec);
        let is_known = |codec: &Codec| known.is_none_or(|known| known.payload_type == codec.payload_type);
        let place = self.config.codecs.iter().position(is_known).ok_or(Refused::Unroutable)?;
        let Some((index, is_new)) = self.source(now, header.ssrc, place) else { return Ok(Arrived::More) };
        let events = &self.config.telephone_events;
        let event = events.iter().find(|event| event.payload_type == header.payload_type);
        let (codec, event) = self.config.codecs.get(place).zip(event).ok_or(Refused::Unroutable)?;
        let stream = self.streams.get_mut(index).ok_or(Refused::Unroutable)?;
        let (tones, ssrc) = (&mut self.tones, header.ssrc);
        stream.handle_tones(now, header, content, (codec, event), &mut |tone| tell(tones, ssrc, tone));
        let is_first = std::mem::take(&mut self.is_awaited) || is_new;
        Ok(if is_first { Arrived::First(ssrc, codec.payload_type) } else { Arrived::More })
    }

    /// The place of a source among those known, and whether it is new there, with the codec of this place in the
    /// configuration. `None` for one that has ended lately.
    fn source(&mut self, now: Instant, ssrc: Ssrc, codec: usize) -> Option<(usize, bool)> {
        if let Some(index) = self.streams.iter().position(|stream| stream.ssrc == ssrc) {
            return Some((index, false));
        }
        let lately = |(ended, at): &(Ssrc, Instant)| *ended == ssrc && now < *at + AFTERMATH;
        if self.ended.iter().any(lately) {
            return None;
        }
        let codec = self.config.codecs.get(codec)?;
        let target = self.config.jitter_buffer_target;
        let waits = Waits { give_up: give_up(self.patience, codec), bounds: self.patience.bounds, target };
        self.streams.push(Stream::new(now, &self.mid, ssrc, codec, waits));
        Some((self.streams.len() - 1, true))
    }

    /// The next tone of any source that has ended, by what was heard of it or because nothing more was.
    pub fn poll_tone(&mut self, now: Instant) -> Option<(Ssrc, ReceivedTone)> {
        let tones = &mut self.tones;
        for stream in &mut self.streams {
            let ssrc = stream.ssrc;
            stream.end_tones(now, &mut |tone| tell(tones, ssrc, tone));
        }
        tones.pop_front()
    }

    /// The next frame of any source that is whole and due at `now`.
    pub fn poll_frame(&mut self, now: Instant) -> Option<Frame> {
        let sources = &mut self.sources;
        self.streams.iter_mut().find_map(|stream| {
            let frame = stream.poll_frame(now)?;
            sources.heard(now, stream.ssrc, frame.timestamp, stream.take_voice(frame.timestamp));
            Some(frame)
        })
    }

    /// Whom it has heard lately.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The next feedback due at `now`, from `sender`; one packet at a time.
    pub fn poll_feedback(
        &mut self,
        now: Instant,
        sender: Ssrc,
        rtt: Option<Duration>,
    ) -> Option<rtcp::Packet> {
        self.streams.iter_mut().find_map(|stream| {
            stream.set_patience(give_up(self.patience, stream.codec()), rtt);
            let rtt = stream.round_trip(rtt);
            let feedback = stream.codec().feedback;
            let media = stream.ssrc;
            if (feedback.pli || feedback.fir) && stream.keys.take_due(now, rtt) {
                stream.count_feedback(0, u64::from(feedback.pli), u64::from(!feedback.pli));
                return Some(if feedback.pli {
                    rtcp::Packet::PictureLoss(PictureLoss { sender, media })
                } else {
                    let requests = vec![FirRequest { ssrc: media, sequence: stream.keys.next_command() }];
                    rtcp::Packet::FullIntraRequest(FullIntraRequest { sender, media: Ssrc(0), requests })
                });
            }
            self.numbers.clear();
            stream.nacks.take_due(now, rtt, MAX_NACKED, &mut self.numbers);
            if self.numbers.is_empty() {
                return None;
            }
            stream.count_feedback(1, 0, 0);
            let lost = self.numbers.iter().copied().map(SequenceNumber::from);
            Some(rtcp::Packet::Nack(Nack::new(sender, media, lost)))
        })
    }

    /// Asks for key frames of all its sources, or of that of one encoding.
    pub fn want_key_frame(&mut self, rid: Option<&Rid>) {
        let is_meant = |stream: &Stream| {
            stream.codec().format.is_video() && rid.is_none_or(|rid| stream.is_encoding(rid))
        };
        for stream in self.streams.iter_mut().filter(|stream| is_meant(stream)) {
            stream.keys.want();
        }
    }

    /// Whether packets of a source may be taken: where several encodings were agreed on, one of them is to be named by the
    /// first.
    fn is_expected(&self, ssrc: Ssrc, rid: Option<ShortText>) -> bool {
        let rids = &self.config.rids;
        rids.is_empty()
            || self.streams.iter().any(|stream| stream.ssrc == ssrc)
            || rid.is_some_and(|text| rids.iter().any(|rid| text == *rid))
    }

    /// When [`poll_frame`](Self::poll_frame) or [`poll_feedback`](Self::poll_feedback) may have something.
    pub fn poll_timeout(&self, rtt: Option<Duration>) -> Option<Instant> {
        let timeouts = |stream: &Stream| {
            let feedback = stream.codec().feedback;
            let keys =
                stream.keys.poll_timeout(stream.round_trip(rtt)).filter(|_| feedback.pli || feedback.fir);
            let waits =
                [stream.poll_release(), stream.nacks.poll_timeout(), stream.poll_tone_timeout(), keys];
            waits.into_iter().flatten().min()
        };
        self.streams.iter().filter_map(timeouts).min()
    }

    /// When a frame will leave, or one that is incomplete be given up, or a tone be taken for ended.
    pub fn poll_release(&self) -> Option<Instant> {
        let waits = |stream: &Stream| [stream.poll_release(), stream.poll_tone_timeout()];
        self.streams.iter().flat_map(waits).flatten().min()
    }

    /// Takes in a sender report; false if the source is not known.
    pub fn handle_sender_report(&mut self, now: Instant, report: &rtcp::SenderReport) -> bool {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == report.ssrc) else {
            return false;
        };
        stream.handle_sender_report(
            now,
            NtpTime(report.ntp),
            report.rtp_timestamp,
            report.packets,
            report.octets,
        );
        true
    }

    /// Takes in a round trip to the source `ssrc`, if it is one of its own.
    pub fn handle_round_trip(&mut self, ssrc: Ssrc, rtt: Duration) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.handle_round_trip(rtt);
        }
    }

    /// The report blocks on what was heard since this was last called.
    pub fn take_report_blocks(&mut self, now: Instant, blocks: &mut VecDeque<ReportBlock>) {
        for stream in &mut self.streams {
            blocks.extend(stream.take_report_blocks(now));
        }
    }

    /// Forgets a source. False if it was not known.
    pub fn remove_source(&mut self, ssrc: Ssrc) -> bool {
        let before = self.streams.len();
        self.streams.retain(|stream| stream.ssrc != ssrc);
        self.streams.len() < before
    }

    /// Forgets a source that said BYE; packets of it that were overtaken do not bring it back. False if it was not known.
    pub fn end_source(&mut self, now: Instant, ssrc: Ssrc) -> bool {
        let was_known = self.remove_source(ssrc);
        if was_known {
            self.ended.truncate(MAX_ENDED - 1);
            self.ended.push_front((ssrc, now));
        }
        was_known
    }

    /// The name that the remote gives a source.
    pub fn set_cname(&mut self, ssrc: Ssrc, cname: &str) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.set_cname(cname);
        }
    }

    /// What its sources are played in step with.
    pub fn sync_group(&self) -> Option<&str> {
        self.config.sync_group.as_deref()
    }

    /// Its sources.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter()
    }

    /// One of its sources.
    pub fn stream(&self, place: usize) -> Option<&Stream> {
        self.streams.get(place)
    }

    /// Sets for how long frames of one of its sources are held for the sake of another.
    pub fn set_extra(&mut self, place: usize, extra: Duration) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.set_extra(extra);
        }
    }

    /// Sets for how long frames are held at least.
    pub fn set_jitter_buffer_target(&mut self, target: Option<Duration>) {
        self.config.jitter_buffer_target = target;
        self.streams.iter_mut().for_each(|stream| stream.set_target(target));
    }

    /// Its media section.
    pub fn mid(&self) -> &Mid {
        &self.mid
    }

    /// Its configuration.
    pub fn config(&self) -> &ReceiveConfig {
        &self.config
    }

    /// Whether pictures come to it.
    pub fn has_video(&self) -> bool {
        self.config.codecs.iter().any(|codec| codec.format.is_video())
    }

    /// Whether the remote wants to know when packets with transport-wide numbers arrive.
    pub fn tells_arrivals(&self) -> bool {
        self.config.codecs.iter().any(|codec| codec.feedback.transport_cc)
    }

    /// Snapshots of the counts of its sources.
    pub fn stats(&self) -> impl Iterator<Item = InboundStats> + '_ {
        self.streams.iter().map(Stream::stats)
    }
}

/// Keeps a tone to be told of; of too many, the oldest is forgotten.
fn tell(tones: &mut VecDeque<(Ssrc, ReceivedTone)>, ssrc: Ssrc, tone: ReceivedTone) {
    if tones.len() >= MAX_TONES {
        tones.pop_front();
    }
    tones.push_back((ssrc, tone));
}

/// Takes the name of a source's encoding. Where several were agreed on, each has one source: that of before gives way
/// (RFC 8852 §3).
fn name(streams: &mut Vec<Stream>, rids: &[Rid], ssrc: Ssrc, rid: ShortText) {
    let is_agreed = rids.iter().any(|known| rid == *known);
    let is_known = |stream: &Stream| stream.ssrc == ssrc && stream.rid() == Some(rid);
    if (!rids.is_empty() && !is_agreed) || streams.iter().any(is_known) {
        return;
    }
    if is_agreed {
        streams.retain(|stream| stream.ssrc == ssrc || stream.rid() != Some(rid));
    }
    if let Some(stream) = streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
        stream.set_rid(rid);
    }
}

/// The source whose packets are sent again from `rtx_ssrc`: as the description says, or as learnt before, or that of
/// the encoding the packet says it repairs (RFC 8852 §4.1), or the source heard last of those that have none yet.
fn repaired_stream<'a>(
    streams: &'a mut [Stream],
    config: &ReceiveConfig,
    rtx_ssrc: Ssrc,
    rid: Option<ShortText>,
) -> Option<&'a mut Stream> {
    let named = config.ssrcs.iter().find(|(_, rtx)| *rtx == Some(rtx_ssrc)).map(|(media, _)| *media);
    let is_free = |stream: &Stream| stream.rtx_ssrc.is_none() && stream.ssrc != rtx_ssrc;
    let index = match named {
        Some(media) => streams.iter().position(|stream| stream.ssrc == media),
        None => streams.iter().position(|stream| stream.rtx_ssrc == Some(rtx_ssrc)).or_else(|| match rid {
            Some(rid) => streams.iter().rposition(|stream| stream.rid() == Some(rid)),
            // Where there are several encodings, each retransmission says of which it is.
            None if !config.rids.is_empty() => None,
            None => streams.iter().rposition(is_free),
        }),
    };
    let stream = streams.get_mut(index?)?;
    stream.rtx_ssrc = Some(rtx_ssrc);
    Some(stream)
}

/// Without retransmissions there is nothing to wait for but reordered packets.
fn give_up(patience: Patience, codec: &Codec) -> Duration {
    if codec.format.is_video() && codec.feedback.nack { patience.video } else { patience.audio }
}

/// The most tones that wait to be told of.
const MAX_TONES: usize = 64;

/// The most sources that ended to be remembered.
const MAX_ENDED: usize = 16;

/// For so long after a BYE packets of its source are taken for late ones (RFC 3550 §6.3.4).
const AFTERMATH: Duration = Duration::from_secs(2);

/// The most packets asked for in one NACK: with the largest gaps it is 4 bytes for each.
const MAX_NACKED: usize = 128;
