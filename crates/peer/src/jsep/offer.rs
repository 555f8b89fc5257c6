//! Offers (RFC 9429 §5.2).

use std::collections::HashSet;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Description, Kind, Media, Setup};

use crate::error::Error;
use crate::id::{TransceiverId, TransportId};
use crate::jsep::bundle::{self, Place, mid_of};
use crate::jsep::codecs::{Entry, capabilities, wants_rtx};
use crate::jsep::extensions;
use crate::jsep::numbers::{ExtensionIds, PayloadTypes};
use crate::jsep::sctp::{self, Form};
use crate::jsep::section::{self, Content, DataContent};
use crate::jsep::simulcast;
use crate::jsep::view::{TransceiverView, TransportView, View};
use crate::state::{self, MediaKind, SdpType, SignalingState};

/// Writes an offer: the sections there are, in their places, then one for each transceiver that has none yet, then one
/// for data channels where they want one and have none (RFC 9429 §5.2.1, §5.2.2). Which have a transport of their own and
/// which are bundle-only is for the bundle policy to say.
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
    let slots = slots(view);
    let mut free = view.free();
    let places = places(view, &slots, || free.next().map(|one| one.id));
    let mut members = Vec::new();
    for (index, (slot, place)) in slots.into_iter().zip(&places).enumerate() {
        let transport = place.and_then(|place| Some((place, view.transport(place.transport)?)));
        let media = match (slot, transport) {
            (Slot::Used(transceiver, mid), Some((place, transport))) => {
                members.push((mid.clone(), place.group));
                let way = (transport, place.is_bundle_only);
                offered_section(view, transceiver, mid, index, way, &mut numbers)
            }
            (Slot::Data(form, mid), Some((place, transport))) => {
                members.push((mid.clone(), place.group));
                let (setup, is_bundle_only) = (Setup::ActPass, place.is_bundle_only);
                let mid = Some(mid);
                let content =
                    DataContent { mid, form, is_bundle_only, transport, setup, has_packet_size: true };
                section::write_data(view, content)
            }
            (Slot::Empty(base), _) => match base.media.get(index) {
                Some(media) => section::rejected(media, Some(mid_of(base, index))),
                None => continue,
            },
            (Slot::Used(..) | Slot::Data(..), None) => {
                debug_assert!(false, "there are as many transports as are wanted");
                break;
            }
        };
        offer.media.push(media);
    }
    let groups = bundle::groups(&bundle::without_lone(view, members));
    offer.attributes.splice(0..0, groups);
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

/// How many free transports the next offer takes.
pub(super) fn transports_wanted(view: &View) -> usize {
    let mut count = 0;
    let mut fresh = || {
        count += 1;
        // None of those there are: handles are given out from below.
        Some(TransportId(u32::MAX - count))
    };
    places(view, &slots(view), &mut fresh);
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn places(view: &View, slots: &[Slot<'_>], fresh: impl FnMut() -> Option<TransportId>) -> Vec<Option<Place>> {
    let wanted = |slot: &'_ Slot<'_>| match slot {
        Slot::Used(transceiver, mid) => Some((mid.clone(), kind_of_section(transceiver.kind))),
        Slot::Data(_, mid) => Some((mid.clone(), Kind::Application)),
        Slot::Empty(_) => None,
    };
    let wanted: Vec<Option<(Mid, Kind)>> = slots.iter().map(wanted).collect();
    bundle::places(view, &wanted, fresh)
}

fn kind_of_section(kind: MediaKind) -> Kind {
    match kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
    }
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
/// or data channels do (RFC 9429 §5.2.2), then new ones. A place of media does not become one of data
/// channels nor the other way round, though RFC 3264 §8.2 would have it: Firefox refuses such an offer.
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
                _ if is_free(view, index) && is_for_data(base, index) => Slot::Empty(base),
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
        let is_unused = |(index, slot): &(usize, &Slot<'_>)| match slot {
            Slot::Empty(base) => is_for_data(base, *index) && is_free(view, *index),
            _ => false,
        };
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

/// Whether the place is one of data channels, in use or not.
fn is_for_data(base: &Description, index: usize) -> bool {
    base.media.get(index).is_some_and(|media| media.kind == Kind::Application)
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

fn offered_section(
    view: &View,
    transceiver: &TransceiverView,
    mid: Mid,
    index: usize,
    (transport, is_bundle_only): (&TransportView, bool),
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
    let direction = section::wanted(transceiver.direction);
    let encodings = simulcast::offered(view, transceiver, direction);
    let content = Content {
        kind,
        mid: Some(mid),
        protocol: section::PROTOCOL,
        is_bundle_only,
        transport,
        setup: Setup::ActPass,
        direction,
        entries,
        extensions: extensions::offered(view, kind, &mut numbers.extensions),
        encodings,
        has_reduced_size: true,
    };
    section::write(view, transceiver, content)
}
