//! What pumps and plays tell the connection is shown by getStats, with true values: a call over the loopback interface.

mod call;
#[path = "../../peer/tests/stats/idl.rs"]
mod idl;

use std::collections::BTreeSet;
use std::time::Duration;

use call::{Call, PATIENCE};
use peerless::stats::{Statistics, StatsReport, StatsType, Value};
use peerless::{LocalTrack, MediaKind};
use peerless_media::play::{AudioPlay, VideoPlay};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;

/// What only sources, encoders, decoders and players know.
const TOLD: [(&str, &[&str]); 4] = [
    (
        "media-source",
        &[
            "audioLevel",
            "totalAudioEnergy",
            "totalSamplesDuration",
            "width",
            "height",
            "frames",
            "framesPerSecond",
        ],
    ),
    (
        "outbound-rtp",
        &[
            "framesEncoded",
            "keyFramesEncoded",
            "frameWidth",
            "frameHeight",
            "framesPerSecond",
            "qpSum",
            "totalEncodeTime",
            "targetBitrate",
            "hugeFramesSent",
            "encoderImplementation",
            "powerEfficientEncoder",
            "qualityLimitationReason",
            "qualityLimitationDurations",
            "qualityLimitationResolutionChanges",
        ],
    ),
    (
        "inbound-rtp",
        &[
            "framesDecoded",
            "keyFramesDecoded",
            "frameWidth",
            "frameHeight",
            "framesPerSecond",
            "qpSum",
            "totalDecodeTime",
            "totalProcessingDelay",
            "decoderImplementation",
            "powerEfficientDecoder",
            "totalSamplesReceived",
            "concealedSamples",
            "silentConcealedSamples",
            "concealmentEvents",
            "audioLevel",
            "totalAudioEnergy",
            "totalSamplesDuration",
            "playoutId",
        ],
    ),
    (
        "media-playout",
        &[
            "kind",
            "synthesizedSamplesDuration",
            "synthesizedSamplesEvents",
            "totalSamplesDuration",
            "totalPlayoutDelay",
            "totalSamplesCount",
        ],
    ),
];

fn number(report: &StatsReport, of: StatsType, kind: MediaKind, name: &str) -> f64 {
    let is_of_kind = |value: Option<Value>| value.as_ref().and_then(Value::as_str) == Some(kind.as_str());
    let object = report.of_type(of).find(|object| is_of_kind(object.member("kind")));
    let value = object.and_then(|object| object.member(name));
    value.as_ref().and_then(Value::as_f64).unwrap_or_default()
}

#[tokio::test]
async fn what_pumps_and_plays_tell_is_in_the_reports() {
    let (screen, speaker) = (
        LocalTrack::new(MediaKind::Video, "pattern", "stream"),
        LocalTrack::new(MediaKind::Audio, "tone", "stream"),
    );
    let pattern = TestPattern::new(320, 240, 30).unwrap();
    let pumps = [
        Pump::video(screen.clone(), pattern, 30, 1_500_000).unwrap(),
        Pump::audio(speaker.clone(), SoundKind::Sine.source()).unwrap(),
    ];
    let mut call = Call::new(&[&screen, &speaker], &["VP8", "opus"]);
    let (video, audio) = (call.track(MediaKind::Video).await, call.track(MediaKind::Audio).await);
    let (seen, heard) = (VideoPlay::new(video).unwrap(), AudioPlay::new(audio).unwrap());
    let mut sounds = heard.sounds(100);
    let mut taken = 0;
    let enough = async {
        loop {
            taken += sounds.next().await.expect("the call goes on").sound.frames() as u64;
            let (sent, got) = (call.a.get_stats(), call.b.get_stats());
            let encoded = number(&sent, StatsType::OutboundRtp, MediaKind::Video, "framesEncoded");
            let decoded = number(&got, StatsType::InboundRtp, MediaKind::Video, "framesDecoded");
            let rate = number(&sent, StatsType::MediaSource, MediaKind::Video, "framesPerSecond");
            let level = number(&got, StatsType::InboundRtp, MediaKind::Audio, "audioLevel");
            if encoded > 40.0 && decoded > 30.0 && rate > 0.0 && level > 0.0 && taken > 48_000 {
                return (sent, got);
            }
        }
    };
    let (sent, got) = tokio::time::timeout(PATIENCE, enough).await.unwrap();

    let mut coverage = idl::Coverage::default();
    let mut present = BTreeSet::new();
    for object in sent.iter().chain(&got) {
        let members = object.members();
        let names: Vec<_> =
            members.iter().filter(|(_, value)| value.is_present()).map(|(name, _)| *name).collect();
        coverage.add(object.stats_type().as_str(), names.iter().copied());
        present.extend(names.into_iter().map(|name| (object.stats_type().as_str(), name)));
    }
    println!("{}", coverage.table().1);
    for (of, names) in TOLD {
        for name in names {
            assert!(present.contains(&(of, *name)), "{of}: {name} is told by nobody");
        }
    }

    let of = |report, of, name| number(report, of, MediaKind::Video, name);
    let stats = (pumps[0].stats(), seen.stats());
    let encoded = of(&sent, StatsType::OutboundRtp, "framesEncoded");
    assert!(encoded <= (stats.0.frames + stats.0.refused) as f64, "{encoded}: {:?}", stats.0);
    assert!(of(&sent, StatsType::OutboundRtp, "framesSent") <= encoded);
    assert_eq!(of(&sent, StatsType::OutboundRtp, "frameWidth"), 320.0);
    assert_eq!(of(&sent, StatsType::OutboundRtp, "targetBitrate"), 1_500_000.0);
    let quantizer = of(&sent, StatsType::OutboundRtp, "qpSum") / encoded;
    assert!((0.5..127.0).contains(&quantizer), "{quantizer} on average");
    let decoded = of(&got, StatsType::InboundRtp, "framesDecoded");
    let theirs = of(&got, StatsType::InboundRtp, "qpSum") / decoded;
    assert!((theirs - quantizer).abs() < 20.0, "encoded by {quantizer}, decoded by {theirs}");
    assert!(
        decoded <= stats.1.frames_decoded as f64
            && decoded <= of(&got, StatsType::InboundRtp, "framesReceived")
    );
    let waited = of(&got, StatsType::InboundRtp, "totalProcessingDelay") / decoded;
    let buffered = of(&got, StatsType::InboundRtp, "jitterBufferDelay")
        / of(&got, StatsType::InboundRtp, "jitterBufferEmittedCount");
    assert!(waited > 0.5 * buffered && waited < 5.0, "{waited} s to decode, {buffered} s in the buffer");

    // A sine of a quarter of full scale: its power is half the square of that.
    for (report, of) in [(&sent, StatsType::MediaSource), (&got, StatsType::InboundRtp)] {
        let level = number(report, of, MediaKind::Audio, "audioLevel");
        assert!((level / (0.25 * 0.5_f64.sqrt()) - 1.0).abs() < 0.1, "{of}: {level}");
        let energy = number(report, of, MediaKind::Audio, "totalAudioEnergy");
        let duration = number(report, of, MediaKind::Audio, "totalSamplesDuration");
        assert!(duration > 0.9 && (energy / duration).sqrt() < level * 1.1, "{of}: {energy} in {duration} s");
    }
    let playout = got.of_type(StatsType::MediaPlayout).next().unwrap();
    let Statistics::MediaPlayout(playout) = &playout.statistics else { panic!("{playout:?}") };
    assert_eq!(playout.total_samples_count, Some(taken), "what was taken was played");
    let delay = Duration::from_secs_f64(playout.total_playout_delay.unwrap() / taken as f64);
    assert!(delay < PATIENCE, "{delay:?} on average");
}
