//! Which codecs two sides have in common, and with which parameters: by what the payload formats say (RFC 6184 §8.2.2,
//! RFC 7587 §7, RFC 7741 §6, RFC 4588 §8) and the offer/answer rules (RFC 3264 §6.1, RFC 4585 §4.2).

use std::fmt::Write as _;

use peerless_rtp::codec::{Codec, Feedback, Format, TelephoneEvent};
use peerless_wire::rtp::PayloadType;
use peerless_wire::sdp::{Attribute, FeedbackKind, Fmtp, Kind, Media, RtcpFeedback, Rtpmap, parameter};

use crate::config::CodecCapability;
use crate::jsep::h264;
use crate::jsep::view::{TransceiverView, View};
use crate::state::MediaKind;

/// A codec as a media section lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed<'a> {
    pub(super) payload_type: PayloadType,
    pub(super) format: Format,
    pub(super) clock_rate: u32,
    pub(super) channels: u8,
    pub(super) parameters: &'a str,
    /// The payload type whose `apt` names this one, where `m=` lists it.
    pub(super) rtx: Option<PayloadType>,
    pub(super) feedback: Feedback,
}

/// A codec as we write it into a section.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) payload_type: PayloadType,
    pub(super) rtx: Option<PayloadType>,
    pub(super) capability: CodecCapability,
    pub(super) feedback: Feedback,
}

/// The codecs of one section, as both sides agreed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Agreed {
    /// With the payload types to send with, in the answerer's order.
    pub(super) send: Vec<Codec>,
    /// With the payload types that arrive.
    pub(super) receive: Vec<Codec>,
    /// The tones beside them, likewise.
    pub(super) send_tones: Vec<TelephoneEvent>,
    pub(super) receive_tones: Vec<TelephoneEvent>,
}

/// What kind of media a section holds; `None` where it is neither sound nor pictures.
pub(super) fn kind_of(media: &Media) -> Option<MediaKind> {
    match media.kind {
        Kind::Audio => Some(MediaKind::Audio),
        Kind::Video => Some(MediaKind::Video),
        Kind::Application | Kind::Other(_) => None,
    }
}

/// What we may use on a transceiver, best first: its preferences, else all of the configuration and what goes beside it.
pub(super) fn capabilities(
    view: &View,
    transceiver: Option<&TransceiverView>,
    kind: MediaKind,
) -> Vec<CodecCapability> {
    let preferences = transceiver.map(|one| &one.codec_preferences).filter(|list| !list.is_empty());
    let mut list = preferences.unwrap_or(&view.codecs).clone();
    if preferences.is_none() {
        let beside = CodecCapability::beside(&view.codecs, kind);
        list.extend(beside);
    }
    list.retain(|one| one.is_of(kind) && one.format != Format::Rtx);
    list
}

/// Whether a transceiver may send its pictures again on a source of their own: unless its preferences leave that out.
pub(super) fn wants_rtx(transceiver: Option<&TransceiverView>) -> bool {
    let preferences = transceiver.map(|one| &one.codec_preferences).filter(|list| !list.is_empty());
    preferences.is_none_or(|list| list.iter().any(|one| one.format == Format::Rtx))
}

/// What we give and take as feedback for this kind of media; none for tones.
pub(super) fn our_feedback(kind: MediaKind, format: Format) -> Feedback {
    if !format.is_media() {
        return Feedback::default();
    }
    let is_video = kind == MediaKind::Video;
    Feedback { nack: is_video, pli: is_video, fir: is_video, transport_cc: true, remb: is_video }
}

/// The codecs of a section that we know, in the order of its `m=` line. Attributes of payload types that `m=` does not
/// list are passed over: Firefox leaves such behind.
pub(super) fn listed(media: &Media) -> Vec<Listed<'_>> {
    let Some(kind) = kind_of(media) else { return Vec::new() };
    let table = Table::new(media);
    let mut found: Vec<Listed<'_>> = Vec::new();
    for payload_type in media.payload_types() {
        let Some((name, clock_rate, channels)) = table.encoding(payload_type) else { continue };
        let parameters = table.parameters(payload_type);
        let Some(format) = format(name, clock_rate, parameters) else { continue };
        let is_repeated = found.iter().any(|one| one.payload_type == payload_type);
        if is_repeated || format.is_video() != (kind == MediaKind::Video) {
            continue;
        }
        let feedback = table.feedback(payload_type);
        found.push(Listed { payload_type, format, clock_rate, channels, parameters, rtx: None, feedback });
    }
    for payload_type in media.payload_types() {
        let Some((name, clock_rate, _)) = table.encoding(payload_type) else { continue };
        if !name.eq_ignore_ascii_case("rtx") {
            continue;
        }
        let apt = parameter(table.parameters(payload_type), "apt").and_then(|number| number.parse().ok());
        let main = found.iter_mut().find(|one| Some(one.payload_type.value()) == apt);
        if let Some(main) = main.filter(|main| main.clock_rate == clock_rate && main.rtx.is_none()) {
            main.rtx = Some(payload_type);
        }
    }
    found
}

/// What a section says of each payload type, gathered in one pass.
struct Table<'a> {
    rtpmaps: [Option<&'a Rtpmap>; 128],
    parameters: [Option<&'a str>; 128],
    feedback: [Feedback; 128],
    feedback_of_all: Feedback,
}

impl<'a> Table<'a> {
    fn new(media: &'a Media) -> Self {
        let mut table = Self {
            rtpmaps: [None; 128],
            parameters: [None; 128],
            feedback: [Feedback::default(); 128],
            feedback_of_all: Feedback::default(),
        };
        for attribute in &media.attributes {
            match attribute {
                Attribute::Rtpmap(rtpmap) => {
                    if let Some(slot) = table.rtpmaps.get_mut(index(rtpmap.payload_type)) {
                        slot.get_or_insert(rtpmap);
                    }
                }
                Attribute::Fmtp(fmtp) => {
                    if let Some(slot) = table.parameters.get_mut(index(fmtp.payload_type)) {
                        slot.get_or_insert(&fmtp.parameters);
                    }
                }
                Attribute::RtcpFeedback(RtcpFeedback { payload_type, kind }) => {
                    let slot = match payload_type {
                        Some(payload_type) => table.feedback.get_mut(index(*payload_type)),
                        None => Some(&mut table.feedback_of_all),
                    };
                    if let Some(slot) = slot {
                        add_feedback(slot, kind);
                    }
                }
                _ => {}
            }
        }
        table
    }

    /// Name, clock rate and channels: by `a=rtpmap`, else by the static numbers of RFC 3551 §6.
    fn encoding(&self, payload_type: PayloadType) -> Option<(&'a str, u32, u8)> {
        match self.rtpmaps.get(index(payload_type)).copied().flatten() {
            Some(rtpmap) => Some((&rtpmap.encoding, rtpmap.clock_rate, rtpmap.channels())),
            None => match payload_type.value() {
                0 => Some(("PCMU", 8_000, 1)),
                8 => Some(("PCMA", 8_000, 1)),
                9 => Some(("G722", 8_000, 1)),
                10 => Some(("L16", 44_100, 2)),
                11 => Some(("L16", 44_100, 1)),
                _ => None,
            },
        }
    }

    fn parameters(&self, payload_type: PayloadType) -> &'a str {
        self.parameters.get(index(payload_type)).copied().flatten().unwrap_or_default()
    }

    fn feedback(&self, payload_type: PayloadType) -> Feedback {
        let own = self.feedback.get(index(payload_type)).copied().unwrap_or_default();
        combine(own, self.feedback_of_all, |one, all| one | all)
    }
}

fn index(payload_type: PayloadType) -> usize {
    usize::from(payload_type.value())
}

fn add_feedback(feedback: &mut Feedback, kind: &FeedbackKind) {
    match kind {
        FeedbackKind::Nack => feedback.nack = true,
        FeedbackKind::NackPli => feedback.pli = true,
        FeedbackKind::CcmFir => feedback.fir = true,
        FeedbackKind::TransportCc => feedback.transport_cc = true,
        FeedbackKind::GoogRemb => feedback.remb = true,
        FeedbackKind::Other(_) => {}
    }
}

/// What both sides give and take.
pub(super) fn common_feedback(ours: Feedback, theirs: Feedback) -> Feedback {
    combine(ours, theirs, |ours, theirs| ours & theirs)
}

fn combine(a: Feedback, b: Feedback, join: impl Fn(bool, bool) -> bool) -> Feedback {
    Feedback {
        nack: join(a.nack, b.nack),
        pli: join(a.pli, b.pli),
        fir: join(a.fir, b.fir),
        transport_cc: join(a.transport_cc, b.transport_cc),
        remb: join(a.remb, b.remb),
    }
}

fn format(name: &str, clock_rate: u32, parameters: &str) -> Option<Format> {
    let formats = [
        (Format::Vp8, 90_000),
        (Format::Opus, 48_000),
        (Format::Pcmu, 8_000),
        (Format::Pcma, 8_000),
        (Format::G722, 8_000),
        (Format::L16, clock_rate),
        (Format::TelephoneEvent, clock_rate),
    ];
    if name.eq_ignore_ascii_case("H264") && clock_rate == 90_000 {
        let packetization_mode = match parameter(parameters, "packetization-mode") {
            None | Some("0") => 0,
            Some("1") => 1,
            // Interleaved mode: nobody uses it, nor do we.
            Some(_) => return None,
        };
        let profile_level_id = match parameter(parameters, "profile-level-id") {
            Some(text) => h264::parse(text)?,
            None => h264::DEFAULT,
        };
        return Some(Format::H264 { packetization_mode, profile_level_id });
    }
    let known = formats
        .iter()
        .find(|(format, clock)| name.eq_ignore_ascii_case(format.name()) && clock_rate == *clock);
    known.map(|(format, _)| *format)
}

/// Whether two formats are the same but for their level (RFC 6184 §8.2.2: profile and mode are used symmetrically).
fn is_same_format(a: Format, b: Format) -> bool {
    match (a, b) {
        (
            Format::H264 { packetization_mode: mode_a, profile_level_id: id_a },
            Format::H264 { packetization_mode: mode_b, profile_level_id: id_b },
        ) => mode_a == mode_b && h264::profile(id_a) == h264::profile(id_b),
        (a, b) => a == b,
    }
}

impl Listed<'_> {
    /// Whether it is what we can do under this capability.
    pub(super) fn is(&self, capability: &CodecCapability) -> bool {
        is_same_format(self.format, capability.format)
            && self.clock_rate == capability.clock_rate
            && self.channels == capability.channels
    }

    fn is_like(&self, other: &Listed<'_>) -> bool {
        is_same_format(self.format, other.format)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }

    fn tones(&self) -> TelephoneEvent {
        TelephoneEvent { payload_type: self.payload_type, clock_rate: self.clock_rate }
    }

    fn has_asymmetric_levels(&self) -> bool {
        parameter(self.parameters, "level-asymmetry-allowed") == Some("1")
    }

    fn codec(&self, format: Format, remote: &Listed<'_>, has_rtx: bool, feedback: Feedback) -> Codec {
        Codec {
            format,
            payload_type: self.payload_type,
            clock_rate: self.clock_rate,
            channels: self.channels,
            parameters: remote.parameters.to_owned(),
            rtx: self.rtx.filter(|_| has_rtx),
            feedback,
        }
    }
}

/// Whether the events of a telephone-event include all 16 keys: a list of numbers and ranges, and these where there is none
/// (RFC 4733 §2.4.1, §2.5.1.1).
fn takes_all_keys(parameters: &str) -> bool {
    let events = parameters.trim();
    let events = events.strip_prefix("events=").unwrap_or(events);
    if events.is_empty() {
        return true;
    }
    let holds = |range: &str, code: u8| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.trim().parse::<u8>(), last.trim().parse::<u8>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&code),
            _ => false,
        }
    };
    (0..16).all(|code| events.split(',').any(|range| holds(range, code)))
}

/// The format in which the sender of `from` may send to the sender of `to`: what `to` takes, at the common level where
/// levels are not asymmetric (RFC 6184 §8.2.2).
fn sent_format(from: &Listed<'_>, to: &Listed<'_>) -> Format {
    match (from.format, to.format) {
        (
            Format::H264 { profile_level_id: own, .. },
            Format::H264 { packetization_mode, profile_level_id: theirs },
        ) => {
            let is_asymmetric = from.has_asymmetric_levels() && to.has_asymmetric_levels();
            let profile_level_id = if is_asymmetric { theirs } else { h264::at_common_level(theirs, own) };
            Format::H264 { packetization_mode, profile_level_id }
        }
        (_, theirs) => theirs,
    }
}

/// What two sections have in common, in the order of `order`, which is one of the two: that of the answer.
pub(super) fn agree(local: &Media, remote: &Media, order: &Media) -> Agreed {
    let (locals, remotes) = (listed(local), listed(remote));
    let is_local_first = std::ptr::eq(order, local);
    let (first, second) = if is_local_first { (&locals, &remotes) } else { (&remotes, &locals) };
    let mut agreed = Agreed::default();
    for one in first {
        let like = || second.iter().filter(|other| other.is_like(one));
        let same_number = like().find(|other| other.payload_type == one.payload_type);
        let Some(other) = same_number.or_else(|| like().next()) else { continue };
        let (local, remote) = if is_local_first { (one, other) } else { (other, one) };
        if one.format == Format::TelephoneEvent {
            // What either side does not take is not sent, by either: it would be of no use one way.
            if takes_all_keys(local.parameters) && takes_all_keys(remote.parameters) {
                agreed.send_tones.push(remote.tones());
                agreed.receive_tones.push(local.tones());
            }
            continue;
        }
        let has_rtx = local.rtx.is_some() && remote.rtx.is_some();
        let feedback = common_feedback(local.feedback, remote.feedback);
        agreed.send.push(remote.codec(sent_format(local, remote), remote, has_rtx, feedback));
        agreed.receive.push(local.codec(sent_format(remote, local), remote, has_rtx, feedback));
    }
    agreed
}

/// What of an offered section we answer with: the offer's payload types, in the order of our preferences where the
/// transceiver has such, else in the offer's (RFC 9429 §5.3.1). Empty where nothing is in common.
pub(super) fn answered(
    offer: &Media,
    kind: MediaKind,
    ours: &[CodecCapability],
    is_our_order: bool,
    has_rtx: bool,
) -> Vec<Entry> {
    let mut chosen: Vec<(usize, Entry)> = Vec::new();
    for one in listed(offer) {
        let Some(rank) = ours.iter().position(|capability| one.is(capability)) else { continue };
        let Some(capability) = ours.get(rank) else { continue };
        let feedback = common_feedback(our_feedback(kind, one.format), one.feedback);
        let entry = Entry {
            payload_type: one.payload_type,
            rtx: one.rtx.filter(|_| feedback.nack && has_rtx),
            capability: answering(capability, &one),
            feedback,
        };
        chosen.push((rank, entry));
    }
    // Tones alone are no sound.
    if !chosen.iter().any(|(_, entry)| entry.capability.format.is_media()) {
        return Vec::new();
    }
    if is_our_order {
        chosen.sort_by_key(|(rank, _)| *rank);
    }
    chosen.into_iter().map(|(_, entry)| entry).collect()
}

/// Our capability with the level of H.264 lowered where the offer wants both ways alike.
fn answering(ours: &CodecCapability, offered: &Listed<'_>) -> CodecCapability {
    let mut ours = ours.clone();
    if let (
        Format::H264 { packetization_mode, profile_level_id: own },
        Format::H264 { profile_level_id: theirs, .. },
    ) = (ours.format, offered.format)
        && !offered.has_asymmetric_levels()
    {
        let profile_level_id = h264::at_common_level(own, theirs);
        ours.format = Format::H264 { packetization_mode, profile_level_id };
    }
    ours
}

/// Writes the lines of a codec, and those of its retransmissions (RFC 4588 §8.6).
pub(super) fn write_entry(entry: &Entry, attributes: &mut Vec<Attribute>) {
    let Entry { payload_type, rtx, capability, feedback } = entry;
    let payload_type = *payload_type;
    let is_sound = !capability.format.is_video();
    attributes.push(Attribute::Rtpmap(Rtpmap {
        payload_type,
        encoding: capability.format.name().into(),
        clock_rate: capability.clock_rate,
        parameters: (is_sound && capability.channels > 1).then(|| capability.channels.to_string().into()),
    }));
    let kinds = [
        (feedback.remb, FeedbackKind::GoogRemb),
        (feedback.transport_cc, FeedbackKind::TransportCc),
        (feedback.fir, FeedbackKind::CcmFir),
        (feedback.nack, FeedbackKind::Nack),
        (feedback.pli, FeedbackKind::NackPli),
    ];
    for (_, kind) in kinds.into_iter().filter(|(is_used, _)| *is_used) {
        let payload_type = Some(payload_type);
        attributes.push(Attribute::RtcpFeedback(RtcpFeedback { payload_type, kind }));
    }
    let parameters = parameters_of(capability);
    if !parameters.is_empty() {
        attributes.push(Attribute::Fmtp(Fmtp { payload_type, parameters: parameters.into() }));
    }
    if let Some(rtx) = *rtx {
        attributes.push(Attribute::Rtpmap(Rtpmap {
            payload_type: rtx,
            encoding: "rtx".into(),
            clock_rate: capability.clock_rate,
            parameters: None,
        }));
        let parameters = format!("apt={payload_type}").into();
        attributes.push(Attribute::Fmtp(Fmtp { payload_type: rtx, parameters }));
    }
}

/// The parameters of a capability; for H.264 those that tell variants apart come from the format.
fn parameters_of(capability: &CodecCapability) -> String {
    let Format::H264 { packetization_mode, profile_level_id } = capability.format else {
        return capability.parameters.clone();
    };
    let mut text = format!(
        "level-asymmetry-allowed=1;packetization-mode={packetization_mode};profile-level-id={profile_level_id:06x}"
    );
    let is_written = |pair: &str| {
        ["level-asymmetry-allowed", "packetization-mode", "profile-level-id"]
            .iter()
            .any(|name| parameter(pair, name).is_some())
    };
    for pair in capability.parameters.split(';').filter(|pair| !pair.trim().is_empty() && !is_written(pair)) {
        // Writing to a string cannot fail.
        let _ = write!(text, ";{}", pair.trim());
    }
    text
}
