//! What stays of an agent over a restart (RFC 8445 §9): the pair in use, with the credentials of before. It carries data
//! until a pair of the new generation works. After that one was selected, the peer may still need a moment to follow:
//! meanwhile what comes by the old pair is taken and its checks are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::stun::Message;

use crate::datagram::Base;
use crate::ice::config::Credentials;
use crate::ice::message;
use crate::ice::pair::{Pair, PairId};
use crate::ice::request::{Verdict, judge};

/// How many are kept, those that linger with them; the oldest give way.
const LIMIT: usize = 4;

/// How long the peer may still use a pair that we have left.
const LINGER: Duration = Duration::from_secs(10);

/// The peer's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) ufrag: String,
    pub(crate) password: Arc<str>,
}

/// A pair of an earlier generation, and both sides' credentials.
#[derive(Debug)]
pub(crate) struct Kept {
    local: Credentials,
    remote: Remote,
    pub(crate) pair: Pair,
    /// Until when it lingers, once a pair of a later generation was selected.
    until: Option<Instant>,
}

/// The pairs of earlier generations, oldest first.
#[derive(Debug, Default)]
pub(crate) struct KeptPairs(Vec<Kept>);

impl KeptPairs {
    /// Keeps the pair in use. Those from before it linger from now on.
    pub(crate) fn keep(&mut self, now: Instant, local: Credentials, remote: Remote, pair: Pair) {
        self.release(now);
        if self.0.len() >= LIMIT {
            self.0.remove(0);
        }
        self.0.push(Kept { local, remote, pair, until: None });
    }

    /// A later pair was selected: nothing is sent by these any more.
    pub(crate) fn release(&mut self, now: Instant) {
        for kept in &mut self.0 {
            kept.until.get_or_insert(now + LINGER);
        }
    }

    /// Forgets those whose time is over, and those whose consent is.
    pub(crate) fn expire(&mut self, now: Instant, is_over: impl Fn(&Pair) -> bool) {
        self.0.retain(|kept| !is_over(&kept.pair) && kept.until.is_none_or(|until| until > now));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets those that are sent from `base`.
    pub(crate) fn remove_base(&mut self, base: Base) {
        self.0.retain(|kept| kept.pair.base != base);
    }

    /// The pair that carries data until one of the new generation works.
    pub(crate) fn in_use(&self) -> Option<&Pair> {
        self.0.last().filter(|kept| kept.until.is_none()).map(|kept| &kept.pair)
    }

    /// The pair in use where it is this one, with the username fragment of ours and the credentials of the peer that
    /// belong to it.
    pub(crate) fn find(&mut self, id: PairId) -> Option<(&str, &Remote, &mut Pair)> {
        let kept = self.0.iter_mut().find(|kept| kept.pair.id == id)?;
        Some((&kept.local.ufrag, &kept.remote, &mut kept.pair))
    }

    /// Ours that belong to them.
    pub(crate) fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|kept| &*kept.local.ufrag)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.0.iter().map(|kept| &kept.pair)
    }

    pub(crate) fn pairs_mut(&mut self) -> impl Iterator<Item = &mut Pair> {
        self.0.iter_mut().map(|kept| &mut kept.pair)
    }

    /// When one ends because it has lingered long enough.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.0.iter().filter_map(|kept| kept.until).min()
    }

    /// Answers a request that bears the credentials of before, so that the peer's consent lasts until it has restarted
    /// too. `None` where the request is meant for none of these, else what to answer, which is nothing where it is not
    /// authentic.
    pub(crate) fn handle_request(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        message: &Message<'_>,
    ) -> Option<Option<Bytes>> {
        let (ours, theirs) = message.username()?.split_once(':')?;
        let is_meant = |kept: &&mut Kept| (&*kept.local.ufrag, &*kept.remote.ufrag) == (ours, theirs);
        let kept = self.0.iter_mut().rev().find(is_meant)?;
        let Verdict::Check(_) = judge(message, &kept.local, Some(&kept.remote.ufrag)) else {
            return Some(None);
        };
        if kept.pair.address == source && kept.pair.base == destination {
            kept.pair.heard = kept.pair.heard.max(Some(now));
        }
        Some(Some(message::success(message.transaction(), source, &kept.local.password)))
    }
}
