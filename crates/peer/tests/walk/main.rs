//! Random walks of negotiation between two of ours, in virtual time: a hundred steps for each seed, and after each step
//! both sides must agree on everything, and media and messages flow where they should and only there.
//!
//! `PEERLESS_SEED=17 cargo test -p peerless-peer --test walk first` replays one seed and tells its steps;
//! `PEERLESS_SEEDS=100` walks fewer of them than usual.

#[path = "../scene/mod.rs"]
mod scene;
mod chance;
mod text;
mod world;
mod needed;
mod encodings;
mod losses;
mod configuring;
mod descriptions;
mod changes;
mod flow;
mod agreement;
mod exchange;

use world::World;

/// How many seeds there are; four tests, so that they share the machine's cores.
const SEEDS: u64 = 5_000;
/// How many steps a walk has.
const STEPS: usize = 100;

#[test]
fn both_sides_agree_after_each_step_first_quarter() {
    run(0);
}

#[test]
fn both_sides_agree_after_each_step_second_quarter() {
    run(1);
}

#[test]
fn both_sides_agree_after_each_step_third_quarter() {
    run(2);
}

#[test]
fn both_sides_agree_after_each_step_fourth_quarter() {
    run(3);
}

fn run(quarter: u64) {
    let number = |name: &str| -> Option<u64> {
        std::env::var(name).ok().map(|value| value.parse().expect("the seed is a number"))
    };
    let wanted = number("PEERLESS_SEED");
    let seeds = number("PEERLESS_SEEDS").unwrap_or(SEEDS);
    let range = quarter * seeds / 4..(quarter + 1) * seeds / 4;
    let chosen = match wanted {
        Some(wanted) if quarter == 0 => wanted..wanted + 1,
        Some(_) => 0..0,
        None => range,
    };
    for seed in chosen {
        let mut world = World::new(seed, wanted.is_some());
        for _ in 0..STEPS {
            world.step();
        }
    }
}
