//! All data channels of a peer over its one association: what is sent on them and read from them (webrtc-pc §6.2,
//! RFC 8831). How they begin stands in `opening`, how they end in `ending`.
//!
//! Messages are taken out of the association, each to its channel, as long as no more than `Config::receive_buffer` waits
//! to be read. Then they stay inside, and the association's window closes on a remote whose messages nobody reads.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use peerless_transport::sctp::{self, Association, SendError};
use peerless_transport::transport::Transport;
use peerless_wire::sctp::{Ppid, StreamId};

use crate::channel::{
    ChannelError, ChannelView, DataChannelInit, Message, MessageError, SctpView, check_init,
};
use crate::data::channel::{Channel, cost};
use crate::data::ids::Ids;
use crate::data::payload;
use crate::data::stats::{AssociationStats, ChannelStats, DataStats};
use crate::error::Error;
use crate::event::Event;
use crate::id::ChannelId;
use crate::jsep::view::DtlsRole;
use crate::state::{DataChannelState, SctpState};

/// How many streams the association has where it is not known yet.
const ALL_STREAMS: u32 = 65_535;
/// The largest packet for a remote that does not say what it takes: aiortc reads 1500 bytes of a record and lags behind
/// after a larger one, Chromium reads 2048 and ends the connection at one above.
const UNSAID_PACKET_SIZE: usize = 1400;

/// All channels of a peer.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(super) config: sctp::Config,
    pub(super) channels: BTreeMap<ChannelId, Box<Channel>>,
    /// Which channel has which stream.
    pub(super) streams: BTreeMap<u16, ChannelId>,
    /// Streams that are to be reset both ways and belong to no channel, here or any more: whether each side has reset its
    /// direction.
    pub(super) refused: BTreeMap<u16, Resets>,
    pub(super) ids: Ids,
    pub(super) made: u32,
    /// One was made, and the remote did not refuse them since.
    pub(super) is_wanted: bool,
    pub(super) link: Option<Link>,
    /// What the association told and was not looked at yet.
    pub(super) happened: VecDeque<sctp::Event>,
    /// Streams that the remote has reset, until what came on them before has been taken.
    pub(super) resets: VecDeque<u16>,
    /// Messages of DCEP that the association had no room for.
    pub(super) control: VecDeque<(u16, Bytes)>,
    /// Channels that are not open yet.
    pub(super) connecting: Vec<ChannelId>,
    /// What waits to be read, bytes.
    pub(super) kept: usize,
    pub(super) remote_count: usize,
    pub(super) remote_names: usize,
    /// The length of a message that was refused because the send buffer was full.
    pub(super) room_wanted: Option<usize>,
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) events: VecDeque<Event>,
}

/// What is known of the association.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) state: SctpState,
    /// The longest message that the remote takes.
    pub(super) max_message_size: Option<u64>,
    /// How many streams there are each way.
    pub(super) streams: u32,
}

#[derive(Debug, Default)]
pub(super) struct Resets {
    pub(super) ours: bool,
    pub(super) theirs: bool,
}

impl Channels {
    /// None yet; `config` is for the association to come.
    pub(crate) fn new(config: sctp::Config) -> Self {
        Self {
            config,
            channels: BTreeMap::new(),
            streams: BTreeMap::new(),
            refused: BTreeMap::new(),
            ids: Ids::default(),
            made: 0,
            is_wanted: false,
            link: None,
            happened: VecDeque::new(),
            resets: VecDeque::new(),
            control: VecDeque::new(),
            connecting: Vec::new(),
            kept: 0,
            remote_count: 0,
            remote_names: 0,
            room_wanted: None,
            opened: 0,
            closed: 0,
            events: VecDeque::new(),
        }
    }

    /// Makes a channel, connecting still.
    pub(crate) fn create(&mut self, label: &str, init: DataChannelInit) -> Result<ChannelId, Error> {
        check_init(label, &init)?;
        let count = self.stream_count();
        let mut channel = Channel::new(label, init);
        match channel.view.id {
            Some(id) if self.is_taken(id) || u32::from(id) >= count => {
                return Err(Error::ChannelIdUnavailable(id));
            }
            None if self.ids.has_role() => {
                let stream = self.take_stream().ok_or(Error::ChannelsExhausted)?;
                channel.view.id = Some(stream);
            }
            _ => {}
        }
        self.is_wanted = true;
        Ok(self.add(channel))
    }

    /// Whether descriptions shall have a section for channels.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Our DTLS role is settled: channels that have no stream get one (webrtc-pc §4.4.1.5).
    pub(crate) fn set_role(&mut self, role: DtlsRole) {
        self.ids.set_role(role);
    }

    /// A description has negotiated channels: the association comes up, or goes on with another limit. The limits are
    /// the remote's: the longest message and the largest packet that it takes.
    pub(crate) fn negotiated(
        &mut self,
        now: Instant,
        port: u16,
        (max_message_size, max_packet_size): (Option<u64>, Option<u64>),
        transport: &mut Transport,
    ) {
        self.is_wanted = true;
        if let Some(link) = &mut self.link {
            link.max_message_size = max_message_size;
            return;
        }
        self.link = Some(Link { state: SctpState::Connecting, max_message_size, streams: ALL_STREAMS });
        let mut config = self.config.clone();
        config.remote_port = port;
        let theirs =
            max_packet_size.map_or(UNSAID_PACKET_SIZE, |size| usize::try_from(size).unwrap_or(usize::MAX));
        config.max_packet_size = config.max_packet_size.min(theirs);
        transport.open_association(now, config);
    }

    pub(crate) fn view(&self, id: ChannelId, transport: &Transport) -> Option<ChannelView> {
        let buffered_amount = self.buffered_amount(id, transport);
        Some(ChannelView { buffered_amount, ..self.channels.get(&id)?.view.clone() })
    }

    /// What the W3C calls RTCSctpTransport, once negotiated.
    pub(crate) fn sctp(&self) -> Option<SctpView> {
        let link = self.link?;
        Some(SctpView {
            state: link.state,
            max_message_size: self.message_limit(),
            max_channels: (link.state == SctpState::Connected).then_some(link.streams),
        })
    }

    /// Bytes given to the channel that have not left. Openings come first on a stream, so they are never among the last.
    pub(crate) fn buffered_amount(&self, id: ChannelId, transport: &Transport) -> usize {
        let Some(channel) = self.channels.get(&id) else { return 0 };
        let waiting = match (channel.view.id, transport.association()) {
            (Some(stream), Some(association)) if channel.has_opened => {
                association.buffered_amount(StreamId(stream))
            }
            _ => 0,
        };
        if channel.view.ready_state == DataChannelState::Closed {
            return channel.view.buffered_amount;
        }
        waiting.min(usize::try_from(channel.counts.bytes_sent).unwrap_or(usize::MAX))
    }

    /// Whether a message would be taken.
    pub(crate) fn check(
        &mut self,
        id: ChannelId,
        len: usize,
        transport: &Transport,
    ) -> Result<(), MessageError> {
        let state = self.channels.get(&id).map_or(DataChannelState::Closed, |one| one.view.ready_state);
        if state != DataChannelState::Open {
            return Err(MessageError::NotOpen { state });
        }
        let limit = self.message_limit();
        if len > limit {
            return Err(MessageError::TooLarge { len, limit });
        }
        let has_room = transport.association().is_some_and(|one| one.has_room(len.max(1)));
        if !has_room || !self.control.is_empty() {
            self.room_wanted = self.room_wanted.max(Some(len));
            let buffered = transport.association().map_or(0, Association::total_buffered);
            return Err(MessageError::Full { buffered, limit: self.config.send_buffer });
        }
        Ok(())
    }

    pub(crate) fn send(
        &mut self,
        now: Instant,
        id: ChannelId,
        message: Message,
        transport: &mut Transport,
    ) -> Result<(), MessageError> {
        let len = message.len();
        self.check(id, len, transport)?;
        let closed = MessageError::NotOpen { state: DataChannelState::Closed };
        let channel = self.channels.get_mut(&id).ok_or(closed)?;
        let (Some(stream), Some(association)) = (channel.view.id, transport.association_mut()) else {
            return Err(closed);
        };
        let (ppid, payload) = payload::write(message);
        match association.send(now, StreamId(stream), ppid, payload, channel.send_options()) {
            Ok(()) => {
                channel.counts.messages_sent += 1;
                channel.counts.bytes_sent += len as u64;
                Ok(())
            }
            Err(SendError::Full { buffered, limit }) => {
                self.room_wanted = self.room_wanted.max(Some(len));
                Err(MessageError::Full { buffered, limit })
            }
            Err(_) => Err(closed),
        }
    }

    /// The next message of a channel.
    pub(crate) fn poll_message(
        &mut self,
        now: Instant,
        id: ChannelId,
        transport: &mut Transport,
    ) -> Option<Message> {
        let channel = self.channels.get_mut(&id)?;
        let message = channel.inbox.pop_front();
        let is_over = channel.inbox.is_empty() && channel.view.ready_state == DataChannelState::Closed;
        if let Some(message) = &message {
            self.kept = self.kept.saturating_sub(cost(message));
        }
        if is_over {
            self.forget(id);
        }
        self.pull(now, transport);
        message
    }

    /// Nobody will read it any more.
    pub(crate) fn abandon(&mut self, now: Instant, id: ChannelId, transport: &mut Transport) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.is_abandoned = true;
        let waiting: usize = channel.inbox.drain(..).map(|message| cost(&message)).sum();
        self.kept = self.kept.saturating_sub(waiting);
        if channel.view.ready_state == DataChannelState::Closed {
            self.forget(id);
        }
        self.pull(now, transport);
    }

    pub(crate) fn set_threshold(&mut self, id: ChannelId, bytes: usize, transport: &mut Transport) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.view.buffered_amount_low_threshold = bytes;
        if channel.has_opened
            && let (Some(stream), Some(association)) = (channel.view.id, transport.association_mut())
        {
            association.set_buffered_amount_low_threshold(StreamId(stream), bytes);
        }
    }

    /// The association tells something: noted until time comes with it.
    pub(crate) fn handle_event(&mut self, event: sctp::Event) {
        match event {
            sctp::Event::BufferedAmountLow(stream) => {
                if let Some(&id) = self.streams.get(&stream.0)
                    && self.channels.get(&id).is_some_and(|channel| channel.counts.bytes_sent > 0)
                {
                    self.events.push_back(Event::BufferedAmountLow(id));
                }
            }
            event => self.happened.push_back(event),
        }
    }

    /// Carries on: what the association told, what arrived, what can open, what can leave.
    pub(crate) fn advance(&mut self, now: Instant, transport: &mut Transport) {
        while let Some(event) = self.happened.pop_front() {
            self.take_event(now, event, transport);
        }
        self.happened.shrink_to_fit();
        if !self.connecting.is_empty() {
            self.open_channels(now, transport);
        }
        if !self.control.is_empty() {
            self.send_control(now, transport);
        }
        self.pull(now, transport);
        self.tell_room(transport);
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            self.events.shrink_to_fit();
        }
        event
    }

    pub(crate) fn stats(&self, transport: &Transport) -> DataStats {
        let channels = self.channels.iter().map(|(&id, channel)| ChannelStats {
            id,
            label: channel.view.label.clone(),
            protocol: channel.view.protocol.clone(),
            stream: channel.view.id,
            state: channel.view.ready_state,
            counts: channel.counts,
        });
        let association = self.link.zip(transport.association()).map(|(link, association)| {
            let stats = association.stats();
            AssociationStats {
                state: link.state,
                round_trip_time: stats.round_trip_time,
                congestion_window: stats.congestion_window,
                receiver_window: stats.peer_window,
                packet_size: stats.packet_size,
                bytes_in_flight: stats.bytes_in_flight,
                packets_sent: stats.packets_sent,
                packets_received: stats.packets_received,
                retransmissions: stats.retransmissions,
                messages_abandoned: stats.messages_abandoned,
            }
        });
        DataStats { opened: self.opened, closed: self.closed, channels: channels.collect(), association }
    }

    pub(super) fn add(&mut self, channel: Channel) -> ChannelId {
        let id = ChannelId(self.made);
        self.made += 1;
        if let Some(stream) = channel.view.id {
            self.streams.insert(stream, id);
        }
        if channel.is_remote {
            self.remote_count += 1;
            self.remote_names += channel.names();
        } else {
            self.connecting.push(id);
        }
        self.channels.insert(id, Box::new(channel));
        id
    }

    fn is_taken(&self, stream: u16) -> bool {
        self.streams.contains_key(&stream) || self.refused.contains_key(&stream)
    }

    pub(super) fn take_stream(&mut self) -> Option<u16> {
        let count = self.stream_count();
        let (streams, refused) = (&self.streams, &self.refused);
        self.ids.take(count, |id| streams.contains_key(&id) || refused.contains_key(&id))
    }

    pub(super) fn stream_count(&self) -> u32 {
        self.link.map_or(ALL_STREAMS, |link| link.streams)
    }

    /// The longest message that can be sent, bytes: what the remote takes, and what our buffer holds.
    fn message_limit(&self) -> usize {
        let theirs = self.link.and_then(|link| link.max_message_size);
        theirs
            .map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX))
            .min(self.config.send_buffer)
    }

    fn take_event(&mut self, now: Instant, event: sctp::Event, transport: &mut Transport) {
        match event {
            sctp::Event::Connected { outbound_streams, inbound_streams, .. } => {
                if let Some(link) = &mut self.link {
                    link.state = SctpState::Connected;
                    link.streams = outbound_streams.min(inbound_streams).into();
                }
                self.events.push_back(Event::SctpState(SctpState::Connected));
            }
            sctp::Event::Restarted => {
                let error = ChannelError::Sctp("the remote has begun anew".to_owned());
                let opened = self.channels.iter().filter(|(_, one)| one.has_opened).map(|(&id, _)| id);
                for id in opened.collect::<Vec<_>>() {
                    self.end_one(id, Some(&error));
                }
            }
            sctp::Event::Closed(reason) => {
                let error = self.end_reason(&reason, transport);
                self.end_all(now, transport, error.as_ref());
            }
            sctp::Event::StreamsReset(streams) => self.resets.extend(streams.iter().map(|one| one.0)),
            sctp::Event::ResetDone(streams) => {
                for stream in streams {
                    self.take_our_reset(stream.0, true);
                }
            }
            sctp::Event::ResetDenied(streams) => {
                for stream in streams {
                    self.take_our_reset(stream.0, false);
                }
            }
            _ => {}
        }
    }

    /// Takes messages out of the association, while there is room for them.
    fn pull(&mut self, now: Instant, transport: &mut Transport) {
        if self.link.is_none() {
            return;
        }
        while self.kept < self.config.receive_window {
            let Some(message) = transport.poll_message(now) else {
                // All that came before these resets was taken.
                while let Some(stream) = self.resets.pop_front() {
                    self.take_their_reset(now, stream, transport);
                }
                return;
            };
            self.take_message(now, message, transport);
        }
    }

    pub(super) fn take_message(&mut self, now: Instant, message: sctp::Message, transport: &mut Transport) {
        let stream = message.stream.0;
        if message.ppid == Ppid::DCEP {
            self.take_control(now, stream, &message.payload, transport);
            return;
        }
        let limit = self.config.max_message_size;
        let Some(&id) = self.streams.get(&stream) else {
            tracing::debug!(stream, "a message for no channel");
            return;
        };
        let Some(channel) = self.channels.get_mut(&id).filter(|channel| !channel.is_broken) else { return };
        channel.is_known = true;
        match channel.reader.take(message.ppid, message.payload, limit) {
            Ok(Some(message)) => {
                channel.counts.messages_received += 1;
                channel.counts.bytes_received += message.len() as u64;
                if !channel.is_abandoned {
                    let (cost, is_first) = channel.keep(message);
                    self.kept += cost;
                    if is_first {
                        self.events.push_back(Event::MessageArrived(id));
                    }
                }
            }
            Ok(None) => {}
            Err(error) => self.fail(now, id, error, transport),
        }
    }

    /// Tells those that were refused when there is room: when the buffer is half empty, not for each packet.
    fn tell_room(&mut self, transport: &Transport) {
        let Some((len, association)) = self.room_wanted.zip(transport.association()) else { return };
        let is_half_empty = association.total_buffered() <= self.config.send_buffer / 2;
        if is_half_empty && association.has_room(len.max(1)) && self.control.is_empty() {
            self.room_wanted = None;
            self.events.push_back(Event::SendBufferFree);
        }
    }
}

#[cfg(test)]
mod tests;
