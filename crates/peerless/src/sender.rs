//! The sending half of a transceiver (webrtc-pc §5.2).

use std::sync::Arc;

use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;

use crate::local_track::LocalTrack;
use crate::shared::Shared;

/// RTCRtpSender (webrtc-pc §5.2): a handle to the sending half of one transceiver. It does not keep the connection
/// open. Two handles are equal where they lead to the same sender.
#[derive(Debug, Clone)]
pub struct Sender {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: TransceiverId,
}

impl Sender {
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

    /// `track`: what it sends, if anything.
    pub fn track(&self) -> Option<LocalTrack> {
        self.shared.look().local_track(self.id).map(|source| LocalTrack { source })
    }

    /// What is sent, where something can be sent by the last negotiation.
    pub fn codec(&self) -> Option<Codec> {
        self.shared.look().peer.sender(self.id).and_then(|view| view.codec)
    }

    /// Whether a frame written now would leave: there is a track, it is negotiated, and the transport is connected.
    pub fn can_send(&self) -> bool {
        self.shared.look().peer.sender(self.id).is_some_and(|view| view.can_send)
    }
}

impl PartialEq for Sender {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Sender {}
