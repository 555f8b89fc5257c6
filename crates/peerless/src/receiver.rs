//! The receiving half of a transceiver (webrtc-pc §5.3).

use std::sync::Arc;

use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;

use crate::remote_track::RemoteTrack;
use crate::shared::Shared;

/// RTCRtpReceiver (webrtc-pc §5.3): a handle to the receiving half of one transceiver. It does not keep the connection
/// open. Two handles are equal where they lead to the same receiver.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: TransceiverId,
}

impl Receiver {
    pub(crate) fn new(shared: Arc<Shared>, id: TransceiverId) -> Self {
        Self { shared, id }
    }

    /// The id of its transceiver within the connection.
    pub fn transceiver(&self) -> TransceiverId {
        self.id
    }

    /// Sound or pictures; `None` once the transceiver is gone.
    pub fn kind(&self) -> Option<MediaKind> {
        self.shared.look().peer.transceiver(self.id).map(|view| view.kind)
    }

    /// `track`: what the remote sends on it, muted while that is nothing; the same for as long as the transceiver lives.
    /// `None` once that was stopped.
    pub fn track(&self) -> Option<RemoteTrack> {
        self.shared.look().remote_track(self.id)
    }

    /// What arriving frames may be coded with; empty while nothing is to arrive.
    pub fn codecs(&self) -> Vec<Codec> {
        self.shared.look().peer.receiver(self.id).map(|view| view.codecs).unwrap_or_default()
    }
}

impl PartialEq for Receiver {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Receiver {}
