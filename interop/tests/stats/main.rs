//! getStats beside the browsers': of calls both ways, what we count of each stream, of the path and of a channel is what
//! the browser at the other end counts, losses too, and our JSON has the members that its own has.

#[path = "../lab/mod.rs"]
mod lab;
#[path = "../lab/relay.rs"]
mod relay;
#[path = "../../../crates/peer/tests/stats/idl.rs"]
mod idl;
mod call;
mod losses;

use call::{Both, Call, MESSAGES, alike, at_least, number};
use peerless_interop::browser::Kind;
use peerless_interop::process::PATIENCE;
use peerless_signal::Role;
use serde_json::{Map, Value};

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
        // The first probes of the path come before what they seem to repeat, and have no place yet.
        alike((sent, "packetsSent"), (got, "packetsReceived"), share, 40.0)?;
        alike((sent, "bytesSent"), (got, "bytesReceived"), share, 12_000.0)?;
    }
    let (sent, got) = (both.ours("outbound-rtp", "video")?, both.theirs("inbound-rtp", "video")?);
    alike((sent, "framesSent"), (got, "framesReceived"), share, 6.0)?;
    assert_eq!((&sent["frameWidth"], &sent["frameHeight"]), (&got["frameWidth"], &got["frameHeight"]));
    let (sent, got) = (both.theirs("outbound-rtp", "video")?, both.ours("inbound-rtp", "video")?);
    alike((sent, "framesSent"), (got, "framesReceived"), share, 6.0)?;
    assert_eq!((&sent["frameWidth"], &sent["frameHeight"]), (&got["frameWidth"], &got["frameHeight"]));
    Ok(())
}

/// What each side tells of the other's view, round trips, loss and jitter: reports come when they come, and a busy machine
/// makes all of them late, but none is in vain.
fn remote_views_agree(both: &Both) -> Result<(), String> {
    for (report, other) in [(&both.ours, &both.theirs), (&both.theirs, &both.ours)] {
        for kind in ["audio", "video"] {
            let told = Both::find(report, "remote-inbound-rtp", kind).ok_or("nothing is told")?;
            let theirs = Both::find(other, "inbound-rtp", kind).ok_or("nothing is received")?;
            let late = PATIENCE.as_secs_f64();
            for (of, name) in [(told, "roundTripTime"), (told, "jitter"), (theirs, "jitter")] {
                assert!((0.0..late).contains(&number(of, name)?), "{name}: {of}");
            }
            let all = number(theirs, "packetsReceived")?;
            // Lost packets that were sent again count as received.
            let lost = number(told, "packetsLost")?.max(0.0);
            if lost > 0.02 * all {
                return Err(format!("{kind}: {lost} of {all} lost: {told}"));
            }
            if told["packetsReceived"].is_number() {
                alike((told, "packetsReceived"), (theirs, "packetsReceived"), 0.25, 60.0)?;
            }
        }
    }
    Ok(())
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
    // Firefox nominates every pair that works, and which of them each side has come to use by now hangs on what came when.
    for (report, seen, others) in
        [(&both.theirs, &our_remote, &their_local), (&both.ours, &their_remote, &our_local)]
    {
        let is_there = |one: &Value| one["type"] == "local-candidate" && one["port"] == seen["port"];
        assert!(report.values().any(is_there), "{seen} is none of theirs, as {others} is");
    }
    assert_eq!(our_local["protocol"], their_remote["protocol"]);
    for pair in [&our_pair, &their_pair] {
        assert!(pair["nominated"] == true && pair["state"] == "succeeded", "{pair}");
    }
    for name in ["requestsReceived", "responsesSent", "responsesReceived", "consentRequestsSent"] {
        let least = if name == "consentRequestsSent" { 0.0 } else { 1.0 };
        assert!(number(&our_pair, name).unwrap() >= least, "{our_pair}");
    }
    assert!(number(&our_pair, "currentRoundTripTime").unwrap() < PATIENCE.as_secs_f64());
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
fn members_agree(both: &Both, except: &[(&str, &str)]) -> Result<(), String> {
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
            let ours: Vec<&Value> = both.ours.values().filter(is_like).collect();
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
                    known(&ours).ok_or_else(|| format!("{of} {kind}: it has {name}: {theirs}, we do not"))?;
                let same = std::mem::discriminant(&ours) == std::mem::discriminant(&theirs);
                assert!(
                    same || ours.is_null() || theirs.is_null(),
                    "{of}: {name} is {ours} here, {theirs} there"
                );
                compared += 1;
            }
        }
    }
    if compared > 80 { Ok(()) } else { Err(format!("only {compared} members are in both reports")) }
}

/// What Chromium and Firefox tell because of what they do and we do not (yet): an estimate of the path out of
/// transport-wide feedback; round trips of one who also sends.
const NOT_OURS: [(&str, &str); 2] =
    [("candidate-pair", "availableOutgoingBitrate"), ("remote-outbound-rtp", "roundTripTime")];

async fn compare(kind: Kind, role: Role) {
    let mut call = Call::begin(kind, role, None).await;
    call.talk().await;
    let is_told = |both: &Both| {
        has_run(both)?;
        remote_views_agree(both)?;
        members_agree(both, &NOT_OURS)
    };
    let running = call.until("a call that runs", is_told).await;
    check_codecs(&running);
    // The page reads our text as its own words.
    let text = serde_json::to_string(&serde_json::to_string(&running.ours).unwrap()).unwrap();
    let parsed = call.run(&format!("return JSON.parse({text});")).await;
    assert_eq!(parsed.as_object().unwrap().len(), running.ours.len());
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
