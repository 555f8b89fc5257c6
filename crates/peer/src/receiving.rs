//! What becomes of the remote's tracks: told, muted, heard again, moved to other streams, ended (webrtc-pc §5.1.1, §5.3), and
//! the end of transceivers (§5.4).

use std::time::Instant;

use peerless_wire::rtp::Mid;

use crate::engine::Engine;
use crate::event::Event;
use crate::id::TransceiverId;
use crate::jsep::plan::TrackChange;

/// What one description has to tell of tracks, in the order in which it is told (webrtc-pc §4.4.1.5).
#[derive(Debug, Default)]
pub(crate) struct TrackNews {
    muted: Vec<TransceiverId>,
    moved: Vec<TransceiverId>,
    began: Vec<TransceiverId>,
    ended: Vec<TransceiverId>,
}

impl Engine {
    /// Tells what a description changed of tracks.
    pub(crate) fn tell_tracks(&mut self, news: TrackNews) {
        let TrackNews { muted, moved, began, ended } = news;
        muted.into_iter().for_each(|id| self.tell(Event::TrackMuted(id)));
        moved.into_iter().for_each(|id| self.tell(Event::StreamsChanged(id)));
        began.into_iter().for_each(|id| self.tell(Event::Track(id)));
        ended.into_iter().for_each(|id| self.tell(Event::TrackEnded(id)));
    }

    /// The remote's track began, moved to other streams, or is sent no more (webrtc-pc §5.1.1).
    pub(crate) fn change_track(&mut self, id: TransceiverId, change: TrackChange, news: &mut TrackNews) {
        let Some(transceiver) = self.transceivers.find_mut(id) else {
            return;
        };
        let receiver = &mut transceiver.receiver;
        match change {
            TrackChange::None => {}
            TrackChange::Began(track) => {
                if let Some(track_id) = track.id {
                    receiver.track_id = track_id;
                }
                receiver.stream_ids = track.stream_ids;
                receiver.announced = true;
                news.began.push(id);
                // Where it was received all along, what comes next unmutes it.
                if let Some(mid) = transceiver.mid.clone() {
                    self.links.of_mut(&mid).media.tell_next_arrival(&mid);
                }
            }
            TrackChange::Moved(track) => {
                let is_new = |stream: &String| !receiver.stream_ids.contains(stream);
                if track.stream_ids.iter().any(is_new) {
                    news.began.push(id);
                }
                receiver.stream_ids = track.stream_ids;
                news.moved.push(id);
            }
            TrackChange::Muted => {
                receiver.announced = false;
                if !std::mem::take(&mut receiver.stream_ids).is_empty() {
                    news.moved.push(id);
                }
                if !std::mem::replace(&mut receiver.muted, true) {
                    news.muted.push(id);
                }
            }
        }
    }

    /// Media of a section arrives: its track is heard (webrtc-pc §5.3).
    pub(crate) fn unmute(&mut self, mid: &Mid) {
        let Some(id) = self.transceivers.of_section(mid).map(|one| one.id) else { return };
        let Some(transceiver) = self.transceivers.find_mut(id) else { return };
        let receiver = &mut transceiver.receiver;
        if receiver.announced && std::mem::take(&mut receiver.muted) {
            self.tell(Event::TrackUnmuted(id));
        }
    }

    /// A source of a section said goodbye: its track is muted until the next one comes (webrtc-pc §5.3).
    pub(crate) fn mute(&mut self, mid: &Mid) {
        let Some(id) = self.transceivers.of_section(mid).map(|one| one.id) else { return };
        let Some(transceiver) = self.transceivers.find_mut(id) else { return };
        if !std::mem::replace(&mut transceiver.receiver.muted, true) {
            self.tell(Event::TrackMuted(id));
        }
        // Another source of the section may go on.
        self.links.of_mut(mid).media.tell_next_arrival(mid);
    }

    /// Forgets a transceiver: it was stopped and its section is gone, or a rollback unmakes it.
    pub(crate) fn remove_transceiver(&mut self, now: Instant, id: TransceiverId, news: &mut TrackNews) {
        self.tone_buffers.forget(id);
        self.end_media(now, id, news);
        let gone = self.transceivers.remove(id).and_then(|transceiver| transceiver.mid);
        if let Some(mid) = gone {
            self.links.of_mut(&mid).media.forget(now, &mid);
        }
    }

    /// A transceiver whose section was rejected is stopped for good (webrtc-pc §5.4, "stop the RTCRtpTransceiver").
    pub(crate) fn reject_transceiver(&mut self, now: Instant, id: TransceiverId, news: &mut TrackNews) {
        self.end_media(now, id, news);
        if let Some(transceiver) = self.transceivers.find_mut(id) {
            transceiver.stopped = true;
            transceiver.current_direction = None;
            transceiver.receiver.receptive = false;
        }
    }

    /// Stops a transceiver at once; its section goes at the next negotiation (webrtc-pc §5.4, `stop`).
    pub(crate) fn stop_transceiver(&mut self, now: Instant, id: TransceiverId) {
        let mut news = TrackNews::default();
        self.end_media(now, id, &mut news);
        for id in self.transceivers.stopped_too_many() {
            self.remove_transceiver(now, id, &mut news);
        }
        self.tell_tracks(news);
    }

    /// "Stop sending and receiving" (webrtc-pc §5.4): once.
    fn end_media(&mut self, now: Instant, id: TransceiverId, news: &mut TrackNews) {
        let Some(transceiver) = self.transceivers.find_mut(id).filter(|one| !one.stopping) else {
            return;
        };
        transceiver.stopping = true;
        transceiver.sender.able = false;
        let has_sender = transceiver.sender.track.is_some();
        if let Some(mid) = transceiver.mid.clone() {
            let media = &mut self.links.of_mut(&mid).media;
            media.set_sender(now, &mid, None);
            media.set_receiver(now, &mid, None);
        }
        news.ended.push(id);
        if has_sender {
            self.tell(Event::SenderChanged(id));
        }
    }
}
