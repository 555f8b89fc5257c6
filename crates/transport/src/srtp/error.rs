//! Why a packet was not protected or not opened.

use peerless_wire::rtp::Ssrc;

/// What went wrong with one packet. The context stays as it was and takes the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Error {
    /// There are no keys yet: the handshake is not done.
    #[error("there are no keys yet")]
    NotReady,
    /// It is too short for its header and tag, or no RTP version 2.
    #[error("not a packet of RTP or RTCP")]
    Malformed,
    /// The tag is wrong (RFC 3711 §3.3 step 5).
    #[error("the authentication tag is wrong")]
    Unauthenticated,
    /// The packet came before, or is too old to tell (RFC 3711 §3.3.2).
    #[error("index {index} of {ssrc} was seen before or is too old")]
    Replayed {
        /// Whose packet.
        ssrc: Ssrc,
        /// The SRTP index (48 bits) or SRTCP index (31 bits).
        index: u64,
    },
    /// We were asked to protect a second packet of the same index with a cipher that two such packets would break
    /// (RFC 7714 §8.1): send a retransmission as its own stream (RFC 4588).
    #[error("index {index} of {ssrc} was used before")]
    Reused {
        /// Whose packet.
        ssrc: Ssrc,
        /// The SRTP index.
        index: u64,
    },
    /// More streams than a context keeps account of.
    #[error("more than {limit} streams")]
    TooManyStreams {
        /// How many it keeps.
        limit: usize,
    },
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    #[error("the key has protected as many packets as it may")]
    KeyExhausted,
    /// The cryptographic library refused: our fault.
    #[error("the cryptographic library refused")]
    Internal,
}
