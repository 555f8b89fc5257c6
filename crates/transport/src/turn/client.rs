//! One allocation on one server, from one base (RFC 8656 §6).
//!
//! ```text
//! Waiting ──► Allocating ──► Allocated ◄──► Verifying        Failed, Closed
//!    ▲            │              │              │
//!    └── 437 ── Clearing         └──── lost ────┴──► Lost ──► Waiting, with the next gathering
//! ```
//!
//! A 401 without our proof, and a 438, are the server's wish for other credentials: the request is made again with them,
//! a few times at most. All other answers to a request with proof count only with the server's proof (RFC 8489 §9.2.5).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_wire::stun::{Attribute, ChannelData, Class, ErrorCode, Message, TransactionId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::datagram::{Base, Carrier, Protocol, StreamId, Transmit};
use crate::envelope::Envelope;
use crate::transaction::{GATHERING_WAIT, Outgoing, Schedule, Transactions};
use crate::turn::channel::Channels;
use crate::turn::credential::Credential;
use crate::turn::message::{Request, indicated, keepalive, lifetime};
use crate::turn::permission::{Permissions, Verdict};
use crate::turn::server::{Alternate, TurnServer};
use crate::turn::timing::Timing;
use crate::turn::way::Way;

/// How often one request is made again because the server wants other credentials.
const CHALLENGES: u8 = 3;
/// How many servers name another before we stop following (RFC 8489 §10).
const HOPS: usize = 4;
/// How many requests and packets wait to leave; a check that finds no room is repeated.
const OUTBOX_LIMIT: usize = 64;
/// How long an allocation lasts where the server does not say (RFC 8656 §7.3).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
/// How long before its end an allocation is refreshed; one that is shorter than twice that, after half of it.
const MARGIN: Duration = Duration::from_secs(60);
/// How long an answer is waited for where nothing hangs on it: RFC 8489 §6.2.1 without a limit of ours.
const PATIENCE: Duration = Duration::from_millis(39_500);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// The server lends this address.
    Relayed(SocketAddr),
    /// It does no more.
    Lost(SocketAddr),
    /// It lends nothing: STUN's code and its words, or ours.
    Failed(u16, String),
    /// It has not answered, or could not be reached: why.
    Unanswered(String),
    /// It lets nothing through from this address.
    Refused(IpAddr),
    /// It names another, which is asked by another connection.
    Follow(Alternate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is to be asked.
    Waiting,
    Allocating,
    /// The server believes that we have an allocation: it is asked to end that.
    Clearing,
    /// Until `expires`; refreshed at `refresh`, unless that is under way.
    Allocated {
        expires: Instant,
        refresh: Option<Instant>,
    },
    /// There is one, of which the server is asked whether it still knows it.
    Verifying,
    /// There was one.
    Lost,
    Failed,
    Closed,
}

/// A request under way.
#[derive(Debug, Clone, Copy)]
struct Asked {
    request: Request,
    is_proved: bool,
    challenges: u8,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) base: Base,
    pub(crate) server: TurnServer,
    /// Where the server is: another address than configured where it has sent us on.
    address: SocketAddr,
    /// Servers that were asked already, which end a circle.
    tried: Vec<SocketAddr>,
    /// Of the gathering that goes on, or was last.
    pub(crate) is_wanted: bool,
    /// Whether the server has said anything.
    pub(crate) has_answered: bool,
    /// What is known of the way to it.
    pub(crate) way: Way,
    pub(crate) state: State,
    has_cleared: bool,
    credential: Credential,
    transactions: Transactions<Asked>,
    /// The addresses that the server lends.
    relayed: Vec<SocketAddr>,
    /// Where the server sees our base.
    mapped: Option<SocketAddr>,
    permissions: Permissions,
    channels: Channels,
    outbox: VecDeque<Bytes>,
    /// When something was last sent by it.
    sent: Option<Instant>,
    news: VecDeque<News>,
    timing: Timing,
    rng: ChaCha20Rng,
    /// The transaction id of indications, which nobody answers.
    indication: TransactionId,
}

impl Client {
    pub(crate) fn new(base: Base, server: TurnServer, timing: Timing, mut rng: ChaCha20Rng) -> Self {
        let indication = new_id(&mut rng);
        Self {
            base,
            address: server.address,
            tried: vec![server.address],
            credential: Credential::new(&server.username, &server.credential),
            server,
            is_wanted: true,
            has_answered: false,
            way: Way::default(),
            state: State::Waiting,
            has_cleared: false,
            transactions: Transactions::default(),
            relayed: Vec::new(),
            mapped: None,
            permissions: Permissions::default(),
            channels: Channels::default(),
            outbox: VecDeque::new(),
            sent: None,
            news: VecDeque::new(),
            timing,
            rng,
            indication,
        }
    }

    /// Asks for an allocation.
    pub(crate) fn start(&mut self, now: Instant) {
        self.state = State::Allocating;
        self.ask(now, Request::Allocate, 0);
    }

    /// Gathering begins anew: asks whether what the server lends is still lent, or again where it lends nothing.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.is_wanted = true;
        self.has_answered = false;
        self.way.forget();
        match self.state {
            State::Allocated { .. } => {
                self.state = State::Verifying;
                self.ask(now, Request::Refresh, 0);
            }
            State::Lost | State::Failed => self.reset(),
            State::Waiting | State::Allocating | State::Clearing | State::Verifying | State::Closed => {}
        }
    }

    /// Ends the allocation: one request that is not repeated (RFC 8656 §8.1).
    pub(crate) fn close(&mut self, now: Instant) {
        let is_allocated = matches!(self.state, State::Allocated { .. } | State::Verifying);
        self.transactions.retain(|_| false);
        self.outbox.clear();
        if is_allocated {
            self.ask(now, Request::Release, 0);
            self.transactions.retain(|_| false);
        }
        self.state = State::Closed;
    }

    /// Whether gathering has to wait for it.
    pub(crate) fn is_pending(&self) -> bool {
        self.is_wanted
            && matches!(self.state, State::Waiting | State::Allocating | State::Clearing | State::Verifying)
    }

    /// Whether its server is asked over UDP at this address.
    pub(crate) fn is_datagram_to(&self, server: SocketAddr) -> bool {
        self.server.protocol == Protocol::Udp && self.address == server
    }

    /// Whether packets come from its server: to the same socket by the same protocol.
    pub(crate) fn is_from(&self, source: SocketAddr, base: Base) -> bool {
        self.base == base && self.address == source
    }

    /// Whether the server lends this address.
    pub(crate) fn has_relayed(&self, address: SocketAddr) -> bool {
        self.relayed.contains(&address)
    }

    /// The bases that it gives.
    pub(crate) fn bases(&self) -> impl Iterator<Item = Base> {
        self.relayed.iter().map(|address| Base { address: *address, carrier: Carrier::Relay })
    }

    /// The connection to the server, where it has one of its own.
    pub(crate) fn stream(&self) -> Option<StreamId> {
        let protocol = self.server.protocol;
        let stream = StreamId { protocol, local: self.base.address, remote: self.address };
        (protocol != Protocol::Udp).then_some(stream)
    }

    /// Where the server sees our base.
    pub(crate) fn mapped(&self) -> Option<SocketAddr> {
        self.mapped
    }

    /// Takes a response of the server. Whether it was any good.
    pub(crate) fn handle_response(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let id = message.transaction();
        let Some(asked) = self.transactions.find(id).map(|found| found.purpose) else { return false };
        let code = message.error_code().filter(|_| message.class() == Class::Error);
        let is_challenge = match code {
            Some(ErrorCode::UNAUTHENTICATED) => !asked.is_proved,
            Some(ErrorCode::STALE_NONCE) => true,
            _ => false,
        };
        // Wrong credentials are refused by a server that cannot prove itself by them.
        let is_refusal = code == Some(ErrorCode::UNAUTHENTICATED) && asked.is_proved;
        if asked.is_proved && !is_challenge && !is_refusal && !self.credential.is_authentic(message) {
            return false;
        }
        self.transactions.take(id);
        self.has_answered = true;
        if is_challenge && asked.challenges < CHALLENGES && self.credential.challenge(message) {
            self.ask(now, asked.request, asked.challenges + 1);
            return true;
        }
        match code {
            None if message.class() == Class::Success => self.granted(now, asked.request, message),
            None => return false,
            Some(code) => self.refused(now, asked.request, code, message),
        }
        true
    }

    /// What came for us by way of the server, its frame taken away: from which peer, to which of our addresses, and where
    /// in the packet the data is.
    pub(crate) fn unwrap(&self, packet: &[u8]) -> Option<(SocketAddr, Base, std::ops::Range<usize>)> {
        let (peer, data) = match ChannelData::parse(packet) {
            Ok(read) => (self.channels.peer(read.channel)?, read.data),
            Err(_) => indicated(packet)?,
        };
        let address = self.relayed.iter().find(|address| address.is_ipv4() == peer.is_ipv4())?;
        let begin = data.as_ptr().addr().checked_sub(packet.as_ptr().addr())?;
        let base = Base { address: *address, carrier: Carrier::Relay };
        Some((peer, base, begin..begin + data.len()))
    }

    /// Sends a check or an answer to `peer`, at once or when the server lets it.
    pub(crate) fn send(&mut self, now: Instant, peer: SocketAddr, contents: &Bytes) {
        if !matches!(self.state, State::Allocated { .. } | State::Verifying) {
            return;
        }
        if self.channels.of(peer).is_some() {
            return self.wrap(peer, contents);
        }
        match self.permissions.check(now, peer, contents) {
            Verdict::Send => self.wrap(peer, contents),
            Verdict::Ask => self.ask(now, Request::Permission(peer), 0),
            Verdict::Wait | Verdict::Refused => {}
        }
    }

    /// What a packet to `peer` leaves in.
    pub(crate) fn envelope(&self, peer: SocketAddr) -> Envelope {
        match self.channels.of(peer) {
            Some(channel) => Envelope::channel(self.transmit(), channel, !self.server.protocol.is_datagram()),
            None => Envelope::indication(self.transmit(), peer, self.indication),
        }
    }

    /// Packets go to this peer from now on, or to none.
    pub(crate) fn want_channel(&mut self, now: Instant, peer: Option<SocketAddr>) {
        self.channels.want(peer);
        self.bind(now);
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(transaction) = self.transactions.expire(now) {
            self.unanswered(now, transaction.purpose.request);
        }
        let State::Allocated { expires, refresh } = self.state else { return };
        if expires <= now {
            return self.lose();
        }
        if refresh.is_some_and(|at| at <= now) {
            self.state = State::Allocated { expires, refresh: None };
            self.ask(now, Request::Refresh, 0);
        }
        while let Some(ip) = self.permissions.renew(now) {
            self.ask(now, Request::Permission(SocketAddr::new(ip, 0)), 0);
        }
        self.bind(now);
        if self.outbox.is_empty() && self.forgotten().is_some_and(|at| at <= now) {
            let id = new_id(&mut self.rng);
            self.outbox.push_back(keepalive(id));
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let allocation = match self.state {
            State::Allocated { expires, refresh } => {
                let permission = self.permissions.next_timeout();
                let kept = [permission, self.channels.next_timeout(), refresh, self.forgotten()];
                kept.into_iter().flatten().min().into_iter().chain([expires]).min()
            }
            _ => None,
        };
        allocation.into_iter().chain(self.transactions.next_timeout()).min()
    }

    /// Whether something is to leave at once.
    pub(crate) fn has_outgoing(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Appends what is to leave next.
    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        let next = self.outbox.pop_front();
        let contents = next.or_else(|| Some(self.transactions.repeat(now)?.contents))?;
        self.sent = Some(now);
        out.extend_from_slice(&contents);
        Some(Transmit { size: contents.len(), ..self.transmit() })
    }

    pub(crate) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// The stream to the server has ended, or could not be opened.
    pub(crate) fn stream_closed(&mut self, reason: &str) {
        self.way.is_open = false;
        match self.state {
            State::Allocating | State::Clearing | State::Waiting => {
                tracing::debug!(%reason, url = %self.server.url, "no stream to a TURN server");
                self.fail(News::Unanswered(reason.to_owned()));
            }
            State::Allocated { .. } | State::Verifying => self.lose(),
            State::Lost | State::Failed | State::Closed => {}
        }
    }

    fn granted(&mut self, now: Instant, request: Request, message: &Message<'_>) {
        match request {
            Request::Allocate => self.allocated(now, message),
            Request::Refresh => self.refreshed(now, message),
            Request::Release if self.state == State::Clearing => self.start(now),
            Request::Release => {}
            Request::Permission(peer) => {
                for (peer, contents) in self.permissions.grant(now, peer.ip()) {
                    self.wrap(peer, &contents);
                }
            }
            Request::Channel(peer, _) => {
                self.channels.bind(now, peer);
                self.permissions.note_channel(now, peer.ip());
            }
        }
    }

    fn allocated(&mut self, now: Instant, message: &Message<'_>) {
        for attribute in message.attributes() {
            match attribute {
                Attribute::XorRelayedAddress(address) => {
                    let is_new = |known: &SocketAddr| known.is_ipv4() != address.is_ipv4();
                    let is_usable = address.port() != 0 && !address.ip().is_unspecified();
                    if is_usable && self.relayed.iter().all(is_new) {
                        self.relayed.push(address);
                    }
                }
                Attribute::XorMappedAddress(address) => self.mapped = Some(address),
                Attribute::AddressErrorCode(family, code) => {
                    tracing::debug!(?family, %code, url = %self.server.url, "no relay of this family");
                }
                _ => {}
            }
        }
        if self.relayed.is_empty() {
            return self
                .fail(News::Failed(ErrorCode::SERVER_ERROR.value(), "no address in the answer".to_owned()));
        }
        tracing::info!(url = %self.server.url, addresses = self.relayed.len(), "allocated");
        self.keep(now, message);
        self.news.extend(self.relayed.iter().map(|address| News::Relayed(*address)));
    }

    fn refreshed(&mut self, now: Instant, message: &Message<'_>) {
        let is_verified = self.state == State::Verifying;
        if lifetime(message) == Some(Duration::ZERO) {
            return self.lose();
        }
        if matches!(self.state, State::Allocated { .. } | State::Verifying) {
            self.keep(now, message);
        }
        if is_verified {
            self.news.extend(self.relayed.iter().map(|address| News::Relayed(*address)));
        }
    }

    fn keep(&mut self, now: Instant, message: &Message<'_>) {
        let lifetime = lifetime(message).unwrap_or(DEFAULT_LIFETIME);
        let wait = lifetime.checked_sub(MARGIN).filter(|wait| *wait >= MARGIN).unwrap_or(lifetime / 2);
        self.state = State::Allocated { expires: now + lifetime, refresh: Some(now + wait) };
    }

    fn refused(&mut self, now: Instant, request: Request, code: ErrorCode, message: &Message<'_>) {
        tracing::debug!(%code, ?request, url = %self.server.url, "a TURN server refuses");
        let reason = message.attributes().find_map(|attribute| match attribute {
            Attribute::ErrorCode(_, reason) => Some(reason.to_owned()),
            _ => None,
        });
        let reason = reason.unwrap_or_default();
        match (request, code) {
            (Request::Allocate, ErrorCode::TRY_ALTERNATE) if self.go_on(now, message) => {}
            // RFC 8656 §7.4: an allocation of before stands there, ours by the same credentials.
            (Request::Allocate, ErrorCode::ALLOCATION_MISMATCH) if !self.has_cleared => {
                self.has_cleared = true;
                self.state = State::Clearing;
                self.ask(now, Request::Release, 0);
            }
            (Request::Allocate, code) => self.fail(News::Failed(code.value(), reason)),
            (Request::Release, _) if self.state == State::Clearing => self.start(now),
            (Request::Release, _) => {}
            (_, ErrorCode::ALLOCATION_MISMATCH) | (Request::Refresh, _) => {
                if code != ErrorCode::ALLOCATION_MISMATCH {
                    self.news.push_back(News::Failed(code.value(), reason));
                }
                self.lose();
            }
            (Request::Permission(peer), _) => {
                self.permissions.refuse(peer.ip());
                self.news.push_back(News::Refused(peer.ip()));
            }
            (Request::Channel(peer, _), _) => self.channels.refuse(now, peer),
        }
    }

    fn unanswered(&mut self, now: Instant, request: Request) {
        match request {
            Request::Allocate => self.fail(News::Unanswered(self.way.silence(self.stream().is_some()))),
            Request::Release if self.state == State::Clearing => {
                self.fail(News::Unanswered(self.way.silence(self.stream().is_some())));
            }
            Request::Release => {}
            Request::Refresh if self.state == State::Verifying => {
                self.lose();
                self.fail(News::Unanswered(self.way.silence(self.stream().is_some())));
            }
            Request::Refresh => {
                if let State::Allocated { expires, .. } = self.state {
                    self.state = State::Allocated { expires, refresh: Some(now) };
                }
            }
            Request::Permission(peer) => self.permissions.forget(peer.ip()),
            Request::Channel(peer, _) => self.channels.refuse(now, peer),
        }
    }

    /// Another server is to be asked (RFC 8489 §10): of the same family, by the same protocol, and none that was asked before.
    fn go_on(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let alternate = message.attributes().find_map(|attribute| match attribute {
            Attribute::AlternateServer(address) => Some(address),
            _ => None,
        });
        let is_new = |address: &SocketAddr| {
            address.is_ipv4() == self.address.is_ipv4()
                && address.port() != 0
                && self.tried.len() <= HOPS
                && !self.tried.contains(address)
        };
        let Some(alternate) = alternate.filter(is_new) else { return false };
        tracing::debug!(url = %self.server.url, "a TURN server names another");
        if let Some(instead_of) = self.stream() {
            let domain = message.attributes().find_map(|attribute| match attribute {
                Attribute::AlternateDomain(domain) => Some(domain.to_owned()),
                _ => None,
            });
            self.news.push_back(News::Follow(Alternate { instead_of, address: alternate, domain }));
        }
        self.tried.push(alternate);
        self.address = alternate;
        self.credential.forget();
        self.start(now);
        true
    }

    fn fail(&mut self, news: News) {
        self.state = State::Failed;
        self.transactions.retain(|_| false);
        self.news.push_back(news);
    }

    /// The server lends nothing any more. Within a gathering it is asked anew.
    fn lose(&mut self) {
        let is_asked = self.state == State::Verifying;
        tracing::info!(url = %self.server.url, "an allocation is lost");
        self.news.extend(self.relayed.drain(..).map(News::Lost));
        self.state = State::Lost;
        self.transactions.retain(|_| false);
        self.outbox.clear();
        if is_asked {
            self.reset();
        }
    }

    fn reset(&mut self) {
        self.state = State::Waiting;
        self.has_cleared = false;
        self.address = self.server.address;
        self.tried = vec![self.address];
        self.permissions.clear();
        self.channels = Channels::default();
    }

    fn bind(&mut self, now: Instant) {
        if matches!(self.state, State::Allocated { .. } | State::Verifying)
            && let Some((peer, number)) = self.channels.ask(now)
        {
            self.ask(now, Request::Channel(peer, number), 0);
        }
    }

    fn wrap(&mut self, peer: SocketAddr, contents: &Bytes) {
        if self.outbox.len() < OUTBOX_LIMIT {
            let envelope = self.envelope(peer);
            let mut out = BytesMut::with_capacity(contents.len() + envelope.overhead() + 4);
            let begin = envelope.open(&mut out);
            out.extend_from_slice(contents);
            envelope.close(&mut out, begin);
            self.outbox.push_back(out.freeze());
        }
    }

    fn ask(&mut self, now: Instant, request: Request, challenges: u8) {
        let id = new_id(&mut self.rng);
        let contents = request.write(id, &self.credential);
        let outgoing = Outgoing { source: self.base, destination: self.address, contents };
        let limit = match request {
            Request::Allocate | Request::Release => self.timing.gathering,
            Request::Refresh if self.state == State::Verifying => self.timing.gathering,
            Request::Refresh | Request::Permission(_) | Request::Channel(..) => PATIENCE,
        };
        let schedule = match self.server.protocol.is_datagram() {
            true => Schedule {
                wait: self.timing.retransmission,
                longest_wait: if limit < PATIENCE { GATHERING_WAIT } else { PATIENCE },
                transmissions: self.timing.transmissions,
                limit,
            },
            false => Schedule::once(limit),
        };
        let asked = Asked { request, is_proved: self.credential.is_ready(), challenges };
        let sent = self.transactions.begin(now, id, asked, outgoing, schedule);
        self.outbox.push_back(sent.contents);
    }

    /// When a translator before the server may forget us: of datagrams it sees no end (RFC 4787 §4.3).
    fn forgotten(&self) -> Option<Instant> {
        self.sent.filter(|_| self.server.protocol.is_datagram()).map(|at| at + self.timing.keepalive)
    }

    fn transmit(&self) -> Transmit {
        Transmit {
            source: self.base.address,
            destination: self.address,
            protocol: self.server.protocol,
            ecn: None,
            size: 0,
            segment_size: None,
        }
    }
}

fn new_id(rng: &mut ChaCha20Rng) -> TransactionId {
    let mut id = [0; 12];
    rng.fill_bytes(&mut id);
    TransactionId(id)
}
