//! How an association ends (RFC 9260 §9): at once, or when all has been delivered.

use std::time::Instant;

use bytes::Bytes;
use peerless_wire::sctp::{Abort, Cause, Chunk, Shutdown, Tag};

use crate::sctp::endpoint::{Endpoint, reason_of};
use crate::sctp::event::{Closed, State};

/// The user has nothing more to send (§9.2).
pub fn shutdown(endpoint: &mut Endpoint, now: Instant) {
    match endpoint.state {
        State::Closed | State::CookieWait | State::CookieEchoed => {
            abort(endpoint, "closed before it was open");
        }
        State::Established => {
            endpoint.state = State::ShutdownPending;
            advance(endpoint, now);
        }
        _ => {}
    }
}

/// The user ends it (§9.1).
pub fn abort(endpoint: &mut Endpoint, reason: &str) {
    let reason: String = reason.chars().take(128).collect();
    endpoint.abort(Cause::UserInitiated(Bytes::from(reason)), Closed::Aborted);
}

/// Goes on when all that we have sent is acknowledged.
pub fn advance(endpoint: &mut Endpoint, now: Instant) {
    if !endpoint.sender.is_idle() {
        return;
    }
    match endpoint.state {
        State::ShutdownPending => endpoint.state = State::ShutdownSent,
        State::ShutdownReceived => endpoint.state = State::ShutdownAckSent,
        _ => return,
    }
    endpoint.closing.start();
    endpoint.closing_guard.get_or_insert(now + endpoint.config.timers.shutdown_guard);
}

/// What is sent to end it, in this state.
pub fn chunk(endpoint: &Endpoint) -> Option<Chunk> {
    match endpoint.state {
        State::ShutdownSent => {
            let cumulative = endpoint.inbox.as_ref()?.cumulative();
            Some(Chunk::Shutdown(Shutdown { cumulative }))
        }
        State::ShutdownAckSent => Some(Chunk::ShutdownAck),
        _ => None,
    }
}

/// SHUTDOWN came: the peer has nothing more to send. Its acknowledgement has been seen to.
pub fn handle_shutdown(endpoint: &mut Endpoint, now: Instant) {
    match endpoint.state {
        State::Established | State::ShutdownPending => {
            endpoint.state = State::ShutdownReceived;
            advance(endpoint, now);
        }
        State::ShutdownReceived => advance(endpoint, now),
        State::ShutdownSent => {
            endpoint.state = State::ShutdownAckSent;
            endpoint.closing.start();
        }
        State::ShutdownAckSent => endpoint.closing.is_due = true,
        State::Closed | State::CookieWait | State::CookieEchoed => {}
    }
}

/// SHUTDOWN ACK came, in a packet with `tag`.
pub fn handle_shutdown_ack(endpoint: &mut Endpoint, tag: Tag) {
    match endpoint.state {
        State::ShutdownSent | State::ShutdownAckSent => {
            let peer = endpoint.agreed.map_or(Tag(0), |agreed| agreed.tag);
            endpoint.push_packet(peer, &[Chunk::ShutdownComplete { reflected: false }]);
            endpoint.end(Closed::Shutdown);
        }
        // Out of the blue, or ours got lost (§8.4 5, §8.5.1 E).
        State::Closed | State::CookieWait | State::CookieEchoed => {
            endpoint.push_packet(tag, &[Chunk::ShutdownComplete { reflected: true }]);
        }
        _ => {}
    }
}

/// SHUTDOWN COMPLETE came.
pub fn handle_shutdown_complete(endpoint: &mut Endpoint) {
    if endpoint.state == State::ShutdownAckSent {
        endpoint.end(Closed::Shutdown);
    }
}

/// ABORT came.
pub fn handle_abort(endpoint: &mut Endpoint, abort: &Abort) {
    if endpoint.state == State::Closed {
        return;
    }
    let reason = abort.causes.iter().find_map(|cause| match cause {
        Cause::UserInitiated(text) | Cause::ProtocolViolation(text) => Some(reason_of(text)),
        _ => None,
    });
    let cause = abort.causes.first().map(Cause::code);
    endpoint.end(Closed::PeerAborted { cause, reason: reason.unwrap_or_default() });
}

/// T2 ran out.
pub fn handle_timeout(endpoint: &mut Endpoint) {
    endpoint.closing.timer = None;
    if !endpoint.count_error() {
        endpoint.closing.is_due = true;
    }
}

/// T5 ran out (§9.2).
pub fn handle_guard(endpoint: &mut Endpoint) {
    endpoint.abort(Cause::UserInitiated(Bytes::from_static(b"shutdown takes too long")), Closed::Timeout);
}
