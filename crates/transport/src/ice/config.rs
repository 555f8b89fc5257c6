//! What an agent is made from: timers (RFC 8445 §14, RFC 7675 §5.1) and credentials (RFC 8839 §5.4).

use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

/// How an agent behaves. `Config::new(seed)` has the RFCs' defaults.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where chance comes from: credentials, transaction ids, the tie-breaker. Must be secret and never used twice.
    pub seed: [u8; 32],
    /// Ta: the time between two new transactions. 50 ms (RFC 8445 §14.2).
    pub pace: Duration,
    /// The least time before a request is sent again. 500 ms (RFC 8445 §14.3).
    pub retransmission: Duration,
    /// Rc: how often a request is sent before it is given up. 7 (RFC 8489 §6.2.1).
    pub transmissions: u32,
    /// How long a STUN server may take to answer, all retransmissions included. 5 s. Departs: RFC 8489 §6.2.1 lets a
    /// transaction last 39.5 s, because no user wants to wait for that.
    pub gathering_timeout: Duration,
    /// How long a valid pair waits for a better one whose check is still open, before it is nominated. 500 ms.
    pub nomination_wait: Duration,
    /// How long an agent without any working pair hopes for the peer's own checks. 39.5 s (RFC 8863 §4).
    pub patience: Duration,
    /// The basic time between two consent checks, of which 0.8 to 1.2 is taken. 5 s (RFC 7675 §5.1).
    pub consent_interval: Duration,
    /// How long consent lasts after a check was answered. 30 s (RFC 7675 §5.1).
    pub consent_expiry: Duration,
    /// How long nothing may come from the peer before the state is disconnected. 8 s.
    pub disconnected_after: Duration,
    /// Tr: the time between two messages that keep a server-reflexive binding alive. 15 s (RFC 8445 §11).
    pub keepalive: Duration,
    /// Whether gathering goes on for as long as the agent lives: what local addresses come are signalled and paired, pairs
    /// beside the one in use are kept alive, and another takes its place when its network is gone, when it is silent, or
    /// when a better one works. No.
    pub is_continual: bool,
    /// Whether the agent is lite (RFC 8445 §2.5): answers checks, sends none, and is always controlled. No.
    pub lite: bool,
    /// How long our username fragments are, 4 to 256 characters of 6 bits each. 4; longer where many agents share a
    /// socket, whose checks are told apart by them.
    pub ufrag_length: usize,
    /// Whether only relayed candidates are told and paired (RFC 9429 §3.5.3). No.
    pub is_relay_only: bool,
    /// Whether each STUN message becomes an event with a readable summary.
    pub diagnostics: bool,
}

impl Config {
    /// The defaults.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            pace: Duration::from_millis(50),
            retransmission: Duration::from_millis(500),
            transmissions: 7,
            gathering_timeout: Duration::from_secs(5),
            nomination_wait: Duration::from_millis(500),
            patience: Duration::from_millis(39_500),
            consent_interval: Duration::from_secs(5),
            consent_expiry: Duration::from_secs(30),
            disconnected_after: Duration::from_secs(8),
            keepalive: Duration::from_secs(15),
            is_continual: false,
            lite: false,
            ufrag_length: 4,
            is_relay_only: false,
            diagnostics: false,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Config").field("diagnostics", &self.diagnostics).finish_non_exhaustive()
    }
}

/// What proves that a check comes from the peer (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The username fragment: 4 to 256 ice-chars.
    pub ufrag: String,
    /// The password: 22 to 256 ice-chars. Never logged.
    pub password: String,
}

impl Credentials {
    /// New ones: 6 bits for each character of the ufrag, 4 to 256, and 144 bits of password as 24 characters (RFC 8445 §5.3
    /// asks for 24 and 128).
    pub fn generate(rng: &mut ChaCha20Rng, ufrag_length: usize) -> Self {
        Self { ufrag: characters(rng, ufrag_length.clamp(4, 256)), password: characters(rng, 24) }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// The 64 ice-chars of RFC 8839 §5.4, so that a character carries 6 bits.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn characters(rng: &mut ChaCha20Rng, count: usize) -> String {
    (0..count).map(|_| char::from(ICE_CHARS[(rng.next_u32() & 63) as usize])).collect()
}
