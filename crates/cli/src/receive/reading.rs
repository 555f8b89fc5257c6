//! What a track is doing: a reading of its counters, and the line for what happened between two.

use std::time::{Duration, Instant};

use peerless::{InboundStats, TransceiverId, TransportStats};
use peerless_media::play::{AudioPlayStats, VideoPlayStats};

use crate::receive::meter::meter;

/// The counters of one track at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Which transceiver brings it.
    pub id: TransceiverId,
    at: Instant,
    codec: String,
    bytes: u64,
    packets: u64,
    lost: i64,
    jitter: Duration,
    /// How long all that was handed on waited in the jitter buffer together, and how much it was: pictures, or ticks.
    waited: (Duration, u64),
    round_trip: Option<Duration>,
    media: Media,
}

#[derive(Debug, Clone)]
enum Media {
    Video { size: Option<(u32, u32)>, per_second: f64, problem: Option<String> },
    Audio { rate: u32, level: f32, concealed: u64, problem: Option<String> },
}

impl Reading {
    /// Of pictures.
    pub fn video(
        at: Instant,
        id: TransceiverId,
        inbound: Option<&InboundStats>,
        play: &VideoPlayStats,
        transport: &TransportStats,
    ) -> Self {
        let media = Media::Video {
            size: play.size,
            per_second: play.frames_per_second,
            problem: play.problem.clone(),
        };
        Self::new(at, id, inbound, transport, media)
    }

    /// Of sound.
    pub fn audio(
        at: Instant,
        id: TransceiverId,
        inbound: Option<&InboundStats>,
        play: &AudioPlayStats,
        transport: &TransportStats,
    ) -> Self {
        let media = Media::Audio {
            rate: play.sample_rate,
            level: play.level.rms,
            concealed: play.concealed_samples,
            problem: play.problem.clone(),
        };
        Self::new(at, id, inbound, transport, media)
    }

    fn new(
        at: Instant,
        id: TransceiverId,
        inbound: Option<&InboundStats>,
        transport: &TransportStats,
        media: Media,
    ) -> Self {
        let codec = inbound.and_then(|one| one.codec.as_ref()).map_or("?", |codec| codec.format.name());
        Self {
            id,
            at,
            codec: codec.to_owned(),
            bytes: inbound.map_or(0, |one| one.bytes),
            packets: inbound.map_or(0, |one| one.packets),
            lost: inbound.map_or(0, |one| one.lost),
            jitter: inbound.map_or(Duration::ZERO, |one| one.jitter),
            waited: inbound
                .map_or((Duration::ZERO, 0), |one| (one.jitter_buffer.delay, one.jitter_buffer.emitted)),
            round_trip: transport.round_trip.or(transport.ice_round_trip),
            media,
        }
    }
}

/// The line for a track, with rates since an earlier reading of it.
pub fn line(before: Option<&Reading>, now: &Reading) -> String {
    let mut parts = vec![what(now)];
    if let Some(before) = before {
        let seconds = now.at.saturating_duration_since(before.at).as_secs_f64().max(0.001);
        parts.push(bits(now.bytes.saturating_sub(before.bytes) as f64 * 8.0 / seconds));
    }
    let lost = u64::try_from(now.lost).unwrap_or(0);
    parts.push(match lost {
        0 => "no loss".to_owned(),
        lost => format!("{lost} lost ({:.2} %)", 100.0 * lost as f64 / (lost + now.packets) as f64),
    });
    parts.push(format!("jitter {}", millis(now.jitter)));
    let (waited, emitted) = since(before.map(|before| before.waited), now.waited);
    if emitted > 0 {
        parts.push(format!("buffer {}", millis(waited.div_f64(emitted as f64))));
    }
    parts.extend(now.round_trip.map(|time| format!("RTT {}", millis(time))));
    if let Media::Audio { level, concealed, rate, .. } = &now.media {
        if *concealed > 0 && *rate > 0 {
            parts.push(format!("{} ms made up", concealed * 1000 / u64::from(*rate)));
        }
        parts.push(meter(*level));
    }
    let problem = match &now.media {
        Media::Video { problem, .. } | Media::Audio { problem, .. } => problem,
    };
    parts.extend(problem.iter().map(|problem| format!("decoder: {problem}")));
    parts.join("  ")
}

fn what(now: &Reading) -> String {
    match &now.media {
        Media::Video { size, per_second, .. } => {
            let size = size.map_or_else(String::new, |(width, height)| format!(" {width}x{height}"));
            format!("video {}{size} {per_second:.0} fps", now.codec)
        }
        Media::Audio { rate, .. } => format!("audio {} {} kHz", now.codec, f64::from(*rate) / 1000.0),
    }
}

fn since(before: Option<(Duration, u64)>, now: (Duration, u64)) -> (Duration, u64) {
    let before = before.unwrap_or_default();
    (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1))
}

fn bits(per_second: f64) -> String {
    if per_second >= 999_500.0 {
        format!("{:.2} Mbit/s", per_second / 1e6)
    } else {
        format!("{:.0} kbit/s", per_second / 1e3)
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: Instant, bytes: u64, waited: (Duration, u64), media: Media) -> Reading {
        Reading {
            id: TransceiverId(0),
            at,
            codec: "VP8".into(),
            bytes,
            packets: 990,
            lost: 0,
            jitter: Duration::from_micros(1_200),
            waited,
            round_trip: None,
            media,
        }
    }

    #[test]
    fn a_line_has_what_happened_between_two_readings() {
        let video = |problem: Option<&str>| Media::Video {
            size: Some((640, 480)),
            per_second: 29.97,
            problem: problem.map(str::to_owned),
        };
        let start = Instant::now();
        let before = reading(start, 1_000_000, (Duration::from_secs(10), 300), video(None));
        let after = start + Duration::from_secs(2);
        let mut now = reading(after, 1_375_000, (Duration::from_millis(11_200), 360), video(None));
        let expected = "video VP8 640x480 30 fps  1.50 Mbit/s  no loss  jitter 1.2 ms  buffer 20.0 ms";
        assert_eq!(line(Some(&before), &now), expected);
        assert!(!line(None, &now).contains("bit/s"), "no rate from one reading");
        (now.lost, now.round_trip) = (10, Some(Duration::from_millis(31)));
        now.media = video(Some("broken"));
        let text = line(Some(&before), &now);
        assert!(
            text.contains("10 lost (1.00 %)") && text.ends_with("RTT 31.0 ms  decoder: broken"),
            "{text}"
        );
    }

    #[test]
    fn sound_has_its_level_and_what_was_made_up() {
        let media = Media::Audio { rate: 48_000, level: -30.0, concealed: 960, problem: None };
        let text = line(None, &reading(Instant::now(), 0, (Duration::ZERO, 0), media));
        assert_eq!(text, "audio VP8 48 kHz  no loss  jitter 1.2 ms  20 ms made up  [██████      ] -30 dB");
    }
}
