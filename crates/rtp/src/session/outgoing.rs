//! What is sent next: farewells, reports and feedback first, then sound, retransmissions and pictures, the last two as
//! the pacer allows.

use std::time::Instant;

use bytes::BytesMut;
use peerless_wire::rtcp::{ExtendedReport, Goodbye, Packet, XrBlock, parse_compound};

use crate::cc::pacing_rate;
use crate::recv::Receiver;
use crate::report::{Load, Round};
use crate::send::{Sender, Stamp};
use crate::session::control::append;
use crate::session::event::{Event, PacketKind};
use crate::session::state::State;

impl State {
    /// Appends the next packet to `out`.
    pub fn poll_packet(&mut self, now: Instant, out: &mut BytesMut) -> Option<PacketKind> {
        if self.write_control(now, out) {
            return Some(PacketKind::Rtcp);
        }
        if !self.is_closed && self.write_media(now, out) {
            return Some(PacketKind::Rtp);
        }
        self.urgent = None;
        None
    }

    /// When [`poll_packet`](Self::poll_packet) may have something, if it gave `None` last.
    pub fn poll_send_timeout(&self) -> Option<Instant> {
        let has_streams = !self.senders.is_empty() || !self.receivers.is_empty();
        let reports = self.schedule.poll_timeout().filter(|_| has_streams);
        let waits = |sender: &Sender| sender.waits_since();
        let queued = self.senders.iter().filter_map(waits).min();
        let sound = self.senders.iter().filter(|sender| !is_video(sender)).filter_map(waits).min();
        let tones = self.senders.iter().filter_map(Sender::poll_tone_timeout).min();
        // While the pacer is held, pictures wait for it; sound does not.
        let media = match self.pacer.opens().filter(|_| self.config.pacing) {
            Some(opens) if queued.is_some() || self.senders.iter().any(Sender::has_again) => Some(opens),
            _ => queued,
        };
        [reports, self.arrivals.poll_timeout(), media, sound, tones, self.urgent].into_iter().flatten().min()
    }

    fn write_media(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        let queued = self.senders.iter().map(Sender::queued_bytes).sum();
        self.pacer.set_rate(pacing_rate(self.bitrate(), queued));
        let stamp = Stamp { now, clock: self.clock, transport: self.sent.next_number() };
        let Some((index, len)) = self.write_next(&stamp, out) else { return false };
        self.pacer.sent(now, len);
        if let Some(sender) = self.senders.get(index) {
            if sender.numbers_transport() {
                self.sent.sent(now, len);
            }
            if sender.is_first_sent() {
                self.schedule.hasten(now);
            }
        }
        true
    }

    /// Sound at once; then what is to be sent again and, of pictures, what waits longest, if the pacer is open. Which
    /// sender it was and how many bytes.
    fn write_next(&mut self, stamp: &Stamp, out: &mut BytesMut) -> Option<(usize, usize)> {
        for (index, sender) in self.senders.iter_mut().enumerate().filter(|(_, sender)| !is_video(sender)) {
            if let Some(len) = sender.write_next(stamp, out) {
                return Some((index, len));
            }
        }
        if self.config.pacing && !self.pacer.is_open(stamp.now) {
            return None;
        }
        for (index, sender) in self.senders.iter_mut().enumerate() {
            while sender.has_again() {
                if let Some(len) = sender.write_again(stamp, out) {
                    return Some((index, len));
                }
            }
        }
        let waiting =
            self.senders.iter_mut().enumerate().filter(|(_, sender)| sender.waits_since().is_some());
        let (index, sender) = waiting.min_by_key(|(_, sender)| sender.waits_since())?;
        Some((index, sender.write_next(stamp, out)?))
    }

    /// Appends a compound packet if something is to be said: all that is due and fits.
    fn write_control(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        let (limit, start) = (self.config.mtu, out.len());
        if let Some(goodbye) = self.take_goodbye() {
            let source = goodbye.ssrcs.first().copied().unwrap_or(self.own_source);
            Round::default().write(source, &mut self.desk, limit, out);
            goodbye.write(out);
            self.count_compound(out, start);
            return true;
        }
        if self.is_closed {
            return false;
        }
        self.begin_round(now);
        self.gather_feedback(now);
        let reporter = self.reporter();
        if self.is_reporting {
            self.round.write(reporter, &mut self.desk, limit, out);
            self.is_reporting = !self.round.is_empty();
        } else if self.feedback.is_empty() {
            return false;
        } else if !self.has_reduced_size() {
            Round::default().write(reporter, &mut self.desk, limit, out);
        }
        while let Some(packet) = self.feedback.pop_front() {
            let before = out.len();
            packet.write(out);
            if out.len() - start > limit && before > start {
                out.truncate(before);
                self.feedback.push_front(packet);
                break;
            }
            if let Packet::TransportFeedback(feedback) = packet {
                self.arrivals.recycle(feedback);
            }
        }
        self.count_compound(out, start);
        true
    }

    /// Takes account of the compound packet written to `out[start..]`.
    fn count_compound(&mut self, out: &BytesMut, start: usize) {
        self.counts.rtcp_sent += 1;
        self.schedule.count(out.len() - start);
        self.is_own_source_used |= self.reporter() == self.own_source;
        if self.config.diagnostics {
            let mut summary = String::new();
            let written = out.get(start..).unwrap_or_default();
            parse_compound(written).flatten().for_each(|packet| append(&mut summary, &packet));
            self.tell(Event::Rtcp { sent: true, summary });
        }
    }

    /// Up to 31 of the sources that are to say BYE (RFC 3550 §6.6).
    fn take_goodbye(&mut self) -> Option<Goodbye> {
        if self.goodbyes.is_empty() {
            return None;
        }
        let count = self.goodbyes.len().min(MAX_GOODBYES);
        Some(Goodbye { ssrcs: self.goodbyes.drain(..count).collect(), reason: None })
    }

    /// Begins a round of reports if one is due.
    fn begin_round(&mut self, now: Instant) {
        let load = Load { has_video: self.has_video(), bitrate: self.bitrate() };
        let has_streams = !self.senders.is_empty() || !self.receivers.is_empty();
        if !has_streams || self.is_reporting || !self.schedule.take_due(now, load) {
            return;
        }
        let ntp = self.clock.ntp(now);
        let Round { reports, blocks } = &mut self.round;
        self.receivers.iter_mut().for_each(|receiver| receiver.take_report_blocks(now, blocks));
        reports.extend(self.senders.iter().flat_map(|sender| sender.reports(now, ntp)));
        self.is_reporting = true;
        let answers = self.take_reference_answers(now);
        let mut extended = Vec::new();
        if !answers.is_empty() {
            extended.push(XrBlock::Dlrr(answers));
        }
        let asks_time = |receiver: &Receiver| receiver.config().reference_time;
        if self.senders.is_empty() && self.receivers.iter().any(asks_time) {
            extended.push(XrBlock::ReceiverReferenceTime(ntp.0));
        }
        if !extended.is_empty() {
            let report = ExtendedReport { ssrc: self.reporter(), blocks: extended };
            self.feedback.push_back(Packet::ExtendedReport(report));
        }
    }

    /// Gathers the feedback that is due, so much that one packet is filled.
    fn gather_feedback(&mut self, now: Instant) {
        let (reporter, rtt) = (self.reporter(), self.feedback_rtt());
        for receiver in &mut self.receivers {
            while self.feedback.len() < MAX_FEEDBACK
                && let Some(packet) = receiver.poll_feedback(now, reporter, rtt)
            {
                self.feedback.push_back(packet);
            }
        }
        let room = self.config.mtu.saturating_sub(REPORT_ROOM);
        if self.feedback.len() < MAX_FEEDBACK
            && let Some(feedback) = self.arrivals.take_due(now, reporter, room)
        {
            self.feedback.push_back(Packet::TransportFeedback(feedback));
        }
    }
}

/// Whether pictures come from it, and so wait for the pacer.
fn is_video(sender: &Sender) -> bool {
    sender.config().codec.format.is_video()
}

/// The most sources of one BYE.
const MAX_GOODBYES: usize = 31;

/// The most feedback that waits for room.
const MAX_FEEDBACK: usize = 32;

/// What a report in front of feedback may take.
const REPORT_ROOM: usize = 100;
