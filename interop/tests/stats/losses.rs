//! Calls on a path that loses media: what was lost, asked for and sent again is the same to both ends, and to the path.
//!
//! Counts are compared when nothing changes them any more: losses end before the media does, so that each has been
//! noticed and told.

use std::cell::Cell;

use peerless_interop::browser::Kind;
use peerless_signal::Role;
use serde_json::Value;

use crate::call::{Both, Call, alike, at_least, number};
use crate::has_run;
use crate::relay::{Count, Relay, Side};

/// Where chance begins, and how many of a thousand packets get lost.
const SEED: u64 = 0x5eed;
const LOSS: u32 = 30;
/// Packets of each stream that get lost, at least.
const ENOUGH: u64 = 8;
/// Packets of video that get lost one after another: more than browsers remember to send them again (3 s).
const DARK: u64 = 100;
/// Packets of the first moments that a receiver may have had no place for yet.
const EARLY: u64 = 40;

/// One stream with what its sender counts, what its receiver does, what the receiver has told the sender, and what the
/// path has seen of it and of its retransmissions.
struct Flow<'a> {
    is_ours: bool,
    is_video: bool,
    outbound: &'a Value,
    inbound: &'a Value,
    told: &'a Value,
    path: Count,
    repairs: Count,
}

/// All four.
fn flows<'a>(both: &'a Both, relay: &Relay) -> Result<Vec<Flow<'a>>, String> {
    let mut flows = Vec::new();
    for is_ours in [true, false] {
        for (is_video, kind) in [(true, "video"), (false, "audio")] {
            let (sender, receiver) =
                if is_ours { (&both.ours, &both.theirs) } else { (&both.theirs, &both.ours) };
            let find = |report, of: &str| Both::find(report, of, kind).ok_or(format!("no {of} {kind}"));
            let (outbound, inbound) = (find(sender, "outbound-rtp")?, find(receiver, "inbound-rtp")?);
            let count =
                |source: &Value| source.as_u64().map(|source| relay.count(source as u32)).unwrap_or_default();
            // Firefox does not tell the source of retransmissions, and we do for either direction.
            let of_repairs = if is_ours { outbound } else { inbound };
            flows.push(Flow {
                is_ours,
                is_video,
                outbound,
                inbound,
                told: find(sender, "remote-inbound-rtp")?,
                path: count(&outbound["ssrc"]),
                repairs: count(&of_repairs["rtxSsrc"]),
            });
        }
    }
    Ok(flows)
}

/// Enough of each stream was lost, and some of it was asked for again.
fn is_lossy(flows: &[Flow]) -> Result<(), String> {
    for flow in flows {
        if flow.path.lost < ENOUGH {
            return Err(format!("{:?} of {}", flow.path, flow.outbound));
        }
        if flow.is_video {
            at_least(flow.outbound, "nackCount", 3.0)?;
            at_least(flow.outbound, "retransmittedPacketsSent", 3.0)?;
        }
    }
    Ok(())
}

/// The receivers count what the path has taken, have told so, and that it takes nothing any more.
fn losses_agree(flows: &[Flow]) -> Result<(), String> {
    for flow in flows {
        alike((flow.told, "packetsLost"), (flow.inbound, "packetsLost"), 0.0, 0.0)?;
        let lost = number(flow.inbound, "packetsLost")?;
        // A busy machine may drop some too.
        if !(0.0..=10.0).contains(&(lost - flow.path.lost as f64)) {
            return Err(format!("{:?}: {lost} are lost: {}", flow.path, flow.inbound));
        }
        if number(flow.told, "fractionLost")? != 0.0 {
            return Err(format!("losses go on: {}", flow.told));
        }
    }
    Ok(())
}

/// Requests and what they brought are the same to both, and all packets are accounted for.
fn counts_agree(flows: &[Flow]) -> Result<(), String> {
    losses_agree(flows)?;
    for flow in flows {
        assert_eq!(flow.outbound["ssrc"], flow.inbound["ssrc"]);
        let all = [flow.path.passed, flow.path.lost, flow.repairs.passed, flow.repairs.lost];
        let is_within = |of: &Value, name: &str, least: u64, most: u64| {
            let value = number(of, name)?;
            match (least as f64..=most as f64).contains(&value) {
                true => Ok(()),
                false => Err(format!("{name} is not in {least}..={most}: {of}, the path: {all:?}")),
            }
        };
        let [passed, _, repaired, _] = all;
        is_within(flow.outbound, "packetsSent", all.iter().sum(), all.iter().sum())?;
        // Firefox leaves out what came again.
        let least = if flow.is_ours { passed } else { passed + repaired };
        is_within(flow.inbound, "packetsReceived", least.saturating_sub(EARLY), passed + repaired)?;
        if !flow.is_video {
            continue;
        }
        for name in ["nackCount", "pliCount", "firCount"] {
            alike((flow.outbound, name), (flow.inbound, name), 0.0, 0.0)?;
        }
        // Beside what was asked for, browsers probe the path with more of the kind, and with mere padding.
        let asked = number(flow.outbound, "retransmittedPacketsSent")? as u64;
        let sent = repaired + flow.repairs.lost;
        is_within(flow.outbound, "retransmittedPacketsSent", if flow.is_ours { sent } else { 0 }, sent)?;
        if !flow.inbound["retransmittedPacketsReceived"].is_null() {
            let least = asked.saturating_sub(flow.repairs.lost);
            is_within(flow.inbound, "retransmittedPacketsReceived", least, repaired)?;
        }
        let frames = number(flow.outbound, "framesSent")? as u64;
        let least = frames.saturating_sub(flow.path.lost + EARLY);
        is_within(flow.inbound, "framesReceived", least, frames)?;
        is_within(flow.inbound, "framesDecoded", 1, number(flow.inbound, "framesReceived")? as u64)?;
    }
    Ok(())
}

async fn compare(kind: Kind, role: Role) {
    let relay = Relay::start(SEED);
    let mut call = Call::begin(kind, role, Some(&relay)).await;
    let before = call.until("a call that runs", has_run).await;
    // What we miss is soon more than the page remembers, so that repair fails and we want a whole picture. The other way
    // round it cannot be so: browsers take a gap of 50 packets for a new beginning (RFC 3550 §A.1 has 3000), and count none.
    relay.lose(Side::Page, 1000);
    let is_dark = |both: &Both| match flows(both, &relay)?.iter().find(|flow| flow.is_video && !flow.is_ours)
    {
        Some(flow) if flow.path.lost >= DARK => Ok(()),
        flow => Err(format!("{:?} is lost", flow.map(|flow| flow.path))),
    };
    call.until("a video that is lost for long", is_dark).await;
    relay.lose(Side::Ours, LOSS);
    relay.lose(Side::Page, LOSS);
    let asked = |both: &Both| number(both.ours("inbound-rtp", "video")?, "pliCount");
    let least = asked(&before).unwrap() + 1.0;
    let is_asked = |both: &Both| at_least(both.ours("inbound-rtp", "video")?, "pliCount", least);
    call.until("a request for a key frame", is_asked).await;
    let told = Cell::new([false; 4]);
    call.until("losses of all streams", |both| {
        let flows = flows(both, &relay)?;
        for (index, flow) in flows.iter().enumerate() {
            let share = number(flow.told, "fractionLost")?;
            let mut seen = told.get();
            seen[index] |= share > 0.0;
            told.set(seen);
        }
        is_lossy(&flows)?;
        if told.get() == [true; 4] { Ok(()) } else { Err(format!("shares were told of {told:?}")) }
    })
    .await;
    relay.lose(Side::Ours, 0);
    relay.lose(Side::Page, 0);
    call.until("losses that both count alike", |both| losses_agree(&flows(both, &relay)?)).await;
    call.quiet().await;
    let end = call.until("counts of both that agree", |both| counts_agree(&flows(both, &relay)?)).await;
    for flow in flows(&end, &relay).unwrap() {
        let count = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
        println!(
            "{kind:?} {role:?}, {} {}: {:?}, lost {} and told {}, asked {} times and for {} key frames, sent again {} of {}",
            if flow.is_ours { "our" } else { "its" },
            if flow.is_video { "video" } else { "audio" },
            flow.path,
            flow.inbound["packetsLost"],
            flow.told["packetsLost"],
            count(flow.inbound, "nackCount"),
            count(flow.inbound, "pliCount"),
            count(flow.outbound, "retransmittedPacketsSent"),
            flow.repairs.passed + flow.repairs.lost,
        );
    }
}

/// Both at once, for most of it is waiting.
#[tokio::test]
async fn chromium_and_firefox_count_losses_as_we_do() {
    tokio::join!(compare(Kind::Chromium, Role::Offer), compare(Kind::Firefox, Role::Answer));
}
