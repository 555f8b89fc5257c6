//! Timers: which is the next, and what runs out (RFC 9260 §6.3, §8.3, §9.2).

use std::time::Instant;

use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::State;
use crate::sctp::handshake;
use crate::sctp::resetting;
use crate::sctp::teardown;

/// When the next timer runs out.
pub fn poll(endpoint: &Endpoint) -> Option<Instant> {
    if endpoint.has_ended {
        return None;
    }
    if !endpoint.is_open() {
        return endpoint.opening.timer;
    }
    [
        endpoint.sender.poll_timeout(),
        endpoint.acks.poll_timeout(),
        endpoint.heartbeats.poll_timeout(),
        endpoint.discovery.poll_timeout().filter(|_| endpoint.state == State::Established),
        endpoint.closing.timer,
        endpoint.closing_guard,
        endpoint.streams.poll_timeout(),
    ]
    .into_iter()
    .flatten()
    .min()
}

/// Lets all run out that are due. Those of SACK, HEARTBEAT, discovery and pacing are seen to by the next poll for
/// packets.
pub fn handle(endpoint: &mut Endpoint, now: Instant) {
    if endpoint.has_ended {
        return;
    }
    let is_due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
    if is_due(endpoint.opening.timer) {
        handshake::handle_timeout(endpoint);
    }
    if !endpoint.is_open() {
        return;
    }
    if is_due(endpoint.closing_guard) {
        return teardown::handle_guard(endpoint);
    }
    let is_silent = endpoint.sender.handle_timeout(now);
    if is_silent && endpoint.count_error() {
        return;
    }
    if is_silent || endpoint.sender.poll_black_hole() {
        endpoint.handle_black_hole(now);
    }
    teardown::advance(endpoint, now);
    if is_due(endpoint.closing.timer) {
        teardown::handle_timeout(endpoint);
    }
    if is_due(endpoint.streams.poll_timeout()) {
        resetting::handle_timeout(endpoint, now);
    }
}
