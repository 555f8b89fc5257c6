//! What the tests of restarts share.

use peerless_peer::description::{OfferOptions, SessionDescription};
use peerless_peer::event::Event;
use peerless_peer::state::SdpType;

use crate::scene::stage::Message;
use crate::scene::{End, Scene, Side};

pub fn value<'a>(description: &'a SessionDescription, name: &str) -> &'a str {
    let start = description.sdp.find(name).unwrap() + name.len();
    description.sdp[start..].lines().next().unwrap()
}

/// Username fragment and password of a description.
pub fn credentials(description: &SessionDescription) -> (String, String) {
    (value(description, "a=ice-ufrag:").to_owned(), value(description, "a=ice-pwd:").to_owned())
}

/// Those of `localDescription`.
pub fn ours(scene: &Scene, side: Side) -> (String, String) {
    credentials(&scene.ends[side].peer.local_description().unwrap())
}

/// `side` asks for a restart and offers it; the other answers by itself when it arrives.
pub fn restart(scene: &mut Scene, side: Side) {
    scene.peer(side).restart_ice();
    scene.offer(side);
}

/// An offer that restarts by its option, set and sent.
pub fn offer_restart(scene: &mut Scene, side: Side) {
    let now = scene.now;
    let offer = scene.peer(side).create_offer_with(OfferOptions { ice_restart: true }).unwrap();
    scene.peer(side).set_local_description(now, Some(offer)).unwrap();
    let description = scene.peer(side).local_description().unwrap();
    scene.signal(side, Message::Description(description));
}

pub fn rollback() -> Option<SessionDescription> {
    Some(SessionDescription { kind: SdpType::Rollback, sdp: String::new() })
}

pub fn selections(end: &End) -> usize {
    end.count(|event| matches!(event, Event::SelectedPair(..)))
}

pub fn needs(end: &End) -> usize {
    end.count(|event| matches!(event, Event::NegotiationNeeded))
}
