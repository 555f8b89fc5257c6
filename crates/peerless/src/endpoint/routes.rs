//! Whose a datagram is: by user name, by transaction, by path. Nothing that a stranger sends changes anything here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless_transport::datagram::Datagram;
use peerless_wire::demux::{self, Kind};
use peerless_wire::stun::{Class, Message, TransactionId};

use crate::endpoint::member::Member;
use crate::endpoint::path::Path;

/// How many checks may be noted in all; the oldest give way.
const TRANSACTIONS: usize = 64 * 1024;
/// How long the answer to a check is awaited: as long as an agent does at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// Whose a datagram is.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) member: &'a Arc<Member>,
    /// Its path is not yet known to be this member's, and may turn out to be.
    pub(super) is_claim: bool,
}

/// What a datagram is that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    Malformed,
    Request,
    Response,
    Dtls,
    Other,
}

impl Stranger {
    pub(super) const KINDS: usize = 5;
}

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Routes {
    usernames: HashMap<String, Arc<Member>>,
    paths: HashMap<Path, Arc<Member>>,
    transactions: HashMap<TransactionId, Arc<Member>>,
    /// The same in the order they were noted, with some that were forgotten since.
    noted: VecDeque<(Instant, TransactionId)>,
}

impl Routes {
    /// Whose a datagram is.
    pub(super) fn find(&self, datagram: &Datagram) -> Result<Found<'_>, Stranger> {
        let path = Path::of(datagram);
        let kind = demux::kind(&datagram.contents);
        if kind != Some(Kind::Stun) {
            let stranger = if kind == Some(Kind::Dtls) { Stranger::Dtls } else { Stranger::Other };
            return self.at(&path).ok_or(stranger);
        }
        let message = Message::parse(&datagram.contents).map_err(|_| Stranger::Malformed)?;
        let member = match message.class() {
            Class::Request => Some(self.by_name(&message).ok_or(Stranger::Request)?),
            Class::Success | Class::Error => self.transactions.get(&message.transaction()),
            Class::Indication => None,
        };
        match member {
            Some(member) => Ok(Found { member, is_claim: !self.is_of(&path, member) }),
            None => self.at(&path).ok_or(Stranger::Response),
        }
    }

    /// Whom a STUN request names.
    pub(super) fn named(&self, datagram: &[u8]) -> Result<Arc<Member>, Stranger> {
        if demux::kind(datagram) != Some(Kind::Stun) {
            return Err(Stranger::Other);
        }
        let message = Message::parse(datagram).map_err(|_| Stranger::Malformed)?;
        match message.class() {
            Class::Request => self.by_name(&message).cloned().ok_or(Stranger::Request),
            _ => Err(Stranger::Other),
        }
    }

    fn by_name(&self, message: &Message<'_>) -> Option<&Arc<Member>> {
        self.usernames.get(message.username()?.split_once(':')?.0)
    }

    fn at(&self, path: &Path) -> Option<Found<'_>> {
        self.paths.get(path).map(|member| Found { member, is_claim: false })
    }

    /// Whether the path is this member's.
    pub(super) fn is_of(&self, path: &Path, member: &Member) -> bool {
        self.paths.get(path).is_some_and(|known| known.id == member.id)
    }

    /// The path is this member's from now on: of two, the one that was authenticated last has it.
    pub(super) fn claim(&mut self, path: Path, member: &Arc<Member>) {
        self.paths.insert(path, member.clone());
    }

    /// The path is not this member's any more.
    pub(super) fn release(&mut self, path: &Path, member: &Member) {
        if self.is_of(path, member) {
            self.paths.remove(path);
        }
    }

    /// These are the user names by which a member is asked for, those of `before` no more. A name that another has is not
    /// taken from it.
    pub(super) fn name(&mut self, member: &Arc<Member>, before: &[String], names: &[String]) {
        for name in before.iter().filter(|name| !names.contains(name)) {
            if self.usernames.get(name).is_some_and(|known| known.id == member.id) {
                self.usernames.remove(name);
            }
        }
        for name in names {
            let known = self.usernames.entry(name.clone()).or_insert_with(|| member.clone());
            if known.id != member.id {
                tracing::error!("two connections of an endpoint have drawn the same username fragment");
            }
        }
    }

    /// The answer to a check that leaves now is this member's.
    pub(super) fn note(&mut self, now: Instant, transaction: TransactionId, member: &Arc<Member>) {
        let is_old = |noted: &(Instant, TransactionId)| noted.0 + PATIENCE <= now;
        while self.noted.front().is_some_and(|first| is_old(first) || self.noted.len() >= TRANSACTIONS) {
            if let Some((_, oldest)) = self.noted.pop_front() {
                self.transactions.remove(&oldest);
            }
        }
        if self.transactions.insert(transaction, member.clone()).is_none() {
            self.noted.push_back((now, transaction));
        }
    }

    /// No answer is awaited any more.
    pub(super) fn forget(&mut self, transaction: TransactionId) {
        self.transactions.remove(&transaction);
        if self.transactions.is_empty() {
            self.noted.clear();
        }
    }

    /// Forgets a member, which has these names, paths and transactions.
    pub(super) fn remove(
        &mut self,
        member: &Arc<Member>,
        (names, paths, transactions): (&[String], &[Path], &VecDeque<TransactionId>),
    ) {
        self.name(member, names, &[]);
        paths.iter().for_each(|path| self.release(path, member));
        transactions.iter().for_each(|transaction| self.forget(*transaction));
    }

    /// How many names, paths and transactions there are.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.usernames.len(), self.paths.len(), self.transactions.len())
    }
}
