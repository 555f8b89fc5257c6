//! Signalling of your own: all that a connection needs is that descriptions and candidates reach the other side.
//!
//! Here both sides live in one program and talk over two queues; put your message broker, chat room or HTTP server in
//! their place. One side sends a second of µ-law silence, the other counts what arrives.

use std::time::Duration;

use bytes::Bytes;
use peerless::{
    Configuration, Error, Event, Format, Frame, IceCandidateInit, LocalTrack, MediaKind, PeerConnection,
    RemoteTrack, SdpType, SessionDescription,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What goes over the wire of your choice.
enum Message {
    Description(SessionDescription),
    Candidate(IceCandidateInit),
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (to_receiver, from_sender) = unbounded_channel();
    let (to_sender, from_receiver) = unbounded_channel();
    let mut configuration = Configuration::default();
    configuration.codecs.retain(|codec| codec.format == Format::Pcmu);
    let sender = PeerConnection::new(configuration)?;
    let receiver = PeerConnection::new(Configuration::default())?;
    let track = LocalTrack::new(MediaKind::Audio, "silence", "example");
    sender.add_track(&track)?;

    let mut events = receiver.events();
    tokio::spawn(carry(sender.clone(), true, to_receiver, from_receiver));
    tokio::spawn(carry(receiver.clone(), false, to_sender, from_sender));
    tokio::spawn(speak(track));

    while let Some(event) = events.next().await {
        match event {
            Event::ConnectionState(state) => println!("{state}"),
            Event::Track(track) => {
                tokio::spawn(listen(track, [sender.clone(), receiver.clone()]));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The whole of signalling: one side begins with an offer; then our candidates go out, the other side's words come in.
///
/// A description is sent in the same breath as it is set, before the events are read: so it goes ahead of its candidates,
/// which the other side could not take without it.
async fn carry(
    connection: PeerConnection,
    begins: bool,
    out: UnboundedSender<Message>,
    mut into: UnboundedReceiver<Message>,
) -> Result<(), Error> {
    let mut events = connection.events();
    if begins {
        let offer = connection.create_offer()?;
        connection.set_local_description(offer.clone())?;
        let _ = out.send(Message::Description(offer));
    }
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::IceCandidate(candidate)) => { let _ = out.send(Message::Candidate(candidate)); }
                Some(_) => {}
                None => return Ok(()),
            },
            Some(message) = into.recv() => match message {
                Message::Candidate(candidate) => connection.add_ice_candidate(&candidate)?,
                Message::Description(description) => {
                    let is_offer = description.kind == SdpType::Offer;
                    connection.set_remote_description(description)?;
                    if is_offer {
                        let answer = connection.create_answer()?;
                        connection.set_local_description(answer.clone())?;
                        let _ = out.send(Message::Description(answer));
                    }
                }
            },
        }
    }
}

/// Counts a second of frames, then ends both sides.
async fn listen(track: RemoteTrack, ends: [PeerConnection; 2]) {
    for count in 1..=50 {
        let Some(frame) = track.recv().await else { break };
        println!("frame {count}: {} bytes of {}", frame.payload.len(), frame.format.name());
    }
    ends.iter().for_each(PeerConnection::close);
}

/// 20 ms of silence every 20 ms, for as long as somebody wants it.
async fn speak(track: LocalTrack) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut timestamp = 0;
    while !track.is_abandoned() {
        ticks.tick().await;
        let frame = Frame::new(Format::Pcmu, timestamp, true, Bytes::from_static(&[0xff; 160]));
        let _ = track.write(&frame);
        timestamp += 160;
    }
}
