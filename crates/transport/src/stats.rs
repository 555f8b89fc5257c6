//! What went through a transport, and what it dropped and why.

use crate::srtp;

/// Why a datagram was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DropReason {
    /// Its first byte is of no protocol of ours (RFC 7983 §7).
    #[error("the first byte is of no protocol we speak")]
    UnknownProtocol,
    /// It is DTLS or SRTP from a pair of addresses that ICE has not validated.
    #[error("it came from a pair that is not validated")]
    UnknownPair,
    /// It is media, and there are no keys yet.
    #[error("media came before the keys")]
    EarlyMedia,
    /// It is DTLS, the remote's description is not there yet, and enough of the like wait already.
    #[error("too much of a handshake came before the description")]
    EarlyHandshake,
    /// It carried application data, and there is no association.
    #[error("it was for an association, and there is none")]
    NoAssociation,
    /// SRTP refused it.
    #[error(transparent)]
    Srtp(#[from] srtp::Error),
    /// The transport is closed, or DTLS failed.
    #[error("the transport is closed")]
    Closed,
}

/// What went through, since the transport was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams sent, of all protocols.
    pub packets_sent: u64,
    /// Their payload, bytes.
    pub bytes_sent: u64,
    /// Datagrams received, of all protocols, dropped ones too.
    pub packets_received: u64,
    /// Their payload, bytes.
    pub bytes_received: u64,
    /// STUN among those sent: checks, their answers, questions to servers.
    pub checks_sent: Traffic,
    /// STUN among those received.
    pub checks_received: Traffic,
    /// Datagrams dropped, by reason.
    pub dropped: Dropped,
}

/// Datagrams of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// How many.
    pub packets: u64,
    /// Their payload, bytes.
    pub bytes: u64,
}

impl Traffic {
    /// Counts one.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// How many datagrams were dropped, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Dropped {
    /// No protocol of ours.
    pub unknown_protocol: u64,
    /// DTLS or SRTP from a pair that is not validated.
    pub unknown_pair: u64,
    /// Media before the keys.
    pub early_media: u64,
    /// DTLS before the remote's description, beyond what is kept.
    pub early_handshake: u64,
    /// Application data without an association.
    pub no_association: u64,
    /// Media with a wrong tag.
    pub unauthenticated: u64,
    /// Media seen before, or too old to tell.
    pub replayed: u64,
    /// Media refused for another reason: no packet, too many streams.
    pub refused: u64,
    /// After the end.
    pub closed: u64,
    /// STUN that is malformed, not authentic, or for no socket of ours.
    pub stun: u64,
    /// Records of DTLS that are cut short, out of place, or plaintext alerts.
    pub dtls: u64,
}

impl Dropped {
    /// Counts one.
    pub(crate) fn count(&mut self, reason: DropReason) {
        let counter = match reason {
            DropReason::UnknownProtocol => &mut self.unknown_protocol,
            DropReason::UnknownPair => &mut self.unknown_pair,
            DropReason::EarlyMedia => &mut self.early_media,
            DropReason::EarlyHandshake => &mut self.early_handshake,
            DropReason::NoAssociation => &mut self.no_association,
            DropReason::Srtp(srtp::Error::Unauthenticated) => &mut self.unauthenticated,
            DropReason::Srtp(srtp::Error::Replayed { .. }) => &mut self.replayed,
            DropReason::Srtp(_) => &mut self.refused,
            DropReason::Closed => &mut self.closed,
        };
        *counter += 1;
    }

    /// All of them together.
    pub fn total(self) -> u64 {
        let Self { unknown_protocol, unknown_pair, early_media, early_handshake, .. } = self;
        let Self { no_association, unauthenticated, replayed, refused, closed, stun, dtls, .. } = self;
        let misplaced = unknown_protocol + unknown_pair + early_media + early_handshake + closed;
        misplaced + no_association + unauthenticated + replayed + refused + stun + dtls
    }
}
