//! A whole peer in the middle of a call: datagrams of any kind, from the remote's address and from elsewhere, and real
//! ones altered on their way, change nothing. The call itself goes on in virtual time between them.
//!
//! The first byte of a datagram's header chooses where it comes from and what is done to it, the second its length.
#![no_main]

#[path = "../../crates/peer/tests/scene/mod.rs"]
mod scene;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use peerless_peer::state::SignalingState;
use peerless_transport::datagram::{Datagram, Protocol};
use scene::{ALICE, BOB, Scene};

thread_local! {
    /// The call, made once: a handshake for each input would be most of the work.
    static CALL: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

fuzz_target!(|data: &[u8]| {
    CALL.with_borrow_mut(|call| run(call.get_or_insert_with(Scene::call), data));
});

fn run(scene: &mut Scene, mut rest: &[u8]) {
    while let [how, length, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        throw(scene, *how, bytes);
    }
    scene.run_for(Duration::from_millis(1));
    assert!(scene.is_connected(), "{}", scene.states());
    for end in &mut scene.ends {
        assert_eq!(end.peer.signaling_state(), SignalingState::Stable);
        assert_eq!(end.peer.transceivers().len(), 2);
        assert!(end.events.len() < 1_000);
        end.events.clear();
    }
}

fn throw(scene: &mut Scene, how: u8, bytes: &[u8]) {
    let (now, destination) = (scene.now, scene.ends[ALICE].address);
    let source = match how & 3 {
        0 => SocketAddr::from(([198, 51, 100, 7], 7)),
        _ => scene.ends[BOB].address,
    };
    let mut contents = BytesMut::from(bytes);
    if how & 4 != 0 {
        contents = altered(scene, bytes);
    }
    let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
    scene.ends[ALICE].peer.handle_datagram(now, datagram);
}

/// What Bob would send now, with `bytes` laid over it from the place that the first of them names; cut short where
/// they are few. Where it is not altered by that, it is as if the network had delivered it.
fn altered(scene: &mut Scene, bytes: &[u8]) -> BytesMut {
    let mut contents = BytesMut::new();
    let now = scene.now;
    let Some(transmit) = scene.ends[BOB].peer.poll_transmit(now, &mut contents) else {
        return BytesMut::from(bytes);
    };
    contents.truncate(transmit.segment_size.unwrap_or(transmit.size));
    let [at, over @ ..] = bytes else { return contents };
    for (target, source) in contents.iter_mut().skip(usize::from(*at)).zip(over) {
        *target = *source;
    }
    contents
}
