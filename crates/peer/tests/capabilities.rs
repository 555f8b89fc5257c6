//! What can be sent and received at all (getCapabilities, webrtc-pc §5.2, §5.3) is what offers contain and what preferences
//! may be made of.

mod scene;

use peerless_peer::Peer;
use peerless_peer::capabilities;
use peerless_peer::config::CodecCapability;
use peerless_peer::error::Error;
use peerless_peer::parameters::EncodingParameters;
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::TransceiverInit;
use scene::ALICE;

/// A peer's offer of one section with these preferences; of pictures in two encodings.
fn offer(kind: MediaKind, preferences: &[CodecCapability]) -> Result<String, Error> {
    let mut peer = Peer::new(scene::config(1, ALICE)).unwrap();
    let mut init = TransceiverInit { direction: Direction::SendRecv, ..TransceiverInit::default() };
    if kind == MediaKind::Video {
        init.send_encodings = ["a", "b"].map(EncodingParameters::named).into();
    }
    let id = peer.add_transceiver(kind, init).unwrap();
    peer.set_codec_preferences(id, preferences)?;
    Ok(peer.create_offer().unwrap().sdp)
}

/// `a=rtpmap` of a codec, without its number.
fn rtpmap(codec: &CodecCapability) -> String {
    let channels = if codec.channels > 1 { format!("/{}", codec.channels) } else { String::new() };
    let (_, name) =
        codec.mime_type().split_once('/').map(|(kind, name)| (kind.to_owned(), name.to_owned())).unwrap();
    format!("{name}/{}{channels}", codec.clock_rate)
}

/// The encodings of a description, each once, in order.
fn encodings(sdp: &str) -> Vec<String> {
    let maps = sdp.lines().filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '));
    let mut names: Vec<String> = Vec::new();
    for (_, name) in maps {
        if !names.contains(&name.to_owned()) {
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn offers_contain_what_capabilities_say_and_nothing_else() {
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let (sender, receiver) = (capabilities::sender(kind), capabilities::receiver(kind));
        assert_eq!(sender.codecs, receiver.codecs);
        let sdp = offer(kind, &[]).unwrap();
        let mut offered = encodings(&sdp);
        let mut known: Vec<String> = sender.codecs.iter().map(rtpmap).collect();
        offered.sort();
        known.sort();
        known.dedup();
        assert_eq!(offered, known, "{kind}");
        let mut uris: Vec<&str> = sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=extmap:")?.split_once(' ').map(|(_, uri)| uri))
            .collect();
        let mut said: Vec<&str> = receiver.header_extensions.iter().map(|one| one.uri).collect();
        uris.sort_unstable();
        said.sort_unstable();
        assert_eq!(uris, said);
        let sent: Vec<_> = sender.header_extensions.iter().map(|one| one.uri).collect();
        let is_sent = |uri: &str| sent.contains(&uri);
        let only_received: Vec<_> = said.iter().filter(|uri| !is_sent(uri)).collect();
        match kind {
            MediaKind::Audio => assert_eq!(only_received, [&"urn:ietf:params:rtp-hdrext:csrc-audio-level"]),
            MediaKind::Video => assert_eq!(only_received, [] as [&&str; 0]),
        }
    }
}

#[test]
fn tones_and_retransmissions_are_named_as_the_w3c_does() {
    let names = |kind| {
        let codecs = capabilities::sender(kind).codecs;
        let mut names: Vec<String> = codecs
            .iter()
            .map(|one| format!("{} {} {}", one.mime_type(), one.clock_rate, one.parameters))
            .collect();
        names.retain(|name| name.contains("rtx") || name.contains("telephone"));
        names
    };
    assert_eq!(
        names(MediaKind::Audio),
        ["audio/telephone-event 48000 0-16", "audio/telephone-event 8000 0-16"]
    );
    assert_eq!(names(MediaKind::Video), ["video/rtx 90000 "]);
}

#[test]
fn any_choice_of_capabilities_with_a_codec_is_taken_as_preferences() {
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let all = capabilities::receiver(kind).codecs;
        let (media, beside): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|one| one.format.is_media());
        for codec in &media {
            let alone = offer(kind, std::slice::from_ref(codec)).unwrap();
            assert_eq!(encodings(&alone), [rtpmap(codec)], "only it, with nothing beside");
            let with_beside = [vec![codec.clone()], beside.clone()].concat();
            let offered = encodings(&offer(kind, &with_beside).unwrap());
            assert_eq!(offered, with_beside.iter().map(rtpmap).collect::<Vec<_>>());
        }
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(
            encodings(&offer(kind, &reversed).unwrap()).len(),
            encodings(&offer(kind, &[]).unwrap()).len()
        );
        assert!(matches!(offer(kind, &beside), Err(Error::Modified)), "nothing to go beside");
        let other = if kind == MediaKind::Audio { MediaKind::Video } else { MediaKind::Audio };
        let foreign = [media[0].clone(), capabilities::receiver(other).codecs[0].clone()];
        assert!(matches!(offer(kind, &foreign), Err(Error::Modified)));
    }
}
