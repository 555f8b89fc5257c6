//! Which header extensions are offered, and what two sides agree on (RFC 8285 §5, §6, §8).

use peerless_wire::rtp::{ExtensionKind, ExtensionMap};
use peerless_wire::sdp::{Attribute, Description, Direction, Extmap, Media};

use crate::jsep::codecs::kind_of;
use crate::jsep::numbers::ExtensionIds;
use crate::jsep::view::View;
use crate::state::MediaKind;

/// Whether we send an extension, and whether we act upon it when it comes. Nothing turns pictures or heeds playout delays
/// yet, and nothing mixes, so that only others tell of contributing sources.
fn ways(extension: ExtensionKind, kind: MediaKind) -> (bool, bool) {
    match extension {
        ExtensionKind::Mid
        | ExtensionKind::AbsSendTime
        | ExtensionKind::TransportSequence
        | ExtensionKind::AbsCaptureTime => (true, true),
        ExtensionKind::AudioLevel => (kind == MediaKind::Audio, kind == MediaKind::Audio),
        ExtensionKind::CsrcAudioLevel => (false, kind == MediaKind::Audio),
        ExtensionKind::Rid | ExtensionKind::RepairedRid => {
            (kind == MediaKind::Video, kind == MediaKind::Video)
        }
        ExtensionKind::VideoOrientation | ExtensionKind::PlayoutDelay => (false, false),
    }
}

/// Those that we send or act upon, with whether it is the one and the other.
pub(crate) fn ours(kind: MediaKind) -> impl Iterator<Item = (ExtensionKind, (bool, bool))> {
    let all = ExtensionKind::ALL.into_iter().map(move |extension| (extension, ways(extension, kind)));
    all.filter(|(_, (sends, receives))| *sends || *receives)
}

/// The lines we offer for a section: of what we know all that the remote has not left out of every section of the kind
/// (RFC 9429 §5.2.2). Chromium may have given the number of what it left out to something else, and then refuses the offer.
pub(super) fn offered(view: &View, kind: MediaKind, ids: &mut ExtensionIds) -> Vec<Extmap> {
    let wanted = ours(kind).filter(|(extension, _)| !is_left_out(view, kind, *extension));
    let lines = wanted.filter_map(|(extension, (sends, receives))| {
        let direction = Direction::new(sends, receives);
        let written = (direction != Direction::SendRecv).then_some(direction);
        Some(extmap(ids.id(extension)?, extension, written))
    });
    lines.collect()
}

/// Whether the remote has sections of the kind, none of them with this extension.
///
/// Departs: RFC 9429 §5.2.2, because the names of encodings are offered again (RFC 8285 §6 lets us): Firefox says them only
/// where it has several. And they are always offered, as §5.2.1 has it: where they are left out once, Chromium cannot send
/// several encodings in any section any more.
fn is_left_out(view: &View, kind: MediaKind, extension: ExtensionKind) -> bool {
    if matches!(extension, ExtensionKind::Rid | ExtensionKind::RepairedRid) {
        return false;
    }
    let remote = view.descriptions.current_remote.as_ref();
    let sections = remote.into_iter().flat_map(|remote| &remote.media);
    let mut agreed = sections.filter(|media| kind_of(media) == Some(kind) && !media.is_rejected()).peekable();
    agreed.peek().is_some() && !agreed.any(|media| has(media, extension))
}

/// Whether a section lists the extension.
pub(super) fn has(media: &Media, extension: ExtensionKind) -> bool {
    let uri = extension.uri();
    media.attributes.iter().any(|one| matches!(one, Attribute::Extmap(extmap) if &*extmap.uri == uri))
}

/// The lines we answer an offered section with: the same ids, directions turned round, only what we know and the ways we
/// use it (RFC 9429 §5.3.1).
pub(super) fn answered(offer: &Description, section: &Media, kind: MediaKind) -> Vec<Extmap> {
    let listed = listed(section, is_mixed(offer, section)).into_iter();
    let lines = listed.filter_map(|(id, extension, offered)| {
        let (sends, receives) = ways(extension, kind);
        let wanted = offered.unwrap_or(Direction::SendRecv).reversed();
        let direction = Direction::new(wanted.sends() && sends, wanted.receives() && receives);
        let is_said = offered.is_some() || direction != Direction::SendRecv;
        let is_used = direction != Direction::Inactive;
        is_used.then(|| extmap(id, extension, is_said.then_some(direction)))
    });
    lines.collect()
}

/// What was agreed, for sending and for receiving.
pub(super) fn agree(
    local: (&Description, &Media),
    remote: (&Description, &Media),
) -> (ExtensionMap, ExtensionMap) {
    let mixed = is_mixed(local.0, local.1) && is_mixed(remote.0, remote.1);
    let (mut send, mut receive) = (ExtensionMap::new(), ExtensionMap::new());
    send.mixed = mixed;
    receive.mixed = mixed;
    let remotes = listed(remote.1, mixed);
    for (id, extension, direction) in listed(local.1, mixed) {
        let Some((_, _, theirs)) = remotes.iter().find(|one| (one.0, one.1) == (id, extension)) else {
            continue;
        };
        let (ours, theirs) =
            (direction.unwrap_or(Direction::SendRecv), theirs.unwrap_or(Direction::SendRecv));
        if ours.sends() && theirs.receives() {
            send.insert(id, extension);
        }
        if ours.receives() && theirs.sends() {
            receive.insert(id, extension);
        }
    }
    (send, receive)
}

/// Whether the sender of the description takes one- and two-byte headers mixed (RFC 8285 §6).
pub(super) fn is_mixed(description: &Description, section: &Media) -> bool {
    description.has(&Attribute::ExtmapAllowMixed) || section.has(&Attribute::ExtmapAllowMixed)
}

/// The extensions of a section that we know; of repeated ids or meanings the first counts. 15 is reserved, and those
/// above need the two-byte form (RFC 8285 §4.2, §4.3).
fn listed(section: &Media, mixed: bool) -> Vec<(u8, ExtensionKind, Option<Direction>)> {
    let mut found: Vec<(u8, ExtensionKind, Option<Direction>)> = Vec::new();
    for attribute in &section.attributes {
        let Attribute::Extmap(extmap) = attribute else { continue };
        let Some(kind) = ExtensionKind::from_uri(&extmap.uri) else { continue };
        let Ok(id) = u8::try_from(extmap.id) else { continue };
        let is_possible = (1..=14).contains(&id) || (mixed && id >= 16);
        if is_possible && found.iter().all(|one| one.0 != id && one.1 != kind) {
            found.push((id, kind, extmap.direction));
        }
    }
    found
}

fn extmap(id: u8, kind: ExtensionKind, direction: Option<Direction>) -> Extmap {
    Extmap { id: id.into(), direction, uri: kind.uri().into(), attributes: None }
}
