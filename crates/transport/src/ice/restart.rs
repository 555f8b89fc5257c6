//! From one generation to the next (RFC 8445 §9), and sockets that come and go.
//!
//! A restart is prepared when our description with new credentials is set, and takes effect when the peer's credentials
//! come: only then is anything of the generation before given up, and the pair in use not even then (see `kept`).

use std::time::Instant;

use peerless_wire::stun::Message;

use crate::datagram::Base;
use crate::ice::candidate::{Candidates, SocketState};
use crate::ice::config::Credentials;
use crate::ice::connectivity::{CheckKind, Connectivity};
use crate::ice::early::EarlyChecks;
use crate::ice::kept::Remote;
use crate::ice::next::Next;
use crate::ice::nomination::Nomination;

impl Connectivity {
    /// Credentials that were never used.
    pub(crate) fn fresh_credentials(&mut self) -> Credentials {
        Credentials::generate(&mut self.rng, self.config.ufrag_length)
    }

    /// Prepares a generation of these credentials; one that was prepared before is dropped.
    pub(crate) fn prepare(&mut self, local: Credentials) {
        let candidates = self.candidates.fresh(self.config.is_relay_only);
        self.next = Some(Next::new(local, candidates));
    }

    /// Drops what was prepared. Whether there was anything.
    pub(crate) fn take_back(&mut self) -> bool {
        self.next.take().is_some()
    }

    /// The credentials that were prepared.
    pub(crate) fn next_credentials(&self) -> Option<&Credentials> {
        self.next.as_ref().map(|next| &next.local)
    }

    /// Whether a request bears the credentials that were prepared.
    pub(crate) fn is_for_next(&self, message: &Message<'_>) -> bool {
        self.next.as_ref().is_some_and(|next| next.is_meant(message))
    }

    /// Ours of all generations that a request may bear.
    pub(crate) fn ufrags(&self) -> impl Iterator<Item = &str> {
        let next = self.next.iter().map(|next| &*next.local.ufrag);
        [&*self.local.ufrag].into_iter().chain(next).chain(self.kept.ufrags())
    }

    /// The candidates that are being gathered and signalled, with the username fragment they belong to.
    pub(crate) fn newest(&self) -> (&str, &Candidates) {
        match &self.next {
            Some(next) => (&next.local.ufrag, &next.candidates),
            None => (&self.local.ufrag, &self.candidates),
        }
    }

    pub(crate) fn newest_mut(&mut self) -> &mut Candidates {
        match &mut self.next {
            Some(next) => &mut next.candidates,
            None => &mut self.candidates,
        }
    }

    /// Whether no candidate of ours can be of use any more but those of the pair in use, or none where all `is_over`.
    pub(crate) fn has_concluded(&self, is_over: bool) -> bool {
        let is_settled = self.selected.is_some() && !self.standby.is_on;
        self.next.is_none() && (is_settled || is_over)
    }

    /// Whether these are the peer's credentials already, and none of ours wait for them.
    pub(crate) fn is_settled_with(&self, credentials: &Credentials) -> bool {
        self.next.is_none() && self.has_remote(credentials)
    }

    /// Whether these are the peer's credentials.
    pub(crate) fn has_remote(&self, credentials: &Credentials) -> bool {
        self.remote.as_ref().is_some_and(|remote| is_of(remote, credentials))
    }

    /// The peer's credentials are known: checks may begin, first those that answer checks which came before. Where there
    /// were others, or ours are new, this begins another generation; says whether it did.
    pub(crate) fn set_remote(&mut self, now: Instant, credentials: Credentials) -> bool {
        let before = self.remote.take();
        let keeps_remotes = before.as_ref().is_some_and(|remote| is_of(remote, &credentials));
        let turns_over = before.is_some() || self.next.is_some();
        if turns_over {
            self.turn_over(now, before, keeps_remotes);
        }
        self.hope.begin(now);
        let remote = Remote { ufrag: credentials.ufrag, password: credentials.password.into() };
        for early in self.early.take(&remote.ufrag) {
            self.apply_check(now, early.source, early.destination, early.priority, early.nominates);
        }
        self.remote = Some(remote);
        self.form_pairs();
        turns_over
    }

    fn turn_over(&mut self, now: Instant, remote: Option<Remote>, keeps_remotes: bool) {
        let route = self.route().map(|pair| pair.id);
        let local = self.local.clone();
        let ends = self.route().and_then(|pair| self.ends(pair));
        if let (Some(id), Some(ends)) = (route, ends)
            && let Some(pair) = self.checklist.get_mut(id)
        {
            pair.ends = Some(Box::new(ends));
        }
        if let Some(mut next) = self.next.take() {
            if keeps_remotes {
                next.candidates.take_remotes(&mut self.candidates);
            }
            self.local = next.local;
            self.candidates = next.candidates;
            self.early = next.early;
        } else {
            self.early = EarlyChecks::default();
        }
        if !keeps_remotes {
            self.candidates.forget_remotes();
        }
        self.candidates.set_paired(false);
        if let (Some(pair), Some(remote)) = (self.checklist.clear(route), remote) {
            self.kept.keep(now, local, remote, pair);
        }
        self.transactions.retain(|of| of.kind == CheckKind::Consent && Some(of.pair) == route);
        self.selected = None;
        self.nomination = Nomination::default();
        self.standby.begin(self.role.is_controlling);
    }

    /// Whether a socket of ours is bound at `base`.
    pub(crate) fn is_ours(&self, base: Base) -> bool {
        let next = self.next.as_ref().map(|next| &next.candidates);
        [Some(&self.candidates), next].into_iter().flatten().any(|all| all.host_at(base).is_some())
            || self.kept.pairs().any(|pair| pair.base == base)
    }

    /// The network of the socket at `base` is gone, or there again. Pairs from there carry nothing meanwhile; their
    /// consent runs on.
    pub(crate) fn set_down(&mut self, now: Instant, base: Base, is_down: bool) {
        let socket = if is_down { SocketState::Down } else { SocketState::Open };
        self.set_socket(base, socket);
        self.checklist.set_down(base, is_down);
        self.kept.pairs_mut().filter(|pair| pair.base == base).for_each(|pair| pair.is_down = is_down);
        if let Some(used) = self.selected.and_then(|id| self.checklist.get(id)) {
            self.standby.note_use(now, used);
        }
        if is_down {
            self.give_up(base);
            self.nominate(now);
            return;
        }
        if self.standby.is_on {
            self.checklist.doubt(base, self.selected);
        }
        if !self.config.lite && (self.selected.is_none() || self.standby.is_on) {
            self.checklist.retry(base);
        }
        // The pair in use shows at once whether it still works.
        let pairs = self.checklist.pairs_mut().iter_mut().chain(self.kept.pairs_mut());
        for valid in pairs.filter(|pair| pair.base == base).filter_map(|pair| pair.valid.as_mut()) {
            valid.consent.check_at(now);
        }
    }

    /// The socket at `base` is closed.
    pub(crate) fn remove_base(&mut self, now: Instant, base: Base) {
        self.set_socket(base, SocketState::Closed);
        self.checklist.remove_base(base);
        self.kept.remove_base(base);
        self.shown.release(base.ip());
        self.give_up(base);
        self.make_room_for_locals();
        self.nominate(now);
    }

    /// Nothing that was sent from `base` is waited for.
    fn give_up(&mut self, base: Base) {
        self.transactions.remove_base(base);
        if self.checklist.pairs().iter().any(|pair| pair.base == base && self.nomination.has_chosen(pair.id))
        {
            self.nomination = Nomination::default();
        }
    }

    fn set_socket(&mut self, base: Base, socket: SocketState) {
        self.candidates.set_socket(base, socket);
        if let Some(next) = &mut self.next {
            next.candidates.set_socket(base, socket);
        }
    }
}

fn is_of(remote: &Remote, credentials: &Credentials) -> bool {
    remote.ufrag == credentials.ufrag && *remote.password == *credentials.password
}
