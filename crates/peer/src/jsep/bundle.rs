//! One transport for all sections (RFC 9143, bundle policy max-bundle): which sections share it, and which section's
//! transport attributes count.

use std::collections::HashSet;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Attribute, Description, Group, Media};

/// The MID of a section. One without gets a name of its own (RFC 9429 §5.10), the same each time.
pub(super) fn mid_of(description: &Description, index: usize) -> Mid {
    let own = description.media.get(index).and_then(Media::mid);
    own.cloned().unwrap_or_else(|| Mid::new(&format!("unnamed-{index}")))
}

/// The sections that go over our one transport, of those that `is_possible`: the first possible one in the order of the
/// BUNDLE group, then all that are in the same group with it. Without a group it is the first section alone.
pub(super) fn shared(description: &Description, is_possible: impl Fn(usize) -> bool) -> Vec<usize> {
    let Some(tag) = tag(description, &is_possible) else { return Vec::new() };
    let mid = mid_of(description, tag);
    let Some(group) = description.bundle_groups().find(|group| group.mids.contains(&mid)) else {
        return vec![tag];
    };
    let members: HashSet<&Mid> = group.mids.iter().collect();
    let is_member = |index: usize| members.contains(&mid_of(description, index));
    (0..description.media.len()).filter(|&index| is_possible(index) && is_member(index)).collect()
}

/// The section that lends its transport: the first possible one in the order of the first BUNDLE group that has one,
/// else the first possible one there is.
pub(super) fn tag(description: &Description, is_possible: impl Fn(usize) -> bool) -> Option<usize> {
    let first = |group: &Group| group.mids.iter().find_map(|mid| find(description, mid, &is_possible));
    let in_group = description.bundle_groups().find_map(first);
    in_group.or_else(|| (0..description.media.len()).find(|&index| is_possible(index)))
}

fn find(description: &Description, mid: &Mid, is_possible: &impl Fn(usize) -> bool) -> Option<usize> {
    description.section(mid).map(|(index, _)| index).filter(|&index| is_possible(index))
}

/// The section whose ICE and DTLS attributes describe the transport lent by the section `tag`: that section itself, or
/// where it has no credentials (it was bundle-only in the offer) the first of its group that has them.
pub(super) fn transport_section(description: &Description, tag: usize) -> usize {
    let has_credentials = |index: usize| {
        description.media.get(index).is_some_and(|section| {
            description.ice_ufrag(section).is_some() && description.ice_pwd(section).is_some()
        })
    };
    if has_credentials(tag) {
        return tag;
    }
    let mid = mid_of(description, tag);
    let group = description.bundle_groups().find(|group| group.mids.contains(&mid));
    let other = group
        .into_iter()
        .flat_map(|group| &group.mids)
        .find_map(|mid| find(description, mid, &has_credentials));
    other.unwrap_or(tag)
}

/// The line that bundles these sections; none for no section.
pub(super) fn group(mids: Vec<Mid>) -> Option<Attribute> {
    let semantics = "BUNDLE".into();
    (!mids.is_empty()).then_some(Attribute::Group(Group { semantics, mids }))
}
