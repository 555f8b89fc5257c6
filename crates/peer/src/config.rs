//! How a peer shall be: plain data, checked once when the peer is made.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use peerless_rtp::codec::Format;

use crate::state::MediaKind;

/// RTCConfiguration (webrtc-pc §4.2.1), with what a machine without clock or chance must be handed besides.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// All chance of the peer comes from here: keys, SSRCs, transaction ids. Must be secret and never used twice.
    pub seed: [u8; 32],
    /// One moment on both clocks, so that reports can name wall time.
    pub epoch: (Instant, SystemTime),
    /// How media sections share transports where the remote does not bundle. Default: max-bundle.
    pub bundle_policy: BundlePolicy,
    /// Which versions of DTLS are offered and accepted. Default: both.
    pub dtls: DtlsVersions,
    /// The certificates; none makes a fresh one. Of several the first is shown: they are all of one kind, ECDSA P-256, which
    /// every remote takes. An expired one is refused.
    pub certificates: Vec<Arc<peerless_transport::crypto::Certificate>>,
    /// For how many transports to gather before there is a description; they serve the first exchange. At most 255, as in
    /// the standard. Default: none.
    pub ice_candidate_pool_size: u8,
    /// Which candidates are used. Default: all. Others from the next gathering on where it changes.
    pub ice_transport_policy: IceTransportPolicy,
    /// Whether local addresses are taken up once for each generation of ICE, or as they come. Default: once.
    pub gathering: GatheringPolicy,
    /// Whether ICE is lite (RFC 8445 §2.5): reachable by its own addresses, it answers checks and sends none. Default: no.
    pub ice_lite: bool,
    /// How long username fragments of ours are, 4 to 256 characters of 6 bits: longer where many peers share a socket and
    /// are told apart by them. Default: 4.
    pub ice_ufrag_length: usize,
    /// Whether RTCP may go without multiplexing. Default: it may not. `Negotiate` is refused.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// The codecs offered and accepted, best first. Default: all we have. What goes beside them comes by itself:
    /// retransmissions of pictures, and the tones of a telephone at 8000 ticks per second and at each clock rate of the
    /// codecs of sound (RFC 7874 §3).
    pub codecs: Vec<CodecCapability>,
    /// The largest UDP payload we send, bytes, but for what data channels have found to get through. Default 1200.
    pub mtu: usize,
    /// The largest SCTP packet that data channels take, and look for where the path carries it (RFC 8899), bytes: 1200,
    /// which turns the search off, to 16384, what one DTLS record holds. A remote that does not say what it takes, as
    /// only this crate does, gets 1400 at most: aiortc reads 1500 bytes of a record and lags behind for ever after a
    /// larger one, Chromium reads 2048 and gives up the whole connection. Default 16384.
    pub max_packet_size: usize,
    /// Whether packets are paced; without, they leave as soon as they are polled. Default: yes.
    pub pacing: bool,
    /// How long received frames are held so that those after them come in time: at least, however even the path, and at
    /// most, however uneven; not empty, ten seconds at most. A receiver's `jitterBufferTarget` and lip sync may add to
    /// it. Default: 10 ms to 1 s.
    pub jitter_buffer: RangeInclusive<Duration>,
    /// How many datagrams one `Transmit` may hold (UDP GSO). Default 1; the face sets what the system allows.
    pub max_segments: usize,
    /// The longest message we take on a data channel, bytes (`a=max-message-size`, RFC 8841 §6): 1 to half of
    /// `receive_buffer`. Default 262144.
    pub max_message_size: usize,
    /// How much may wait to be delivered on all data channels together, bytes; further messages are refused until there
    /// is room. At least 1; it bounds the length of a message too. Default 16 MiB.
    pub send_buffer: usize,
    /// How much may wait to be read from all data channels together, bytes; then the remote must wait,
    /// with up to as much again on its way. 4096 to 1 GiB. Default 16 MiB.
    pub receive_buffer: usize,
    /// Whether `Event::Diagnostic` is given. Default: no.
    pub diagnostics: bool,
    /// Draws from `seed` also what must not be foreseen on a real network (the randoms of DTLS), so that a simulation
    /// repeats. Default: no.
    pub simulation: bool,
}

impl Config {
    /// The defaults, with the two things that have none: chance and time.
    pub fn new(seed: [u8; 32], epoch: (Instant, SystemTime)) -> Self {
        Self {
            seed,
            epoch,
            bundle_policy: BundlePolicy::MaxBundle,
            dtls: DtlsVersions::Any,
            certificates: Vec::new(),
            ice_candidate_pool_size: 0,
            ice_transport_policy: IceTransportPolicy::All,
            gathering: GatheringPolicy::Once,
            ice_lite: false,
            ice_ufrag_length: 4,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            codecs: CodecCapability::all(),
            mtu: 1200,
            max_packet_size: peerless_transport::sctp::MAX_PACKET_SIZE,
            pacing: true,
            jitter_buffer: Duration::from_millis(10)..=Duration::from_secs(1),
            max_segments: 1,
            max_message_size: 262_144,
            send_buffer: 16 * 1024 * 1024,
            receive_buffer: 16 * 1024 * 1024,
            diagnostics: false,
            simulation: false,
        }
    }
}

/// All but the seed, from which passwords come.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("bundle_policy", &self.bundle_policy)
            .field("dtls", &self.dtls)
            .field("certificates", &self.certificates)
            .field("ice_candidate_pool_size", &self.ice_candidate_pool_size)
            .field("ice_transport_policy", &self.ice_transport_policy)
            .field("gathering", &self.gathering)
            .field("ice_lite", &self.ice_lite)
            .field("ice_ufrag_length", &self.ice_ufrag_length)
            .field("rtcp_mux_policy", &self.rtcp_mux_policy)
            .field("codecs", &self.codecs)
            .field("mtu", &self.mtu)
            .field("max_packet_size", &self.max_packet_size)
            .field("pacing", &self.pacing)
            .field("jitter_buffer", &self.jitter_buffer)
            .field("max_segments", &self.max_segments)
            .field("max_message_size", &self.max_message_size)
            .field("send_buffer", &self.send_buffer)
            .field("receive_buffer", &self.receive_buffer)
            .field("diagnostics", &self.diagnostics)
            .field("simulation", &self.simulation)
            .finish_non_exhaustive()
    }
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

/// RTCIceTransportPolicy (webrtc-pc §4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceTransportPolicy {
    /// Any candidates.
    All,
    /// Only those of relays; no other is told or tried.
    Relay,
}

/// For how long candidates are gathered. Browsers have no such option; libwebrtc calls it continual gathering policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GatheringPolicy {
    /// The addresses there are when gathering begins. Others are taken up with an ICE restart.
    Once,
    /// Those that come later too: they are signalled as further candidates (so their end is never signalled), and the
    /// call moves between networks without an ICE restart, by renomination where the remote agrees to it
    /// (`a=ice-options:renomination`, draft-thatcher-ice-renomination-01), else by a second nomination. Other working
    /// paths are kept alive for that. Where it cannot move, `Event::NegotiationNeeded` asks for an ICE restart.
    Continually,
}

/// RTCRtcpMuxPolicy (webrtc-pc §4.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RtcpMuxPolicy {
    /// RTP and RTCP share a transport; sections whose remote cannot do that are rejected.
    Require,
    /// RTCP has a transport of its own where the remote wants one: refused, as browsers do.
    Negotiate,
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

impl CodecCapability {
    /// The tones of a telephone (RFC 4733), all keys and the flash, at this clock rate: 8000 and 48000 go with our codecs.
    /// For [`set_codec_preferences`](crate::peer::Peer::set_codec_preferences), and a part of what
    /// [`capabilities`](crate::capabilities) give.
    pub fn telephone_event(clock_rate: u32) -> Self {
        Self { format: Format::TelephoneEvent, clock_rate, channels: 1, parameters: "0-16".to_owned() }
    }

    /// Retransmissions of pictures (RFC 4588), likewise.
    pub fn rtx() -> Self {
        Self { format: Format::Rtx, clock_rate: 90_000, channels: 1, parameters: String::new() }
    }

    /// What these codecs bring along for one kind of media.
    pub(crate) fn beside(codecs: &[Self], kind: MediaKind) -> Vec<Self> {
        let ours: Vec<_> = codecs.iter().filter(|one| one.format.is_media() && one.is_of(kind)).collect();
        match kind {
            _ if ours.is_empty() => Vec::new(),
            MediaKind::Video => vec![Self::rtx()],
            MediaKind::Audio => {
                let mut rates: Vec<u32> = ours.iter().map(|one| one.clock_rate).collect();
                rates.push(LEAST_TONE_RATE);
                rates.sort_unstable_by(|one, other| other.cmp(one));
                rates.dedup();
                rates.into_iter().map(Self::telephone_event).collect()
            }
        }
    }

    /// Whether it is for this kind of media.
    pub(crate) fn is_of(&self, kind: MediaKind) -> bool {
        self.format.is_video() == (kind == MediaKind::Video)
    }

    /// Its type and subtype: `video/VP8` (RTCRtpCodec, webrtc-pc §5.2.9).
    pub fn mime_type(&self) -> String {
        let kind = if self.format.is_video() { "video" } else { "audio" };
        format!("{kind}/{}", self.format.name())
    }

    /// All codecs there are, best first: VP8, H.264 (constrained baseline, then baseline, packetization mode 1, then
    /// 0), Opus, G.722, G.711 in both laws, L16.
    pub fn all() -> Vec<Self> {
        let h264 = |profile_level_id: u32, packetization_mode: u8| Self {
            format: Format::H264 { packetization_mode, profile_level_id },
            clock_rate: 90_000,
            channels: 1,
            parameters: format!(
                "level-asymmetry-allowed=1;packetization-mode={packetization_mode};profile-level-id={profile_level_id:06x}"
            ),
        };
        let plain = |format: Format, clock_rate: u32, channels: u8, parameters: &str| Self {
            format,
            clock_rate,
            channels,
            parameters: parameters.to_owned(),
        };
        vec![
            plain(Format::Vp8, 90_000, 1, ""),
            h264(0x42e01f, 1),
            h264(0x42e01f, 0),
            h264(0x42001f, 1),
            h264(0x42001f, 0),
            plain(Format::Opus, 48_000, 2, "minptime=10;useinbandfec=1"),
            plain(Format::G722, 8_000, 1, ""),
            plain(Format::Pcmu, 8_000, 1, ""),
            plain(Format::Pcma, 8_000, 1, ""),
            plain(Format::L16, 48_000, 2, ""),
        ]
    }
}

/// Tones are taken at this clock rate whatever the codec: Firefox has no other.
const LEAST_TONE_RATE: u32 = 8_000;
