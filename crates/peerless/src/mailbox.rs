//! What the handles of one data channel share: how the channel was made, where it stands as told last, and who waits
//! for it. A leaf: it knows neither connection nor driver.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerless_peer::channel::{ChannelError, ChannelView, Message};
use peerless_peer::id::ChannelId;
use peerless_peer::state::DataChannelState;
use tokio::sync::Notify;

/// One data channel, as its handles see it.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub(crate) id: ChannelId,
    /// As it was when the mailbox was made; state and amounts in it are of that moment.
    pub(crate) made: ChannelView,
    /// Messages arrived, or no more will.
    pub(crate) arrived: Notify,
    /// The state changed, or little is buffered.
    pub(crate) changed: Notify,
    standing: Mutex<Standing>,
    inbox: Mutex<VecDeque<Message>>,
    abandoned: Arc<Abandoned>,
}

/// Where a channel stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) ready_state: DataChannelState,
    pub(crate) stream: Option<u16>,
    pub(crate) error: Option<ChannelError>,
    /// What could not be sent any more, once it is closed.
    pub(crate) unsent: usize,
}

/// Channels that nobody holds any more.
#[derive(Debug, Default)]
pub(crate) struct Abandoned {
    ids: Mutex<Vec<ChannelId>>,
}

impl Mailbox {
    pub(crate) fn new(id: ChannelId, made: ChannelView, abandoned: Arc<Abandoned>) -> Self {
        let standing = Standing { ready_state: made.ready_state, stream: made.id, error: None, unsent: 0 };
        let (arrived, changed) = (Notify::new(), Notify::new());
        Self {
            id,
            made,
            arrived,
            changed,
            standing: Mutex::new(standing),
            inbox: Mutex::default(),
            abandoned,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // Nothing panics while holding it; were it so, the plain fields would still be right.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages that were taken out of the connection, several at a time.
    pub(crate) fn inbox(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.lock().clone()
    }

    pub(crate) fn ready_state(&self) -> DataChannelState {
        self.lock().ready_state
    }

    /// Notes a change, and wakes those who wait for one.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
        self.arrived.notify_waiters();
    }
}

/// The last handle is gone: nobody can read the channel any more.
impl Drop for Mailbox {
    fn drop(&mut self) {
        self.abandoned.lock().push(self.id);
    }
}

impl Abandoned {
    fn lock(&self) -> MutexGuard<'_, Vec<ChannelId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that were abandoned since the last call.
    pub(crate) fn take(&self) -> Vec<ChannelId> {
        std::mem::take(&mut self.lock())
    }
}
