//! The requests of a TURN client (RFC 8656 §7.1, §8.1, §10.1, §12.1), and what it reads of answers and indications.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use peerless_wire::stun::{Attribute, ChannelNumber, Class, Family, Message, Method, TransactionId, Writer};

use crate::turn::credential::Credential;

/// The IP number of UDP, which is what servers speak to peers.
const UDP: u8 = 17;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// An address, and one of the other family where there is one.
    Allocate,
    /// That the allocation lasts.
    Refresh,
    /// That it ends.
    Release,
    /// That datagrams of the peer's address come through.
    Permission(SocketAddr),
    /// A short header for this peer.
    Channel(SocketAddr, ChannelNumber),
}

impl Request {
    /// Writes it, proved where the server has told how.
    pub(crate) fn write(self, id: TransactionId, credential: &Credential) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        let method = match self {
            Self::Allocate => Method::ALLOCATE,
            Self::Refresh | Self::Release => Method::REFRESH,
            Self::Permission(_) => Method::CREATE_PERMISSION,
            Self::Channel(..) => Method::CHANNEL_BIND,
        };
        let mut writer = Writer::new(&mut out, Class::Request, method, id);
        match self {
            Self::Allocate => {
                writer.attribute(Attribute::RequestedTransport(UDP));
                // RFC 8656 §7.1: the first is of IPv4. Servers that know no other pass over this.
                writer.attribute(Attribute::AdditionalAddressFamily(Family::V6));
            }
            Self::Refresh => {}
            Self::Release => writer.attribute(Attribute::Lifetime(0)),
            Self::Permission(peer) => writer.attribute(Attribute::XorPeerAddress(peer)),
            Self::Channel(peer, channel) => {
                writer.attribute(Attribute::ChannelNumber(channel.value()));
                writer.attribute(Attribute::XorPeerAddress(peer));
            }
        }
        credential.seal(&mut writer);
        writer.fingerprint();
        out.freeze()
    }
}

/// What keeps the mapping in a translator alive that leads to a server (RFC 8445 §11). Departs: RFC 8445 §5.1.1.4 has Binding
/// requests, because an indication does the same with half the packets.
pub(crate) fn keepalive(id: TransactionId) -> Bytes {
    let mut out = BytesMut::with_capacity(32);
    Writer::new(&mut out, Class::Indication, Method::BINDING, id).fingerprint();
    out.freeze()
}

/// LIFETIME; no server lends longer than a day.
pub(crate) fn lifetime(message: &Message<'_>) -> Option<Duration> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::Lifetime(seconds) => Some(Duration::from_secs(seconds.min(86_400).into())),
        _ => None,
    })
}

/// Whose data a Data indication carries (RFC 8656 §11.4).
pub(crate) fn indicated(packet: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let message = Message::parse(packet).ok()?;
    if (message.class(), message.method()) != (Class::Indication, Method::DATA) {
        return None;
    }
    let (mut peer, mut data) = (None, None);
    for attribute in message.attributes() {
        match attribute {
            Attribute::XorPeerAddress(address) => peer = peer.or(Some(address)),
            Attribute::Data(bytes) => data = data.or(Some(bytes)),
            _ => {}
        }
    }
    Some((peer?, data?))
}
