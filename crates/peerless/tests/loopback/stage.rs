//! What all these tests need: connections over the loopback interface, a way to wait, frames.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless::{Configuration, ConnectionState, Event, Events, Format, Frame, PeerConnection, RemoteTrack};
use tokio::time::timeout;

/// Generous: a slow machine is not a fault.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn configuration() -> Configuration {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    configuration
}

/// Over both loopback addresses.
pub fn both_families() -> Configuration {
    let mut configuration = configuration();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    configuration
}

/// Waits until `done`, letting the connections work meanwhile.
pub async fn until_true(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub fn connection() -> PeerConnection {
    PeerConnection::new(configuration()).unwrap()
}

pub async fn until<T>(what: &str, events: &mut Events, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    let found = timeout(PATIENCE, async {
        while let Some(event) = events.next().await {
            if let Some(value) = wanted(event) {
                return Some(value);
            }
        }
        None
    });
    found.await.ok().flatten().unwrap_or_else(|| panic!("{what} never came"))
}

pub async fn until_state(events: &mut Events, wanted: ConnectionState) {
    let what = wanted.as_str();
    until(what, events, |event| {
        matches!(event, Event::ConnectionState(state) if state == wanted).then_some(())
    })
    .await;
}

/// Passes every candidate of `from` on to `to`, until `from` closes.
pub fn trickle(from: &PeerConnection, to: &PeerConnection) {
    let mut events = from.events();
    let to = to.clone();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event
                && to.add_ice_candidate(&candidate).is_err()
            {
                break;
            }
        }
    });
}

/// Offer and answer, `a` offering.
pub fn negotiate(a: &PeerConnection, b: &PeerConnection) {
    a.set_local_description(None).unwrap();
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(b.local_description().unwrap()).unwrap();
}

pub fn vp8_frame(number: u32, key: bool) -> Frame {
    large_vp8_frame(number, key, 4000)
}

/// One of some `size` bytes.
pub fn large_vp8_frame(number: u32, key: bool, size: u32) -> Frame {
    // A frame tag (RFC 6386 §9.1): bit 0 clear for a key frame, then the start code.
    let mut payload = vec![u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0];
    payload.extend((0..size).map(|byte| (byte ^ number) as u8));
    let frame = Frame::new(Format::Vp8, number * 3000, key, Bytes::from(payload));
    Frame { captured: Some(Instant::now()), ..frame }
}

pub async fn remote_track(events: &mut Events) -> RemoteTrack {
    let take = |event| if let Event::Track(track) = event { Some(track) } else { None };
    until("a track", events, take).await
}
