//! The status line: what all clients together get, between two readings of the counters.

use std::collections::BTreeMap;
use std::time::Duration;

use peerless::{MediaKind, Stats};

/// What was counted so far of one client, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// UDP payload sent, bytes.
    pub bytes: u64,
    /// Pictures sent.
    pub pictures: u64,
    /// RTP packets sent.
    pub packets: u64,
    /// RTP packets that the other side reports as lost.
    pub lost: u64,
    /// The shortest and the longest round trip reported.
    pub round_trip: Option<(Duration, Duration)>,
}

impl Counts {
    /// The counters of one client.
    pub fn of(stats: &Stats) -> Self {
        let mut counts = Self { bytes: stats.transport.bytes_sent, ..Self::default() };
        for transceiver in &stats.transceivers {
            let Some(outbound) = &transceiver.outbound else { continue };
            counts.packets += outbound.packets;
            if transceiver.kind == MediaKind::Video {
                counts.pictures += outbound.frames;
            }
            if let Some(remote) = &outbound.remote {
                counts.lost += u64::try_from(remote.lost).unwrap_or(0);
                let round_trip = remote.round_trip.map(|time| (time, time));
                counts.round_trip = widest(counts.round_trip, round_trip);
            }
        }
        counts
    }

    /// Both together.
    fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            pictures: self.pictures + other.pictures,
            packets: self.packets + other.packets,
            lost: self.lost + other.lost,
            round_trip: widest(self.round_trip, other.round_trip),
        }
    }

    /// What was added since an earlier reading of the same client.
    fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            pictures: self.pictures.saturating_sub(earlier.pictures),
            packets: self.packets.saturating_sub(earlier.packets),
            lost: self.lost.saturating_sub(earlier.lost),
            round_trip: self.round_trip,
        }
    }
}

fn widest(
    one: Option<(Duration, Duration)>,
    other: Option<(Duration, Duration)>,
) -> Option<(Duration, Duration)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

/// The line for what happened between two readings that are `time` apart, of all clients by their numbers.
pub fn line(before: &BTreeMap<u64, Counts>, now: &BTreeMap<u64, Counts>, time: Duration) -> String {
    let clients = match now.len() {
        0 => return "no client".to_owned(),
        1 => "1 client".to_owned(),
        number => format!("{number} clients"),
    };
    let all = now.values().copied().fold(Counts::default(), Counts::and);
    let earlier = |number| before.get(number).copied().unwrap_or_default();
    let added = now.iter().map(|(number, counts)| counts.since(earlier(number)));
    let added = added.fold(Counts::default(), Counts::and);
    let seconds = time.as_secs_f64().max(0.001);
    let bitrate = bits(added.bytes as f64 * 8.0 / seconds);
    let pictures = added.pictures as f64 / seconds;
    let share = 100.0 * all.lost as f64 / all.packets.max(1) as f64;
    let lost = if all.lost == 0 { "no loss".to_owned() } else { format!("{} lost ({share:.2} %)", all.lost) };
    let round_trip = all.round_trip.map_or_else(String::new, |times| format!("  RTT {}", span(times)));
    format!("{clients}  {bitrate}  {pictures:.0} fps  {} packets  {lost}{round_trip}", grouped(all.packets))
}

fn bits(bits_per_second: f64) -> String {
    if bits_per_second >= 999_500.0 {
        format!("{:.2} Mbit/s", bits_per_second / 1e6)
    } else {
        format!("{:.0} kbit/s", bits_per_second / 1e3)
    }
}

fn span((shortest, longest): (Duration, Duration)) -> String {
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let (shortest, longest) = (millis(shortest), millis(longest));
    if shortest == longest { format!("{longest} ms") } else { format!("{shortest}-{longest} ms") }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(bytes: u64, pictures: u64, packets: u64, lost: u64) -> Counts {
        Counts { bytes, pictures, packets, lost, round_trip: None }
    }

    #[test]
    fn rates_are_taken_between_two_readings() {
        let before = BTreeMap::from([(1, counts(1_000_000, 300, 4_000, 0))]);
        let mut now = BTreeMap::from([(1, counts(1_375_000, 360, 4_321, 0))]);
        let two_seconds = Duration::from_secs(2);
        assert_eq!(line(&before, &now, two_seconds), "1 client  1.50 Mbit/s  30 fps  4,321 packets  no loss");
        let one = now.get_mut(&1).unwrap();
        one.lost = 43;
        one.round_trip = Some((Duration::from_micros(400), Duration::from_micros(400)));
        let expected = "1 client  1.50 Mbit/s  30 fps  4,321 packets  43 lost (1.00 %)  RTT 0.4 ms";
        assert_eq!(line(&before, &now, two_seconds), expected);
    }

    #[test]
    fn several_clients_add_up_and_their_round_trips_span() {
        let round_trip = |millis| Some((Duration::from_millis(millis), Duration::from_millis(millis)));
        let one = Counts { round_trip: round_trip(12), ..counts(500, 20, 1_000, 1) };
        let other = Counts { round_trip: round_trip(80), ..counts(700, 40, 1_234_567, 2) };
        let text = line(&BTreeMap::new(), &BTreeMap::from([(1, one), (2, other)]), Duration::from_secs(1));
        assert_eq!(
            text,
            "2 clients  10 kbit/s  60 fps  1,235,567 packets  3 lost (0.00 %)  RTT 12.0-80.0 ms"
        );
    }

    #[test]
    fn one_who_leaves_takes_nothing_from_the_rates_of_others() {
        let before = BTreeMap::from([(1, counts(9_000_000, 900, 9_000, 0)), (2, counts(1_000, 10, 100, 0))]);
        let now = BTreeMap::from([(2, counts(2_000, 20, 110, 0)), (3, counts(1_000, 5, 10, 0))]);
        let text = line(&before, &now, Duration::from_secs(1));
        assert_eq!(text, "2 clients  16 kbit/s  15 fps  120 packets  no loss");
        assert_eq!(line(&now, &BTreeMap::new(), Duration::ZERO), "no client");
    }
}
