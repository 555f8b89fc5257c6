//! Pairs beside the one in use, where gathering is continual: which are kept alive, and when another takes its place
//! (draft-thatcher-ice-renomination-01; by a second nomination where the peer knows no renomination).
//!
//! The controlling side leaves the pair in use when its network is gone, when it is silent while another is not, when the
//! peer sends by another, and for a better one that has shown itself. All of it is judged by what came, never by hope.

use std::time::{Duration, Instant};

use crate::ice::checklist::Checklist;
use crate::ice::pair::{Pair, PairId, PairState};

/// How many pairs are kept alive beside the one in use.
const BACKUPS: usize = 6;
/// After how much silence the pair in use is asked whether it still works.
const QUIET: Duration = Duration::from_secs(1);
/// After how much of it those beside it are asked too: the question above was not answered at once.
const DOUBTFUL: Duration = Duration::from_millis(1300);
/// After how much of it one of those takes its place.
const SILENT: Duration = Duration::from_millis(1800);
/// How often is asked meanwhile.
const REPEAT: Duration = Duration::from_millis(500);
/// How long nothing comes by the pair in use, while the peer sends by another, until the peer is believed to have left.
const LEFT: Duration = Duration::from_millis(200);
/// And how long where it sends nothing but checks, of which two in a row may be lost.
const DESERTED: Duration = Duration::from_secs(15);
/// How long the pair that is nominated in place of a lost one may take before one gets its turn that has answered.
const ANSWERED: Duration = Duration::from_millis(200);
/// How long a better pair must have worked before it is taken, so that a shaky one is not taken in turns.
const SETTLED: Duration = Duration::from_secs(1);
/// How often one of the pairs that do not work is tried again.
const RETRIED: Duration = Duration::from_millis(2500);
/// How long the pair in use may lack its network before a restart is asked for.
const STRANDED: Duration = Duration::from_secs(3);

/// What is known of the changes of the pair in use.
#[derive(Debug, Default)]
pub(crate) struct Standby {
    /// Whether gathering is continual.
    pub(crate) is_on: bool,
    /// Whether both sides have agreed to renomination.
    pub(crate) renominates: bool,
    /// The number of the last nomination, ours or the peer's.
    pub(crate) number: u32,
    /// Which was tried again last, and when.
    retried: Option<(Option<PairId>, Instant)>,
    /// Since when the pair in use cannot be used.
    pub(crate) lost: Option<Instant>,
    /// When a restart is to be asked for.
    pub(crate) stranded: Option<Instant>,
    /// It was asked for, and nothing has changed since.
    pub(crate) is_told: bool,
}

impl Standby {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on, ..Self::default() }
    }

    /// Whether the pair in use can be used.
    pub(crate) fn note_use(&mut self, now: Instant, used: &Pair) {
        match used.is_usable() {
            true => self.lost = None,
            false => self.lost = self.lost.or(Some(now)),
        }
    }

    /// The pair that shall take the place of `used`: where that is lost the best of those heard since, or else of those that
    /// share no address with it.
    pub(crate) fn choose(&self, now: Instant, used: &Pair, checklist: &Checklist) -> Option<PairId> {
        let mut others = checklist.pairs().iter().filter(|pair| pair.id != used.id && pair.is_usable());
        if self.lost.is_some() {
            return self.substitute(used, checklist).map(|pair| pair.id);
        }
        let heard = used.heard.unwrap_or(now);
        let is_fresh = |pair: &Pair| pair.heard.is_some_and(|other| other >= heard + QUIET);
        let is_silent = heard + SILENT <= now;
        let is_better =
            |pair: &Pair| pair.priority > used.priority && settles(pair).is_some_and(|at| at <= now);
        let is_peers = |pair: &Pair| pair.carried.is_some_and(|at| at >= heard + LEFT);
        others
            .find(|pair| is_better(pair) || is_peers(pair) || (is_silent && is_fresh(pair)))
            .map(|pair| pair.id)
    }

    /// What stands in for `used`, which is lost: the best of those heard since, or else of those that share no address with it.
    pub(crate) fn substitute<'a>(&self, used: &Pair, checklist: &'a Checklist) -> Option<&'a Pair> {
        let others = || checklist.pairs().iter().filter(|pair| pair.id != used.id && pair.is_usable());
        let shown = self.lost.and_then(|lost| others().find(|pair| pair.heard > Some(lost)));
        shown.or_else(|| others().find(|pair| shared(used, pair) == 0)).or_else(|| others().next())
    }

    /// Whether a pair that was chosen at `at`, and has not answered yet, gives way to one that was heard since the loss.
    pub(crate) fn gives_way(&self, now: Instant, at: Instant, chosen: Option<&Pair>) -> bool {
        let has_shown = |lost: Instant| chosen.is_some_and(|chosen| chosen.heard > Some(lost));
        at + ANSWERED <= now && self.lost.is_some_and(|lost| !has_shown(lost))
    }

    /// When [`Standby::choose`] is to be asked again, if nothing else happens.
    pub(crate) fn next_choice(
        &self,
        used: &Pair,
        changing: Option<Instant>,
        checklist: &Checklist,
    ) -> impl Iterator<Item = Instant> {
        let better = checklist.pairs().iter().take_while(|pair| pair.priority > used.priority);
        let settling = better.filter(|pair| pair.is_usable()).filter_map(settles);
        let silent = used.heard.map(|heard| heard + SILENT);
        settling.chain(silent).chain(changing.map(|at| at + ANSWERED))
    }

    /// The pairs that are kept alive beside the one in use: first those that share the fewest addresses with it and with
    /// each other, the best of each two addresses.
    pub(crate) fn backups(&self, used: PairId, checklist: &Checklist) -> [Option<PairId>; BACKUPS] {
        let mut kept: [Option<&Pair>; BACKUPS] = [None; BACKUPS];
        let used = checklist.get(used);
        for allowed in 0..=2 {
            let pairs = checklist.pairs().iter().filter(|pair| pair.is_usable());
            for pair in pairs.filter(|pair| self.is_on && used.is_none_or(|used| used.id != pair.id)) {
                let others = || kept.iter().flatten().copied().chain(used);
                let is_like =
                    |other: &Pair| shared(other, pair) == 2 && used.is_none_or(|used| used.id != other.id);
                let is_kept = others().any(is_like);
                let is_fit = others().all(|other| shared(other, pair) <= allowed);
                if is_fit
                    && !is_kept
                    && let Some(place) = kept.iter_mut().find(|place| place.is_none())
                {
                    *place = Some(pair);
                }
            }
        }
        kept.map(|pair| pair.map(|pair| pair.id))
    }

    /// The pair that does not work and is to be tried again now, in turns.
    pub(crate) fn retry(&mut self, now: Instant, used: &Pair, checklist: &Checklist) -> Option<PairId> {
        self.next_retry(now, used).filter(|at| *at <= now)?;
        let mut failed = retryable(now, used, checklist).peekable();
        let first = failed.peek().map(|pair| pair.id);
        let last = self.retried.and_then(|(id, _)| id);
        let after = failed.skip_while(|pair| Some(pair.id) != last).nth(1).map(|pair| pair.id);
        let next = after.or(first);
        self.retried = Some((next, now));
        next
    }

    /// When [`Standby::retry`] is to be asked.
    pub(crate) fn next_retry(&self, clock: Instant, used: &Pair) -> Option<Instant> {
        let pause = if is_in_doubt(clock, used) { REPEAT / 2 } else { RETRIED };
        self.is_on.then(|| self.retried.map_or(clock, |(_, at)| at + pause))
    }

    /// When a pair is to be asked whether it works, because the one in use is silent or lost; never sooner than half a
    /// second after it was asked last.
    pub(crate) fn asks(&self, used: &Pair, pair: &Pair) -> Option<Instant> {
        let again = pair.valid.as_ref()?.consent.checked_at() + REPEAT;
        if let Some(lost) = self.lost {
            return (pair.heard <= Some(lost)).then_some(again.max(lost));
        }
        let after = if used.id == pair.id { QUIET } else { DOUBTFUL };
        let (silent, quiet) = (used.heard? + after, pair.heard? + QUIET);
        Some(silent.max(quiet).max(again))
    }

    /// Another generation begins: nominations are counted anew, but for ours, whose numbers only grow.
    pub(crate) fn begin(&mut self, is_controlling: bool) {
        self.stranded = None;
        self.is_told = false;
        self.retried = None;
        self.lost = None;
        if !is_controlling {
            self.number = 0;
        }
    }

    /// The pair in use is lost: a restart is asked for unless another takes its place soon.
    pub(crate) fn strand(&mut self, now: Instant) {
        if self.is_on {
            self.stranded.get_or_insert(now + STRANDED);
        }
    }

    /// None has taken it: a restart is asked for at once.
    pub(crate) fn fail(&mut self, clock: Option<Instant>) {
        self.stranded = clock.filter(|_| self.is_on);
    }
}

/// How many addresses two pairs have in common.
fn shared(one: &Pair, other: &Pair) -> u8 {
    u8::from(one.base.ip() == other.base.ip()) + u8::from(one.address.ip() == other.address.ip())
}

/// Whether the peer, which has nominated both pairs, has left `used` for `other`. One that chooses has gone where it nominated
/// last. An aggressive peer nominates all that works and uses the best for good: it is judged by what it sends. Where nothing
/// tells, one that moves the call nominates where it goes, after which nothing comes by the pair that it has left, not even an
/// answer.
pub(crate) fn is_left(now: Instant, used: &Pair, other: &Pair) -> bool {
    let Some(heard) = used.heard.filter(|_| used.is_usable()) else { return true };
    let spoken = used.asked.max(used.carried).unwrap_or(heard);
    other.is_chosen && other.nominated > used.nominated
        || other.carried.is_some_and(|at| at >= heard + LEFT)
        || other.asked.is_some_and(|at| at >= spoken + DESERTED)
        || is_doubtful(used, other) && heard + SILENT <= now
}

/// Whether the peer may have left `used` for a worse pair, which it nominated later and since when nothing was heard by `used`.
fn is_doubtful(used: &Pair, other: &Pair) -> bool {
    let is_later = other.nominated > used.nominated && other.priority < used.priority;
    is_later && other.nominated.is_some_and(|at| used.heard <= Some(at + QUIET))
}

/// Whether a nomination that was passed over counts now.
pub(crate) fn is_followed(now: Instant, used: &Pair, other: &Pair) -> bool {
    is_rival(used, other) && is_left(now, used, other)
}

/// When it will count, if nothing more comes by the pair in use.
pub(crate) fn follows(used: &Pair, other: &Pair) -> Option<Instant> {
    used.heard.filter(|_| is_rival(used, other) && is_doubtful(used, other)).map(|heard| heard + SILENT)
}

/// When the pair in use is to be asked whether it still works, because the peer may have left it.
pub(crate) fn doubts(used: &Pair, checklist: &Checklist) -> Option<Instant> {
    let mut rivals = checklist.pairs().iter().filter(|pair| is_rival(used, pair));
    let again = used.valid.as_ref()?.consent.checked_at() + REPEAT;
    let quiet = used.heard.filter(|_| rivals.any(|pair| is_doubtful(used, pair)))? + QUIET;
    Some(quiet.max(again))
}

/// Whether the peer has nominated another pair too, and it works.
fn is_rival(used: &Pair, other: &Pair) -> bool {
    other.nominated.is_some() && other.is_usable() && used.id != other.id
}

/// When a pair has worked for long enough.
fn settles(pair: &Pair) -> Option<Instant> {
    pair.valid.as_ref().map(|valid| valid.since + SETTLED)
}

/// The pairs that do not work and are worth a try: those better than the one in use, those by which an address of either
/// side would be reached that nothing else reaches, and all where the one in use is in doubt.
fn retryable<'a>(clock: Instant, used: &'a Pair, checklist: &'a Checklist) -> impl Iterator<Item = &'a Pair> {
    let is_lost = is_in_doubt(clock, used);
    checklist.pairs().iter().filter(move |pair| {
        let is_reached = |is_like: &dyn Fn(&Pair) -> bool| {
            checklist.pairs().iter().any(|other| other.is_usable() && other.id != used.id && is_like(other))
        };
        let is_wanted = is_lost
            || pair.priority > used.priority
            || !is_reached(&|other| other.base.ip() == pair.base.ip())
            || !is_reached(&|other| other.address.ip() == pair.address.ip());
        pair.state == PairState::Failed && !pair.is_down && pair.id != used.id && is_wanted
    })
}

fn is_in_doubt(clock: Instant, used: &Pair) -> bool {
    !used.is_usable() || used.heard.is_none_or(|heard| heard + SILENT <= clock)
}
