//! Several transports: each bundle policy, with a remote that bundles and one that does not, in both roles.

mod scene;

use std::time::Duration;

use peerless_peer::channel::{DataChannelInit, Message};
use peerless_peer::config::{BundlePolicy, Config};
use peerless_peer::event::Event;
use peerless_peer::id::{ChannelId, TransceiverId, TransportId};
use peerless_peer::state::{ConnectionState, Direction, IceGatheringState, MediaKind};
use peerless_peer::transceiver::TransceiverInit;
use peerless_transport::state::{DtlsState, IceState};
use scene::{ALICE, BOB, Scene, Setting, Side};

const LONG: Duration = Duration::from_secs(30);

const POLICIES: [BundlePolicy; 3] =
    [BundlePolicy::Balanced, BundlePolicy::MaxCompat, BundlePolicy::MaxBundle];

/// A sound, two pictures each way, and a data channel of Alice's.
struct Call {
    scene: Scene,
    channel: ChannelId,
}

impl Call {
    /// Offered by Alice with her policy, answered by Bob with his.
    fn new(alice: BundlePolicy, bob: BundlePolicy) -> Self {
        let mut scene = Scene::with(Setting::default());
        for (side, policy) in [(ALICE, alice), (BOB, bob)] {
            let mut config = scene::config(1, side);
            config.bundle_policy = policy;
            scene.replace(side, config);
        }
        for side in [ALICE, BOB] {
            scene.add_source(side, MediaKind::Audio);
            scene.add_source(side, MediaKind::Video);
            scene.add_source(side, MediaKind::Video);
        }
        let now = scene.now;
        let channel = scene.peer(ALICE).create_data_channel(now, "talk", DataChannelInit::default()).unwrap();
        Self { scene, channel }
    }

    /// Bob, and who answers him, know nothing of BUNDLE: its group is lost on the way, in both directions.
    fn without_groups(mut self) -> Self {
        self.scene.loses_lines_with = Some("a=group:BUNDLE");
        self
    }

    fn connected(mut self) -> Self {
        self.scene.negotiate(ALICE);
        self.scene.connect();
        self
    }

    /// How many transports each side has in use, and of how many it has told that they ended.
    fn transports(&self) -> [(usize, usize); 2] {
        let count = |side: Side| {
            let end = &self.scene.ends[side];
            let closed = end.count(|event| matches!(event, Event::TransportClosed(_)));
            (end.peer.transports().len(), closed)
        };
        [count(ALICE), count(BOB)]
    }

    /// Runs until so many transceivers of each side have received several frames.
    fn flows(&mut self, transceivers: usize) {
        let several = |scene: &Scene, side: Side| {
            let arrived = &scene.ends[side].arrivals.by_transceiver;
            arrived.values().filter(|(count, _)| *count >= 10).count()
        };
        let done =
            |scene: &Scene| several(scene, ALICE) == transceivers && several(scene, BOB) == transceivers;
        let reached = self.scene.run_until(LONG, done);
        let counts = [ALICE, BOB].map(|side| &self.scene.ends[side].arrivals.by_transceiver);
        assert!(reached, "{counts:?} {}", self.scene.states());
    }

    /// Sends a message over the channel and has it arrive.
    fn talks(&mut self) {
        let find = |scene: &Scene| {
            scene.ends[BOB].events.iter().find_map(|event| match event {
                Event::DataChannel(id) => Some(*id),
                _ => None,
            })
        };
        assert!(self.scene.run_until(LONG, |scene| find(scene).is_some()), "{}", self.scene.states());
        let theirs = find(&self.scene).unwrap();
        let now = self.scene.now;
        let message = Message::from("over its own transport");
        self.scene.peer(ALICE).send_message(now, self.channel, message.clone()).unwrap();
        let arrived = |event: &Event| *event == Event::MessageArrived(theirs);
        assert!(self.scene.run_until(LONG, |scene| scene.ends[BOB].count(arrived) > 0));
        let now = self.scene.now;
        assert_eq!(self.scene.peer(BOB).poll_message(now, theirs), Some(message));
    }

    /// Every transport in use is secured, has its own sockets and credentials, and carried datagrams both ways.
    fn are_apart(&self) {
        for end in &self.scene.ends {
            let views = end.peer.transports();
            let mut pairs: Vec<_> = views.iter().map(|view| view.ice.selected_pair.unwrap().local).collect();
            let mut ufrags: Vec<_> =
                views.iter().map(|view| view.ice.local_parameters.ufrag.clone()).collect();
            pairs.sort_unstable();
            pairs.dedup();
            ufrags.sort_unstable();
            ufrags.dedup();
            assert_eq!((pairs.len(), ufrags.len()), (views.len(), views.len()));
            for view in &views {
                assert_eq!(view.state, DtlsState::Connected, "{view:?}");
                assert_eq!(view.remote_certificates.len(), 1);
                assert!(!view.ice.local_candidates.is_empty() && !view.ice.remote_candidates.is_empty());
            }
        }
    }
}

/// How often each of these is in the text.
fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn offers_have_as_many_transports_as_the_policy_says() {
    for (policy, transports) in POLICIES.into_iter().zip([3, 4, 1]) {
        let mut call = Call::new(policy, BundlePolicy::MaxBundle);
        let now = call.scene.now;
        call.scene.peer(ALICE).set_local_description(now, None).unwrap();
        call.scene.drain();
        let text = call.scene.peer(ALICE).local_description().unwrap().sdp;
        assert_eq!(count(&text, "a=bundle-only"), 4 - transports, "{policy:?}\n{text}");
        assert_eq!(count(&text, "a=group:BUNDLE 0 1 2 3\r\n"), 1, "{text}");
        assert_eq!(count(&text, "a=candidate:"), transports, "one host candidate for each\n{text}");
        assert_eq!(count(&text, "a=end-of-candidates"), transports);
        let mut ufrags: Vec<&str> = text.lines().filter(|line| line.starts_with("a=ice-ufrag")).collect();
        ufrags.sort_unstable();
        ufrags.dedup();
        assert_eq!(ufrags.len(), transports);
        let asked = call.scene.ends[ALICE].count(|event| matches!(event, Event::Gather(_)));
        assert_eq!(asked, transports);
        let told = call.scene.ends[ALICE].candidates();
        let mut mids: Vec<&str> = told.iter().filter_map(|one| one.sdp_mid.as_deref()).collect();
        mids.dedup();
        let expected: &[&str] = match policy {
            BundlePolicy::Balanced => &["0", "1", "3"],
            BundlePolicy::MaxCompat => &["0", "1", "2", "3"],
            BundlePolicy::MaxBundle => &["0"],
        };
        assert_eq!(mids, expected, "{policy:?}");
        for candidate in &told {
            let index = candidate.sdp_m_line_index.unwrap();
            assert_eq!(candidate.sdp_mid, Some(index.to_string()));
            let ufrag = candidate.username_fragment.clone().unwrap();
            assert!(text.contains(&format!("a=ice-ufrag:{ufrag}\r\n")));
        }
        let states = call.scene.ends[ALICE].events.iter().filter_map(|event| match event {
            Event::IceGatheringState(state) => Some(*state),
            _ => None,
        });
        let states: Vec<_> = states.collect();
        assert_eq!(states, [IceGatheringState::Gathering, IceGatheringState::Complete]);
    }
}

#[test]
fn a_remote_that_bundles_leaves_one_transport() {
    for alice in POLICIES {
        for bob in POLICIES {
            let mut call = Call::new(alice, bob).connected();
            let surplus = match alice {
                BundlePolicy::Balanced => 2,
                BundlePolicy::MaxCompat => 3,
                BundlePolicy::MaxBundle => 0,
            };
            assert_eq!(call.transports(), [(1, surplus), (1, 0)], "{alice:?} {bob:?}");
            call.flows(3);
            call.talks();
            call.are_apart();
        }
    }
}

#[test]
fn without_bundling_each_section_keeps_its_transport() {
    let mut call = Call::new(BundlePolicy::MaxCompat, BundlePolicy::MaxCompat).without_groups().connected();
    assert_eq!(call.transports(), [(4, 0), (4, 0)]);
    call.flows(3);
    call.talks();
    call.are_apart();
    for side in [ALICE, BOB] {
        let peer = &call.scene.ends[side].peer;
        let of: Vec<Option<TransportId>> =
            peer.transceivers().iter().map(|one| peer.transport_of(one.id).map(|view| view.id)).collect();
        assert_eq!(of, [Some(TransportId(0)), Some(TransportId(1)), Some(TransportId(2))]);
        assert_eq!(peer.data_transport().map(|view| view.id), Some(TransportId(3)));
        assert_eq!(peer.data_transport().unwrap().mids, ["3"]);
    }
}

#[test]
fn without_bundling_a_policy_takes_one_section_or_one_of_each_kind() {
    // Whoever of the two is stricter decides: by bundle-only sections in the offer, or by rejecting in the answer.
    for (alice, bob) in [
        (BundlePolicy::Balanced, BundlePolicy::MaxCompat),
        (BundlePolicy::MaxCompat, BundlePolicy::Balanced),
        (BundlePolicy::Balanced, BundlePolicy::Balanced),
    ] {
        let mut call = Call::new(alice, bob).without_groups().connected();
        let [(ours, _), (theirs, _)] = call.transports();
        assert_eq!((ours, theirs), (3, 3), "{alice:?} {bob:?}: sound, a picture, data");
        call.flows(2);
        call.talks();
        call.are_apart();
    }
    for (alice, bob) in [
        (BundlePolicy::MaxBundle, BundlePolicy::MaxCompat),
        (BundlePolicy::MaxCompat, BundlePolicy::MaxBundle),
        (BundlePolicy::Balanced, BundlePolicy::MaxBundle),
    ] {
        let mut call = Call::new(alice, bob).without_groups().connected();
        let [(ours, _), (theirs, _)] = call.transports();
        assert_eq!((ours, theirs), (1, 1), "{alice:?} {bob:?}: the first section");
        call.flows(1);
        call.are_apart();
    }
}

#[test]
fn where_the_first_section_is_rejected_the_next_one_lends_its_transport() {
    for policy in POLICIES {
        let mut call = Call::new(policy, BundlePolicy::MaxBundle);
        let now = call.scene.now;
        call.scene.offer(ALICE);
        call.scene.drain();
        let offer = call.scene.peer(ALICE).local_description().unwrap();
        call.scene.peer(BOB).set_remote_description(now, offer).unwrap();
        let sound = call.scene.ends[BOB].peer.transceivers()[0].id;
        call.scene.peer(BOB).stop(now, sound).unwrap();
        call.scene.forget_signalling();
        call.scene.peer(BOB).set_local_description(now, None).unwrap();
        call.scene.drain();
        let answer = call.scene.peer(BOB).local_description().unwrap();
        assert!(answer.sdp.contains("a=group:BUNDLE 1 2 3\r\n"), "{}", answer.sdp);
        call.scene.peer(ALICE).set_remote_description(now, answer).unwrap();
        call.scene.connect();
        let [(ours, _), (theirs, _)] = call.transports();
        assert_eq!((ours, theirs), (1, 1), "{policy:?}");
        call.flows(2);
        call.talks();
    }
}

#[test]
fn sections_added_later_join_the_bundle_without_a_transport_of_their_own() {
    for policy in POLICIES {
        let mut call = Call::new(policy, policy).connected();
        call.flows(3);
        let before = call.transports();
        for from in [ALICE, BOB] {
            let id = call.scene.add_source(from, MediaKind::Video);
            call.scene.negotiate(from);
            assert_eq!(call.scene.ends[from].peer.connection_state(), ConnectionState::Connected);
            assert!(call.scene.ends[from].peer.transport_of(id).is_some());
        }
        assert_eq!(call.transports(), before, "{policy:?}");
        let three = |scene: &Scene| {
            [ALICE, BOB].iter().all(|&side| scene.ends[side].arrivals.by_transceiver.len() == 4)
        };
        assert!(call.scene.run_until(LONG, three), "{policy:?}");
    }
}

#[test]
fn sections_added_to_a_remote_that_does_not_bundle_get_their_own() {
    let policy = BundlePolicy::MaxCompat;
    let mut call = Call::new(policy, policy).without_groups().connected();
    call.flows(3);
    // The second takes the transceiver of the first.
    for (from, transports) in [(ALICE, 5), (BOB, 5)] {
        let id = call.scene.add_source(from, MediaKind::Audio);
        call.scene.negotiate(from);
        call.scene.connect();
        assert_eq!(call.transports(), [(transports, 0), (transports, 0)]);
        let view = call.scene.ends[from].peer.transport_of(id).unwrap();
        assert_eq!(view.mids.len(), 1);
    }
    call.talks();
    let all =
        |scene: &Scene| [ALICE, BOB].iter().all(|&side| scene.ends[side].arrivals.by_transceiver.len() == 4);
    assert!(call.scene.run_until(LONG, all));
    call.are_apart();
}

#[test]
fn a_section_that_ends_takes_its_transport_with_it() {
    let policy = BundlePolicy::MaxCompat;
    let mut call = Call::new(policy, policy).without_groups().connected();
    call.flows(3);
    let (now, id) = (call.scene.now, call.scene.ends[ALICE].sources[1].id);
    call.scene.ends[ALICE].sources.remove(1);
    call.scene.peer(ALICE).stop(now, id).unwrap();
    call.scene.negotiate(ALICE);
    assert_eq!(call.transports(), [(3, 1), (3, 1)]);
    call.scene.connect();
    call.talks();
    call.are_apart();
}

#[test]
fn an_offer_taken_back_takes_its_new_transports_with_it() {
    let mut call = Call::new(BundlePolicy::MaxCompat, BundlePolicy::MaxCompat).without_groups().connected();
    let now = call.scene.now;
    let before = call.scene.ends[ALICE].peer.transports().len();
    let init = TransceiverInit { direction: Direction::RecvOnly, ..TransceiverInit::default() };
    let id: TransceiverId = call.scene.peer(ALICE).add_transceiver(MediaKind::Audio, init).unwrap();
    call.scene.peer(ALICE).set_local_description(now, None).unwrap();
    assert_eq!(call.scene.ends[ALICE].peer.transports().len(), before + 1);
    assert_eq!(
        call.scene.ends[ALICE].peer.connection_state(),
        ConnectionState::Connecting,
        "webrtc-pc §4.3.3"
    );
    let back = peerless_peer::description::SessionDescription {
        kind: peerless_peer::state::SdpType::Rollback,
        sdp: String::new(),
    };
    call.scene.peer(ALICE).set_local_description(now, Some(back)).unwrap();
    assert_eq!(call.scene.ends[ALICE].peer.transports().len(), before);
    assert_eq!(call.scene.ends[ALICE].peer.connection_state(), ConnectionState::Connected);
    assert_eq!(call.scene.ends[ALICE].peer.transport_of(id), None);
    call.flows(3);
}

/// Bob bundles, and the word of it is lost on the way of his answer: what Alice takes for transports of their own has nobody
/// at the other end. No candidates come, and their end does not either, so ICE waits for as long as RFC 8863 wants it to, and
/// has failed then.
#[test]
fn an_answer_that_lost_its_group_leaves_transports_that_fail_when_ice_has_waited_long_enough() {
    for (policy, lost) in [(BundlePolicy::MaxCompat, 3), (BundlePolicy::Balanced, 2)] {
        let mut call = Call::new(policy, BundlePolicy::MaxBundle);
        let scene = &mut call.scene;
        let now = scene.now;
        scene.peer(ALICE).set_local_description(now, None).unwrap();
        let offer = scene.peer(ALICE).local_description().unwrap();
        scene.peer(BOB).set_remote_description(now, offer).unwrap();
        scene.peer(BOB).set_local_description(now, None).unwrap();
        let mut answer = scene.peer(BOB).local_description().unwrap();
        let kept = answer.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=group:BUNDLE"));
        answer.sdp = kept.collect();
        scene.peer(ALICE).set_remote_description(now, answer).unwrap();
        let state = |scene: &Scene| scene.ends[ALICE].peer.connection_state();
        scene.run_for(Duration::from_secs(39));
        assert_eq!(state(scene), ConnectionState::Connecting, "{policy:?}");
        let has_failed = scene.run_until(LONG, |scene| state(scene) == ConnectionState::Failed);
        assert!(has_failed, "{policy:?}: {}", scene.states());
        let views = scene.ends[ALICE].peer.transports();
        let failed = views.iter().filter(|view| view.ice.state == IceState::Failed).count();
        assert_eq!((views.len(), failed), (lost + 1, lost), "{policy:?}");
        assert_eq!(views[0].state, DtlsState::Connected, "what there is goes on");
    }
}

/// The settings of a peer can differ by more than a scene's function can tell.
impl Scene {
    fn replace(&mut self, side: Side, config: Config) {
        self.ends[side].peer = peerless_peer::Peer::new(config).unwrap();
    }
}
