//! The steps of a walk: a change on either side, and an exchange with whatever goes wrong in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use peerless_interop::browser::Kind;
use peerless_interop::process::PATIENCE;
use peerless_peer::channel::DataChannelInit;
use peerless_peer::description::SessionDescription;
use peerless_peer::state::{ConnectionState, Direction, MediaKind, SdpType};
use peerless_peer::transceiver::{TrackInit, TransceiverInit, TransceiverView};
use serde_json::{Value, json};

use crate::Page;
use crate::chance::Chance;
use crate::ours::Ours;

/// So many transceivers each side makes at most; then more are stopped than made.
const TRANSCEIVERS: usize = 5;
const CHANNELS: usize = 4;
/// So many exchanges settle whatever was changed before.
const ROUNDS: usize = 6;
const DIRECTIONS: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

pub struct Walk {
    pub page: Arc<Page>,
    /// The page's number for its connection: the seed.
    pub number: u64,
    pub ours: Ours,
    pub steps: usize,
    pub chance: Chance,
    is_told: bool,
    log: Vec<String>,
    names: usize,
    /// The sections whose simulcast gets lost on the way.
    pub reduced: BTreeSet<String>,
    /// How often one of several encodings was seen to arrive.
    pub arrived: usize,
    /// We want to restart ICE.
    restarts: bool,
    /// How often the page had fired `negotiationneeded` when it last offered, and we.
    seen: (u64, usize),
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Ours,
    Page,
}

impl Walk {
    pub async fn new(page: Arc<Page>, seed: u64, is_told: bool) -> Self {
        let ours = Ours::new(seed).await;
        let chance = Chance::new(seed);
        Self {
            page,
            number: seed,
            ours,
            steps: 0,
            chance,
            is_told,
            log: Vec::new(),
            names: 0,
            reduced: BTreeSet::new(),
            arrived: 0,
            restarts: false,
            seen: (0, 0),
        }
    }

    /// One step of the walk. After it signalling is settled, and everything is looked at.
    pub async fn step(&mut self) {
        self.steps += 1;
        let who = self.who();
        match who {
            Who::Ours => self.change_ours(),
            Who::Page => self.change_page().await,
        }
        let from = self.who();
        if !self.has_something_to_offer(from).await {
            return;
        }
        self.exchange(from).await;
        self.settle().await;
        self.connect().await;
        self.check_agreement().await;
        self.check_flow().await;
    }

    /// Closes both ends. Gives how often one of several encodings arrived.
    pub async fn end(self) -> usize {
        self.page.act(self.number, &[json!(["close"])]).await;
        self.ours.act(|ours, now| ours.peer.close(now));
        self.arrived
    }

    pub fn note(&mut self, words: String) {
        if self.is_told {
            println!("{} {}: {words}", self.number, self.steps);
        }
        self.log.push(words);
    }

    fn who(&mut self) -> Who {
        if self.chance.one_in(2) { Who::Ours } else { Who::Page }
    }

    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}{}", self.names)
    }

    fn kind(&mut self) -> MediaKind {
        if self.chance.one_in(2) { MediaKind::Audio } else { MediaKind::Video }
    }

    async fn look(&self) -> Value {
        self.page.act(self.number, &[json!(["look"])]).await
    }

    async fn has_something_to_offer(&self, who: Who) -> bool {
        match who {
            Who::Ours => self.ours.act(|ours, _| {
                let peer = &ours.peer;
                !peer.transceivers().is_empty()
                    || !ours.channels.is_empty()
                    || peer.local_description().is_some()
            }),
            Who::Page => {
                let look = self.look().await;
                let is_some = |name: &str| !look[name].as_array().unwrap().is_empty();
                is_some("transceivers") || is_some("channels") || !look["local"].is_null()
            }
        }
    }

    fn track(&mut self) -> TrackInit {
        let stream_ids = (0..self.chance.below(3)).map(|number| format!("stream{number}")).collect();
        TrackInit { id: self.name("track"), stream_ids }
    }

    fn change_ours(&mut self) {
        let live: Vec<TransceiverView> = self
            .ours
            .act(|ours, _| ours.peer.transceivers())
            .into_iter()
            .filter(|one| one.direction != Direction::Stopped)
            .collect();
        let (is_full, one) = (live.len() >= TRANSCEIVERS, self.chance.pick(&live));
        let (kind, track) = (self.kind(), self.track());
        let direction = self.chance.pick(&DIRECTIONS).unwrap();
        match (self.chance.below(22), one) {
            (19, _) => {
                self.note("ours: restart_ice".to_owned());
                self.restarts = true;
                self.ours.act(|ours, _| ours.peer.restart_ice());
            }
            (0..5, _) if !is_full => {
                self.note(format!("ours: add_track {kind}"));
                self.ours.act(|ours, _| ours.peer.add_track(kind, track).unwrap());
            }
            (5..7, _) if !is_full => {
                let track = Some(track).filter(|_| self.chance.one_in(2));
                let send_encodings = self.encodings_of_ours(kind);
                let receive_rids = self.encodings_asked_for(kind);
                let counts = (send_encodings.len(), receive_rids.len());
                self.note(format!("ours: add_transceiver {kind} {direction}, encodings {counts:?}"));
                let init = TransceiverInit {
                    direction,
                    track,
                    send_encodings,
                    receive_rids,
                    ..TransceiverInit::default()
                };
                self.ours.act(|ours, _| ours.peer.add_transceiver(kind, init).unwrap());
            }
            (7..9, Some(one)) => {
                self.note(format!("ours: remove_track {:?}", one.mid));
                self.ours.act(|ours, now| ours.peer.remove_track(now, one.id).unwrap());
            }
            (9..11, Some(one)) => {
                let track = Some(track).filter(|_| !self.chance.one_in(3));
                self.note(format!("ours: replace_track {:?} {}", one.mid, track.is_some()));
                self.ours.act(|ours, now| ours.peer.replace_track(now, one.id, track).unwrap());
            }
            (11..15, Some(one)) => {
                self.note(format!("ours: set_direction {:?} {direction}", one.mid));
                self.ours.act(|ours, _| ours.peer.set_direction(one.id, direction).unwrap());
            }
            (15..17, Some(one)) if is_full => {
                if self.must_stay(one.mid.as_ref().map(|mid| mid.as_str())) {
                    return;
                }
                self.note(format!("ours: stop {:?}", one.mid));
                self.ours.act(|ours, now| ours.peer.stop(now, one.id).unwrap());
            }
            (17, _) => self.create_channel_of_ours(),
            (18, _) => {
                let labels: Vec<_> = self.ours.act(|ours, _| ours.channels.keys().cloned().collect());
                let Some(label) = self.chance.pick(&labels) else { return };
                self.note(format!("ours: close {label}"));
                self.ours.act(|ours, now| ours.peer.close_channel(now, ours.channels[&label]));
            }
            (20.., Some(one)) => self.activate_ours(&one),
            _ => {}
        }
    }

    fn create_channel_of_ours(&mut self) {
        if self.ours.act(|ours, _| ours.channels.len()) >= CHANNELS {
            return;
        }
        let label = self.name("ours");
        self.note(format!("ours: create_data_channel {label}"));
        self.ours.act(|ours, now| {
            let id = ours.peer.create_data_channel(now, &label, DataChannelInit::default()).unwrap();
            ours.channels.insert(label, id);
        });
    }

    async fn change_page(&mut self) {
        let look = self.look().await;
        let all = look["transceivers"].as_array().unwrap();
        let live: Vec<usize> = (0..all.len()).filter(|index| all[*index]["direction"] != "stopped").collect();
        let (is_full, one) = (live.len() >= TRANSCEIVERS, self.chance.pick(&live));
        let (kind, direction) = (self.kind(), self.chance.pick(&DIRECTIONS).unwrap().as_str());
        let has_track = self.chance.one_in(2);
        let call = match (self.chance.below(22), one) {
            (0..5, _) if !is_full => json!(["addTrack", kind.as_str(), self.chance.below(3)]),
            (5..7, _) if !is_full => {
                let encodings = self.encodings_of_page(kind);
                json!(["addTransceiver", kind.as_str(), direction, has_track, encodings])
            }
            (7..9, Some(one)) => json!(["removeTrack", one]),
            (9..11, Some(one)) => json!(["replaceTrack", one, !self.chance.one_in(3)]),
            (11..15, Some(one)) => json!(["setDirection", one, direction]),
            (15..17, Some(one)) if is_full => {
                if self.must_stay(all[one]["mid"].as_str()) {
                    return;
                }
                json!(["stop", one])
            }
            (17, _) => {
                if look["channels"].as_array().unwrap().len() >= CHANNELS {
                    return;
                }
                let label = self.name("page");
                json!(["createChannel", label])
            }
            (18, _) => {
                let labels: Vec<Value> =
                    look["channels"].as_array().unwrap().iter().map(|one| one[0].clone()).collect();
                let Some(label) = self.chance.pick(&labels) else { return };
                json!(["closeChannel", label])
            }
            (19, _) => json!(["restartIce"]),
            (20.., Some(one)) => json!(["activate", one, self.chance.below(3), self.chance.one_in(2)]),
            _ => return,
        };
        self.note(format!("page: {call}"));
        self.page.act(self.number, &[call]).await;
    }

    /// Exchanges until neither side needs one more.
    async fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let page = self.look().await["needed"].as_u64().unwrap();
            let ours = self.ours.act(|ours, _| ours.needed);
            let from = match (ours > self.seen.1, page > self.seen.0) {
                (true, _) => Who::Ours,
                (_, true) => Who::Page,
                _ => return,
            };
            self.note(format!("{from:?} offers, because it is needed"));
            self.plain(from).await;
        }
        panic!(
            "negotiation is needed still after {ROUNDS} exchanges: {} {}",
            self.look().await,
            self.local()
        );
    }

    async fn connect(&self) {
        let begun = Instant::now();
        loop {
            let state = self.ours.act(|ours, _| ours.peer.connection_state());
            if state == ConnectionState::Connected {
                return;
            }
            let has_any = self.ours.act(|ours, _| {
                let text = ours.peer.local_description().map(|one| one.sdp).unwrap_or_default();
                text.lines().any(|line| line.starts_with("m=") && line.split(' ').nth(1) != Some("0"))
            });
            if !has_any {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "not connected: {state}; {}", self.look().await);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn exchange(&mut self, from: Who) {
        match self.chance.below(8) {
            0 if self.may_roll_back(from).await => {
                self.note(format!("{from:?} offers and rolls back"));
                self.offer(from).await;
                self.roll_back(from).await;
                self.plain(from).await;
            }
            1 => {
                self.note(format!("{from:?} offers, the other rolls back and takes it again"));
                let offer = self.offer(from).await;
                self.take(other(from), SdpType::Offer, &offer).await;
                self.roll_back(other(from)).await;
                self.take(other(from), SdpType::Offer, &offer).await;
                self.answer(other(from)).await;
            }
            2 | 3 if self.may_meet(from).await && self.has_something_to_offer(other(from)).await => {
                self.note(format!("both offer, {from:?} is polite"));
                self.offer(from).await;
                let offer = self.offer(other(from)).await;
                if from == Who::Ours {
                    self.roll_back(from).await;
                }
                self.take(from, SdpType::Offer, &offer).await;
                self.answer(from).await;
            }
            _ => {
                self.note(format!("{from:?} offers"));
                self.plain(from).await;
            }
        }
    }

    async fn plain(&mut self, from: Who) {
        let offer = self.offer(from).await;
        self.take(other(from), SdpType::Offer, &offer).await;
        self.answer(other(from)).await;
    }

    async fn offer(&mut self, who: Who) -> String {
        match who {
            Who::Ours => {
                self.seen.1 = self.ours.act(|ours, _| ours.needed);
                self.ours.act(|ours, now| ours.peer.set_local_description(now, None).unwrap());
                self.local()
            }
            Who::Page => {
                self.seen.0 = self.look().await["needed"].as_u64().unwrap();
                let offer = self.page.act(self.number, &[json!(["offer"])]).await;
                let offer = offer.as_str().unwrap().to_owned();
                self.lose_simulcast(&offer);
                offer
            }
        }
    }

    fn local(&self) -> String {
        self.ours.act(|ours, _| ours.peer.local_description().unwrap().sdp)
    }

    async fn take(&mut self, who: Who, kind: SdpType, sdp: &str) {
        let sdp = self.carried(sdp);
        match who {
            Who::Ours => {
                let description = SessionDescription { kind, sdp: sdp.clone() };
                let result = self.ours.act(|ours, now| ours.peer.set_remote_description(now, description));
                result.unwrap_or_else(|error| panic!("{error}: {kind} {sdp}"));
            }
            Who::Page => drop(self.page.act(self.number, &[json!(["take", kind.as_str(), sdp])]).await),
        }
    }

    async fn answer(&mut self, who: Who) {
        // What comes before it has our answer, Firefox may give to the only section that it knows the number of, and then
        // leaves it there: the section that was meant gets nothing any more.
        let is_early = who == Who::Ours && self.page.kind == Kind::Firefox;
        let answer = match who {
            Who::Ours => {
                self.ours.act(|ours, now| {
                    ours.holds = is_early;
                    ours.peer.set_local_description(now, None).unwrap();
                });
                self.local()
            }
            Who::Page => {
                let answer = self.page.act(self.number, &[json!(["answer"])]).await;
                answer.as_str().unwrap().to_owned()
            }
        };
        self.take(other(who), SdpType::Answer, &answer).await;
        self.ours.act(|ours, _| ours.holds = false);
    }

    async fn roll_back(&mut self, who: Who) {
        match who {
            Who::Ours => {
                let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
                self.ours.act(|ours, now| ours.peer.set_local_description(now, Some(rollback)).unwrap());
            }
            Who::Page => {
                let is_own = self.look().await["signalingState"] == "have-local-offer";
                // Firefox lets each setter roll back only what it set; the standard lets either (webrtc-pc §4.4.1.5).
                let is_local = if self.page.kind == Kind::Firefox { is_own } else { self.chance.one_in(2) };
                self.page.act(self.number, &[json!(["rollBack", is_local])]).await;
            }
        }
    }

    /// Whether an offer may be taken back. Chromium never offers the section of its first data channel again after that,
    /// and fires `negotiationneeded` for ever.
    async fn may_roll_back(&self, who: Who) -> bool {
        if who == Who::Ours || self.page.kind == Kind::Firefox {
            return true;
        }
        let look = self.look().await;
        let has_section = look["local"].as_str().is_some_and(|local| local.contains("m=application "));
        has_section || look["hasChannels"] == false
    }

    /// Whether both may offer at once. Firefox takes no offer that restarts ICE in place of its own ("Remote description
    /// indicates ICE restart but offer did not request ICE restart").
    async fn may_meet(&mut self, polite: Who) -> bool {
        let restarts = std::mem::take(&mut self.restarts);
        let is_too_much = restarts && polite == Who::Page && self.page.kind == Kind::Firefox;
        !is_too_much && self.may_roll_back(polite).await
    }

    /// Whether a section must not be stopped: the first of the bundle. The others go on over its transport
    /// (RFC 9143 §7.3.3, §7.5.1), but Chromium cannot take an answer which rejects it ("Failed to setup RTCP mux"), and where
    /// it offers that itself it may go on from another port under the old credentials, which nobody can follow. Firefox always
    /// makes a new transport then, with a handshake of its own, under the old credentials too.
    fn must_stay(&self, mid: Option<&str>) -> bool {
        let local = self.ours.act(|ours, _| ours.peer.local_description());
        let text = local.map(|local| local.sdp).unwrap_or_default();
        let group = text.lines().find_map(|line| line.strip_prefix("a=group:BUNDLE "));
        let first = group.and_then(|group| group.split(' ').next());
        mid.is_some() && mid == first
    }
}

fn other(who: Who) -> Who {
    if who == Who::Ours { Who::Page } else { Who::Ours }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log.join("\n"));
            eprintln!("failed in step {} with PEERLESS_SEED={}", self.steps, self.number);
        }
    }
}
