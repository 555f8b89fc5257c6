//! Parameters of senders and receivers, and transceivers of several encodings (webrtc-pc §5.1, §5.2, §5.3, §5.4.1).

use std::time::Instant;

use peerless_peer::parameters::{EncodingParameters, ReceiveParameters, SendParameters};
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::TransceiverInit;
use peerless_wire::rtp::Rid;

use crate::connection::PeerConnection;
use crate::error::Error;
use crate::local_track::LocalTrack;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::transceiver::Transceiver;

impl PeerConnection {
    /// `addTransceiver` with send encodings: a new media section that sends the track as often as there are encodings, each
    /// with its own size, rate and limits (simulcast, RFC 8853). The remote may take fewer, or only the first.
    ///
    /// Whoever writes the frames makes them by [`LocalTrack::encodings`] and writes the name of the encoding into each;
    /// `peerless_media`'s pump does.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `Argument` for the direction `Stopped`, and for names that are none (letters and digits), are there
    /// twice or that only some have; `Range` for a scale below 1 or a frame rate below 0; `CodecUnavailable`;
    /// `NotSupported` for a name longer than 16 letters and for a network priority.
    pub fn add_transceiver_in_encodings(
        &self,
        track: &LocalTrack,
        direction: Direction,
        send_encodings: Vec<EncodingParameters>,
    ) -> Result<Transceiver, Error> {
        let track_init = Some(track.own_init());
        let init =
            TransceiverInit { direction, track: track_init, send_encodings, ..TransceiverInit::default() };
        self.add(track, |peer| peer.add_transceiver(track.kind(), init))
    }

    /// `addTransceiver` to receive pictures in several encodings of these names: our offers ask the remote for them
    /// (RFC 8853 §5.2). As an answerer we take what is offered without being told.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `Argument` and `NotSupported` for names as in
    /// [`add_transceiver_in_encodings`](Self::add_transceiver_in_encodings); `Range` for more than eight.
    pub fn add_transceiver_for_encodings(&self, rids: &[&str]) -> Result<Transceiver, Error> {
        let receive_rids = rids.iter().map(|rid| Rid::new(rid)).collect();
        let direction = Direction::RecvOnly;
        let init = TransceiverInit { direction, receive_rids, ..TransceiverInit::default() };
        let id = self.shared().lock().peer.add_transceiver(MediaKind::Video, init)?;
        Ok(Transceiver::new(self.shared().clone(), id))
    }
}

impl Sender {
    /// `getParameters`: to be changed and handed to [`set_parameters`](Self::set_parameters).
    ///
    /// # Errors
    /// `Peer`: `UnknownTransceiver` once the transceiver is gone.
    pub fn get_parameters(&self) -> Result<SendParameters, Error> {
        Ok(self.shared.lock_quietly().peer.get_parameters(self.id)?)
    }

    /// `setParameters`: takes effect at once, without negotiation. An encoding that is not active any more sends nothing from
    /// this moment on; bitrate, frame rate and scale reach whoever makes the frames by [`LocalTrack::encodings`].
    ///
    /// # Errors
    /// `Peer`: `Closed`; `UnknownTransceiver`, also where it was stopped; `ParametersNotRead` where they were not read since
    /// they were set or negotiated last; `Modification` where something read-only was changed; `Range` and `Argument` for
    /// numbers; `NotSupported` for a network priority.
    pub fn set_parameters(&self, parameters: SendParameters) -> Result<(), Error> {
        Ok(self.shared.lock().peer.set_parameters(Instant::now(), self.id, parameters)?)
    }
}

impl Receiver {
    /// `getParameters`; `None` once the transceiver is gone.
    pub fn get_parameters(&self) -> Option<ReceiveParameters> {
        self.shared.look().peer.receive_parameters(self.id)
    }
}
