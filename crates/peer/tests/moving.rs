//! Whole peers of which one or both gather continually, over a thousand seeds of weather: a network vanishes and another
//! comes, before it or after. The call moves without a word where that is possible; where it is not, the peer says once that
//! it needs negotiation, and is back with that.
//! `PEERLESS_SEED=17 cargo test -p peerless-peer --test moving` replays one.

mod scene;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use peerless_netsim::{Link, Loss, seeds};
use peerless_peer::config::{Config, GatheringPolicy};
use peerless_peer::event::Event;
use peerless_peer::id::TransportId;
use peerless_peer::state::{MediaKind, SignalingState};
use peerless_transport::datagram::Base;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scene::{ALICE, Adjust, BOB, Scene, Setting, Side};

/// So long a call may take to be heard again without a word, or to say that it needs one.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long after it, at most, consent of the other side ends and all is settled (RFC 7675 §5.1).
const LONG: Duration = Duration::from_secs(60);
/// A peer waits three seconds for another network before it asks.
const SOON_MS: u64 = 2_000;

/// What happens to the networks of the side that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// The next is there before the old one goes.
    Overlapping,
    /// The next comes soon after the old one is gone.
    Interrupted,
    /// The next comes only when the peer has said what it needs.
    Late,
}

#[test]
fn calls_move_or_ask_once_first_half() {
    seeds::each(0..500, |seed, _| Call::new(seed).play());
}

#[test]
fn calls_move_or_ask_once_second_half() {
    seeds::each(500..1000, |seed, _| Call::new(seed).play());
}

struct Call {
    scene: Scene,
    chance: ChaCha8Rng,
    mover: Side,
    what: Move,
    /// Whether each side gathers continually.
    are_continual: [bool; 2],
    /// How often each side had asked for negotiation before.
    asked: [usize; 2],
}

impl Call {
    fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x6d6f_7665);
        let both: Adjust = |_, config| continual(config);
        let alice: Adjust = |side, config| {
            if side == ALICE {
                continual(config)
            }
        };
        let bob: Adjust = |side, config| {
            if side == BOB {
                continual(config)
            }
        };
        let (adjust, are_continual) = match below(&mut chance, 4) {
            0 => (alice, [true, false]),
            1 => (bob, [false, true]),
            _ => (both, [true, true]),
        };
        let movers: Vec<Side> = [ALICE, BOB].into_iter().filter(|&side| are_continual[side]).collect();
        let mover = movers[below(&mut chance, movers.len() as u64) as usize];
        let what = [Move::Overlapping, Move::Interrupted, Move::Late][below(&mut chance, 3) as usize];
        let link = Link {
            delay: Duration::from_millis(5 + below(&mut chance, 100)),
            jitter: Duration::from_millis(below(&mut chance, 20)),
            loss: Loss::Random(below(&mut chance, 4) as f64 / 100.0),
            ..Link::default()
        };
        let mut scene = Scene::with(Setting { seed, link, adjust });
        scene.signalling_delay = Duration::from_millis(below(&mut chance, 200));
        for side in [ALICE, BOB] {
            scene.add_source(side, MediaKind::Audio);
        }
        scene.offer(ALICE);
        assert!(scene.run_until(LONG, Scene::is_connected), "{}", scene.states());
        scene.run_for(Duration::from_millis(1_000 + below(&mut chance, 3_000)));
        let asked = scene.ends.each_ref().map(asked);
        Self { scene, chance, mover, what, are_continual, asked }
    }

    fn play(mut self) {
        match self.what {
            Move::Overlapping => {
                self.appear();
                let overlap = 500 + below(&mut self.chance, 4_000);
                self.scene.run_for(Duration::from_millis(overlap));
                self.vanish();
            }
            Move::Interrupted => {
                self.vanish();
                let pause = below(&mut self.chance, SOON_MS);
                self.scene.run_for(Duration::from_millis(pause));
                self.appear();
            }
            Move::Late => {
                self.vanish();
                assert!(self.asks(), "it says that it needs negotiation: {}", self.told());
                let pause = below(&mut self.chance, 5_000);
                self.scene.run_for(Duration::from_millis(pause));
                assert_eq!(self.asked_since()[self.mover], 1, "{}", self.told());
                self.appear();
                return self.restart();
            }
        }
        // Who is controlling moves, or the other follows.
        let is_possible = self.mover == ALICE || self.are_continual == [true, true];
        let since = self.heard();
        let is_heard = self.scene.run_until(PATIENCE, |scene| is_heard(scene, since));
        if is_possible {
            assert!(is_heard, "the call does not move: {}", self.told());
            self.scene.run_for(Duration::from_secs(5));
            assert_eq!(self.asked_since(), [0, 0], "without a word: {}", self.told());
        } else if !is_heard {
            assert!(self.asks(), "it says that it needs negotiation: {}", self.told());
            self.restart();
        }
    }

    /// The side that moves makes the offer that it needs, and all is well.
    fn restart(&mut self) {
        let mover = self.mover;
        self.scene.offer(mover);
        let since = self.heard();
        let is_back = |scene: &Scene| {
            let is_stable = |side: Side| scene.ends[side].peer.signaling_state() == SignalingState::Stable;
            is_heard(scene, since) && scene.is_connected() && is_stable(ALICE) && is_stable(BOB)
        };
        assert!(self.scene.run_until(LONG, is_back), "ICE restarts: {}", self.told());
        self.scene.run_for(Duration::from_secs(5));
        let asked = self.asked_since();
        assert!(asked[mover] == 1 && asked[1 - mover] <= 1, "once: {}", self.told());
        assert!(!self.scene.ends[mover].peer.is_negotiation_needed(), "{}", self.told());
    }

    fn appear(&mut self) {
        let now = self.scene.now;
        let end = &mut self.scene.ends[self.mover];
        let address = SocketAddr::from(([10, 0, 1, self.mover as u8 + 1], 6000));
        end.others.push(address);
        end.peer.add_local_address(now, TransportId(0), address);
        // What it tells of its candidates leaves before any description.
        self.scene.drain();
    }

    fn vanish(&mut self) {
        let now = self.scene.now;
        let end = &mut self.scene.ends[self.mover];
        let address: IpAddr = end.address.ip();
        end.gone.push(address);
        end.peer.suspend_local_address(now, Base::udp(end.address));
    }

    fn heard(&self) -> [usize; 2] {
        self.scene.ends.each_ref().map(|end| end.arrivals.sounds)
    }

    /// Whether the side that moves says, in time, that it needs negotiation.
    fn asks(&mut self) -> bool {
        let (mover, before) = (self.mover, self.asked[self.mover]);
        self.scene.run_until(LONG, |scene| asked(&scene.ends[mover]) > before)
    }

    fn asked_since(&self) -> [usize; 2] {
        [ALICE, BOB].map(|side| asked(&self.scene.ends[side]) - self.asked[side])
    }

    fn told(&self) -> String {
        format!(
            "{:?} of {}, continual {:?}, asked {:?}, {}",
            self.what,
            self.mover,
            self.are_continual,
            self.asked_since(),
            self.scene.states()
        )
    }
}

fn continual(config: &mut Config) {
    config.gathering = GatheringPolicy::Continually;
}

fn asked(end: &scene::End) -> usize {
    end.count(|event| *event == Event::NegotiationNeeded)
}

/// Whether both sides have heard enough since, and so are on a path that works.
fn is_heard(scene: &Scene, since: [usize; 2]) -> bool {
    scene.ends.iter().zip(since).all(|(end, since)| end.arrivals.sounds >= since + 50)
}

fn below(chance: &mut ChaCha8Rng, bound: u64) -> u64 {
    chance.next_u64() % bound
}
