//! Media sections as we write them into offers and answers (RFC 9429 §5.2.1, §5.3.1).

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{
    Attribute, Description, Direction, Extmap, Kind, Line, Media, Msid, Setup, SsrcAttribute, SsrcGroup,
};

use crate::jsep::codecs::{Entry, write_entry};
use crate::jsep::sctp::{self, Form};
use crate::jsep::simulcast::Lines;
use crate::jsep::view::{TransceiverView, TransportView, View};
use crate::state::{self, MediaKind};

/// What carries media in our offers (RFC 9429 §5.1.2).
pub(super) const PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";

/// A section that is offered or taken.
pub(super) struct Content<'a> {
    pub(super) kind: MediaKind,
    /// `None` where an offer we answer has none.
    pub(super) mid: Option<Mid>,
    pub(super) protocol: &'a str,
    pub(super) is_bundle_only: bool,
    pub(super) transport: &'a TransportView,
    pub(super) setup: Setup,
    pub(super) direction: Direction,
    pub(super) entries: Vec<Entry>,
    pub(super) extensions: Vec<Extmap>,
    pub(super) encodings: Lines,
    pub(super) has_reduced_size: bool,
}

/// A description with what we say of the session.
pub(super) fn description(view: &View, allows_mixed: bool) -> Description {
    let mut description = Description::new(view.session_id, view.session_version.wrapping_add(1));
    if allows_mixed {
        description.attributes.push(Attribute::ExtmapAllowMixed);
    }
    if view.ice_lite {
        description.attributes.push(Attribute::IceLite);
    }
    let options = if view.renomination { "trickle ice2 renomination" } else { "trickle ice2" };
    description.attributes.push(Attribute::IceOptions(options.into()));
    description
}

/// Writes a section.
///
/// Departs: RFC 9143 §7.1.3, because ICE credentials, fingerprint and setup are repeated in bundled sections, as
/// Chromium does: some stacks refuse a section without them.
pub(super) fn write(view: &View, transceiver: &TransceiverView, content: Content<'_>) -> Media {
    let kind = match content.kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
    };
    let port = if content.is_bundle_only { 0 } else { 9 };
    let mut media = Media::new(kind, port, content.protocol, &formats(&content.entries));
    media.lines.push(no_address());
    let attributes = &mut media.attributes;
    if content.is_bundle_only {
        attributes.push(Attribute::BundleOnly);
    }
    push_transport(attributes, content.transport, content.setup);
    attributes.extend(content.mid.map(Attribute::Mid));
    attributes.extend(content.extensions.into_iter().map(Attribute::Extmap));
    attributes.push(Attribute::Direction(content.direction));
    // By what the transceiver wants, also where the offer does not let it: else the answer lacks what negotiation-needed
    // looks for, and both sides would offer for ever (webrtc-pc §4.7.3).
    if wanted(transceiver.direction).sends() {
        push_msid(attributes, transceiver);
    }
    attributes.push(Attribute::RtcpMux);
    if content.has_reduced_size {
        attributes.push(Attribute::RtcpReducedSize);
    }
    let has_rtx = content.entries.iter().any(|entry| entry.rtx.is_some());
    for entry in &content.entries {
        write_entry(entry, attributes);
    }
    if content.direction.sends() && !content.encodings.sends() {
        push_sources(attributes, transceiver, has_rtx, &view.cname);
    }
    content.encodings.write(attributes);
    media
}

/// The section of data channels that is offered or taken.
pub(super) struct DataContent<'a> {
    /// `None` where an offer we answer has none.
    pub(super) mid: Option<Mid>,
    pub(super) form: Form<'a>,
    pub(super) is_bundle_only: bool,
    pub(super) transport: &'a TransportView,
    pub(super) setup: Setup,
    /// Whether we say the largest packet we take: in offers, and to those who said theirs.
    pub(super) has_packet_size: bool,
}

/// Writes the section of data channels (RFC 8841 §4 to §6).
pub(super) fn write_data(view: &View, content: DataContent<'_>) -> Media {
    let (protocol, format) = content.form.words();
    let port = if content.is_bundle_only { 0 } else { 9 };
    let mut media = Media::new(Kind::Application, port, protocol, &format);
    media.lines.push(no_address());
    let attributes = &mut media.attributes;
    if content.is_bundle_only {
        attributes.push(Attribute::BundleOnly);
    }
    push_transport(attributes, content.transport, content.setup);
    attributes.extend(content.mid.map(Attribute::Mid));
    attributes.push(content.form.port_line());
    attributes.push(Attribute::MaxMessageSize(view.data.max_message_size));
    if content.has_packet_size {
        attributes.push(sctp::packet_size_line(view.data.max_packet_size));
    }
    media
}

/// The section refused, or gone: port 0, its formats as they were (RFC 3264 §6, RFC 9429 §5.3.1).
pub(super) fn rejected(section: &Media, mid: Option<Mid>) -> Media {
    let mut media = Media::new(section.kind.clone(), 0, &section.protocol, &section.formats);
    media.lines.push(no_address());
    media.attributes.extend(mid.map(Attribute::Mid));
    media.attributes.push(Attribute::Direction(Direction::Inactive));
    let rtpmaps = section.attributes.iter().filter(|one| matches!(one, Attribute::Rtpmap(_)));
    media.attributes.extend(rtpmaps.cloned());
    media
}

/// The direction we want, as SDP says it.
pub(super) fn wanted(direction: state::Direction) -> Direction {
    match direction {
        state::Direction::SendRecv => Direction::SendRecv,
        state::Direction::SendOnly => Direction::SendOnly,
        state::Direction::RecvOnly => Direction::RecvOnly,
        state::Direction::Inactive | state::Direction::Stopped => Direction::Inactive,
    }
}

/// A direction of SDP as the W3C names it.
pub(super) fn named(direction: Direction) -> state::Direction {
    match direction {
        Direction::SendRecv => state::Direction::SendRecv,
        Direction::SendOnly => state::Direction::SendOnly,
        Direction::RecvOnly => state::Direction::RecvOnly,
        Direction::Inactive => state::Direction::Inactive,
    }
}

/// What is left of two directions, both seen from our side (RFC 3264 §6.1).
pub(super) fn both_want(ours: Direction, theirs: Direction) -> Direction {
    Direction::new(ours.sends() && theirs.sends(), ours.receives() && theirs.receives())
}

fn no_address() -> Line {
    Line::new('c', "IN IP4 0.0.0.0")
}

fn formats(entries: &[Entry]) -> String {
    let mut words: Vec<String> = Vec::new();
    for entry in entries {
        words.push(entry.payload_type.to_string());
        words.extend(entry.rtx.map(|rtx| rtx.to_string()));
    }
    words.join(" ")
}

fn push_transport(attributes: &mut Vec<Attribute>, transport: &TransportView, setup: Setup) {
    let TransportView { credentials, fingerprints, .. } = transport;
    attributes.push(Attribute::IceUfrag(credentials.ufrag.as_str().into()));
    attributes.push(Attribute::IcePwd(credentials.password.as_str().into()));
    attributes.extend(fingerprints.iter().cloned().map(Attribute::Fingerprint));
    attributes.push(Attribute::Setup(setup));
}

/// One line for each stream, one with `-` where the track is in none (RFC 8830 §2, RFC 9429 §5.2.1).
fn push_msid(attributes: &mut Vec<Attribute>, transceiver: &TransceiverView) {
    let track = match &transceiver.track_id {
        Some(id) => id.as_str().into(),
        None => format!("track-{}", transceiver.id.0).into(),
    };
    let msid =
        |stream: &str| Attribute::Msid(Msid { stream: stream.into(), track: Some(Box::clone(&track)) });
    if transceiver.stream_ids.is_empty() {
        attributes.push(msid("-"));
    }
    attributes.extend(transceiver.stream_ids.iter().map(|stream| msid(stream)));
}

/// The sources we send, those of retransmissions grouped with theirs (RFC 5576 §4, RFC 4588 §8.8).
fn push_sources(attributes: &mut Vec<Attribute>, transceiver: &TransceiverView, has_rtx: bool, cname: &str) {
    let ssrc = transceiver.ssrc;
    let rtx = transceiver.rtx_ssrc.filter(|_| has_rtx);
    if let Some(rtx) = rtx {
        let group = SsrcGroup { semantics: "FID".into(), ssrcs: vec![ssrc, rtx] };
        attributes.push(Attribute::SsrcGroup(group));
    }
    for ssrc in [Some(ssrc), rtx].into_iter().flatten() {
        let value = Some(cname.into());
        attributes.push(Attribute::Ssrc(SsrcAttribute { ssrc, name: "cname".into(), value }));
    }
}
