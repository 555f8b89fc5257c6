//! Two peers, the network between them, and what is known of each from what it was told and what it told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_netsim::Network;
use peerless_peer::Peer;
use peerless_peer::channel::Message;
use peerless_peer::config::{BundlePolicy, CodecCapability, DtlsVersions};
use peerless_peer::description::IceCandidateInit;
use peerless_peer::error::{CandidateError, Error};
use peerless_peer::event::{Diagnostic, Event};
use peerless_peer::id::{ChannelId, TransceiverId};
use peerless_peer::state::{DataChannelState, MediaKind, SdpType, SignalingState};
use peerless_peer::transceiver::TransceiverView;
use peerless_rtp::codec::Format;
use peerless_transport::datagram::{Datagram, Protocol};

use crate::chance::Chance;
use crate::encodings::Layer;
use crate::flow::Flights;
use crate::losses::Losses;
use crate::needed;
use crate::scene::stage::{config, delay, moment};

/// Which of the two.
pub type Which = usize;

pub struct World {
    pub now: Instant,
    pub chance: Chance,
    pub sides: [Side; 2],
    pub flights: Flights,
    pub losses: Losses,
    network: Network<BytesMut>,
    seed: u64,
    is_told: bool,
    log: Vec<String>,
    /// How many names were given to tracks and channels.
    names: usize,
}

/// One peer, with the test's own record of it.
pub struct Side {
    pub peer: Peer,
    address: IpAddr,
    pub codecs: Vec<CodecCapability>,
    pub slots: Slots,
    /// The session version of the last description it made, and its text.
    pub written: (u64, String),
    /// `[[NegotiationNeeded]]` as the standard has it.
    pub needed: bool,
    /// How often `negotiationneeded` was fired since it was looked at.
    needed_told: usize,
    /// How often `signalingstatechange` was fired since it was looked at, and the last of them.
    signaling_told: Vec<SignalingState>,
    /// Of each transceiver the remote's streams, while the remote sends by the last description (`[[FiredDirection]]`,
    /// `[[AssociatedRemoteMediaStreams]]`).
    pub fired: BTreeMap<TransceiverId, BTreeSet<String>>,
    /// The same as it was in the last stable state.
    pub fired_before: BTreeMap<TransceiverId, BTreeSet<String>>,
    /// The transceivers of which `track` was fired since it was looked at.
    pub tracks_told: Vec<TransceiverId>,
    /// The encodings of each sender that ever had, or was to have, several.
    pub layers: BTreeMap<TransceiverId, Vec<Layer>>,
    /// Those that the remote's pending offer took the place of.
    pub layers_before: BTreeMap<TransceiverId, Vec<Layer>>,
    /// The streams of each sender.
    pub streams: BTreeMap<TransceiverId, Vec<String>>,
    pub made_by_add_track: BTreeSet<TransceiverId>,
    /// Those to which `add_track` ever gave a track.
    pub had_track: BTreeSet<TransceiverId>,
    /// `[[LocalIceCredentialsToReplace]]`, the username fragments of them.
    pub to_replace: BTreeSet<String>,
    /// Those whose codec preferences, or the other side's, left nothing in common at some time.
    pub picky: BTreeSet<TransceiverId>,
    /// Those that were ever negotiated to send.
    pub used: BTreeSet<TransceiverId>,
    /// The transceivers as they were in the last stable state.
    pub stable: Vec<TransceiverView>,
    /// Open and opening channels by label.
    pub channels: BTreeMap<String, ChannelId>,
    pub made_channel: bool,
    /// All that is not rejected is in one BUNDLE group.
    pub bundles: bool,
    /// Its candidates are lost on the way.
    loses_candidates: bool,
    /// Candidates on their way to it: how many moments they still take.
    candidates: VecDeque<(usize, IceCandidateInit)>,
    pub messages: Vec<(ChannelId, Message)>,
    out: BytesMut,
}

/// The four descriptions of a side (webrtc-pc §4.4.2), by what was set.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    pub current_local: Option<(SdpType, String)>,
    pub current_remote: Option<(SdpType, String)>,
    pub pending_local: Option<(SdpType, String)>,
    pub pending_remote: Option<(SdpType, String)>,
}

impl World {
    pub fn new(seed: u64, is_told: bool) -> Self {
        let mut chance = Chance::new(seed);
        let versions = [DtlsVersions::Any, DtlsVersions::Only12, DtlsVersions::Only13];
        let versions = chance.pick(&versions).unwrap();
        // At most one side's candidates are lost: the other is found by its checks.
        let silent = chance.below(6);
        let losses = Losses { groups: chance.one_in(5), encodings: chance.one_in(3) };
        let sides = [0, 1].map(|which| {
            let mut config = config(seed, which);
            config.codecs = codecs(&mut chance);
            config.dtls = versions;
            config.pacing = false;
            config.ice_candidate_pool_size = chance.below(12).saturating_sub(8) as u8;
            let policies = [BundlePolicy::Balanced, BundlePolicy::MaxCompat, BundlePolicy::MaxBundle];
            config.bundle_policy = match losses.groups {
                true => BundlePolicy::MaxCompat,
                false => chance.pick(&policies).unwrap(),
            };
            config.diagnostics = is_told;
            let codecs = config.codecs.clone();
            let mut side = Side::new(Peer::new(config).unwrap(), which, codecs, silent == which);
            side.bundles = !losses.groups;
            side
        });
        Self {
            now: moment(),
            chance,
            sides,
            flights: Flights::default(),
            losses,
            network: Network::new(seed, delay(1)),
            seed,
            is_told,
            log: Vec::new(),
            names: 0,
        }
    }

    /// Notes what is done next, so that a failure can be told.
    pub fn note(&mut self, words: String) {
        if self.is_told {
            println!("{words}");
        }
        self.log.push(words);
    }

    /// A name that nothing has yet.
    pub fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}{}", self.names)
    }

    pub fn is_stable(&self) -> bool {
        self.sides.iter().all(|side| side.peer.signaling_state() == SignalingState::Stable)
    }

    /// Runs until `done`, for at most `limit` of virtual time. Says whether it was reached.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let timeouts = self.sides.iter().filter_map(|side| side.peer.poll_timeout());
            let next = timeouts.chain(self.network.next_arrival()).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            self.advance();
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    fn advance(&mut self) {
        while let Some((source, destination, contents)) = self.network.receive(self.now) {
            if let Some(side) = self.sides.iter_mut().find(|side| side.address == destination.ip()) {
                let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
                side.peer.handle_datagram(self.now, datagram);
            }
        }
        for side in &mut self.sides {
            if side.peer.poll_timeout().is_some_and(|at| at <= self.now) {
                side.peer.handle_timeout(self.now);
            }
        }
    }

    /// Takes all that both peers have to give.
    pub fn drain(&mut self) {
        for which in [0, 1] {
            let told = self.sides[which].drain(self.now, &mut self.network);
            for candidate in told.candidates {
                let moments = self.chance.below(6);
                self.sides[1 - which].candidates.push_back((moments, candidate));
            }
            for (id, frame) in told.frames {
                let mid = self.sides[which].peer.transceiver(id).and_then(|one| one.mid);
                let receiver = self.sides[which].peer.receiver(id);
                let is_plain = receiver.is_none_or(|receiver| receiver.rids.is_empty());
                self.flights.land(which, mid.map(|mid| mid.to_string()).as_deref(), &frame, is_plain);
            }
        }
    }

    /// Candidates whose time has come arrive, in whatever order that makes.
    pub fn bring_candidates(&mut self, all: bool) {
        for side in &mut self.sides {
            for _ in 0..side.candidates.len() {
                let Some((moments, candidate)) = side.candidates.pop_front() else { continue };
                if moments > 0 && !all {
                    side.candidates.push_back((moments - 1, candidate));
                    continue;
                }
                let taken = side.peer.add_ice_candidate(self.now, &candidate);
                if self.is_told {
                    println!("candidate {candidate:?}: {taken:?}");
                }
                match taken {
                    Ok(()) => {}
                    // The description it belongs to is still on its way …
                    Err(Error::Candidate(reason))
                        if !all || reason == CandidateError::NoRemoteDescription =>
                    {
                        side.candidates.push_back((1, candidate));
                    }
                    // … or was rolled back, or never looked at.
                    Err(Error::Candidate(_)) => {}
                    Err(error) => panic!("{candidate:?}: {error:?}"),
                }
            }
        }
    }

    /// What the call that was just made must have told: `signalingstatechange` where the state changed, and
    /// `negotiationneeded` just when the standard says so (webrtc-pc §4.4.1.5, §4.7.3).
    pub fn check_told(&mut self, which: Which, before: SignalingState) {
        self.drain();
        let side = &mut self.sides[which];
        let state = side.peer.signaling_state();
        let changes = std::mem::take(&mut side.signaling_told);
        // An offer that meets ours takes ours back first.
        let expected = match (before, state) {
            (SignalingState::HaveLocalOffer, SignalingState::HaveRemoteOffer) => {
                vec![SignalingState::Stable, state]
            }
            _ if state == before => Vec::new(),
            _ => vec![state],
        };
        assert_eq!(changes, expected, "signalingstatechange");
        let told = std::mem::take(&mut side.needed_told);
        if state != SignalingState::Stable {
            assert_eq!(told, 0, "negotiationneeded in {state}");
            return;
        }
        if before != SignalingState::Stable {
            side.needed = false;
        }
        let why = needed::is_needed(side);
        let expected = usize::from(why.is_some() && !side.needed);
        side.needed = why.is_some();
        assert_eq!(told, expected, "negotiationneeded; needed by {why:?}");
        if let Some(why) = why {
            self.note(format!("{which}: needs negotiation, {why}"));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log.join("\n"));
            for side in &self.sides {
                eprintln!("{:?}: {:#?}", side.peer, side.peer.transceivers());
            }
            eprintln!("failed with PEERLESS_SEED={}", self.seed);
        }
    }
}

/// What a peer gave for the test to carry.
struct Told {
    candidates: Vec<IceCandidateInit>,
    frames: Vec<(TransceiverId, peerless_rtp::frame::Frame)>,
}

impl Side {
    fn new(peer: Peer, which: Which, codecs: Vec<CodecCapability>, loses_candidates: bool) -> Self {
        Self {
            peer,
            address: IpAddr::from([10, 0, 0, which as u8 + 1]),
            codecs,
            slots: Slots::default(),
            written: (0, String::new()),
            needed: false,
            needed_told: 0,
            signaling_told: Vec::new(),
            fired: BTreeMap::new(),
            fired_before: BTreeMap::new(),
            tracks_told: Vec::new(),
            layers: BTreeMap::new(),
            layers_before: BTreeMap::new(),
            streams: BTreeMap::new(),
            made_by_add_track: BTreeSet::new(),
            had_track: BTreeSet::new(),
            to_replace: BTreeSet::new(),
            picky: BTreeSet::new(),
            used: BTreeSet::new(),
            stable: Vec::new(),
            channels: BTreeMap::new(),
            made_channel: false,
            bundles: true,
            loses_candidates,
            candidates: VecDeque::new(),
            messages: Vec::new(),
            out: BytesMut::with_capacity(65_536),
        }
    }

    fn drain(&mut self, now: Instant, network: &mut Network<BytesMut>) -> Told {
        let mut told = Told { candidates: Vec::new(), frames: Vec::new() };
        while let Some(event) = self.peer.poll_event() {
            self.take_event(now, event, &mut told);
        }
        while let Some(transmit) = self.peer.poll_transmit(now, &mut self.out) {
            let segment = transmit.segment_size.unwrap_or(transmit.size);
            for piece in self.out.chunks(segment) {
                network.send(now, transmit.source, transmit.destination, BytesMut::from(piece));
            }
            self.out.clear();
        }
        while let Some(frame) = self.peer.poll_frame() {
            told.frames.push(frame);
        }
        told
    }

    fn take_event(&mut self, now: Instant, event: Event, told: &mut Told) {
        match event {
            Event::Gather(link) => {
                // A socket of its own for each transport.
                let address = SocketAddr::new(self.address, 5000 + link.0 as u16);
                self.peer.add_local_address(now, link, address);
                self.peer.finish_local_addresses(now, link);
            }
            Event::IceCandidate(candidate) if !self.loses_candidates => told.candidates.push(candidate),
            Event::NegotiationNeeded => self.needed_told += 1,
            Event::SignalingState(state) => self.signaling_told.push(state),
            Event::Track(id) => self.tracks_told.push(id),
            Event::DataChannel(id) => {
                let label = self.peer.channel(id).unwrap().label;
                assert!(self.channels.insert(label, id).is_none(), "a channel of the same label");
            }
            Event::ChannelState(id, DataChannelState::Closed) => {
                self.channels.retain(|_, known| *known != id);
            }
            Event::MessageArrived(id) => {
                while let Some(message) = self.peer.poll_message(now, id) {
                    self.messages.push((id, message));
                }
            }
            Event::ChannelError(id, error) => panic!("{id:?}: {error:?}"),
            Event::Diagnostic(Diagnostic::Dropped { mid, reason, .. }) => {
                println!("dropped of {mid:?}: {reason}")
            }
            Event::Diagnostic(Diagnostic::Rtcp { sent: false, summary, .. }) => println!("{now:?} {summary}"),
            Event::DtlsFailed(_, failure) => panic!("{failure:?}"),
            _ => {}
        }
    }

    /// The one transceiver of a media section.
    pub fn transceiver(&self, mid: &str) -> Option<TransceiverView> {
        let is_it = |one: &TransceiverView| one.mid.as_ref().is_some_and(|own| own.to_string() == mid);
        let mut all = self.peer.transceivers().into_iter().filter(is_it);
        let first = all.next();
        assert!(all.next().is_none(), "two transceivers of mid {mid}");
        first
    }
}

/// The codecs of a side: some of ours in any order, VP8 and Opus always among them, so that there is something in common.
fn codecs(chance: &mut Chance) -> Vec<CodecCapability> {
    let (mut chosen, others): (Vec<_>, Vec<_>) = CodecCapability::all().into_iter().partition(is_common);
    for codec in chance.some(&others).into_iter().take(2) {
        chosen.insert(chance.below(chosen.len() + 1), codec);
    }
    chosen
}

/// Whether both sides have it in any case.
pub fn is_common(codec: &CodecCapability) -> bool {
    matches!(codec.format, Format::Vp8 | Format::Opus)
}

/// Sound or pictures, as a format is.
pub fn kind_of(codec: &CodecCapability) -> MediaKind {
    if codec.format.is_video() { MediaKind::Video } else { MediaKind::Audio }
}
