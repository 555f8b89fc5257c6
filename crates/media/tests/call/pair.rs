//! Two connections over the loopback interface, one of which sends to the other.

use std::net::Ipv4Addr;
use std::time::Duration;

use peerless::{
    Configuration, Direction, EncodingParameters, Event, Events, LocalTrack, MediaKind, PeerConnection,
    RemoteTrack, Sender,
};
use tokio::time::timeout;

/// Generous: a slow machine is not a fault.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Call {
    pub a: PeerConnection,
    pub b: PeerConnection,
    events: Events,
}

/// With these codecs only; of a kind of which none is named, all.
fn connection(names: &[&str]) -> PeerConnection {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    let all = configuration.codecs.clone();
    configuration.codecs.retain(|codec| {
        let mut kind = all.iter().filter(|other| other.format.is_video() == codec.format.is_video());
        names.contains(&codec.format.name()) || !kind.any(|other| names.contains(&other.format.name()))
    });
    PeerConnection::new(configuration).unwrap()
}

fn trickle(from: &PeerConnection, to: &PeerConnection) {
    let (mut events, to) = (from.events(), to.clone());
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event
                && to.add_ice_candidate(&candidate).is_err()
            {
                break;
            }
        }
    });
}

impl Call {
    /// `a` sends the tracks to `b`; both have only these codecs (of a kind of which none is named, all).
    pub fn new(tracks: &[&LocalTrack], codecs: &[&str]) -> Self {
        let (a, b) = (connection(codecs), connection(codecs));
        let events = b.events();
        trickle(&a, &b);
        trickle(&b, &a);
        for track in tracks {
            a.add_track(track).unwrap();
        }
        let call = Self { a, b, events };
        call.negotiate();
        call
    }

    /// `a` sends one track to `b` in several encodings; gives its sender too.
    pub fn in_encodings(
        track: &LocalTrack,
        encodings: Vec<EncodingParameters>,
        codecs: &[&str],
    ) -> (Self, Sender) {
        let (a, b) = (connection(codecs), connection(codecs));
        let events = b.events();
        trickle(&a, &b);
        trickle(&b, &a);
        let transceiver = a.add_transceiver_in_encodings(track, Direction::SendOnly, encodings).unwrap();
        let sender = transceiver.sender();
        let call = Self { a, b, events };
        call.negotiate();
        (call, sender)
    }

    /// `a` offers, `b` answers.
    pub fn negotiate(&self) {
        self.a.set_local_description(None).unwrap();
        self.b.set_remote_description(self.a.local_description().unwrap()).unwrap();
        self.b.set_local_description(None).unwrap();
        self.a.set_remote_description(self.b.local_description().unwrap()).unwrap();
    }

    pub async fn track(&mut self, kind: MediaKind) -> RemoteTrack {
        timeout(PATIENCE, async {
            loop {
                match self.events.next().await {
                    Some(Event::Track(track)) if track.kind() == kind => return track,
                    Some(_) => {}
                    None => panic!("no track came"),
                }
            }
        })
        .await
        .unwrap()
    }
}
