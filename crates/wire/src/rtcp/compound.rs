//! Compound packets (RFC 3550 §6.1, RFC 5506): the RTCP packets of one datagram, told apart by their type.

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::bye::Goodbye;
use crate::rtcp::feedback::{FullIntraRequest, Nack, PAYLOAD_FEEDBACK, PictureLoss, TRANSPORT_FEEDBACK};
use crate::rtcp::header::{Error, Header, Writer};
use crate::rtcp::remb::Remb;
use crate::rtcp::report::{ReceiverReport, SenderReport};
use crate::rtcp::sdes::SourceDescription;
use crate::rtcp::twcc::TransportFeedback;
use crate::rtcp::xr::ExtendedReport;
use crate::rtp::Ssrc;

/// One RTCP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet {
    /// What a sender sent (RFC 3550 §6.4.1).
    SenderReport(SenderReport),
    /// How packets arrived (RFC 3550 §6.4.2).
    ReceiverReport(ReceiverReport),
    /// Words about sources (RFC 3550 §6.5).
    SourceDescription(SourceDescription),
    /// Sources that end (RFC 3550 §6.6).
    Goodbye(Goodbye),
    /// Packets that did not arrive (RFC 4585 §6.2.1).
    Nack(Nack),
    /// A picture that cannot be decoded (RFC 4585 §6.3.1).
    PictureLoss(PictureLoss),
    /// Requests for key frames (RFC 5104 §4.3.1).
    FullIntraRequest(FullIntraRequest),
    /// A receiver's estimate of the bitrate.
    Remb(Remb),
    /// Arrival times of the transport's packets.
    TransportFeedback(TransportFeedback),
    /// Extended reports (RFC 3611).
    ExtendedReport(ExtendedReport),
    /// Any other, APP (RFC 3550 §6.7) and unknown feedback formats among them.
    Unknown {
        /// PT.
        packet_type: u8,
        /// The count or format, 5 bits.
        count: u8,
        /// What follows the header, without padding.
        body: Vec<u8>,
    },
}

impl Packet {
    /// Reads the packet at the front of `reader`, and takes it off even where its body is bad. Errs also on a bad
    /// header; then what follows cannot be found, and `reader` stands nowhere in particular.
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (header, body) = Header::take_packet(reader)?;
        Ok(match header.packet_type {
            SenderReport::PACKET_TYPE => Self::SenderReport(SenderReport::parse(header, body)?),
            ReceiverReport::PACKET_TYPE => Self::ReceiverReport(ReceiverReport::parse(header, body)?),
            SourceDescription::PACKET_TYPE => {
                Self::SourceDescription(SourceDescription::parse(header, body)?)
            }
            Goodbye::PACKET_TYPE => Self::Goodbye(Goodbye::parse(header, body)?),
            TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK => Self::parse_feedback(header, body)?,
            ExtendedReport::PACKET_TYPE => Self::ExtendedReport(ExtendedReport::parse(body)?),
            packet_type => Self::Unknown { packet_type, count: header.count, body: body.to_vec() },
        })
    }

    fn parse_feedback(header: Header, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let (sender, media) = (Ssrc(reader.u32()?), Ssrc(reader.u32()?));
        Ok(match (header.packet_type, header.count) {
            (TRANSPORT_FEEDBACK, Nack::FORMAT) => Self::Nack(Nack::parse(sender, media, &mut reader)?),
            (TRANSPORT_FEEDBACK, TransportFeedback::FORMAT) => {
                Self::TransportFeedback(TransportFeedback::parse(sender, media, &mut reader)?)
            }
            (PAYLOAD_FEEDBACK, PictureLoss::FORMAT) => Self::PictureLoss(PictureLoss { sender, media }),
            (PAYLOAD_FEEDBACK, FullIntraRequest::FORMAT) => {
                Self::FullIntraRequest(FullIntraRequest::parse(sender, media, &mut reader)?)
            }
            (PAYLOAD_FEEDBACK, Remb::FORMAT) if reader.peek().starts_with(&Remb::NAME) => {
                reader.take(Remb::NAME.len())?;
                Self::Remb(Remb::parse(sender, &mut reader)?)
            }
            (packet_type, count) => Self::Unknown { packet_type, count, body: body.to_vec() },
        })
    }

    /// Appends the packet, a whole number of words.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::SenderReport(report) => report.write(out),
            Self::ReceiverReport(report) => report.write(out),
            Self::SourceDescription(description) => description.write(out),
            Self::Goodbye(goodbye) => goodbye.write(out),
            Self::Nack(nack) => nack.write(out),
            Self::PictureLoss(loss) => loss.write(out),
            Self::FullIntraRequest(request) => request.write(out),
            Self::Remb(remb) => remb.write(out),
            Self::TransportFeedback(feedback) => feedback.write(out),
            Self::ExtendedReport(report) => report.write(out),
            Self::Unknown { packet_type, count, body } => {
                let mut writer = Writer::new(out, *packet_type, *count);
                writer.bytes(body);
                writer.finish();
            }
        }
    }

    /// One line for diagnostics: what it is and what it says.
    pub fn summary(&self) -> String {
        self.to_string()
    }
}

/// The packets of a datagram, in order, full compound or of reduced size (RFC 5506).
///
/// A packet with a bad body gives an error and the next one is read; after a bad header or a length beyond the end
/// there is no next one.
pub fn parse_compound(datagram: &[u8]) -> impl Iterator<Item = Result<Packet, Error>> + '_ {
    let mut reader = Reader::new(datagram);
    std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let mut after = reader;
        if Header::take_packet(&mut after).is_err() {
            after.remaining();
        }
        let packet = Packet::parse(&mut reader);
        reader = after;
        Some(packet)
    })
}

/// Checks the whole of a datagram before any of it is believed (RFC 3550 §A.2): every version is 2, the lengths add
/// up to the datagram's, the first of several packets is not padded and, unless `reduced_size` was negotiated
/// (RFC 5506 §3.4.2), it is a report.
pub fn check_compound(datagram: &[u8], reduced_size: bool) -> Result<(), Error> {
    let mut reader = Reader::new(datagram);
    let (first, _) = Header::take_packet(&mut reader)?;
    let is_report = matches!(first.packet_type, SenderReport::PACKET_TYPE | ReceiverReport::PACKET_TYPE);
    if !reduced_size && !is_report {
        return Err(Error::NoReport(first.packet_type));
    }
    if first.has_padding && !reader.is_empty() {
        return Err(Error::EarlyPadding);
    }
    while !reader.is_empty() {
        Header::take_packet(&mut reader)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
