//! 2,000 seeds of weather and some more: loss up to a fifth, bursts, reordering, duplicates, damage, links that vanish, windows and
//! packets of all sizes, either or both ends opening, with and without interleaving and checksums. Every reliable message
//! arrives exactly once, as it was sent and in its order; what may be given up is never sent when it must not be, and
//! arrives whole or not at all; nothing stalls while the link is there; and memory stays within its limits.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_netsim::{Link, Loss, seeds};
use peerless_transport::sctp::{Closed, Config, Controller, Event, Reliability};

use crate::dice::Dice;
use crate::scene::{MS, Scene, some_instant};
use crate::script::{Amounts, Script};

#[test]
fn messages_keep_their_promises_in_bad_weather_first_quarter() {
    seeds::each(0..500, play);
}

#[test]
fn messages_keep_their_promises_in_bad_weather_second_quarter() {
    seeds::each(500..1000, play);
}

#[test]
fn messages_keep_their_promises_in_bad_weather_third_quarter() {
    seeds::each(1000..1500, play);
}

#[test]
fn messages_keep_their_promises_in_bad_weather_fourth_quarter() {
    seeds::each(1500..2000, play);
}

/// Found by longer runs, each a fault of its own that was mended.
#[test]
fn messages_keep_their_promises_in_the_weather_that_once_broke_them() {
    for seed in [2936, 3505, 12_017, 17_529, 19_025] {
        seeds::each(seed..seed + 1, play);
    }
}

/// How long all may take, in virtual time.
const LONGEST: Duration = Duration::from_secs(1200);
/// The longest time without anything new while the link is there: the timer doubles up to ten seconds, and a fifth of
/// what is sent is lost both ways.
const LONGEST_STALL: Duration = Duration::from_secs(60);

/// What troubles one run.
struct Weather {
    link: Link,
    /// When the link is cut and comes back.
    cuts: Vec<(Duration, Duration)>,
    mtu: usize,
    /// How often reading stops and goes on.
    rests: bool,
}

fn play(seed: u64, is_told: bool) {
    let mut dice = Dice::new(seed);
    let begin = some_instant();
    let configs = configs(&mut dice);
    let is_checked = !(configs[0].zero_checksum && configs[1].zero_checksum);
    let weather = weather(&mut dice);
    let scripts = [0, 1].map(|side| {
        let amounts = amounts(&mut dice, &configs[1 - side], &weather.link);
        Script::new(&mut dice, begin, amounts)
    });
    if is_told {
        eprintln!("{:?} {:?} mtu {} {configs:?}", weather.link, weather.cuts, weather.mtu);
    }
    let mut scene = Scene::new(begin, seed, weather.link, configs, scripts);
    scene.mtu = weather.mtu;
    if is_checked {
        // Where the checksum is left out, DTLS would drop what is damaged, as the network does now.
        scene.network.set_corruption(flip);
    }
    let first = dice.below(2) as usize;
    let second_connects =
        dice.happens(60).then(|| if dice.happens(50) { Duration::ZERO } else { dice.ms(200) });
    scene.sides[first].association.connect(begin);
    let mut timed = Timed { weather: &weather, begin, second: second_connects, first };
    while !scene.is_done() {
        let until = timed.act(&mut scene, &mut dice);
        scene.exchange();
        scene.advance(until);
        let passed = scene.now - begin;
        assert!(passed < LONGEST, "not done: {}", state(&scene));
        let stalled = scene.now.saturating_duration_since(scene.progress.max(timed.restored(scene.now)));
        assert!(
            stalled < LONGEST_STALL || is_only_unreliable(&scene),
            "nothing new for {stalled:?}: {}",
            state(&scene)
        );
    }
    if is_told {
        eprintln!("done after {:?}: {}", scene.now - begin, state(&scene));
    }
    end(scene, &weather);
}

/// At last one end says goodbye, and both know it.
fn end(mut scene: Scene, weather: &Weather) {
    scene.network.set_default_link(Link { loss: Loss::None, corrupt: 0.0, ..weather.link });
    scene.reads = [true; 2];
    assert!(scene.are_connected());
    scene.sides[0].association.shutdown(scene.now);
    let until = scene.now + 30_000 * MS;
    while scene.now < until {
        scene.exchange();
        scene.advance(until);
    }
    for side in &scene.sides {
        assert_eq!(side.events.last(), Some(&Event::Closed(Closed::Shutdown)), "{:?}", side.events);
        assert_eq!(side.association.stats().receive_buffered, 0, "nothing is left behind");
    }
}

/// Whether all that still waits may be given up: that brings nothing new.
fn is_only_unreliable(scene: &Scene) -> bool {
    scene.sides.iter().all(|side| {
        side.script.sent.iter().rev().take(3).all(|sent| sent.options.reliability != Reliability::Reliable)
    })
}

fn state(scene: &Scene) -> String {
    let sides = scene.sides.iter().map(|side| {
        let arrived = (0..).take_while(|number| side.has_arrived(*number)).count();
        format!(
            "\n  {:?}, {}, {} sent in {} packets, first missing {arrived}, last event {:?}, {:?}",
            side.association.state(),
            side.script.state(),
            side.script.sent.len(),
            side.watch.packets,
            side.events.last(),
            side.association.stats()
        )
    });
    sides.collect()
}

/// What happens at times of its own.
struct Timed<'a> {
    weather: &'a Weather,
    begin: Instant,
    second: Option<Duration>,
    first: usize,
}

impl Timed<'_> {
    /// Does what is due, and gives when it is to be asked again.
    fn act(&mut self, scene: &mut Scene, dice: &mut Dice) -> Instant {
        let passed = scene.now - self.begin;
        if self.second.is_some_and(|at| at <= passed) {
            self.second = None;
            scene.sides[1 - self.first].association.connect(scene.now);
        }
        if !self.weather.cuts.is_empty() {
            let is_cut = self.weather.cuts.iter().any(|(from, to)| (*from..*to).contains(&passed));
            let link = if is_cut { Link::cut() } else { self.weather.link };
            scene.network.set_default_link(link);
        }
        let mut next = scene.now + 1000 * MS;
        if self.weather.rests {
            for side in 0..2 {
                // It rests for a tenth of a second now and then.
                scene.reads[side] = passed.as_millis() / 100 % 4 != u128::from(dice.below(8));
            }
            next = scene.now + 100 * MS;
        }
        let times = self.weather.cuts.iter().flat_map(|(from, to)| [*from, *to]).chain(self.second);
        times.map(|at| self.begin + at).filter(|at| *at > scene.now).fold(next, Instant::min)
    }

    /// When the link came back last before `now`.
    fn restored(&self, now: Instant) -> Instant {
        let passed = now - self.begin;
        let ends = self.weather.cuts.iter().filter(|(from, _)| *from <= passed).map(|(_, to)| *to);
        self.begin + ends.max().unwrap_or_default()
    }
}

fn flip(packet: &mut Bytes, bits: u64) {
    let mut damaged = packet.to_vec();
    for part in [bits as u32, (bits >> 32) as u32].into_iter().take(1 + (bits >> 63) as usize) {
        let bit = part as usize % (damaged.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    *packet = damaged.into();
}

fn configs(dice: &mut Dice) -> [Config; 2] {
    let is_tiny = dice.happens(25);
    [0, 1].map(|_| {
        let mut config = Config::new(dice.bytes(32).try_into().expect("32 bytes"));
        config.interleaving = dice.happens(60);
        config.zero_checksum = dice.happens(60);
        config.controller = if dice.happens(70) { Controller::Cubic } else { Controller::NewReno };
        if is_tiny {
            config.max_message_size = dice.skewed(100, 4000) as usize;
            config.receive_window = dice.skewed(2000, 30_000) as usize;
        }
        if dice.happens(20) {
            config.send_buffer = dice.skewed(1000, 100_000) as usize;
        }
        if dice.happens(30) {
            config.packet_size = 512 + dice.below(800) as usize;
            config.max_packet_size = 1000 + dice.below(3000) as usize;
        }
        if dice.happens(20) {
            config.inbound_streams = 1000 + dice.below(9) as u16;
        }
        config
    })
}

fn weather(dice: &mut Dice) -> Weather {
    let loss = match dice.below(4) {
        0 => Loss::None,
        1 => Loss::Bursts { begin: 0.05 * dice.fraction(), end: 0.4 + 0.3 * dice.fraction(), loss: 0.8 },
        _ => Loss::Random(0.2 * dice.fraction() * dice.fraction()),
    };
    let share = |dice: &mut Dice, most: f64| if dice.happens(50) { most * dice.fraction() } else { 0.0 };
    let link = Link {
        delay: dice.ms(100),
        jitter: if dice.happens(30) { dice.ms(20) } else { Duration::ZERO },
        rate_bps: dice.happens(50).then(|| u64::from(dice.skewed(200_000, 100_000_000))),
        queue_bytes: dice.skewed(10_000, 300_000) as usize,
        loss,
        reorder: share(dice, 0.1),
        reorder_delay: dice.ms(60),
        duplicate: share(dice, 0.1),
        corrupt: share(dice, 0.05),
    };
    let mut cuts = Vec::new();
    let mut at = Duration::ZERO;
    while dice.happens(25) {
        let from = at + dice.ms(3000);
        at = from + Duration::from_millis(dice.skewed(50, 8000).into());
        cuts.push((from, at));
    }
    let mtu = if dice.happens(30) { 1320 + dice.below(200) as usize } else { usize::MAX };
    Weather { link, cuts, mtu, rests: dice.happens(20) }
}

fn amounts(dice: &mut Dice, receiver: &Config, link: &Link) -> Amounts {
    let largest = receiver.max_message_size.min(1 << 18);
    // Not more than some seconds' worth.
    let bytes = link.rate_bps.map_or(3_000_000, |rate| (rate / 4).clamp(40_000, 3_000_000)) as usize;
    let bytes = if largest < 5000 { bytes.min(100_000) } else { bytes };
    let largest = if dice.happens(50) { largest.min(3000) } else { largest };
    Amounts { channels: 5, steps: 40, largest, bytes }
}
