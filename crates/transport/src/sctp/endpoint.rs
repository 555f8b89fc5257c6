//! All state of one end of an association, on which the conductor's rooms work: `handshake`, `teardown`, `incoming`,
//! `outgoing`, `timeouts`. What every one of them needs to do to it is here.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{Abort, Cause, Checksum, Chunk, Header, StreamId, Tag, Tsn, Writer};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::sctp::acks::Acks;
use crate::sctp::agreed::Agreed;
use crate::sctp::config::Config;
use crate::sctp::discovery::Discovery;
use crate::sctp::event::{Closed, Event, State, Stats};
use crate::sctp::heartbeat::Heartbeats;
use crate::sctp::inbox::Inbox;
use crate::sctp::streams::Streams;
use crate::sctp::tx::fragment::Form;
use crate::sctp::tx::sender::Sender;

/// How many control chunks wait to be sent at most; more are dropped, as if the network had lost them.
const MAX_CONTROL: usize = 64;
/// How many packets with tags of their own wait at most.
const MAX_PACKETS: usize = 16;
/// How many bytes of a reason for the end are kept or sent.
const MAX_REASON: usize = 128;

/// One end.
#[derive(Debug)]
pub struct Endpoint {
    /// How it behaves, settled.
    pub config: Config,
    /// Where it stands.
    pub state: State,
    /// It has been closed, and stays so.
    pub has_ended: bool,
    /// The tag that packets to us carry.
    pub local_tag: Tag,
    /// Our first TSN.
    pub local_tsn: Tsn,
    /// The peer's half, once known.
    pub agreed: Option<Agreed>,
    /// What cookies are sealed with.
    pub cookie_key: [u8; 32],
    /// When the association was made: cookies count from it.
    pub origin: Instant,
    /// Chance.
    pub rng: ChaCha20Rng,
    /// What goes.
    pub sender: Sender,
    /// What comes, once the peer's first TSN is known.
    pub inbox: Option<Inbox>,
    /// When SACKs go.
    pub acks: Acks,
    /// Resets of streams.
    pub streams: Streams,
    /// Whether the peer is there.
    pub heartbeats: Heartbeats,
    /// How large packets may be.
    pub discovery: Discovery,
    /// The handshake: INIT or COOKIE ECHO, its timer.
    pub opening: Repeated,
    /// The cookie of the peer's INIT ACK.
    pub cookie: Option<Bytes>,
    /// The end: SHUTDOWN or SHUTDOWN ACK, its timer (T2).
    pub closing: Repeated,
    /// When the end takes too long (T5).
    pub closing_guard: Option<Instant>,
    /// Control chunks that wait, written already.
    pub control: VecDeque<Bytes>,
    /// Whole packets that wait, written already.
    pub packets: VecDeque<Bytes>,
    /// What has happened and was not told.
    pub events: VecDeque<Event>,
    /// How often in a row the peer has not answered.
    pub errors: u32,
    /// Counters.
    pub stats: Stats,
}

/// Something that is sent again until it is answered.
#[derive(Debug, Clone, Default)]
pub struct Repeated {
    /// It is to be sent now.
    pub is_due: bool,
    /// When it is sent again.
    pub timer: Option<Instant>,
    /// How often it was sent.
    pub count: u32,
    /// When it was sent last.
    pub sent_at: Option<Instant>,
}

impl Repeated {
    /// Begins: it is due.
    pub fn start(&mut self) {
        *self = Self { is_due: true, ..Self::default() };
    }

    /// It was answered, or is not wanted any more.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// It goes now; without an answer again after `first`, doubled each time up to `max`.
    pub fn handle_sent(&mut self, now: Instant, first: Duration, max: Duration) {
        let wait = first.saturating_mul(1 << self.count.min(16)).min(max);
        self.is_due = false;
        self.count += 1;
        self.sent_at = Some(now);
        self.timer = Some(now + wait);
    }

    /// The round trip, when it was sent once only and is answered now (Karn).
    pub fn round_trip(&self, now: Instant) -> Option<Duration> {
        self.sent_at.filter(|_| self.count == 1).map(|at| now.saturating_duration_since(at))
    }
}

impl Endpoint {
    /// Closed, with all chance that it needs drawn from the seed.
    pub fn new(now: Instant, config: Config) -> Self {
        let config = config.settled();
        let mut rng = ChaCha20Rng::from_seed(config.seed);
        let mut cookie_key = [0; 32];
        rng.fill_bytes(&mut cookie_key);
        let (local_tag, local_tsn) = (tag(&mut rng), Tsn(rng.next_u32()));
        let timers = &config.timers;
        Self {
            state: State::Closed,
            has_ended: false,
            local_tag,
            local_tsn,
            agreed: None,
            cookie_key,
            origin: now,
            sender: Sender::new(now, &config, local_tsn),
            inbox: None,
            acks: Acks::new(timers.sack_delay),
            streams: Streams::new(local_tsn),
            heartbeats: Heartbeats::new(timers.heartbeat_interval),
            discovery: Discovery::new(config.packet_size, config.max_packet_size, timers.size_raise),
            opening: Repeated::default(),
            cookie: None,
            closing: Repeated::default(),
            closing_guard: None,
            control: VecDeque::new(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
            errors: 0,
            stats: Stats::default(),
            rng,
            config,
        }
    }

    /// The header of packets to the peer.
    pub fn header(&self) -> Header {
        self.header_with(self.agreed.map_or(Tag(0), |agreed| agreed.tag))
    }

    /// A header with another tag.
    pub fn header_with(&self, tag: Tag) -> Header {
        let (source_port, destination_port) = (self.config.local_port, self.config.remote_port);
        Header { source_port, destination_port, tag }
    }

    /// The checksum of ordinary packets.
    pub fn checksum(&self) -> Checksum {
        if self.agreed.is_some_and(|agreed| agreed.zero_checksum) { Checksum::Zero } else { Checksum::Crc32c }
    }

    /// Whether data goes both ways, or at least may still come or go.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed | State::CookieWait | State::CookieEchoed)
    }

    /// Queues a control chunk for the next packet.
    pub fn push_control(&mut self, chunk: &Chunk) {
        if self.control.len() < MAX_CONTROL {
            let mut out = BytesMut::new();
            chunk.write(&mut out);
            self.control.push_back(out.freeze());
        }
    }

    /// Queues a packet of its own.
    pub fn push_packet(&mut self, tag: Tag, chunks: &[Chunk]) {
        if self.packets.len() < MAX_PACKETS {
            let mut out = BytesMut::new();
            let mut writer = Writer::new(&mut out, self.header_with(tag));
            chunks.iter().for_each(|chunk| writer.chunk(chunk));
            writer.finish(Checksum::Crc32c);
            self.packets.push_back(out.freeze());
        }
    }

    /// Tells. Ids of the same kind are told together, so that a peer's resets fill no memory.
    pub fn push_event(&mut self, event: Event) {
        match (self.events.back_mut(), event) {
            (Some(Event::StreamsReset(known)), Event::StreamsReset(more)) => merge(known, &more),
            (Some(Event::ResetDone(known)), Event::ResetDone(more)) => merge(known, &more),
            (_, event) => self.events.push_back(event),
        }
    }

    /// The handshake is done.
    pub fn establish(&mut self, now: Instant, agreed: Agreed) {
        self.set_agreed(now, agreed);
        self.state = State::Established;
        self.opening.stop();
        self.cookie = None;
        self.errors = 0;
        self.heartbeats.handle_active(now, self.sender.rto().timeout());
        self.discovery.start(now);
        self.push_event(Event::Connected {
            outbound_streams: agreed.outbound,
            inbound_streams: agreed.inbound,
            interleaving: agreed.interleaving,
            zero_checksum: agreed.zero_checksum,
        });
    }

    /// The peer's half is known.
    fn set_agreed(&mut self, now: Instant, agreed: Agreed) {
        self.agreed = Some(agreed);
        self.sender.open(agreed.window, Form { is_interleaved: agreed.interleaving }, agreed.partial);
        let mut inbox = Inbox::new(now, &self.config, &agreed);
        if let Some(before) = self.inbox.take() {
            inbox.keep(now, before);
        }
        self.inbox = Some(inbox);
        self.streams.open(&agreed);
        if let Some(round_trip) = self.sender.rto().smoothed()
            && let Some(inbox) = &mut self.inbox
        {
            inbox.handle_round_trip(now, round_trip);
        }
    }

    /// The peer has started anew (RFC 9260 §5.2.4.1): so do we, with what waits and was not begun.
    pub fn restart(&mut self, now: Instant, local_tag: Tag, local_tsn: Tsn) {
        (self.local_tag, self.local_tsn) = (local_tag, local_tsn);
        self.sender.restart(now, &self.config, local_tsn);
        self.sender.set_packet_size(self.discovery.size());
        self.streams = Streams::new(local_tsn);
        self.acks = Acks::new(self.config.timers.sack_delay);
        self.control.clear();
        self.closing.stop();
        self.closing_guard = None;
        self.push_event(Event::Restarted);
    }

    /// It ends, for this reason. What has come and was not read can still be read.
    pub fn end(&mut self, reason: Closed) {
        if self.has_ended {
            return;
        }
        tracing::info!(?reason, "association closed");
        self.has_ended = true;
        self.state = State::Closed;
        self.opening.stop();
        self.closing.stop();
        self.closing_guard = None;
        self.heartbeats.stop();
        self.control.clear();
        self.acks.handle_sent();
        self.push_event(Event::Closed(reason));
    }

    /// It ends with an ABORT to the peer (RFC 9260 §9.1).
    pub fn abort(&mut self, cause: Cause, reason: Closed) {
        if let Some(agreed) = self.agreed
            && !self.has_ended
        {
            self.push_packet(agreed.tag, &[Chunk::Abort(Abort { reflected: false, causes: vec![cause] })]);
        }
        self.end(reason);
    }

    /// It ends because the peer has broken the protocol.
    pub fn abort_violation(&mut self, what: &'static str) {
        self.abort(Cause::ProtocolViolation(Bytes::from_static(what.as_bytes())), Closed::Violation(what));
    }

    /// It may be that large packets vanish (RFC 8899 §4.3): they are small until a probe has told.
    pub fn handle_black_hole(&mut self, now: Instant) {
        if self.discovery.handle_black_hole(now) {
            self.sender.set_packet_size(self.discovery.size());
        }
    }

    /// The peer did not answer once more. Whether it has ended with that (RFC 9260 §8.1).
    pub fn count_error(&mut self) -> bool {
        self.errors += 1;
        if self.errors > self.config.max_retransmissions {
            self.abort(Cause::UserInitiated(Bytes::from_static(b"no answer")), Closed::Timeout);
        }
        self.has_ended
    }

    /// Another tag by chance.
    pub fn new_tag(&mut self) -> Tag {
        tag(&mut self.rng)
    }
}

/// A tag that is not zero (RFC 9260 §5.3.1).
fn tag(rng: &mut ChaCha20Rng) -> Tag {
    Tag(rng.next_u32().max(1))
}

/// At most 128 characters of what the peer gave as its reason.
pub fn reason_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(MAX_REASON).collect()
}

fn merge(known: &mut Vec<StreamId>, more: &[StreamId]) {
    known.extend_from_slice(more);
    known.sort_unstable();
    known.dedup();
}
