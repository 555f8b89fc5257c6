//! rustrtc, with its defaults but for the loopback address and what asks the network for help.

use std::sync::atomic::Ordering;

use rustrtc::transports::sctp::DataChannelConfig;
use rustrtc::{DataChannelEvent, PeerConnection, PeerConnectionEvent, RtcConfiguration};

use crate::Received;

/// Connects a pair and floods it.
pub async fn run(message: usize, received: Received) {
    let [sender, receiver] = [(); 2].map(|()| {
        PeerConnection::new(RtcConfiguration {
            bind_ip: Some("127.0.0.1".into()),
            ice_include_loopback_candidates: true,
            disable_ipv6: true,
            enable_upnp: false,
            ..RtcConfiguration::default()
        })
    });
    let config = DataChannelConfig { ordered: true, ..DataChannelConfig::default() };
    let channel = sender.create_data_channel("flood", Some(config)).expect("a channel");
    let offer = sender.create_offer().await.expect("an offer");
    sender.set_local_description(offer).expect("a fine offer");
    sender.wait_for_gathering_complete().await;
    receiver
        .set_remote_description(sender.local_description().expect("an offer"))
        .await
        .expect("a fine offer");
    let answer = receiver.create_answer().await.expect("an answer");
    receiver.set_local_description(answer).expect("a fine answer");
    receiver.wait_for_gathering_complete().await;
    sender
        .set_remote_description(receiver.local_description().expect("an answer"))
        .await
        .expect("a fine answer");
    tokio::spawn(async move {
        while let Some(event) = receiver.recv().await {
            let PeerConnectionEvent::DataChannel(channel) = event else { continue };
            let received = received.clone();
            tokio::spawn(async move {
                while let Some(event) = channel.recv().await {
                    if let DataChannelEvent::Message(bytes) = event {
                        received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    while !matches!(channel.recv().await, Some(DataChannelEvent::Open) | None) {}
    let bytes = vec![0x5a; message];
    while sender.send_data(channel.id, &bytes).await.is_ok() {}
}
