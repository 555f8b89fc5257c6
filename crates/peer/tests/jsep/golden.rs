//! Comparing with texts in `vectors/jsep`, and saying in text what a plan is.

use std::fmt::Write as _;
use std::fs;

use crate::scene::{codecs, vectors};
use peerless_peer::jsep::plan::{DataChange, MediaPlan, Plan};
use peerless_rtp::codec::TelephoneEvent;

/// Compares with the file of this name; with `BLESS` in the environment the file is written.
pub fn compare(name: &str, text: &str) {
    let path = vectors().join("jsep").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{} differs; BLESS=1 writes it anew. It would be:\n{text}\ninstead of:\n{expected}",
        path.display()
    );
}

/// A plan in words.
pub fn describe(plan: &Plan) -> String {
    let mut text = format!("signaling {}\n", plan.signaling);
    for change in &plan.transceivers {
        let section = change.section.map_or("-".to_owned(), |index| index.to_string());
        let mid = change.mid.as_ref().map_or("-", |mid| mid.as_str());
        writeln!(text, "{:?} section {section} mid {mid}", change.target).unwrap();
        if change.stop {
            writeln!(text, "  stop").unwrap();
        }
        if let Some(direction) = change.current_direction {
            writeln!(text, "  {direction}").unwrap();
        }
        writeln!(text, "  remote track: {:?}", change.remote_track).unwrap();
        if let Some(media) = &change.media {
            describe_media(&mut text, media);
        }
    }
    for transport in &plan.transports {
        let hashes: Vec<&str> = transport.fingerprints.iter().map(|one| one.hash.as_str()).collect();
        writeln!(
            text,
            "transport of {}: {} / {}, {:?}, we are {:?}, lite {}, restarted {}",
            transport.mid,
            transport.credentials.ufrag,
            transport.credentials.password,
            hashes,
            transport.role,
            transport.lite,
            transport.restarted
        )
        .unwrap();
        for candidate in &transport.candidates {
            writeln!(text, "  {candidate}").unwrap();
        }
        if transport.end_of_candidates {
            writeln!(text, "  no more candidates").unwrap();
        }
    }
    match plan.data {
        DataChange::None => {}
        change => writeln!(text, "data channels: {change:?}").unwrap(),
    }
    writeln!(text, "rejected {:?}", plan.rejected).unwrap();
    text
}

fn describe_media(text: &mut String, media: &MediaPlan) {
    if let Some(send) = &media.send {
        let extensions: Vec<String> =
            send.extensions.iter().map(|(id, kind)| format!("{id}={kind:?}")).collect();
        writeln!(text, "  send {} from {} {:?}", codecs(&send.codecs), send.ssrc, send.rtx_ssrc).unwrap();
        writeln!(text, "    {} reduced size {}", extensions.join(" "), send.reduced_size).unwrap();
        for codec in &send.codecs {
            writeln!(text, "    {:?} {:?} {:?}", codec.format, codec.parameters, codec.feedback).unwrap();
        }
        describe_tones(text, &send.telephone_events);
    }
    if let Some(receive) = &media.receive {
        let extensions: Vec<String> =
            receive.extensions.iter().map(|(id, kind)| format!("{id}={kind:?}")).collect();
        writeln!(text, "  receive {} from {:?}", codecs(&receive.codecs), receive.ssrcs).unwrap();
        writeln!(text, "    {} reduced size {}", extensions.join(" "), receive.reduced_size).unwrap();
        describe_tones(text, &receive.telephone_events);
        if !receive.rids.is_empty() {
            writeln!(text, "    encodings {:?}", receive.rids).unwrap();
        }
    }
}

fn describe_tones(text: &mut String, events: &[TelephoneEvent]) {
    for event in events {
        writeln!(text, "    tones {} at {}", event.payload_type, event.clock_rate).unwrap();
    }
}
