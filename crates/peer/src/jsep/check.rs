//! What a remote description must be like to be taken (RFC 9429 §5.8, §5.10, §5.11).

use std::collections::HashSet;

use peerless_wire::sdp::{Attribute, Description, Fingerprint, Media, Setup};

use crate::error::DescriptionError;
use crate::jsep::bundle::{mid_of, transport_section};
use crate::jsep::codecs::{agree, kind_of};
use crate::jsep::sctp;
use crate::jsep::view::{Credentials, DtlsRole, View};
use crate::state::MediaKind;

/// The most media sections we take.
pub(super) const SECTION_LIMIT: usize = 128;

/// What concerns the description as a whole, whether offer or answer.
pub(super) fn check_shape(description: &Description) -> Result<(), DescriptionError> {
    let count = description.media.len();
    if count > SECTION_LIMIT {
        return Err(DescriptionError::TooManySections { count, limit: SECTION_LIMIT });
    }
    let mut mids = HashSet::new();
    for mid in description.media.iter().filter_map(Media::mid) {
        if !mids.insert(mid) {
            return Err(DescriptionError::DuplicateMid { mid: mid.to_string() });
        }
    }
    let mut bundled = HashSet::new();
    for mid in description.bundle_groups().flat_map(|group| &group.mids) {
        if !mids.contains(mid) {
            return Err(DescriptionError::BundleMidUnknown { mid: mid.to_string() });
        }
        // RFC 9143 §7.1: no section is in two groups, or twice in one.
        if !bundled.insert(mid) {
            return Err(DescriptionError::DuplicateMid { mid: mid.to_string() });
        }
    }
    Ok(())
}

/// An offer keeps the sections there are: as many or more, each of the same name and kind, unless it was rejected and
/// is used anew (RFC 3264 §8, RFC 9429 §5.2.2). The offer before it counts as if it had been answered
/// (webrtc-pc §4.4.1.5).
pub(super) fn check_offer_continues(view: &View, offer: &Description) -> Result<(), DescriptionError> {
    let descriptions = &view.descriptions;
    for (index, before) in descriptions.pending_remote.iter().flat_map(|one| one.media.iter().enumerate()) {
        let Some(now) = offer.media.get(index) else {
            return Err(DescriptionError::SectionMismatch { section: index });
        };
        let is_same = now.mid() == before.mid() && now.kind == before.kind;
        if !is_same && !before.is_rejected() {
            return Err(DescriptionError::SectionMismatch { section: index });
        }
    }
    let (Some(local), Some(remote)) = (&descriptions.current_local, &descriptions.current_remote) else {
        return Ok(());
    };
    for (index, (ours, theirs)) in local.media.iter().zip(&remote.media).enumerate() {
        let Some(now) = offer.media.get(index) else {
            return Err(DescriptionError::SectionMismatch { section: index });
        };
        let is_free = ours.is_rejected() || theirs.is_rejected();
        let is_same = mid_of(offer, index) == mid_of(local, index) && now.kind == theirs.kind;
        if !is_same && !is_free {
            return Err(DescriptionError::SectionMismatch { section: index });
        }
    }
    Ok(())
}

/// An answer has the sections of its offer (RFC 3264 §6), and takes none that were not offered.
pub(super) fn check_answer_fits(offer: &Description, answer: &Description) -> Result<(), DescriptionError> {
    let (offered, answered) = (offer.media.len(), answer.media.len());
    if offered != answered {
        return Err(DescriptionError::SectionCount { offered, answered });
    }
    for (section, (theirs, ours)) in answer.media.iter().zip(&offer.media).enumerate() {
        let is_same_name = theirs.mid().is_none() || theirs.mid() == Some(&mid_of(offer, section));
        if theirs.kind != ours.kind || !is_same_name {
            return Err(DescriptionError::SectionMismatch { section });
        }
        if theirs.is_rejected() {
            continue;
        }
        if kind_of(ours).is_none() && sctp::Form::of(ours).is_none() {
            return Err(DescriptionError::DataChannelIncompatible { section });
        }
        if ours.is_rejected() {
            return Err(DescriptionError::SectionMismatch { section });
        }
    }
    Ok(())
}

/// A section that the answer takes can flow: multiplexed, with a codec in common, or for data
/// channels with a port.
pub(super) fn check_answered_section(
    offered: &Media,
    answered: &Media,
    section: usize,
) -> Result<(), DescriptionError> {
    if kind_of(answered).is_none() && sctp::port(answered).is_some() {
        return Ok(());
    }
    if kind_of(answered).is_some()
        && !answered.has(&Attribute::RtcpMux)
        && !answered.has(&Attribute::RtcpMuxOnly)
    {
        return Err(DescriptionError::RtcpMuxMissing { section });
    }
    if !agree(offered, answered, answered).send.is_empty() {
        return Ok(());
    }
    Err(match kind_of(answered) {
        Some(MediaKind::Audio) => DescriptionError::AudioIncompatible { section },
        Some(MediaKind::Video) => DescriptionError::VideoIncompatible { section },
        None => DescriptionError::DataChannelIncompatible { section },
    })
}

/// What a remote description says of its end of a transport.
#[derive(Debug, Clone)]
pub(super) struct RemoteTransport {
    pub(super) credentials: Credentials,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) setup: Option<Setup>,
}

/// Reads and checks the transport attributes that count when the section `tag` lends its transport to those of
/// `sections`. `standing` is our DTLS role where its association stands.
pub(super) fn remote_transport(
    view: &View,
    standing: Option<DtlsRole>,
    remote: &Description,
    tag: usize,
    sections: &[usize],
) -> Result<RemoteTransport, DescriptionError> {
    let section = transport_section(remote, tag);
    let Some(media) = remote.media.get(section) else {
        return Err(DescriptionError::SectionMismatch { section });
    };
    let (Some(ufrag), Some(password)) = (remote.ice_ufrag(media), remote.ice_pwd(media)) else {
        return Err(DescriptionError::IceCredentialsMissing { section });
    };
    let fingerprints = fingerprints(remote, media, section)?;
    for &index in sections {
        let other = remote.media.get(index).map(|media| remote.fingerprints(media)).into_iter().flatten();
        let mut sound = other.filter(|one| one.is_sound()).peekable();
        if sound.peek().is_some() && !sound.any(|one| fingerprints.contains(one)) {
            return Err(DescriptionError::FingerprintConflict);
        }
    }
    if standing.is_some() && !is_known_certificate(view, &fingerprints) {
        return Err(DescriptionError::FingerprintChanged);
    }
    let credentials = Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() };
    Ok(RemoteTransport { credentials, fingerprints, setup: remote.setup(media) })
}

/// The fingerprints we can check a certificate with; one of an accepted hash that is malformed spoils all.
fn fingerprints(
    description: &Description,
    media: &Media,
    section: usize,
) -> Result<Vec<Fingerprint>, DescriptionError> {
    let is_malformed = |attribute: &Attribute| matches!(attribute, Attribute::Other { name, .. } if &**name == "fingerprint");
    let all: Vec<&Fingerprint> = description.fingerprints(media).collect();
    if all.iter().any(|one| one.is_accepted() && !one.is_sound()) {
        return Err(DescriptionError::FingerprintInvalid { section });
    }
    let sound: Vec<Fingerprint> = all.iter().filter(|one| one.is_sound()).map(|one| (*one).clone()).collect();
    if !sound.is_empty() {
        return Ok(sound);
    }
    if media.attributes.iter().chain(&description.attributes).any(is_malformed) {
        return Err(DescriptionError::FingerprintInvalid { section });
    }
    Err(match all.first() {
        Some(first) => DescriptionError::FingerprintHashUnsupported { section, hash: first.hash.clone() },
        None => DescriptionError::FingerprintMissing { section },
    })
}

/// Whether the remote, on a standing association, still names a fingerprint that it named when it was agreed on.
fn is_known_certificate(view: &View, fingerprints: &[Fingerprint]) -> bool {
    let descriptions = &view.descriptions;
    // In have-remote-pranswer the association stands by the pending description.
    let Some(before) = descriptions.current_remote.as_ref().or(descriptions.pending_remote.as_ref()) else {
        return true;
    };
    let accepted = before.media.iter().filter(|media| !media.is_rejected());
    let mut known = accepted.flat_map(|media| before.fingerprints(media)).peekable();
    // Where all sections were rejected, nothing is said of the association that stands.
    known.peek().is_none() || known.any(|one| fingerprints.contains(one))
}

/// Our DTLS role by what the remote's offer leaves us (RFC 8842 §5.3): on a standing association the role it has.
pub(super) fn role_to_answer(
    standing: Option<DtlsRole>,
    offered: Option<Setup>,
    section: usize,
) -> Result<DtlsRole, DescriptionError> {
    let role = match offered {
        Some(Setup::ActPass) => return Ok(standing.unwrap_or(DtlsRole::Client)),
        Some(Setup::Passive) => DtlsRole::Client,
        // RFC 4145 §4: an offer that says nothing means active.
        Some(Setup::Active) | None => DtlsRole::Server,
        Some(Setup::HoldConn) => return Err(DescriptionError::SetupInvalid { section }),
    };
    if standing.is_some_and(|standing| standing != role) {
        return Err(DescriptionError::SetupInvalid { section });
    }
    Ok(role)
}

/// Our DTLS role by the remote's answer to our `actpass` (RFC 8842 §5.4): on a standing association the role it has.
///
/// Departs: RFC 8842 §3.1, where other roles mean a new association. Firefox forgets its role with each ICE restart of the
/// remote's, answers `active` from then on, and goes on with the association that stands all the same. The certificate was
/// found to be the one in use, so nobody else can take its place.
pub(super) fn role_from_answer(
    standing: Option<DtlsRole>,
    answered: Option<Setup>,
    section: usize,
) -> Result<DtlsRole, DescriptionError> {
    let role = match answered {
        Some(Setup::Active) => DtlsRole::Server,
        Some(Setup::Passive) => DtlsRole::Client,
        Some(Setup::ActPass | Setup::HoldConn) | None => {
            return Err(DescriptionError::SetupInvalid { section });
        }
    };
    Ok(standing.unwrap_or(role))
}
