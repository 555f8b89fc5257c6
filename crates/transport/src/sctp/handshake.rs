//! How an association is opened (RFC 9260 §5): INIT, INIT ACK, COOKIE ECHO, COOKIE ACK; both ends at once, as in WebRTC;
//! and again, when one end has lost its state (§5.2).

use std::time::Instant;

use bytes::Bytes;
use peerless_wire::sctp::{Abort, Cause, Chunk, Init, Parameter, Tag, Tsn};
use rand_chacha::rand_core::Rng;

use crate::sctp::agreed::{self, Agreed, Refusal};
use crate::sctp::cookie::Cookie;
use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::{Closed, State};
use crate::sctp::inbox;

/// Opens: INIT is to be sent.
pub fn connect(endpoint: &mut Endpoint) {
    if endpoint.state == State::Closed && !endpoint.has_ended {
        endpoint.state = State::CookieWait;
        endpoint.opening.start();
    }
}

/// Our INIT.
pub fn init(endpoint: &Endpoint) -> Chunk {
    let window = inbox::first_window(&endpoint.config);
    Chunk::Init(agreed::offer(&endpoint.config, endpoint.local_tag, endpoint.local_tsn, window))
}

/// An INIT came, which asks for an association: answered from nothing but itself (§5.1 B, §5.2.1, §5.2.2).
pub fn handle_init(endpoint: &mut Endpoint, now: Instant, init: &Init) {
    if endpoint.has_ended {
        return;
    }
    if endpoint.state == State::ShutdownAckSent {
        endpoint.closing.is_due = true;
        return;
    }
    let agreed = match agreed::agree(&endpoint.config, init) {
        Ok(agreed) => agreed,
        Err(Refusal::Silent) => return,
        Err(Refusal::NoStreams) => {
            let causes = vec![Cause::InvalidMandatoryParameter];
            endpoint.push_packet(init.tag, &[Chunk::Abort(Abort { reflected: false, causes })]);
            return;
        }
    };
    // Before it stands, INIT and INIT ACK say the same; afterwards the new one has a tag of its own, and the cookie
    // names the old tags (§5.2.2).
    let (local_tag, local_tsn, tie) = if endpoint.is_open() {
        let old = (endpoint.local_tag, endpoint.agreed.map_or(Tag(0), |agreed| agreed.tag));
        (endpoint.new_tag(), Tsn(endpoint.rng.next_u32()), old)
    } else {
        let tie = endpoint.agreed.map_or((Tag(0), Tag(0)), |agreed| (endpoint.local_tag, agreed.tag));
        (endpoint.local_tag, endpoint.local_tsn, tie)
    };
    let cookie = Cookie { made: age(endpoint, now), local_tag, local_tsn, tie, agreed };
    let window = inbox::first_window(&endpoint.config);
    let mut answer = agreed::offer(&endpoint.config, local_tag, local_tsn, window);
    answer.parameters.push(Parameter::StateCookie(cookie.seal(&endpoint.cookie_key)));
    answer.parameters.extend(agreed::unknown_parameters(init).into_iter().map(Parameter::Unrecognized));
    endpoint.push_packet(init.tag, &[Chunk::InitAck(answer)]);
}

/// The answer to our INIT came (§5.1 C).
pub fn handle_init_ack(endpoint: &mut Endpoint, now: Instant, init: &Init) {
    if endpoint.state != State::CookieWait {
        return;
    }
    let agreed = match agreed::agree(&endpoint.config, init) {
        Ok(agreed) => agreed,
        Err(Refusal::Silent) => return,
        Err(Refusal::NoStreams) => {
            let causes = vec![Cause::InvalidMandatoryParameter];
            endpoint.push_packet(init.tag, &[Chunk::Abort(Abort { reflected: false, causes })]);
            return endpoint.end(Closed::Violation("no streams"));
        }
    };
    let Some(cookie) = init.cookie() else {
        let causes = vec![Cause::MissingParameters(vec![STATE_COOKIE])];
        endpoint.push_packet(init.tag, &[Chunk::Abort(Abort { reflected: false, causes })]);
        return endpoint.end(Closed::Violation("no state cookie"));
    };
    if let Some(round_trip) = endpoint.opening.round_trip(now) {
        endpoint.sender.handle_round_trip(now, round_trip);
    }
    endpoint.agreed = Some(agreed);
    endpoint.cookie = Some(cookie.clone());
    endpoint.state = State::CookieEchoed;
    endpoint.opening.start();
    // Departs: RFC 9260 §3.2.1, because our answer to unknown parameters in an INIT ACK goes with the COOKIE ECHO in one
    // ERROR for all of them (§5.1 C).
    let unknown = agreed::unknown_parameters(init).concat();
    if !unknown.is_empty() {
        endpoint.push_control(&agreed::error(Cause::UnrecognizedParameters(unknown.into())));
    }
}

/// Our cookie came back (§5.1 D, §5.2.4), in a packet with `tag`. Whether the rest of the packet counts.
pub fn handle_cookie_echo(endpoint: &mut Endpoint, now: Instant, tag: Tag, bytes: &Bytes) -> bool {
    let Some(cookie) = Cookie::open(bytes, &endpoint.cookie_key).filter(|cookie| cookie.local_tag == tag)
    else {
        endpoint.stats.packets_refused += 1;
        return false;
    };
    if endpoint.has_ended {
        return false;
    }
    let known = endpoint.agreed.map(|agreed| agreed.tag);
    let (is_local, is_peer) = (cookie.local_tag == endpoint.local_tag, known == Some(cookie.agreed.tag));
    let late = age(endpoint, now)
        .saturating_sub(cookie.made + endpoint.config.timers.cookie_lifetime.as_millis() as u64);
    // A stale cookie is told of, unless both tags are right: then it is a late duplicate (§5.2.4 step 3).
    if late > 0 && !(is_local && is_peer) {
        let late = u32::try_from(late.saturating_mul(1000)).unwrap_or(u32::MAX);
        endpoint.push_packet(cookie.agreed.tag, &[agreed::error(Cause::StaleCookie(late))]);
        return false;
    }
    match (is_local, is_peer) {
        (true, _) if !endpoint.is_open() => open(endpoint, now, cookie.agreed),
        (true, true) => {}
        // B: both INITs have crossed, and the peer has taken another tag.
        (true, false) => {
            if let Some(agreed) = &mut endpoint.agreed {
                agreed.tag = cookie.agreed.tag;
            }
        }
        // A: the peer has lost its state.
        (false, false)
            if endpoint.is_open() && cookie.tie == (endpoint.local_tag, known.unwrap_or_default()) =>
        {
            if endpoint.state == State::ShutdownAckSent {
                endpoint.closing.is_due = true;
                endpoint.push_control(&agreed::error(Cause::CookieWhileShuttingDown));
                return false;
            }
            endpoint.restart(now, cookie.local_tag, cookie.local_tsn);
            endpoint.establish(now, cookie.agreed);
        }
        // C: late by one association.
        (false, _) => return false,
    }
    endpoint.push_control(&Chunk::CookieAck);
    true
}

fn open(endpoint: &mut Endpoint, now: Instant, agreed: Agreed) {
    endpoint.establish(now, agreed);
}

/// The peer has taken our cookie (§5.1 E).
pub fn handle_cookie_ack(endpoint: &mut Endpoint, now: Instant) {
    if endpoint.state == State::CookieEchoed
        && let Some(agreed) = endpoint.agreed
    {
        endpoint.establish(now, agreed);
    }
}

/// The peer says that our cookie was stale: we begin again (§5.2.6).
pub fn handle_stale_cookie(endpoint: &mut Endpoint) {
    if endpoint.state == State::CookieEchoed {
        let count = endpoint.opening.count;
        endpoint.state = State::CookieWait;
        endpoint.cookie = None;
        endpoint.agreed = None;
        endpoint.opening.start();
        // It counts on, so that it ends some time.
        endpoint.opening.count = count;
    }
}

/// T1 ran out (§5.1).
pub fn handle_timeout(endpoint: &mut Endpoint) {
    let limit = endpoint.config.max_init_retransmissions;
    if limit.is_some_and(|limit| endpoint.opening.count > limit) {
        return endpoint.end(Closed::HandshakeTimeout);
    }
    endpoint.opening.timer = None;
    endpoint.opening.is_due = true;
}

/// Milliseconds since the association was made.
fn age(endpoint: &Endpoint, now: Instant) -> u64 {
    now.saturating_duration_since(endpoint.origin).as_millis() as u64
}

const STATE_COOKIE: u16 = 7;
