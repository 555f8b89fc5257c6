//! The sending half of a transceiver (webrtc-pc §5.2).

use std::sync::Arc;
use std::time::Instant;

use peerless_peer::error::Error as PeerError;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;

use crate::error::Error;
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

    /// `replaceTrack`: what is sent from now on, without negotiation; `None` sends nothing. To the other side it is the
    /// same track as before, in the same streams. The track that was there does not end by it, and the new one may have
    /// other senders.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `UnknownTransceiver` where the transceiver was stopped; `Argument` for a track of the other kind.
    pub fn replace_track(&self, track: Option<&LocalTrack>) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let kind = state.peer.transceiver(self.id).map(|view| view.kind);
        if track.zip(kind).is_some_and(|(track, kind)| track.kind() != kind) {
            return Err(PeerError::Argument("the track is of the other kind").into());
        }
        state.peer.replace_track(Instant::now(), self.id, track.map(LocalTrack::own_init))?;
        match track {
            // The same one again: nothing changes for whoever makes its frames.
            Some(track) if state.local_track(self.id).is_some_and(|has| has.is_same(&track.source)) => {}
            Some(track) => state.attach(self.id, track.source.clone()),
            None => state.detach(self.id),
        }
        Ok(())
    }

    /// `setStreams`: the streams that its track belongs to for the other side, by their ids, from the next negotiation on,
    /// which is needed then.
    ///
    /// # Errors
    /// `Peer`: `Closed`.
    pub fn set_streams(&self, stream_ids: &[&str]) -> Result<(), Error> {
        let stream_ids = stream_ids.iter().map(|&id| id.to_owned()).collect();
        Ok(self.shared.lock().peer.set_streams(self.id, stream_ids)?)
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
