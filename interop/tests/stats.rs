//! getStats beside the browsers': of calls both ways, what we count of each stream, of the path and of a channel is what
//! the browser at the other end counts, and our JSON has the members that its own has.

mod lab;

#[path = "../../crates/peer/tests/stats/idl.rs"]
mod idl;

use std::process::Command;
use std::time::Duration;

use lab::serve;
use peerless::{Configuration, DataChannel, DataChannelInit, Event, LocalTrack, MediaKind, PeerConnection};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::PATIENCE;
use peerless_media::play::{AudioPlay, VideoPlay};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use peerless_signal::{Role, exchange};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

/// Messages that go there and back.
const MESSAGES: u64 = 25;

/// A call with a page.
struct Call {
    browser: Browser,
    tab: Tab,
    connection: PeerConnection,
    pumps: Vec<Pump>,
    plays: (VideoPlay, AudioPlay),
    channel: DataChannel,
}

/// Both ends' reports, taken at about one moment.
struct Both {
    ours: Map<String, Value>,
    theirs: Map<String, Value>,
}

impl Call {
    async fn begin(kind: Kind, role: Role) -> Self {
        let (sockets, mut arrived) = mpsc::unbounded_channel();
        let url = serve(include_str!("../pages/stats.html"), sockets).await;
        let mut browser = Browser::start_with(kind, true).await.unwrap();
        let query = if role == Role::Answer { "?role=offer" } else { "" };
        let tab = browser.open(&format!("{url}/{query}")).await.unwrap();
        let socket = within("the page's socket", arrived.recv()).await.unwrap();
        browser.until(&tab, "the page", "return lab.error ?? lab.ready ?? false;").await.unwrap();
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let mut events = connection.events();
        let mut pumps = Vec::new();
        let picture = LocalTrack::new(MediaKind::Video, "picture", "stream");
        let sound = LocalTrack::new(MediaKind::Audio, "sound", "stream");
        connection.add_track(&picture).unwrap();
        connection.add_track(&sound).unwrap();
        let pattern = TestPattern::new(320, 240, 15).unwrap();
        pumps.push(Pump::video(picture, pattern, 15, 400_000).unwrap());
        pumps.push(Pump::audio(sound, SoundKind::Sine.source()).unwrap());
        let mut init = DataChannelInit::default();
        init.protocol = "words".into();
        let ours = (role == Role::Offer).then(|| connection.create_data_channel("talk", init).unwrap());
        tokio::spawn(exchange::run(socket, connection.clone(), role));
        let (mut video, mut audio, mut channel) = (None, None, ours);
        while video.is_none() || audio.is_none() || channel.is_none() {
            match within("tracks and a channel", events.next()).await.expect("the call goes on") {
                Event::Track(track) if track.kind() == MediaKind::Video => {
                    video = Some(VideoPlay::new(track).unwrap());
                }
                Event::Track(track) => audio = Some(AudioPlay::new(track).unwrap()),
                Event::DataChannel(opened) => channel = Some(opened),
                _ => {}
            }
        }
        let (Some(video), Some(audio), Some(channel)) = (video, audio, channel) else { unreachable!() };
        let mut heard = audio.sounds(50);
        tokio::spawn(async move { while heard.next().await.is_some() {} });
        within("an open channel", channel.opened()).await;
        Self { browser, tab, connection, pumps, plays: (video, audio), channel }
    }

    async fn run(&mut self, script: &str) -> Value {
        self.browser.run(&self.tab, script).await.unwrap()
    }

    async fn both(&mut self) -> Both {
        let theirs = self.run("return await lab.report();").await;
        let ours: Value = serde_json::from_str(&self.connection.get_stats().to_json()).unwrap();
        let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else { panic!("no maps") };
        Both { ours, theirs }
    }

    /// Takes reports until they are such; what was wrong last is told.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Both) -> Result<(), String>) -> Both {
        let end = Instant::now() + PATIENCE;
        loop {
            let both = self.both().await;
            match is_so(&both) {
                Ok(()) => return both,
                Err(problem) if Instant::now() > end => {
                    panic!("{what}: {problem}\nours: {:#?}\ntheirs: {:#?}", both.ours, both.theirs)
                }
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    async fn talk(&mut self) {
        for number in 0..MESSAGES {
            self.channel.send(format!("message {number}").as_str()).await.unwrap();
            within("an echo", self.channel.recv()).await.expect("the channel is open");
        }
    }

    /// Nothing more is sent by either side but reports.
    async fn quiet(&mut self) {
        self.pumps.clear();
        self.run("await lab.quiet(); return true;").await;
    }
}

impl Both {
    fn find<'a>(report: &'a Map<String, Value>, of: &str, kind: &str) -> Option<&'a Value> {
        report.values().find(|one| one["type"] == of && (kind.is_empty() || one["kind"] == kind))
    }

    fn ours(&self, of: &str, kind: &str) -> Result<&Value, String> {
        Self::find(&self.ours, of, kind).ok_or_else(|| format!("we have no {of} {kind}"))
    }

    fn theirs(&self, of: &str, kind: &str) -> Result<&Value, String> {
        Self::find(&self.theirs, of, kind).ok_or_else(|| format!("it has no {of} {kind}"))
    }
}

fn number(of: &Value, name: &str) -> Result<f64, String> {
    of[name].as_f64().ok_or_else(|| format!("no {name} in {of}"))
}

fn at_least(of: &Value, name: &str, least: f64) -> Result<(), String> {
    let value = number(of, name)?;
    if value >= least { Ok(()) } else { Err(format!("{name} is {value}, not {least}")) }
}

/// Whether two counts are alike: within a share of them and so many.
fn alike(one: (&Value, &str), other: (&Value, &str), share: f64, apart: f64) -> Result<(), String> {
    let (first, second) = (number(one.0, one.1)?, number(other.0, other.1)?);
    let room = share * first.max(second) + apart;
    match (first - second).abs() <= room {
        true => Ok(()),
        false => Err(format!("{} is {first}, {} is {second}", one.1, other.1)),
    }
}

/// Enough has gone both ways that all members have values, and both sides have reported to each other.
fn has_run(both: &Both) -> Result<(), String> {
    for (report, who) in [(&both.ours, "we"), (&both.theirs, "it")] {
        let find =
            |of: &str, kind: &str| Both::find(report, of, kind).ok_or(format!("{who}: no {of} {kind}"));
        at_least(find("inbound-rtp", "video")?, "framesDecoded", 60.0)?;
        at_least(find("outbound-rtp", "video")?, "framesEncoded", 60.0)?;
        at_least(find("inbound-rtp", "audio")?, "packetsReceived", 150.0)?;
        for kind in ["audio", "video"] {
            let told = find("remote-inbound-rtp", kind)?;
            number(told, "roundTripTime").map_err(|problem| format!("{who}: {problem}"))?;
            find("remote-outbound-rtp", kind)?;
        }
    }
    Ok(())
}

/// What one side sent is what the other received, up to `share` and what is on its way.
fn streams_agree(both: &Both, share: f64) -> Result<(), String> {
    for kind in ["audio", "video"] {
        let (sent, got) = (both.ours("outbound-rtp", kind)?, both.theirs("inbound-rtp", kind)?);
        // What comes before Firefox has set up its receiver is not counted there.
        alike((sent, "packetsSent"), (got, "packetsReceived"), share, 15.0)?;
        alike((sent, "bytesSent"), (got, "bytesReceived"), share, 15_000.0)?;
        let (sent, got) = (both.theirs("outbound-rtp", kind)?, both.ours("inbound-rtp", kind)?);
        // Firefox counts the padding of its probes, which goes by the source of retransmissions: it is no packet here.
        alike((sent, "packetsSent"), (got, "packetsReceived"), share + 0.02, 40.0)?;
        alike((sent, "bytesSent"), (got, "bytesReceived"), share + 0.02, 12_000.0)?;
    }
    let (sent, got) = (both.ours("outbound-rtp", "video")?, both.theirs("inbound-rtp", "video")?);
    alike((sent, "framesSent"), (got, "framesReceived"), share, 6.0)?;
    assert_eq!((&sent["frameWidth"], &sent["frameHeight"]), (&got["frameWidth"], &got["frameHeight"]));
    let (sent, got) = (both.theirs("outbound-rtp", "video")?, both.ours("inbound-rtp", "video")?);
    alike((sent, "framesSent"), (got, "framesReceived"), share, 6.0)?;
    assert_eq!((&sent["frameWidth"], &sent["frameHeight"]), (&got["frameWidth"], &got["frameHeight"]));
    Ok(())
}

/// What each side tells of the other's view, round trips, loss and jitter.
fn check_remote_views(both: &Both, loss: std::ops::Range<f64>) {
    for (report, other) in [(&both.ours, &both.theirs), (&both.theirs, &both.ours)] {
        for kind in ["audio", "video"] {
            let told = Both::find(report, "remote-inbound-rtp", kind).unwrap();
            let round_trip = number(told, "roundTripTime").unwrap();
            assert!((0.0..0.2).contains(&round_trip), "{told}");
            assert!(number(told, "jitter").unwrap() < 0.2, "{told}");
            let theirs = Both::find(other, "inbound-rtp", kind).unwrap();
            assert!(number(theirs, "jitter").unwrap() < 0.2, "{theirs}");
            let all = number(theirs, "packetsReceived").unwrap();
            // Lost packets that were sent again count as received.
            let lost = number(told, "packetsLost").unwrap().max(0.0);
            assert!(loss.contains(&(lost / all)), "{kind}: {lost} of {all} lost: {told}");
            let (sent, got) = (number(told, "packetsReceived"), all);
            if let Ok(sent) = sent {
                assert!((sent - got).abs() <= 0.25 * got + 60.0, "{kind}: {told} beside {theirs}");
            }
        }
    }
}

/// The path, the keys and the channel, as both see them.
fn check_path_and_channel(both: &Both) {
    let (ours, theirs) = (both.ours("transport", "").unwrap(), both.theirs("transport", "").unwrap());
    for name in ["tlsVersion", "dtlsCipher", "srtpCipher", "dtlsState"] {
        assert!(
            theirs[name].is_null() || ours[name] == theirs[name],
            "{name}: {} and {}",
            ours[name],
            theirs[name]
        );
    }
    if !theirs["dtlsRole"].is_null() {
        assert_ne!(ours["dtlsRole"], theirs["dtlsRole"]);
        assert_ne!(ours["iceRole"], theirs["iceRole"]);
    }
    for (sent, received) in [("bytesSent", "bytesReceived"), ("packetsSent", "packetsReceived")] {
        if theirs[received].is_number() {
            alike((ours, sent), (theirs, received), 0.05, 20_000.0).unwrap();
        }
    }
    let end = |report: &Map<String, Value>, reference: &Value| {
        let id = reference.as_str().unwrap_or_else(|| panic!("no reference in {report:#?}"));
        report.get(id).unwrap_or_else(|| panic!("{id} leads nowhere")).clone()
    };
    let our_pair = end(&both.ours, &ours["selectedCandidatePairId"]);
    let their_pair = match theirs["selectedCandidatePairId"].is_string() {
        true => end(&both.theirs, &theirs["selectedCandidatePairId"]),
        false => both
            .theirs
            .values()
            .find(|one| one["type"] == "candidate-pair" && one["selected"] == true)
            .unwrap()
            .clone(),
    };
    let (our_local, our_remote) =
        (end(&both.ours, &our_pair["localCandidateId"]), end(&both.ours, &our_pair["remoteCandidateId"]));
    let (their_local, their_remote) = (
        end(&both.theirs, &their_pair["localCandidateId"]),
        end(&both.theirs, &their_pair["remoteCandidateId"]),
    );
    assert_eq!(our_remote["port"], their_local["port"], "{our_remote} {their_local}");
    assert_eq!(our_local["port"], their_remote["port"], "{our_local} {their_remote}");
    assert_eq!(our_local["protocol"], their_remote["protocol"]);
    for pair in [&our_pair, &their_pair] {
        assert!(pair["nominated"] == true && pair["state"] == "succeeded", "{pair}");
    }
    for name in ["requestsReceived", "responsesSent", "responsesReceived", "consentRequestsSent"] {
        let least = if name == "consentRequestsSent" { 0.0 } else { 1.0 };
        assert!(number(&our_pair, name).unwrap() >= least, "{our_pair}");
    }
    assert!(number(&our_pair, "currentRoundTripTime").unwrap() < 0.2);
    // Browsers cut the certificate's fingerprint and its text as we do.
    for (own, other, reference) in [
        (&both.ours, &both.theirs, ["localCertificateId", "remoteCertificateId"]),
        (&both.theirs, &both.ours, ["localCertificateId", "remoteCertificateId"]),
    ] {
        let transport = |report| Both::find(report, "transport", "").unwrap();
        if let (Some(local), Some(remote)) =
            (transport(own)[reference[0]].as_str(), transport(other)[reference[1]].as_str())
        {
            for name in ["fingerprint", "fingerprintAlgorithm", "base64Certificate"] {
                assert_eq!(own[local][name], other[remote][name], "{name}");
            }
        }
    }
    let (ours, theirs) = (both.ours("data-channel", "").unwrap(), both.theirs("data-channel", "").unwrap());
    for name in ["label", "protocol", "dataChannelIdentifier", "state"] {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    for (one, other) in [("messagesSent", "messagesReceived"), ("messagesReceived", "messagesSent")] {
        assert_eq!((ours[one].as_u64(), theirs[other].as_u64()), (Some(MESSAGES), Some(MESSAGES)));
    }
    for (one, other) in [("bytesSent", "bytesReceived"), ("bytesReceived", "bytesSent")] {
        assert_eq!(ours[one], theirs[other], "{one}");
    }
}

/// Codecs of both directions are the same to both, by payload type, name and clock.
fn check_codecs(both: &Both) {
    for kind in ["audio", "video"] {
        for (own, other) in [(&both.ours, &both.theirs), (&both.theirs, &both.ours)] {
            let codec = |report: &Map<String, Value>, of: &str| {
                let stream = Both::find(report, of, kind).unwrap();
                report[stream["codecId"].as_str().expect("a codec")].clone()
            };
            let (sent, got) = (codec(own, "outbound-rtp"), codec(other, "inbound-rtp"));
            for name in ["payloadType", "mimeType", "clockRate", "channels"] {
                assert_eq!(sent[name], got[name], "{name}: {sent} and {got}");
            }
        }
    }
    assert_eq!(both.theirs("inbound-rtp", "video").unwrap()["kind"], "video");
}

/// Every member that the browser has, that is of the standard and that applies to us, is in our report too, and of the
/// same JavaScript type. `except` are those that hang on what else the browser did.
fn check_members(both: &Both, parsed: &Value, except: &[(&str, &str)]) {
    let exempt = idl::not_applicable();
    let mut compared = 0;
    for of in idl::words("RTCStatsType") {
        for kind in ["audio", "video", ""] {
            let with_kind =
                |one: &&Value| one["type"] == of && one["kind"].as_str().unwrap_or_default() == kind;
            let theirs: Vec<&Value> = both.theirs.values().filter(with_kind).collect();
            // Which of either end's candidates have a TCP type or an address they come from hangs on the end, not on
            // who tells of it: a browser knows our TCP candidates as remote ones, and may have none for us to know.
            let is_like = |one: &&Value| {
                with_kind(one)
                    || (of.ends_with("-candidate")
                        && one["type"].as_str().is_some_and(|of| of.ends_with("-candidate")))
            };
            let ours: Vec<&Value> = parsed.as_object().unwrap().values().filter(is_like).collect();
            if theirs.is_empty()
                || (ours.is_empty() && ["media-playout", "certificate"].contains(&of.as_str()))
            {
                continue;
            }
            for name in idl::names(&of) {
                let known = |all: &[&Value]| all.iter().find_map(|one| one.get(&name)).cloned();
                let is_exempt = exempt.get(&of).is_some_and(|names| names.contains(&name))
                    || except.contains(&(of.as_str(), name.as_str()));
                let (Some(theirs), false) = (known(&theirs), is_exempt) else { continue };
                let ours =
                    known(&ours).unwrap_or_else(|| panic!("{of} {kind}: it has {name}: {theirs}, we do not"));
                let same = std::mem::discriminant(&ours) == std::mem::discriminant(&theirs);
                assert!(
                    same || ours.is_null() || theirs.is_null(),
                    "{of}: {name} is {ours} here, {theirs} there"
                );
                compared += 1;
            }
        }
    }
    println!("{compared} members are in both reports");
    assert!(compared > 80, "{compared}");
}

/// What Chromium and Firefox tell because of what they do and we do not (yet): an estimate of the path out of
/// transport-wide feedback; round trips of one who also sends.
const NOT_OURS: [(&str, &str); 2] =
    [("candidate-pair", "availableOutgoingBitrate"), ("remote-outbound-rtp", "roundTripTime")];

async fn compare(kind: Kind, role: Role) {
    let mut call = Call::begin(kind, role).await;
    call.talk().await;
    let running = call.until("a call that runs", has_run).await;
    check_codecs(&running);
    check_remote_views(&running, 0.0..0.02);
    // The page reads our text as its own words.
    let text = serde_json::to_string(&serde_json::to_string(&running.ours).unwrap()).unwrap();
    let parsed = call.run(&format!("return JSON.parse({text});")).await;
    assert_eq!(parsed.as_object().unwrap().len(), running.ours.len());
    check_members(&running, &parsed, &NOT_OURS);
    let decoded = (call.plays.0.stats(), call.plays.1.stats());
    let seen = running.ours("inbound-rtp", "video").unwrap();
    assert!(number(seen, "framesDecoded").unwrap() <= decoded.0.frames_decoded as f64);
    assert!(
        decoded.1.samples as f64
            >= number(running.ours("inbound-rtp", "audio").unwrap(), "totalSamplesReceived").unwrap()
    );
    call.quiet().await;
    let end = call.until("counts of both sides that agree", |both| streams_agree(both, 0.0)).await;
    check_path_and_channel(&end);
    let line = |of: &str, name: &str| number(end.ours(of, "video").unwrap(), name).unwrap();
    println!(
        "{kind:?} {role:?}: sent {} packets {} frames, received {} packets {} frames, round trip {:.1} ms",
        line("outbound-rtp", "packetsSent"),
        line("outbound-rtp", "framesSent"),
        line("inbound-rtp", "packetsReceived"),
        line("inbound-rtp", "framesReceived"),
        line("remote-inbound-rtp", "roundTripTime") * 1e3
    );
}

#[tokio::test]
async fn chromium_counts_what_we_count_when_we_offer() {
    compare(Kind::Chromium, Role::Offer).await;
}

#[tokio::test]
async fn firefox_counts_what_we_count_when_it_offers() {
    compare(Kind::Firefox, Role::Answer).await;
}

/// Losses on the loopback of this namespace, while it lives; `None` where the kernel has no such thing.
struct Losses;

impl Losses {
    fn begin() -> Option<Self> {
        let arguments = ["qdisc", "add", "dev", "lo", "root", "netem", "loss", "3%", "delay", "5ms"];
        Command::new("tc").args(arguments).status().is_ok_and(|status| status.success()).then_some(Self)
    }
}

impl Drop for Losses {
    fn drop(&mut self) {
        let _ = Command::new("tc").args(["qdisc", "del", "dev", "lo", "root"]).status();
    }
}

#[tokio::test]
#[ignore = "needs a kernel with netem"]
async fn losses_are_counted_alike() {
    let mut call = Call::begin(Kind::Chromium, Role::Offer).await;
    let losses = Losses::begin().expect("netem on the loopback");
    let lossy = |both: &Both| {
        has_run(both)?;
        for kind in ["audio", "video"] {
            at_least(both.theirs("inbound-rtp", kind)?, "packetsReceived", 400.0)?;
        }
        at_least(both.ours("outbound-rtp", "video")?, "nackCount", 3.0)?;
        at_least(both.ours("inbound-rtp", "video")?, "nackCount", 1.0)
    };
    let both = call.until("losses on both sides", lossy).await;
    let sound = both.ours("remote-inbound-rtp", "audio").unwrap();
    let share = number(sound, "packetsLost").unwrap() / number(sound, "packetsReceived").unwrap();
    assert!((0.005..0.1).contains(&share), "{share} of the sound was lost: {sound}");
    let (told, counted) = (sound, both.theirs("inbound-rtp", "audio").unwrap());
    alike((told, "packetsLost"), (counted, "packetsLost"), 0.3, 12.0).unwrap();
    let (sent, asked) =
        (both.ours("outbound-rtp", "video").unwrap(), both.theirs("inbound-rtp", "video").unwrap());
    alike((sent, "nackCount"), (asked, "nackCount"), 0.3, 5.0).unwrap();
    let (asked, sent) =
        (both.ours("inbound-rtp", "video").unwrap(), both.theirs("outbound-rtp", "video").unwrap());
    alike((asked, "nackCount"), (sent, "nackCount"), 0.3, 5.0).unwrap();
    println!("{:.1} % of the sound lost", 100.0 * share);
    drop(losses);
}

async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    timeout_at(Instant::now() + PATIENCE, coming).await.unwrap_or_else(|_| panic!("never: {what}"))
}
