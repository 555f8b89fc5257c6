//! Several encodings of one media section: which are offered, answered and agreed on (RFC 8853 §5, RFC 8851 §6,
//! RFC 9429 §5.2.1, §5.3.1; webrtc-pc §4.4.1.5, §5.4.1).
//!
//! Only pictures come in several encodings, and only where packets can say of which they are: with the header extension
//! for it (RFC 8852).

use peerless_wire::rtp::{ExtensionKind, Rid};
use peerless_wire::sdp::{
    Attribute, Description, Direction, Media, RidLine, Simulcast, SimulcastStream, StreamDirection,
};

use crate::jsep::codecs::{Entry, kind_of};
use crate::jsep::extensions;
use crate::jsep::plan::EncodingsChange;
use crate::jsep::view::{TransceiverView, View};
use crate::parameters::{MAX_ENCODINGS, can_travel};
use crate::state::MediaKind;

/// One stream of a simulcast as a section lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed<'a> {
    pub(super) rid: Rid,
    /// Nothing is to be sent of it for now (RFC 8853 §5.1).
    pub(super) is_paused: bool,
    /// The limits of its `a=rid`, verbatim.
    restrictions: Option<&'a str>,
}

/// The streams that a section lists one way, in its order: of alternatives the first (webrtc-pc §4.4.1.5), each once, and
/// those only that an `a=rid` line declares the same way (RFC 8853 §5.1) and packets can name. Empty where packets cannot
/// say which is theirs.
pub(super) fn listed(media: &Media, direction: StreamDirection) -> Vec<Listed<'_>> {
    if kind_of(media) != Some(MediaKind::Video) || !extensions::has(media, ExtensionKind::Rid) {
        return Vec::new();
    }
    let simulcast = media.find(|attribute| match attribute {
        Attribute::Simulcast(simulcast) => Some(simulcast),
        _ => None,
    });
    let lists = simulcast.map(|simulcast| &simulcast.lists[..]).unwrap_or_default();
    let streams = lists.iter().find(|(known, _)| *known == direction).map(|(_, streams)| &streams[..]);
    let mut found: Vec<Listed<'_>> = Vec::new();
    for stream in streams.unwrap_or_default().iter().filter_map(|alternatives| alternatives.first()) {
        let Some(line) = line(media, &stream.rid, direction) else { continue };
        let is_new = found.iter().all(|one| one.rid != stream.rid);
        if is_new && can_travel(&stream.rid) && found.len() < MAX_ENCODINGS {
            let restrictions = line.restrictions.as_deref();
            found.push(Listed { rid: stream.rid.clone(), is_paused: stream.is_paused, restrictions });
        }
    }
    found
}

fn line<'a>(media: &'a Media, rid: &Rid, direction: StreamDirection) -> Option<&'a RidLine> {
    media.find(|attribute| match attribute {
        Attribute::Rid(line) if line.rid == *rid && line.direction == direction => Some(line),
        _ => None,
    })
}

/// What a section of ours says of its encodings.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: Vec<RidLine>,
    sends: Vec<Rid>,
    receives: Vec<Rid>,
}

impl Lines {
    /// Whether we send several: then RIDs tell them apart, and no sources are named (RFC 8853 §5.5).
    pub(super) fn sends(&self) -> bool {
        !self.sends.is_empty()
    }

    /// Appends the lines.
    pub(super) fn write(self, attributes: &mut Vec<Attribute>) {
        let listed = |rids: Vec<Rid>| -> Vec<Vec<SimulcastStream>> {
            rids.into_iter().map(|rid| vec![SimulcastStream { rid, is_paused: false }]).collect()
        };
        attributes.extend(self.lines.into_iter().map(Attribute::Rid));
        let both = [(StreamDirection::Send, self.sends), (StreamDirection::Recv, self.receives)];
        let lists: Vec<_> = both
            .into_iter()
            .filter(|(_, rids)| !rids.is_empty())
            .map(|(direction, rids)| (direction, listed(rids)))
            .collect();
        if !lists.is_empty() {
            attributes.push(Attribute::Simulcast(Simulcast { lists }));
        }
    }

    fn push(&mut self, rid: Rid, direction: StreamDirection, restrictions: Option<Box<str>>) {
        self.lines.push(RidLine { rid: rid.clone(), direction, restrictions });
        match direction {
            StreamDirection::Send => self.sends.push(rid),
            StreamDirection::Recv => self.receives.push(rid),
        }
    }
}

/// What our offer says: all that the sender has, if several (webrtc-pc §4.4.2, "create an offer"), and those to be received
/// that were asked for, or agreed on before. What was agreed on is said while nothing is to be received too: browsers give up
/// their encodings for good where a description does not list them, a hold as well (webrtc-pc §4.4.1.5).
pub(super) fn offered(view: &View, transceiver: &TransceiverView, direction: Direction) -> Lines {
    let mut lines = Lines::default();
    if transceiver.kind != MediaKind::Video {
        return lines;
    }
    if direction.sends() && transceiver.encodings.len() > 1 {
        for rid in transceiver.encodings.iter().flatten() {
            lines.push(rid.clone(), StreamDirection::Send, None);
        }
    }
    let agreed = agreed_to_receive(view, transceiver);
    let is_new = agreed.is_empty() && direction.receives();
    for rid in if is_new { transceiver.receive_rids.clone() } else { agreed } {
        // A name stands for one encoding of the section (RFC 8851 §4).
        if lines.lines.iter().all(|line| line.rid != rid) {
            lines.push(rid, StreamDirection::Recv, None);
        }
    }
    lines
}

/// What is received now; and while the remote sends nothing, what we would receive.
fn agreed_to_receive(view: &View, transceiver: &TransceiverView) -> Vec<Rid> {
    let descriptions = &view.descriptions;
    let agreed = transceiver.mid.as_ref().and_then(|mid| {
        let (_, local) = descriptions.current_local.as_ref()?.section(mid)?;
        let remote_description = descriptions.current_remote.as_ref()?;
        let (_, remote) = remote_description.section(mid)?;
        let ours = || listed(local, StreamDirection::Recv).into_iter().map(|stream| stream.rid).collect();
        Some(if remote_description.direction(remote).sends() { received(local, remote) } else { ours() })
    });
    agreed.unwrap_or_default()
}

/// What our answer says: of what the remote would send all that comes in codecs we take, also while nothing is to be received,
/// and of what it would receive all that the sender has.
pub(super) fn answered(
    transceiver: &TransceiverView,
    offered: &Media,
    direction: Direction,
    entries: &[Entry],
) -> Lines {
    let mut lines = Lines::default();
    if direction.sends() && transceiver.encodings.len() > 1 {
        for stream in listed(offered, StreamDirection::Recv) {
            if transceiver.encodings.contains(&Some(stream.rid.clone())) {
                lines.push(stream.rid, StreamDirection::Send, None);
            }
        }
    }
    for stream in listed(offered, StreamDirection::Send) {
        if let Some(restrictions) = accepted(stream.restrictions, entries) {
            lines.push(stream.rid, StreamDirection::Recv, restrictions);
        }
    }
    lines
}

/// The limits of a stream as we answer them: the same, less the payload types we do not take. `None` where none is left
/// (RFC 8851 §6.3).
fn accepted(restrictions: Option<&str>, entries: &[Entry]) -> Option<Option<Box<str>>> {
    let Some(restrictions) = restrictions else { return Some(None) };
    let is_ours = |number: &&str| entries.iter().any(|entry| entry.payload_type.to_string() == **number);
    let mut kept: Vec<String> = Vec::new();
    for restriction in restrictions.split(';').map(str::trim).filter(|one| !one.is_empty()) {
        match restriction.strip_prefix("pt=") {
            Some(numbers) => {
                let numbers: Vec<&str> = numbers.split(',').map(str::trim).filter(is_ours).collect();
                if numbers.is_empty() {
                    return None;
                }
                kept.push(format!("pt={}", numbers.join(",")));
            }
            None => kept.push(restriction.to_owned()),
        }
    }
    Some((!kept.is_empty()).then(|| kept.join(";").into()))
}

/// The encodings that an offer asks of us (webrtc-pc §4.4.1.5).
pub(super) fn proposed(offered: &Media) -> Vec<Rid> {
    listed(offered, StreamDirection::Recv).into_iter().map(|stream| stream.rid).collect()
}

/// What a remote's offer makes of the encodings of a transceiver, or of one that it makes.
pub(super) fn change_by_offer(transceiver: Option<&TransceiverView>, offered: &Media) -> EncodingsChange {
    let proposed = proposed(offered);
    let is_plain = transceiver.is_none_or(|one| matches!(one.encodings[..], [None]));
    if proposed.is_empty() || !is_plain { EncodingsChange::None } else { EncodingsChange::Proposed(proposed) }
}

/// What an answer makes of the encodings of a transceiver: those that it does not take go, and all but the first where it
/// takes none (webrtc-pc §4.4.1.5). Where we do not send, nothing was offered that could go; and an answer that receives
/// nothing for now (a hold) and lists nothing says nothing of them: no answerer has to (RFC 9429 §5.3.1).
pub(super) fn change_by_answer(
    transceiver: &TransceiverView,
    (description, local): (&Description, &Media),
    (remote_description, remote): (&Description, &Media),
) -> EncodingsChange {
    if transceiver.encodings.len() <= 1 || !description.direction(local).sends() {
        return EncodingsChange::None;
    }
    let agreed = agreed(local, remote);
    if agreed.is_empty() && !remote_description.direction(remote).receives() {
        return EncodingsChange::None;
    }
    let is_agreed =
        |rid: &Option<Rid>| rid.as_ref().is_some_and(|rid| agreed.iter().any(|one| one.rid == *rid));
    if transceiver.encodings.iter().all(is_agreed) {
        return EncodingsChange::None;
    }
    EncodingsChange::Reduced(agreed.into_iter().map(|one| one.rid).collect())
}

/// What we send, by both descriptions, as the remote lists it.
fn agreed<'a>(local: &Media, remote: &'a Media) -> Vec<Listed<'a>> {
    let ours = listed(local, StreamDirection::Send);
    let mut theirs = listed(remote, StreamDirection::Recv);
    theirs.retain(|stream| ours.iter().any(|one| one.rid == stream.rid));
    theirs
}

/// Whether what we send has names that both descriptions list.
pub(super) fn is_named(local: &Media, remote: &Media) -> bool {
    !agreed(local, remote).is_empty()
}

/// Those of what we send that the remote wants paused.
pub(super) fn paused(local: &Media, remote: &Media) -> Vec<Rid> {
    agreed(local, remote).into_iter().filter(|stream| stream.is_paused).map(|stream| stream.rid).collect()
}

/// What we receive, by both descriptions.
pub(super) fn received(local: &Media, remote: &Media) -> Vec<Rid> {
    let ours = listed(local, StreamDirection::Recv);
    let mut theirs = listed(remote, StreamDirection::Send);
    theirs.retain(|stream| ours.iter().any(|one| one.rid == stream.rid));
    theirs.into_iter().map(|stream| stream.rid).collect()
}
