//! The task that looks out for addresses that come and go, where an endpoint stands for those of the machine: it binds what
//! comes, and tells the workers and the door of that and of what is gone.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::driver::alarm::Alarm;
use crate::driver::interfaces;
use crate::driver::sockets::Socket;
use crate::driver::watch::Watch;
use crate::endpoint::bind::Site;
use crate::endpoint::change::Change;
use crate::endpoint::door::Listener;
use crate::endpoint::group::Group;
use crate::endpoint::holding::{Holding, Step};

/// When to look again where the system has no list.
const RETRY: Duration = Duration::from_secs(1);

/// The task.
#[derive(Debug)]
pub(super) struct Lookout {
    group: Arc<Group>,
    site: Site,
    holding: Holding,
    /// Where streams are taken.
    door: Option<UnboundedSender<Change<Listener>>>,
    watch: Watch,
    /// When to look though nothing was told.
    due: Option<Instant>,
    alarm: Alarm,
}

impl Lookout {
    /// Begins to look: what has changed since the endpoint was bound is seen at the first look.
    pub(super) fn new(
        group: Arc<Group>,
        site: Site,
        door: Option<UnboundedSender<Change<Listener>>>,
    ) -> Self {
        let (holding, watch) = (Holding::new(&group.locals()), Watch::new());
        Self { group, site, holding, door, watch, due: None, alarm: Alarm::default() }
    }

    /// Looks out for as long as there are workers.
    pub(super) async fn keep(mut self) {
        let mut tasks = self.group.tasks.subscribe();
        self.due = self.look(Instant::now());
        tokio::select! {
            _ = tasks.wait_for(|left| left.workers == 0) => {}
            () = poll_fn(|context| self.poll(context)) => {}
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            let has_changed = self.watch.poll(context, now);
            if has_changed || self.due.is_some_and(|at| at <= now) {
                self.due = self.look(now);
            }
            let deadline = self.watch.deadline().into_iter().chain(self.due).min();
            if !self.alarm.set(context, deadline) {
                return Poll::Pending;
            }
        }
    }

    /// When to look again, whatever happens.
    fn look(&mut self, now: Instant) -> Option<Instant> {
        let (wanted, present) = match (self.site.addresses(), interfaces::present()) {
            (Ok(wanted), Ok(present)) => {
                (wanted, present.into_iter().chain(self.site.fixed()).collect::<Vec<_>>())
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "no list of interfaces");
                return Some(now + RETRY);
            }
        };
        for step in self.holding.compare(now, &wanted, &present) {
            match step {
                Step::Bind(local) => match self.bind(local) {
                    Ok(()) => {
                        tracing::info!(%local, "an endpoint has one more address");
                        self.holding.add(local);
                    }
                    // It is tried again when addresses change.
                    Err(error) => {
                        tracing::warn!(%error, %local, "an address of the machine is not an endpoint's");
                    }
                },
                Step::Suspend(local) => {
                    tracing::info!(%local, "the network of an address is gone");
                    self.tell(|| Change::Suspend(local));
                }
                Step::Restore(local) => {
                    tracing::info!(%local, "the network of an address is back");
                    self.tell(|| Change::Restore(local));
                }
                Step::Release(local) => {
                    self.tell(|| Change::Release(local));
                    self.door.iter().for_each(|door| drop(door.send(Change::Release(local))));
                }
            }
        }
        self.group.set_locals(self.holding.among(&wanted));
        self.holding.deadline()
    }

    fn bind(&self, local: SocketAddr) -> io::Result<()> {
        let (sockets, listener) = self.site.open(local)?;
        for (worker, socket) in sockets.into_iter().enumerate() {
            self.group.post.change(worker, Change::Bound(socket));
        }
        if let (Some(door), Some(listener)) = (&self.door, listener) {
            // A door that is gone needs none.
            drop(door.send(Change::Bound(listener)));
        }
        Ok(())
    }

    fn tell(&self, change: impl Fn() -> Change<Socket>) {
        (0..self.group.post.workers()).for_each(|worker| self.group.post.change(worker, change()));
    }
}

/// What it has bound is free before it is told that it has ended.
impl Drop for Lookout {
    fn drop(&mut self) {
        self.door = None;
        self.group.tasks.send_modify(|left| left.others -= 1);
    }
}
