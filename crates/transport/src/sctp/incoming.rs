//! Packets that come: is it for us (RFC 9260 §8.5), then chunk by chunk to the room that it is for (§3.2, §6).

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use peerless_wire::sctp::{
    Cause, Checksum, Chunk, Data, Errors, Heartbeat, InterleavedData, Packet, Sack, Shutdown, Tag, Tsn,
    Unrecognized,
};

use crate::sctp::agreed;
use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::{Closed, State};
use crate::sctp::handshake;
use crate::sctp::heartbeat::Answer;
use crate::sctp::inbox::{Arrival, Piece};
use crate::sctp::resetting;
use crate::sctp::rx::Violation;
use crate::sctp::teardown;

/// How much of an unknown chunk is sent back.
const MAX_REPORTED: usize = 256;

/// What the chunks of one packet have done together.
#[derive(Debug, Default)]
struct Sums {
    has_data: bool,
    is_urgent: bool,
}

/// Takes one packet.
pub fn handle_packet(endpoint: &mut Endpoint, now: Instant, bytes: Bytes) {
    let size = bytes.len();
    let allowed = if endpoint.config.zero_checksum { Checksum::Zero } else { Checksum::Crc32c };
    let Ok(packet) = Packet::parse(bytes, allowed) else {
        endpoint.stats.packets_refused += 1;
        return;
    };
    let (source, destination) = (packet.header.source_port, packet.header.destination_port);
    if (source, destination) != (endpoint.config.remote_port, endpoint.config.local_port) {
        endpoint.stats.packets_refused += 1;
        return;
    }
    endpoint.stats.packets_received += 1;
    endpoint.stats.bytes_received += size as u64;
    handle_chunks(endpoint, now, packet);
}

fn handle_chunks(endpoint: &mut Endpoint, now: Instant, packet: Packet) {
    let Packet { header, has_zero_checksum, chunks } = packet;
    let (mut sums, mut is_first) = (Sums::default(), true);
    let mut is_ours = header.tag == endpoint.local_tag;
    for chunk in chunks {
        let Ok(chunk) = chunk else {
            endpoint.stats.packets_refused += 1;
            break;
        };
        let goes_on = match chunk {
            // Hot first.
            Chunk::Data(data) if is_ours => handle_data(endpoint, now, data, &mut sums),
            Chunk::InterleavedData(data) if is_ours => handle_interleaved(endpoint, now, data, &mut sums),
            Chunk::Sack(sack) if is_ours => handle_sack(endpoint, now, &sack),
            // Alone, with no tag, and with a true checksum (RFC 9653 §5.2).
            Chunk::Init(init) => {
                if is_first && header.tag.0 == 0 && !has_zero_checksum {
                    handshake::handle_init(endpoint, now, &init);
                }
                false
            }
            Chunk::CookieEcho(cookie) => {
                let is_taken = is_first
                    && !has_zero_checksum
                    && handshake::handle_cookie_echo(endpoint, now, header.tag, &cookie);
                is_ours = header.tag == endpoint.local_tag;
                is_taken
            }
            Chunk::Abort(abort) => {
                if is_for_us(endpoint, header.tag, abort.reflected) {
                    teardown::handle_abort(endpoint, &abort);
                }
                false
            }
            Chunk::ShutdownComplete { reflected } => {
                if is_for_us(endpoint, header.tag, reflected) {
                    teardown::handle_shutdown_complete(endpoint);
                }
                false
            }
            Chunk::ShutdownAck if is_ours || !endpoint.is_open() => {
                teardown::handle_shutdown_ack(endpoint, header.tag);
                false
            }
            _ if !is_ours => {
                endpoint.stats.packets_refused += 1;
                false
            }
            other => handle_control(endpoint, now, other, &mut sums),
        };
        is_first = false;
        if !goes_on || endpoint.has_ended {
            break;
        }
    }
    settle(endpoint, now, &sums);
}

/// Whether a packet that ends the association is from the peer: with our tag, or with its own where it says so by the
/// T bit (§8.5.1 B, C).
fn is_for_us(endpoint: &Endpoint, tag: Tag, reflected: bool) -> bool {
    if reflected {
        endpoint.agreed.is_some_and(|agreed| agreed.tag == tag)
    } else {
        tag == endpoint.local_tag
    }
}

/// What follows from all chunks of a packet.
fn settle(endpoint: &mut Endpoint, now: Instant, sums: &Sums) {
    if endpoint.has_ended {
        return;
    }
    if sums.has_data {
        endpoint.acks.handle_packet(now);
        if endpoint.state == State::ShutdownSent {
            // Each packet with data is answered by SHUTDOWN too (§9.2).
            // With that, its timer starts anew and is not doubled.
            (endpoint.closing.is_due, endpoint.closing.count) = (true, 0);
            endpoint.acks.set_urgent();
        }
    }
    if sums.is_urgent {
        endpoint.acks.set_urgent();
    }
    if endpoint.is_open() {
        endpoint.heartbeats.handle_active(now, endpoint.sender.rto().timeout());
    }
}

/// The chunks that are not hot. Whether the next chunk is looked at.
fn handle_control(endpoint: &mut Endpoint, now: Instant, chunk: Chunk, sums: &mut Sums) -> bool {
    match chunk {
        Chunk::InitAck(init) => {
            handshake::handle_init_ack(endpoint, now, &init);
            return false;
        }
        Chunk::CookieAck => handshake::handle_cookie_ack(endpoint, now),
        Chunk::Heartbeat(heartbeat) if endpoint.is_open() => {
            endpoint.push_control(&Chunk::HeartbeatAck(heartbeat));
        }
        Chunk::HeartbeatAck(heartbeat) => handle_heartbeat_ack(endpoint, now, &heartbeat),
        Chunk::Error(errors) => handle_errors(endpoint, &errors),
        Chunk::Shutdown(shutdown) => handle_shutdown(endpoint, now, shutdown),
        Chunk::ForwardTsn(forward) if endpoint.is_open() => {
            let Some(inbox) = &mut endpoint.inbox else { return true };
            if inbox.is_interleaved() {
                endpoint.abort_violation("FORWARD TSN where I-FORWARD TSN was agreed");
                return false;
            }
            inbox.handle_forward(&forward);
            handle_moved(endpoint, now, sums);
        }
        Chunk::InterleavedForwardTsn(forward) if endpoint.is_open() => {
            let Some(inbox) = &mut endpoint.inbox else { return true };
            if !inbox.is_interleaved() {
                endpoint.abort_violation("I-FORWARD TSN where it was not agreed");
                return false;
            }
            inbox.handle_interleaved_forward(&forward);
            handle_moved(endpoint, now, sums);
        }
        Chunk::Reconfig(reconfig) if endpoint.is_open() => {
            resetting::handle_reconfig(endpoint, now, &reconfig);
        }
        Chunk::Unknown { kind, flags, value } => return handle_unknown(endpoint, kind, flags, &value),
        _ => {}
    }
    true
}

/// Everything up to a new number has arrived or was given up.
fn handle_moved(endpoint: &mut Endpoint, now: Instant, sums: &mut Sums) {
    sums.has_data = true;
    sums.is_urgent = true;
    resetting::handle_moved(endpoint, now);
}

fn handle_data(endpoint: &mut Endpoint, now: Instant, data: Data, sums: &mut Sums) -> bool {
    let (tsn, immediate) = (data.tsn, data.flags.immediate);
    handle_piece(endpoint, now, (tsn, immediate), Piece::Data(data), sums)
}

fn handle_interleaved(endpoint: &mut Endpoint, now: Instant, data: InterleavedData, sums: &mut Sums) -> bool {
    let (tsn, immediate) = (data.tsn, data.flags.immediate);
    handle_piece(endpoint, now, (tsn, immediate), Piece::Interleaved(data), sums)
}

fn handle_piece(
    endpoint: &mut Endpoint,
    now: Instant,
    (tsn, immediate): (Tsn, bool),
    piece: Piece,
    sums: &mut Sums,
) -> bool {
    if !matches!(endpoint.state, State::Established | State::ShutdownPending | State::ShutdownSent) {
        return true;
    }
    let Some(inbox) = &mut endpoint.inbox else { return true };
    sums.is_urgent |= immediate;
    match inbox.handle_piece(tsn, piece) {
        Ok(Arrival::New { gap, moved }) => {
            sums.has_data = true;
            sums.is_urgent |= gap;
            if moved {
                resetting::handle_moved(endpoint, now);
            }
        }
        Ok(Arrival::Repeated) => {
            sums.has_data = true;
            sums.is_urgent = true;
        }
        // No room: it will come again. The peer learns our window.
        Ok(Arrival::Dropped) => sums.is_urgent = true,
        Err(violation) if violation.is_fatal() => {
            let reason = match violation {
                Violation::TooLarge { .. } => Closed::TooLarge,
                _ => Closed::Violation(violation.reason()),
            };
            endpoint.abort(violation.cause(), reason);
            return false;
        }
        Err(violation) => {
            sums.has_data = true;
            endpoint.push_control(&agreed::error(violation.cause()));
        }
    }
    true
}

fn handle_sack(endpoint: &mut Endpoint, now: Instant, sack: &Sack) -> bool {
    if !endpoint.is_open() {
        return true;
    }
    let blocks = sack.gap_blocks().map(|block| (block.start, block.end));
    match endpoint.sender.handle_sack(now, sack.cumulative, sack.a_rwnd, blocks, sack.duplicates()) {
        None => {
            endpoint.abort_violation("SACK for what was never sent");
            return false;
        }
        Some(is_news) => {
            // A peer with a closed window is there, though nothing moves.
            if is_news || sack.a_rwnd == 0 {
                endpoint.errors = 0;
            }
        }
    }
    handle_acknowledged(endpoint, now);
    true
}

/// Something may have been acknowledged.
fn handle_acknowledged(endpoint: &mut Endpoint, now: Instant) {
    if endpoint.sender.poll_black_hole() {
        endpoint.handle_black_hole(now);
    }
    teardown::advance(endpoint, now);
    resetting::advance(endpoint, now);
}

fn handle_shutdown(endpoint: &mut Endpoint, now: Instant, shutdown: Shutdown) {
    if !endpoint.is_open() {
        return;
    }
    let window = u32::try_from(endpoint.sender.peer_window()).unwrap_or(u32::MAX);
    let acked =
        endpoint.sender.handle_sack(now, shutdown.cumulative, window, std::iter::empty(), std::iter::empty());
    if acked.is_none() {
        return endpoint.abort_violation("SHUTDOWN for what was never sent");
    }
    teardown::handle_shutdown(endpoint, now);
}

fn handle_heartbeat_ack(endpoint: &mut Endpoint, now: Instant, heartbeat: &Heartbeat) {
    let timeout = endpoint.sender.rto().timeout();
    match endpoint.heartbeats.handle_answer(now, &heartbeat.info, timeout) {
        Some(Answer::Heartbeat { round_trip }) => {
            endpoint.errors = 0;
            endpoint.sender.handle_round_trip(now, round_trip);
            if let Some(inbox) = &mut endpoint.inbox {
                inbox.handle_round_trip(now, round_trip);
            }
        }
        Some(Answer::Probe { size, round_trip }) => {
            if let Some(inbox) = &mut endpoint.inbox {
                inbox.handle_round_trip(now, round_trip);
            }
            if endpoint.discovery.handle_answer(now, size) {
                endpoint.sender.set_packet_size(endpoint.discovery.size());
            }
        }
        None => {}
    }
}

fn handle_errors(endpoint: &mut Endpoint, errors: &Errors) {
    for cause in &errors.causes {
        tracing::debug!(code = cause.code(), "the peer reports an error");
        if let Cause::StaleCookie(_) = cause {
            handshake::handle_stale_cookie(endpoint);
        }
    }
}

/// A chunk type that we do not know (§3.2). Whether the next chunk is looked at.
fn handle_unknown(endpoint: &mut Endpoint, kind: u8, flags: u8, value: &Bytes) -> bool {
    let rule = Unrecognized::chunk(kind);
    if rule.is_reported && endpoint.is_open() {
        let mut whole = BytesMut::with_capacity(4 + value.len().min(MAX_REPORTED));
        whole.put_u8(kind);
        whole.put_u8(flags);
        whole.put_u16(value.len() as u16 + 4);
        whole.extend_from_slice(value.get(..MAX_REPORTED).unwrap_or(value));
        endpoint.push_control(&agreed::error(Cause::UnrecognizedChunk(whole.freeze())));
    }
    !rule.stops
}
