//! The delay follows the path, and the clock that of the sender.

use super::*;
use crate::moment::start;

const MS: Duration = Duration::from_millis(1);
const BOUNDS: Bounds = Bounds { min: Duration::from_millis(10), max: Duration::from_secs(1) };

/// Sound of 20 ms a packet at 48 kHz, sent from `start` on.
struct Sound {
    playout: Playout,
    start: Instant,
    sent: u32,
    /// The timestamp of the first packet.
    base: u32,
    late: u32,
}

impl Sound {
    fn new(base: u32) -> Self {
        let playout = Playout::new(48_000, BOUNDS, None);
        Self { playout, start: start(), sent: 0, base, late: 0 }
    }

    fn timestamp(&self) -> u32 {
        self.base.wrapping_add(self.sent * 960)
    }

    /// The next packet travels for `transit`. How long it is then held.
    fn arrives(&mut self, transit: Duration) -> Duration {
        let now = self.start + 20 * MS * self.sent + transit;
        let timestamp = self.timestamp();
        let before = self.playout.due(timestamp, now);
        self.late += u32::from(before.is_some_and(|due| due < now));
        self.playout.handle(now, timestamp, None);
        self.sent += 1;
        self.playout.due(timestamp, now).unwrap().saturating_duration_since(now)
    }
}

#[test]
fn an_even_path_has_the_least_delay() {
    let mut sound = Sound::new(1000);
    for _ in 0..200 {
        assert_eq!(sound.arrives(50 * MS), BOUNDS.min);
    }
}

#[test]
fn the_delay_grows_with_the_jitter_at_once_and_shrinks_slowly_afterwards() {
    let mut sound = Sound::new(0);
    for _ in 0..500 {
        sound.arrives(50 * MS);
    }
    for step in 0..100 {
        sound.arrives(50 * MS + step * 37 % 80 * MS);
    }
    assert!(sound.late <= 10, "{} late", sound.late);
    sound.late = 0;
    for step in 0..1000 {
        sound.arrives(50 * MS + step * 37 % 80 * MS);
    }
    assert!(sound.late <= 5, "{} late", sound.late);
    assert!((80 * MS..90 * MS).contains(&sound.playout.aimed_delay()), "{:?}", sound.playout.aimed_delay());
    let mut last = sound.arrives(50 * MS);
    for _ in 0..1500 {
        let held = sound.arrives(50 * MS);
        assert!(held <= last && last - held < MS, "from {last:?} to {held:?}");
        last = held;
    }
    assert_eq!(last, BOUNDS.min);
}

#[test]
fn timestamps_may_wrap_and_pause() {
    let mut sound = Sound::new(u32::MAX - 5000);
    for step in 0..400 {
        assert_eq!(sound.arrives(30 * MS), BOUNDS.min, "packet {step}");
        // Silence without packets: the timestamps go on.
        sound.sent += if step % 100 == 99 { 500 } else { 0 };
    }
    assert_eq!(sound.late, 0);
}

#[test]
fn a_jump_of_the_timestamps_begins_anew_and_holds_nothing_back() {
    for jump in [1_000_000, 0x4000_0000, 0x9000_0000] {
        let mut sound = Sound::new(0);
        for _ in 0..200 {
            sound.arrives(50 * MS);
        }
        let (before, now) = (sound.timestamp() - 960, sound.start + 20 * MS * sound.sent);
        sound.base = sound.base.wrapping_add(jump);
        assert_eq!(sound.arrives(50 * MS), BOUNDS.min);
        assert!(sound.playout.due(before, now).unwrap() <= now + BOUNDS.min);
        assert_eq!(sound.arrives(50 * MS), BOUNDS.min);
    }
}

#[test]
fn a_clock_that_runs_fast_or_slow_is_followed() {
    for drift_ppm in [-300_i64, 300] {
        let mut sound = Sound::new(0);
        for step in 0..30_000_i64 {
            // Ten minutes, in which the clocks part by 180 ms.
            let drift = step * 20_000 * drift_ppm / 1_000_000;
            let held = sound.arrives(Duration::from_micros((500_000 + drift).cast_unsigned()));
            assert!((5 * MS..20 * MS).contains(&held), "{held:?} held at {step}");
        }
    }
}

#[test]
fn what_the_user_wants_is_the_least_and_zero_holds_nothing() {
    let mut sound = Sound::new(0);
    sound.playout.set_target(Some(400 * MS));
    assert_eq!(sound.arrives(50 * MS), 400 * MS);
    sound.playout.set_target(Some(1500 * MS));
    sound.arrives(50 * MS);
    assert_eq!(sound.arrives(50 * MS), 1500 * MS);
    sound.playout.set_target(Some(Duration::ZERO));
    assert_eq!(sound.playout.due(sound.timestamp(), sound.start), None);
    sound.playout.set_target(None);
    for _ in 0..3000 {
        sound.arrives(50 * MS);
    }
    assert_eq!(sound.arrives(50 * MS), BOUNDS.min);
}

#[test]
fn the_most_is_kept_to() {
    let mut sound = Sound::new(0);
    for step in 0..200 {
        let held = sound.arrives(if step % 4 == 3 { 2500 * MS } else { 50 * MS });
        assert!(held <= BOUNDS.max, "{held:?}");
    }
    assert_eq!(sound.playout.aimed_delay(), BOUNDS.max);
}

#[test]
fn lip_sync_adds_slowly_and_takes_back_slowly() {
    let mut sound = Sound::new(0);
    sound.arrives(50 * MS);
    sound.playout.set_extra(100 * MS);
    let mut last = BOUNDS.min;
    for _ in 0..100 {
        let held = sound.arrives(50 * MS);
        assert!(held >= last && held - last < 2 * MS);
        last = held;
    }
    assert_eq!(last, BOUNDS.min + 100 * MS);
    let now = sound.start + 20 * MS * sound.sent + 50 * MS;
    // What would be due now without it is 100 ms further on.
    let playing = sound.playout.playing(now).unwrap();
    assert!(sound.playout.due(playing, now).unwrap() >= now + 99 * MS);
    sound.playout.set_extra(Duration::ZERO);
    for _ in 0..100 {
        last = sound.arrives(50 * MS);
    }
    assert_eq!(last, BOUNDS.min);
}

#[test]
fn a_retransmission_counts_for_no_more_than_is_allowed() {
    let mut sound = Sound::new(0);
    for _ in 0..10 {
        sound.arrives(50 * MS);
    }
    let now = sound.start + 250 * MS;
    sound.playout.handle(now + 700 * MS, 9600, Some(160 * MS));
    assert_eq!(sound.playout.aimed_delay(), 160 * MS * 9 / 8);
    // Nor for less than the earliest packets, whatever its timestamp says.
    sound.playout.handle(now + 700 * MS, 0x7000_0000, Some(160 * MS));
    assert_eq!(sound.playout.aimed_delay(), 160 * MS * 9 / 8);
}
