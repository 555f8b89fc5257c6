//! The endpoint as its user holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use peerless_peer::peer::Peer;
use tokio::sync::mpsc;

use crate::config::Configuration;
use crate::connection::{PeerConnection, machine_config};
use crate::endpoint::bind::{Bound, bind};
use crate::endpoint::certificates::Certificates;
use crate::endpoint::config::EndpointConfig;
use crate::endpoint::door::Door;
use crate::endpoint::group::Group;
use crate::endpoint::lookout::Lookout;
use crate::endpoint::member::{Member, Resident};
use crate::endpoint::stats::EndpointStats;
use crate::endpoint::worker::Worker;
use crate::error::{EndpointError, Error};
use crate::shared::Shared;

/// One port for many connections: a server's. Each [`connection`](Self::connection) is an ordinary [`PeerConnection`], whose
/// host candidates have the endpoint's addresses and port, of UDP and, where it is wanted, of TCP.
///
/// A server that takes offers and answers them, with whatever carries them:
///
/// ```no_run
/// use std::net::IpAddr;
/// use peerless::addresses::{PublicAddress, PublicKind};
/// use peerless::{Configuration, Endpoint, EndpointConfig, Error, Event, PeerConnection, SessionDescription};
///
/// /// One port of UDP and TCP on all interfaces, seen from outside as `public`.
/// fn bind(public: IpAddr) -> Result<Endpoint, Error> {
///     let mut config = EndpointConfig::default();
///     config.tcp = true;
///     // Every client reaches a public address, so there is no need to look for theirs.
///     config.ice_lite = true;
///     config.addresses.public = vec![PublicAddress { local: None, public, shown: PublicKind::Host }];
///     Endpoint::bind(["0.0.0.0:5000".parse().unwrap()], config)
/// }
///
/// /// One more client: gives the answer to its offer, and echoes its messages until it leaves.
/// async fn serve(endpoint: &Endpoint, offer: SessionDescription) -> Result<SessionDescription, Error> {
///     let connection = endpoint.connection(Configuration::default())?;
///     let mut events = connection.events();
///     connection.set_remote_description(offer)?;
///     connection.set_local_description(None)?;
///     // The endpoint's addresses are known at once; an answer without trickling holds them all.
///     while let Some(event) = events.next().await {
///         if matches!(event, Event::IceGatheringState(peerless::IceGatheringState::Complete)) {
///             break;
///         }
///     }
///     let answer = connection.local_description();
///     tokio::spawn(async move {
///         let _stays: PeerConnection = connection;
///         while let Some(event) = events.next().await {
///             if let Event::DataChannel(channel) = event {
///                 while let Some(message) = channel.recv().await {
///                     let _ = channel.send(message).await;
///                 }
///             }
///         }
///     });
///     Ok(answer.expect("it was set just now"))
/// }
/// ```
///
/// The port must be open, for UDP and TCP, in whatever stands before the machine.
///
/// Cheap to clone. When the last clone is dropped no more connections can be made; those that are there go on, and the port is
/// free when the last has closed.
///
/// Remotes are told apart by their addresses: of two connections with the same remote address and port the one that was
/// heard of last gets what comes from there. Two endpoints can thus have only one connection between each two of their
/// addresses.
#[derive(Debug, Clone)]
pub struct Endpoint {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    group: Arc<Group>,
    config: EndpointConfig,
    certificates: Certificates,
    /// How many connections were made.
    made: AtomicU64,
}

impl Endpoint {
    /// Binds to these addresses. Those without an IP stand for all that the machine's interfaces have, of the same family, as
    /// [`EndpointConfig::addresses`] chooses; a port of 0 for a free one, the same on all addresses that have 0, of TCP as
    /// well where that is taken. Must be called within a tokio runtime, which runs the workers.
    ///
    /// The machine's addresses may change meanwhile: one that comes is bound too, at the same port, and connections have it
    /// that gather from then on, so those that are there after an ICE restart; one that is gone is let go of after 30
    /// seconds, if it does not come back. One that cannot be bound is tried again with the next change.
    ///
    /// # Errors
    /// `NoRuntime` outside of one; `Endpoint` for no address, one that is given twice, a number of workers that is not
    /// possible, and choices and public addresses that concern none of the addresses; `Addresses` for what cannot be;
    /// `Peer` (`CertificateExpired`); `Io` where the system refuses, say because the port is in use.
    pub fn bind(
        addresses: impl IntoIterator<Item = SocketAddr>,
        config: EndpointConfig,
    ) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let addresses: Vec<SocketAddr> = addresses.into_iter().collect();
        config.check(&addresses)?;
        let certificates = Certificates::new(config.certificate.clone(), SystemTime::now())?;
        let Bound { locals, sockets, listeners, site } = bind(&addresses, &config)?;
        let group = Group::new(locals, &config, usize::from(config.tcp) + usize::from(site.is_some()));
        for (index, sockets) in sockets.into_iter().enumerate() {
            runtime.spawn(Worker::new(index, group.clone(), sockets));
        }
        let (tell, told) = mpsc::unbounded_channel();
        if config.tcp {
            runtime.spawn(Door::new(group.clone(), listeners, told).keep());
        }
        if let Some(site) = site {
            let door = config.tcp.then_some(tell);
            runtime.spawn(Lookout::new(group.clone(), site, door).keep());
        }
        let handle = Handle { group, config, certificates, made: AtomicU64::new(0) };
        Ok(Self { handle: Arc::new(handle) })
    }

    /// A new connection on this endpoint. Where the configuration has no certificate it shows the endpoint's.
    ///
    /// # Errors
    /// As [`PeerConnection::new`]; `Endpoint` for what a connection of an endpoint cannot have (interfaces of its own, more
    /// than one transport, servers where ICE is lite), and where the endpoint was closed.
    pub fn connection(&self, mut configuration: Configuration) -> Result<PeerConnection, Error> {
        let Handle { group, config, certificates, made } = &*self.handle;
        if group.is_closing.load(Ordering::Acquire) {
            return Err(EndpointError::Closed.into());
        }
        configuration.check_shared(config.ice_lite)?;
        if configuration.certificates.is_empty() {
            configuration.certificates = vec![certificates.current(SystemTime::now())?];
        }
        let mut machine = machine_config(&configuration)?;
        config.write_into(&mut machine);
        let shared = Shared::new(Peer::new(machine)?, configuration, true);
        let id = made.fetch_add(1, Ordering::Relaxed);
        let home = (id % config.workers as u64) as usize;
        let member = Member::new(id, home, group.post.clone());
        group.counters.connections.fetch_add(1, Ordering::AcqRel);
        if let Some(resident) = group.post.settle(home, Resident::new(member, shared.clone())) {
            group.counters.connections.fetch_sub(1, Ordering::AcqRel);
            resident.end();
            return Err(EndpointError::Closed.into());
        }
        Ok(PeerConnection::of(shared))
    }

    /// The addresses that new connections have: those it was bound to, and where some had no IP, what the machine has now.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.handle.group.locals().to_vec()
    }

    /// What it holds and has counted.
    pub fn stats(&self) -> EndpointStats {
        self.handle.group.stats()
    }

    /// Closes all connections. No more can be made, and the port is free when their last datagrams have left.
    pub fn close(&self) {
        self.handle.group.is_closing.store(true, Ordering::Release);
        self.handle.group.post.wake_all();
    }

    /// Waits until the endpoint has ended and its port is free: after [`close`](Self::close), or with its runtime.
    pub async fn closed(&self) {
        let mut tasks = self.handle.group.tasks.subscribe();
        // Who tells of it cannot be gone: we hold it.
        let _ = tasks.wait_for(|left| left.workers + left.others == 0).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.group.is_abandoned.store(true, Ordering::Release);
        self.group.post.wake_all();
    }
}
