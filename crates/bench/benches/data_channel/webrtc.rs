//! webrtc (webrtc-rs), with the limit on its send buffer that its manual recommends: without one it takes all
//! the memory there is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use tokio::sync::Notify;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, Registry, register_default_interceptors,
};

use crate::{Received, SEND_BUFFER};

struct Handler {
    gathered: Arc<Notify>,
    received: Received,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let received = self.received.clone();
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                if let DataChannelEvent::OnMessage(message) = event {
                    received.fetch_add(message.data.len() as u64, Ordering::Relaxed);
                }
            }
        });
    }
}

async fn connection(received: &Received) -> (impl PeerConnection, Arc<Notify>) {
    let mut media = MediaEngine::default();
    media.register_default_codecs().expect("codecs");
    let registry = register_default_interceptors(Registry::new(), &mut media).expect("interceptors");
    let gathered = Arc::new(Notify::new());
    let handler = Handler { gathered: gathered.clone(), received: received.clone() };
    let connection = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(handler))
        .with_udp_addrs(vec!["127.0.0.1:0".to_string()])
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .build()
        .await
        .expect("a connection");
    (connection, gathered)
}

/// Connects a pair and floods it.
pub async fn run(message: usize, received: Received) {
    let (sender, sender_gathered) = connection(&received).await;
    let (receiver, receiver_gathered) = connection(&received).await;
    let channel = sender.create_data_channel("flood", None).await.expect("a channel");
    let offer = sender.create_offer(None).await.expect("an offer");
    sender.set_local_description(offer).await.expect("a fine offer");
    sender_gathered.notified().await;
    let offer = sender.local_description().await.expect("an offer");
    receiver.set_remote_description(offer).await.expect("a fine offer");
    let answer = receiver.create_answer(None).await.expect("an answer");
    receiver.set_local_description(answer).await.expect("a fine answer");
    receiver_gathered.notified().await;
    let answer = receiver.local_description().await.expect("an answer");
    sender.set_remote_description(answer).await.expect("a fine answer");
    while !matches!(channel.poll().await, Some(DataChannelEvent::OnOpen) | None) {}
    let events = channel.clone();
    tokio::spawn(async move { while events.poll().await.is_some() {} });
    let bytes = BytesMut::from(&vec![0x5a; message][..]);
    while channel.send(bytes.clone()).await.is_ok() {}
    drop(receiver);
}
