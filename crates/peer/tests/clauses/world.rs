//! Two peers that a script moves: what it may do to them, and what it may see of them.

use std::collections::HashMap;
use std::time::Duration;

use peerless_peer::Peer;
use peerless_peer::channel::DataChannelInit;
use peerless_peer::config::CodecCapability;
use peerless_peer::description::{IceCandidateInit, SessionDescription};
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{Direction, MediaKind, SdpType};
use peerless_peer::transceiver::{TrackInit, TransceiverInit};

use crate::scene::media::Source;
use crate::scene::{ALICE, BOB, Scene, Side};

/// The two peers, with the texts that a script has put aside.
pub struct World {
    pub scene: Scene,
    texts: HashMap<String, String>,
    /// How many events of each side were looked at.
    seen: [usize; 2],
}

/// What became of a call: `Err` where it was refused.
pub type Outcome = Result<(), Error>;

impl World {
    pub fn new() -> Self {
        Self { scene: Scene::new(), texts: HashMap::new(), seen: [0, 0] }
    }

    fn peer(&mut self, side: Side) -> &mut Peer {
        self.scene.peer(side)
    }

    /// A call of the W3C interface, in its words.
    pub fn call(&mut self, side: Side, name: &str, words: &[&str]) -> Outcome {
        let now = self.scene.now;
        match name {
            "addTrack" => {
                let track = TrackInit { id: words[1].to_owned(), stream_ids: owned(&words[2..]) };
                self.peer(side).add_track(kind(words[0]), track).map(drop)
            }
            "addTransceiver" => {
                let (kind, init) = (kind(words[0]), transceiver_init(&words[1..]));
                self.peer(side).add_transceiver(kind, init).map(drop)
            }
            "removeTrack" => self.peer(side).remove_track(now, id(words[0])),
            "replaceTrack" => {
                let track = TrackInit { id: words[1].to_owned(), stream_ids: owned(&words[2..]) };
                let track = (words[1] != "null").then_some(track);
                self.peer(side).replace_track(now, id(words[0]), track)
            }
            "setStreams" => self.peer(side).set_streams(id(words[0]), owned(&words[1..])),
            "setDirection" => self.peer(side).set_direction(id(words[0]), direction(words[1])),
            "stop" => self.peer(side).stop(now, id(words[0])),
            "setCodecPreferences" => {
                let codecs: Vec<_> = words[1..].iter().map(|name| codec(name)).collect();
                self.peer(side).set_codec_preferences(id(words[0]), &codecs)
            }
            "createDataChannel" => {
                self.peer(side).create_data_channel(now, words[0], DataChannelInit::default()).map(drop)
            }
            "createOffer" => {
                let offer = self.peer(side).create_offer()?;
                self.put_aside(words, offer);
                Ok(())
            }
            "createAnswer" => {
                let answer = self.peer(side).create_answer()?;
                self.put_aside(words, answer);
                Ok(())
            }
            "setLocal" => {
                let description = (!words.is_empty()).then(|| self.description(words, String::new()));
                self.peer(side).set_local_description(now, description)
            }
            "setRemote" => {
                let theirs = self.scene.ends[1 - side].peer.local_description();
                let description = self.description(words, theirs.map(|one| one.sdp).unwrap_or_default());
                self.peer(side).set_remote_description(now, description)
            }
            "restartIce" => {
                self.peer(side).restart_ice();
                Ok(())
            }
            "addIceCandidate" => self.peer(side).add_ice_candidate(now, &candidate(words)),
            "close" => {
                self.peer(side).close(now);
                Ok(())
            }
            other => panic!("there is no call {other}"),
        }
    }

    /// What is no call of one peer: time, text, a whole exchange.
    pub fn act(&mut self, name: &str, words: &[&str], rest: &str) {
        match name {
            "negotiate" => self.negotiate(side(words[0])),
            "connect" => {
                self.exchange_candidates();
                self.scene.connect();
            }
            "run" => {
                let millis = words[0].strip_suffix("ms").expect("a time in ms");
                self.scene.run_for(Duration::from_millis(millis.parse().unwrap()));
            }
            // Frames go out on a transceiver from now on.
            "send" => {
                let (side, id) = (side(words[0]), id(words[1]));
                let kind = self.scene.ends[side].peer.transceiver(id).expect("it is there").kind;
                self.scene.ends[side].sources.push(Source::new(id, kind));
            }
            "silence" => {
                let (side, id) = (side(words[0]), id(words[1]));
                self.scene.ends[side].sources.retain(|source| source.id != id);
            }
            // text NAME of SIDE local|remote|…
            "text" => {
                let found = self.description_of(side(words[2]), words[3]);
                let text = found.unwrap_or_else(|| panic!("{} has no {}", words[2], words[3])).sdp;
                self.texts.insert(words[0].to_owned(), text);
            }
            // edit NAME: "from" -> "to", on all lines that have it
            "edit" => {
                let (from, to) = rest.split_once(" -> ").expect("edit NAME: from -> to");
                let (from, to) = (unquoted(from), unquoted(to));
                let text = self.texts.get_mut(words[0].trim_end_matches(':')).expect("a text of this name");
                assert!(text.contains(&from), "{from:?} is not in\n{text}");
                *text = text.replace(&from, &to);
            }
            // cut NAME: lines that begin so
            "cut" => {
                let start = unquoted(rest);
                let text = self.texts.get_mut(words[0].trim_end_matches(':')).expect("a text of this name");
                let before = text.len();
                *text = text.split_inclusive('\n').filter(|line| !line.starts_with(&start)).collect();
                assert!(text.len() < before, "no line begins with {start:?}");
            }
            // keep NAME: only lines that begin so
            "keep" => {
                let start = unquoted(rest);
                let text = self.texts.get_mut(words[0].trim_end_matches(':')).expect("a text of this name");
                *text = text.split_inclusive('\n').filter(|line| line.starts_with(&start)).collect();
                assert!(!text.is_empty(), "no line begins with {start:?}");
            }
            "same" => assert_eq!(self.texts[words[0]], self.texts[words[1]]),
            "differ" => assert_ne!(self.texts[words[0]], self.texts[words[1]]),
            other => panic!("there is no action {other}"),
        }
    }

    /// An offer, its answer, and their candidates, without trickling.
    fn negotiate(&mut self, from: Side) {
        let now = self.scene.now;
        let to = 1 - from;
        self.peer(from).set_local_description(now, None).unwrap();
        let offer = self.peer(from).local_description().unwrap();
        self.peer(to).set_remote_description(now, offer).unwrap();
        self.peer(to).set_local_description(now, None).unwrap();
        let answer = self.peer(to).local_description().unwrap();
        self.peer(from).set_remote_description(now, answer).unwrap();
    }

    /// Each side's candidates so far, to the other.
    fn exchange_candidates(&mut self) {
        self.scene.drain();
        self.scene.run_for(Duration::from_millis(50));
    }

    fn put_aside(&mut self, words: &[&str], description: SessionDescription) {
        let name = match words {
            ["as", name] => *name,
            [] => description.kind.as_str(),
            _ => panic!("as NAME"),
        };
        self.texts.insert(name.to_owned(), description.sdp);
    }

    fn description(&self, words: &[&str], otherwise: String) -> SessionDescription {
        let kind = SdpType::from_word(words[0]).expect("a type of description");
        let sdp = match words[1..] {
            [] => otherwise,
            ["=", name] => self.texts.get(name).unwrap_or_else(|| panic!("no text {name}")).clone(),
            _ => panic!("TYPE = NAME"),
        };
        let sdp = if kind == SdpType::Rollback { String::new() } else { sdp };
        SessionDescription { kind, sdp }
    }

    fn description_of(&mut self, side: Side, which: &str) -> Option<SessionDescription> {
        let peer = self.peer(side);
        match which {
            "local" => peer.local_description(),
            "remote" => peer.remote_description(),
            "currentLocal" => peer.current_local_description(),
            "currentRemote" => peer.current_remote_description(),
            "pendingLocal" => peer.pending_local_description(),
            "pendingRemote" => peer.pending_remote_description(),
            other => panic!("there is no description {other}"),
        }
    }

    /// What a side shows, in the words in which a script expects it.
    pub fn look(&mut self, side: Side, name: &str, words: &[&str]) -> String {
        match name {
            "signaling" => self.peer(side).signaling_state().to_string(),
            "events" => self.news(side),
            "canTrickle" => match self.peer(side).can_trickle_ice_candidates() {
                Some(can) => can.to_string(),
                None => "null".to_owned(),
            },
            "transceivers" => {
                let all = self.peer(side).transceivers();
                all.iter().map(|one| one.id.0.to_string()).collect::<Vec<_>>().join(" ")
            }
            "mid" | "kind" | "direction" | "currentDirection" => {
                let view = self.peer(side).transceiver(id(words[0])).expect("the transceiver is there");
                match name {
                    "mid" => view.mid.map_or("null".to_owned(), |mid| mid.to_string()),
                    "kind" => view.kind.to_string(),
                    "direction" => view.direction.to_string(),
                    _ => view.current_direction.map_or("null".to_owned(), |one| one.to_string()),
                }
            }
            "senderTrack" => {
                let view = self.peer(side).sender(id(words[0])).expect("the transceiver is there");
                view.track.map_or("null".to_owned(), |track| track.id)
            }
            "sends" => {
                let view = self.peer(side).sender(id(words[0])).expect("the transceiver is there");
                view.codec.map_or("nothing".to_owned(), |codec| codec.format.name().to_owned())
            }
            "receiverTrack" => self.peer(side).receiver(id(words[0])).expect("it is there").track_id,
            "receiverStreams" => {
                let view = self.peer(side).receiver(id(words[0])).expect("it is there");
                view.stream_ids.join(" ")
            }
            "muted" => self.peer(side).receiver(id(words[0])).expect("it is there").muted.to_string(),
            "receives" => {
                let view = self.peer(side).receiver(id(words[0])).expect("it is there");
                let names: Vec<_> = view.codecs.iter().map(|codec| codec.format.name()).collect();
                names.join(" ")
            }
            "type" => match self.description_of(side, words[0]) {
                Some(description) => description.kind.to_string(),
                None => "null".to_owned(),
            },
            "sections" => {
                let text = self.description_of(side, words[0]).expect("the description is there").sdp;
                text.matches("\r\nm=").count().to_string()
            }
            "frames" => {
                let of = self.scene.ends[side].arrivals.of(id(words[0]));
                (if of > 0 { "some" } else { "none" }).to_owned()
            }
            other => panic!("there is nothing like {other} to see"),
        }
    }

    /// The lines of a section of a description; all lines without an index.
    pub fn lines(&mut self, side: Side, which: &str, index: Option<usize>) -> Vec<String> {
        let text = match self.texts.get(which) {
            Some(text) => text.clone(),
            None => self.description_of(side, which).expect("the description is there").sdp,
        };
        let section = |text: String| {
            let parts: Vec<_> = text.split("\r\nm=").map(str::to_owned).collect();
            match index {
                Some(index) => format!("m={}", parts.get(index + 1).expect("a section of this index")),
                None => text,
            }
        };
        section(text).lines().map(str::to_owned).collect()
    }

    /// The events since they were last looked at, of those a script is about.
    fn news(&mut self, side: Side) -> String {
        self.scene.drain();
        let events = &self.scene.ends[side].events;
        let words: Vec<String> = events[self.seen[side]..].iter().filter_map(word).collect();
        self.seen[side] = events.len();
        words.join(" ")
    }
}

fn word(event: &Event) -> Option<String> {
    Some(match event {
        Event::SignalingState(state) => state.to_string(),
        Event::NegotiationNeeded => "negotiationneeded".to_owned(),
        Event::Track(id) => format!("track:{}", id.0),
        Event::TrackMuted(id) => format!("mute:{}", id.0),
        Event::TrackUnmuted(id) => format!("unmute:{}", id.0),
        Event::TrackEnded(id) => format!("ended:{}", id.0),
        Event::StreamsChanged(id) => format!("streams:{}", id.0),
        _ => return None,
    })
}

pub fn side(word: &str) -> Side {
    match word {
        "a" => ALICE,
        "b" => BOB,
        other => panic!("there is no peer {other}, only a and b"),
    }
}

fn id(word: &str) -> TransceiverId {
    TransceiverId(word.parse().expect("the number of a transceiver"))
}

fn kind(word: &str) -> MediaKind {
    MediaKind::from_word(word).expect("audio or video")
}

fn direction(word: &str) -> Direction {
    Direction::from_word(word).expect("a direction")
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The first codec of this name; `unknown` is one that no configuration has.
fn codec(name: &str) -> CodecCapability {
    let all = CodecCapability::all();
    if name == "unknown" {
        return CodecCapability { clock_rate: 12_345, ..all[0].clone() };
    }
    let beside = [CodecCapability::rtx(), CodecCapability::telephone_event(48_000)];
    let mut all = all.into_iter().chain(beside);
    all.find(|codec| codec.format.name() == name).expect("a codec of this name")
}

/// `sendonly track=cam streams=s1,s2`
fn transceiver_init(words: &[&str]) -> TransceiverInit {
    let mut init = TransceiverInit::default();
    for word in words {
        match word.split_once('=') {
            Some(("track", id)) => {
                init.track = Some(TrackInit { id: id.to_owned(), stream_ids: Vec::new() });
            }
            Some(("streams", ids)) => init.stream_ids = ids.split(',').map(str::to_owned).collect(),
            _ => init.direction = direction(word),
        }
    }
    init
}

/// `mid=0 index=1 ufrag=x candidate`, the last with a candidate line, else the end of candidates.
fn candidate(words: &[&str]) -> IceCandidateInit {
    let mut init = IceCandidateInit::default();
    for word in words {
        match word.split_once('=') {
            Some(("mid", mid)) => init.sdp_mid = Some(mid.to_owned()),
            Some(("index", index)) => init.sdp_m_line_index = Some(index.parse().unwrap()),
            Some(("ufrag", ufrag)) => init.username_fragment = Some(ufrag.to_owned()),
            None if *word == "good" => {
                init.candidate = "candidate:1 1 udp 2113937151 10.0.0.9 5000 typ host".to_owned();
            }
            None if *word == "bad" => init.candidate = "candidate:nonsense".to_owned(),
            _ => panic!("{word} is nothing of a candidate"),
        }
    }
    init
}

pub fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.expect("text in double quotes").replace("\\r\\n", "\r\n")
}
