//! How a peer shall be: plain data, checked once when the peer is made.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use peerless_rtp::codec::Format;

/// RTCConfiguration (webrtc-pc §4.2.1), with what a machine without clock or chance must be handed besides.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// All chance of the peer comes from here: keys, SSRCs, transaction ids. Must be secret and never used twice.
    pub seed: [u8; 32],
    /// One moment on both clocks, so that reports can name wall time.
    pub epoch: (Instant, SystemTime),
    /// How media sections share transports. Default: max-bundle. The other two are refused.
    pub bundle_policy: BundlePolicy,
    /// Which versions of DTLS are offered and accepted. Default: both.
    pub dtls: DtlsVersions,
    /// The certificate; `None` makes a fresh one.
    pub certificate: Option<Arc<peerless_transport::crypto::Certificate>>,
    /// The codecs offered and accepted, best first. Default: all we have.
    pub codecs: Vec<CodecCapability>,
    /// The largest UDP payload we send, bytes. Default 1200.
    pub mtu: usize,
    /// How many datagrams one `Transmit` may hold (UDP GSO). Default 1; the face sets what the system allows.
    pub max_segments: usize,
    /// Whether `Event::Diagnostic` is given. Default: no.
    pub diagnostics: bool,
}

/// RTCBundlePolicy (webrtc-pc §4.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundlePolicy {
    /// One transport per kind of media where the remote cannot bundle.
    Balanced,
    /// One transport per media section where the remote cannot bundle.
    MaxCompat,
    /// One transport for all; a remote that cannot bundle gets the first media section only.
    MaxBundle,
}

/// Which versions of DTLS may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DtlsVersions {
    /// Whichever the other side can, 1.3 first.
    Any,
    /// DTLS 1.2 only (RFC 6347).
    Only12,
    /// DTLS 1.3 only (RFC 9147).
    Only13,
}

/// One codec we can send and receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecCapability {
    /// What it is.
    pub format: Format,
    /// RTP ticks per second.
    pub clock_rate: u32,
    /// Channels in the rtpmap.
    pub channels: u8,
    /// Our `a=fmtp` parameters, without the payload type; empty for none.
    pub parameters: String,
}
