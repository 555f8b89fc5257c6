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
            let Some(Outgoing { source, destination, contents }) = self.next_outgoing(now) else {
                if self.is_slot_free(now) && self.relays.start_next(now) {
                    self.next_slot = Some(now + self.pace);
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

    /// The next datagram: answers and repetitions at once, new transactions one each Ta (RFC 8445 §14.2), checks
    /// before questions to servers.
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
        let check = if is_over { None } else { self.connectivity.next_check(now) };
        let new = check.or_else(|| self.gatherer.next_query(now))?;
        self.next_slot = Some(now + self.pace);
        Some(new)
    }

    /// Whether a new transaction may begin.
    fn is_slot_free(&self, now: Instant) -> bool {
        self.next_slot.is_none_or(|slot| slot <= now)
    }
}
