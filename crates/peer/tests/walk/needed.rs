//! Whether negotiation is needed, by the words of the standard (webrtc-pc §4.7.3, "check if negotiation is needed"), and
//! by nothing but the texts that were set and what the peer shows of itself.

use peerless_peer::state::{Direction, SdpType};

use crate::text::{Text, intersected, reversed, sends};
use crate::world::Side;

/// The step that says so; `None` where negotiation is not needed.
pub fn is_needed(side: &Side) -> Option<&'static str> {
    // Step 2: there are ICE credentials to replace.
    if !side.to_replace.is_empty() {
        return Some("2: credentials");
    }
    let description = side.slots.current_local.as_ref().map(|(kind, text)| (*kind, Text::outline(text)));
    let remote = side.slots.current_remote.as_ref().map(|(_, text)| Text::outline(text));
    // Step 4: data channels were made, and no m= section has been negotiated for data.
    if side.made_channel {
        let has_data = |text: &Text<'_>| text.live().any(|section| section.is_for_data());
        let both = description.as_ref().zip(remote.as_ref());
        if !both.is_some_and(|((_, local), remote)| has_data(local) && has_data(remote)) {
            return Some("4: data channels");
        }
    }
    // Step 5: for each transceiver …
    side.peer.transceivers().iter().find_map(|transceiver| {
        // 4. it is stopped, and its section is not yet rejected in either description;
        let mid = transceiver.mid.as_ref().map(ToString::to_string);
        if transceiver.current_direction == Some(Direction::Stopped) {
            let both = [description.as_ref().map(|(_, text)| text), remote.as_ref()];
            let is_rejected = |text: &&Text<'_>| mid.as_ref().is_some_and(|mid| !text.has(mid));
            let is_left = mid.is_some() && !both.iter().flatten().any(is_rejected);
            return is_left.then_some("5.4: stopped");
        }
        // 1. it is stopping and not yet stopped;
        if transceiver.direction == Direction::Stopped {
            return Some("5.1: stopping");
        }
        // 2. it is not associated with an m= section in description;
        let Some((mid, (kind, local))) = mid.zip(description.as_ref()) else {
            return Some("5.2: no section");
        };
        let Some(section) = local.section(&mid) else { return Some("5.2: no such section") };
        let wanted = transceiver.direction.as_str();
        // 3.1. it would send, and the MSIDs of the section are not those of its sender;
        if sends(wanted) {
            let mut streams = side.streams.get(&transceiver.id).cloned().unwrap_or_default();
            streams.sort_unstable();
            if section.msids.is_empty() || section.streams() != streams {
                return Some("5.3.1: streams");
            }
        }
        let theirs = remote.as_ref().and_then(|remote| remote.section(&mid)).map(|section| section.direction);
        let is_needed = match kind {
            // 3.2. neither side's section has its direction;
            SdpType::Offer => section.direction != wanted && theirs.map(reversed) != Some(wanted),
            // 3.3. the section's direction is not what it wants of what was offered.
            _ => section.direction != intersected(wanted, reversed(theirs.unwrap_or("inactive"))),
        };
        is_needed.then_some("5.3.2, 5.3.3: directions")
    })
}
