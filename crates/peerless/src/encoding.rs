//! What a connection wants of one encoding of a track.

use peerless_peer::transceiver::EncodingView;
use peerless_rtp::codec::Codec;
use peerless_wire::rtp::Rid;

/// One encoding of a [`LocalTrack`](crate::LocalTrack) that is to be made now: what its encoder should do.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// Its name, to be written into its frames ([`Frame::rid`](crate::Frame::rid)); `None` where it is the only one.
    pub rid: Option<Rid>,
    /// What its frames must be coded with.
    pub codec: Codec,
    /// The most bits per second to spend on it, by what the network carries and by its parameters; `None` leaves it to the
    /// user.
    pub target_bitrate: Option<u64>,
    /// The most pictures a second; `None` for as many as there are.
    pub max_framerate: Option<f64>,
    /// By how much width and height are to be divided, at least 1.
    pub scale_resolution_down_by: f64,
}

impl Encoding {
    /// What an encoder should do for one encoding of a sender; `None` where nothing is to be sent of it now.
    pub(crate) fn of(view: EncodingView) -> Option<Self> {
        let EncodingView { parameters, codec, can_send, target_bitrate } = view;
        Some(Self {
            rid: parameters.rid,
            codec: codec.filter(|_| can_send)?,
            target_bitrate,
            max_framerate: parameters.max_framerate,
            scale_resolution_down_by: parameters.scale_resolution_down_by.unwrap_or(1.0),
        })
    }
}
