//! The encodings of a sender (`[[SendEncodings]]`, webrtc-pc §5.2): their parameters, each with the sources it is sent
//! from, and how the RTP session is told of them.

use peerless_rtp::codec::{Codec, Format};
use peerless_rtp::config::SendConfig;
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Rid, Ssrc};

use crate::config::CodecCapability;
use crate::jsep::plan::SendPlan;
use crate::parameters::{EncodingParameters, SendParameters};

/// One encoding of a sender.
#[derive(Debug, Clone)]
pub(crate) struct Encoding {
    pub(crate) parameters: EncodingParameters,
    pub(crate) ssrc: Ssrc,
    pub(crate) rtx_ssrc: Ssrc,
    /// The remote's last answer wants nothing of it for now (RFC 8853 §5.1).
    pub(crate) is_paused: bool,
}

impl Encoding {
    /// Whether anything is to be sent of it.
    pub(crate) fn is_sent(&self) -> bool {
        self.parameters.is_sent() && !self.is_paused
    }
}

/// What a sender remembers besides, between one negotiation or reading and the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// The encoding as it was before the remote's pending offer gave it names (`[[LastStableRidlessSendEncodings]]`).
    pub(crate) ridless: Option<EncodingParameters>,
    /// The encodings are those of an offer that we have not answered: until then the one before goes on as it was, with the
    /// frames of the first, and the others are not sent.
    pub(crate) is_proposed: bool,
    /// What was read and not handed back since (`[[LastReturnedParameters]]`).
    pub(crate) last_returned: Option<SendParameters>,
    /// What was negotiated last.
    pub(crate) agreed: Option<SendPlan>,
}

/// What the session is told of all encodings: nothing where nothing was negotiated.
pub(crate) fn send_configs(agreed: Option<&SendPlan>, encodings: &[Encoding]) -> Vec<SendConfig> {
    let Some(plan) = agreed else { return Vec::new() };
    let config = |encoding: &Encoding| {
        let mut config = SendConfig::new(chosen(plan, &encoding.parameters)?, encoding.ssrc);
        config.rtx_ssrc = plan.rtx_ssrc.map(|_| encoding.rtx_ssrc);
        config.extensions = plan.extensions.clone();
        if !plan.is_named {
            forget_names(&mut config.extensions);
        }
        config.reduced_size = plan.reduced_size;
        config.telephone_events.clone_from(&plan.telephone_events);
        config.rid = encoding.parameters.rid.clone();
        config.active = encoding.is_sent();
        config.max_bitrate = encoding.parameters.max_bitrate;
        config.share = share(&encoding.parameters);
        Some(config)
    };
    encodings.iter().filter_map(config).collect()
}

/// Packets of a section whose encodings were not agreed on by name neither give nor have one (RFC 8851 §4).
pub(crate) fn forget_names(extensions: &mut ExtensionMap) {
    extensions.remove(ExtensionKind::Rid);
    extensions.remove(ExtensionKind::RepairedRid);
}

/// The codec of an encoding: the one it asks for, where that was negotiated, else the first.
pub(crate) fn chosen(agreed: &SendPlan, parameters: &EncodingParameters) -> Option<Codec> {
    let wanted = parameters.codec.as_ref();
    let asked = wanted.and_then(|wanted| agreed.codecs.iter().find(|codec| is_same(wanted, codec)));
    asked.or(agreed.codecs.first()).cloned()
}

/// Whether one of ours was negotiated.
pub(crate) fn is_agreed(agreed: &SendPlan, capability: &CodecCapability) -> bool {
    agreed.codecs.iter().any(|codec| is_same(capability, codec))
}

/// Which of ours can be chosen for an encoding: those that were negotiated, or all before anything was (webrtc-pc §5.2,
/// "setParameters validation steps").
pub(crate) fn choosable(agreed: Option<&SendPlan>, ours: &[CodecCapability]) -> Vec<CodecCapability> {
    let can_be = |capability: &&CodecCapability| agreed.is_none_or(|plan| is_agreed(plan, capability));
    ours.iter().filter(can_be).cloned().collect()
}

/// Whether a codec that was negotiated is this one of ours. The level of H.264 does not count: it is not agreed on.
fn is_same(capability: &CodecCapability, codec: &Codec) -> bool {
    let is_same_format = match (capability.format, codec.format) {
        (
            Format::H264 { packetization_mode: ours, profile_level_id: our_profile },
            Format::H264 { packetization_mode: theirs, profile_level_id: their_profile },
        ) => ours == theirs && our_profile >> 8 == their_profile >> 8,
        (ours, theirs) => ours == theirs,
    };
    is_same_format && (capability.clock_rate, capability.channels) == (codec.clock_rate, codec.channels)
}

/// What part of a scarce bitrate an encoding gets: by its priority, and the smaller its pictures the less, though not as much
/// less as they have fewer points.
fn share(parameters: &EncodingParameters) -> u32 {
    let scale = parameters.scale_resolution_down_by.unwrap_or(1.0).max(1.0);
    let share = f64::from(parameters.priority.0.max(1)) * 64.0 / scale.powf(1.5);
    share.max(1.0) as u32
}

/// Those of `encodings` that an answer takes; where it takes none, the first alone.
pub(crate) fn reduce(encodings: &mut Vec<Encoding>, rids: &[Rid]) {
    match rids {
        [] => encodings.truncate(1),
        _ => encodings
            .retain(|encoding| encoding.parameters.rid.as_ref().is_some_and(|rid| rids.contains(rid))),
    }
}
