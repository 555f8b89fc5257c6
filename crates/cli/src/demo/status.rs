//! The status line: what all clients together get, between two readings of the counters.

use std::time::Duration;

use peerless::{MediaKind, Stats};

/// What was counted so far, of one client or of all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    pub clients: usize,
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
        let mut counts = Self { clients: 1, bytes: stats.transport.bytes_sent, ..Self::default() };
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
    pub fn and(self, other: Self) -> Self {
        Self {
            clients: self.clients + other.clients,
            bytes: self.bytes + other.bytes,
            pictures: self.pictures + other.pictures,
            packets: self.packets + other.packets,
            lost: self.lost + other.lost,
            round_trip: widest(self.round_trip, other.round_trip),
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

/// The line for what happened between two readings that are `time` apart.
pub fn line(before: &Counts, now: &Counts, time: Duration) -> String {
    let clients = match now.clients {
        0 => return "no client".to_owned(),
        1 => "1 client".to_owned(),
        number => format!("{number} clients"),
    };
    let seconds = time.as_secs_f64().max(0.001);
    // Who left takes its counts along: a rate is never below nothing.
    let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
    let bitrate = bits(rate(before.bytes, now.bytes) * 8.0);
    let pictures = rate(before.pictures, now.pictures);
    let share = 100.0 * now.lost as f64 / now.packets.max(1) as f64;
    let lost = if now.lost == 0 { "no loss".to_owned() } else { format!("{} lost ({share:.2} %)", now.lost) };
    let round_trip = now.round_trip.map_or_else(String::new, |times| format!("  RTT {}", span(times)));
    format!("{clients}  {bitrate}  {pictures:.0} fps  {} packets  {lost}{round_trip}", grouped(now.packets))
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

    fn counts(clients: usize, bytes: u64, pictures: u64, packets: u64, lost: u64) -> Counts {
        Counts { clients, bytes, pictures, packets, lost, round_trip: None }
    }

    #[test]
    fn rates_are_taken_between_two_readings() {
        let before = counts(1, 1_000_000, 300, 4_000, 0);
        let mut now = counts(1, 1_375_000, 360, 4_321, 0);
        let two_seconds = Duration::from_secs(2);
        assert_eq!(line(&before, &now, two_seconds), "1 client  1.50 Mbit/s  30 fps  4,321 packets  no loss");
        now.lost = 43;
        now.round_trip = Some((Duration::from_micros(400), Duration::from_micros(400)));
        let expected = "1 client  1.50 Mbit/s  30 fps  4,321 packets  43 lost (1.00 %)  RTT 0.4 ms";
        assert_eq!(line(&before, &now, two_seconds), expected);
    }

    #[test]
    fn several_clients_add_up_and_their_round_trips_span() {
        let round_trip = |millis| Some((Duration::from_millis(millis), Duration::from_millis(millis)));
        let one = Counts { round_trip: round_trip(12), ..counts(1, 500, 20, 1_000, 1) };
        let other = Counts { round_trip: round_trip(80), ..counts(1, 700, 40, 1_234_567, 2) };
        let all = one.and(other).and(Counts::default());
        assert_eq!(all.round_trip, Some((Duration::from_millis(12), Duration::from_millis(80))));
        let text = line(&Counts::default(), &all, Duration::from_secs(1));
        assert_eq!(
            text,
            "2 clients  10 kbit/s  60 fps  1,235,567 packets  3 lost (0.00 %)  RTT 12.0-80.0 ms"
        );
    }

    #[test]
    fn one_who_leaves_makes_no_negative_rates() {
        let before = counts(2, 9_000, 90, 900, 0);
        let now = counts(1, 1_000, 10, 100, 0);
        let text = line(&before, &now, Duration::from_secs(1));
        assert_eq!(text, "1 client  0 kbit/s  0 fps  100 packets  no loss");
        assert_eq!(line(&before, &counts(0, 0, 0, 0, 0), Duration::ZERO), "no client");
    }
}
