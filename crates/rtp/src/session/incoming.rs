//! What arriving RTP does: finds its media section (RFC 9143 §9.2), takes account of it, and hands it to the receiver.

use std::time::Instant;

use bytes::Bytes;
use peerless_wire::rtp::{Packet, Ssrc};

use crate::recv::{Arrived, Refused};
use crate::route::named_section;
use crate::session::event::Event;
use crate::session::state::{State, gather};

impl State {
    /// Takes in an RTP packet.
    pub fn handle_rtp(&mut self, now: Instant, bytes: Bytes) {
        if self.is_closed {
            return;
        }
        self.urgent = Some(now);
        let len = bytes.len();
        let Ok(packet) = Packet::parse(bytes, &self.extensions) else {
            self.counts.malformed += 1;
            return;
        };
        let ssrc = packet.header.ssrc;
        if self.collides(ssrc) {
            return;
        }
        // Every packet of the transport counts for its congestion, wherever it belongs.
        if let Some(number) = packet.header.extensions.transport_sequence.filter(|_| self.tells_arrivals) {
            self.arrivals.handle(now, ssrc, number);
        }
        let delivered = self.deliver(now, packet, len);
        self.gather_tones(now);
        match delivered {
            Ok(Arrived::First(ssrc, payload_type)) => {
                self.schedule.hasten(now);
                if let Some(mid) = self.routes.section(ssrc).cloned() {
                    self.tell(Event::ReceiverStarted { mid, ssrc, payload_type });
                }
            }
            Ok(Arrived::More) => {}
            Err(Refused::Unroutable) => self.counts.unroutable += 1,
            Err(Refused::Malformed) => self.counts.malformed += 1,
        }
    }

    fn deliver(&mut self, now: Instant, mut packet: Packet, len: usize) -> Result<Arrived, Refused> {
        let header = &packet.header;
        let mids = self.receivers.iter().map(|receiver| receiver.mid());
        let said = named_section(header.extensions.mid, mids);
        let found =
            self.routes.find(now, header.ssrc, header.payload_type, said).ok_or(Refused::Unroutable)?;
        if let Some((mid, ssrc)) = found.evicted
            && let Some(receiver) = self.receivers.iter_mut().find(|receiver| *receiver.mid() == mid)
        {
            receiver.remove_source(ssrc);
        }
        let receiver = self.receivers.iter_mut().find(|receiver| *receiver.mid() == found.mid);
        let receiver = receiver.ok_or(Refused::Unroutable)?;
        // What is named before several were agreed on is not named again when they are.
        let extensions = &packet.header.extensions;
        let is_named = extensions.rid.is_some() || extensions.repaired_rid.is_some();
        if is_named || !receiver.config().rids.is_empty() {
            self.routes.name(packet.header.ssrc, &mut packet.header.extensions);
        }
        let arrived = receiver.handle_rtp(now, packet, len);
        gather(receiver, &mut self.frames, now);
        self.lip_sync.adjust(now, &mut self.receivers);
        arrived
    }

    /// Whether the remote sends with a source of ours (RFC 3550 §8.2). Our own source, which stands in no description,
    /// then gives way; a sender's cannot, so it is told of.
    fn collides(&mut self, ssrc: Ssrc) -> bool {
        if ssrc == self.own_source {
            if self.is_own_source_used {
                self.goodbyes.push_back(ssrc);
            }
            self.own_source = Ssrc(self.own_source.0.wrapping_mul(0x9e37_79b1).wrapping_add(1));
            self.is_own_source_used = false;
        }
        let Some(sender) = self.senders.iter().find(|sender| sender.owns(ssrc)) else { return false };
        self.counts.collisions += 1;
        let mid = sender.mid().clone();
        if !self.collided.contains(&ssrc) {
            self.collided.push(ssrc);
            self.tell(Event::Collision { mid, ssrc });
        }
        true
    }
}
