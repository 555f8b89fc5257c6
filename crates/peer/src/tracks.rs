//! The calls of a peer about transceivers, senders and receivers (webrtc-pc §5).

use std::time::{Duration, Instant};

use peerless_wire::rtp::Rid;

use crate::config::CodecCapability;
use crate::error::Error;
use crate::id::TransceiverId;
use crate::parameters::{check_received, of_new_sender};
use crate::peer::Peer;
use crate::state::{Direction, MediaKind};
use crate::transceiver::{
    ReceiverView, TrackInit, Transceiver, TransceiverInit, TransceiverView, with_sending,
};

impl Peer {
    /// `addTrack` (webrtc-pc §5.1): reuses a transceiver of this kind that never sent, else makes one.
    ///
    /// # Errors
    /// `Closed`; `TrackExists` where a sender has a track of this id; `Argument` for ids that `a=msid` cannot carry.
    pub fn add_track(&mut self, kind: MediaKind, track: TrackInit) -> Result<TransceiverId, Error> {
        self.check_open()?;
        check_ids(Some(&track), &[])?;
        let id = self.engine.transceivers.add_track(kind, track)?;
        self.finish_call();
        Ok(id)
    }

    /// `addTransceiver` (webrtc-pc §5.1): always a new one. Its track may have another sender too.
    ///
    /// # Errors
    /// `Closed`; `Argument` for the direction `Stopped`, and for names of encodings that are none, are there twice, or that
    /// only some have, and for ids that `a=msid` cannot carry; `Range` for a scale below 1 or a frame rate below 0; `CodecUnavailable` for an encoding in a codec
    /// that the configuration does not have; `NotSupported` for a name longer than 16 and for a network priority.
    pub fn add_transceiver(
        &mut self,
        kind: MediaKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, Error> {
        self.check_open()?;
        if init.direction == Direction::Stopped {
            return Err(Error::Argument("a transceiver cannot begin as stopped"));
        }
        check_ids(init.track.as_ref(), &init.stream_ids)?;
        let encodings = of_new_sender(kind, init.send_encodings, &self.config.codecs)?;
        check_received(kind, &init.receive_rids)?;
        let transceiver = self.engine.transceivers.add(kind, init.direction);
        let id = transceiver.id;
        transceiver.receiver.rids = init.receive_rids;
        if let Some(track) = init.track {
            transceiver.sender.set_track(track);
        }
        transceiver.sender.add_streams(&init.stream_ids);
        self.engine.transceivers.set_encodings(id, encodings);
        self.finish_call();
        Ok(id)
    }

    /// `removeTrack` (webrtc-pc §5.1): the sender has nothing to send any more; the direction loses its sending half. The
    /// source says goodbye with the negotiation that settles that: until then `replace_track` may give it a track again.
    /// Where it has no track, or was stopped, nothing happens.
    ///
    /// # Errors
    /// `Closed`; `ForeignSender` where there never was such a one.
    pub fn remove_track(&mut self, _now: Instant, id: TransceiverId) -> Result<(), Error> {
        self.check_open()?;
        let transceiver = self.engine.transceivers.known_mut(id).map_err(|_| Error::ForeignSender)?;
        let transceiver = transceiver.filter(|one| !one.stopping);
        if let Some(transceiver) = transceiver
            && transceiver.sender.track.take().is_some()
        {
            transceiver.direction = with_sending(transceiver.direction, false);
        }
        self.finish_call();
        Ok(())
    }

    /// `replaceTrack` (webrtc-pc §5.2): what is sent from now on, without negotiation; `None` sends nothing. To the
    /// remote it is the same track in the same streams as before: only `set_streams` changes those, so the streams of
    /// the given track do not count. It must be of the transceiver's kind, which is for the caller to see to: tracks
    /// have none here.
    ///
    /// # Errors
    /// `Closed`; `UnknownTransceiver`, also where it was stopped.
    pub fn replace_track(
        &mut self,
        _now: Instant,
        id: TransceiverId,
        track: Option<TrackInit>,
    ) -> Result<(), Error> {
        self.check_open()?;
        let transceiver = self.engine.transceivers.live_mut(id)?;
        let is_other =
            transceiver.sender.track.as_ref().map(|one| &one.id) != track.as_ref().map(|one| &one.id);
        if is_other && track.is_some() {
            // So that it is told as one that begins: the remote needs a key frame of it.
            transceiver.sender.able = false;
            transceiver.sender.attachment += 1;
        }
        transceiver.sender.track = track;
        self.finish_call();
        Ok(())
    }

    /// `setStreams` of a sender (webrtc-pc §5.2): the streams its track belongs to for the remote, from the next
    /// negotiation on.
    ///
    /// # Errors
    /// `Closed`; `UnknownTransceiver` where there never was such a one; `Argument` for ids that `a=msid` cannot carry.
    pub fn set_streams(&mut self, id: TransceiverId, stream_ids: Vec<String>) -> Result<(), Error> {
        self.check_open()?;
        check_ids(None, &stream_ids)?;
        if let Some(transceiver) = self.engine.transceivers.known_mut(id)? {
            transceiver.sender.set_streams(&stream_ids);
        }
        self.finish_call();
        Ok(())
    }

    /// Sets the direction wanted at the next negotiation (webrtc-pc §5.4).
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Argument` for `Stopped`, which only `stop` sets.
    pub fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Result<(), Error> {
        self.check_open()?;
        if direction == Direction::Stopped {
            return Err(Error::Argument("only stop() stops a transceiver"));
        }
        self.engine.transceivers.live_mut(id)?.direction = direction;
        self.finish_call();
        Ok(())
    }

    /// `setCodecPreferences` (webrtc-pc §5.4): only these, best first; empty for the configuration's. Of repeated ones
    /// the first counts. Of pictures without [`CodecCapability::rtx`] none are sent again on a source of their own, and of
    /// sound without [`CodecCapability::telephone_event`] no tones.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Modified` where one is of another kind or not among what the configuration has and
    /// brings along, and where none of them is a codec.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: &[CodecCapability],
    ) -> Result<(), Error> {
        self.check_open()?;
        let ours = &self.config.codecs;
        let transceiver = self.engine.transceivers.live_mut(id)?;
        let kind = transceiver.kind;
        let beside = CodecCapability::beside(ours, kind);
        let is_ours =
            |codec: &CodecCapability| codec.is_of(kind) && (ours.contains(codec) || beside.contains(codec));
        let has_media = codecs.iter().any(|codec| codec.format.is_media());
        if !codecs.iter().all(is_ours) || !(has_media || codecs.is_empty()) {
            return Err(Error::Modified);
        }
        transceiver.preferences.clear();
        for codec in codecs {
            if !transceiver.preferences.contains(codec) {
                transceiver.preferences.push(codec.clone());
            }
        }
        self.finish_call();
        Ok(())
    }

    /// `stop` (webrtc-pc §5.4): sends and receives nothing more, and the media section goes at the next negotiation.
    /// Where it is stopped already, nothing happens.
    ///
    /// # Errors
    /// `Closed`; `UnknownTransceiver` where there never was such a one.
    pub fn stop(&mut self, now: Instant, id: TransceiverId) -> Result<(), Error> {
        self.check_open()?;
        if self.engine.transceivers.known_mut(id)?.is_some_and(|one| !one.stopping) {
            self.engine.stop_transceiver(now, id);
        }
        self.finish_call();
        Ok(())
    }

    /// All transceivers that are not stopped for good, in the order of their making.
    pub fn transceivers(&self) -> Vec<TransceiverView> {
        self.engine.transceivers.iter().map(Transceiver::view).collect()
    }

    /// One transceiver; `None` where it was stopped and is gone.
    pub fn transceiver(&self, id: TransceiverId) -> Option<TransceiverView> {
        self.engine.transceivers.find(id).map(Transceiver::view)
    }

    /// The receiving half of a transceiver.
    pub fn receiver(&self, id: TransceiverId) -> Option<ReceiverView> {
        let transceiver = self.engine.transceivers.find(id)?;
        let receiver = &transceiver.receiver;
        Some(ReceiverView {
            track_id: receiver.track_id.clone(),
            stream_ids: receiver.stream_ids.clone(),
            kind: transceiver.kind,
            codecs: receiver.codecs.clone(),
            rids: receiver.agreed.rids.clone(),
            receptive: receiver.receptive && !transceiver.stopping,
            muted: receiver.muted,
            jitter_buffer_target: receiver.jitter_buffer_target,
        })
    }

    /// `jitterBufferTarget` (webrtc-pc §5.3): how long frames are held at least before they are handed on. `None`
    /// follows the path; zero hands them on as soon as they are whole. Takes effect at once.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Range` above four seconds.
    pub fn set_jitter_buffer_target(
        &mut self,
        now: Instant,
        id: TransceiverId,
        target: Option<Duration>,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.engine.set_jitter_buffer_target(now, id, target)
    }

    /// Asks the remote for a key frame on this transceiver (PLI or FIR), not more often than is of use: of one encoding, or
    /// of all.
    pub fn request_key_frame(&mut self, now: Instant, id: TransceiverId, rid: Option<&Rid>) {
        if let Some(mid) = self.engine.transceivers.find(id).and_then(|one| one.mid.clone()) {
            self.engine.links.of_mut(&mid).media.request_key_frame(now, &mid, rid);
        }
    }
}

/// The ids of a track and of streams must be such that a description can carry them (RFC 8830 §2): of 1 to 64 bytes of a
/// token, and a stream is not called `-`, which stands for none. Browsers make them themselves.
fn check_ids(track: Option<&TrackInit>, stream_ids: &[String]) -> Result<(), Error> {
    if track.is_some_and(|track| !can_be_carried(&track.id)) {
        return Err(Error::Argument("the id of a track has 1 to 64 characters, without spaces"));
    }
    let of_track = track.map(|track| &track.stream_ids[..]).unwrap_or_default();
    if of_track.iter().chain(stream_ids).any(|id| id == "-" || !can_be_carried(id)) {
        return Err(Error::Argument(
            "the id of a stream has 1 to 64 characters, without spaces, and is not -",
        ));
    }
    Ok(())
}

/// Whether it is a token (RFC 8866 §9) of at most 64 bytes.
fn can_be_carried(id: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte);
    (1..=64).contains(&id.len()) && id.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_no_description_can_carry_are_refused() {
        let track = |id: &str, stream: &str| TrackInit { id: id.into(), stream_ids: vec![stream.into()] };
        let check = |id: &str, stream: &str| check_ids(Some(&track(id, stream)), &[stream.to_owned()]);
        assert!(check("{0b9c-1}", "my.stream_1").is_ok());
        for bad in ["", "two words", "a:b", "line\r\na=x", "é", &"x".repeat(65)] {
            assert!(matches!(check(bad, "stream"), Err(Error::Argument(_))), "{bad}");
            assert!(matches!(check("track", bad), Err(Error::Argument(_))), "{bad}");
        }
        assert!(check("-", "stream").is_ok());
        assert!(check_ids(None, &["-".to_owned()]).is_err());
    }
}
