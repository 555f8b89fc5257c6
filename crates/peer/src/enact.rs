//! Carrying out what a description changes (RFC 9429 §5.9 to §5.11).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use peerless_rtp::config::{MAX_JITTER_BUFFER_TARGET, ReceiveConfig};
use peerless_transport::crypto::Fingerprint;
use peerless_transport::dtls;
use peerless_wire::rtp::Mid;
use peerless_wire::sdp;

use crate::encodings;
use crate::engine::Engine;
use crate::error::Error;
use crate::event::Event;
use crate::id::{TransceiverId, TransportId};
use crate::jsep::plan::{
    DataChange, EncodingsChange, MediaPlan, Plan, ReceivePlan, Target, TransceiverPlan, TransportPlan,
};
use crate::jsep::view::DtlsRole;
use crate::receiving::TrackNews;
use crate::state::{Direction, SignalingState};
use crate::transceiver::{Receiver, receives, sends};

impl Engine {
    /// Carries out a plan. It cannot fail: what could be wrong was found when the plan was made.
    pub(crate) fn enact(&mut self, now: Instant, plan: Plan) {
        if let Some(controlling) = plan.controlling {
            self.links.set_controlling(controlling);
        }
        self.links.set_routes(now, plan.routes);
        let mut news = TrackNews::default();
        for change in plan.transceivers {
            self.change_transceiver(now, change, &mut news);
        }
        for id in plan.removed {
            self.remove_transceiver(now, id, &mut news);
        }
        if plan.signaling == SignalingState::Stable {
            self.transceivers.iter_mut().for_each(|transceiver| transceiver.sender.memory.ridless = None);
        }
        for transport in plan.transports {
            self.change_transport(now, transport);
        }
        if let Some(transport) = plan.data_transport {
            self.links.set_data(transport);
        }
        self.change_data(now, plan.data);
        self.discard_unused(now, plan.is_settled);
        self.tell_tracks(news);
        self.tell_senders();
    }

    fn change_transceiver(&mut self, now: Instant, change: TransceiverPlan, news: &mut TrackNews) {
        let id = match change.target {
            Target::Existing(id) => id,
            Target::New(kind) => {
                let transceiver = self.transceivers.add(kind, Direction::RecvOnly);
                transceiver.by_remote_offer = true;
                transceiver.id
            }
        };
        if change.stop {
            self.change_track(id, change.remote_track, news);
            self.reject_transceiver(now, id, news);
            return;
        }
        self.change_section(now, id, change.mid);
        self.change_encodings(id, change.encodings, change.target);
        if let Some(direction) = change.current_direction
            && let Some(transceiver) = self.transceivers.find_mut(id)
        {
            transceiver.current_direction = Some(direction);
            transceiver.by_remote_offer = false;
            transceiver.sender.used |= sends(direction);
            transceiver.receiver.receptive = receives(direction);
        }
        self.change_track(id, change.remote_track, news);
        if let Some(media) = change.media {
            self.change_media(now, id, media);
        }
    }

    /// Associates a transceiver with its media section, or takes it away from it.
    fn change_section(&mut self, now: Instant, id: TransceiverId, mid: Option<Mid>) {
        let Some(transceiver) = self.transceivers.find_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut transceiver.mid, mid);
        if let Some(before) = before.filter(|before| Some(before) != transceiver.mid.as_ref()) {
            self.links.of_mut(&before).media.forget(now, &before);
        }
    }

    /// The sender's encodings are proposed, taken or refused by the remote (webrtc-pc §4.4.1.5).
    fn change_encodings(&mut self, id: TransceiverId, change: EncodingsChange, target: Target) {
        match change {
            EncodingsChange::None => return,
            EncodingsChange::Proposed(rids) => {
                self.transceivers.propose_encodings(id, &rids, matches!(target, Target::New(_)));
            }
            EncodingsChange::Reduced(rids) => {
                if let Some(transceiver) = self.transceivers.find_mut(id) {
                    encodings::reduce(&mut transceiver.sender.encodings, &rids);
                }
            }
            EncodingsChange::Restored => {
                let before = self.transceivers.find_mut(id).and_then(|one| one.sender.memory.ridless.take());
                if let Some(before) = before {
                    self.transceivers.set_encodings(id, vec![before]);
                }
                if let Some(transceiver) = self.transceivers.find_mut(id) {
                    transceiver.sender.memory.is_proposed = false;
                }
            }
        }
        self.tell(Event::SenderChanged(id));
    }

    fn change_media(&mut self, now: Instant, id: TransceiverId, plan: MediaPlan) {
        let Some(transceiver) = self.transceivers.find_mut(id) else {
            return;
        };
        let Some(mid) = transceiver.mid.clone() else {
            return;
        };
        let before = transceiver.sender.memory.agreed.take();
        transceiver.sender.negotiated(plan.send);
        let changed = transceiver.sender.memory.agreed != before;
        transceiver.receiver.negotiated(plan.receive.as_ref());
        let is_live = !transceiver.stopping;
        let sender = &transceiver.sender;
        let agreed = sender.memory.agreed.as_ref().filter(|_| is_live);
        let send = encodings::send_configs(agreed, &sender.encodings);
        let receiver = &transceiver.receiver;
        let receive = plan.receive.filter(|_| is_live).map(|plan| receive_config(plan, receiver));
        let media = &mut self.links.of_mut(&mid).media;
        media.set_encodings(now, &mid, send);
        media.set_receiver(now, &mid, receive);
        if changed {
            self.tell(Event::SenderChanged(id));
        }
    }

    /// How long frames of a transceiver are held at least (`jitterBufferTarget`, webrtc-pc §5.3).
    pub(crate) fn set_jitter_buffer_target(
        &mut self,
        now: Instant,
        id: TransceiverId,
        target: Option<Duration>,
    ) -> Result<(), Error> {
        if target.is_some_and(|target| target > MAX_JITTER_BUFFER_TARGET) {
            return Err(Error::Range("a jitter buffer target is four seconds at most"));
        }
        let transceiver = self.transceivers.live_mut(id)?;
        transceiver.receiver.jitter_buffer_target = target;
        if let Some(mid) = &transceiver.mid {
            self.links.of_mut(mid).media.set_jitter_buffer_target(now, mid, target);
        }
        Ok(())
    }

    fn change_data(&mut self, now: Instant, change: DataChange) {
        match change {
            DataChange::None => {}
            DataChange::Negotiated { port, max_message_size, max_packet_size } => {
                if let Some(role) = self.links.data().dtls_role {
                    self.channels.set_role(role);
                }
                let limits = (max_message_size, max_packet_size);
                self.channels.negotiated(now, port, limits, &mut self.links.data_mut().transport);
            }
            DataChange::Refused => self.channels.refused(now, &mut self.links.data_mut().transport),
        }
        self.tend_channels(now);
    }

    fn change_transport(&mut self, now: Instant, plan: TransportPlan) {
        let id = plan.id;
        let Some(link) = self.links.get_mut(id) else { return };
        let is_first = link.dtls_role.is_none();
        let credentials = plan.credentials.into_ice();
        link.transport.ice_mut().set_renomination(plan.renomination);
        link.connectivity.set_remote(now, &mut link.transport, credentials, plan.lite);
        for candidate in plan.candidates {
            self.add_remote_candidate(now, id, candidate);
        }
        let Some(link) = self.links.get_mut(id) else { return };
        if plan.end_of_candidates {
            link.connectivity.end_remote(now, &mut link.transport);
        }
        if is_first {
            link.dtls_role = Some(plan.role);
            let fingerprints = plan.fingerprints.iter().filter_map(crypto_fingerprint).collect();
            let role = match plan.role {
                DtlsRole::Client => dtls::Role::Client,
                DtlsRole::Server => dtls::Role::Server,
            };
            link.transport.set_remote_fingerprints(now, fingerprints, role);
        }
    }

    /// Ends the transports that nothing goes over any more: surplus where the remote bundled (RFC 9143 §7.3.3), or of
    /// sections that were rejected.
    fn discard_unused(&mut self, now: Instant, is_settled: bool) {
        for mut link in self.links.take_unused(is_settled) {
            self.farewell.extend(link.close(now));
            self.tell(Event::TransportClosed(link.id));
        }
    }

    /// Takes a remote candidate; a name is asked for first.
    pub(crate) fn add_remote_candidate(&mut self, now: Instant, id: TransportId, candidate: sdp::Candidate) {
        let Some(link) = self.links.get_mut(id) else { return };
        if let Some(name) = link.connectivity.add_remote(now, &mut link.transport, candidate) {
            self.tell(Event::ResolveName(name));
        }
    }

    /// The remote has no more candidates.
    pub(crate) fn end_remote_candidates(&mut self, now: Instant, id: TransportId) {
        if let Some(link) = self.links.get_mut(id) {
            link.connectivity.end_remote(now, &mut link.transport);
        }
    }

    pub(crate) fn name_resolved(&mut self, now: Instant, name: &str, address: Option<IpAddr>) {
        for link in self.links.iter_mut() {
            link.connectivity.name_resolved(now, &mut link.transport, name, address);
        }
    }

    /// Begins gathering where our description says where candidates belong (RFC 9429 §3.5.1).
    pub(crate) fn gather(&mut self, now: Instant) {
        let described = self.links.iter_mut().filter(|link| link.local_section.is_some());
        let asking: Vec<TransportId> =
            described.filter_map(|link| link.gather(now).then_some(link.id)).collect();
        asking.into_iter().for_each(|id| self.tell(Event::Gather(id)));
    }
}

fn crypto_fingerprint(fingerprint: &sdp::Fingerprint) -> Option<Fingerprint> {
    fingerprint.to_string().parse().ok()
}

fn receive_config(plan: ReceivePlan, receiver: &Receiver) -> ReceiveConfig {
    let mut config = ReceiveConfig::new(plan.codecs);
    config.extensions = plan.extensions;
    if plan.rids.is_empty() {
        encodings::forget_names(&mut config.extensions);
    }
    config.ssrcs = plan.ssrcs;
    config.reduced_size = plan.reduced_size;
    config.jitter_buffer_target = receiver.jitter_buffer_target;
    config.telephone_events = plan.telephone_events;
    config.sync_group = receiver.stream_ids.first().cloned();
    // Who answers lets us know the round trip also while we send nothing; who does not is none the worse for it.
    config.reference_time = true;
    config.rids = plan.rids;
    config
}
