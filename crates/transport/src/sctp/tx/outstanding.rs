//! Chunks that were sent and not yet acknowledged for good, in a queue by TSN: what each SACK finds new in it costs, and
//! no more. TSNs here are extended to 64 bits.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use peerless_wire::sctp::StreamId;

use crate::sctp::tx::fragment::{Form, Fragment};
use crate::sctp::tx::queue::MIN_CHUNK_WEIGHT;
use crate::sctp::tx::rack::Rack;

/// A chunk that was sent.
#[derive(Debug)]
pub struct Sent {
    /// What it carries.
    pub fragment: Fragment,
    /// When it was sent last.
    pub sent_at: Instant,
    /// How often it was sent.
    pub transmissions: u32,
    /// It reached beyond the base size of packets when it was sent last.
    pub is_large: bool,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// On its way.
    Flying,
    /// To be sent again.
    Lost,
    /// There or lost: the SACKs have no room to say. Not on its way any more.
    Unclear,
    /// Reported by a gap block: there, though its sender must be able to send it again.
    Reported,
    /// Given up.
    Abandoned,
}

/// What a SACK has found.
#[derive(Debug, Default)]
pub struct Found {
    /// Bytes of chunks that are newly there.
    pub bytes: usize,
    /// How many chunks.
    pub chunks: u64,
    /// The highest number among them.
    pub highest: Option<u64>,
    /// How long the newest of them took, if it was sent once only (Karn).
    pub round_trip: Option<Duration>,
    /// Whether everything up to a higher number is there.
    pub is_moved: bool,
    /// When the oldest of them was sent that was sent once only.
    pub oldest_original: Option<Instant>,
    /// Whether one of them reached beyond the base size of packets.
    pub has_large: bool,
    /// When the newest of them was sent, and which.
    newest: Option<(Instant, u64)>,
}

/// All outstanding chunks.
#[derive(Debug)]
pub struct Outstanding {
    /// The number of the first in `sent`.
    first: u64,
    sent: VecDeque<Sent>,
    /// Numbers that gap blocks have reported: from, to (exclusive); ascending, apart from each other.
    reported: Vec<(u64, u64)>,
    lost: BTreeSet<u64>,
    /// Those of which nothing is known; some of them may have been reported since.
    unclear: BTreeSet<u64>,
    /// Transmissions in their order: number, and which transmission of it.
    order: VecDeque<(u64, u32)>,
    flight: usize,
    flight_payload: usize,
    weight: usize,
    highest: u64,
    /// The last SACK may not have had room for all that is there: beyond this number it says nothing.
    known_to: u64,
    form: Form,
}

/// From this many gap blocks on a SACK is taken to have been cut off there: some peers report no more.
const CUT_OFF: usize = 20;

impl Outstanding {
    /// Nothing is out; the next chunk gets the number `next`.
    pub fn new(next: u64, form: Form) -> Self {
        Self {
            first: next,
            sent: VecDeque::new(),
            reported: Vec::new(),
            lost: BTreeSet::new(),
            unclear: BTreeSet::new(),
            order: VecDeque::new(),
            flight: 0,
            flight_payload: 0,
            weight: 0,
            highest: next,
            known_to: u64::MAX,
            form,
        }
    }

    /// The number that the next chunk gets.
    pub fn next(&self) -> u64 {
        self.first + self.sent.len() as u64
    }

    /// The number up to which everything is acknowledged.
    pub fn cumulative(&self) -> u64 {
        self.first - 1
    }

    /// Bytes of chunks on their way.
    pub fn flight(&self) -> usize {
        self.flight
    }

    /// Bytes of payload on their way: what the peer's window is for.
    pub fn flight_payload(&self) -> usize {
        self.flight_payload
    }

    /// Bytes kept for possible retransmission, with what each chunk costs beside.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Whether nothing is out.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Whether something is to be sent again.
    pub fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Takes a fragment that is sent now the first time; its number.
    pub fn push(&mut self, now: Instant, fragment: Fragment) -> u64 {
        let number = self.next();
        self.weight += weight(fragment.payload.len());
        self.flight += self.form.size(fragment.payload.len());
        self.flight_payload += fragment.payload.len();
        self.order.push_back((number, 1));
        self.sent.push_back(Sent {
            fragment,
            sent_at: now,
            transmissions: 1,
            is_large: false,
            fate: Fate::Flying,
        });
        number
    }

    /// Takes the fragment that stands for the rest of a message given up: never sent, but numbered.
    pub fn push_abandoned(&mut self, now: Instant, fragment: Fragment) {
        self.weight += weight(0);
        self.sent.push_back(Sent {
            fragment,
            sent_at: now,
            transmissions: 0,
            is_large: false,
            fate: Fate::Abandoned,
        });
    }

    /// The chunk with this number.
    pub fn find(&self, number: u64) -> Option<&Sent> {
        self.sent.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn find_mut(&mut self, number: u64) -> Option<&mut Sent> {
        self.sent.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// A SACK: everything up to `cumulative` is there, and `blocks` (both ends inclusive) beyond.
    pub fn handle_sack(
        &mut self,
        now: Instant,
        cumulative: u64,
        blocks: impl Iterator<Item = (u64, u64)>,
        rack: &mut Rack,
    ) -> Found {
        let mut found = Found::default();
        while self.first <= cumulative {
            let Some(sent) = self.sent.pop_front() else { break };
            let number = self.first;
            self.first += 1;
            found.is_moved = true;
            self.weight -= weight(sent.fragment.payload.len());
            found.has_large |= sent.is_large && sent.fate == Fate::Flying;
            self.settle(
                now,
                number,
                sent.fate,
                (sent.fragment.payload.len(), sent.sent_at, sent.transmissions),
                rack,
                &mut found,
            );
        }
        if found.is_moved {
            let gone = self.reported.partition_point(|(_, to)| *to <= self.first);
            self.reported.drain(..gone);
            if let Some((from, _)) = self.reported.first_mut() {
                *from = (*from).max(self.first);
            }
        }
        let end = self.next();
        let (mut count, mut last) = (0, cumulative);
        for (from, to) in blocks {
            (count, last) = (count + 1, last.max(to));
            let (from, to) = (from.max(self.first), to.saturating_add(1).min(end));
            if from < to {
                self.report(now, from, to, rack, &mut found);
            }
        }
        self.known_to = if count >= CUT_OFF { last } else { u64::MAX };
        if let Some((sent_at, number)) = found.newest {
            rack.handle_delivered(now, sent_at, number);
        }
        self.highest = self.highest.max(found.highest.unwrap_or(0));
        found
    }

    /// Takes `from..to` for reported; what was known of it costs nothing.
    fn report(&mut self, now: Instant, from: u64, to: u64, rack: &mut Rack, found: &mut Found) {
        let start = self.reported.partition_point(|(_, end)| *end < from);
        let (mut stop, mut cursor, mut merged) = (start, from, (from, to));
        while let Some(&(known_from, known_to)) = self.reported.get(stop)
            && known_from <= to
        {
            self.settle_range(now, cursor, known_from.min(to), rack, found);
            cursor = cursor.max(known_to);
            merged = (merged.0.min(known_from), merged.1.max(known_to));
            stop += 1;
        }
        self.settle_range(now, cursor, to, rack, found);
        if stop == start + 1 {
            self.reported[start] = merged;
        } else {
            self.reported.splice(start..stop, [merged]);
        }
    }

    fn settle_range(&mut self, now: Instant, from: u64, to: u64, rack: &mut Rack, found: &mut Found) {
        for number in from..to {
            let Some(sent) = self.find_mut(number) else { return };
            let (fate, facts) = (sent.fate, (sent.fragment.payload.len(), sent.sent_at, sent.transmissions));
            found.has_large |= sent.is_large && fate == Fate::Flying;
            if fate != Fate::Abandoned {
                sent.fate = Fate::Reported;
            }
            self.settle(now, number, fate, facts, rack, found);
        }
    }

    /// A chunk that had `fate` is there: payload, time and count of its transmissions.
    fn settle(
        &mut self,
        now: Instant,
        number: u64,
        fate: Fate,
        (payload, sent_at, transmissions): (usize, Instant, u32),
        rack: &mut Rack,
        found: &mut Found,
    ) {
        match fate {
            Fate::Reported | Fate::Abandoned => return,
            Fate::Flying => {
                self.flight -= self.form.size(payload);
                self.flight_payload -= payload;
            }
            Fate::Lost => {
                self.lost.remove(&number);
            }
            Fate::Unclear => {
                self.unclear.remove(&number);
            }
        }
        found.bytes += self.form.size(payload);
        found.chunks += 1;
        found.highest = Some(found.highest.map_or(number, |highest| highest.max(number)));
        // One that the SACK before had no room for may have come long ago: it tells nothing of time.
        let is_newest = found.newest.is_none_or(|newest| (sent_at, number) > newest)
            && number <= self.known_to
            && rack.is_telling(now, sent_at, transmissions);
        if is_newest {
            found.newest = Some((sent_at, number));
        }
        if transmissions == 1 {
            if is_newest {
                found.round_trip = Some(now.saturating_duration_since(sent_at));
            }
            found.oldest_original = Some(found.oldest_original.map_or(sent_at, |oldest| oldest.min(sent_at)));
            if number < self.highest {
                rack.handle_reordering();
            }
        } else if is_newest {
            found.round_trip = None;
        }
    }

    /// How many are there beyond the first hole.
    pub fn beyond(&self) -> u64 {
        self.reported.iter().map(|(from, to)| to - from).sum()
    }

    /// Takes for lost what RACK says; calls `lost` for each. When the next one is due.
    pub fn detect(
        &mut self,
        now: Instant,
        rack: &Rack,
        window: Duration,
        mut lost: impl FnMut(u64, Instant),
    ) -> Option<Instant> {
        while let Some(number) = self.unclear.first().copied().filter(|number| *number <= self.known_to) {
            self.unclear.pop_first();
            if let Some(sent) = self.find_mut(number).filter(|sent| sent.fate == Fate::Unclear) {
                sent.fate = Fate::Lost;
                let sent_at = sent.sent_at;
                self.lost.insert(number);
                lost(number, sent_at);
            }
        }
        while let Some(&(number, transmission)) = self.order.front() {
            let is_current = |sent: &&Sent| sent.fate == Fate::Flying && sent.transmissions == transmission;
            if let Some(sent) = self.find(number).filter(is_current) {
                let sent_at = sent.sent_at;
                let due = rack.deadline(sent_at, number, window)?;
                if due > now {
                    return Some(due);
                }
                self.mark_gone(number);
                if number <= self.known_to {
                    lost(number, sent_at);
                }
            }
            self.order.pop_front();
        }
        None
    }

    /// A chunk is not on its way any more: it is lost, or nothing is known of it.
    fn mark_gone(&mut self, number: u64) {
        let (form, is_known) = (self.form, number <= self.known_to);
        let Some(sent) = self.find_mut(number) else { return };
        sent.fate = if is_known { Fate::Lost } else { Fate::Unclear };
        let payload = sent.fragment.payload.len();
        self.flight -= form.size(payload);
        self.flight_payload -= payload;
        if is_known {
            self.lost.insert(number)
        } else {
            self.unclear.insert(number)
        };
    }

    /// The retransmission timer ran out: all that is on its way is lost; `doubt` what was reported too, as the peer may
    /// have dropped it again (RFC 9260 §6.2.1). Calls `lost` for each.
    pub fn handle_timeout(&mut self, doubt: bool, mut lost: impl FnMut(u64)) {
        let form = self.form;
        for (number, sent) in (self.first..).zip(&mut self.sent) {
            match sent.fate {
                Fate::Flying => {
                    self.flight -= form.size(sent.fragment.payload.len());
                    self.flight_payload -= sent.fragment.payload.len();
                }
                Fate::Unclear => {}
                Fate::Reported if doubt => {}
                _ => continue,
            }
            sent.fate = Fate::Lost;
            self.lost.insert(number);
            lost(number);
        }
        if doubt {
            self.reported.clear();
        }
        self.unclear.clear();
        self.order.clear();
    }

    /// Whether the last SACK told of all that is there.
    pub fn is_clear(&self) -> bool {
        self.known_to == u64::MAX
    }

    /// The timer ran out too early: what was not sent again since is on its way still.
    pub fn undo_timeout(&mut self) {
        let form = self.form;
        let mut flying = Vec::with_capacity(self.lost.len());
        for number in std::mem::take(&mut self.lost) {
            let Some(sent) = self.find_mut(number) else { continue };
            sent.fate = Fate::Flying;
            flying.push((sent.sent_at, number, sent.transmissions));
            let payload = sent.fragment.payload.len();
            self.flight += form.size(payload);
            self.flight_payload += payload;
        }
        flying.sort_unstable();
        for (_, number, transmissions) in flying.into_iter().rev() {
            self.order.push_front((number, transmissions));
        }
    }

    /// The first that is to be sent again.
    pub fn first_lost(&self) -> Option<u64> {
        self.lost.first().copied()
    }

    /// The last that is on its way, for a probe of the tail.
    pub fn last_flying(&self) -> Option<u64> {
        self.order
            .iter()
            .rev()
            .map(|(number, _)| *number)
            .find(|number| self.find(*number).is_some_and(|sent| sent.fate == Fate::Flying))
    }

    /// A chunk is sent again now.
    pub fn handle_resent(&mut self, now: Instant, number: u64) -> Option<&Sent> {
        let form = self.form;
        let sent = self.find_mut(number)?;
        let was = std::mem::replace(&mut sent.fate, Fate::Flying);
        (sent.sent_at, sent.is_large) = (now, false);
        sent.transmissions = sent.transmissions.saturating_add(1);
        let (payload, transmissions) = (sent.fragment.payload.len(), sent.transmissions);
        if was != Fate::Flying {
            self.flight += form.size(payload);
            self.flight_payload += payload;
            self.lost.remove(&number);
        }
        self.order.push_back((number, transmissions));
        self.find(number)
    }

    /// This chunk, just sent, reaches beyond the base size of packets.
    pub fn set_large(&mut self, number: u64) {
        if let Some(sent) = self.find_mut(number) {
            sent.is_large = true;
        }
    }

    /// Gives up the message of which this chunk is a part: all its chunks that are out. Its stream and number, and
    /// whether its last fragment was among them.
    pub fn abandon(&mut self, number: u64) -> Option<(StreamId, u64, bool)> {
        let chunk = self.find(number)?;
        let (stream, message, ends) =
            (chunk.fragment.stream, chunk.fragment.message, chunk.fragment.flags.end);
        let mut at = number;
        while !self
            .find(at)
            .is_none_or(|sent| sent.fragment.message == message && sent.fragment.flags.beginning)
        {
            at -= 1;
        }
        // The beginning is acknowledged for good, then what follows starts with the first.
        at = at.max(self.first);
        let mut is_ended = ends;
        while at < self.next() {
            let sent = self.find(at).filter(|sent| sent.fragment.message == message);
            if let Some(sent) = sent {
                is_ended |= sent.fragment.flags.end;
                let is_last = sent.fragment.flags.end;
                self.abandon_one(at);
                if is_last {
                    break;
                }
            }
            at += 1;
        }
        Some((stream, message, is_ended))
    }

    fn abandon_one(&mut self, number: u64) {
        let form = self.form;
        let Some(sent) = self.find_mut(number) else { return };
        let fate = std::mem::replace(&mut sent.fate, Fate::Abandoned);
        let payload = std::mem::take(&mut sent.fragment.payload).len();
        self.weight -= weight(payload) - weight(0);
        match fate {
            Fate::Flying => {
                self.flight -= form.size(payload);
                self.flight_payload -= payload;
            }
            Fate::Lost => {
                self.lost.remove(&number);
            }
            Fate::Reported | Fate::Abandoned | Fate::Unclear => {}
        }
    }

    /// The number up to which all is acknowledged or given up (RFC 3758 §3.5 C2), and what was given up until there.
    pub fn abandoned(&self) -> impl Iterator<Item = (u64, &Fragment)> {
        (self.first..)
            .zip(&self.sent)
            .take_while(|(_, sent)| sent.fate == Fate::Abandoned)
            .map(|(number, sent)| (number, &sent.fragment))
    }
}

/// What a chunk with so much payload counts.
fn weight(payload: usize) -> usize {
    payload.max(MIN_CHUNK_WEIGHT)
}

#[cfg(test)]
mod tests;
