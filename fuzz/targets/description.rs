//! Any text as a remote offer, and as an answer to ours: it is taken or refused, and what is answered is read again.
#![no_main]

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use libfuzzer_sys::fuzz_target;
use peerless_peer::Peer;
use peerless_peer::config::Config;
use peerless_peer::description::SessionDescription;
use peerless_peer::state::{MediaKind, SdpType};
use peerless_peer::transceiver::TrackInit;
use peerless_transport::crypto::Certificate;
use peerless_wire::sdp::Description;

fuzz_target!(|text: &str| {
    let now = moment();
    let mut answerer = peer();
    let offer = SessionDescription { kind: SdpType::Offer, sdp: text.to_owned() };
    if answerer.set_remote_description(now, offer).is_ok()
        && answerer.set_local_description(now, None).is_ok()
    {
        let answer = answerer.local_description().expect("it was just set");
        Description::parse(&answer.sdp).expect("our answer is a description");
    }
    let mut offerer = peer();
    offerer.set_local_description(now, None).expect("our offer");
    let answer = SessionDescription { kind: SdpType::Answer, sdp: text.to_owned() };
    let _ = offerer.set_remote_description(now, answer);
});

fn peer() -> Peer {
    static CERTIFICATE: OnceLock<Arc<Certificate>> = OnceLock::new();
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut config = Config::new([1; 32], (moment(), wall));
    let make = || Arc::new(Certificate::generate(wall).expect("a certificate"));
    config.certificates = vec![CERTIFICATE.get_or_init(make).clone()];
    config.simulation = true;
    let mut peer = Peer::new(config).expect("the configuration is good");
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let track = TrackInit { id: kind.to_string(), stream_ids: vec!["s".to_owned()] };
        peer.add_track(kind, track).expect("a new peer takes tracks");
    }
    peer
}

fn moment() -> Instant {
    static MOMENT: OnceLock<Instant> = OnceLock::new();
    *MOMENT.get_or_init(Instant::now)
}
