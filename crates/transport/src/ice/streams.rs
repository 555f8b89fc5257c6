//! TCP as a carrier of checks and data (RFC 6544): bases from which connections are opened or at which they are taken, and
//! what it means for pairs that a connection stands or has ended. Connections themselves are the caller's business.

use std::net::SocketAddr;
use std::time::Instant;

use peerless_wire::sdp::TcpType;

use crate::datagram::{Base, Protocol, StreamId};
use crate::ice::agent::Agent;
use crate::ice::connectivity::Connectivity;
use crate::ice::event::Event;
use crate::ice::nomination::Nomination;
use crate::ice::pair::{Pair, PairState};

/// How many connections are known at a time.
const STREAM_LIMIT: usize = 128;

impl Agent {
    /// Adds an address from where connections are opened, or at which they are taken: a host candidate (RFC 6544 §5.1).
    /// The port of an active one is no port but a name for the base, and is not signalled.
    pub fn add_tcp_address(&mut self, now: Instant, address: SocketAddr, tcp_type: TcpType) {
        self.see(now);
        if tcp_type == TcpType::Active {
            self.relays.add_stream_base(address);
        }
        if let Some(added) = self.connectivity.newest_mut().add_tcp_host(address, tcp_type) {
            self.announce(added);
            self.connectivity.form_pairs();
        }
        self.settle(now);
    }

    /// A connection stands.
    pub fn stream_opened(&mut self, now: Instant, stream: StreamId) {
        self.see(now);
        let is_of_server = self.relays.stream_opened(stream);
        if stream.protocol == Protocol::Tcp && !is_of_server && self.streams.len() < STREAM_LIMIT {
            self.streams.retain(|known| *known != stream);
            self.streams.push(stream);
            self.connectivity.stream_opened(now, stream.base(), stream.remote);
        }
        self.settle(now);
    }

    /// A connection has ended, or could not be opened: what was checked by it has failed. The pair in use is
    /// disconnected, and failed when consent ends (RFC 7675 §5.1), unless the connection is opened again. With one to a TURN
    /// server goes what that lends.
    pub fn stream_closed(&mut self, now: Instant, stream: StreamId, reason: &str) {
        self.see(now);
        if self.relays.stream_closed(stream.remote, stream.base(), reason) {
            return self.settle(now);
        }
        if stream.protocol == Protocol::Tcp {
            self.streams.retain(|known| *known != stream);
            self.connectivity.stream_closed(stream.base(), stream.remote);
        }
        self.settle(now);
    }

    /// A pair was selected: the connections of all others end, also those that do not stand yet, but for what lingers from
    /// before a restart.
    pub(super) fn close_unused_streams(&mut self) {
        let connectivity = &self.connectivity;
        // Where others are kept to take its place they need theirs.
        if connectivity.standby.is_on {
            return;
        }
        let mut unused: Vec<_> =
            self.streams.extract_if(.., |stream| !connectivity.is_in_use(stream)).collect();
        for stream in connectivity.begun_streams().filter(|stream| !connectivity.is_in_use(stream)) {
            if !unused.contains(&stream) {
                unused.push(stream);
            }
        }
        self.events.extend(unused.into_iter().map(Event::CloseStream));
    }
}

impl Connectivity {
    /// Those by which something was checked.
    fn begun_streams(&self) -> impl Iterator<Item = StreamId> {
        let is_begun = |pair: &&Pair| pair.base.is_stream() && pair.counts.requests_sent > 0;
        self.checklist.pairs().iter().filter(is_begun).map(|pair| StreamId {
            protocol: Protocol::Tcp,
            local: pair.base.address,
            remote: pair.address,
        })
    }

    fn is_in_use(&self, stream: &StreamId) -> bool {
        let pairs = self.selected().into_iter().chain(self.kept.pairs());
        pairs.into_iter().any(|pair| pair.base == stream.base() && pair.address == stream.remote)
    }

    fn stream_opened(&mut self, now: Instant, base: Base, remote: SocketAddr) {
        let pairs = self.checklist.pairs_mut().iter_mut().chain(self.kept.pairs_mut());
        for pair in pairs.filter(|pair| pair.base == base && pair.address == remote && pair.is_down) {
            pair.is_down = false;
            if let Some(valid) = &mut pair.valid {
                valid.consent.check_at(now);
            }
        }
    }

    fn stream_closed(&mut self, base: Base, remote: SocketAddr) {
        self.transactions.remove_between(base, remote);
        for kept in self.kept.pairs_mut().filter(|pair| pair.base == base && pair.address == remote) {
            kept.is_down = true;
        }
        let Some(id) = self.checklist.find(base, remote) else { return };
        if self.nomination.has_chosen(id) {
            self.nomination = Nomination::default();
        }
        let is_selected = self.selected == Some(id);
        if let Some(pair) = self.checklist.get_mut(id) {
            if is_selected {
                pair.is_down = true;
            } else {
                pair.state = PairState::Failed;
                pair.valid = None;
            }
        }
    }
}
