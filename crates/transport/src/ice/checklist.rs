//! The checklist (RFC 8445 §6.1.2): which pairs there are, and which is checked next.

use std::collections::VecDeque;
use std::net::SocketAddr;

use peerless_wire::sdp::TcpType;

use crate::datagram::Base;
use crate::ice::candidate::{Candidates, SocketState, is_compatible};
use crate::ice::pair::{self, Pair, PairId, PairState};
use crate::ice::stats::PairCounts;

/// How many pairs are kept (RFC 8445 §6.1.2.5).
pub(super) const PAIR_LIMIT: usize = 100;

/// How many triggered checks go before an ordinary one that waits. Departs: RFC 8445 §6.1.4.2 has all triggered ones first,
/// because where both translators map anew for each destination each check makes another candidate and triggers another
/// check, for seconds, while the relay that would work waits.
const TRIGGERED_LIMIT: u8 = 3;

/// All pairs, best first, and the queue of triggered checks.
#[derive(Debug, Default)]
pub(crate) struct Checklist {
    pairs: Vec<Pair>,
    triggered: VecDeque<PairId>,
    /// How many triggered checks came one after the other.
    in_a_row: u8,
    /// The pair that is selected, which never gives way.
    used: Option<PairId>,
    next_id: u32,
}

impl Checklist {
    /// Forms the pairs of candidates that are new and puts all in order, since priorities may have changed.
    pub(crate) fn form(&mut self, candidates: &mut Candidates, is_controlling: bool) {
        for (remote, theirs) in candidates.remotes().iter().enumerate() {
            for (local, ours) in candidates.locals().iter().enumerate() {
                // Who connects to us is checked when it has (RFC 6544 §6.2).
                let is_passive = ours.tcp_type == Some(TcpType::Passive);
                let is_new = !ours.is_paired || !theirs.is_paired;
                if is_new && !is_passive {
                    self.add(candidates, local, remote, is_controlling);
                }
            }
        }
        candidates.set_paired(true);
        self.sort(candidates, is_controlling);
    }

    /// Adds the pair of a host candidate and a remote one; its id if it is there afterwards.
    pub(crate) fn add(
        &mut self,
        candidates: &Candidates,
        local: usize,
        remote: usize,
        is_controlling: bool,
    ) -> Option<PairId> {
        let (ours, theirs) = (candidates.local(local)?, candidates.remote(remote)?);
        if ours.socket == SocketState::Closed
            || ours.address != ours.base.address
            || !candidates.is_allowed(local)
            || !is_compatible(ours, theirs)
        {
            return None;
        }
        if let Some(known) = self.find(ours.base, theirs.address) {
            return Some(known);
        }
        let priority = match is_controlling {
            true => pair::priority(ours.priority, theirs.priority),
            false => pair::priority(theirs.priority, ours.priority),
        };
        self.make_room(priority)?;
        let foundation = (ours.foundation, theirs.foundation);
        let is_down = ours.socket == SocketState::Down;
        let id = PairId(self.next_id);
        self.next_id += 1;
        let pair = Pair {
            id,
            local,
            base: ours.base,
            remote,
            address: theirs.address,
            priority,
            foundation,
            state: if is_down { PairState::Failed } else { self.first_state(foundation) },
            wanted: None,
            valid: None,
            heard: None,
            asked: None,
            carried: None,
            nominated: None,
            is_chosen: false,
            is_down,
            is_nominated: false,
            counts: PairCounts::default(),
            ends: None,
        };
        let at = self.pairs.partition_point(|known| known.priority >= priority);
        // Most agents have one pair or two, of which each is large.
        self.pairs.reserve_exact(1);
        self.pairs.insert(at, pair);
        Some(id)
    }

    /// Computes all priorities anew, after a change of roles (RFC 8445 §7.3.1.1).
    pub(crate) fn sort(&mut self, candidates: &Candidates, is_controlling: bool) {
        for pair in &mut self.pairs {
            if let (Some(ours), Some(theirs)) = (candidates.local(pair.local), candidates.remote(pair.remote))
            {
                pair.priority = match is_controlling {
                    true => pair::priority(ours.priority, theirs.priority),
                    false => pair::priority(theirs.priority, ours.priority),
                };
            }
        }
        self.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.priority));
    }

    /// Checks the pair before all others (RFC 8445 §7.3.1.4).
    pub(crate) fn trigger(&mut self, id: PairId) {
        if let Some(pair) = self.get_mut(id) {
            pair.state = PairState::Waiting;
            if !self.triggered.contains(&id) {
                self.triggered.push_back(id);
            }
        }
    }

    /// Takes the pair to check next (RFC 8445 §6.1.4.2): triggered ones, then the best that waits, then the best
    /// frozen one of whose foundation none is under way.
    pub(crate) fn next_check(&mut self) -> Option<PairId> {
        while self.in_a_row < TRIGGERED_LIMIT
            && let Some(id) = self.triggered.pop_front()
        {
            if self.get(id).is_some_and(|pair| pair.state == PairState::Waiting) {
                self.in_a_row += 1;
                return Some(id);
            }
        }
        let is_ordinary =
            |pair: &&Pair| pair.state == PairState::Waiting && !self.triggered.contains(&pair.id);
        let waiting = self.pairs.iter().find(is_ordinary);
        let ordinary = waiting.or_else(|| self.thawable()).map(|pair| pair.id);
        self.in_a_row = 0;
        match ordinary {
            None if !self.triggered.is_empty() => self.next_check(),
            ordinary => ordinary,
        }
    }

    /// Whether [`Checklist::next_check`] may have something.
    pub(crate) fn has_check(&self) -> bool {
        let is_waiting = |pair: &Pair| pair.state == PairState::Waiting;
        !self.triggered.is_empty() || self.pairs.iter().any(is_waiting) || self.thawable().is_some()
    }

    fn thawable(&self) -> Option<&Pair> {
        self.pairs.iter().find(|pair| {
            let is_like = |other: &Pair| other.foundation == pair.foundation;
            let is_open = |other: &Pair| matches!(other.state, PairState::Waiting | PairState::InProgress);
            pair.state == PairState::Frozen
                && !self.pairs.iter().any(|other| is_like(other) && is_open(other))
        })
    }

    /// A check of the pair was answered: pairs of its foundation thaw (RFC 8445 §7.2.5.3.3).
    pub(crate) fn thaw(&mut self, foundation: (u32, u32)) {
        for pair in &mut self.pairs {
            if pair.foundation == foundation && pair.state == PairState::Frozen {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// This pair is selected.
    pub(crate) fn use_pair(&mut self, id: PairId) {
        self.used = Some(id);
    }

    /// A pair is selected: no other is checked any more (RFC 8445 §8.1.2), but for what the peer has nominated too.
    pub(crate) fn stop(&mut self) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.wanted.is_none() && is_open(pair.state)) {
            pair.state = PairState::Failed;
        }
        let pairs = &self.pairs;
        let is_wanted = |id: &PairId| pairs.iter().any(|pair| pair.id == *id && pair.wanted.is_some());
        self.triggered.retain(is_wanted);
    }

    /// Whether the socket at `base` is of use now: what would be checked from one that is not has failed.
    pub(crate) fn set_down(&mut self, base: Base, is_down: bool) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.base == base) {
            pair.is_down = is_down;
            if is_down && is_open(pair.state) {
                pair.state = PairState::Failed;
            }
        }
    }

    /// What has failed from the socket at `base` is checked anew.
    pub(crate) fn retry(&mut self, base: Base) {
        let has_failed = |pair: &&mut Pair| pair.base == base && pair.state == PairState::Failed;
        self.pairs.iter_mut().filter(has_failed).for_each(|pair| pair.state = PairState::Waiting);
    }

    /// Those from `base` have to show themselves anew, but for the one in use.
    pub(crate) fn doubt(&mut self, base: Base, used: Option<PairId>) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.base == base && Some(pair.id) != used) {
            pair.valid = None;
            pair.state = PairState::Failed;
        }
    }

    /// The socket at `base` is closed: no pair of it works any more, and none but the one in use is of interest.
    pub(crate) fn remove_base(&mut self, base: Base) {
        self.set_down(base, true);
        let used = self.used;
        self.pairs.retain(|pair| pair.base != base || Some(pair.id) == used);
        self.pairs.iter_mut().filter(|pair| pair.base == base).for_each(|pair| pair.valid = None);
    }

    /// A remote candidate was forgotten, and with it its pairs.
    pub(crate) fn remote_removed(&mut self, at: usize) {
        self.pairs.retain(|pair| pair.remote != at);
        self.pairs.iter_mut().for_each(|pair| pair.remote -= usize::from(pair.remote > at));
    }

    /// A local candidate that has no pairs was forgotten.
    pub(crate) fn local_removed(&mut self, at: usize) {
        for pair in &mut self.pairs {
            pair.local -= usize::from(pair.local > at);
            if let Some(valid) = &mut pair.valid {
                valid.local -= usize::from(valid.local > at);
            }
        }
    }

    /// Forgets all but one pair, which is given back (RFC 8445 §9). Ids are never used again.
    pub(crate) fn clear(&mut self, keep: Option<PairId>) -> Option<Pair> {
        self.triggered.clear();
        self.used = None;
        let pairs = std::mem::take(&mut self.pairs);
        pairs.into_iter().find(|pair| Some(pair.id) == keep)
    }

    pub(crate) fn find(&self, base: Base, address: SocketAddr) -> Option<PairId> {
        self.pairs.iter().find(|pair| pair.base == base && pair.address == address).map(|pair| pair.id)
    }

    pub(crate) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.id == id)
    }

    /// All pairs, best first.
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub(crate) fn pairs_mut(&mut self) -> &mut [Pair] {
        &mut self.pairs
    }

    /// The best pair that works.
    pub(crate) fn best_valid(&self) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.is_usable())
    }

    /// Whether a pair better than `priority` may still turn out to work.
    pub(crate) fn has_open_above(&self, priority: u64) -> bool {
        self.pairs.iter().any(|pair| pair.priority > priority && is_open(pair.state))
    }

    /// How many pairs wait for a check or are under way, which stretches the retransmission time (RFC 8445 §14.3).
    pub(crate) fn load(&self) -> u32 {
        let is_loaded = |pair: &&Pair| matches!(pair.state, PairState::Waiting | PairState::InProgress);
        self.pairs.iter().filter(is_loaded).count() as u32
    }

    /// Whether any check is still to come or under way.
    pub(crate) fn is_active(&self) -> bool {
        !self.triggered.is_empty() || self.pairs.iter().any(|pair| is_open(pair.state))
    }

    /// RFC 8838 §12: a new pair waits if it is the first of its foundation or one of them succeeded.
    fn first_state(&self, foundation: (u32, u32)) -> PairState {
        let mut alike = self.pairs.iter().filter(|pair| pair.foundation == foundation).peekable();
        let is_first = alike.peek().is_none();
        if is_first || alike.any(|pair| pair.state == PairState::Succeeded) {
            return PairState::Waiting;
        }
        PairState::Frozen
    }

    /// Drops the worst pair that has failed where the list is full, before those whose network may come back; or else the
    /// worst that waits and is worse. `None` where there is none.
    fn make_room(&mut self, priority: u64) -> Option<()> {
        if self.pairs.len() < PAIR_LIMIT {
            return Some(());
        }
        let is_idle = |pair: &Pair| pair.valid.is_none() && Some(pair.id) != self.used;
        let has_failed = |pair: &Pair| is_idle(pair) && pair.state == PairState::Failed && !pair.is_down;
        let is_worse =
            |pair: &Pair| is_idle(pair) && pair.state != PairState::InProgress && pair.priority < priority;
        let is_lost = |pair: &Pair| is_idle(pair) && pair.state == PairState::Failed;
        let last = |is_meant: &dyn Fn(&Pair) -> bool| self.pairs.iter().rposition(is_meant);
        let at = last(&has_failed).or_else(|| last(&is_worse)).or_else(|| last(&is_lost))?;
        self.pairs.remove(at);
        Some(())
    }
}

fn is_open(state: PairState) -> bool {
    matches!(state, PairState::Frozen | PairState::Waiting | PairState::InProgress)
}

#[cfg(test)]
mod tests {
    use peerless_wire::sdp::{Address, Candidate, CandidateKind, TransportProtocol};

    use super::*;

    fn remote(number: u16, foundation: &str) -> Candidate {
        Candidate {
            foundation: foundation.to_owned(),
            component: 1,
            transport: TransportProtocol::Udp,
            priority: u32::from(number),
            address: Address::Ip([10, 0, 1, 1].into()),
            port: number,
            kind: CandidateKind::Host,
            related: None,
            tcp_type: None,
            ufrag: None,
            extensions: Vec::new(),
        }
    }

    fn scene(remotes: &[(u16, &str)]) -> (Candidates, Checklist) {
        let (mut candidates, mut checklist) = (Candidates::default(), Checklist::default());
        candidates.add_host(Base::udp("10.0.0.1:1".parse().unwrap())).unwrap();
        candidates.add_host(Base::udp("[2001:db8::1]:1".parse().unwrap())).unwrap();
        for (number, foundation) in remotes {
            candidates.add_remote(&remote(*number, foundation)).unwrap();
            checklist.form(&mut candidates, true);
        }
        (candidates, checklist)
    }

    #[test]
    fn checks_the_best_first_and_one_of_each_foundation() {
        let (_, mut checklist) = scene(&[(1, "a"), (2, "a"), (3, "b")]);
        let mut order = Vec::new();
        while let Some(id) = checklist.next_check() {
            checklist.get_mut(id).unwrap().state = PairState::InProgress;
            order.push(checklist.get(id).unwrap().address.port());
        }
        assert_eq!(order, [3, 1], "2 stays frozen while 1, of its foundation, is under way");
        let first = checklist.pairs().iter().find(|pair| pair.address.port() == 1).unwrap();
        let (id, foundation) = (first.id, first.foundation);
        checklist.get_mut(id).unwrap().state = PairState::Succeeded;
        checklist.thaw(foundation);
        let thawed = checklist.next_check().unwrap();
        assert_eq!(checklist.get(thawed).unwrap().address.port(), 2);
    }

    #[test]
    fn a_triggered_check_goes_before_all_others() {
        let (_, mut checklist) = scene(&[(1, "a"), (2, "b")]);
        let worst = checklist.pairs().last().unwrap().id;
        checklist.trigger(worst);
        checklist.trigger(worst);
        assert_eq!(checklist.next_check(), Some(worst));
        assert_ne!(checklist.next_check(), Some(worst));
    }

    #[test]
    fn triggered_checks_without_end_do_not_hold_up_an_ordinary_one() {
        let (_, mut checklist) = scene(&[(1, "a"), (2, "b")]);
        let [best, ordinary] = [checklist.pairs()[0].id, checklist.pairs()[1].id];
        let begun: Vec<_> = (0..=TRIGGERED_LIMIT)
            .map(|_| {
                checklist.trigger(best);
                checklist.next_check().unwrap()
            })
            .collect();
        assert_eq!(begun.iter().position(|id| *id == ordinary), Some(usize::from(TRIGGERED_LIMIT)));
    }

    #[test]
    fn keeps_at_most_a_hundred_pairs_the_best() {
        let (mut candidates, mut checklist) = (Candidates::default(), Checklist::default());
        candidates.add_host(Base::udp("10.0.0.1:1".parse().unwrap())).unwrap();
        candidates.add_host(Base::udp("10.0.0.2:1".parse().unwrap())).unwrap();
        for number in 1..=100 {
            candidates.add_remote(&remote(number, "a")).unwrap();
        }
        assert!(candidates.add_remote(&remote(101, "a")).is_err());
        checklist.form(&mut candidates, true);
        assert_eq!(checklist.pairs().len(), PAIR_LIMIT);
        assert!(checklist.pairs().iter().all(|pair| pair.address.port() > 50));
    }
}
