//! A party to an exchange: a view, and a conductor that carries plans out on it as the peer does.

use std::fs;
use std::path::PathBuf;

use peerless_wire::rtp::Ssrc;
use peerless_wire::sdp::{Description, Fingerprint};

use peerless_peer::config::{BundlePolicy, CodecCapability};
use peerless_peer::error::{DescriptionError, Error};
use peerless_peer::id::{TransceiverId, TransportId};
use peerless_peer::jsep::plan::{EncodingsChange, Plan, Target, TrackChange};
use peerless_peer::jsep::routes::Routes;
use peerless_peer::jsep::view::{Credentials, DataView, Descriptions, TransceiverView, TransportView, View};
use peerless_peer::jsep::{Source, apply, create_answer, create_offer, owners};
use peerless_peer::state::{Direction, MediaKind, SdpType, SignalingState};

/// One side of an exchange.
#[derive(Clone)]
pub struct Party {
    pub view: View,
    next_id: u32,
}

impl Party {
    /// One with all codecs and no transceiver; `seed` tells two parties apart.
    pub fn new(seed: u8) -> Self {
        let view = View {
            renomination: false,
            signaling: SignalingState::Stable,
            session_id: 1000 + u64::from(seed),
            session_version: 0,
            cname: format!("cname-{seed}"),
            ice_lite: false,
            bundle_policy: BundlePolicy::MaxBundle,
            transports: (0..8).map(|number| transport(seed, number)).collect(),
            routes: Routes::default(),
            codecs: CodecCapability::all(),
            transceivers: Vec::new(),
            offered: Vec::new(),
            data: DataView { wanted: false, max_message_size: 262_144, max_packet_size: 16_384 },
            descriptions: Descriptions::default(),
        };
        Self { view, next_id: 0 }
    }

    /// The same with codecs of these names only.
    pub fn with_codecs(mut self, names: &[&str]) -> Self {
        self.view.codecs.retain(|codec| names.contains(&codec.format.name()));
        self
    }

    /// `addTrack`.
    pub fn add_track(&mut self, kind: MediaKind) -> TransceiverId {
        self.add(kind, Direction::SendRecv, true)
    }

    /// `addTransceiver`.
    pub fn add_transceiver(&mut self, kind: MediaKind, direction: Direction) -> TransceiverId {
        self.add(kind, direction, false)
    }

    fn add(&mut self, kind: MediaKind, direction: Direction, by_add_track: bool) -> TransceiverId {
        let number = self.next_id;
        self.next_id += 1;
        let ssrc = u32::try_from(self.view.session_id).unwrap() * 1000 + number * 2;
        let is_video = kind == MediaKind::Video;
        self.view.transceivers.push(TransceiverView {
            id: TransceiverId(number),
            kind,
            mid: None,
            direction,
            is_stopped: false,
            current_direction: None,
            by_add_track,
            by_remote_offer: false,
            codec_preferences: Vec::new(),
            stream_ids: if by_add_track { vec!["stream".to_owned()] } else { Vec::new() },
            track_id: by_add_track.then(|| format!("{kind}-track")),
            ssrc: Ssrc(ssrc),
            rtx_ssrc: is_video.then_some(Ssrc(ssrc + 1)),
            encodings: vec![None],
            encodings_by_offer: false,
            receive_rids: Vec::new(),
            remote_track: None,
            stable_stream_ids: Vec::new(),
        });
        TransceiverId(number)
    }

    pub fn transceiver(&mut self, id: TransceiverId) -> &mut TransceiverView {
        self.view.transceivers.iter_mut().find(|one| one.id == id).unwrap()
    }

    pub fn create_offer(&mut self) -> Description {
        let offer = create_offer(&self.view).unwrap();
        self.view.session_version = offer.origin.session_version;
        self.view.offered = owners(&self.view);
        offer
    }

    pub fn create_answer(&mut self) -> Description {
        let answer = create_answer(&self.view).unwrap();
        self.view.session_version = answer.origin.session_version;
        answer
    }

    /// Applies a description and carries the plan out.
    pub fn set(&mut self, source: Source, kind: SdpType, description: &Description) -> Result<Plan, Error> {
        let plan = apply(&self.view, source, kind, description)?;
        self.carry_out(&plan);
        Ok(plan)
    }

    /// The same where it must be refused: gives what is wrong in the description.
    pub fn refusal(&self, source: Source, kind: SdpType, text: &str) -> DescriptionError {
        let description = Description::parse(text).unwrap();
        match apply(&self.view, source, kind, &description) {
            Err(Error::Description(error)) => error,
            Err(other) => panic!("expected a description error, got {other:?}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    fn carry_out(&mut self, plan: &Plan) {
        self.view.signaling = plan.signaling;
        self.view.descriptions = plan.descriptions.clone();
        for change in &plan.transceivers {
            let id = match change.target {
                Target::Existing(id) => id,
                Target::New(kind) => {
                    let id = self.add(kind, Direction::RecvOnly, false);
                    self.transceiver(id).by_remote_offer = true;
                    id
                }
            };
            let transceiver = self.transceiver(id);
            transceiver.mid.clone_from(&change.mid);
            if change.stop {
                transceiver.direction = Direction::Stopped;
                transceiver.is_stopped = true;
            }
            transceiver.current_direction = change.current_direction.or(transceiver.current_direction);
            match &change.encodings {
                EncodingsChange::None => {}
                EncodingsChange::Proposed(rids) => {
                    transceiver.encodings = rids.iter().cloned().map(Some).collect();
                    transceiver.encodings_by_offer = matches!(change.target, Target::Existing(_));
                }
                EncodingsChange::Reduced(rids) if rids.is_empty() => transceiver.encodings.truncate(1),
                EncodingsChange::Reduced(rids) => {
                    transceiver.encodings.retain(|rid| rid.as_ref().is_some_and(|rid| rids.contains(rid)));
                }
                EncodingsChange::Restored => {
                    transceiver.encodings = vec![None];
                    transceiver.encodings_by_offer = false;
                }
            }
            match &change.remote_track {
                TrackChange::None => {}
                TrackChange::Began(track) | TrackChange::Moved(track) => {
                    transceiver.remote_track = Some(track.clone());
                }
                TrackChange::Muted => transceiver.remote_track = None,
            }
        }
        self.view.transceivers.retain(|one| !plan.removed.contains(&one.id));
        if plan.signaling == SignalingState::Stable {
            self.view.transceivers.iter_mut().for_each(|one| one.encodings_by_offer = false);
        }
        self.view.routes = plan.routes.clone();
        for settled in &plan.transports {
            let mut known = self.view.transports.iter_mut();
            known.find(|one| one.id == settled.id).unwrap().dtls_role = Some(settled.role);
        }
    }
}

/// A transport that nothing goes over yet.
fn transport(seed: u8, number: u32) -> TransportView {
    let name = if number == 0 { String::new() } else { format!("-{number}") };
    TransportView {
        id: TransportId(number),
        credentials: Credentials {
            ufrag: format!("uf{seed:02}{name}"),
            password: format!("password-of-party-{seed:04}{name}"),
        },
        fingerprints: vec![Fingerprint { hash: "sha-256".to_owned(), digest: vec![seed; 32] }],
        dtls_role: None,
    }
}

/// A whole exchange; gives the plans of both answers: the offerer's, then the answerer's.
pub fn exchange(offerer: &mut Party, answerer: &mut Party) -> (Plan, Plan) {
    let offer = offerer.create_offer();
    offerer.set(Source::Local, SdpType::Offer, &offer).unwrap();
    answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = answerer.create_answer();
    let answered = answerer.set(Source::Local, SdpType::Answer, &answer).unwrap();
    let answer = Description::parse(&answer.to_string()).unwrap();
    (offerer.set(Source::Remote, SdpType::Answer, &answer).unwrap(), answered)
}

/// The text of a file in `vectors/sdp`.
pub fn vector(name: &str) -> String {
    fs::read_to_string(vectors().join("sdp").join(name)).unwrap()
}

pub fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// The formats of a plan's codecs with their numbers: `VP8/96+97`.
pub fn codecs(codecs: &[peerless_rtp::codec::Codec]) -> String {
    let words: Vec<String> = codecs
        .iter()
        .map(|codec| {
            let rtx = codec.rtx.map(|rtx| format!("+{rtx}")).unwrap_or_default();
            format!("{}/{}{rtx}", codec.format.name(), codec.payload_type)
        })
        .collect();
    words.join(" ")
}
