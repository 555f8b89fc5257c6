//! The offers that browsers really made, given to a whole peer: it answers each, or says why not, and stays usable.

mod scene;

use std::path::Path;

use peerless_peer::description::SessionDescription;
use peerless_peer::error::{DescriptionError, Error};
use peerless_peer::event::Event;
use peerless_peer::state::{MediaKind, SdpType, SignalingState};
use peerless_wire::sdp::{Description, Kind};
use scene::{ALICE, Scene};

fn offers() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sdp");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut offers: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "sdp"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.contains("-offer"))
        .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
        .collect();
    offers.sort();
    offers
}

#[test]
fn every_offer_of_the_browsers_with_media_is_answered() {
    let offers = offers();
    assert!(offers.len() >= 15, "{} offers", offers.len());
    for (name, sdp) in offers {
        let parsed = Description::parse(&sdp).unwrap();
        let media = || parsed.media.iter().filter(|media| matches!(media.kind, Kind::Audio | Kind::Video));
        let takes_media = media().any(|media| parsed.direction(media).receives());
        let gives_media = media().any(|media| parsed.direction(media).sends());
        let has_media = ["VP8/", "H264/", "opus/"].iter().any(|codec| sdp.contains(codec));
        let mut scene = Scene::new();
        scene.add_source(ALICE, MediaKind::Audio);
        scene.add_source(ALICE, MediaKind::Video);
        let now = scene.now;
        let offer = SessionDescription { kind: SdpType::Offer, sdp };
        let taken = scene.peer(ALICE).set_remote_description(now, offer);
        let answered = taken.and_then(|()| scene.peer(ALICE).set_local_description(now, None));
        match answered {
            Ok(()) => assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable, "{name}"),
            Err(Error::Description(DescriptionError::NothingCommon)) if !has_media => continue,
            Err(error) => panic!("{name}: {error}"),
        }
        scene.drain();
        let tracks = scene.ends[ALICE].count(|event| matches!(event, Event::Track(_)));
        let answer = scene.peer(ALICE).local_description().unwrap();
        assert!(tracks > 0 || !gives_media || !has_media, "{name}: {}", answer.sdp);
        let senders = scene.ends[ALICE].sources.iter().map(|one| one.id).collect::<Vec<_>>();
        let able = senders.into_iter().filter_map(|id| scene.peer(ALICE).sender(id)?.codec).count();
        assert!(able > 0 || !takes_media || !has_media, "{name}: nothing can be sent: {}", answer.sdp);
    }
}
