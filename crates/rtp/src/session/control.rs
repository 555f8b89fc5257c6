//! What arriving RTCP does (RFC 3550 §6.4 to §6.6, RFC 4585, RFC 5104, RFC 3611).

use std::time::Instant;

use peerless_wire::rtcp::{
    DlrrBlock, ExtendedReport, FullIntraRequest, Goodbye, Packet, Remb, ReportBlock, SenderReport,
    SourceDescription, XrBlock, check_compound, parse_compound,
};
use peerless_wire::rtp::Ssrc;

use crate::ntp::{NtpTime, ShortNtp};
use crate::send::Sender;
use crate::session::event::Event;
use crate::session::state::State;

impl State {
    /// Takes in a compound packet, or one of reduced size.
    pub fn handle_rtcp(&mut self, now: Instant, datagram: &[u8]) {
        if self.is_closed {
            return;
        }
        self.urgent = Some(now);
        // Reduced size is taken whether agreed on or not: nothing is gained by refusing what can be read.
        if check_compound(datagram, true).is_err() {
            self.counts.malformed += 1;
            return;
        }
        self.counts.rtcp_received += 1;
        self.schedule.count(datagram.len());
        let mut summary = self.config.diagnostics.then(String::new);
        for packet in parse_compound(datagram) {
            let Ok(packet) = packet else {
                self.counts.malformed += 1;
                continue;
            };
            if let Some(summary) = &mut summary {
                append(summary, &packet);
            }
            self.handle_control(now, packet);
        }
        if let Some(summary) = summary {
            self.tell(Event::Rtcp { sent: false, summary });
        }
    }

    fn handle_control(&mut self, now: Instant, packet: Packet) {
        let rtt = self.rtt();
        match packet {
            Packet::SenderReport(report) => self.handle_sender_report(now, &report),
            Packet::ReceiverReport(report) => self.handle_blocks(now, &report.blocks),
            Packet::Goodbye(goodbye) => self.handle_goodbye(now, &goodbye),
            Packet::Nack(nack) => {
                if let Some(sender) = self.sender(nack.media) {
                    sender.handle_nack(now, &nack, rtt);
                }
            }
            Packet::PictureLoss(loss) => {
                let asks = |sender: &mut Sender| sender.handle_picture_loss(now, rtt).then(|| wish(sender));
                let wish = self.sender(loss.media).and_then(asks);
                self.pass_on(wish);
            }
            Packet::FullIntraRequest(request) => self.handle_intra_request(now, &request),
            Packet::Remb(remb) => self.handle_remb(remb),
            Packet::TransportFeedback(feedback) => {
                let outcome = self.sent.handle(&feedback);
                self.counts.transport_reported += u64::from(outcome.reported);
                self.counts.transport_lost =
                    self.counts.transport_lost.saturating_add_signed(outcome.lost.into());
            }
            Packet::ExtendedReport(report) => self.handle_extended_report(now, &report),
            Packet::SourceDescription(description) => self.handle_description(&description),
            _ => self.counts.rtcp_unknown += 1,
        }
    }

    fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) {
        if let Some(mid) = self.routes.section(report.ssrc)
            && let Some(receiver) = self.receivers.iter_mut().find(|receiver| receiver.mid() == mid)
        {
            receiver.handle_sender_report(now, report);
        }
        self.handle_blocks(now, &report.blocks);
    }

    /// A CNAME tells which streams have a clock in common; to tell them apart, their media sections are enough.
    fn handle_description(&mut self, description: &SourceDescription) {
        for chunk in &description.chunks {
            if let Some(mid) = self.routes.section(chunk.ssrc)
                && let Some(cname) = description.cname(chunk.ssrc)
                && let Some(receiver) = self.receivers.iter_mut().find(|receiver| receiver.mid() == mid)
            {
                receiver.set_cname(chunk.ssrc, &cname);
            }
        }
    }

    fn handle_blocks(&mut self, now: Instant, blocks: &[ReportBlock]) {
        let arrived = self.clock.ntp(now).middle();
        for block in blocks {
            let rtt = self.sender(block.ssrc).and_then(|sender| sender.handle_report(now, arrived, block));
            if let Some(rtt) = rtt {
                self.measured_rtt(rtt);
            }
        }
    }

    fn handle_goodbye(&mut self, now: Instant, goodbye: &Goodbye) {
        for ssrc in &goodbye.ssrcs {
            let Some(mid) = self.routes.section(*ssrc).cloned() else { continue };
            let heard = self.receivers.iter_mut().find(|receiver| *receiver.mid() == mid);
            if heard.is_some_and(|receiver| receiver.end_source(now, *ssrc)) {
                self.tell(Event::Bye { mid, ssrc: *ssrc });
            }
        }
    }

    fn handle_intra_request(&mut self, now: Instant, request: &FullIntraRequest) {
        let rtt = self.rtt();
        for entry in &request.requests {
            let asks = |sender: &mut Sender| {
                let is_due = sender.handle_intra_request(now, request.sender, entry.sequence, rtt);
                is_due.then(|| wish(sender))
            };
            let wish = self.sender(entry.ssrc).and_then(asks);
            self.pass_on(wish);
        }
    }

    fn handle_remb(&mut self, remb: Remb) {
        self.remb = Some(remb);
        if self.share_bitrate() {
            self.tell(Event::TargetBitrate(self.senders.iter().filter_map(Sender::target_bitrate).sum()));
        }
    }

    fn handle_extended_report(&mut self, now: Instant, report: &ExtendedReport) {
        for block in &report.blocks {
            match block {
                XrBlock::ReceiverReferenceTime(time) => {
                    self.reference_times.retain(|(ssrc, _, _)| *ssrc != report.ssrc);
                    if self.reference_times.len() < MAX_REFERENCE_TIMES {
                        self.reference_times.push((report.ssrc, NtpTime(*time).middle(), now));
                    }
                }
                XrBlock::Dlrr(answers) => {
                    answers.iter().for_each(|answer| self.handle_answer(now, report.ssrc, answer));
                }
                XrBlock::Other { .. } => {}
            }
        }
    }

    /// The answer of the source `from` to one of our reference times tells the round trip (RFC 3611 §4.5).
    fn handle_answer(&mut self, now: Instant, from: Ssrc, answer: &DlrrBlock) {
        if answer.ssrc != self.reporter() {
            return;
        }
        let arrived = self.clock.ntp(now).middle();
        let (last, delay) = (ShortNtp(answer.last_report), ShortNtp(answer.delay_since_last_report));
        if let Some(rtt) = arrived.round_trip(last, delay) {
            self.measured_rtt(rtt);
            self.receivers.iter_mut().for_each(|receiver| receiver.handle_round_trip(from, rtt));
        }
    }

    fn pass_on(&mut self, wish: Option<Event>) {
        if let Some(wish) = wish {
            self.tell(wish);
        }
    }

    fn sender(&mut self, ssrc: Ssrc) -> Option<&mut Sender> {
        self.senders.iter_mut().find(|sender| sender.owns(ssrc))
    }
}

/// The event by which an encoder is asked for a key frame.
pub fn wish(sender: &Sender) -> Event {
    Event::KeyFrameRequested(sender.mid().clone(), sender.config().rid.clone())
}

/// Appends what a packet says to the summary of its compound.
pub fn append(summary: &mut String, packet: &Packet) {
    if summary.len() > MAX_SUMMARY {
        return;
    }
    if !summary.is_empty() {
        summary.push_str("; ");
    }
    summary.push_str(&packet.summary());
}

/// The most remotes whose reference times are remembered.
const MAX_REFERENCE_TIMES: usize = 16;

/// Summaries do not grow much longer than this, in bytes.
const MAX_SUMMARY: usize = 2000;
