//! What an agent sends, in its order (RFC 8445 §14).

use std::time::Instant;

use bytes::BytesMut;
use peerless_wire::stun::Message;

use crate::datagram::Transmit;
use crate::ice::agent::Agent;
use crate::transaction::Outgoing;

impl Agent {
    /// Appends one datagram to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        self.see(now);
        loop {
            if let Some(transmit) = self.transmit_to_server(now, out) {
                return Some(transmit);
            }
            let is_relays_turn = self.is_servers_turn && !self.gatherer.has_query();
            if is_relays_turn && self.start_relay(now) {
                continue;
            }
            let Some(Outgoing { source, destination, contents }) = self.next_outgoing(now) else {
                if self.start_relay(now) {
                    continue;
                }
                return None;
            };
            if self.diagnostics
                && let Ok(message) = Message::parse(&contents)
            {
                self.diagnose(true, destination, &message);
            }
            if let Some(transmit) = Transmit::from_base(source, destination, contents.len()) {
                out.extend_from_slice(&contents);
                return Some(transmit);
            }
            // By way of a relay: its client gives it in the next round, or when the server lets it.
            self.relays.send(now, source, destination, &contents);
        }
    }

    /// Begins an allocation on a TURN server, where one waits and a new transaction may begin.
    fn start_relay(&mut self, now: Instant) -> bool {
        let has_begun = self.is_slot_free(now) && self.relays.start_next(now);
        if has_begun {
            self.next_slot = Some(now + self.pace);
            self.is_servers_turn = false;
        }
        has_begun
    }

    /// The next datagram: answers and repetitions at once, new transactions one each Ta (RFC 8445 §14.2), checks
    /// and questions to servers in turn, so that many of the one do not keep the other waiting.
    fn next_outgoing(&mut self, now: Instant) -> Option<Outgoing> {
        let is_over = self.is_over();
        let due = match is_over {
            true => self.connectivity.next_answer(),
            false => self.connectivity.repeat(now),
        };
        if let Some(due) = due.or_else(|| self.gatherer.repeat(now)) {
            return Some(due);
        }
        if !self.is_slot_free(now) {
            return None;
        }
        let query = if self.is_servers_turn { self.gatherer.next_query(now) } else { None };
        let check = if is_over || query.is_some() { None } else { self.connectivity.next_check(now) };
        self.is_servers_turn = check.is_some();
        let new = query.or(check).or_else(|| self.gatherer.next_query(now))?;
        self.next_slot = Some(now + self.pace);
        Some(new)
    }

    /// Whether a new transaction may begin.
    fn is_slot_free(&self, now: Instant) -> bool {
        self.next_slot.is_none_or(|slot| slot <= now)
    }
}
