//! Two connections that change whatever they like, whenever they like, both at the same time: perfect negotiation keeps
//! them agreed. Here the channel between them is a pair of queues; over a network it is a WebSocket, or any other.

use std::error::Error;

use peerless::{Configuration, DataChannelInit, Direction, Event, LocalTrack, MediaKind, PeerConnection};
use peerless_signal::channel::{Channel, ChannelError, Incoming};
use peerless_signal::{Politeness, negotiator};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("both are negotiated: {:?}", meet().await?);
    Ok(())
}

/// Gives what has come about: a channel's label and a track's id.
pub async fn meet() -> Result<(String, String), Box<dyn Error>> {
    let (ours, theirs) = queues();
    let polite = PeerConnection::new(Configuration::default())?;
    let impolite = PeerConnection::new(Configuration::default())?;
    tokio::spawn(negotiator::run(ours, polite.clone(), Politeness::Polite));
    tokio::spawn(negotiator::run(theirs, impolite.clone(), Politeness::Impolite));

    // Both at once: their offers meet, one of them gives way, and nobody's wish is lost.
    let mut events = polite.events();
    let channel = polite.create_data_channel("chat", DataChannelInit::default())?;
    polite.add_transceiver(MediaKind::Audio, Direction::RecvOnly)?;
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    impolite.add_track(&camera)?;

    channel.opened().await;
    let mut id = None;
    while id.is_none()
        && let Some(event) = events.next().await
    {
        if let Event::Track(track) = event {
            id = Some(track.id().to_owned());
        }
    }
    polite.close();
    impolite.close();
    Ok((channel.label().to_owned(), id.unwrap_or_default()))
}

/// One end of the channel.
pub struct Queue {
    out: UnboundedSender<String>,
    into: UnboundedReceiver<String>,
}

/// Both ends of a channel.
pub fn queues() -> (Queue, Queue) {
    let ((a, from_a), (b, from_b)) = (unbounded_channel(), unbounded_channel());
    (Queue { out: a, into: from_b }, Queue { out: b, into: from_a })
}

impl Channel for Queue {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        self.out.send(text).map_err(|gone| ChannelError::Failed(gone.into()))
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        Ok(self.into.recv().await.map(Incoming::Text))
    }

    async fn close(&mut self) {
        self.into.close();
    }
}
