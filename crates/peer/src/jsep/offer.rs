//! Offers (RFC 9429 §5.2).

use std::collections::HashSet;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Description, Media, Setup};

use crate::error::Error;
use crate::id::TransceiverId;
use crate::jsep::bundle::{self, mid_of};
use crate::jsep::codecs::{Entry, capabilities, wants_rtx};
use crate::jsep::extensions;
use crate::jsep::numbers::{ExtensionIds, PayloadTypes};
use crate::jsep::sctp::{self, Form};
use crate::jsep::section::{self, Content, DataContent};
use crate::jsep::view::{TransceiverView, View};
use crate::state::{self, SdpType, SignalingState};

/// Writes an offer: the sections there are, in their places, then one for each transceiver that has none yet, then one
/// for data channels where they want one and have none (RFC 9429 §5.2.1, §5.2.2). All go over one transport: those not bundled before are bundle-only, but for the first.
///
/// # Errors
/// `Closed`; `WrongState` in any state but `stable` and `have-local-offer`.
pub fn create_offer(view: &View) -> Result<Description, Error> {
    match view.signaling {
        SignalingState::Stable | SignalingState::HaveLocalOffer => {}
        SignalingState::Closed => return Err(Error::Closed),
        state => return Err(Error::WrongState { kind: SdpType::Offer, state }),
    }
    let mut offer = section::description(view, true);
    let mut numbers = Numbers { payload_types: PayloadTypes::new(view), extensions: ExtensionIds::new(view) };
    let bundled = bundled_before(view);
    let mut bundle = Vec::new();
    for (index, slot) in slots(view).into_iter().enumerate() {
        let media = match slot {
            Slot::Used(transceiver, mid) => {
                let is_bundle_only = !bundle.is_empty() && !bundled.contains(&mid);
                bundle.push(mid.clone());
                offered_section(view, transceiver, mid, index, is_bundle_only, &mut numbers)
            }
            Slot::Data(form, mid) => {
                let is_bundle_only = !bundle.is_empty() && !bundled.contains(&mid);
                bundle.push(mid.clone());
                let setup = Setup::ActPass;
                let content =
                    DataContent { mid: Some(mid), form, is_bundle_only, setup, has_packet_size: true };
                section::write_data(view, content)
            }
            Slot::Empty(base) => match base.media.get(index) {
                Some(media) => section::rejected(media, Some(mid_of(base, index))),
                None => continue,
            },
        };
        offer.media.push(media);
    }
    if let Some(group) = bundle::group(bundle) {
        offer.attributes.insert(0, group);
    }
    Ok(offer)
}

/// For which transceiver each section of `create_offer` is written with the same view; `None` for those of data channels
/// and those without use.
pub fn owners(view: &View) -> Vec<Option<TransceiverId>> {
    let owner = |slot| match slot {
        Slot::Used(transceiver, _) => Some(transceiver.id),
        Slot::Data(..) | Slot::Empty(_) => None,
    };
    slots(view).into_iter().map(owner).collect()
}

/// Transceivers that have no section yet and can get one, in the order they were made.
fn waiting(view: &View) -> impl Iterator<Item = &TransceiverView> {
    view.transceivers.iter().filter(|one| {
        one.mid.is_none()
            && one.direction != state::Direction::Stopped
            && !capabilities(view, Some(one), one.kind).is_empty()
    })
}

struct Numbers<'a> {
    payload_types: PayloadTypes<'a>,
    extensions: ExtensionIds,
}

/// What stands in one place of the offer.
enum Slot<'a> {
    Used(&'a TransceiverView, Mid),
    /// The data channels.
    Data(Form<'a>, Mid),
    /// Refused or stopped, as the description says that has it.
    Empty(&'a Description),
}

/// The places of the offer: those of the last description, a free one being used anew where a transceiver waits
/// or data channels do (RFC 9429 §5.2.2), then new ones.
fn slots(view: &View) -> Vec<Slot<'_>> {
    let mut waiting = waiting(view);
    let mut mids = Mids::new(view);
    let mut slots = Vec::new();
    let mut data = view.data.wanted;
    if let Some(base) = view.descriptions.local() {
        for index in 0..base.media.len() {
            let mid = mid_of(base, index);
            let owner = view.transceivers.iter().find(|one| one.mid.as_ref() == Some(&mid));
            let slot = match owner {
                Some(owner) if owner.direction != state::Direction::Stopped => Slot::Used(owner, mid),
                _ if is_free(view, index) => match waiting.next() {
                    Some(next) => Slot::Used(next, mids.next()),
                    None => Slot::Empty(base),
                },
                _ => match data_form(base, index) {
                    Some(form) => {
                        data = false;
                        Slot::Data(form, mid)
                    }
                    None => Slot::Empty(base),
                },
            };
            slots.push(slot);
        }
    }
    for transceiver in waiting {
        slots.push(Slot::Used(transceiver, mids.next()));
    }
    if data {
        let new = Slot::Data(Form::OURS, mids.next());
        let is_unused =
            |(index, slot): &(usize, &Slot<'_>)| matches!(slot, Slot::Empty(_)) && is_free(view, *index);
        match slots.iter().enumerate().find(is_unused).map(|(index, _)| index) {
            Some(index) => slots[index] = new,
            None => slots.push(new),
        }
    }
    slots
}

/// The form of the section where it is for data channels and in use.
fn data_form(base: &Description, index: usize) -> Option<Form<'_>> {
    let media = base.media.get(index).filter(|media| sctp::port(media).is_some())?;
    Form::of(media)
}

/// Whether the last answer left the place unused.
fn is_free(view: &View, index: usize) -> bool {
    let descriptions = &view.descriptions;
    let both = [&descriptions.current_local, &descriptions.current_remote];
    let mut sections = both.into_iter().flatten().filter_map(|description| description.media.get(index));
    descriptions.pending_local.is_none() && sections.any(|media| media.is_rejected())
}

/// Names for new sections: the smallest numbers that no description and no transceiver has.
struct Mids {
    taken: HashSet<Mid>,
    next: u32,
}

impl Mids {
    fn new(view: &View) -> Self {
        let descriptions = &view.descriptions;
        let all = [
            &descriptions.current_local,
            &descriptions.current_remote,
            &descriptions.pending_local,
            &descriptions.pending_remote,
        ];
        let named = all.into_iter().flatten().flat_map(|one| &one.media).filter_map(|media| media.mid());
        let owned = view.transceivers.iter().filter_map(|one| one.mid.as_ref());
        Self { taken: named.chain(owned).cloned().collect(), next: 0 }
    }

    fn next(&mut self) -> Mid {
        loop {
            let mid = Mid::new(&self.next.to_string());
            self.next += 1;
            if self.taken.insert(mid.clone()) {
                return mid;
            }
        }
    }
}

fn bundled_before(view: &View) -> HashSet<Mid> {
    let current = view.descriptions.current_remote.iter().zip(&view.descriptions.current_local);
    let groups = current.flat_map(|(remote, local)| remote.bundle_groups().chain(local.bundle_groups()));
    groups.flat_map(|group| group.mids.iter().cloned()).collect()
}

fn offered_section(
    view: &View,
    transceiver: &TransceiverView,
    mid: Mid,
    index: usize,
    is_bundle_only: bool,
    numbers: &mut Numbers<'_>,
) -> Media {
    let kind = transceiver.kind;
    let mut entries: Vec<Entry> = Vec::new();
    for capability in capabilities(view, Some(transceiver), kind) {
        let has_rtx = wants_rtx(Some(transceiver));
        let entry = numbers.payload_types.entry(index, kind, &capability, has_rtx);
        let Some(entry) = entry else { continue };
        if entries.iter().all(|one| one.payload_type != entry.payload_type) {
            entries.push(entry);
        }
    }
    let content = Content {
        kind,
        mid: Some(mid),
        protocol: section::PROTOCOL,
        is_bundle_only,
        setup: Setup::ActPass,
        direction: section::wanted(transceiver.direction),
        entries,
        extensions: extensions::offered(kind, &mut numbers.extensions),
        has_reduced_size: true,
    };
    section::write(view, transceiver, content)
}
