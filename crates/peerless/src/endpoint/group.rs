//! What the workers of an endpoint share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::addresses::AddressOptions;
use crate::endpoint::config::EndpointConfig;
use crate::endpoint::member::Post;
use crate::endpoint::routes::Routes;
use crate::endpoint::stats::{Counters, EndpointStats};

/// The routes, the counters, the mailboxes.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) locals: Vec<SocketAddr>,
    /// How they are shown.
    pub(super) addresses: AddressOptions,
    pub(super) ice_lite: bool,
    /// Streams are accepted at the same addresses.
    pub(super) takes_tcp: bool,
    pub(super) post: Arc<Post>,
    routes: RwLock<Routes>,
    pub(super) counters: Counters,
    /// No handle is left to make connections with.
    pub(super) is_abandoned: AtomicBool,
    /// All connections shall close.
    pub(super) is_closing: AtomicBool,
    /// How many workers there are, and the door, which ends last.
    pub(super) tasks: watch::Sender<usize>,
}

impl Group {
    pub(super) fn new(locals: Vec<SocketAddr>, config: &EndpointConfig) -> Arc<Self> {
        Arc::new(Self {
            locals,
            addresses: config.addresses.clone(),
            ice_lite: config.ice_lite,
            takes_tcp: config.tcp,
            post: Post::new(config.workers),
            routes: RwLock::default(),
            counters: Counters::default(),
            is_abandoned: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            tasks: watch::Sender::new(config.workers + usize::from(config.tcp)),
        })
    }

    pub(super) fn routes(&self) -> RwLockReadGuard<'_, Routes> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn routes_mut(&self) -> RwLockWriteGuard<'_, Routes> {
        self.routes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all has ended: no connection is left, and none will come. A worker cannot go before the others: the system
    /// would spread the remotes anew.
    pub(super) fn is_over(&self) -> bool {
        let is_last = self.is_abandoned.load(Ordering::Acquire) || self.is_closing.load(Ordering::Acquire);
        is_last && self.counters.connections.load(Ordering::Acquire) == 0
    }

    pub(super) fn stats(&self) -> EndpointStats {
        let (usernames, paths, transactions) = self.routes().sizes();
        EndpointStats { usernames, paths, transactions, ..self.counters.read() }
    }
}
