//! The numbers our offers give out: payload types and header extension ids. What was negotiated keeps its number
//! (RFC 3264 §8.3.2, RFC 8285 §6), and within a BUNDLE group one number means one thing (RFC 9143 §9.1, §12).

use peerless_rtp::codec::Format;
use peerless_wire::rtp::{ExtensionKind, PayloadType};
use peerless_wire::sdp::{Attribute, Description, Media};

use crate::config::CodecCapability;
use crate::jsep::codecs::{Entry, kind_of, listed, our_feedback};
use crate::jsep::view::View;
use crate::state::MediaKind;

/// Gives out payload types.
pub(super) struct PayloadTypes<'a> {
    /// The description whose numbers are kept: our last.
    previous: Option<&'a Description>,
    /// Those given out or learnt, with what they stand for.
    assigned: Vec<Entry>,
    is_used: [bool; 128],
}

impl<'a> PayloadTypes<'a> {
    pub(super) fn new(view: &'a View) -> Self {
        let descriptions = &view.descriptions;
        let all = [
            &descriptions.current_local,
            &descriptions.pending_local,
            &descriptions.current_remote,
            &descriptions.pending_remote,
        ];
        let mut is_used = [false; 128];
        for media in all.into_iter().flatten().flat_map(|description| &description.media) {
            for payload_type in media.payload_types() {
                mark(&mut is_used, payload_type);
            }
        }
        Self { previous: descriptions.local().map(|one| &**one), assigned: Vec::new(), is_used }
    }

    /// The entry of a codec in the section of this index: with the numbers it had there, else those it has in another
    /// section, else new ones. `None` where no number is left.
    pub(super) fn entry(
        &mut self,
        section: usize,
        kind: MediaKind,
        capability: &CodecCapability,
        has_rtx: bool,
    ) -> Option<Entry> {
        let feedback = our_feedback(kind, capability.format);
        let has_rtx = has_rtx && feedback.nack;
        let sections = || self.previous.into_iter().flat_map(|description| &description.media);
        let learnt = sections()
            .nth(section)
            .and_then(|media| numbers_in(media, kind, capability))
            .or_else(|| {
                let assigned = self.assigned.iter().find(|one| one.capability == *capability);
                assigned.map(|one| (one.payload_type, one.rtx))
            })
            .or_else(|| sections().find_map(|media| numbers_in(media, kind, capability)));
        let (payload_type, rtx) = match learnt {
            Some((payload_type, rtx)) => (payload_type, rtx),
            None => (self.free(usual(capability))?, None),
        };
        mark(&mut self.is_used, payload_type);
        let rtx = match rtx {
            _ if !has_rtx => None,
            Some(rtx) => Some(rtx),
            None => self.free(None),
        };
        if let Some(rtx) = rtx {
            mark(&mut self.is_used, rtx);
        }
        let entry = Entry { payload_type, rtx, capability: capability.clone(), feedback };
        self.assigned.push(entry.clone());
        Some(entry)
    }

    /// The wished number where it is free, else the first free dynamic one; 64 to 95 could be mistaken for RTCP
    /// (RFC 5761 §4).
    fn free(&self, wish: Option<u8>) -> Option<PayloadType> {
        let is_free = |number: &u8| self.is_used.get(usize::from(*number)) == Some(&false);
        wish.into_iter().chain(96..=127).chain(35..=63).find(is_free).and_then(PayloadType::new)
    }
}

fn mark(is_used: &mut [bool; 128], payload_type: PayloadType) {
    if let Some(slot) = is_used.get_mut(usize::from(payload_type.value())) {
        *slot = true;
    }
}

fn numbers_in(
    media: &Media,
    kind: MediaKind,
    capability: &CodecCapability,
) -> Option<(PayloadType, Option<PayloadType>)> {
    // A rejected section names its codecs without their parameters: what they mean cannot be told any more.
    if kind_of(media) != Some(kind) || media.is_rejected() {
        return None;
    }
    let found = listed(media).into_iter().find(|one| one.is(capability))?;
    Some((found.payload_type, found.rtx))
}

/// The static number of a codec (RFC 3551 §6), or the one that browsers use.
fn usual(capability: &CodecCapability) -> Option<u8> {
    match (capability.format, capability.clock_rate, capability.channels) {
        (Format::Pcmu, 8_000, 1) => Some(0),
        (Format::Pcma, 8_000, 1) => Some(8),
        (Format::G722, 8_000, 1) => Some(9),
        (Format::L16, 44_100, 2) => Some(10),
        (Format::L16, 44_100, 1) => Some(11),
        (Format::Opus, ..) => Some(111),
        (Format::TelephoneEvent, 48_000, _) => Some(110),
        (Format::TelephoneEvent, 8_000, _) => Some(126),
        _ => None,
    }
}

/// Gives out header extension ids.
pub(super) struct ExtensionIds {
    known: Vec<(ExtensionKind, u8)>,
    is_used: [bool; 256],
}

impl ExtensionIds {
    pub(super) fn new(view: &View) -> Self {
        let descriptions = &view.descriptions;
        let mut ids = Self { known: Vec::new(), is_used: [false; 256] };
        let all = [descriptions.local(), descriptions.remote()];
        let media = all.into_iter().flatten().flat_map(|description| &description.media);
        for attribute in media.flat_map(|media| &media.attributes) {
            let Attribute::Extmap(extmap) = attribute else { continue };
            let Ok(id) = u8::try_from(extmap.id) else { continue };
            if let Some(slot) = ids.is_used.get_mut(usize::from(id)) {
                *slot = true;
            }
            if let Some(kind) = ExtensionKind::from_uri(&extmap.uri)
                && ids.known.iter().all(|(known, _)| *known != kind)
            {
                ids.known.push((kind, id));
            }
        }
        ids
    }

    /// The id of an extension: the one it had, else the usual one where it is free, else another that fits the one-byte form.
    pub(super) fn id(&mut self, kind: ExtensionKind) -> Option<u8> {
        if let Some((_, id)) = self.known.iter().find(|(known, _)| *known == kind) {
            return Some(*id);
        }
        let first = usual_id(kind);
        let is_free = |id: &u8| self.is_used.get(usize::from(*id)) == Some(&false);
        let id = (first..=14).chain(1..first).find(is_free)?;
        if let Some(slot) = self.is_used.get_mut(usize::from(id)) {
            *slot = true;
        }
        self.known.push((kind, id));
        Some(id)
    }
}

/// The id that Chromium gives an extension, so that offers which meet agree: Chromium, where its offer made way for ours,
/// goes on with some ids of its own, and refuses offers that give another meaning to one which it had for new pictures. What
/// it does not know has one that it does not use.
fn usual_id(kind: ExtensionKind) -> u8 {
    match kind {
        ExtensionKind::AudioLevel => 1,
        ExtensionKind::AbsSendTime => 2,
        ExtensionKind::TransportSequence => 3,
        ExtensionKind::Mid => 4,
        ExtensionKind::PlayoutDelay => 5,
        ExtensionKind::CsrcAudioLevel => 9,
        ExtensionKind::Rid => 10,
        ExtensionKind::RepairedRid => 11,
        ExtensionKind::AbsCaptureTime => 12,
        ExtensionKind::VideoOrientation => 13,
    }
}
