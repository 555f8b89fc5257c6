//! A thousand seeds of weather: loss, delay, jitter, reordering. Whoever restarts, and whenever, it comes back.
//! `PEERLESS_SEED=17 cargo test -p peerless-peer --test restarts weather` replays one.

use std::time::Duration;

use peerless_netsim::{Link, Loss, seeds};
use peerless_peer::state::SignalingState;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::scene::{ALICE, Scene, Setting};
use crate::words::{restart, selections};

#[test]
fn restarts_come_back_in_bad_weather_first_half() {
    seeds::each(0..500, |seed, _| call(seed));
}

#[test]
fn restarts_come_back_in_bad_weather_second_half() {
    seeds::each(500..1000, |seed, _| call(seed));
}

fn call(seed: u64) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x5e57_a127);
    let (there, back) = (weather(&mut chance), weather(&mut chance));
    let mut scene = Scene::with(Setting { seed, link: there, ..Setting::default() });
    let [alice, bob] = [scene.ends[0].address.ip(), scene.ends[1].address.ip()];
    scene.network.set_link(bob, alice, back);
    scene.signalling_delay = Duration::from_millis(below(&mut chance, 300));
    scene.ends.iter_mut().for_each(|end| end.arrivals.takes_all = true);
    scene.add_all_sources();
    scene.offer(ALICE);
    // The first of them may come before it is connected.
    for _ in 0..3 {
        let side = (chance.next_u32() & 1) as usize;
        let time = Duration::from_millis(below(&mut chance, 2000));
        scene.run_for(time);
        let is_stable =
            |scene: &Scene| scene.ends.iter().all(|end| end.peer.signaling_state() == SignalingState::Stable);
        assert!(scene.run_until(Duration::from_secs(5), is_stable));
        let before = scene.ends.each_ref().map(selections);
        restart(&mut scene, side);
        let is_back = |scene: &Scene| {
            is_stable(scene) && scene.ends.iter().zip(before).all(|(end, before)| selections(end) > before)
        };
        let is_over = scene.run_until(Duration::from_secs(25), is_back);
        assert!(is_over, "{}\n{there:?}\n{back:?}", scene.states());
    }
    assert!(scene.run_until(Duration::from_secs(25), Scene::is_connected), "{}", scene.states());
    assert!(scene.ends.iter().all(|end| end.peer.stats().transport.dtls.as_str() == "connected"));
}

fn weather(chance: &mut ChaCha8Rng) -> Link {
    Link {
        delay: Duration::from_millis(below(chance, 200)),
        jitter: Duration::from_millis(below(chance, 30)),
        loss: Loss::Random(below(chance, 10) as f64 / 100.0),
        reorder: below(chance, 5) as f64 / 100.0,
        duplicate: below(chance, 3) as f64 / 100.0,
        ..Link::default()
    }
}

fn below(chance: &mut ChaCha8Rng, bound: u64) -> u64 {
    chance.next_u64() % bound
}
