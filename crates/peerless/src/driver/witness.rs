//! A witness: asks a server that is silent once more, from a socket of its own that hears what ICMP and the system say of it,
//! so that the error of a gathering tells why (webrtc-pc §4.8.3).
//!
//! The sockets of a connection do not listen to ICMP themselves. What it says would come back from their sends in place of
//! the datagram's own fate, and tokio takes a socket for writable for ever once the system has told an error of it: a full
//! one would be tried without a pause. A witness lives for a few seconds, has one server, and says only why: whatever it
//! hears, the server is asked as long as ever.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Weak;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use peerless_peer::config::IceTransportPolicy;
use peerless_peer::id::TransportId;
use peerless_wire::stun::{Class, Method, TransactionId, Writer};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::driver::{icmp, sockets};
use crate::shared::Shared;

/// How long a server is only silent: a few round trips, and one request that got lost.
const HESITATION: Duration = Duration::from_millis(1200);
/// How often it is asked.
const TRIES: usize = 3;
/// How long it is listened to each time.
const PAUSE: Duration = Duration::from_secs(1);
/// How many witnesses one question has, and how many questions there are at a time for an endpoint.
pub(crate) const LIMIT: usize = 32;

/// From where witnesses ask.
#[derive(Debug)]
pub(crate) struct Post {
    /// The sockets whose questions may go unanswered.
    pub(crate) locals: Vec<SocketAddr>,
    /// The ports that may be bound.
    pub(crate) ports: Option<RangeInclusive<u16>>,
    /// No address of the own network is to be named.
    pub(crate) hides_addresses: bool,
}

/// Waits, and where servers are silent then tells the peer what stands before them.
pub(crate) async fn ask(
    shared: Weak<Shared>,
    transport: TransportId,
    servers: Vec<SocketAddr>,
    mut post: Post,
) {
    tokio::time::sleep(HESITATION).await;
    let silent: Vec<_> = {
        let Some(shared) = shared.upgrade() else { return };
        let state = shared.look();
        post.hides_addresses |= state.configuration.ice_transport_policy == IceTransportPolicy::Relay;
        let is_silent = |server: &SocketAddr| state.peer.is_awaiting_server(transport, *server);
        servers.into_iter().filter(is_silent).collect()
    };
    let pairs = silent.iter().flat_map(|server| {
        let is_its = |local: &&SocketAddr| local.is_ipv4() == server.is_ipv4();
        post.locals.iter().filter(is_its).map(|local| (*local, *server))
    });
    let mut witnesses: FuturesUnordered<_> = pairs
        .take(LIMIT)
        .map(async |(local, server)| {
            let heard = hear(local, &post, server).await;
            (server, heard.unwrap_or_else(|error| Some(fault(&error))))
        })
        .collect();
    while let Some((server, obstacle)) = witnesses.next().await {
        let (Some(obstacle), Some(shared)) = (obstacle, shared.upgrade()) else { continue };
        tracing::debug!(%server, %obstacle, "a server is not reached");
        shared.lock().peer.note_obstacle(transport, server, &obstacle);
    }
}

/// What is said of a server, asked from this address; `None` where nothing is, or the server answers.
///
/// # Errors
/// What the system says of the server, which is not asked then.
async fn hear(local: SocketAddr, post: &Post, server: SocketAddr) -> io::Result<Option<String>> {
    let Ok(socket) = bind(local, post.ports.as_ref()) else { return Ok(None) };
    icmp::listen(&socket, true)?;
    socket.connect(server).await?;
    let request = request()?;
    // Of this request and no other.
    let said = |told: &icmp::Told| {
        let is_it = request.starts_with(&told.quoted);
        is_it.then(|| if post.hides_addresses { told.obstacle.to_string() } else { told.to_string() })
    };
    for _ in 0..TRIES {
        if let Err(error) = socket.send(&request).await {
            // It may be of the request before.
            return icmp::next(&socket).map(|told| said(&told)).map_err(|_| error);
        }
        let told = tokio::select! {
            told = socket.async_io(Interest::ERROR, || icmp::next(&socket)) => Some(told?),
            answered = socket.readable() => return answered.map(|()| None),
            () = tokio::time::sleep(PAUSE) => None,
        };
        if let Some(said) = told.as_ref().and_then(said) {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

/// Where no port is free there is no witness.
fn bind(local: SocketAddr, ports: Option<&RangeInclusive<u16>>) -> io::Result<UdpSocket> {
    let socket = match ports {
        Some(ports) => sockets::bind_in(local.ip(), ports)?,
        None => std::net::UdpSocket::bind(SocketAddr::new(local.ip(), 0))?,
    };
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// What is asked of a STUN server (RFC 8445 §5.1.1.2); TURN servers are that too.
fn request() -> io::Result<BytesMut> {
    let mut id = [0; 12];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| io::Error::other("no random numbers"))?;
    let mut request = BytesMut::with_capacity(32);
    Writer::new(&mut request, Class::Request, Method::BINDING, TransactionId(id)).fingerprint();
    Ok(request)
}

/// In words, where the system knows without asking anybody.
pub(crate) fn fault(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "no route to it".to_owned(),
        io::ErrorKind::PermissionDenied => "this machine forbids it".to_owned(),
        // Linux: a route that leads nowhere.
        io::ErrorKind::InvalidInput => "a route of this machine drops it".to_owned(),
        _ => error.to_string(),
    }
}
