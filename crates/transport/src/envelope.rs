//! What a packet to the peer leaves in: addresses, and on the way over a relay the header that its server wants before
//! each packet (RFC 8656 §11.1, §12.5). It is written around the packet where that stands in the send buffer.

use std::net::SocketAddr;

use bytes::{BufMut, BytesMut};
use peerless_wire::stun::{Attribute, ChannelData, ChannelNumber, Class, Method, TransactionId, Writer};

use crate::datagram::Transmit;

/// The longest header: a Send indication with an IPv6 peer.
const LONGEST: usize = 48;

/// Where packets to the peer go, and what stands around each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    transmit: Transmit,
    wrapper: Wrapper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    /// Straight to the peer.
    None,
    /// Channel data; over a stream the next one begins at a multiple of four (RFC 8656 §12.5).
    Channel { channel: ChannelNumber, is_padded: bool },
    /// A Send indication up to the value of DATA, whose lengths are filled in.
    Indication { header: [u8; LONGEST], size: usize },
}

impl Envelope {
    /// Straight to the peer.
    pub(crate) fn direct(transmit: Transmit) -> Self {
        Self { transmit, wrapper: Wrapper::None }
    }

    /// Over a bound channel of a TURN server; `is_padded` over a stream.
    pub(crate) fn channel(transmit: Transmit, channel: ChannelNumber, is_padded: bool) -> Self {
        Self { transmit, wrapper: Wrapper::Channel { channel, is_padded } }
    }

    /// To `peer` in indications to a TURN server.
    pub(crate) fn indication(transmit: Transmit, peer: SocketAddr, id: TransactionId) -> Self {
        let mut made = BytesMut::with_capacity(LONGEST);
        let mut writer = Writer::new(&mut made, Class::Indication, Method::SEND, id);
        writer.attribute(Attribute::XorPeerAddress(peer));
        writer.attribute(Attribute::Data(&[]));
        let mut header = [0; LONGEST];
        let size = made.len().min(LONGEST);
        header.iter_mut().zip(&made).for_each(|(to, from)| *to = *from);
        Self { transmit, wrapper: Wrapper::Indication { header, size } }
    }

    /// With what a batch of packets in such envelopes is sent: of no size yet.
    pub fn transmit(&self) -> Transmit {
        self.transmit
    }

    /// By how many bytes it makes a packet longer, padding not counted.
    pub fn overhead(&self) -> usize {
        match self.wrapper {
            Wrapper::None => 0,
            Wrapper::Channel { .. } => ChannelData::HEADER,
            Wrapper::Indication { size, .. } => size,
        }
    }

    /// Begins a packet at the end of `out`: its bytes are to be appended next. Gives where they begin.
    pub fn open(&self, out: &mut BytesMut) -> usize {
        match &self.wrapper {
            Wrapper::None => {}
            Wrapper::Channel { channel, .. } => out.put_slice(&ChannelData::header(*channel, 0)),
            Wrapper::Indication { header, size } => out.put_slice(header.get(..*size).unwrap_or_default()),
        }
        out.len()
    }

    /// Ends the packet whose bytes begin at `begin` and end with `out`.
    pub fn close(&self, out: &mut BytesMut, begin: usize) {
        let length = out.len().saturating_sub(begin);
        let padding = length.next_multiple_of(4) - length;
        match self.wrapper {
            Wrapper::None => {}
            Wrapper::Channel { is_padded, .. } => {
                set_length(out, begin.saturating_sub(2), length);
                out.put_bytes(0, if is_padded { padding } else { 0 });
            }
            Wrapper::Indication { size, .. } => {
                set_length(out, begin.saturating_sub(2), length);
                out.put_bytes(0, padding);
                let body = (size + length + padding).saturating_sub(STUN_HEADER);
                set_length(out, begin.saturating_sub(size) + 2, body);
            }
        }
    }

    /// Takes back what [`Envelope::open`] began at `begin`.
    pub fn cancel(&self, out: &mut BytesMut, begin: usize) {
        out.truncate(begin.saturating_sub(self.overhead()));
    }
}

const STUN_HEADER: usize = 20;

/// No packet of ours comes near what 16 bits can say.
fn set_length(out: &mut BytesMut, at: usize, length: usize) {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests {
    use peerless_wire::stun::Message;

    use super::*;
    use crate::datagram::Protocol;

    fn transmit() -> Transmit {
        Transmit {
            source: "10.0.0.1:1".parse().unwrap(),
            destination: "192.0.2.9:3478".parse().unwrap(),
            protocol: Protocol::Udp,
            ecn: None,
            size: 0,
            segment_size: None,
        }
    }

    fn wrapped(envelope: &Envelope, packet: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        let begin = envelope.open(&mut out);
        assert_eq!(begin, envelope.overhead());
        out.put_slice(packet);
        envelope.close(&mut out, begin);
        out
    }

    #[test]
    fn a_send_indication_is_written_around_its_packet() {
        for peer in ["192.0.2.5:9", "[2001:db8::5]:9"].map(|text| text.parse().unwrap()) {
            let envelope = Envelope::indication(transmit(), peer, TransactionId([7; 12]));
            for length in 0..9 {
                let packet = vec![5; length];
                let out = wrapped(&envelope, &packet);
                let message = Message::parse(&out).unwrap();
                assert_eq!((message.class(), message.method()), (Class::Indication, Method::SEND));
                let expected = [Attribute::XorPeerAddress(peer), Attribute::Data(&packet)];
                assert!(message.attributes().eq(expected));
            }
        }
    }

    #[test]
    fn channel_data_is_padded_over_streams_only() {
        let channel = ChannelNumber::FIRST;
        for (is_padded, size) in [(false, 9), (true, 12)] {
            let out = wrapped(&Envelope::channel(transmit(), channel, is_padded), &[1, 2, 3, 4, 5]);
            assert_eq!(out.len(), size);
            assert_eq!(ChannelData::parse(&out).unwrap().data, [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_packet_that_did_not_come_leaves_nothing() {
        let mut out = BytesMut::from(&b"before"[..]);
        let envelope = Envelope::channel(transmit(), ChannelNumber::FIRST, false);
        let begin = envelope.open(&mut out);
        envelope.cancel(&mut out, begin);
        assert_eq!(&out[..], b"before");
    }
}
