//! The zoo of translators (RFC 4787, RFC 5780's words) in virtual time: two transports at every two places there are, with
//! every kind of server, in weather by seed. What can connect does, by the way that it can, and soon.
//! `PEERLESS_SEED=17 cargo test -p peerless-interop-turn --test zoo` replays one.

mod place;
mod town;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use peerless_netsim::seeds;
use peerless_wire::sdp::CandidateKind;

use crate::place::{Place, Servers, Way, places, way};
use crate::town::{Setting, Town};

/// Within this all that can connect is connected, in any weather.
const LIMIT: Duration = Duration::from_secs(20);
/// And within this where nothing is lost.
const FAIR_LIMIT: Duration = Duration::from_secs(3);
/// By when ICE has given up at both sides (RFC 8863 §4): 39.5 s after the credentials, which take half a second.
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn what_can_connect_does_first_quarter() {
    run(0..1250);
}

#[test]
fn what_can_connect_does_second_quarter() {
    run(1250..2500);
}

#[test]
fn what_can_connect_does_third_quarter() {
    run(2500..3750);
}

#[test]
fn what_can_connect_does_fourth_quarter() {
    run(3750..5000);
}

fn run(seeds: Range<u64>) {
    let mut times = BTreeMap::<(Servers, Way), Vec<Duration>>::new();
    seeds::each(seeds, |seed, _| {
        let (key, took) = visit(&setting(seed));
        times.entry(key).or_default().extend(took);
    });
    for ((servers, way), mut took) in times {
        took.sort();
        let at = |share: usize| took.get(took.len() * share / 100);
        println!("{servers:?} {way:?}: {} of, half within {:?}, 99 % {:?}", took.len(), at(50), at(99));
    }
}

/// Every two places with every kind of server come in turn.
fn setting(seed: u64) -> Setting {
    let (places, servers) = (places(), [Servers::None, Servers::Stun, Servers::Turn, Servers::TurnTcp]);
    let mut number = seed as usize;
    let mut pick = |count: usize| {
        let picked = number % count;
        number /= count;
        picked
    };
    let pair = [places[pick(places.len())], places[pick(places.len())]];
    Setting::new(seed, pair, servers[pick(servers.len())])
}

fn visit(setting: &Setting) -> ((Servers, Way), Option<Duration>) {
    let way = way(setting.places, setting.servers);
    let mut town = Town::new(setting);
    if way == Way::None {
        town.run(PATIENCE);
        assert_eq!(town.selected, [None, None], "connected where it cannot: {setting:?}");
        assert!(town.has_failed(), "not failed after {PATIENCE:?}: {setting:?}");
        return ((setting.servers, way), None);
    }
    let limit = if setting.is_fair() { FAIR_LIMIT } else { LIMIT };
    town.run(limit);
    let names = setting.places.map(Place::name);
    assert!(town.is_connected(), "{names:?} not connected after {limit:?}: {:?} {setting:?}", town.ice);
    let [first, second] = town.selected.map(Option::unwrap);
    let is_relayed = [first, second].iter().any(|pair| [pair.0, pair.1].contains(&CandidateKind::Relay));
    if way == Way::Relay || (is_relayed && !setting.is_fair()) {
        // In bad weather a relay may have been there long before the better way.
        assert!(
            is_relayed && matches!(setting.servers, Servers::Turn | Servers::TurnTcp),
            "{names:?} by {first:?}: {setting:?}"
        );
        return ((setting.servers, way), town.took());
    }
    for (place, kind) in setting.places.into_iter().zip([first.0, second.0]) {
        let expected: &[_] = match place.is_bare() {
            true => &[CandidateKind::Host],
            false => &[CandidateKind::ServerReflexive, CandidateKind::PeerReflexive],
        };
        assert!(expected.contains(&kind), "{names:?} by {first:?}: {setting:?}");
    }
    ((setting.servers, way), town.took())
}
