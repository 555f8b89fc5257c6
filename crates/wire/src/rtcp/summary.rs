//! What RTCP packets say, in one line for people: shown by diagnostics, never parsed.

use std::fmt::{Display, Formatter, Result};

use crate::rtcp::compound::Packet;
use crate::rtcp::report::ReportBlock;
use crate::rtcp::sdes::SourceDescription;
use crate::rtcp::twcc::TransportFeedback;
use crate::rtcp::xr::{ExtendedReport, XrBlock};

impl Display for Packet {
    fn fmt(&self, line: &mut Formatter<'_>) -> Result {
        match self {
            Self::SenderReport(report) => {
                write!(line, "SR ssrc={} packets={} octets={}", report.ssrc, report.packets, report.octets)?;
                write!(line, " rtp={} ntp={:#x}", report.rtp_timestamp, report.ntp)?;
                report.blocks.iter().try_for_each(|block| block.fmt(line))
            }
            Self::ReceiverReport(report) => {
                write!(line, "RR ssrc={}", report.ssrc)?;
                report.blocks.iter().try_for_each(|block| block.fmt(line))
            }
            Self::SourceDescription(description) => description.fmt(line),
            Self::Goodbye(goodbye) => {
                write!(line, "BYE")?;
                goodbye.ssrcs.iter().try_for_each(|ssrc| write!(line, " ssrc={ssrc}"))?;
                goodbye.reason_text().iter().try_for_each(|reason| write!(line, " reason={reason:?}"))
            }
            Self::Nack(nack) => {
                write!(line, "NACK ssrc={} media={} lost=", nack.sender, nack.media)?;
                list(line, nack.lost())
            }
            Self::PictureLoss(loss) => write!(line, "PLI ssrc={} media={}", loss.sender, loss.media),
            Self::FullIntraRequest(request) => {
                write!(line, "FIR ssrc={}", request.sender)?;
                let mut requests = request.requests.iter();
                requests.try_for_each(|one| write!(line, " media={} number={}", one.ssrc, one.sequence))
            }
            Self::Remb(remb) => {
                write!(line, "REMB ssrc={} bitrate={} for=", remb.sender, remb.bitrate)?;
                list(line, remb.ssrcs.iter())
            }
            Self::TransportFeedback(feedback) => feedback.fmt(line),
            Self::ExtendedReport(report) => report.fmt(line),
            Self::Unknown { packet_type, count, body } => {
                write!(line, "RTCP type={packet_type} count={count} bytes={}", body.len())
            }
        }
    }
}

impl Display for ReportBlock {
    fn fmt(&self, line: &mut Formatter<'_>) -> Result {
        let percent = f32::from(self.fraction_lost) / 2.56;
        write!(line, " [media={} lost={percent:.1}% total={}", self.ssrc, self.lost)?;
        write!(line, " highest={} jitter={}]", self.highest_sequence, self.jitter)
    }
}

impl Display for SourceDescription {
    fn fmt(&self, line: &mut Formatter<'_>) -> Result {
        write!(line, "SDES")?;
        for chunk in &self.chunks {
            write!(line, " ssrc={}", chunk.ssrc)?;
            chunk.items.iter().try_for_each(|item| write!(line, " {:?}={:?}", item.kind, item.text()))?;
        }
        Ok(())
    }
}

impl Display for TransportFeedback {
    fn fmt(&self, line: &mut Formatter<'_>) -> Result {
        let received = self.arrivals().count();
        write!(line, "TWCC ssrc={} media={} number={}", self.sender, self.media, self.feedback_count)?;
        write!(line, " base={} packets={} received={received}", self.base, self.status_count)
    }
}

impl Display for ExtendedReport {
    fn fmt(&self, line: &mut Formatter<'_>) -> Result {
        write!(line, "XR ssrc={}", self.ssrc)?;
        self.blocks.iter().try_for_each(|block| match block {
            XrBlock::ReceiverReferenceTime(time) => write!(line, " [RRTR ntp={time:#x}]"),
            XrBlock::Dlrr(answers) => answers.iter().try_for_each(|answer| {
                let delay_ms = u64::from(answer.delay_since_last_report) * 1000 / 65_536;
                write!(line, " [DLRR ssrc={} lrr={:#x} delay={delay_ms}ms]", answer.ssrc, answer.last_report)
            }),
            XrBlock::Other { kind, contents, .. } => {
                write!(line, " [block {kind}, {} bytes]", contents.len())
            }
        })
    }
}

/// The first few of `values` with commas between, and how many more there are.
fn list(line: &mut Formatter<'_>, mut values: impl Iterator<Item = impl Display>) -> Result {
    for (place, value) in values.by_ref().take(MAX_LISTED).enumerate() {
        write!(line, "{}{value}", if place == 0 { "" } else { "," })?;
    }
    match values.count() {
        0 => Ok(()),
        more => write!(line, " and {more} more"),
    }
}

const MAX_LISTED: usize = 16;
