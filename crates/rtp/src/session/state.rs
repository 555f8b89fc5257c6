//! What a session is made of, for all that acts on it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use peerless_wire::rtcp::{DlrrBlock, Packet, Remb};
use peerless_wire::rtp::{ExtensionMap, Mid, Ssrc};

use crate::cc::{Pacer, SentPackets, Want, split};
use crate::config::Config;
use crate::frame::Frame;
use crate::ntp::{ShortNtp, WallClock};
use crate::recv::{ASSUMED_RTT, Arrivals, LipSync, Receiver};
use crate::report::{Desk, Round, Schedule};
use crate::route::Routes;
use crate::send::{Numbers, Sender};
use crate::session::event::Event;
use crate::stats::Stats;

/// The state of a session.
#[derive(Debug)]
pub struct State {
    pub config: Config,
    pub clock: WallClock,
    pub senders: Vec<Sender>,
    /// Where sources stand that sent and do not now. There are no more than the user has made senders.
    pub paused: HashMap<Ssrc, Numbers>,
    pub receivers: Vec<Receiver>,
    pub routes: Routes,
    /// The header extensions of all receivers: ids mean the same in all of them (RFC 9143 §14).
    pub extensions: ExtensionMap,
    pub pacer: Pacer,
    pub sent: SentPackets,
    pub arrivals: Arrivals,
    pub lip_sync: LipSync,
    /// Whether feedback on transport-wide numbers was agreed on.
    pub tells_arrivals: bool,
    pub schedule: Schedule,
    /// The reports being written.
    pub round: Round,
    /// Whether a round of them is not done yet; it may be empty.
    pub is_reporting: bool,
    pub desk: Desk,
    /// Feedback that waits for room in a packet.
    pub feedback: VecDeque<Packet>,
    /// Sources that are to say BYE.
    pub goodbyes: VecDeque<Ssrc>,
    /// Who reports while nobody sends.
    pub own_source: Ssrc,
    /// Whether RTCP left in the name of `own_source`.
    pub is_own_source_used: bool,
    /// Reference times to be answered (RFC 3611 §4.4): who asked, what, and when that came.
    pub reference_times: Vec<(Ssrc, ShortNtp, Instant)>,
    /// Senders of which a collision was told.
    pub collided: Vec<Ssrc>,
    pub rtt: Option<Duration>,
    /// The bitrate that the remote told last, and for which sources.
    pub remb: Option<Remb>,
    pub is_closed: bool,
    /// Since when something waits that is to be sent at once.
    pub urgent: Option<Instant>,
    pub frames: VecDeque<(Mid, Frame)>,
    pub events: VecDeque<Event>,
    /// The session's own counts.
    pub counts: Stats,
}

impl State {
    /// The round trip by which feedback is timed, if it was measured: not longer than a second, whatever a remote makes
    /// us believe.
    pub fn feedback_rtt(&self) -> Option<Duration> {
        self.rtt.map(|rtt| rtt.min(LONGEST_FEEDBACK_RTT))
    }

    /// The same, or what it is thought to be before it was measured.
    pub fn rtt(&self) -> Duration {
        self.feedback_rtt().unwrap_or(ASSUMED_RTT)
    }

    /// Takes account of a round trip (RFC 6298 §2).
    pub fn measured_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(rtt, |smoothed| smoothed * 7 / 8 + rtt / 8));
    }

    /// The source in whose name reports and feedback are sent: that of the first sender, or one of our own.
    pub fn reporter(&self) -> Ssrc {
        self.senders.first().map_or(self.own_source, |sender| sender.config().ssrc)
    }

    /// Appends an event; too many, and the oldest goes.
    pub fn tell(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Moves frames that are whole from the receivers to where they are polled from.
    pub fn gather_frames(&mut self, now: Instant) {
        self.receivers.iter_mut().for_each(|receiver| gather(receiver, &mut self.frames, now));
        self.gather_tones(now);
    }

    /// Tells of the tones that have ended.
    pub fn gather_tones(&mut self, now: Instant) {
        for index in 0..self.receivers.len() {
            while let Some(receiver) = self.receivers.get_mut(index)
                && let Some((ssrc, tone)) = receiver.poll_tone(now)
            {
                let mid = receiver.mid().clone();
                self.tell(Event::Tone { mid, ssrc, tone });
            }
        }
    }

    /// The bitrates of all video senders together, as pacing and reports reckon with them.
    pub fn bitrate(&self) -> u64 {
        let video = self.senders.iter().filter(|sender| sender.config().codec.format.is_video());
        video.map(Sender::bitrate).sum()
    }

    /// Shares the bitrate that the remote told among the video senders it is for that send. Whether it changed for one.
    pub fn share_bitrate(&mut self) -> bool {
        let Some(remb) = &self.remb else { return false };
        let is_meant = |sender: &Sender| {
            let codec = &sender.config().codec;
            codec.feedback.remb && codec.format.is_video() && remb.ssrcs.iter().any(|ssrc| sender.owns(*ssrc))
        };
        let meant = self.senders.iter().filter(|sender| is_meant(sender));
        let active = meant.map(Sender::config).filter(|config| config.active);
        let wants: Vec<Want> =
            active.map(|config| Want { share: config.share, most: config.max_bitrate }).collect();
        let mut parts = split(remb.bitrate, &wants).into_iter();
        let mut changed = false;
        for sender in self.senders.iter_mut().filter(|sender| is_meant(sender)) {
            let part = if sender.config().active { parts.next() } else { None };
            let before = sender.target_bitrate();
            sender.set_target_bitrate(part.map(|part| part.max(LEAST_TARGET_BPS)));
            changed |= sender.target_bitrate() != before;
        }
        changed
    }

    /// Whether there is video either way.
    pub fn has_video(&self) -> bool {
        self.senders.iter().any(|sender| sender.config().codec.format.is_video())
            || self.receivers.iter().any(Receiver::has_video)
    }

    /// Whether feedback may go without a report in front: all sections agreed (RFC 5506 §4).
    pub fn has_reduced_size(&self) -> bool {
        self.senders.iter().all(|sender| sender.config().reduced_size)
            && self.receivers.iter().all(|receiver| receiver.config().reduced_size)
    }

    /// The answers to the reference times that came since this was last called (RFC 3611 §4.5).
    pub fn take_reference_answers(&mut self, now: Instant) -> Vec<DlrrBlock> {
        let answer = |(ssrc, time, arrived): (Ssrc, ShortNtp, Instant)| DlrrBlock {
            ssrc,
            last_report: time.0,
            delay_since_last_report: ShortNtp::from_duration(now.saturating_duration_since(arrived)).0,
        };
        self.reference_times.drain(..).map(answer).collect()
    }
}

/// Moves the frames of one receiver that are whole to `frames`. Beyond [`MAX_FRAMES`] the oldest goes, and the section
/// asks for a key frame.
pub fn gather(receiver: &mut Receiver, frames: &mut VecDeque<(Mid, Frame)>, now: Instant) {
    while let Some(frame) = receiver.poll_frame(now) {
        if frames.len() >= MAX_FRAMES {
            frames.pop_front();
            receiver.want_key_frame(frame.rid.as_ref());
        }
        frames.push_back((receiver.mid().clone(), frame));
    }
}

/// Encoders are never asked for less, bit/s, unless the owner of the session does.
const LEAST_TARGET_BPS: u64 = 30_000;

/// Feedback is never timed by a longer round trip.
const LONGEST_FEEDBACK_RTT: Duration = Duration::from_secs(1);

/// The most events that wait to be polled.
const MAX_EVENTS: usize = 1024;

/// The most frames that wait to be polled.
const MAX_FRAMES: usize = 256;
