//! One turn of a connection: its lock is taken once; what has arrived and the time are handed in, errands and what shall
//! leave are taken out. The driver of a single connection and the workers of an endpoint turn connections alike.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::datagram::Transmit;

use crate::shared::{Errand, Shared, State};

/// How much is put into the send buffer before it is sent, bytes.
const SEND_BATCH: usize = 64 * 1024;

/// What shall leave: transmits, their bytes one after the other, and how far sending has come.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    bytes: BytesMut,
    transmits: Vec<Transmit>,
    /// How many have left.
    gone: usize,
    /// Where the bytes of the next one begin.
    offset: usize,
    /// How many of these have left.
    pub(crate) sent: usize,
}

impl Departures {
    /// Whether nothing was taken since it was last cleared.
    pub(crate) fn is_empty(&self) -> bool {
        self.transmits.is_empty()
    }

    /// Whether no more fits before what it has is sent.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= SEND_BATCH
    }

    /// How many transmits it has, those that have left with them.
    pub(crate) fn len(&self) -> usize {
        self.transmits.len()
    }

    /// Takes one more.
    #[cfg(test)]
    pub(crate) fn push(&mut self, transmit: Transmit, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.transmits.push(transmit);
    }

    /// Where the next one that is taken will be.
    pub(crate) fn end(&self) -> Place {
        Place { transmit: self.transmits.len(), byte: self.bytes.len() }
    }

    /// Those from a place on, each with its own place and its bytes.
    pub(crate) fn from(&self, mut place: Place) -> impl Iterator<Item = (Place, &Transmit, &[u8])> + Clone {
        self.transmits.iter().skip(place.transmit).map_while(move |transmit| {
            let (its, next) = (place, place.after(transmit));
            place = next;
            Some((its, transmit, self.bytes.get(its.byte..next.byte)?))
        })
    }

    /// The next one to leave, with its place, its bytes, and how many of them have left.
    pub(crate) fn first(&mut self) -> Option<(usize, &Transmit, &[u8], &mut usize)> {
        let transmit = self.transmits.get(self.gone)?;
        let bytes = self.bytes.get(self.offset..self.offset + transmit.size).unwrap_or_default();
        Some((self.gone, transmit, bytes, &mut self.sent))
    }

    /// It has left.
    pub(crate) fn step(&mut self) {
        self.offset += self.transmits.get(self.gone).map_or(0, |transmit| transmit.size);
        self.gone += 1;
        self.sent = 0;
    }

    /// All have left: there is room for the next.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.transmits.clear();
        (self.gone, self.offset, self.sent) = (0, 0, 0);
    }
}

/// A place among departures; the first by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// How many are before it.
    pub(crate) transmit: usize,
    byte: usize,
}

impl Place {
    /// The next, where this transmit is here.
    pub(crate) fn after(self, transmit: &Transmit) -> Self {
        Self { transmit: self.transmit + 1, byte: self.byte + transmit.size }
    }
}

/// How the peer stood at the end of its turn.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Closed, and its last datagrams taken where there was room for them.
    pub(crate) is_closed: bool,
    /// When it wants to be called.
    pub(crate) deadline: Option<Instant>,
    /// What it wants done.
    pub(crate) errands: VecDeque<Errand>,
}

/// Turns a connection. `hand_in` gives it what has arrived; what shall leave goes to `departures`, while there is room and
/// `takes_out`. Afterwards `waker` is woken when the connection wants another turn before its deadline.
pub(crate) fn turn(
    shared: &Shared,
    waker: &Waker,
    hand_in: impl FnOnce(&mut State, Instant),
    departures: &mut Departures,
    takes_out: bool,
) -> Turn {
    let now = Instant::now();
    let mut state = shared.lock_as_driver();
    if !state.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
        state.driver = Some(waker.clone());
    }
    hand_in(&mut state, now);
    state.hand_in_requests(now, waker);
    if state.peer.poll_timeout().is_some_and(|at| at <= now) {
        state.peer.handle_timeout(now);
    }
    // Among the peer's events are errands, and what readers wish of the remote.
    state.pass_on(now);
    while takes_out
        && !departures.is_full()
        && let Some(transmit) = state.peer.poll_transmit(now, &mut departures.bytes)
    {
        departures.transmits.push(transmit);
    }
    Turn {
        is_closed: state.peer.is_closed(),
        deadline: state.peer.poll_timeout(),
        errands: std::mem::take(&mut state.errands),
    }
}
