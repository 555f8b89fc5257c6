//! How media is sent and received, and what of it may be changed while it flows (webrtc-pc §5.2.3 to §5.2.9):
//! parameters as plain data, with the checks of `addTransceiver` (§5.1) and `setParameters` (§5.2).

use peerless_rtp::codec::Codec;
use peerless_wire::rtp::{ExtensionMap, Rid, ShortText};

use crate::channel::Priority;
use crate::config::CodecCapability;
use crate::error::Error;
use crate::state::MediaKind;

/// The most encodings of one track of pictures; of sound there is one.
pub const MAX_ENCODINGS: usize = 8;

/// One encoding of what is sent (RTCRtpEncodingParameters, webrtc-pc §5.2.5).
#[derive(Debug, Clone, PartialEq)]
pub struct EncodingParameters {
    /// Its name, where there are several (RFC 8851): letters and digits of ASCII, 255 at most by the standard and 16 here,
    /// which is what the short form of a header extension carries. Read-only once the transceiver was made.
    pub rid: Option<Rid>,
    /// Whether it is sent. Takes effect at once, without negotiation. Default: yes.
    pub active: bool,
    /// The most it may take, bit/s, over all its packets but without what UDP, IP and encryption add. `None`: no limit. With
    /// 0 nothing is sent.
    pub max_bitrate: Option<u64>,
    /// The most pictures a second, not below 0; with 0 nothing is sent. `None`: no limit. Pictures only.
    pub max_framerate: Option<f64>,
    /// By how much width and height are divided, not below 1. Pictures only, where it has a value at all times once the
    /// transceiver was made.
    pub scale_resolution_down_by: Option<f64>,
    /// The codec, among those that were negotiated; `None` for the first of these.
    pub codec: Option<CodecCapability>,
    /// Which part of a scarce bitrate it gets, beside the other encodings of the connection (webrtc-priority §4): in
    /// proportion. Default: low.
    pub priority: Priority,
    /// How its packets are marked for the network (DSCP, RFC 8837). Only low, the default, which is no mark; others are
    /// refused.
    pub network_priority: Priority,
}

impl Default for EncodingParameters {
    fn default() -> Self {
        Self {
            rid: None,
            active: true,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
            codec: None,
            priority: Priority::LOW,
            network_priority: Priority::LOW,
        }
    }
}

impl EncodingParameters {
    /// An encoding of this name, else as by default.
    pub fn named(rid: &str) -> Self {
        Self { rid: Some(Rid::new(rid)), ..Self::default() }
    }

    /// What a sender has where nothing else is asked for (webrtc-pc §5.2, "create an RTCRtpSender").
    pub(crate) fn lone(kind: MediaKind) -> Self {
        Self { scale_resolution_down_by: (kind == MediaKind::Video).then_some(1.0), ..Self::default() }
    }

    /// Whether anything may be sent of it.
    pub(crate) fn is_sent(&self) -> bool {
        self.active && self.max_bitrate != Some(0) && self.max_framerate != Some(0.0)
    }

    fn check_numbers(&self) -> Result<(), Error> {
        let numbers = [self.scale_resolution_down_by, self.max_framerate];
        if numbers.into_iter().flatten().any(|number| !number.is_finite()) {
            return Err(Error::Argument("scale_resolution_down_by and max_framerate must be finite"));
        }
        if self.scale_resolution_down_by.is_some_and(|scale| scale < 1.0) {
            return Err(Error::Range("scale_resolution_down_by must not be below 1"));
        }
        if self.max_framerate.is_some_and(|rate| rate < 0.0) {
            return Err(Error::Range("max_framerate must not be below 0"));
        }
        if self.network_priority != Priority::LOW {
            return Err(Error::NotSupported("marking packets for the network"));
        }
        Ok(())
    }

    fn forget_pictures(&mut self) {
        self.scale_resolution_down_by = None;
        self.max_framerate = None;
    }
}

/// How a sender sends (RTCRtpSendParameters, webrtc-pc §5.2.4). To change something, take them, change
/// [`encodings`](Self::encodings), and hand them back; all else is read-only.
#[derive(Debug, Clone, PartialEq)]
pub struct SendParameters {
    /// Which reading of the parameters this is: only the last one can be handed back, and once.
    pub transaction_id: String,
    /// One for each encoding, in the order of the negotiation. None can be added, taken away or moved.
    pub encodings: Vec<EncodingParameters>,
    /// The header extensions that are sent, by the last negotiation.
    pub header_extensions: Vec<HeaderExtension>,
    /// RTCP.
    pub rtcp: RtcpParameters,
    /// What may be sent by the last negotiation, the remote's favourite first; empty before it.
    pub codecs: Vec<Codec>,
}

/// How a receiver receives (RTCRtpReceiveParameters, webrtc-pc §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveParameters {
    /// The header extensions that may arrive, by the last negotiation.
    pub header_extensions: Vec<HeaderExtension>,
    /// RTCP.
    pub rtcp: RtcpParameters,
    /// What may arrive by the last negotiation; empty before it.
    pub codecs: Vec<Codec>,
}

/// A header extension that was negotiated (RTCRtpHeaderExtensionParameters, webrtc-pc §5.2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderExtension {
    /// What it means (RFC 8285 §5).
    pub uri: String,
    /// Its number in packets.
    pub id: u8,
    /// Whether it is encrypted (RFC 6904): never here.
    pub encrypted: bool,
}

impl HeaderExtension {
    /// All of a map.
    pub(crate) fn of(map: &ExtensionMap) -> Vec<Self> {
        map.iter().map(|(id, kind)| Self { uri: kind.uri().to_owned(), id, encrypted: false }).collect()
    }
}

/// RTCRtcpParameters (webrtc-pc §5.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcpParameters {
    /// The canonical name of the sources (RFC 3550 §6.5.1): ours for a sender, the remote's for a receiver, where its
    /// description tells; else empty.
    pub cname: String,
    /// Whether RTCP of reduced size was negotiated (RFC 5506).
    pub reduced_size: bool,
}

/// The encodings of a new sender as `addTransceiver` takes them: checked, and with what follows for those that say
/// nothing (webrtc-pc §5.1, "addTransceiver sendEncodings validation steps").
///
/// Several without names get some, so that they can be offered.
///
/// # Errors
/// `Argument` for a name that is none, is there twice, or that some have and others have not; `Range` for a scale below 1 or
/// a frame rate below 0; `CodecUnavailable` for a codec that is not among `codecs`; `NotSupported` for a name longer than 16
/// or a mark for the network.
pub(crate) fn of_new_sender(
    kind: MediaKind,
    given: Vec<EncodingParameters>,
    codecs: &[CodecCapability],
) -> Result<Vec<EncodingParameters>, Error> {
    check_names(&given)?;
    let mut encodings = given;
    if kind == MediaKind::Audio {
        encodings.iter_mut().for_each(EncodingParameters::forget_pictures);
    }
    encodings.iter().try_for_each(EncodingParameters::check_numbers)?;
    let is_ours = |codec: &CodecCapability| {
        codec.format.is_video() == (kind == MediaKind::Video) && codecs.contains(codec)
    };
    if !encodings.iter().filter_map(|encoding| encoding.codec.as_ref()).all(is_ours) {
        return Err(Error::CodecUnavailable);
    }
    if encodings.iter().any(|encoding| encoding.scale_resolution_down_by.is_some()) {
        fill_scales(&mut encodings, |_| 1.0);
    }
    encodings.truncate(if kind == MediaKind::Video { MAX_ENCODINGS } else { 1 });
    if kind == MediaKind::Video {
        let count = encodings.len();
        fill_scales(&mut encodings, |index| default_scale(index, count));
    }
    match &mut encodings[..] {
        [] => encodings.push(EncodingParameters::lone(kind)),
        [lone] => lone.rid = None,
        several => {
            for (index, encoding) in several.iter_mut().enumerate() {
                encoding.rid.get_or_insert_with(|| Rid::new(&index.to_string()));
            }
        }
    }
    Ok(encodings)
}

/// The encodings that a remote asks for who offers to receive several (webrtc-pc §4.4.1.5).
pub(crate) fn proposed(rids: &[Rid]) -> Vec<EncodingParameters> {
    let named = |(index, rid): (usize, &Rid)| EncodingParameters {
        rid: Some(rid.clone()),
        scale_resolution_down_by: Some(default_scale(index, rids.len())),
        ..EncodingParameters::default()
    };
    rids.iter().enumerate().map(named).collect()
}

/// The encodings after `setParameters` (webrtc-pc §5.2, "setParameters validation steps"): `held` are those of now, `last`
/// what `getParameters` gave last, and `codecs` those that may be chosen.
///
/// # Errors
/// `Modification` where the encodings are others, or in another order, where something read-only was changed, or a codec
/// is not among `codecs`; `Range` for a scale below 1 or a frame rate below 0; `NotSupported` for a mark for the network.
pub(crate) fn of_changed_sender(
    kind: MediaKind,
    held: &[EncodingParameters],
    last: &SendParameters,
    given: SendParameters,
    codecs: &[CodecCapability],
) -> Result<Vec<EncodingParameters>, Error> {
    let names = |encodings: &[EncodingParameters]| -> Vec<Option<Rid>> {
        encodings.iter().map(|encoding| encoding.rid.clone()).collect()
    };
    if given.encodings.len() != held.len() {
        return Err(Error::Modification("encodings cannot be added or taken away"));
    }
    if names(&given.encodings) != names(&last.encodings) {
        return Err(Error::Modification("encodings keep their names and their order"));
    }
    if given.transaction_id != last.transaction_id {
        return Err(Error::Modification("these are not the parameters that were read last"));
    }
    let rest = |one: &SendParameters| (one.header_extensions.clone(), one.rtcp.clone(), one.codecs.clone());
    if rest(&given) != rest(last) {
        return Err(Error::Modification("header extensions, RTCP and codecs are read-only"));
    }
    let mut encodings = given.encodings;
    let is_choosable = |codec: &CodecCapability| codecs.contains(codec);
    if !encodings.iter().filter_map(|encoding| encoding.codec.as_ref()).all(is_choosable) {
        return Err(Error::Modification("the codec was not negotiated"));
    }
    match kind {
        MediaKind::Audio => encodings.iter_mut().for_each(EncodingParameters::forget_pictures),
        MediaKind::Video => fill_scales(&mut encodings, |_| 1.0),
    }
    encodings.iter().try_for_each(EncodingParameters::check_numbers)?;
    Ok(encodings)
}

/// The encodings that shall be offered to receive.
///
/// # Errors
/// As for those to send; also for sound, and for more than [`MAX_ENCODINGS`].
pub(crate) fn check_received(kind: MediaKind, rids: &[Rid]) -> Result<(), Error> {
    if rids.is_empty() {
        return Ok(());
    }
    if kind == MediaKind::Audio {
        return Err(Error::NotSupported("several encodings of sound"));
    }
    if rids.len() > MAX_ENCODINGS {
        return Err(Error::Range("there are eight encodings at most"));
    }
    let named = |rid: &Rid| EncodingParameters { rid: Some(rid.clone()), ..EncodingParameters::default() };
    check_names(&rids.iter().map(named).collect::<Vec<_>>())
}

fn check_names(encodings: &[EncodingParameters]) -> Result<(), Error> {
    let names: Vec<&Rid> = encodings.iter().filter_map(|encoding| encoding.rid.as_ref()).collect();
    if !names.iter().all(|rid| is_name(rid.as_str())) {
        return Err(Error::Argument("a rid is 1 to 255 letters and digits"));
    }
    if !names.is_empty() && names.len() < encodings.len() {
        return Err(Error::Argument("all encodings have a rid, or none"));
    }
    if names.iter().enumerate().any(|(index, rid)| names.iter().skip(index + 1).any(|other| other == rid)) {
        return Err(Error::Argument("two encodings have the same rid"));
    }
    if !names.iter().all(|rid| can_travel(rid)) {
        return Err(Error::NotSupported("a rid of more than 16 letters"));
    }
    Ok(())
}

/// The grammar of RFC 8851 §10 as RFC 8852 §3.3 narrows it: what packets can carry.
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether packets can carry the name.
pub(crate) fn can_travel(rid: &Rid) -> bool {
    ShortText::new(rid.as_str()).is_some()
}

fn fill_scales(encodings: &mut [EncodingParameters], scale: impl Fn(usize) -> f64) {
    for (index, encoding) in encodings.iter_mut().enumerate() {
        encoding.scale_resolution_down_by.get_or_insert_with(|| scale(index));
    }
}

/// 4, 2, 1 for three: the last is as large as the track.
fn default_scale(index: usize, count: usize) -> f64 {
    f64::from(1_u32 << (count - index - 1).min(31))
}
