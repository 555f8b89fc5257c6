//! What an application does ten thousand times without ever being answered does not pile up: stopped transceivers
//! (webrtc-pc §4.4.1.5, §5.4; RFC 9429 §5.2.2).

mod scene;

use peerless_peer::Peer;
use peerless_peer::description::SessionDescription;
use peerless_peer::error::{DescriptionError, Error};
use peerless_peer::state::{Direction, MediaKind, SdpType};
use peerless_peer::transceiver::TransceiverInit;
use scene::ALICE;

const TIMES: usize = 10_000;
/// So many sections a description has at most, and so many stopped transceivers without one stay.
const LIMIT: usize = 128;

/// What is done each time.
type Step = fn(&mut Peer, usize);

fn add_and_stop(peer: &mut Peer) {
    let id = peer.add_transceiver(MediaKind::Audio, TransceiverInit::default()).unwrap();
    peer.stop(scene::moment(), id).unwrap();
}

/// An offer; there is no room for more sections than a description has.
fn offer(peer: &mut Peer) {
    match peer.set_local_description(scene::moment(), None) {
        Ok(()) | Err(Error::Description(DescriptionError::TooManySections { .. })) => {}
        Err(error) => panic!("{error:?}"),
    }
}

fn roll_back(peer: &mut Peer) {
    let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
    peer.set_local_description(scene::moment(), Some(rollback)).unwrap();
}

/// Does it again and again, and gives the most transceivers that there were, and what of memory is left at the end that was
/// not taken by the first tenth.
fn most(step: Step) -> (usize, i64) {
    let mut peer = Peer::new(scene::config(1, ALICE)).unwrap();
    // One that lives, so that there is something to offer.
    peer.add_transceiver(MediaKind::Video, TransceiverInit::default()).unwrap();
    let mut most = 0;
    let mut run = |peer: &mut Peer, times: std::ops::Range<usize>| {
        for time in times {
            step(peer, time);
            while peer.poll_event().is_some() {}
            most = most.max(peer.transceivers().len());
        }
    };
    run(&mut peer, 0..TIMES / 10);
    let grown = allocation_counter::measure(|| run(&mut peer, TIMES / 10..TIMES)).bytes_current;
    let live = peer.transceivers().into_iter().filter(|one| one.direction != Direction::Stopped).count();
    assert_eq!(live, 1);
    (most, grown)
}

#[test]
fn stopped_transceivers_that_were_never_offered_do_not_pile_up() {
    let (most, grown) = most(|peer, _| {
        add_and_stop(peer);
        offer(peer);
    });
    assert!(most <= LIMIT + 2, "{most} transceivers");
    assert!(grown < 100_000, "{grown} bytes more");
}

#[test]
fn stopped_transceivers_do_not_pile_up_without_any_offer() {
    let (most, grown) = most(|peer, _| add_and_stop(peer));
    assert!(most <= LIMIT + 2, "{most} transceivers");
    assert!(grown < 100_000, "{grown} bytes more");
}

#[test]
fn those_of_offers_that_were_taken_back_do_not_pile_up() {
    let (most, grown) = most(|peer, _| {
        let id = peer.add_transceiver(MediaKind::Audio, TransceiverInit::default()).unwrap();
        offer(peer);
        peer.stop(scene::moment(), id).unwrap();
        roll_back(peer);
    });
    assert!(most <= LIMIT + 2, "{most} transceivers");
    assert!(grown < 100_000, "{grown} bytes more");
}

#[test]
fn those_of_offers_that_replace_each_other_are_as_many_as_there_is_room_for_sections() {
    let (most, grown) = most(|peer, time| {
        // Each of the sections is written anew each time.
        if time >= 2 * LIMIT {
            return add_and_stop(peer);
        }
        let id = peer.add_transceiver(MediaKind::Audio, TransceiverInit::default()).unwrap();
        offer(peer);
        peer.stop(scene::moment(), id).unwrap();
    });
    assert!(most <= 2 * LIMIT + 2, "{most} transceivers");
    assert!(grown < 100_000, "{grown} bytes more");
}
