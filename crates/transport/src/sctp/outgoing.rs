//! Packets that go: put together when they are asked for, from what is due by then (RFC 9260 §6.10 bundling).
//!
//! Order: packets that stand alone, the handshake, then one packet after the other of control chunks, SACK, data.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{Checksum, Chunk, Header, Heartbeat, Writer};
use rand_chacha::rand_core::Rng;

use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::State;
use crate::sctp::handshake;
use crate::sctp::resetting;
use crate::sctp::teardown;

/// Appends one packet; its length.
pub fn poll_transmit(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    let written = write(endpoint, now, out)?;
    endpoint.stats.packets_sent += 1;
    endpoint.stats.bytes_sent += written as u64;
    Some(written)
}

fn write(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    if let Some(packet) = endpoint.packets.pop_front() {
        out.extend_from_slice(&packet);
        if endpoint.packets.is_empty() {
            endpoint.packets.shrink_to_fit();
        }
        return Some(packet.len());
    }
    match endpoint.state {
        State::Closed => None,
        State::CookieWait | State::CookieEchoed => write_opening(endpoint, now, out),
        _ => write_open(endpoint, now, out)
            .or_else(|| write_late(endpoint, now, out))
            .or_else(|| write_probe(endpoint, now, out)),
    }
}

/// What was given up just now, as its time is over, may be the last that a reset or the end has waited for.
fn write_late(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    teardown::advance(endpoint, now);
    resetting::advance(endpoint, now);
    if endpoint.control.is_empty() && !endpoint.closing.is_due {
        return None;
    }
    write_open(endpoint, now, out)
}

/// INIT alone; COOKIE ECHO first, with what is to be said beside.
fn write_opening(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    if !endpoint.opening.is_due {
        return None;
    }
    let timers = &endpoint.config.timers;
    endpoint.opening.handle_sent(now, timers.rto_initial, timers.rto_max);
    let (header, chunk) = match &endpoint.cookie {
        Some(cookie) => (endpoint.header(), Chunk::CookieEcho(cookie.clone())),
        // Whatever tag is known by then: INIT has none.
        None => (endpoint.header_with(peerless_wire::sctp::Tag(0)), handshake::init(endpoint)),
    };
    let mut writer = Writer::new(out, header);
    writer.chunk(&chunk);
    if endpoint.cookie.is_some() {
        endpoint.control.drain(..).for_each(|chunk| writer.out().extend_from_slice(&chunk));
    }
    Some(writer.finish(Checksum::Crc32c))
}

/// A packet of an association that stands.
fn write_open(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    if let Some(was_unanswered) = endpoint.heartbeats.poll(now) {
        write_heartbeat(endpoint, now, was_unanswered);
    }
    // Messages may have been given up without any acknowledgement.
    teardown::advance(endpoint, now);
    resetting::advance(endpoint, now);
    if endpoint.closing.is_due
        && let Some(chunk) = teardown::chunk(endpoint)
    {
        endpoint.push_control(&chunk);
        let first = endpoint.sender.rto().timeout();
        endpoint.closing.handle_sent(now, first, endpoint.config.timers.rto_max);
    }
    let (start, size) = (out.len(), endpoint.discovery.size());
    let mut writer = Writer::new(out, endpoint.header());
    write_control(endpoint, &mut writer, size);
    // A SACK that could still wait goes along with what is sent anyway, and is taken back when nothing is.
    let before = writer.len();
    let is_due = endpoint.acks.is_due(now);
    if endpoint.acks.is_wanted() || is_due {
        write_sack(endpoint, &mut writer, size);
    }
    let has_sack = writer.len() > before;
    let may_send = endpoint.sender.is_open(now);
    let has_data = may_send && endpoint.sender.write(now, start, size, writer.out());
    if has_sack && (is_due || has_data || before > Header::LEN) {
        endpoint.acks.handle_sent();
        if let Some(inbox) = &mut endpoint.inbox {
            inbox.handle_sack_sent();
        }
    } else if has_sack || writer.is_empty() {
        writer.out().truncate(start);
        return None;
    }
    let length = writer.finish(endpoint.checksum());
    if has_data {
        endpoint.sender.handle_sent(length);
    }
    Some(length)
}

fn write_control(endpoint: &mut Endpoint, writer: &mut Writer<'_>, size: usize) {
    while let Some(chunk) = endpoint.control.front() {
        // One that is larger than any packet goes alone.
        if !writer.is_empty() && writer.len() + chunk.len() > size {
            return;
        }
        writer.out().extend_from_slice(chunk);
        endpoint.control.pop_front();
    }
}

fn write_sack(endpoint: &mut Endpoint, writer: &mut Writer<'_>, size: usize) {
    let room = size.saturating_sub(writer.len());
    if let Some(inbox) = &mut endpoint.inbox {
        inbox.write_sack(room, writer.out());
    }
}

fn write_heartbeat(endpoint: &mut Endpoint, now: Instant, was_unanswered: bool) {
    if was_unanswered && endpoint.count_error() {
        return;
    }
    let nonce = endpoint.rng.next_u64();
    endpoint
        .push_control(&Chunk::Heartbeat(Heartbeat { info: Bytes::copy_from_slice(&nonce.to_be_bytes()) }));
    endpoint.heartbeats.handle_asked(now, nonce, endpoint.sender.rto().timeout());
}

/// A probe of path discovery: a HEARTBEAT and padding, alone (RFC 8899 §6.2.1).
fn write_probe(endpoint: &mut Endpoint, now: Instant, out: &mut BytesMut) -> Option<usize> {
    if endpoint.state != State::Established {
        return None;
    }
    let size = endpoint.discovery.poll(now, endpoint.sender.rto().timeout())?;
    let nonce = endpoint.rng.next_u64();
    let mut writer = Writer::new(out, endpoint.header());
    writer.chunk(&Chunk::Heartbeat(Heartbeat { info: Bytes::copy_from_slice(&nonce.to_be_bytes()) }));
    let padding = size.saturating_sub(writer.len() + PADDING_HEADER);
    writer.chunk(&Chunk::Padding(padding as u16));
    endpoint.heartbeats.handle_probe(now, nonce, size);
    Some(writer.finish(endpoint.checksum()))
}

const PADDING_HEADER: usize = 4;
