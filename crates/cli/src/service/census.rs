//! Who is here: a number and a connection for each client, and a way to end them all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerless::PeerConnection;
use tokio::sync::Notify;

/// Everyone who is here.
#[derive(Clone)]
pub struct Census {
    inner: Arc<Inner>,
}

struct Inner {
    limit: usize,
    state: Mutex<State>,
    left: Notify,
}

#[derive(Default)]
struct State {
    admitted: u64,
    closing: bool,
    guests: BTreeMap<u64, Option<PeerConnection>>,
}

impl Census {
    /// Room for `limit` at once.
    pub fn new(limit: usize) -> Self {
        let inner = Inner { limit, state: Mutex::default(), left: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Takes in one more; `None` when the house is full or closing.
    pub fn admit(&self) -> Option<Guest> {
        let mut state = self.lock();
        if state.closing || state.guests.len() >= self.inner.limit {
            return None;
        }
        state.admitted += 1;
        let number = state.admitted;
        state.guests.insert(number, None);
        Some(Guest { number, census: self.clone() })
    }

    /// The connection of each who has one, by number.
    pub fn connections(&self) -> BTreeMap<u64, PeerConnection> {
        let state = self.lock();
        state.guests.iter().filter_map(|(number, one)| Some((*number, one.clone()?))).collect()
    }

    /// Closes all connections and lets nobody in any more.
    pub fn close(&self) {
        let connections: Vec<_> = {
            let mut state = self.lock();
            state.closing = true;
            state.guests.values().flatten().cloned().collect()
        };
        for connection in connections {
            connection.close();
        }
    }

    /// Waits until all have left.
    pub async fn emptied(&self) {
        loop {
            let mut left = std::pin::pin!(self.inner.left.notified());
            // Listen first, then look: one who leaves between the two is heard.
            left.as_mut().enable();
            if self.lock().guests.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who was let in; dropping it is leaving.
pub struct Guest {
    number: u64,
    census: Census,
}

impl Guest {
    /// Counted from 1, never used twice.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Says which connection is this client's. It is closed at once if everyone is being sent away.
    pub fn brings(&self, connection: &PeerConnection) {
        let closing = {
            let mut state = self.census.lock();
            state.guests.insert(self.number, Some(connection.clone()));
            state.closing
        };
        if closing {
            connection.close();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The connection is let go after the lock is free: its last clone closes it.
        let _connection = self.census.lock().guests.remove(&self.number);
        self.census.inner.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_until_all_have_left_and_lets_nobody_in_while_closing() {
        let census = Census::new(2);
        let (one, two) = (census.admit().unwrap(), census.admit().unwrap());
        assert_eq!((one.number(), two.number()), (1, 2));
        census.close();
        assert!(census.admit().is_none());
        let waiting = tokio::spawn({
            let census = census.clone();
            async move { census.emptied().await }
        });
        drop(one);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(two);
        waiting.await.unwrap();
    }

    #[test]
    fn a_full_house_turns_away_until_one_leaves() {
        let census = Census::new(5);
        let mut guests: Vec<_> = (0..5).map(|_| census.admit().unwrap()).collect();
        assert!(census.admit().is_none());
        guests.pop();
        assert_eq!(census.admit().unwrap().number(), 6);
    }
}
