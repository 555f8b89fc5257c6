//! A transceiver: one media section with its sender and its receiver (webrtc-pc §5.4).

use std::sync::Arc;
use std::time::Instant;

use peerless_peer::config::CodecCapability;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{Direction, MediaKind};
use peerless_rtp::codec::Codec;
use peerless_wire::rtp::Mid;

use crate::error::Error;
use crate::receiver::Receiver;
use crate::remote_track::RemoteTrack;
use crate::sender::Sender;
use crate::shared::Shared;

/// RTCRtpTransceiver (webrtc-pc §5.4): a handle to one transceiver of a connection. It does not keep the connection
/// open. Two handles are equal where they lead to the same transceiver.
#[derive(Debug, Clone)]
pub struct Transceiver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: TransceiverId,
}

impl Transceiver {
    pub(crate) fn new(shared: Arc<Shared>, id: TransceiverId) -> Self {
        Self { shared, id }
    }

    /// `sender`: its sending half.
    pub fn sender(&self) -> Sender {
        Sender::new(self.shared.clone(), self.id)
    }

    /// `receiver`: its receiving half.
    pub fn receiver(&self) -> Receiver {
        Receiver::new(self.shared.clone(), self.id)
    }

    /// The direction it shall have from the next negotiation on.
    ///
    /// # Errors
    /// `Peer`: `Closed`, `UnknownTransceiver`; `Argument` for `Stopped`, which only [`stop`](Self::stop) sets.
    pub fn set_direction(&self, direction: Direction) -> Result<(), Error> {
        Ok(self.shared.lock().peer.set_direction(self.id, direction)?)
    }

    /// The codecs to negotiate, best first; none restores the default. Takes effect with the next negotiation.
    ///
    /// # Errors
    /// `Peer`: `Closed`, `UnknownTransceiver`; `Modified` where one is of the other kind or not among
    /// [`Configuration::codecs`](crate::Configuration::codecs).
    pub fn set_codec_preferences(&self, codecs: &[CodecCapability]) -> Result<(), Error> {
        Ok(self.shared.lock().peer.set_codec_preferences(self.id, codecs)?)
    }

    /// Stops it for good: nothing is sent or received any more, and the next negotiation rejects its section.
    ///
    /// # Errors
    /// `Peer`: `Closed`, `UnknownTransceiver` where it was stopped before.
    pub fn stop(&self) -> Result<(), Error> {
        let mut state = self.shared.lock();
        state.peer.stop(Instant::now(), self.id)?;
        state.detach(self.id);
        Ok(())
    }

    /// Its id within the connection.
    pub fn id(&self) -> TransceiverId {
        self.id
    }

    /// Sound or pictures; `None` once it is gone.
    pub fn kind(&self) -> Option<MediaKind> {
        self.shared.look().peer.transceiver(self.id).map(|view| view.kind)
    }

    /// The name of its media section, once negotiated.
    pub fn mid(&self) -> Option<Mid> {
        self.shared.look().peer.transceiver(self.id).and_then(|view| view.mid)
    }

    /// The direction wished for.
    pub fn direction(&self) -> Option<Direction> {
        self.shared.look().peer.transceiver(self.id).map(|view| view.direction)
    }

    /// The direction negotiated.
    pub fn current_direction(&self) -> Option<Direction> {
        self.shared.look().peer.transceiver(self.id).and_then(|view| view.current_direction)
    }

    /// Whether it was stopped, by us or by the remote: its `direction` is `Stopped`, or it is gone already.
    pub fn is_stopped(&self) -> bool {
        self.direction().is_none_or(|direction| direction == Direction::Stopped)
    }

    /// What it sends, where it can send now.
    pub fn sending_codec(&self) -> Option<Codec> {
        self.shared.look().peer.sender(self.id).and_then(|view| view.codec)
    }

    /// The track of its receiver, where the remote sends it now; see [`Receiver::track`] for the one that is always there.
    pub fn remote_track(&self) -> Option<RemoteTrack> {
        self.shared.look().sent_track(self.id)
    }
}

impl PartialEq for Transceiver {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Transceiver {}
