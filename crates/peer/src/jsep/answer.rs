//! Answers (RFC 9429 §5.3).

use peerless_wire::sdp::{Attribute, Description, Media, Setup};

use crate::error::Error;
use crate::jsep::bundle::{self, mid_of};
use crate::jsep::check;
use crate::jsep::codecs::{answered, capabilities, kind_of, wants_rtx};
use crate::jsep::extensions;
use crate::jsep::sctp::{self, Form};
use crate::jsep::section::{self, Content, DataContent};
use crate::jsep::view::{DtlsRole, TransceiverView, View};
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
    let owner = |index: usize| {
        let mid = mid_of(offer, index);
        view.transceivers.iter().find(|one| one.mid.as_ref() == Some(&mid))
    };
    let data = sctp::offered(view, offer);
    let is_taken = |index| {
        data == Some(index) || owner(index).is_some_and(|one| is_possible(view, offer, index, Some(one)))
    };
    let shared = bundle::shared(offer, is_taken);
    let setup = answered_setup(view, offer, &shared)?;
    let mixes = |media: &Media| extensions::is_mixed(offer, media);
    let mut answer = section::description(view, offer.media.iter().any(mixes));
    for (index, media) in offer.media.iter().enumerate() {
        let transceiver = owner(index).filter(|_| shared.contains(&index));
        answer.media.push(match transceiver {
            Some(transceiver) => answered_section(view, transceiver, offer, media, setup),
            None if data == Some(index) && shared.contains(&index) => answered_data(view, media, setup),
            None => section::rejected(media, media.mid().cloned()),
        });
    }
    if offer.bundle_groups().next().is_some() {
        let tag = bundle::tag(offer, |index| shared.contains(&index));
        let rest = shared.iter().copied().filter(|index| Some(*index) != tag);
        let mids = tag.into_iter().chain(rest).map(|index| mid_of(offer, index)).collect();
        if let Some(group) = bundle::group(mids) {
            answer.attributes.insert(0, group);
        }
    }
    Ok(answer)
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

fn answered_setup(view: &View, offer: &Description, shared: &[usize]) -> Result<Setup, Error> {
    let Some(tag) = bundle::tag(offer, |index| shared.contains(&index)) else {
        return Ok(Setup::Active);
    };
    let remote = check::remote_transport(view, offer, tag, shared)?;
    Ok(match check::role_to_answer(view, remote.setup, tag)? {
        DtlsRole::Client => Setup::Active,
        DtlsRole::Server => Setup::Passive,
    })
}

fn answered_data(view: &View, offered: &Media, setup: Setup) -> Media {
    let form = Form::of(offered).unwrap_or(Form::OURS);
    let mid = offered.mid().cloned();
    let has_packet_size = sctp::max_packet_size(offered).is_some();
    let content = DataContent { mid, form, is_bundle_only: false, setup, has_packet_size };
    section::write_data(view, content)
}

fn answered_section(
    view: &View,
    transceiver: &TransceiverView,
    offer: &Description,
    offered: &Media,
    setup: Setup,
) -> Media {
    let kind = transceiver.kind;
    let ours = capabilities(view, Some(transceiver), kind);
    let is_our_order = !transceiver.codec_preferences.is_empty();
    let theirs = offer.direction(offered).reversed();
    let content = Content {
        kind,
        mid: offered.mid().cloned(),
        protocol: &offered.protocol,
        is_bundle_only: false,
        setup,
        direction: section::both_want(section::wanted(transceiver.direction), theirs),
        entries: answered(offered, kind, &ours, is_our_order, wants_rtx(Some(transceiver))),
        extensions: extensions::answered(offer, offered, kind),
        has_reduced_size: offered.has(&Attribute::RtcpReducedSize),
    };
    section::write(view, transceiver, content)
}
