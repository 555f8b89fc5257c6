//! What a session, its senders and its receivers are told when they are made: plain data.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use peerless_wire::rtp::{ExtensionMap, Rid, Ssrc};

use crate::codec::{Codec, TelephoneEvent};

/// What a whole session is made with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The canonical name of this endpoint in all its streams (RFC 3550 §6.5.1), one per connection; at most 255
    /// bytes travel. Choose it as RFC 7022 says: random, nothing about the user.
    pub cname: String,
    /// Where all chance comes from: first sequence numbers, timestamp offsets, report intervals.
    pub seed: [u8; 32],
    /// One moment on both clocks, so that the session can tell wall-clock (NTP) time from `now`.
    pub epoch: (Instant, SystemTime),
    /// The most bytes of an RTP or RTCP packet before SRTP adds its tag. 1200 by default: fits, with SRTP, UDP and
    /// IPv6 headers, what every path is known to carry (1280). At least 256.
    pub mtu: usize,
    /// The bitrate a video sender is reckoned to have, for pacing and retransmissions, while the remote has told none
    /// (REMB) and less was handed in, in bit/s over all its packets. Encoders are not told of it. 1.5 Mbit/s by
    /// default.
    pub assumed_bitrate: u64,
    /// How long an incomplete picture waits for what it lacks, once it is its turn, before it is given up and a key frame
    /// asked for, which is done at half that time in case. 500 ms by default: five retransmissions over a path of 60 ms.
    /// Over longer paths it waits for as many, 3 s at most, and 1.5 s while the round trip is not known.
    pub video_give_up: Duration,
    /// How long sound waits for a packet out of order before it goes on without it, where frames leave as soon as they
    /// are whole ([`ReceiveConfig::jitter_buffer_target`]). 60 ms by default. Otherwise it goes on when the packet's own
    /// time has come.
    pub audio_give_up: Duration,
    /// How long frames are held at least so that those after them come in time, however even the path. 10 ms by default.
    pub jitter_buffer_min: Duration,
    /// How long frames are held at most for the sake of an uneven path. 1 s by default. What comes later is late: a
    /// picture leaves at once then, sound is given up. The user's wish and lip sync may add to it.
    pub jitter_buffer_max: Duration,
    /// Whether pictures and retransmissions are paced: leave in small batches at 2.5 times the bitrate of pictures. True by
    /// default. False lets all packets leave as soon as they are polled, for a server of media in a local network.
    pub pacing: bool,
    /// Whether each RTCP packet sent and received makes an [`Event::Rtcp`](crate::session::Event::Rtcp) with a
    /// readable summary. False by default: it costs a string each.
    pub diagnostics: bool,
}

impl Config {
    /// The defaults, with the three things that have none.
    pub fn new(cname: impl Into<String>, seed: [u8; 32], epoch: (Instant, SystemTime)) -> Self {
        Self {
            cname: cname.into(),
            seed,
            epoch,
            mtu: 1200,
            assumed_bitrate: 1_500_000,
            video_give_up: Duration::from_millis(500),
            audio_give_up: Duration::from_millis(60),
            jitter_buffer_min: Duration::from_millis(10),
            jitter_buffer_max: Duration::from_secs(1),
            pacing: true,
            diagnostics: false,
        }
    }
}

/// All but the seed, from which what a stranger must not guess is drawn.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("cname", &self.cname)
            .field("mtu", &self.mtu)
            .field("pacing", &self.pacing)
            .finish_non_exhaustive()
    }
}

/// How the frames of one media section are sent, or those of one of its encodings where there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendConfig {
    /// What the frames are coded with, and the payload types and feedback that were agreed on.
    pub codec: Codec,
    /// The source of the packets, as in our `a=ssrc`. Unique in the session.
    pub ssrc: Ssrc,
    /// The source of their retransmissions (RFC 4588), as in our `a=ssrc-group:FID`. Used where [`Codec::rtx`] says
    /// so as well; otherwise lost packets are sent again as they were.
    pub rtx_ssrc: Option<Ssrc>,
    /// The header extensions agreed on; those we have values for are written.
    pub extensions: ExtensionMap,
    /// Whether RTCP feedback may go without a report in front (RFC 5506, `a=rtcp-rsize`). It does only when every
    /// media section of the session agreed.
    pub reduced_size: bool,
    /// With what tones may be played beside the sound (RFC 4733); empty where the remote takes none.
    pub telephone_events: Vec<TelephoneEvent>,
    /// The name of the encoding, unique in its section; told in packets where [`extensions`](Self::extensions) has an id
    /// for it (RFC 8852), until the remote has reported on the source. `None` for the only one.
    pub rid: Option<Rid>,
    /// Whether it is sent. One that is not keeps its source and its numbers. True by default.
    pub active: bool,
    /// The most that it should take, bit/s over all its packets; `None`, the default, for no limit. Encoders are told by
    /// [`Session::target_bitrate`](crate::session::Session::target_bitrate); packets are not dropped for it.
    pub max_bitrate: Option<u64>,
    /// How much of a bitrate that the remote told for several sources is for this one, in proportion to the others; at
    /// least 1. 256 by default.
    pub share: u32,
}

impl SendConfig {
    /// Frames of `codec` from `ssrc`, without retransmission stream, extensions or reduced-size RTCP.
    pub fn new(codec: Codec, ssrc: Ssrc) -> Self {
        Self {
            codec,
            ssrc,
            rtx_ssrc: None,
            extensions: ExtensionMap::new(),
            reduced_size: false,
            telephone_events: Vec::new(),
            rid: None,
            active: true,
            max_bitrate: None,
            share: 256,
        }
    }
}

/// How the packets of one media section are received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveConfig {
    /// What may arrive, by payload type.
    pub codecs: Vec<Codec>,
    /// The header extensions agreed on. Ids mean the same in all sections of a BUNDLE group (RFC 9143 §14).
    pub extensions: ExtensionMap,
    /// The sources the remote named (`a=ssrc`), each with that of its retransmissions. May be empty: MID or an
    /// unambiguous payload type then finds the section (RFC 9143 §9.2).
    pub ssrcs: Vec<(Ssrc, Option<Ssrc>)>,
    /// Whether RTCP feedback may go without a report in front (RFC 5506, `a=rtcp-rsize`).
    pub reduced_size: bool,
    /// Whether, while nothing is sent, reference times are (RFC 3611 §4.4), so that the round trip is known all the
    /// same. False by default. A remote that does not know them passes over them (RFC 3611 §3).
    pub reference_time: bool,
    /// How long the jitter buffer should hold frames at least (jitterBufferTarget, webrtc-pc §5.3), at most
    /// [`MAX_JITTER_BUFFER_TARGET`]. `None`, the default, follows the path. Zero hands frames on as soon as they are
    /// whole, for forwarding and echo.
    pub jitter_buffer_target: Option<Duration>,
    /// What these packets are played in step with: those of all sections that say the same, from the same remote. The
    /// remote's media stream of `a=msid` (RFC 8830). `None`, the default, for nothing.
    pub sync_group: Option<String>,
    /// The tones that may arrive beside the sound (RFC 4733).
    pub telephone_events: Vec<TelephoneEvent>,
    /// The encodings that may arrive, where several were agreed on (RFC 8853): each has a source of its own, which its
    /// packets name; those that name another or none are dropped. Empty, the default, takes any source.
    pub rids: Vec<Rid>,
}

/// The most that may be asked of a jitter buffer (webrtc-pc §5.3).
pub const MAX_JITTER_BUFFER_TARGET: Duration = Duration::from_secs(4);

impl ReceiveConfig {
    /// Packets of `codecs`, from any source, without extensions or reduced-size RTCP.
    pub fn new(codecs: Vec<Codec>) -> Self {
        let extensions = ExtensionMap::new();
        Self {
            codecs,
            extensions,
            ssrcs: Vec::new(),
            reduced_size: false,
            reference_time: false,
            jitter_buffer_target: None,
            sync_group: None,
            telephone_events: Vec::new(),
            rids: Vec::new(),
        }
    }
}
