//! What goes, and when (RFC 9260 §6.1 to §6.3, §7): first what was lost, then what is new, within the window of the
//! network, that of the peer, and the pacer. Acknowledgements and timers come in here.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::sctp::{Header, Ppid, StreamId, Tsn};

use crate::sctp::config::{Config, Controller};
use crate::sctp::message::{SendError, SendOptions};
use crate::sctp::tx::counters::{Counters, Recovery};
use crate::sctp::tx::cubic::Cubic;
use crate::sctp::tx::fragment::{Form, UNLIMITED};
use crate::sctp::tx::newreno::NewReno;
use crate::sctp::tx::outstanding::{Found, Outstanding};
use crate::sctp::tx::pacer::Pacer;
use crate::sctp::tx::path::Path;
use crate::sctp::tx::queue::{MESSAGE_OVERHEAD, Queue};
use crate::sctp::tx::rack::Rack;
use crate::sctp::tx::rto::Rto;
use crate::sctp::tx::window::{Acked, Lost, Window};

/// How long the peer may hold a SACK back when a single chunk is out, as the tail probe sees it.
const PEER_SACK_DELAY: Duration = Duration::from_millis(50);
/// The least time before the tail is probed.
const MIN_PROBE: Duration = Duration::from_millis(10);

/// How many large packets in a row must be lost to be suspected of vanishing for their size (RFC 8899 §4.3).
const BLACK_HOLE: u32 = 16;
/// Up to this packet size chunks are cut for the base size, and several go into a packet: a chunk that was sent cannot be
/// cut again, and the next path may carry less. Larger packets are found on local networks only, and there chunks fill
/// them.
const LARGE_PACKET: usize = 2048;

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    /// Messages not sent yet.
    pub queue: Queue,
    pub(in crate::sctp::tx) outstanding: Outstanding,
    pub(in crate::sctp::tx) rto: Rto,
    pub(in crate::sctp::tx) path: Path,
    pub(in crate::sctp::tx) window: Box<dyn Window>,
    pub(in crate::sctp::tx) rack: Rack,
    pub(in crate::sctp::tx) pacer: Pacer,
    pub(in crate::sctp::tx) form: Form,
    pub(in crate::sctp::tx) partial: bool,
    pub(in crate::sctp::tx) limit: usize,
    pub(in crate::sctp::tx) was_refused: bool,
    pub(in crate::sctp::tx) peer_window: usize,
    pub(in crate::sctp::tx) packet: usize,
    /// The largest chunk that is cut, so that it fits into a packet of the base size.
    pub(in crate::sctp::tx) largest_chunk: usize,
    pub(in crate::sctp::tx) base: usize,
    /// How many large packets were lost since one came.
    large_lost: u32,
    pub(in crate::sctp::tx) timer: Option<Instant>,
    pub(in crate::sctp::tx) loss_due: Option<Instant>,
    pub(in crate::sctp::tx) probe_due: Option<Instant>,
    /// A probe of the tail may go beyond the window.
    pub(in crate::sctp::tx) is_probing: bool,
    /// A probe is out and nothing was heard since.
    pub(in crate::sctp::tx) was_probed: bool,
    pub(in crate::sctp::tx) timeouts_in_row: u32,
    pub(in crate::sctp::tx) after_timeout: Option<Instant>,
    /// What was lost is not sent again until the next SACK.
    pub(in crate::sctp::tx) is_holding: bool,
    /// Until when retransmissions were for nothing, as a timer was too early.
    pub(in crate::sctp::tx) doubtful_to: Option<Instant>,
    pub(in crate::sctp::tx) recovery: Option<Recovery>,
    /// When the window was reduced for congestion last.
    pub(in crate::sctp::tx) reacted_at: Option<Instant>,
    pub(in crate::sctp::tx) forward_due: bool,
    pub(in crate::sctp::tx) forwarded: Option<(u64, Instant)>,
    /// Whether the window has stopped us in this round and in the one before.
    pub(in crate::sctp::tx) limited: (bool, bool),
    pub(in crate::sctp::tx) counters: Counters,
}

impl Sender {
    /// Nothing to send; the first chunk gets `first`.
    pub fn new(now: Instant, config: &Config, first: Tsn) -> Self {
        let next = Tsn::FIRST_TURN + u64::from(first.0);
        let form = Form { is_interleaved: false };
        let timers = &config.timers;
        Self {
            queue: Queue::new(form),
            outstanding: Outstanding::new(next, form),
            rto: Rto::new(timers.rto_initial, timers.rto_min, timers.rto_max),
            path: Path::new(now, next),
            window: controller(config),
            rack: Rack::default(),
            pacer: Pacer::new(now),
            form,
            partial: true,
            limit: config.send_buffer,
            was_refused: false,
            peer_window: 0,
            packet: config.packet_size,
            largest_chunk: config.packet_size - Header::LEN,
            base: config.packet_size,
            large_lost: 0,
            timer: None,
            loss_due: None,
            probe_due: None,
            is_probing: false,
            was_probed: false,
            timeouts_in_row: 0,
            after_timeout: None,
            is_holding: false,
            doubtful_to: None,
            recovery: None,
            reacted_at: None,
            forward_due: false,
            forwarded: None,
            limited: (false, false),
            counters: Counters::default(),
        }
    }

    /// The handshake is done: the peer's window, and what was negotiated.
    pub fn open(&mut self, peer_window: u32, form: Form, partial: bool) {
        self.peer_window = peer_window as usize;
        (self.form, self.partial) = (form, partial);
        self.queue.set_form(form, partial, self.peer_window);
        self.outstanding = Outstanding::new(self.outstanding.next(), form);
    }

    /// The peer has started anew: what was out is lost, what waits is kept (RFC 9260 §5.2.4.1).
    pub fn restart(&mut self, now: Instant, config: &Config, first: Tsn) {
        let fresh = Self::new(now, config, first);
        let queue = std::mem::replace(&mut self.queue, Queue::new(fresh.form));
        let counters = self.counters;
        let was_refused = self.was_refused;
        *self = Self { queue, counters, was_refused, ..fresh };
        self.queue.restart_all();
    }

    /// Whether a message of `len` bytes would be taken now; an empty buffer takes any.
    pub fn has_room(&self, len: usize) -> bool {
        let buffered = self.buffered();
        buffered == 0 || buffered + len + MESSAGE_OVERHEAD <= self.limit
    }

    /// Takes a message, or says why not.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        payload: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        if !self.has_room(payload.len()) {
            self.was_refused = true;
            return Err(SendError::Full { buffered: self.buffered(), limit: self.limit });
        }
        if self.queue.is_resetting(stream) {
            return Err(SendError::Resetting);
        }
        self.counters.messages += 1;
        self.queue.push(now, stream, ppid, payload, options);
        Ok(())
    }

    /// Bytes that wait to be sent or acknowledged, with what each message and chunk costs beside.
    pub fn buffered(&self) -> usize {
        self.queue.weight() + self.outstanding.weight()
    }

    /// Whether there is room again after a refusal; says so once.
    pub fn poll_writable(&mut self) -> bool {
        let is_writable = self.was_refused && self.buffered() <= self.limit - self.limit / 4;
        self.was_refused &= !is_writable;
        is_writable
    }

    /// Whether all that was taken is acknowledged.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.outstanding.is_empty()
    }

    /// The number of the next chunk.
    pub fn next_tsn(&self) -> Tsn {
        Tsn::from(self.outstanding.next())
    }

    /// What the peer gives us to send.
    pub fn peer_window(&self) -> usize {
        self.peer_window
    }

    /// The congestion window.
    pub fn window(&self) -> usize {
        self.window.bytes()
    }

    /// Bytes on their way.
    pub fn flight(&self) -> usize {
        self.outstanding.flight()
    }

    /// The retransmission timeout and the smoothed round trip.
    pub fn rto(&self) -> &Rto {
        &self.rto
    }

    /// Counters.
    pub fn counters(&self) -> Counters {
        Counters { abandoned: self.counters.abandoned + self.queue.abandoned, ..self.counters }
    }

    /// Whether large packets seem to vanish: many were lost, and none came. Says so once.
    pub fn poll_black_hole(&mut self) -> bool {
        let is_black = self.large_lost >= BLACK_HOLE;
        if is_black {
            self.large_lost = 0;
        }
        is_black
    }

    /// A round trip was measured by something else: the handshake, a heartbeat.
    pub fn handle_round_trip(&mut self, now: Instant, round_trip: Duration) {
        self.rto.handle_measurement(round_trip);
        self.path.handle_measurement(now, round_trip, self.rto.smoothed().unwrap_or(round_trip));
        self.pace(now);
    }

    /// Packets have another size from now on.
    pub fn set_packet_size(&mut self, bytes: usize) {
        self.packet = bytes;
        let chunks = if bytes > LARGE_PACKET { bytes } else { self.base };
        self.largest_chunk = chunks - Header::LEN;
        self.window.set_packet_size(bytes);
    }

    /// A SACK. `None` when it acknowledges what was never sent; else whether it was news.
    pub fn handle_sack(
        &mut self,
        now: Instant,
        cumulative: Tsn,
        peer_window: u32,
        blocks: impl Iterator<Item = (u16, u16)>,
        duplicates: impl Iterator<Item = Tsn>,
    ) -> Option<bool> {
        let cumulative = cumulative.near(self.outstanding.next());
        if cumulative >= self.outstanding.next() {
            return None;
        }
        if cumulative < self.outstanding.cumulative() {
            return Some(false);
        }
        self.peer_window = peer_window as usize;
        let doubtful_to = self.after_timeout.map_or(self.doubtful_to, |_| Some(now));
        self.rack.set_path(self.path.least().unwrap_or_default(), doubtful_to);
        let flight = self.outstanding.flight();
        let blocks = blocks.map(|(from, to)| (cumulative + u64::from(from), cumulative + u64::from(to)));
        let found = self.outstanding.handle_sack(now, cumulative, blocks, &mut self.rack);
        self.handle_duplicates(duplicates);
        if found.has_large {
            self.large_lost = 0;
        }
        if found.chunks > 0 {
            self.handle_found(now, &found, flight);
        }
        self.detect(now);
        if found.chunks > 0 || found.is_moved {
            self.timeouts_in_row = 0;
            self.was_probed = false;
            self.rto.handle_progress();
            self.arm(now);
        } else if self.outstanding.is_empty() {
            self.arm(now);
        }
        if self.recovery.is_some_and(|recovery| cumulative >= recovery.end && !self.outstanding.has_lost()) {
            // Duplicates of it may still be told; it ends with the next loss.
            self.after_timeout = None;
        }
        self.check_forward(now);
        self.pace(now);
        Some(found.chunks > 0 || found.is_moved)
    }

    fn handle_found(&mut self, now: Instant, found: &Found, flight: usize) {
        if let Some(round_trip) = found.round_trip {
            self.rto.handle_measurement(round_trip);
            self.path.handle_measurement(now, round_trip, self.rto.smoothed().unwrap_or(round_trip));
        }
        let (highest, next) = (found.highest.unwrap_or(0), self.outstanding.next());
        let round = self.path.handle_acked(now, found.bytes, found.chunks, highest, next);
        self.judge_timeout(now, found);
        // In slow start half the window in use is enough: the other half is what it grows by within the round.
        let filled = flight + self.packet >= self.window.bytes()
            || (self.window.is_slow_start() && 2 * flight >= self.window.bytes());
        self.limited.0 |= filled;
        let limited = self.limited.0 || self.limited.1;
        let (bytes, measured) = (found.bytes, found.round_trip.is_some());
        self.window.handle_acked(&Acked { now, bytes, limited, round, measured, path: &self.path });
        if round {
            self.limited = (filled, self.limited.0);
        }
    }

    /// Whether the retransmission timer was too early (F-RTO, RFC 5682 §2.1): the first SACK after it may be for what was
    /// sent again; then new chunks go instead of more old ones, and the second tells.
    ///
    /// Departs: RFC 9260 §6.3.3, because when chunks have come that were sent before the timer ran out and not since,
    /// nothing was lost, and all that the timer has done is taken back.
    fn judge_timeout(&mut self, now: Instant, found: &Found) {
        let Some(at) = self.after_timeout else { return };
        let (was_holding, original) = (std::mem::take(&mut self.is_holding), found.oldest_original);
        if original.is_none() && !was_holding && !self.queue.is_empty() {
            self.is_holding = true;
            return;
        }
        self.after_timeout = None;
        if original.is_some_and(|sent_at| sent_at < at) && self.outstanding.is_clear() {
            self.outstanding.undo_timeout();
            self.doubtful_to = Some(now);
            self.window.handle_spurious();
            self.recovery = None;
        }
    }

    fn handle_duplicates(&mut self, duplicates: impl Iterator<Item = Tsn>) {
        let Some(recovery) = &mut self.recovery else { return };
        for _ in duplicates {
            if recovery.duplicates >= recovery.resent {
                break;
            }
            recovery.duplicates += 1;
            self.counters.spurious += 1;
            self.rack.handle_duplicate(self.path.rounds);
            if recovery.duplicates == recovery.resent && !self.outstanding.has_lost() {
                // Every retransmission was needless, so was the reduction.
                self.window.handle_spurious();
            }
        }
    }

    /// Looks for losses; and when to look again.
    fn detect(&mut self, now: Instant) {
        let window = self.rack.window(self.path.smoothed, self.outstanding.beyond(), self.path.rounds);
        let (mut count, mut latest, mut doomed) = (0, None, Vec::new());
        let reacted_at = self.reacted_at;
        self.loss_due = self.outstanding.detect(now, &self.rack, window, |number, sent_at| {
            // What was sent before the last reaction is part of what was reacted to.
            count += u64::from(reacted_at.is_none_or(|at| sent_at > at));
            latest = latest.max(Some(sent_at));
            doomed.push(number);
        });
        let Some(sent_at) = latest else { return };
        let is_large = |number: &&u64| self.outstanding.find(**number).is_some_and(|sent| sent.is_large);
        self.large_lost += doomed.iter().filter(is_large).count() as u32;
        self.path.handle_lost(count);
        self.begin_recovery();
        if self.window.handle_lost(&Lost { now, sent_at, path: &self.path }) {
            self.reacted_at = Some(now);
            self.path.forget_losses();
        }
        self.abandon_doomed(now, &doomed);
    }

    pub(in crate::sctp::tx) fn begin_recovery(&mut self) {
        if self.recovery.is_none_or(|recovery| self.outstanding.cumulative() + 1 >= recovery.end) {
            self.recovery = Some(Recovery { end: self.outstanding.next(), resent: 0, duplicates: 0 });
        }
    }

    fn abandon_doomed(&mut self, now: Instant, doomed: &[u64]) {
        if self.partial {
            for number in doomed {
                if self.is_given_up(now, *number) {
                    self.abandon(now, *number);
                }
            }
        }
    }

    /// Whether the message of a chunk is not to be sent again.
    pub(in crate::sctp::tx) fn is_given_up(&self, now: Instant, number: u64) -> bool {
        self.partial
            && self.outstanding.find(number).is_some_and(|sent| {
                let fragment = &sent.fragment;
                fragment.expires.is_some_and(|at| at <= now)
                    || (fragment.tries != UNLIMITED && sent.transmissions >= fragment.tries)
            })
    }

    pub(in crate::sctp::tx) fn abandon(&mut self, now: Instant, number: u64) {
        let Some((stream, message, is_ended)) = self.outstanding.abandon(number) else { return };
        if !is_ended && let Some(end) = self.queue.give_up(stream, message) {
            self.outstanding.push_abandoned(now, end);
        }
        self.counters.abandoned += 1;
        self.forward_due = true;
        let timeout = self.rto.timeout();
        self.timer.get_or_insert(now + timeout);
    }

    /// Whether the peer is to be told what was given up: at once when it is more, else once a round trip.
    fn check_forward(&mut self, now: Instant) {
        let Some((last, _)) = self.outstanding.abandoned().last() else {
            self.forward_due = false;
            return;
        };
        let wait = self.rto.smoothed().unwrap_or_else(|| self.rto.timeout());
        self.forward_due |= self.forwarded.is_none_or(|(told, at)| last > told || at + wait <= now);
        if self.timer.is_none() {
            self.timer = Some(now + self.rto.timeout());
        }
    }

    /// When [`Sender::handle_timeout`] is due. The pacer counts only where something waits for it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waits = self.outstanding.has_lost() || !self.queue.is_empty();
        let paced = if waits && self.has_window() { self.pacer.next() } else { None };
        [self.timer, self.loss_due, self.probe_due, paced].into_iter().flatten().min()
    }

    pub(in crate::sctp::tx) fn has_window(&self) -> bool {
        let flight = self.outstanding.flight();
        flight == 0 || flight < self.window.bytes()
    }

    /// Lets due timers run out. Whether the retransmission timer has (RFC 9260 §6.3.3).
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let is_due = |due: Option<Instant>| due.is_some_and(|at| at <= now);
        if is_due(self.loss_due) {
            self.loss_due = None;
            self.detect(now);
            self.pace(now);
        }
        if is_due(self.timer) {
            self.handle_retransmission_timer(now);
            return true;
        }
        if is_due(self.probe_due) {
            self.probe_due = None;
            self.is_probing = true;
            self.was_probed = true;
            // Nothing came of what was believed to be on its way: the timer was not too early after all.
            self.doubtful_to = None;
            self.timer = Some(now + self.rto.timeout());
        }
        false
    }

    fn handle_retransmission_timer(&mut self, now: Instant) {
        self.is_holding = false;
        self.probe_due = None;
        self.loss_due = None;
        self.counters.timeouts += 1;
        self.timeouts_in_row += 1;
        self.rto.handle_timeout();
        // What was sent into a closed window was dropped there, not on the way.
        if self.peer_window > 0 && self.outstanding.flight() > 0 {
            self.begin_recovery();
            self.window.handle_timeout(now);
            if self.timeouts_in_row == 1 {
                self.after_timeout = Some(now);
            }
        }
        let mut doomed = Vec::new();
        self.outstanding.handle_timeout(self.timeouts_in_row > 1, |number| doomed.push(number));
        self.abandon_doomed(now, &doomed);
        self.forward_due |= self.outstanding.abandoned().next().is_some();
        self.timer = (!self.outstanding.is_empty()).then(|| now + self.rto.timeout());
        self.pace(now);
    }

    /// Sets the timers after something was sent or acknowledged.
    fn arm(&mut self, now: Instant) {
        if self.outstanding.is_empty() {
            (self.timer, self.loss_due, self.probe_due) = (None, None, None);
            return;
        }
        let timeout = self.rto.timeout();
        self.timer = Some(now + timeout);
        self.arm_probe(now, timeout);
    }

    /// The tail is probed after two round trips of silence (RFC 8985 §7.2), once.
    pub(in crate::sctp::tx) fn arm_probe(&mut self, now: Instant, timeout: Duration) {
        self.probe_due = None;
        let Some(smoothed) = self.rto.smoothed() else { return };
        if self.was_probed || self.outstanding.has_lost() || self.outstanding.flight() == 0 {
            return;
        }
        let is_single = self.outstanding.flight() <= self.packet;
        let wait = (2 * smoothed + if is_single { PEER_SACK_DELAY } else { Duration::ZERO }).max(MIN_PROBE);
        if wait < timeout {
            self.probe_due = Some(now + wait);
        }
    }

    fn pace(&mut self, now: Instant) {
        let (window, start) = (self.window.bytes(), self.window.is_slow_start());
        self.pacer.set_rate(now, window, self.path.smoothed, start, self.packet);
    }

    /// Whether a packet may leave now.
    pub fn is_open(&mut self, now: Instant) -> bool {
        self.is_probing || self.pacer.is_open(now)
    }

    /// A packet with data has left.
    pub fn handle_sent(&mut self, bytes: usize) {
        self.pacer.handle_sent(bytes);
    }
}

fn controller(config: &Config) -> Box<dyn Window> {
    match config.controller {
        Controller::Cubic => Box::new(Cubic::new(config.packet_size)),
        Controller::NewReno => Box::new(NewReno::new(config.packet_size)),
    }
}
