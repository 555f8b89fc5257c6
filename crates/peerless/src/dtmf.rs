//! The tones of a telephone that a sender plays in place of its sound (webrtc-pc §7).

use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;

use crate::error::Error;
use crate::sender::Sender;
use crate::shared::Shared;

/// RTCDTMFSender (webrtc-pc §7.2). What it plays is told by [`Event::ToneChange`](crate::Event::ToneChange); what the
/// remote plays, by [`Event::ToneReceived`](crate::Event::ToneReceived). It does not keep the connection open.
#[derive(Debug, Clone)]
pub struct DtmfSender {
    shared: Arc<Shared>,
    id: TransceiverId,
}

impl Sender {
    /// `dtmf` (webrtc-pc §7.1): `None` where it sends pictures, or its transceiver is gone.
    pub fn dtmf(&self) -> Option<DtmfSender> {
        let is_audio = self.kind() == Some(MediaKind::Audio);
        is_audio.then(|| DtmfSender { shared: self.shared.clone(), id: self.id })
    }
}

impl DtmfSender {
    /// How long a tone is where nobody says (webrtc-pc §7.2).
    pub const DURATION: Duration = Duration::from_millis(100);
    /// How long the gap after it is.
    pub const INTER_TONE_GAP: Duration = Duration::from_millis(70);

    /// `insertDTMF`: plays these keys one after the other, in place of those that still wait; the one being played is
    /// played to its end, and none at all stops behind it. `0` to `9`, `*`, `#` and `A` to `D` are keys, a comma is a pause
    /// of two seconds. Each tone is `duration` long, 40 ms to 6 s, with a gap of 30 ms to 6 s after it; what is out of
    /// these bounds is brought into them. Sound written meanwhile is not heard.
    ///
    /// # Errors
    /// `Peer`: `Closed`, `UnknownTransceiver`; `CannotInsertDtmf` where [`can_insert_dtmf`](Self::can_insert_dtmf) says so;
    /// `InvalidCharacter` with the first that is none of these.
    pub fn insert_dtmf(
        &self,
        tones: &str,
        duration: Duration,
        inter_tone_gap: Duration,
    ) -> Result<(), Error> {
        let mut state = self.shared.lock();
        Ok(state.peer.insert_dtmf(Instant::now(), self.id, tones, duration, inter_tone_gap)?)
    }

    /// `canInsertDTMF`: connected, and sound is sent beside which the remote takes tones.
    pub fn can_insert_dtmf(&self) -> bool {
        self.shared.look().peer.can_insert_dtmf(self.id)
    }

    /// `toneBuffer`: the keys that are still to be played.
    pub fn tone_buffer(&self) -> String {
        self.shared.look().peer.tone_buffer(self.id)
    }
}
