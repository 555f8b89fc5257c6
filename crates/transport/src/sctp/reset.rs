//! Streams begin again (RFC 6525): our requests for the streams we send on, and the peer's for those it sends on.
//!
//! Ours: wanted → sent, one request at a time, sent again until there is an answer → done or denied. The peer's: done at
//! once where all before it has arrived, else deferred until then; one that comes again gets the answer it had.

use std::collections::{BTreeSet, VecDeque};

use peerless_wire::sctp::{
    OutgoingReset, Reconfig, ReconfigParameter, RequestNumber, ResetResult, Response, StreamId, Tsn,
};

/// What the conductor has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send this, once.
    Reply(Reconfig),
    /// The peer's streams (none means all) begin again now: all that was sent on them before has arrived.
    Reset(Vec<StreamId>),
    /// The peer's streams (none means all) begin again once all up to this number has arrived: what comes on them from
    /// behind it must wait.
    Defer(Tsn, Vec<StreamId>),
    /// Our streams begin again.
    Done(Vec<StreamId>),
    /// Our streams do not begin again: the peer refused.
    Denied(Vec<StreamId>),
    /// The peer asks that we reset these streams that we send on (none means all).
    Asked(Vec<StreamId>),
}

/// Both directions of an association's resets.
#[derive(Debug)]
pub(crate) struct Reset {
    /// The number of our next request.
    next: RequestNumber,
    /// Ours that were not asked for yet.
    wanted: BTreeSet<StreamId>,
    sent: Option<Sent>,
    /// The number of the peer's next request.
    expected: RequestNumber,
    /// What the peer's last requests got, the newest last.
    answered: VecDeque<(RequestNumber, ResetResult)>,
    /// A request of the peer's that waits for the last number before it.
    deferred: Option<Deferred>,
    /// How many streams the peer has.
    inbound_streams: u16,
}

/// Our request that has no answer yet.
#[derive(Debug)]
struct Sent {
    number: RequestNumber,
    streams: Vec<StreamId>,
    last_tsn: Tsn,
    /// The peer said that it will be done later.
    is_deferred: bool,
}

#[derive(Debug)]
struct Deferred {
    number: RequestNumber,
    streams: Vec<StreamId>,
    last_tsn: Tsn,
}

/// How many streams one request names at most, so that it fits every packet; the others follow in the next.
pub(crate) const MOST_STREAMS: usize = 200;
/// How many parameters a chunk may have (RFC 6525 §3.1), and so how many answers must be kept.
const MOST_PARAMETERS: usize = 2;

impl Reset {
    /// Requests count from the initial numbers of the chunks (RFC 6525 §4.1).
    pub(crate) fn new(local_initial: Tsn, remote_initial: Tsn, inbound_streams: u16) -> Self {
        Self {
            next: RequestNumber(local_initial.0),
            wanted: BTreeSet::new(),
            sent: None,
            expected: RequestNumber(remote_initial.0),
            answered: VecDeque::with_capacity(MOST_PARAMETERS),
            deferred: None,
            inbound_streams,
        }
    }

    /// Wants a stream of ours to begin again. All that was sent on it must have left, and nothing more may until
    /// [`Action::Done`] or [`Action::Denied`] names it.
    pub(crate) fn want(&mut self, stream: StreamId) {
        self.wanted.insert(stream);
    }

    /// The next request, where one is wanted and none is on its way; `last_assigned` is the number of our newest chunk.
    /// It must be sent now, and a timer be started, unless one is running.
    pub(crate) fn poll_request(&mut self, last_assigned: Tsn) -> Option<Reconfig> {
        if self.sent.is_some() || self.wanted.is_empty() {
            return None;
        }
        let mut streams = Vec::new();
        while streams.len() < MOST_STREAMS
            && let Some(stream) = self.wanted.pop_first()
        {
            streams.push(stream);
        }
        let number = self.next;
        self.next = number.next();
        self.sent = Some(Sent { number, streams, last_tsn: last_assigned, is_deferred: false });
        self.request()
    }

    /// The request again, for when its timer has run out. `None` where there is nothing to ask: the timer can rest.
    pub(crate) fn request(&self) -> Option<Reconfig> {
        let sent = self.sent.as_ref()?;
        let request = OutgoingReset {
            request: sent.number,
            response: self.expected.previous(),
            last_tsn: sent.last_tsn,
            streams: sent.streams.clone(),
        };
        Some(Reconfig { parameters: vec![ReconfigParameter::OutgoingReset(request)] })
    }

    /// Whether a request waits for its answer; then its timer must run.
    pub(crate) fn is_waiting(&self) -> bool {
        self.sent.is_some()
    }

    /// Whether the peer said that it will be done later: asking again is no failure of the path.
    pub(crate) fn is_put_off(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.is_deferred)
    }

    /// Whether a reset of ours is wanted or under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.sent.is_some() || !self.wanted.is_empty()
    }

    /// Takes a chunk; `cumulative` is the number up to which all of the peer's chunks have arrived.
    pub(crate) fn handle(&mut self, chunk: &Reconfig, cumulative: Tsn) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut replies = Vec::new();
        for parameter in chunk.parameters.iter().take(MOST_PARAMETERS) {
            let number = match parameter {
                ReconfigParameter::Response(response) => {
                    self.handle_response(response, &mut actions);
                    continue;
                }
                ReconfigParameter::OutgoingReset(reset) => reset.request,
                ReconfigParameter::IncomingReset(reset) => reset.request,
                ReconfigParameter::AssociationReset(request) => *request,
                ReconfigParameter::AddOutgoing(add) | ReconfigParameter::AddIncoming(add) => add.request,
                // Unknown ones have no number to answer to.
                _ => continue,
            };
            let result = match self.answered.iter().find(|(answered, _)| *answered == number) {
                Some((_, result)) => *result,
                None if number == self.expected => {
                    self.expected = number.next();
                    let result = self.handle_request(parameter, cumulative, &mut actions);
                    self.remember(number, result);
                    result
                }
                None => ResetResult::BadSequenceNumber,
            };
            replies.push(response(number, result));
        }
        if !replies.is_empty() {
            actions.push(Action::Reply(Reconfig { parameters: replies }));
        }
        actions
    }

    /// All chunks up to `cumulative` have arrived: a reset that waited for that is done. The peer is told at once, not
    /// only when it asks again.
    pub(crate) fn handle_cumulative(&mut self, cumulative: Tsn) -> Vec<Action> {
        let Some(deferred) = self.deferred.take_if(|deferred| !deferred.last_tsn.is_newer_than(cumulative))
        else {
            return Vec::new();
        };
        for (_, result) in self.answered.iter_mut().filter(|(_, result)| *result == ResetResult::InProgress) {
            *result = ResetResult::Performed;
        }
        let reply = Reconfig { parameters: vec![response(deferred.number, ResetResult::Performed)] };
        vec![Action::Reset(deferred.streams), Action::Reply(reply)]
    }

    fn handle_request(
        &mut self,
        parameter: &ReconfigParameter,
        cumulative: Tsn,
        actions: &mut Vec<Action>,
    ) -> ResetResult {
        match parameter {
            ReconfigParameter::OutgoingReset(reset) => self.handle_outgoing(reset, cumulative, actions),
            ReconfigParameter::IncomingReset(reset) => {
                actions.push(Action::Asked(reset.streams.clone()));
                ResetResult::Performed
            }
            // All streams that WebRTC can name are negotiated at the start, and numbers are never set back.
            _ => ResetResult::Denied,
        }
    }

    fn handle_outgoing(
        &mut self,
        reset: &OutgoingReset,
        cumulative: Tsn,
        actions: &mut Vec<Action>,
    ) -> ResetResult {
        if reset.streams.iter().any(|stream| stream.0 >= self.inbound_streams) {
            return ResetResult::WrongStream;
        }
        // Some ask again under a new number while the first still waits: then both are done together.
        let (streams, last_tsn) = match self.deferred.take() {
            Some(waiting) => joined(waiting, reset),
            None => (reset.streams.clone(), reset.last_tsn),
        };
        if !last_tsn.is_newer_than(cumulative) {
            actions.push(Action::Reset(streams));
            return ResetResult::Performed;
        }
        actions.push(Action::Defer(last_tsn, streams.clone()));
        self.deferred = Some(Deferred { number: reset.request, streams, last_tsn });
        ResetResult::InProgress
    }

    fn handle_response(&mut self, response: &Response, actions: &mut Vec<Action>) {
        let Some(sent) = self.sent.as_mut().filter(|sent| sent.number == response.request) else { return };
        let is_done = match response.result {
            ResetResult::Performed | ResetResult::NothingToDo => true,
            ResetResult::InProgress | ResetResult::AlreadyInProgress => {
                sent.is_deferred = true;
                return;
            }
            _ => false,
        };
        let streams = std::mem::take(&mut sent.streams);
        self.sent = None;
        actions.push(if is_done { Action::Done(streams) } else { Action::Denied(streams) });
    }

    fn remember(&mut self, number: RequestNumber, result: ResetResult) {
        if self.answered.len() >= MOST_PARAMETERS {
            self.answered.pop_front();
        }
        self.answered.push_back((number, result));
    }
}

/// The streams of both, none for all, and the later of both numbers.
fn joined(waiting: Deferred, reset: &OutgoingReset) -> (Vec<StreamId>, Tsn) {
    let last_tsn =
        if reset.last_tsn.is_newer_than(waiting.last_tsn) { reset.last_tsn } else { waiting.last_tsn };
    if waiting.streams.is_empty() || reset.streams.is_empty() {
        return (Vec::new(), last_tsn);
    }
    let streams: BTreeSet<StreamId> =
        waiting.streams.into_iter().chain(reset.streams.iter().copied()).collect();
    (streams.into_iter().collect(), last_tsn)
}

fn response(request: RequestNumber, result: ResetResult) -> ReconfigParameter {
    ReconfigParameter::Response(Response { request, result, next_tsns: None })
}

#[cfg(test)]
mod tests;
