//! Names to addresses: STUN servers by the system's resolver, candidates' `.local` names by multicast DNS
//! (draft-ietf-mmusic-mdns-ice-candidates §3.2). Each runs as a short task of its own that ends by itself.

use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use peerless_peer::event::{Event, IceCandidateError};
use peerless_peer::id::TransportId;

use crate::config::StunServer;
use crate::driver::mdns;
use crate::news::News;
use crate::shared::Shared;

/// The code of an ICE candidate error for a server that cannot be reached (webrtc-pc §4.8.3).
const UNREACHABLE: u16 = 701;

/// Resolves every server, hands the addresses to the peer for a transport, then tells it that there are no more.
pub(crate) async fn stun_servers(shared: Weak<Shared>, transport: TransportId, servers: Vec<StunServer>) {
    let mut known = BTreeSet::new();
    // All at once: a name that hangs must not hold up the others.
    let mut answers: FuturesUnordered<_> = servers
        .iter()
        .map(async |server| (server, tokio::net::lookup_host((server.host.as_str(), server.port)).await))
        .collect();
    while let Some((server, found)) = answers.next().await {
        let Some(shared) = shared.upgrade() else { return };
        let mut state = shared.lock();
        match found {
            Ok(addresses) => {
                for address in addresses.filter(|address| known.insert(*address)) {
                    state.peer.add_stun_server(Instant::now(), transport, address, &server.url);
                }
            }
            Err(error) => state.publish(&News::Peer(Event::IceCandidateError(IceCandidateError {
                address: None,
                port: None,
                url: server.url.clone(),
                error_code: UNREACHABLE,
                error_text: error.to_string(),
            }))),
        }
    }
    if let Some(shared) = shared.upgrade() {
        shared.lock().peer.finish_local_addresses(Instant::now(), transport);
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
