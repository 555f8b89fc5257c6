//! Streams are reset (RFC 6525, RFC 8831 §6.7): what `reset` decides is carried out here.

use std::time::Instant;

use peerless_wire::sctp::{Chunk, Reconfig, StreamId};

use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::{Closed, Event};
use crate::sctp::reset::Action;

/// The user wants our direction of a stream reset, once what waits on it has left.
pub fn reset_stream(endpoint: &mut Endpoint, now: Instant, stream: StreamId) {
    if endpoint.has_ended || endpoint.sender.queue.is_resetting(stream) {
        return;
    }
    endpoint.sender.queue.set_resetting(stream);
    endpoint.streams.waiting.insert(stream);
    advance(endpoint, now);
}

/// Asks for the resets whose streams have emptied.
pub fn advance(endpoint: &mut Endpoint, now: Instant) {
    if endpoint.streams.waiting.is_empty()
        && endpoint.streams.reset.as_ref().is_none_or(|reset| !reset.is_busy())
    {
        return;
    }
    if !endpoint.is_open() {
        return;
    }
    let (queue, streams) = (&endpoint.sender.queue, &mut endpoint.streams);
    let empty: Vec<StreamId> = streams.waiting.extract_if(.., |stream| queue.amount(*stream) == 0).collect();
    let Some(reset) = &mut streams.reset else {
        return deny(endpoint, empty);
    };
    empty.into_iter().for_each(|stream| reset.want(stream));
    if let Some(request) = reset.poll_request(endpoint.sender.next_tsn().minus(1)) {
        send(endpoint, now, request);
    }
}

fn send(endpoint: &mut Endpoint, now: Instant, request: Reconfig) {
    let (timeout, max) = (endpoint.sender.rto().timeout(), endpoint.config.timers.rto_max);
    endpoint.streams.handle_sent(now, timeout, max);
    endpoint.push_control(&Chunk::Reconfig(request));
}

fn deny(endpoint: &mut Endpoint, streams: Vec<StreamId>) {
    if !streams.is_empty() {
        streams.iter().for_each(|stream| endpoint.sender.queue.restart(*stream, false));
        endpoint.push_event(Event::ResetDenied(streams));
    }
}

/// A RE-CONFIG chunk came.
pub fn handle_reconfig(endpoint: &mut Endpoint, now: Instant, reconfig: &Reconfig) {
    let Some(cumulative) = endpoint.inbox.as_ref().map(|inbox| inbox.cumulative()) else { return };
    let Some(reset) = &mut endpoint.streams.reset else { return };
    let actions = reset.handle(reconfig, cumulative);
    let is_put_off = reset.is_put_off();
    let is_waiting = reset.is_waiting();
    if is_put_off || !is_waiting {
        endpoint.streams.handle_answered(is_waiting);
        endpoint.errors = 0;
    }
    carry_out(endpoint, now, actions);
    advance(endpoint, now);
}

/// Everything up to a new number has arrived.
pub fn handle_moved(endpoint: &mut Endpoint, now: Instant) {
    let Some(cumulative) = endpoint.inbox.as_ref().map(|inbox| inbox.cumulative()) else { return };
    let Some(reset) = &mut endpoint.streams.reset else { return };
    let actions = reset.handle_cumulative(cumulative);
    if !actions.is_empty() {
        carry_out(endpoint, now, actions);
    }
}

fn carry_out(endpoint: &mut Endpoint, now: Instant, actions: Vec<Action>) {
    for action in actions {
        match action {
            Action::Reply(reconfig) => endpoint.push_control(&Chunk::Reconfig(reconfig)),
            Action::Defer(last, streams) => {
                if let Some(inbox) = &mut endpoint.inbox {
                    inbox.defer(last, &streams);
                }
            }
            Action::Reset(streams) => {
                let outcome = endpoint.inbox.as_mut().map_or(Ok(()), |inbox| inbox.reset(&streams));
                if let Err(violation) = outcome {
                    return endpoint.abort(violation.cause(), Closed::Violation(violation.reason()));
                }
                endpoint.push_event(Event::StreamsReset(streams));
            }
            Action::Done(streams) => {
                streams.iter().for_each(|stream| endpoint.sender.queue.restart(*stream, true));
                endpoint.push_event(Event::ResetDone(streams));
            }
            Action::Denied(streams) => deny(endpoint, streams),
            Action::Asked(streams) => {
                streams.iter().for_each(|stream| reset_stream(endpoint, now, *stream));
            }
        }
    }
}

/// The request was not answered in time.
pub fn handle_timeout(endpoint: &mut Endpoint, now: Instant) {
    let Some(reset) = &endpoint.streams.reset else { return };
    let Some(request) = reset.request() else {
        return endpoint.streams.handle_answered(false);
    };
    // One that was put off is asked for again without blame; and where data waits too, its timer counts for both, so that
    // the same silence is not counted twice.
    let is_silence = !reset.is_put_off() && endpoint.sender.is_idle();
    if is_silence && endpoint.count_error() {
        return;
    }
    send(endpoint, now, request);
}
