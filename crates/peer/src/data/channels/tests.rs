//! What a remote may do to our channels that no well-meant one does: by messages handed in as the association gives them.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::BytesMut;
use peerless_transport::crypto::Certificate;
use peerless_transport::transport;
use peerless_wire::dcep::{self, ChannelType, Open};

use super::*;

const OPEN: DataChannelState = DataChannelState::Open;
const CLOSING: DataChannelState = DataChannelState::Closing;
const CLOSED: DataChannelState = DataChannelState::Closed;

/// Channels whose association is connected, but takes and gives nothing by itself.
struct Bench {
    now: Instant,
    channels: Channels,
    transport: Transport,
}

impl Bench {
    /// We are the DTLS client: even streams are ours.
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "an Instant has no other source; it never moves here")]
        let now = Instant::now();
        let certificate = Arc::new(Certificate::generate(SystemTime::UNIX_EPOCH).unwrap());
        let mut channels = Channels::new(sctp::Config::new([1; 32]));
        channels.set_role(DtlsRole::Client);
        channels.link =
            Some(Link { state: SctpState::Connecting, max_message_size: None, streams: ALL_STREAMS });
        let transport = Transport::new(now, transport::Config::new([2; 32], certificate));
        let mut bench = Self { now, channels, transport };
        bench.tell(sctp::Event::Connected {
            outbound_streams: 100,
            inbound_streams: 90,
            interleaving: false,
            zero_checksum: false,
        });
        bench.events();
        bench
    }

    fn tell(&mut self, event: sctp::Event) {
        self.channels.handle_event(event);
        self.channels.advance(self.now, &mut self.transport);
    }

    fn receive(&mut self, stream: u16, ppid: Ppid, payload: &[u8]) {
        let payload = Bytes::copy_from_slice(payload);
        let message = sctp::Message { stream: StreamId(stream), ppid, payload, unordered: false };
        self.channels.take_message(self.now, message, &mut self.transport);
    }

    fn receive_open(&mut self, stream: u16) {
        let (label, protocol) = ("theirs".to_owned(), String::new());
        let open =
            Open { channel_type: ChannelType::Reliable, priority: 256, reliability: 0, label, protocol };
        let mut bytes = BytesMut::new();
        dcep::Message::Open(open).write(&mut bytes);
        self.receive(stream, Ppid::DCEP, &bytes);
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.channels.poll_event()).collect()
    }

    /// A channel that the remote has opened.
    fn opened(&mut self, stream: u16) -> ChannelId {
        self.receive_open(stream);
        match self.events()[..] {
            [Event::DataChannel(id), Event::ChannelState(one, OPEN)] if id == one => id,
            ref other => panic!("{other:?}"),
        }
    }

    fn read(&mut self, id: ChannelId) -> Option<Message> {
        self.channels.poll_message(self.now, id, &mut self.transport)
    }

    fn reset_both(&mut self, stream: u16) {
        self.tell(sctp::Event::StreamsReset(vec![StreamId(stream)]));
        self.tell(sctp::Event::ResetDone(vec![StreamId(stream)]));
    }
}

#[test]
fn openings_against_the_rules_are_refused() {
    let mut bench = Bench::new();
    bench.receive_open(2);
    bench.receive(5, Ppid::DCEP, &[3, 0, 0]);
    bench.receive(7, Ppid::DCEP, &[99]);
    assert_eq!(bench.events(), [], "of our parity, cut short, of an unknown kind");
    // A refused stream is nobody's until both sides have reset it.
    bench.receive_open(5);
    bench.receive(5, Ppid::STRING, b"lost");
    assert_eq!(bench.events(), []);
    bench.reset_both(5);
    bench.opened(5);
    assert!(bench.channels.refused.contains_key(&2) && bench.channels.refused.contains_key(&7));
    // Nor do we take it for a channel of ours.
    let taken: Vec<_> = (0..3).filter_map(|_| bench.channels.take_stream()).collect();
    assert_eq!(taken, [0, 4, 6]);
}

#[test]
fn an_opening_on_a_stream_in_use_ends_the_channel_there() {
    let mut bench = Bench::new();
    let id = bench.opened(3);
    bench.receive_open(3);
    let error = Event::ChannelError(id, ChannelError::Protocol);
    assert_eq!(bench.events(), [error, Event::ChannelState(id, CLOSING)]);
}

#[test]
fn text_that_is_none_ends_its_channel_and_no_other() {
    let mut bench = Bench::new();
    let (bad, good) = (bench.opened(1), bench.opened(3));
    bench.receive(1, Ppid::STRING, b"fine");
    bench.receive(1, Ppid::STRING, &[0xc3, 0x28]);
    bench.receive(1, Ppid::STRING, b"too late");
    bench.receive(3, Ppid::STRING, b"still here");
    assert_eq!(
        bench.events(),
        [
            Event::MessageArrived(bad),
            Event::ChannelError(bad, ChannelError::Text),
            Event::ChannelState(bad, CLOSING),
            Event::MessageArrived(good),
        ]
    );
    bench.reset_both(1);
    assert_eq!(bench.events(), [Event::ChannelState(bad, CLOSED)]);
    assert_eq!((bench.read(bad), bench.read(bad)), (Some(Message::from("fine")), None));
    assert_eq!(bench.read(good), Some(Message::from("still here")));
}

#[test]
fn messages_for_no_channel_and_stray_resets_change_nothing() {
    let mut bench = Bench::new();
    bench.receive(9, Ppid::BINARY, b"x");
    bench.receive(9, Ppid::DCEP, &[2]);
    bench.reset_both(11);
    bench.tell(sctp::Event::ResetDenied(vec![StreamId(13)]));
    assert_eq!(bench.events(), []);
    bench.opened(9);
}

#[test]
fn a_stream_is_opened_again_though_its_reset_still_waits_to_be_looked_at() {
    let mut bench = Bench::new();
    let first = bench.opened(1);
    bench.channels.close(bench.now, first, &mut bench.transport);
    bench.tell(sctp::Event::ResetDone(vec![StreamId(1)]));
    bench.events();
    // Nobody has read enough for the reset to be looked at; the remote begins anew meanwhile.
    bench.channels.resets.push_back(1);
    bench.receive_open(1);
    let second = ChannelId(first.0 + 1);
    assert_eq!(
        bench.events(),
        [Event::ChannelState(first, CLOSED), Event::DataChannel(second), Event::ChannelState(second, OPEN),]
    );
}

#[test]
fn a_stream_whose_reset_is_denied_is_never_used_again() {
    let mut bench = Bench::new();
    let id = bench.channels.create("ours", DataChannelInit::default()).unwrap();
    bench.channels.advance(bench.now, &mut bench.transport);
    bench.channels.control.clear();
    bench.channels.close(bench.now, id, &mut bench.transport);
    bench.tell(sctp::Event::ResetDenied(vec![StreamId(0)]));
    assert_eq!(bench.events().last(), Some(&Event::ChannelState(id, CLOSED)));
    let next = bench.channels.create("next", DataChannelInit::default()).unwrap();
    assert_eq!(bench.channels.view(next, &bench.transport).unwrap().id, Some(2));
}

#[test]
fn there_are_as_many_channels_as_streams() {
    let mut bench = Bench::new();
    for _ in 0..45 {
        bench.channels.create("", DataChannelInit::default()).unwrap();
    }
    let more = bench.channels.create("", DataChannelInit::default());
    assert!(matches!(more, Err(Error::ChannelsExhausted)), "even ones below 90");
    let mut init = DataChannelInit::default();
    (init.negotiated, init.id) = (true, Some(90));
    let beyond = bench.channels.create("", init);
    assert!(matches!(beyond, Err(Error::ChannelIdUnavailable(90))));
    assert_eq!(bench.channels.sctp().unwrap().max_channels, Some(90));
}

#[test]
fn a_remote_that_begins_anew_ends_what_was_open() {
    let mut bench = Bench::new();
    let id = bench.opened(1);
    bench.receive(1, Ppid::STRING, b"before");
    bench.events();
    bench.tell(sctp::Event::Restarted);
    let events = bench.events();
    assert!(matches!(&events[..], [Event::ChannelError(..), Event::ChannelState(one, CLOSED)] if *one == id));
    assert_eq!(bench.read(id), Some(Message::from("before")));
    bench.opened(1);
}
