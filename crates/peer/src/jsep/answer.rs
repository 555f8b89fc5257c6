//! Answers (RFC 9429 §5.3).

use peerless_wire::sdp::{Attribute, Description, Media, Setup};

use crate::error::Error;
use crate::jsep::bundle::{self, Part, mid_of, parts_of_offer};
use crate::jsep::check;
use crate::jsep::codecs::{answered, capabilities, kind_of, wants_rtx};
use crate::jsep::extensions;
use crate::jsep::sctp::{self, Form};
use crate::jsep::section::{self, Content, DataContent};
use crate::jsep::simulcast;
use crate::jsep::view::{DtlsRole, TransceiverView, TransportView, View};
use crate::state::{Direction, SdpType, SignalingState};

/// Writes an answer to the remote's pending offer. A section we cannot take is rejected with port 0, the rest goes on.
///
/// # Errors
/// `Closed`; `WrongState` without a pending remote offer; `Description` where its transport cannot be used.
pub fn create_answer(view: &View) -> Result<Description, Error> {
    match view.signaling {
        SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer => {}
        SignalingState::Closed => return Err(Error::Closed),
        state => return Err(Error::WrongState { kind: SdpType::Answer, state }),
    }
    let Some(offer) = &view.descriptions.pending_remote else {
        return Err(Error::WrongState { kind: SdpType::Answer, state: view.signaling });
    };
    let data = sctp::offered(view, offer);
    let parts = parts(view, offer);
    let ways = ways(view, offer, &parts)?;
    let mixes = |media: &Media| extensions::is_mixed(offer, media);
    let mut answer = section::description(view, offer.media.iter().any(mixes));
    for (index, media) in offer.media.iter().enumerate() {
        let way = ways.iter().find(|way| way.part.sections.contains(&index));
        answer.media.push(match (owner(view, offer, index), way) {
            (Some(transceiver), Some(way)) => answered_section(view, transceiver, offer, media, way),
            (None, Some(way)) if data == Some(index) => answered_data(view, media, way),
            _ => section::rejected(media, media.mid().cloned()),
        });
    }
    let groups = ways.iter().filter(|way| way.part.is_group).flat_map(|way| {
        let rest = way.part.sections.iter().copied().filter(|index| *index != way.part.tag);
        let members = std::iter::once(way.part.tag).chain(rest);
        members.map(|index| (mid_of(offer, index), way.transport.id))
    });
    let groups = bundle::groups(&groups.collect::<Vec<_>>());
    answer.attributes.splice(0..0, groups);
    Ok(answer)
}

/// How many free transports the answer to the remote's pending offer takes.
pub(super) fn transports_wanted(view: &View) -> usize {
    let Some(offer) = &view.descriptions.pending_remote else { return 0 };
    let has_none = |part: &&Part| part.transport.is_none_or(|id| !view.routes.is_used(id));
    parts(view, offer).iter().filter(has_none).count()
}

/// The parts of an offer that we take.
fn parts(view: &View, offer: &Description) -> Vec<Part> {
    let data = sctp::offered(view, offer);
    let is_taken = |index| {
        let owner = || owner(view, offer, index);
        data == Some(index) || owner().is_some_and(|one| is_possible(view, offer, index, Some(one)))
    };
    parts_of_offer(view, offer, is_taken)
}

fn owner<'a>(view: &'a View, offer: &Description, index: usize) -> Option<&'a TransceiverView> {
    let mid = mid_of(offer, index);
    view.transceivers.iter().find(|one| one.mid.as_ref() == Some(&mid))
}

/// Whether a section of an offer can be taken as far as its content goes. For media: known kind and transport,
/// multiplexed, a codec in common with us, or with what its transceiver prefers. For data channels: the one section of
/// theirs.
pub(super) fn is_possible(
    view: &View,
    offer: &Description,
    index: usize,
    transceiver: Option<&TransceiverView>,
) -> bool {
    let Some(media) = offer.media.get(index) else { return false };
    let Some(kind) = kind_of(media) else { return sctp::offered(view, offer) == Some(index) };
    let is_stopped = transceiver.is_some_and(|one| one.direction == Direction::Stopped);
    let is_multiplexed = media.has(&Attribute::RtcpMux) || media.has(&Attribute::RtcpMuxOnly);
    if media.is_rejected() || is_stopped || !is_multiplexed || !is_known_protocol(&media.protocol) {
        return false;
    }
    let ours = capabilities(view, transceiver, kind);
    !answered(media, kind, &ours, false, wants_rtx(transceiver)).is_empty()
}

/// The protocols that RFC 9429 §5.1.2 has us take: all mean DTLS-SRTP here.
fn is_known_protocol(protocol: &str) -> bool {
    let security = protocol.strip_prefix("UDP/TLS/").or_else(|| protocol.strip_prefix("TCP/TLS/"));
    matches!(security, Some("RTP/SAVPF" | "RTP/SAVP"))
        || matches!(protocol, "RTP/SAVPF" | "RTP/SAVP" | "RTP/AVPF" | "RTP/AVP")
        || matches!(protocol, "TCP/DTLS/RTP/SAVPF" | "TCP/DTLS/RTP/SAVP")
}

/// How the sections of a part go.
struct Way<'a> {
    part: &'a Part,
    transport: &'a TransportView,
    setup: Setup,
}

/// The ways of the parts that have a transport.
fn ways<'a>(view: &'a View, offer: &Description, parts: &'a [Part]) -> Result<Vec<Way<'a>>, Error> {
    let mut ways = Vec::new();
    for part in parts {
        let Some(transport) = part.transport.and_then(|id| view.transport(id)) else { continue };
        let standing = transport.dtls_role;
        let remote = check::remote_transport(view, standing, offer, part.tag, &part.sections)?;
        let setup = match check::role_to_answer(standing, remote.setup, part.tag)? {
            DtlsRole::Client => Setup::Active,
            DtlsRole::Server => Setup::Passive,
        };
        ways.push(Way { part, transport, setup });
    }
    Ok(ways)
}

fn answered_data(view: &View, offered: &Media, way: &Way<'_>) -> Media {
    let form = Form::of(offered).unwrap_or(Form::OURS);
    let mid = offered.mid().cloned();
    let has_packet_size = sctp::max_packet_size(offered).is_some();
    let (transport, setup) = (way.transport, way.setup);
    let content = DataContent { mid, form, is_bundle_only: false, transport, setup, has_packet_size };
    section::write_data(view, content)
}

fn answered_section(
    view: &View,
    transceiver: &TransceiverView,
    offer: &Description,
    offered: &Media,
    way: &Way<'_>,
) -> Media {
    let kind = transceiver.kind;
    let ours = capabilities(view, Some(transceiver), kind);
    let is_our_order = !transceiver.codec_preferences.is_empty();
    let theirs = offer.direction(offered).reversed();
    let direction = section::both_want(section::wanted(transceiver.direction), theirs);
    let entries = answered(offered, kind, &ours, is_our_order, wants_rtx(Some(transceiver)));
    let encodings = simulcast::answered(transceiver, offered, direction, &entries);
    let content = Content {
        kind,
        mid: offered.mid().cloned(),
        protocol: &offered.protocol,
        is_bundle_only: false,
        transport: way.transport,
        setup: way.setup,
        direction,
        entries,
        extensions: extensions::answered(offer, offered, kind),
        encodings,
        has_reduced_size: offered.has(&Attribute::RtcpReducedSize),
    };
    section::write(view, transceiver, content)
}
