//! Connectivity checks, nomination and consent (RFC 8445 §7, §8; RFC 7675): from candidates to a pair that works.
//!
//! Requests change nothing before `request::judge` found them authentic, responses nothing before transaction,
//! integrity and addresses were found right.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::sdp::CandidateKind;
use peerless_wire::stun::{Class, ErrorCode, Message, TransactionId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::datagram::Base;
use crate::ice::candidate::{self, Candidates, plain};
use crate::ice::checklist::Checklist;
use crate::ice::config::{Config, Credentials};
use crate::ice::consent::{Consent, randomised};
use crate::ice::early::EarlyChecks;
use crate::ice::hope::Hope;
use crate::ice::kept::{KeptPairs, Remote};
use crate::ice::message;
use crate::ice::next::Next;
use crate::ice::nomination::Nomination;
use crate::ice::pair::{Pair, PairId, PairState, Valid};
use crate::ice::request::{self, Verdict};
use crate::ice::role::{Claim, Resolution, Role};
use crate::ice::shown::ShownAddresses;
use crate::ice::standby::Standby;
use crate::transaction::{Outgoing, Schedule, Transaction, Transactions};

/// How many answers wait to be sent; more are not given.
const OUTBOX_LIMIT: usize = 64;

/// Ti: how long an answer over a stream is waited for, the opening of the connection included (RFC 8489 §6.2.2).
const STREAM_PATIENCE: Duration = Duration::from_millis(39_500);

/// Finds which pairs work, and keeps the one in use.
#[derive(Debug)]
pub(crate) struct Connectivity {
    pub(crate) candidates: Candidates,
    pub(super) config: Config,
    pub(super) rng: ChaCha20Rng,
    pub(super) local: Credentials,
    pub(super) remote: Option<Remote>,
    pub(super) role: Role,
    pub(super) checklist: Checklist,
    pub(super) transactions: Transactions<Purpose>,
    pub(super) early: EarlyChecks,
    /// The path of before a restart, in use until a new one works.
    pub(super) kept: KeptPairs,
    /// What a restart has prepared.
    pub(super) next: Option<Next>,
    pub(super) selected: Option<PairId>,
    pub(super) nomination: Nomination,
    pub(super) standby: Standby,
    pub(super) hope: Hope,
    pub(super) shown: ShownAddresses,
    outbox: VecDeque<Outgoing>,
}

/// What a transaction is for, and the password that its response is authenticated with.
#[derive(Debug, Clone)]
pub(super) struct Purpose {
    pub(super) pair: PairId,
    pub(super) kind: CheckKind,
    pub(super) password: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckKind {
    /// Whether a pair works; and, of the controlling side, that it be used.
    Connectivity { nominates: bool, was_controlling: bool },
    /// Whether the peer still wants to receive.
    Consent,
}

impl Connectivity {
    pub(crate) fn new(config: Config, mut rng: ChaCha20Rng) -> Self {
        let local = Credentials::generate(&mut rng, config.ufrag_length);
        let role = Role { is_controlling: !config.lite, tie_breaker: rng.next_u64() };
        let standby = Standby::new(config.is_continual && !config.lite);
        Self {
            candidates: Candidates::new(config.is_relay_only),
            config,
            rng,
            local,
            remote: None,
            role,
            checklist: Checklist::default(),
            transactions: Transactions::default(),
            early: EarlyChecks::default(),
            kept: KeptPairs::default(),
            next: None,
            selected: None,
            nomination: Nomination::default(),
            standby,
            hope: Hope::default(),
            shown: ShownAddresses::default(),
            outbox: VecDeque::new(),
        }
    }

    pub(crate) fn set_controlling(&mut self, is_controlling: bool) {
        if self.role.is_controlling != is_controlling && !self.config.lite {
            self.switch_role();
        }
    }

    /// Candidates were added: forms their pairs, unless a pair is selected already and stays so.
    pub(crate) fn form_pairs(&mut self) {
        if !self.config.lite && (self.selected.is_none() || self.standby.is_on) {
            if self.selected.is_some() {
                self.make_room_for_pairs();
            }
            self.checklist.form(&mut self.candidates, self.role.is_controlling);
        }
    }

    /// Answers a request, and checks the pair it came by. Whether the request was any good.
    pub(crate) fn handle_request(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        message: &Message<'_>,
    ) -> bool {
        let id = message.transaction();
        if let Some(answer) = self.kept.handle_request(now, source, destination, message) {
            let is_good = answer.is_some();
            self.count_request(source, destination, is_good);
            if is_good && self.config.lite {
                self.renew_kept(now, source, destination);
            }
            answer.into_iter().for_each(|contents| self.answer(source, destination, contents));
            return is_good;
        }
        let next = self.next.as_ref().filter(|next| next.is_meant(message));
        let is_next = next.is_some();
        let (local, remote_ufrag) = match next {
            Some(next) => (&next.local, None),
            None => (&self.local, self.remote_ufrag()),
        };
        let verdict = request::judge(message, local, remote_ufrag);
        let password = local.password.clone();
        let check = match verdict {
            Verdict::Drop => return false,
            Verdict::Refuse { code, unknown, is_authentic } => {
                let password = is_authentic.then_some(&*password);
                let contents = message::error(id, code, &unknown, password);
                self.answer(source, destination, contents);
                return is_authentic;
            }
            Verdict::Check(check) => check,
        };
        let resolve = |claim: Claim| match self.config.lite {
            true => claim.resolve_as_lite(),
            false => self.role.resolve(claim),
        };
        match check.claim.map(resolve) {
            Some(Resolution::Refuse) => {
                let contents = message::error(id, ErrorCode::ROLE_CONFLICT, &[], Some(&password));
                self.answer(source, destination, contents);
                return true;
            }
            Some(Resolution::Switch) => self.switch_role(),
            Some(Resolution::Agreed) | None => {}
        }
        self.answer(source, destination, message::success(id, source, &password));
        if let Some(next) = self.next.as_mut().filter(|_| is_next) {
            next.early.remember(source, destination, &check);
        } else if self.remote.is_some() {
            self.apply_check(now, source, destination, check.priority, check.nominates);
        } else {
            self.early.remember(source, destination, &check);
        }
        self.count_request(source, destination, true);
        true
    }

    /// Takes a response. Whether it was any good.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        message: &Message<'_>,
    ) -> bool {
        let id = message.transaction();
        let found = self.transactions.find(id);
        let is_good = |found: &&Transaction<Purpose>| message::is_authentic(message, &found.purpose.password);
        let Some(found) = found.filter(is_good) else { return false };
        let request = &found.request;
        let is_symmetric = plain(request.destination) == source && request.source == destination;
        let kind = found.purpose.kind;
        if kind == CheckKind::Consent && (!is_symmetric || message.class() != Class::Success) {
            return false;
        }
        let Some(transaction) = self.transactions.take(id) else { return false };
        if let Some(pair) = self.pair_mut(transaction.purpose.pair) {
            let is_measure = is_symmetric && message.class() == Class::Success;
            let sent = transaction.sent_once.filter(|_| is_measure);
            pair.counts.answered(sent.map(|sent| now.saturating_duration_since(sent)));
        }
        match kind {
            CheckKind::Consent => self.consent_granted(now, &transaction),
            CheckKind::Connectivity { nominates, was_controlling } => match message.class() {
                Class::Error if message.error_code() == Some(ErrorCode::ROLE_CONFLICT) => {
                    self.role_refused(transaction.purpose.pair, was_controlling);
                }
                Class::Success if is_symmetric => self.check_answered(now, &transaction, nominates, message),
                // RFC 8445 §7.2.5.2.1: an answer by another way does not count; nor does a refusal.
                _ => self.fail(transaction.purpose.pair),
            },
        }
        true
    }

    /// Ends what was not answered in time: checks, consent.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(transaction) = self.transactions.expire(now) {
            self.check_unanswered(&transaction.purpose);
        }
        let lasts = self.config.consent_expiry;
        let is_over =
            |pair: &Pair| pair.valid.as_ref().is_some_and(|valid| valid.consent.expires(lasts) <= now);
        for pair in self.checklist.pairs_mut().iter_mut().filter(|pair| is_over(pair)) {
            pair.valid = None;
            pair.state = PairState::Failed;
        }
        self.kept.expire(now, is_over);
        self.nominate(now);
        self.follow(now);
    }

    /// Chooses the pair to nominate, where it is ours to choose and time to.
    pub(crate) fn nominate(&mut self, now: Instant) {
        match self.selected.filter(|_| self.role.is_controlling) {
            Some(used) => self.reconsider(now, used),
            None if self.role.is_controlling => {
                self.nomination.choose(now, self.config.nomination_wait, &self.checklist);
            }
            None => {}
        }
    }

    /// What is due of what was begun before: answers, requests to repeat, consent checks.
    pub(crate) fn repeat(&mut self, now: Instant) -> Option<Outgoing> {
        let due = self.next_answer().or_else(|| self.transactions.repeat(now));
        due.or_else(|| self.check_consent(now))
    }

    /// Begins the next check: the one that nominates, then those of the checklist.
    pub(crate) fn next_check(&mut self, now: Instant) -> Option<Outgoing> {
        self.remote.as_ref()?;
        if let Some(id) = self.nomination.take() {
            return self.check(now, id, true);
        }
        let id = self.checklist.next_check().or_else(|| self.retry(now))?;
        self.check(now, id, false)
    }

    /// Whether [`Connectivity::next_check`] may have something.
    pub(crate) fn has_check(&self, clock: Instant) -> bool {
        let has_new = self.nomination.is_due() || self.checklist.has_check() || self.has_retry(clock);
        self.remote.is_some() && has_new
    }

    /// The next answer to a request.
    pub(crate) fn next_answer(&mut self) -> Option<Outgoing> {
        let answer = self.outbox.pop_front();
        if answer.is_none() {
            self.outbox.shrink_to_fit();
        }
        answer
    }

    /// Whether answers wait to be sent.
    pub(crate) fn has_answer(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Sends nothing more.
    pub(crate) fn stop(&mut self) {
        self.checklist.clear(None);
        self.transactions.retain(|_| false);
        self.early.clear();
        self.outbox.clear();
        self.kept.clear();
        self.selected = None;
        self.nomination = Nomination::default();
    }

    pub(crate) fn next_timeout(&self, clock: Instant) -> Option<Instant> {
        let is_choosing = self.role.is_controlling && self.checklist.best_valid().is_some();
        let nominate = self.nomination.next_timeout().filter(|_| is_choosing && self.selected.is_none());
        let pairs = self.checklist.pairs().iter().chain(self.kept.pairs());
        let valid = pairs.filter_map(|pair| pair.valid.as_ref());
        let expiries = valid.map(|valid| valid.consent.expires(self.config.consent_expiry));
        let check = self.next_consent();
        let kept = self.kept.next_timeout();
        let timers = [nominate, self.transactions.next_timeout(), check, kept, self.next_change(clock)];
        timers.into_iter().flatten().chain(expiries).min()
    }

    /// The pair to send by: the selected one, before that the best that works, before that the one from before a
    /// restart. Where gathering is continual the best that works stands in for a selected one that does not.
    pub(crate) fn route(&self) -> Option<&Pair> {
        let selected = self.selected.and_then(|id| self.checklist.get(id));
        let ours = match selected {
            Some(lost) if self.standby.is_on && !lost.is_usable() => {
                self.standby.substitute(lost, &self.checklist)
            }
            Some(selected) => Some(selected),
            None => self.checklist.best_valid(),
        };
        ours.or_else(|| self.kept.in_use()).filter(|pair| pair.is_usable())
    }

    /// Whether the pair to send by is from before a restart.
    pub(crate) fn is_route_kept(&self) -> bool {
        self.kept.in_use().is_some_and(|kept| self.route().is_some_and(|pair| pair.id == kept.id))
    }

    pub(crate) fn is_known(&self, source: SocketAddr, destination: Base) -> bool {
        let is_here =
            |pair: &Pair| pair.address == source && pair.base == destination && pair.heard.is_some();
        let mut early = [Some(&self.early), self.next.as_ref().map(|next| &next.early)].into_iter().flatten();
        self.checklist.pairs().iter().chain(self.kept.pairs()).any(is_here)
            || early.any(|early| early.has(source, destination))
    }

    /// The selected pair.
    pub(crate) fn selected(&self) -> Option<&Pair> {
        self.selected.and_then(|id| self.checklist.get(id))
    }

    /// What the candidates of a pair are: ours as the peer sees it, and the peer's.
    pub(crate) fn kinds(&self, pair: &Pair) -> (CandidateKind, CandidateKind) {
        let local = pair.valid.as_ref().map_or(pair.local, |valid| valid.local);
        let local = self.candidates.local(local).map_or(CandidateKind::Host, |local| local.kind);
        let remote = self.candidates.remote(pair.remote).map_or(CandidateKind::Host, |remote| remote.kind);
        (local, remote)
    }

    /// Whether a candidate that was signalled is still to be checked for the first time.
    pub(crate) fn has_unchecked(&self) -> bool {
        let is_open = |pair: &&Pair| matches!(pair.state, PairState::Frozen | PairState::Waiting);
        self.checklist.pairs().iter().filter(is_open).any(|pair| is_unchecked(&self.candidates, pair))
    }

    /// Whether any check is still to come or under way.
    pub(crate) fn is_active(&self) -> bool {
        self.checklist.is_active()
    }

    pub(crate) fn is_controlling(&self) -> bool {
        self.role.is_controlling
    }

    pub(crate) fn local(&self) -> &Credentials {
        &self.local
    }

    /// The peer's username fragment, once known.
    pub(crate) fn remote_ufrag(&self) -> Option<&str> {
        self.remote.as_ref().map(|remote| remote.ufrag.as_str())
    }

    /// What an authentic check leads to: a peer-reflexive candidate, a triggered check, a nomination
    /// (RFC 8445 §7.3.1.3 to §7.3.1.5).
    pub(super) fn apply_check(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        priority: u32,
        nominates: Option<u32>,
    ) {
        self.hope.note_heard(now);
        self.make_room_for_remote(source, true);
        if self.config.lite {
            return self.take_check(now, source, destination, priority, nominates);
        }
        let is_controlling = self.role.is_controlling;
        let host = self.candidates.host_at(destination);
        let remote = host.and_then(|host| self.candidates.remote_seen(source, host, priority));
        let (Some(host), Some(remote)) = (host, remote) else { return };
        let Some(id) = self.checklist.add(&self.candidates, host, remote, is_controlling) else { return };
        let is_settled = self.selected.is_some();
        let Some(pair) = self.checklist.get_mut(id) else { return };
        let wanted = nominates.filter(|_| !is_controlling);
        pair.note_request(now, wanted);
        let is_wanted = wanted.is_some() || pair.nominated.is_some();
        if pair.is_usable() {
            match wanted {
                Some(number) => self.select(now, id, number),
                None => self.follow(now),
            }
        } else if pair.is_down || is_settled && !is_wanted && !self.standby.is_on {
            // Another pair is in use; the peer is answered, but no more is checked (RFC 8445 §8.1.2).
            pair.state = PairState::Failed;
        } else {
            pair.wanted = pair.wanted.max(wanted);
            self.transactions.silence(|of| of.pair == id);
            self.checklist.trigger(id);
        }
    }

    fn check_answered(
        &mut self,
        now: Instant,
        transaction: &Transaction<Purpose>,
        nominates: bool,
        message: &Message<'_>,
    ) {
        let id = transaction.purpose.pair;
        let (Some(mapped), Some(pair)) = (message.mapped_address(), self.checklist.get_mut(id)) else {
            return self.fail(id);
        };
        let interval = randomised(self.config.consent_interval, self.rng.next_u32());
        let round_trip = transaction.sent_once.map(|sent| now.saturating_duration_since(sent));
        let local = self.candidates.mapped(pair.local, mapped);
        match &mut pair.valid {
            Some(valid) => {
                valid.consent.renew(now);
                valid.round_trip = round_trip.or(valid.round_trip);
            }
            valid => {
                let consent = Consent::new(now, interval);
                *valid = Some(Valid { local, since: now, consent, round_trip });
            }
        }
        pair.state = PairState::Succeeded;
        pair.heard = pair.heard.max(Some(now));
        let (foundation, wanted) = (pair.foundation, pair.wanted.take());
        // The check that nominates goes on, though an earlier one was answered late.
        self.transactions.silence(|of| of.pair == id && !self.nomination.has_chosen(id));
        self.checklist.thaw(foundation);
        match (self.role.is_controlling, wanted) {
            (true, _) if nominates && self.nomination.has_chosen(id) => {
                self.select(now, id, self.standby.number)
            }
            (false, Some(number)) => self.select(now, id, number),
            _ => {}
        }
        self.nominate(now);
        self.follow(now);
    }

    /// 487 (RFC 8445 §7.2.5.1): takes the other role, and another tie-breaker (§16.1), and checks again.
    fn role_refused(&mut self, id: PairId, was_controlling: bool) {
        if self.role.is_controlling == was_controlling {
            self.switch_role();
            self.role.tie_breaker = self.rng.next_u64();
        }
        if self.checklist.get(id).is_some_and(|pair| pair.valid.is_none()) && self.selected.is_none() {
            self.checklist.trigger(id);
        }
    }

    fn switch_role(&mut self) {
        self.role.is_controlling = !self.role.is_controlling;
        self.nomination = Nomination::default();
        for pair in self.checklist.pairs_mut() {
            (pair.asked, pair.nominated) = (None, None);
        }
        self.checklist.sort(&self.candidates, self.role.is_controlling);
    }

    fn check_unanswered(&mut self, purpose: &Purpose) {
        let id = purpose.pair;
        let CheckKind::Connectivity { nominates, .. } = purpose.kind else { return };
        if nominates && self.nomination.has_chosen(id) {
            self.nomination = Nomination::default();
            return self.fail(id);
        }
        let is_open = self.checklist.get(id).is_some_and(|pair| pair.state == PairState::InProgress);
        if is_open && !self.transactions.has(|of| of.pair == id && of.kind != CheckKind::Consent) {
            self.fail(id);
        }
    }

    pub(super) fn fail(&mut self, id: PairId) {
        if self.nomination.has_chosen(id) {
            self.nomination = Nomination::default();
        }
        if let Some(pair) = self.checklist.get_mut(id).filter(|_| self.selected != Some(id)) {
            pair.state = PairState::Failed;
            pair.valid = None;
        }
    }

    pub(super) fn check(&mut self, now: Instant, id: PairId, nominates: bool) -> Option<Outgoing> {
        let load = self.checklist.load();
        let remote = self.remote.clone()?;
        let transaction = self.new_id();
        let (number, patience) = self.check_terms(id, nominates);
        let pair = self.checklist.get_mut(id)?;
        if is_unchecked(&self.candidates, pair) {
            self.hope.note_check(now);
        }
        if pair.state == PairState::Waiting || pair.state == PairState::Frozen {
            pair.state = PairState::InProgress;
        }
        pair.counts.requests_sent += 1;
        let contents = message::check(
            transaction,
            &message::Check {
                remote_ufrag: &remote.ufrag,
                password: &remote.password,
                local_ufrag: &self.local.ufrag,
                role: self.role,
                priority: self.candidates.check_priority(pair.base),
                nominates: nominates.then_some(number),
            },
        );
        let request = Outgoing { source: pair.base, destination: pair.address, contents };
        let was_controlling = self.role.is_controlling;
        let kind = CheckKind::Connectivity { nominates, was_controlling };
        let purpose = Purpose { pair: id, kind, password: remote.password };
        let wait = self.config.retransmission.max(self.config.pace * load);
        let schedule = match request.source.is_stream() {
            // A stream repeats by itself (RFC 6544 §7.1, RFC 8489 §6.2.2).
            true => Schedule::once(STREAM_PATIENCE.min(patience)),
            false => Schedule {
                wait,
                longest_wait: patience,
                transmissions: self.config.transmissions,
                limit: patience,
            },
        };
        Some(self.transactions.begin(now, transaction, purpose, request, schedule))
    }

    fn count_request(&mut self, source: SocketAddr, destination: Base, is_good: bool) {
        if let Some(counts) = self.counts_between(source, destination).filter(|_| is_good) {
            counts.asked();
        }
    }

    fn answer(&mut self, source: SocketAddr, destination: Base, contents: Bytes) {
        if self.outbox.len() < OUTBOX_LIMIT {
            self.outbox.push_back(Outgoing { source: destination, destination: source, contents });
        }
    }

    pub(super) fn new_id(&mut self) -> TransactionId {
        let mut id = [0; 12];
        self.rng.fill_bytes(&mut id);
        TransactionId(id)
    }
}

/// Whether a pair with a candidate that was signalled was never checked.
fn is_unchecked(candidates: &Candidates, pair: &Pair) -> bool {
    let is_signalled = |remote: &candidate::Remote| remote.kind != CandidateKind::PeerReflexive;
    pair.counts.requests_sent == 0 && candidates.remote(pair.remote).is_some_and(is_signalled)
}
