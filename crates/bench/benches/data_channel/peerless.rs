//! Ours.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use peerless::{Configuration, DataChannelInit, Event, Message, PeerConnection};

use crate::Received;

/// Connects a pair and floods it; `packet` is the largest packet that is looked for, if not the default.
pub async fn run(message: usize, received: Received, packet: Option<usize>) {
    let [sender, receiver] = [(); 2].map(|()| {
        let mut configuration = Configuration::default();
        configuration.interfaces = Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        if let Some(packet) = packet {
            configuration.max_packet_size = packet;
        }
        PeerConnection::new(configuration).expect("a connection")
    });
    let (mut of_sender, mut of_receiver) = (sender.events(), receiver.events());
    let channel = sender.create_data_channel("flood", DataChannelInit::default()).expect("a channel");
    sender.set_local_description(None).expect("an offer");
    receiver.set_remote_description(sender.local_description().expect("an offer")).expect("a fine offer");
    receiver.set_local_description(None).expect("an answer");
    sender.set_remote_description(receiver.local_description().expect("an answer")).expect("a fine answer");
    let other = receiver.clone();
    tokio::spawn(async move {
        while let Some(event) = of_sender.next().await {
            if let Event::IceCandidate(candidate) = event {
                let _ = other.add_ice_candidate(&candidate);
            }
        }
    });
    let other = sender.clone();
    tokio::spawn(async move {
        while let Some(event) = of_receiver.next().await {
            match event {
                Event::IceCandidate(candidate) => {
                    let _ = other.add_ice_candidate(&candidate);
                }
                Event::DataChannel(channel) => {
                    let received = received.clone();
                    tokio::spawn(async move {
                        while let Some(message) = channel.recv().await {
                            let Message::Binary(bytes) = message else { continue };
                            received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        }
                    });
                }
                _ => {}
            }
        }
    });
    channel.opened().await;
    let bytes = Bytes::from(vec![0x5a; message]);
    while channel.send(Message::Binary(bytes.clone())).await.is_ok() {}
    drop((sender, receiver));
}
