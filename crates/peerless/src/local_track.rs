//! A track that we send: the user's encoded frames go in, the connection's wishes come out.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use peerless_peer::id::TransceiverId;
use peerless_peer::media::SendError;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;
use peerless_rtp::frame::Frame;

use crate::feed::Wishes;
use crate::shared::Shared;

/// A MediaStreamTrack of ours. Cheap to clone; add it to one connection with
/// [`PeerConnection::add_track`](crate::PeerConnection::add_track), then write encoded frames.
///
/// Which codec is wanted is settled by negotiation: look at [`codec`](Self::codec), wait with
/// [`wait_codec`](Self::wait_codec), and look again after [`changed`](Self::changed).
#[derive(Debug, Clone)]
pub struct LocalTrack {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: MediaKind,
    id: String,
    stream_id: String,
    wishes: Arc<Wishes>,
    attached: OnceLock<(Weak<Shared>, TransceiverId)>,
}

/// A frame that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The track was not added to a connection yet.
    #[error("the track is in no connection")]
    NotAttached,
    /// The connection or the transceiver is gone.
    #[error("the track has ended")]
    Ended,
    /// The connection cannot send it now: not connected yet, another codec, no room.
    #[error(transparent)]
    Refused(#[from] SendError),
}

impl LocalTrack {
    /// A track of `kind`. `id` and `stream_id` are what the remote will see; tracks of one stream play in step. It
    /// belongs to the first connection that it is added to.
    pub fn new(kind: MediaKind, id: impl Into<String>, stream_id: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            id: id.into(),
            stream_id: stream_id.into(),
            wishes: Arc::new(Wishes::default()),
            attached: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sound or pictures.
    pub fn kind(&self) -> MediaKind {
        self.inner.kind
    }

    /// The id that the remote sees.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The stream that the remote sees it in.
    pub fn stream_id(&self) -> &str {
        &self.inner.stream_id
    }

    /// What to encode, settled with the remote; `None` while nothing can be sent.
    pub fn codec(&self) -> Option<Codec> {
        self.inner.wishes.codec()
    }

    /// The most bits per second to spend, once the network has said; `None` leaves it to the user.
    pub fn target_bitrate(&self) -> Option<u64> {
        self.inner.wishes.bitrate()
    }

    /// Whether the next frame should be a key frame; asking clears the wish.
    pub fn take_key_frame_request(&self) -> bool {
        self.inner.wishes.take_key_frame()
    }

    /// Whether no frame will be taken any more: the connection closed, or the track was removed.
    pub fn is_ended(&self) -> bool {
        self.inner.wishes.is_ended()
    }

    /// Waits until there is something to encode for; `None` when the track has ended.
    pub async fn wait_codec(&self) -> Option<Codec> {
        self.inner
            .wishes
            .wait(|wishes| if wishes.is_ended() { Some(None) } else { wishes.codec().map(Some) })
            .await
    }

    /// Waits until the codec is another than `codec`, or the track has ended.
    pub async fn changed(&self, codec: Option<&Codec>) {
        self.inner
            .wishes
            .wait(|wishes| (wishes.is_ended() || wishes.codec().as_ref() != codec).then_some(()))
            .await;
    }

    /// Sends one frame. Never waits: the frame is cut into packets at once and paced onto the network.
    ///
    /// # Errors
    /// Why the frame was dropped; none is kept for later. See [`WriteError`].
    pub fn write(&self, frame: &Frame) -> Result<(), WriteError> {
        if self.is_ended() {
            return Err(WriteError::Ended);
        }
        let (shared, id) = self.inner.attached.get().ok_or(WriteError::NotAttached)?;
        let shared = shared.upgrade().ok_or(WriteError::Ended)?;
        shared.lock().peer.send_frame(Instant::now(), *id, frame)?;
        Ok(())
    }

    /// Whether it was added to a connection.
    pub(crate) fn is_attached(&self) -> bool {
        self.inner.attached.get().is_some()
    }

    /// Belongs to `shared` from now on; once only, later calls change nothing.
    pub(crate) fn attach(&self, shared: &Arc<Shared>, id: TransceiverId) {
        if self.inner.attached.set((Arc::downgrade(shared), id)).is_ok() {
            shared.lock().attach(id, self.inner.wishes.clone());
        }
    }
}
