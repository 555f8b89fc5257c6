//! What both sides must agree on after each step, and that media and messages flow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use peerless_interop::process::PATIENCE;
use peerless_peer::id::TransceiverId;
use peerless_peer::report::StatsSelector;
use peerless_peer::state::{Direction, SignalingState};
use peerless_peer::transceiver::TransceiverView;
use serde_json::{Value, json};

use crate::steps::Walk;

/// A transceiver of ours, and which of several encodings.
type Stream = (TransceiverId, Option<String>);

/// A section as a description has it.
#[derive(Debug, PartialEq, Eq)]
struct Section<'a> {
    kind: &'a str,
    mid: &'a str,
    is_rejected: bool,
    /// Payload type and codec.
    codecs: BTreeMap<&'a str, String>,
}

impl Walk {
    /// Mids, kinds, directions and codecs.
    pub async fn check_agreement(&mut self) {
        let look = self.page.act(self.number, &[json!(["look"])]).await;
        let (views, state, local) = self.ours.act(|ours, _| {
            let peer = &ours.peer;
            (peer.transceivers(), peer.signaling_state(), peer.local_description().map(|one| one.sdp))
        });
        assert_eq!(state, SignalingState::Stable);
        assert_eq!(look["signalingState"], "stable", "{look}");
        let theirs: Vec<&Value> = look["transceivers"].as_array().unwrap().iter().collect();
        let of_mid = |mid: &str| theirs.iter().find(|one| one["mid"] == mid);
        let mut mids = BTreeSet::new();
        for view in views.iter().filter(|view| view.current_direction.is_some()) {
            let mid = view.mid.as_ref().unwrap().to_string();
            let other = of_mid(&mid).unwrap_or_else(|| panic!("the page has no {view:?}: {look}"));
            assert_eq!(other["kind"], view.kind.as_str(), "{look}");
            let current = view.current_direction.unwrap().as_str();
            assert_eq!(other["current"], reversed(current), "{view:?}: {look}");
            mids.insert(mid);
        }
        for one in theirs.iter().filter(|one| is_negotiated(one)) {
            assert!(mids.contains(one["mid"].as_str().unwrap()), "we lack {one}: {views:?}");
        }
        self.check_encodings(&look, &views);
        if let Some(local) = local {
            let remote = look["local"].as_str().unwrap();
            check_sections(&sections(&local), &sections(remote));
        }
    }

    /// Everything that both sides agreed on arrives.
    pub async fn check_flow(&mut self) {
        let text = format!("message {}", self.steps);
        let look = self.page.act(self.number, &[json!(["look"])]).await;
        let is_needed = self.ours.act(|ours, _| ours.peer.transceivers().iter().any(|one| one.mid.is_some()));
        if !is_needed && self.ours.act(|ours, _| ours.peer.sctp().is_none()) {
            return;
        }
        let begun = Instant::now();
        let (to_us, to_page) = (self.sent_by_page(&look), self.sent_by_us());
        let before_us = self.ours.act(|ours, _| ours.received.clone());
        let before_page = self.page.act(self.number, &[json!(["received"])]).await;
        let sent = self.ours.act(|ours, now| {
            ours.messages.clear();
            ours.send_messages(now, &text)
        });
        loop {
            let (received, messages) =
                self.ours.act(|ours, _| (ours.received.clone(), ours.messages.clone()));
            let grew = |one: &Stream| received.get(one) > before_us.get(one);
            let missing_us: Vec<_> = to_us.iter().filter(|one| !grew(one)).collect();
            let now = self.page.act(self.number, &[json!(["received"])]).await;
            let packets = |of: &Value, mid: &str| of[mid]["packets"].as_u64().unwrap_or(0);
            let missing_page: Vec<_> =
                to_page.iter().filter(|(mid, _)| packets(&now, mid) <= packets(&before_page, mid)).collect();
            let back = messages.iter().filter(|one| **one == text).count();
            if missing_us.is_empty() && missing_page.is_empty() && back == sent {
                for (mid, number) in &to_page {
                    let seen = now[mid]["number"].as_u64();
                    assert!(seen.is_none() || seen == Some(u64::from(*number)), "{mid} is {number}: {now}");
                }
                self.arrived += to_us.iter().filter(|(_, encoding)| encoding.is_some()).count();
                return;
            }
            if begun.elapsed() >= PATIENCE {
                self.tell_flow().await;
                panic!(
                    "to us {missing_us:?}, to the page {missing_page:?}, messages {back} of {sent}: {look}"
                );
            }
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        }
    }

    /// What both ends have counted, what they would send and what is known of the path: to see where it ends.
    async fn tell_flow(&self) {
        let sent = self.page.act(self.number, &[json!(["sent"])]).await;
        println!("the page sent {sent:#}");
        self.ours.act(|ours, now| {
            println!("{:#?} {:#?}", ours.peer.transceivers(), ours.peer.connection_state());
            println!("{}", ours.peer.get_stats(now, StatsSelector::All).unwrap().to_json());
            println!("{:#?}", ours.peer.stats());
        });
    }

    /// The transceivers of ours on which the page sends, with each encoding that it has turned on.
    fn sent_by_page(&self, look: &Value) -> Vec<Stream> {
        let theirs = look["transceivers"].as_array().unwrap();
        let sender = |mid: &str| {
            theirs.iter().find(|one| {
                one["mid"] == mid
                    && one["hasTrack"] == true
                    && matches!(one["current"].as_str(), Some("sendrecv" | "sendonly"))
            })
        };
        let views = self.ours.act(|ours, _| ours.peer.transceivers());
        let is_live = |view: &&TransceiverView| view.direction != Direction::Stopped;
        let receives = |view: &&TransceiverView| {
            matches!(view.current_direction, Some(Direction::SendRecv | Direction::RecvOnly))
        };
        let mut streams = Vec::new();
        for view in views.iter().filter(is_live).filter(receives) {
            let Some(sender) = sender(&view.mid.as_ref().unwrap().to_string()) else { continue };
            let encodings = sender["encodings"].as_array().unwrap();
            let receiver = self.ours.act(|ours, _| ours.peer.receiver(view.id).unwrap());
            let is_several = !receiver.rids.is_empty();
            for encoding in encodings.iter().filter(|one| one["active"] == true) {
                let name = encoding["rid"].as_str().filter(|_| is_several).map(str::to_owned);
                streams.push((view.id, name));
            }
        }
        streams
    }

    /// The sections on which we send, and with which payload type.
    fn sent_by_us(&self) -> Vec<(String, u8)> {
        self.ours.act(|ours, _| {
            let mut sent = Vec::new();
            for view in ours.peer.transceivers() {
                let sender = ours.peer.sender(view.id).unwrap();
                let may = matches!(view.current_direction, Some(Direction::SendRecv | Direction::SendOnly))
                    && view.direction != Direction::Stopped
                    && sender.track.is_some()
                    && sender.encodings[0].parameters.active;
                if let (true, Some(codec)) = (may, sender.codec) {
                    sent.push((view.mid.unwrap().to_string(), codec.payload_type.value()));
                }
            }
            sent
        })
    }
}

fn is_negotiated(one: &Value) -> bool {
    !one["mid"].is_null() && !matches!(one["current"].as_str(), None | Some("stopped"))
}

pub fn reversed(direction: &str) -> &str {
    match direction {
        "sendonly" => "recvonly",
        "recvonly" => "sendonly",
        same => same,
    }
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut all: Vec<Section<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            let kind = words.next().unwrap();
            let is_rejected = words.next() == Some("0");
            all.push(Section { kind, mid: "", is_rejected, codecs: BTreeMap::new() });
        }
        let Some(section) = all.last_mut() else { continue };
        if let Some(mid) = line.strip_prefix("a=mid:") {
            section.mid = mid;
        } else if line == "a=bundle-only" {
            section.is_rejected = false;
        } else if let Some((number, codec)) =
            line.strip_prefix("a=rtpmap:").and_then(|map| map.split_once(' '))
        {
            // One channel is said or not.
            let codec = codec.to_ascii_lowercase();
            section.codecs.insert(number, codec.strip_suffix("/1").unwrap_or(&codec).to_owned());
        }
    }
    all
}

/// The same sections in the same places, and what both list under one number is one codec.
fn check_sections(ours: &[Section<'_>], theirs: &[Section<'_>]) {
    assert_eq!(ours.len(), theirs.len(), "{ours:?} {theirs:?}");
    for (one, other) in ours.iter().zip(theirs) {
        assert_eq!((one.kind, one.mid), (other.kind, other.mid), "{ours:?} {theirs:?}");
        if one.is_rejected || other.is_rejected {
            continue;
        }
        for (number, codec) in &one.codecs {
            let known = other.codecs.get(number);
            assert!(known.is_none_or(|known| known == codec), "{number} is {codec} and {known:?}");
        }
    }
}
