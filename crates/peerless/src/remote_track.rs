//! A track that the remote sends: encoded frames to be read.

use std::sync::Arc;
use std::time::Duration;

use peerless_peer::error::Error as PeerError;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;
use peerless_rtp::config::MAX_JITTER_BUFFER_TARGET;
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;

use crate::error::Error;
use crate::feed::{FrameQueue, Request, Requests, Standing};

/// A MediaStreamTrack of the remote (webrtc-pc §5.3). Cheap to clone; frames go to whichever clone asks first. Where two
/// want all of them, one to show and one to record, give one of them a [`fork`](Self::fork).
#[derive(Debug, Clone)]
pub struct RemoteTrack {
    pub(crate) transceiver: TransceiverId,
    pub(crate) kind: MediaKind,
    /// The one encoding that this reader takes, of several.
    pub(crate) rid: Option<Rid>,
    pub(crate) id: Arc<str>,
    /// What the other side may change about it.
    pub(crate) standing: Arc<Standing>,
    /// What this reader and its clones take from.
    pub(crate) queue: Arc<FrameQueue>,
    /// What the connection fills; the same, but for a fork.
    pub(crate) origin: Arc<FrameQueue>,
    pub(crate) requests: Arc<Requests>,
}

impl RemoteTrack {
    /// Waits for the next frame, of any encoding where there are several ([`Frame::rid`]); `None` once the track has ended. A reader that falls behind by 100 frames loses
    /// them up to the next key frame, which is then asked for.
    pub async fn recv(&self) -> Option<Frame> {
        if self.queue.take_key_wish() {
            self.request_key_frame();
        }
        std::future::poll_fn(|context| self.queue.poll_frame(context)).await
    }

    /// Another reader of the same track, with a queue of its own: it gets every frame from now on, and those that wait
    /// here. One that is made in the middle of a stream begins with the next key frame, and asks for it.
    pub fn fork(&self) -> Self {
        Self { queue: self.origin.fork_of(self.rid.clone()), ..self.clone() }
    }

    /// Another reader, with a queue of its own, of one encoding alone, where the remote sends several (simulcast, RFC 8853):
    /// it gets its frames from now on, and those that wait here. Key frames that it asks for are of this encoding.
    pub fn encoding(&self, rid: &Rid) -> Self {
        Self { queue: self.origin.fork_of(Some(rid.clone())), rid: Some(rid.clone()), ..self.clone() }
    }

    /// The names of the encodings that the remote sends, by the last negotiation; empty for one without a name.
    pub fn rids(&self) -> Vec<Rid> {
        self.origin.rids()
    }

    /// Sound or pictures.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The id that the remote gave it, or one of ours where it gave none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The streams it belongs to now: tracks of one stream are played in step. The other side may change them, which
    /// [`Event::StreamsChanged`](crate::Event::StreamsChanged) tells.
    pub fn stream_ids(&self) -> Arc<[String]> {
        self.standing.stream_ids()
    }

    /// `muted`: whether nothing of it arrives, as before its first packet and while the other side does not send. It goes
    /// on, with the same readers, when that changes.
    pub fn is_muted(&self) -> bool {
        self.standing.is_muted()
    }

    /// The transceiver it comes through.
    pub fn transceiver(&self) -> TransceiverId {
        self.transceiver
    }

    /// The codec of the last frame that came, before the first one the codec expected: `None` until our side of the
    /// description is set. Frames say their own format besides.
    pub fn codec(&self) -> Option<Codec> {
        self.queue.codec()
    }

    /// How long the jitter buffer should hold frames at least before [`recv`](Self::recv) gives them
    /// (`jitterBufferTarget`, webrtc-pc §5.3). `None`, the default, follows the jitter of the path. Zero gives frames as
    /// soon as they are whole, in order: for forwarding, recording and echo. Holds for what comes from now on, and
    /// through renegotiation, for all readers of the track; without effect once it has ended.
    ///
    /// # Errors
    /// `Peer` with `Range` above four seconds.
    pub fn set_jitter_buffer_target(&self, target: Option<Duration>) -> Result<(), Error> {
        if target.is_some_and(|target| target > MAX_JITTER_BUFFER_TARGET) {
            return Err(PeerError::Range("a jitter buffer target is four seconds at most").into());
        }
        self.origin.set_jitter_buffer_target(target);
        self.requests.push(self.transceiver, Request::JitterBufferTarget(target));
        Ok(())
    }

    /// What was last asked for with [`set_jitter_buffer_target`](Self::set_jitter_buffer_target).
    pub fn jitter_buffer_target(&self) -> Option<Duration> {
        self.origin.jitter_buffer_target()
    }

    /// Asks the remote for a key frame, where a decoder lost its way; not more often than is of use. Lost packets are
    /// seen to without it.
    pub fn request_key_frame(&self) {
        self.requests.push(self.transceiver, Request::KeyFrame(self.rid.clone()));
    }

    /// How many frames a slow reader has lost.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Whether no further frame will come (those that wait can still be read).
    pub fn is_ended(&self) -> bool {
        self.queue.is_ended()
    }
}
