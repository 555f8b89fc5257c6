//! A track that we send: the user's encoded frames go in, the connections' wishes come out.

use std::time::Instant;

use peerless_peer::media::SendError;
use peerless_peer::state::MediaKind;
use peerless_peer::transceiver::TrackInit;
use peerless_rtp::codec::Codec;
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;

use crate::encoding::Encoding;
use crate::shared::Shared;
use crate::source::Source;

/// A MediaStreamTrack of ours (mediacapture-main §4.3). Cheap to clone; add it to a connection with
/// [`PeerConnection::add_track`](crate::PeerConnection::add_track), then write encoded frames.
///
/// Which codec is wanted is settled by negotiation: look at [`codec`](Self::codec), wait with
/// [`wait_codec`](Self::wait_codec), and look again after [`changed`](Self::changed).
///
/// As in a browser, any number of senders may have one track, in one connection or in several, and it may be taken out
/// of a sender and given to another at any time: being removed does not end it, nor does the end of a connection. What is
/// written goes to all senders that have it. Their wishes are joined: a key frame is wanted where one of them wants it, and
/// the bit rate is what the poorest may spend. Where they negotiated different codecs, [`codec`](Self::codec) is that of the
/// sender that has had it longest, [`codecs`](Self::codecs) are all of them, and each sender gets the frames of its own.
#[derive(Debug, Clone)]
pub struct LocalTrack {
    pub(crate) source: Source<Shared>,
}

/// A frame that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// No sender has the track: it was not added to a connection yet, was removed, or the connection closed.
    #[error("no sender has the track")]
    NotAttached,
    /// The track was stopped.
    #[error("the track has ended")]
    Ended,
    /// No sender that has it can send it now; this is why the one that has had it longest cannot: not connected yet,
    /// another codec.
    #[error(transparent)]
    Refused(#[from] SendError),
}

impl LocalTrack {
    /// A track of `kind`. `id` and `stream_id` are what the remote will see; tracks of one stream play in step.
    pub fn new(kind: MediaKind, id: impl Into<String>, stream_id: impl Into<String>) -> Self {
        Self { source: Source::new(kind, id.into(), stream_id.into()) }
    }

    /// Sound or pictures.
    pub fn kind(&self) -> MediaKind {
        self.source.kind()
    }

    /// The id that the remote sees.
    pub fn id(&self) -> &str {
        self.source.id()
    }

    /// The stream that the remote sees it in, where a sender was told no other.
    pub fn stream_id(&self) -> &str {
        self.source.stream_id()
    }

    /// What to encode, settled with the remote; `None` while nothing can be sent.
    pub fn codec(&self) -> Option<Codec> {
        self.source.codec()
    }

    /// All that its senders want, each kind of frame once: more than one where they negotiated different codecs.
    pub fn codecs(&self) -> Vec<Codec> {
        self.source.codecs()
    }

    /// The most bits per second to spend on [`codec`](Self::codec), once the network has said; `None` leaves it to the
    /// user.
    pub fn target_bitrate(&self) -> Option<u64> {
        self.source.bitrate()
    }

    /// Whether the next frame should be a key frame; asking clears the wish.
    pub fn take_key_frame_request(&self) -> bool {
        self.source.take_key_frame()
    }

    /// All encodings that its senders want now, each kind of frame once; empty while nothing can be sent. Whoever writes one
    /// encoding only need not look at them: [`codec`](Self::codec) is that of the first then.
    pub fn encodings(&self) -> Vec<Encoding> {
        self.source.encodings()
    }

    /// Whether the next frame of this encoding should be a key frame; asking clears the wish.
    pub fn take_key_frame_request_of(&self, rid: Option<&Rid>) -> bool {
        self.source.take_key_frame_of(rid)
    }

    /// `stop`: ends the track in all senders that have it. They keep it, and nothing is sent any more.
    pub fn stop(&self) {
        self.source.stop();
    }

    /// `readyState`: whether it was stopped. Nothing else ends it.
    pub fn is_ended(&self) -> bool {
        self.source.is_stopped()
    }

    /// Whether it was sent, no sender has it any more, and this is the only handle left. Whoever only makes its frames and
    /// does not mean to add it anywhere can stop then.
    pub fn is_abandoned(&self) -> bool {
        self.source.is_abandoned()
    }

    /// Waits until there is something to encode for; `None` when the track has ended or is abandoned.
    pub async fn wait_codec(&self) -> Option<Codec> {
        self.source.wait(|source| if source.is_over() { Some(None) } else { source.codec().map(Some) }).await
    }

    /// Waits until the codec is another than `codec`, or the track has ended or is abandoned.
    pub async fn changed(&self, codec: Option<&Codec>) {
        self.source.wait(|source| (source.is_over() || source.codec().as_ref() != codec).then_some(())).await;
    }

    /// Sends one frame, by all senders that have the track and negotiated its format, and have the encoding that it names. One
    /// without a name goes to those that have a single encoding; where there are none, it is of the first of several. Never
    /// waits: the frame is cut into packets at once and paced onto the network.
    ///
    /// # Errors
    /// Why no sender took the frame; none is kept for later. See [`WriteError`].
    pub fn write(&self, frame: &Frame) -> Result<(), WriteError> {
        let outlets = self.source.outlets().ok_or(WriteError::Ended)?;
        let (mut is_taken, mut refusal) = (false, None);
        let is_plain = frame.rid.is_none() && outlets.iter().any(|outlet| !outlet.has_names);
        for outlet in outlets.iter().filter(|outlet| !(is_plain && outlet.has_names)) {
            let Some(shared) = outlet.connection.upgrade() else { continue };
            let sent = shared.lock().peer.send_frame(Instant::now(), outlet.transceiver, frame);
            match sent {
                Ok(()) => is_taken = true,
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            _ if is_taken => Ok(()),
            Some(error) => Err(error.into()),
            None => Err(WriteError::NotAttached),
        }
    }

    /// How it is named to the remote, in these streams.
    pub(crate) fn init(&self, stream_ids: Vec<String>) -> TrackInit {
        TrackInit { id: self.id().to_owned(), stream_ids }
    }

    /// In the stream that it was made with.
    pub(crate) fn own_init(&self) -> TrackInit {
        self.init(vec![self.stream_id().to_owned()])
    }
}

/// Two handles are equal where they are of the same track.
impl PartialEq for LocalTrack {
    fn eq(&self, other: &Self) -> bool {
        self.source.is_same(&other.source)
    }
}

impl Eq for LocalTrack {}
