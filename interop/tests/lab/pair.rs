//! Two of ours at both ends of a test: how they exchange descriptions, and what is counted of what flows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use peerless::{DataChannel, PeerConnection, RemoteTrack};
use peerless_signal::channel::{Channel, ChannelError, Incoming};
use peerless_signal::{Role, exchange};
use tokio::sync::mpsc;

/// Has two connections exchange descriptions; the first offers.
pub fn connect(first: &PeerConnection, second: &PeerConnection) {
    let ((out, from_there), (back, from_here)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let (here, there) = (Half { out, into: from_here }, Half { out: back, into: from_there });
    tokio::spawn(exchange::run(here, first.clone(), Role::Offer));
    tokio::spawn(exchange::run(there, second.clone(), Role::Answer));
}

/// Counts the frames of a track.
pub async fn watch(track: RemoteTrack, frames: Arc<AtomicU64>) {
    while track.recv().await.is_some() {
        frames.fetch_add(1, Relaxed);
    }
}

/// Counts messages there and back.
pub async fn talk(channel: DataChannel, count: Arc<AtomicU64>) {
    channel.opened().await;
    while channel.send("ping").await.is_ok() && channel.recv().await.is_some() {
        count.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Signalling between two of ours.
struct Half {
    out: mpsc::UnboundedSender<Incoming>,
    into: mpsc::UnboundedReceiver<Incoming>,
}

impl Channel for Half {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        let _ = self.out.send(Incoming::Text(text));
        Ok(())
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        Ok(self.into.recv().await)
    }

    async fn close(&mut self) {
        self.into.close();
    }
}
