//! What negotiation steers: the transceivers, the data channels and the transports, moved by datagrams, frames and time.
//!
//! What they have to say is queued as [`Event`]s.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use peerless_transport::datagram::{Datagram, Transmit};

use crate::data::Channels;
use crate::dtmf::ToneBuffers;
use crate::event::Event;
use crate::figures::Figures;
use crate::id::TransceiverId;
use crate::links::Links;
use crate::media::{SendError, sending_section};
use crate::state::{ConnectionState, IceConnectionState, IceGatheringState};
use crate::transceiver::Transceivers;

/// How many events wait for the caller before those that tell nothing lasting are dropped.
const EVENT_LIMIT: usize = 1024;

/// The machines of a peer.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) transceivers: Transceivers,
    pub(crate) channels: Channels,
    pub(crate) tone_buffers: ToneBuffers,
    pub(crate) links: Links,
    /// What was reported of encoders, decoders, sources and playouts.
    pub(crate) figures: Figures,
    events: VecDeque<Event>,
    pub(crate) told: Told,
    /// What is left to send after closing, protected already.
    pub(crate) farewell: VecDeque<(Transmit, BytesMut)>,
    pub(crate) is_closed: bool,
    /// A transport needs an ICE restart.
    pub(crate) is_stranded: bool,
    max_segments: usize,
}

/// The states as they were told last.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) gathering: IceGatheringState,
    pub(crate) ice: IceConnectionState,
    pub(crate) connection: ConnectionState,
}

impl Engine {
    pub(crate) fn new(
        transceivers: Transceivers,
        links: Links,
        channels: Channels,
        max_segments: usize,
    ) -> Self {
        Self {
            transceivers,
            channels,
            tone_buffers: ToneBuffers::default(),
            links,
            figures: Figures::default(),
            events: VecDeque::new(),
            told: Told {
                gathering: IceGatheringState::New,
                ice: IceConnectionState::New,
                connection: ConnectionState::New,
            },
            farewell: VecDeque::new(),
            is_closed: false,
            is_stranded: false,
            max_segments,
        }
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        if self.is_closed {
            return;
        }
        self.links.handle_datagram(now, datagram);
        self.settle();
        self.tend_channels(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.play_tones(now);
        self.links.iter_mut().for_each(|link| link.handle_timeout(now));
        self.settle();
        self.tend_channels(now);
    }

    /// Plays the tones that are due (webrtc-pc §7.2).
    fn play_tones(&mut self, now: Instant) {
        if self.is_closed {
            return;
        }
        let transceivers = &self.transceivers;
        let may_send = |id| transceivers.find(id).is_some_and(|one| !one.stopping && one.may_send());
        let mut played = Vec::new();
        while let Some(playout) = self.tone_buffers.poll(now, may_send) {
            let section = transceivers.find(playout.id).and_then(|one| sending_section(one).ok());
            if let (Some((tone, length)), Some(mid)) = (playout.tone, section) {
                self.links.of_mut(mid).media.play_tone(now, mid, tone, length);
            }
            played.push(Event::ToneChange(playout.id, playout.character));
        }
        played.into_iter().for_each(|event| self.tell(event));
    }

    /// Carries the data channels on, and tells what came of it.
    pub(crate) fn tend_channels(&mut self, now: Instant) {
        if !self.is_closed {
            self.channels.advance(now, &mut self.links.data_mut().transport);
        }
        self.tell_of_channels();
    }

    pub(crate) fn tell_of_channels(&mut self) {
        while let Some(event) = self.channels.poll_event() {
            self.tell(event);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed {
            return None;
        }
        let links = self.links.iter().filter_map(|link| link.poll_timeout());
        links.chain(self.tone_buffers.poll_timeout()).min()
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        if let Some((transmit, bytes)) = self.farewell.pop_front() {
            out.extend_from_slice(&bytes);
            return Some(transmit);
        }
        self.links.poll_transmit(now, self.max_segments, out)
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.settle();
        let event = self.events.pop_front();
        if event.is_none() {
            // For most of its life a connection has nothing to tell.
            self.events.shrink_to_fit();
        }
        event
    }

    pub(crate) fn poll_frame(&mut self) -> Option<(TransceiverId, Frame)> {
        let transceivers = &self.transceivers;
        self.links.iter_mut().find_map(|link| {
            loop {
                let (mid, frame) = link.media.poll_frame()?;
                if let Some(transceiver) = transceivers.of_section(&mid) {
                    return Some((transceiver.id, frame));
                }
            }
        })
    }

    pub(crate) fn send_frame(
        &mut self,
        now: Instant,
        id: TransceiverId,
        frame: &Frame,
    ) -> Result<(), SendError> {
        if self.is_closed {
            return Err(SendError::Closed);
        }
        let transceiver = self.transceivers.find(id).ok_or(SendError::UnknownTransceiver)?;
        let link = self.links.of_mut(sending_section(transceiver)?);
        link.media.send_frame(now, transceiver, &link.transport, frame)
    }

    /// Says BYE and close_notify, keeping both for `poll_transmit`.
    pub(crate) fn close(&mut self, now: Instant) {
        for link in self.links.iter_mut() {
            self.farewell.extend(link.close(now));
        }
        self.channels.end(now, &mut self.links.data_mut().transport);
        self.is_closed = true;
        self.settle();
    }

    /// Queues an event. When nobody polls, those that tell nothing lasting are dropped.
    pub(crate) fn tell(&mut self, event: Event) {
        let passing =
            matches!(event, Event::Diagnostic(_) | Event::KeyFrameRequested(..) | Event::ToneReceived(..));
        if self.events.len() < EVENT_LIMIT || !passing {
            self.events.push_back(event);
        }
    }
}
