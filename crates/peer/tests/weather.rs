//! A thousand seeds of bad weather: loss to 10 %, delay to 200 ms each way, jitter, reordering, duplicates. Every
//! connection comes up and media flows. `PEERLESS_SEED=17 cargo test -p peerless-peer --test weather` replays one.

mod scene;

use std::time::Duration;

use peerless_netsim::{Link, Loss, seeds};
use peerless_peer::config::DtlsVersions;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scene::{ALICE, Scene, Setting};

/// The first quarter of the seeds; four tests, so that they share the machine's cores.
#[test]
fn calls_come_up_in_bad_weather_first_quarter() {
    seeds::each(0..250, call);
}

#[test]
fn calls_come_up_in_bad_weather_second_quarter() {
    seeds::each(250..500, call);
}

#[test]
fn calls_come_up_in_bad_weather_third_quarter() {
    seeds::each(500..750, call);
}

#[test]
fn calls_come_up_in_bad_weather_fourth_quarter() {
    seeds::each(750..1000, call);
}

fn call(seed: u64, is_told: bool) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let (there, back) = (weather(&mut chance), weather(&mut chance));
    let mut scene = Scene::with(Setting {
        seed,
        link: there,
        adjust: match chance.next_u32() % 3 {
            0 => |_, config| config.dtls = DtlsVersions::Only12,
            1 => |_, config| config.dtls = DtlsVersions::Only13,
            _ => |_, _| {},
        },
    });
    let [alice, bob] = [scene.ends[0].address.ip(), scene.ends[1].address.ip()];
    scene.network.set_link(bob, alice, back);
    scene.signalling_delay = Duration::from_millis(below(&mut chance, 300));
    scene.add_all_sources();
    scene.offer(if chance.next_u32() & 1 == 0 { ALICE } else { 1 - ALICE });
    let is_up = scene.run_until(Duration::from_secs(15), Scene::is_connected);
    assert!(is_up, "not connected: {}\n{there:?}\n{back:?}", scene.states());
    let up = scene.elapsed();
    let flows = scene.run_until(Duration::from_secs(15), |scene| scene.has_frames(10, 25));
    let counts = scene.ends.each_ref().map(|end| (end.arrivals.pictures, end.arrivals.sounds));
    assert!(flows, "frames {counts:?} though {}\n{there:?}\n{back:?}", scene.states());
    if is_told {
        println!(
            "seed {seed}: up after {up:?}, frames {counts:?} after {:?}\n{there:?}\n{back:?}",
            scene.elapsed()
        );
    }
}

fn weather(chance: &mut ChaCha8Rng) -> Link {
    let share = |chance: &mut ChaCha8Rng, most: f64| below(chance, 1000) as f64 / 1000.0 * most;
    Link {
        delay: Duration::from_millis(below(chance, 201)),
        jitter: Duration::from_millis(below(chance, 30)),
        loss: Loss::Random(share(chance, 0.1)),
        reorder: share(chance, 0.05),
        reorder_delay: Duration::from_millis(below(chance, 60)),
        duplicate: share(chance, 0.03),
        ..Link::default()
    }
}

fn below(chance: &mut ChaCha8Rng, limit: u64) -> u64 {
    chance.next_u64() % limit
}
