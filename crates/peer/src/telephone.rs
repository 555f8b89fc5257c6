//! The calls of a peer about the tones of a telephone (webrtc-pc §7).

use std::time::{Duration, Instant};

use crate::dtmf::{ToneTiming, normalized};
use crate::error::Error;
use crate::id::TransceiverId;
use crate::peer::Peer;
use crate::state::{ConnectionState, MediaKind};
use crate::transceiver::Transceiver;

impl Peer {
    /// `insertDTMF` (webrtc-pc §7.2): plays these keys of a telephone in place of the sound of the transceiver, one after
    /// the other, instead of those that still wait; the one being played is played to its end. `0` to `9`, `*`, `#` and `A`
    /// to `D` are keys, a comma is a pause of two seconds. None stops what waits. Each tone is `duration` long and has
    /// `inter_tone_gap` after it: 100 ms and 70 ms by the W3C's default. Either is brought into its bounds, 40 ms to 6 s
    /// and 30 ms to 6 s. [`Event::ToneChange`](crate::event::Event::ToneChange) tells of each that begins, and that all are
    /// over.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `CannotInsertDtmf` while [`can_insert_dtmf`](Self::can_insert_dtmf) says so;
    /// `InvalidCharacter` with the first that is none of these.
    pub fn insert_dtmf(
        &mut self,
        now: Instant,
        id: TransceiverId,
        tones: &str,
        duration: Duration,
        inter_tone_gap: Duration,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.engine.transceivers.live_mut(id)?;
        if !self.can_insert_dtmf(id) {
            return Err(Error::CannotInsertDtmf);
        }
        let tones = normalized(tones).map_err(Error::InvalidCharacter)?;
        self.engine.tone_buffers.insert(now, id, tones, ToneTiming::new(duration, inter_tone_gap));
        Ok(())
    }

    /// `canInsertDTMF` (webrtc-pc §7.3): connected, and the transceiver sends sound beside which the remote takes tones.
    pub fn can_insert_dtmf(&self, id: TransceiverId) -> bool {
        let can_send = |one: &Transceiver| {
            let sender = &one.sender;
            let is_active = sender.encodings.first().is_some_and(|encoding| encoding.parameters.active);
            let has_track = one.kind == MediaKind::Audio && sender.track.is_some();
            has_track && one.may_send() && is_active && sender.has_tones
        };
        self.connection_state() == ConnectionState::Connected
            && self.engine.transceivers.find(id).is_some_and(can_send)
    }

    /// `toneBuffer` (webrtc-pc §7.2): the keys that are still to be played.
    pub fn tone_buffer(&self, id: TransceiverId) -> String {
        self.engine.tone_buffers.tones(id)
    }
}
