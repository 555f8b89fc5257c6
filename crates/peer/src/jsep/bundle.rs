//! Which sections share a transport (RFC 9143, webrtc-pc §4.2.4), and which section's transport attributes count.
//!
//! A bundle group, and each section outside of groups, has a transport of its own. Our offers put all sections into one
//! group; which of them could do without, because they have a transport of their own besides, is for the bundle policy
//! to say.

use std::collections::HashSet;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Attribute, Description, Group, Kind, Media};

use crate::config::BundlePolicy;
use crate::id::TransportId;
use crate::jsep::view::{Credentials, TransportView, View};

/// The MID of a section. One without gets a name of its own (RFC 9429 §5.10), the same each time.
pub(super) fn mid_of(description: &Description, index: usize) -> Mid {
    let own = description.media.get(index).and_then(Media::mid);
    own.cloned().unwrap_or_else(|| Mid::new(&format!("unnamed-{index}")))
}

/// Sections that share one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The transport; `None` where no free one was left.
    pub(super) transport: Option<TransportId>,
    /// The section that lends its transport attributes.
    pub(super) tag: usize,
    /// All, that one among them.
    pub(super) sections: Vec<usize>,
    /// Whether they are a bundle group, be it of one.
    pub(super) is_group: bool,
}

/// The parts of an offer of the remote that we can take and, by our bundle policy, will (RFC 9429 §4.1.1, §5.3.1). A
/// section that stands on a transport of its own stays there.
pub(super) fn parts_of_offer(
    view: &View,
    offer: &Description,
    is_possible: impl Fn(usize) -> bool,
) -> Vec<Part> {
    let allowed = allowed_by_policy(view, offer, &is_possible);
    let mut free = view.free();
    let (mut parts, mut placed) = (Vec::new(), HashSet::new());
    for index in 0..offer.media.len() {
        if !allowed.contains(&index) || placed.contains(&index) {
            continue;
        }
        let mut members: Vec<usize> = match group_of(offer, index) {
            Some(group) => {
                group.mids.iter().filter_map(|mid| find(offer, mid, &|i| allowed.contains(&i))).collect()
            }
            None => vec![index],
        };
        let standing = |index: usize| view.routes.standing(&mid_of(offer, index));
        let carrier = members.iter().find_map(|&index| standing(index));
        let stays_apart = |index: usize| {
            standing(index).is_some_and(|own| Some(own) != carrier) && has_own_transport(offer, index)
        };
        members.retain(|&index| !stays_apart(index) && !placed.contains(&index));
        let is_group = group_of(offer, index).is_some() && members.contains(&index);
        if !members.contains(&index) {
            members = vec![index];
        }
        let taken = |id: TransportId| parts.iter().any(|part: &Part| part.transport == Some(id));
        let Some(&tag) = members.first() else { continue };
        // Also by one that we reject now, where what we take goes over its transport: it was on offer for both.
        let lent = || lenders(offer, tag).into_iter().find_map(standing);
        let known = members.iter().find_map(|&index| standing(index)).or_else(lent);
        let known = known.filter(|&id| !taken(id));
        let transport = known.or_else(|| free.next().map(|one| one.id));
        members.sort_unstable();
        placed.extend(members.iter().copied());
        parts.push(Part { transport, tag, sections: members, is_group });
    }
    parts
}

/// The sections of an offer in whose group a section is, and by the credentials over whose transport.
fn lenders(offer: &Description, index: usize) -> Vec<usize> {
    let ufrag = |index: usize| offer.media.get(index).and_then(|media| offer.ice_ufrag(media));
    let own = ufrag(transport_section(offer, index));
    let group = group_of(offer, index).into_iter().flat_map(|group| &group.mids);
    let sections = group.filter_map(|mid| position(offer, mid));
    sections.filter(|&other| own.is_some() && ufrag(other) == own).collect()
}

/// The sections that the bundle policy lets an answer take, of those that are possible.
fn allowed_by_policy(
    view: &View,
    offer: &Description,
    is_possible: &impl Fn(usize) -> bool,
) -> HashSet<usize> {
    // A bundle-only section outside of groups has no transport (RFC 9143 §6): its port 0 is meant.
    let is_lone = |index: usize| {
        let media = offer.media.get(index);
        media.is_some_and(|media| media.has(&Attribute::BundleOnly)) && group_of(offer, index).is_none()
    };
    let is_possible = &|index: usize| is_possible(index) && !is_lone(index);
    let possible = || (0..offer.media.len()).filter(|&index| is_possible(index));
    let is_with = |first: usize, index: usize| {
        let group = group_of(offer, first);
        first == index || group.is_some_and(|group| group.mids.contains(&mid_of(offer, index)))
    };
    match view.bundle_policy {
        BundlePolicy::MaxCompat => possible().collect(),
        BundlePolicy::MaxBundle => {
            let first = tag(offer, is_possible);
            possible().filter(|&index| first.is_some_and(|first| is_with(first, index))).collect()
        }
        BundlePolicy::Balanced => {
            let kind = |index: usize| offer.media.get(index).map(|media| &media.kind);
            let first = |index: usize| possible().find(|&other| kind(other) == kind(index));
            possible().filter(|&index| first(index).is_some_and(|first| is_with(first, index))).collect()
        }
    }
}

/// The parts of an answer of ours, as its ICE credentials tell them apart.
pub(super) fn parts_of_ours(
    view: &View,
    answer: &Description,
    is_taken: impl Fn(usize) -> bool,
) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for index in (0..answer.media.len()).filter(|&index| is_taken(index)) {
        let transport = carrier(view, answer, index);
        match parts.iter_mut().find(|part| part.transport == transport) {
            Some(part) => part.sections.push(index),
            None => {
                let is_group = group_of(answer, index).is_some();
                parts.push(Part { transport, tag: index, sections: vec![index], is_group });
            }
        }
    }
    for part in &mut parts {
        let is_here = |index: usize| part.sections.contains(&index);
        part.tag = tag(answer, is_here).unwrap_or(part.tag);
    }
    parts
}

/// The parts of the remote's answer to our offer: a group goes over the transport that our offer has for its first
/// section (RFC 9143 §7.3), a section outside of groups over its own. One whose transport has been taken, because it was
/// bundle-only, is in none.
pub(super) fn parts_of_answer(
    view: &View,
    offer: &Description,
    answer: &Description,
    is_taken: impl Fn(usize) -> bool,
) -> Vec<Part> {
    let offered = |index: usize| {
        let mid = mid_of(offer, index);
        view.routes.offered(&mid).or_else(|| view.routes.of(&mid))
    };
    let mut parts: Vec<Part> = Vec::new();
    for group in answer.bundle_groups() {
        let members =
            group.mids.iter().filter_map(|mid| position(offer, mid)).filter(|&index| is_taken(index));
        let mut sections: Vec<usize> = members.collect();
        let Some(&tag) = sections.first() else { continue };
        let ours = group_of(offer, tag);
        sections.retain(|&index| ours.is_some_and(|group| group.mids.contains(&mid_of(offer, index))));
        if sections.is_empty() {
            continue;
        }
        sections.sort_unstable();
        parts.push(Part { transport: offered(tag), tag, sections, is_group: true });
    }
    for index in (0..answer.media.len()).filter(|&index| is_taken(index)) {
        let transport = offered(index);
        let is_placed =
            parts.iter().any(|part| part.sections.contains(&index) || part.transport == transport);
        if !is_placed {
            parts.push(Part { transport, tag: index, sections: vec![index], is_group: false });
        }
    }
    parts
}

/// The transport that a section of ours is written for, by its username fragment; where that is new, because ICE is to
/// restart, by where the section goes, or another with the same one.
pub(super) fn carrier(view: &View, description: &Description, index: usize) -> Option<TransportId> {
    let ufrag_of = |index: usize| description.media.get(index).and_then(|media| description.ice_ufrag(media));
    let ufrag = ufrag_of(index);
    let by_name = view.transports.iter().find(|one| Some(one.credentials.ufrag.as_str()) == ufrag);
    let route = |index: usize| view.routes.of(&mid_of(description, index));
    let by_another = || {
        let mut alike =
            (0..description.media.len()).filter(|&other| ufrag.is_some() && ufrag_of(other) == ufrag);
        alike.find_map(route)
    };
    // ICE restarts, and every section that stood there is rejected now: the one there is goes on with the new ones.
    let the_only_one = || {
        let mut used = view.transports.iter().map(|one| one.id).filter(|id| view.routes.is_used(*id));
        let first = used.next();
        first.filter(|_| used.next().is_none())
    };
    by_name.map(|one| one.id).or_else(|| route(index)).or_else(by_another).or_else(the_only_one)
}

/// The credentials that a description of ours has for its transports.
pub fn carried(view: &View, description: &Description) -> Vec<(TransportId, Credentials)> {
    let mut carried: Vec<(TransportId, Credentials)> = Vec::new();
    for (index, media) in description.media.iter().enumerate() {
        let Some((ufrag, password)) = description.ice_ufrag(media).zip(description.ice_pwd(media)) else {
            continue;
        };
        let Some(id) = carrier(view, description, index) else { continue };
        if carried.iter().all(|(known, _)| *known != id) {
            let credentials = Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() };
            carried.push((id, credentials));
        }
    }
    carried
}

/// Where a section of our offer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) transport: TransportId,
    /// It has no transport of its own: who cannot bundle must reject it.
    pub(super) is_bundle_only: bool,
    /// The transport whose group it is offered in.
    pub(super) group: TransportId,
}

/// Where the sections of our next offer go, given by name and kind; `None` for those without content. What an answer has settled stays; of new
/// ones the first has a transport of its own, and others by the bundle policy (RFC 9429 §4.1.1): each, the first of its
/// kind, or none. A remote that has bundled once gets bundle-only ones from then on (RFC 9143 §7.5). `fresh` gives
/// transports that nothing goes over.
pub(super) fn places(
    view: &View,
    sections: &[Option<(Mid, Kind)>],
    mut fresh: impl FnMut() -> Option<TransportId>,
) -> Vec<Option<Place>> {
    let standing = |mid: &Mid| view.routes.standing(mid);
    let mut main = sections.iter().flatten().find_map(|(mid, _)| standing(mid));
    let mut named = sections.iter().flatten();
    let has_bundled = named.any(|(mid, _)| standing(mid) == main && is_bundled(view, mid));
    let mut kinds: Vec<&Kind> = Vec::new();
    let mut places: Vec<Option<Place>> = Vec::new();
    for section in sections {
        let Some((mid, kind)) = section else {
            places.push(None);
            continue;
        };
        let is_first_of_kind = !kinds.contains(&kind);
        kinds.push(kind);
        if let Some(transport) = standing(mid) {
            places.push(Some(Place { transport, is_bundle_only: false, group: transport }));
            continue;
        }
        let has_own = match (main, view.bundle_policy) {
            (None, _) => true,
            (Some(_), _) if has_bundled => false,
            (_, BundlePolicy::MaxCompat) => true,
            (_, BundlePolicy::Balanced) => is_first_of_kind,
            (_, BundlePolicy::MaxBundle) => false,
        };
        let is_taken =
            |id: TransportId| Some(id) == main || places.iter().flatten().any(|place| place.transport == id);
        // A section that an earlier offer had in a group whose sections are all rejected now gets another transport: the
        // remote has seen it over none.
        let before = view.routes.offered(mid).filter(|&id| !is_taken(id) && !view.routes.is_settled(id));
        let own = if has_own { before.or_else(&mut fresh) } else { None };
        let Some(transport) = own.or(main) else {
            places.push(None);
            continue;
        };
        let group = *main.get_or_insert(transport);
        // The first section of a group lends it the transport, whatever was new when.
        let is_bundle_only = own.is_none() && places.iter().flatten().any(|place| place.group == group);
        places.push(Some(Place { transport, is_bundle_only, group }));
    }
    places
}

/// Whether the last answer has a section in a group of its own or with others.
fn is_bundled(view: &View, mid: &Mid) -> bool {
    let both = [&view.descriptions.current_local, &view.descriptions.current_remote];
    both.into_iter().all(|description| {
        let mut groups = description.iter().flat_map(|description| description.bundle_groups());
        groups.any(|group| group.mids.contains(mid))
    })
}

/// The section that lends its transport: the first possible one in the order of the first BUNDLE group that has one,
/// else the first possible one there is.
pub(super) fn tag(description: &Description, is_possible: impl Fn(usize) -> bool) -> Option<usize> {
    let first = |group: &Group| group.mids.iter().find_map(|mid| find(description, mid, &is_possible));
    let in_group = description.bundle_groups().find_map(first);
    in_group.or_else(|| (0..description.media.len()).find(|&index| is_possible(index)))
}

fn group_of(description: &Description, index: usize) -> Option<&Group> {
    let mid = mid_of(description, index);
    description.bundle_groups().find(|group| group.mids.contains(&mid))
}

fn position(description: &Description, mid: &Mid) -> Option<usize> {
    (0..description.media.len()).find(|&index| mid_of(description, index) == *mid)
}

fn find(description: &Description, mid: &Mid, is_possible: &impl Fn(usize) -> bool) -> Option<usize> {
    description.section(mid).map(|(index, _)| index).filter(|&index| is_possible(index))
}

fn has_own_transport(description: &Description, index: usize) -> bool {
    description.media.get(index).is_some_and(|section| {
        description.ice_ufrag(section).is_some() && description.ice_pwd(section).is_some()
    })
}

/// The section whose ICE and DTLS attributes describe the transport lent by the section `tag`: that section itself, or
/// where it has no credentials (it was bundle-only in the offer) the first of its group that has them.
pub(super) fn transport_section(description: &Description, tag: usize) -> usize {
    let has_credentials = |index: usize| has_own_transport(description, index);
    if has_credentials(tag) {
        return tag;
    }
    let other = group_of(description, tag)
        .into_iter()
        .flat_map(|group| &group.mids)
        .find_map(|mid| find(description, mid, &has_credentials));
    other.unwrap_or(tag)
}

/// Without the sections that would be alone in a group though the remote did not bundle them: a group has what was bundled
/// before, and what is new (RFC 9429 §5.2.2).
pub(super) fn without_lone(view: &View, mut members: Vec<(Mid, TransportId)>) -> Vec<(Mid, TransportId)> {
    let is_apart = |mid: &Mid| view.routes.standing(mid).is_some() && !is_bundled(view, mid);
    let joined: HashSet<TransportId> =
        members.iter().filter(|(mid, _)| !is_apart(mid)).map(|(_, group)| *group).collect();
    members.retain(|(_, group)| joined.contains(group));
    members
}

/// The lines that bundle these sections, one for each group, in the order in which the groups begin.
pub(super) fn groups(members: &[(Mid, TransportId)]) -> Vec<Attribute> {
    let mut groups: Vec<(TransportId, Vec<Mid>)> = Vec::new();
    for (mid, group) in members {
        match groups.iter_mut().find(|(known, _)| known == group) {
            Some((_, mids)) => mids.push(mid.clone()),
            None => groups.push((*group, vec![mid.clone()])),
        }
    }
    let line = |(_, mids)| Attribute::Group(Group { semantics: "BUNDLE".into(), mids });
    groups.into_iter().map(line).collect()
}

impl View {
    /// The transports that nothing goes over, in the order in which they are taken.
    pub(super) fn free(&self) -> impl Iterator<Item = &TransportView> {
        self.transports.iter().filter(|one| !self.routes.is_used(one.id))
    }

    pub(super) fn transport(&self, id: TransportId) -> Option<&TransportView> {
        self.transports.iter().find(|one| one.id == id)
    }
}
