//! What is done of a pair once it works: it is selected (RFC 8445 §8.1), consent to it is kept (RFC 7675), and where
//! gathering is continual another takes its place in time (see `standby`).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use crate::datagram::Base;
use crate::ice::connectivity::{CheckKind, Connectivity, Purpose};
use crate::ice::consent::randomised;
use crate::ice::message;
use crate::ice::nomination::Nomination;
use crate::ice::pair::{Pair, PairId, PairState};
use crate::ice::standby;
use crate::transaction::{Outgoing, Schedule, Transaction};

/// How long the check may take by which another pair takes the place of the one in use, or a failed one is tried again.
const HASTE: Duration = Duration::from_secs(3);

impl Connectivity {
    /// Something authentic that was not STUN came by a pair.
    pub(crate) fn hear(&mut self, now: Instant, source: SocketAddr, destination: Base) {
        let used = self.selected;
        let mut came_otherwise = false;
        let pairs = self.checklist.pairs_mut().iter_mut().chain(self.kept.pairs_mut());
        for pair in pairs.filter(|pair| pair.address == source && pair.base == destination) {
            pair.heard = pair.heard.max(Some(now));
            pair.carried = pair.heard;
            came_otherwise |= used != Some(pair.id);
        }
        if came_otherwise {
            self.nominate(now);
            self.follow(now);
        }
    }

    /// Takes another pair that the peer has nominated, now that it has left the one in use for that.
    pub(super) fn follow(&mut self, now: Instant) {
        let Some(used) = self.selected().filter(|_| !self.role.is_controlling) else { return };
        let is_meant = |pair: &&Pair| standby::is_followed(now, used, pair);
        if let Some(id) = self.checklist.pairs().iter().find(is_meant).map(|pair| pair.id) {
            self.select(now, id, 0);
        }
    }

    /// Nominates another pair in place of the one in use, where it is time to.
    pub(super) fn reconsider(&mut self, now: Instant, used: PairId) {
        let Some(used) = self.checklist.get(used).filter(|_| self.standby.is_on) else { return };
        self.standby.note_use(now, used);
        let next = self.standby.choose(now, used, &self.checklist);
        let is_free = match self.nomination.changing() {
            Some((chosen, at)) => next.is_some_and(|next| {
                next != chosen && self.standby.gives_way(now, at, self.checklist.get(chosen))
            }),
            None => true,
        };
        if let Some(next) = next.filter(|_| is_free) {
            self.nomination.change(now, next);
        }
    }

    /// The pair is nominated and works: it is the one to use, and the other checks end (RFC 8445 §8.1.2), unless gathering
    /// is continual. Of several nominated by an aggressive peer the best counts (RFC 5245 §8.1.1.2), unless the peer has left
    /// it; of numbered nominations, and to a lite agent, the last.
    pub(super) fn select(&mut self, now: Instant, id: PairId, number: u32) {
        let Some(priority) = self.checklist.get(id).map(|pair| pair.priority) else { return };
        let stays = self.selected().is_some_and(|current| {
            let is_kept = number == 0
                && !self.config.lite
                && current.priority > priority
                && self.checklist.get(id).is_some_and(|pair| !standby::is_left(now, current, pair));
            current.id == id || !self.role.is_controlling && (is_kept || number < self.standby.number)
        });
        if !self.role.is_controlling {
            self.standby.number = self.standby.number.max(number);
        }
        if stays {
            self.checklist.get_mut(id).into_iter().for_each(|pair| pair.wanted = None);
            return;
        }
        for pair in self.checklist.pairs_mut() {
            // A nomination that bears a number takes back all others; beside one without, a better pair may still count.
            let counts = number == 0 && pair.id != id && pair.priority > priority;
            pair.wanted = pair.wanted.filter(|_| counts);
            pair.nominated = pair.nominated.filter(|_| number == 0);
        }
        let is_change = self.selected.replace(id).is_some();
        self.checklist.use_pair(id);
        self.checklist.get_mut(id).into_iter().for_each(|pair| pair.is_nominated = true);
        self.nomination = Nomination::default();
        self.standby.lost = None;
        self.early.clear();
        self.kept.release(now);
        if self.standby.is_on {
            self.distrust(priority, is_change);
        } else {
            self.checklist.stop();
            let checklist = &self.checklist;
            let is_open =
                |id: PairId| checklist.get(id).is_some_and(|pair| pair.state == PairState::InProgress);
            self.transactions.silence(|of| of.kind != CheckKind::Consent && !is_open(of.pair));
        }
    }

    /// A worse pair was taken by our own choice: better ones must show themselves again before they are.
    fn distrust(&mut self, priority: u64, is_change: bool) {
        let is_ours = is_change && self.role.is_controlling;
        let better = self.checklist.pairs_mut().iter_mut().filter(|pair| pair.priority > priority);
        for pair in better.filter(|pair| pair.valid.is_some() && is_ours) {
            pair.valid = None;
            pair.state = PairState::Failed;
        }
    }

    /// The number of the nomination where a check nominates, and how long it may take.
    pub(super) fn check_terms(&mut self, id: PairId, nominates: bool) -> (u32, Duration) {
        if nominates && self.standby.renominates {
            self.standby.number += 1;
        }
        let number = if self.standby.renominates { self.standby.number } else { 0 };
        let has_failed = self.checklist.get(id).is_some_and(|pair| pair.state == PairState::Failed);
        let is_hasty = self.standby.is_on && self.selected.is_some() && (nominates || has_failed);
        (number, if is_hasty { HASTE } else { self.config.patience })
    }

    /// A pair that does not work and is tried again now.
    pub(super) fn retry(&mut self, now: Instant) -> Option<PairId> {
        let used = self.checklist.get(self.selected?)?;
        self.standby.retry(now, used, &self.checklist)
    }

    /// Whether [`Connectivity::retry`] has one.
    pub(super) fn has_retry(&self, clock: Instant) -> bool {
        let at = self.selected().and_then(|used| self.standby.next_retry(clock, used));
        at.is_some_and(|at| at <= clock)
    }

    /// Whether connectivity is lost for the moment: while it is, or the network of the selected pair is gone, a restart
    /// comes nearer.
    pub(crate) fn note_loss(&mut self, now: Instant, is_lost: bool) {
        let is_down = self.selected().is_some_and(|pair| pair.is_down);
        if !is_lost && !is_down && self.selected().is_some() {
            self.standby.stranded = None;
            self.standby.is_told = false;
        } else if (is_lost || is_down) && !self.standby.is_told {
            self.standby.strand(now);
        }
    }

    /// Whether no other pair has taken the place of the one in use in time. It is said once.
    pub(crate) fn take_stranded(&mut self, now: Instant) -> bool {
        let is_due = self.standby.stranded.is_some_and(|at| at <= now);
        if is_due {
            self.standby.stranded = None;
            self.standby.is_told = true;
        }
        is_due
    }

    /// When one is to be tried again, and when another pair may take the place of the one in use.
    pub(crate) fn next_change(&self, clock: Instant) -> Option<Instant> {
        let used = self.selected()?;
        let is_controlling = self.role.is_controlling;
        let pairs = self.checklist.pairs().iter();
        let followed = pairs.filter(|_| !is_controlling).filter_map(|pair| standby::follows(used, pair));
        let is_choosing = is_controlling && self.standby.is_on;
        let changing = self.nomination.changing().map(|(_, at)| at);
        let choices = is_choosing.then(|| self.standby.next_choice(used, changing, &self.checklist));
        let retry = self.standby.next_retry(clock, used);
        let later = followed.chain(choices.into_iter().flatten()).chain(retry).filter(|at| *at > clock);
        later.chain(self.standby.stranded).min()
    }

    /// When the next consent check is to be sent.
    pub(super) fn next_consent(&self) -> Option<Instant> {
        let used = self.route().filter(|_| !self.config.lite)?;
        let backups = self.standby.backups(used.id, &self.checklist);
        let backups = backups.into_iter().flatten().filter_map(|id| self.checklist.get(id));
        backups.chain([used]).filter_map(|pair| self.asks(pair)).min()
    }

    /// When a pair in use, or kept beside it, is to be asked for consent.
    fn asks(&self, pair: &Pair) -> Option<Instant> {
        let regular = pair.valid.as_ref()?.consent.next_check();
        let soon = self.selected().and_then(|used| match self.role.is_controlling {
            true if self.standby.is_on => self.standby.asks(used, pair),
            false if used.id == pair.id => standby::doubts(used, &self.checklist),
            _ => None,
        });
        Some(soon.map_or(regular, |soon| soon.min(regular)))
    }

    pub(super) fn check_consent(&mut self, now: Instant) -> Option<Outgoing> {
        let used = self.route().filter(|_| !self.config.lite)?;
        let is_due = |pair: &&Pair| self.asks(pair).is_some_and(|at| at <= now);
        let backup = || {
            let backups = self.standby.backups(used.id, &self.checklist).into_iter();
            backups.flatten().filter_map(|id| self.checklist.get(id)).find(is_due)
        };
        let pair = Some(used).filter(is_due).or_else(backup)?;
        let (id, source, destination) = (pair.id, pair.base, pair.address);
        let transaction = self.new_id();
        let interval = randomised(self.config.consent_interval, self.rng.next_u32());
        let priority = self.candidates.check_priority(source);
        let (local_ufrag, remote, pair) = match self.kept.find(id) {
            Some((local_ufrag, remote, pair)) => (local_ufrag, remote.clone(), pair),
            None => (&*self.local.ufrag, self.remote.clone()?, self.checklist.get_mut(id)?),
        };
        pair.valid.as_mut()?.consent.checked(now, interval);
        pair.counts.consent_requests_sent += 1;
        let contents = message::check(
            transaction,
            &message::Check {
                remote_ufrag: &remote.ufrag,
                password: &remote.password,
                local_ufrag,
                role: self.role,
                priority,
                nominates: None,
            },
        );
        let purpose = Purpose { pair: id, kind: CheckKind::Consent, password: remote.password };
        let request = Outgoing { source, destination, contents };
        let schedule = Schedule::once(self.config.consent_expiry);
        Some(self.transactions.begin(now, transaction, purpose, request, schedule))
    }

    pub(super) fn consent_granted(&mut self, now: Instant, transaction: &Transaction<Purpose>) {
        let id = transaction.purpose.pair;
        let kept = self.kept.find(id).map(|(_, _, pair)| pair);
        let Some(pair) = kept.or_else(|| self.checklist.get_mut(id)) else { return };
        pair.heard = pair.heard.max(Some(now));
        if let Some(valid) = &mut pair.valid {
            valid.consent.renew(now);
            valid.round_trip = transaction.sent_once.map(|sent| now.saturating_duration_since(sent));
        }
        self.nominate(now);
    }
}
