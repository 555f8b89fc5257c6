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
    /// The addresses it has now.
    locals: RwLock<Arc<[SocketAddr]>>,
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
    /// The tasks that have not ended.
    pub(super) tasks: watch::Sender<Tasks>,
}

/// How many tasks there are; the others end after the workers.
#[derive(Debug)]
pub(super) struct Tasks {
    pub(super) workers: usize,
    /// The door and the lookout.
    pub(super) others: usize,
}

impl Group {
    pub(super) fn new(locals: Vec<SocketAddr>, config: &EndpointConfig, others: usize) -> Arc<Self> {
        Arc::new(Self {
            locals: RwLock::new(locals.into()),
            addresses: config.addresses.clone(),
            ice_lite: config.ice_lite,
            takes_tcp: config.tcp,
            post: Post::new(config.workers),
            routes: RwLock::default(),
            counters: Counters::default(),
            is_abandoned: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            tasks: watch::Sender::new(Tasks { workers: config.workers, others }),
        })
    }

    pub(super) fn locals(&self) -> Arc<[SocketAddr]> {
        self.locals.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_locals(&self, locals: Vec<SocketAddr>) {
        *self.locals.write().unwrap_or_else(PoisonError::into_inner) = locals.into();
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
