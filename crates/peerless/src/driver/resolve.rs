//! Names to addresses: STUN and TURN servers by the system's resolver, candidates' `.local` names by multicast DNS
//! (draft-ietf-mmusic-mdns-ice-candidates §3.2). Each runs as a short task of its own that ends by itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use peerless_peer::config::IceTransportPolicy;
use peerless_peer::event::{Event, IceCandidateError};
use peerless_peer::id::TransportId;
use peerless_transport::datagram::Protocol;
use peerless_transport::turn::TurnServer;

use crate::driver::mdns;
use crate::ice_server::{Place, Relay, Servers};
use crate::news::News;
use crate::shared::{Errand, Shared, State};
use crate::stream_server::StreamServer;

/// The code of an ICE candidate error for a server that cannot be reached (webrtc-pc §4.8.3).
pub(crate) const UNREACHABLE: u16 = 701;

/// What is told of a server that has IPv6 addresses alone where we have none, or the other way round.
const NO_SUCH_FAMILY: &str = "no local address of the server's family to ask it from";

/// Resolves every server, hands the addresses to the peer for a transport, then tells it that there are no more.
pub(crate) async fn servers(shared: Weak<Shared>, transport: TransportId, servers: Servers) {
    let mut known = BTreeSet::new();
    let stun = servers.stun.into_iter().map(|place| (place, None));
    let turn = servers.turn.into_iter().map(|relay| (relay.place.clone(), Some(relay)));
    // All at once: a name that hangs must not hold up the others.
    let mut answers: FuturesUnordered<_> = stun
        .chain(turn)
        .map(async |(place, relay)| {
            let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
            let found = found.map(|addresses| addresses.collect::<Vec<_>>());
            (place, relay, found)
        })
        .collect();
    while let Some((place, relay, found)) = answers.next().await {
        let Some(shared) = shared.upgrade() else { return };
        let mut state = shared.lock();
        let now = Instant::now();
        // Where relays alone are wanted nobody asks the others.
        let is_of_use =
            relay.is_some() || state.configuration.ice_transport_policy == IceTransportPolicy::All;
        let can_ask = |address: &SocketAddr| state.peer.can_ask_server(transport, *address);
        if is_of_use
            && let Ok(addresses) = &found
            && !addresses.iter().any(can_ask)
        {
            tell(&mut state, &place, NO_SUCH_FAMILY.to_owned());
        }
        match (found, relay) {
            (Ok(addresses), None) => {
                state.errands.push_back(Errand::Witness { transport, servers: addresses.clone() });
                for address in addresses.into_iter().filter(|address| known.insert(*address)) {
                    state.peer.add_stun_server(now, transport, address, &place.url);
                }
            }
            (Ok(addresses), Some(relay)) => {
                let addresses = one_of_each_family(addresses);
                if relay.protocol == Protocol::Udp {
                    state.errands.push_back(Errand::Witness { transport, servers: addresses.clone() });
                }
                for address in addresses {
                    if relay.protocol != Protocol::Udp {
                        let (protocol, host) = (relay.protocol, place.host.clone());
                        state.errands.push_back(Errand::AddServer(StreamServer { address, protocol, host }));
                    }
                    state.peer.add_turn_server(now, transport, turn_server(&relay, address));
                }
            }
            (Err(error), _) => tell(&mut state, &place, error.to_string()),
        }
    }
    if let Some(shared) = shared.upgrade() {
        shared.lock().peer.finish_local_addresses(Instant::now(), transport);
    }
}

/// A server is not reached, whatever is tried.
fn tell(state: &mut State, place: &Place, reason: String) {
    state.publish(&News::Peer(Event::IceCandidateError(IceCandidateError {
        address: None,
        port: None,
        url: place.url.clone(),
        error_code: UNREACHABLE,
        error_text: reason,
    })));
}

/// A server lends as much at one of its addresses as at all of them.
fn one_of_each_family(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut chosen: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if chosen.iter().all(|known| known.is_ipv4() != address.is_ipv4()) {
            chosen.push(address);
        }
    }
    chosen
}

fn turn_server(relay: &Relay, address: SocketAddr) -> TurnServer {
    TurnServer {
        address,
        protocol: relay.protocol,
        url: relay.place.url.clone(),
        username: relay.username.clone(),
        credential: relay.credential.clone(),
    }
}

/// Resolves a candidate's name and hands the result to the peer, also when there is none.
pub(crate) async fn candidate_name(shared: Weak<Shared>, name: String) {
    let address = mdns::resolve(&name).await;
    match address {
        Some(_) => tracing::debug!("a candidate's name was resolved"),
        None => tracing::debug!("a candidate's name was not resolved"),
    }
    if let Some(shared) = shared.upgrade() {
        shared.lock().peer.name_resolved(Instant::now(), &name, address);
    }
}
