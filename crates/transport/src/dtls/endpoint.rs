//! One DTLS association (RFC 6347, RFC 9147) that keys SRTP (RFC 5764), as an adaptor over dimpl.
//!
//! ```text
//! Connecting ──► Connected ──► Closed        close_notify from either side, or close()
//!      └────────────┴────────► Failed        wrong fingerprint, timeout, alert, anything else
//! ```
//!
//! dimpl is fed only whole records, never a plaintext alert, and as long as the version is open only what settles
//! it: it takes any error for the end. The remote's certificate is compared with the fingerprints of its description
//! before the state is Connected, and nothing is given out before (RFC 8827 §6.5): no keys, no application data. That of a
//! server is handed out instead, with those that vouch for it (RFC 7350 §4), and nothing goes on until it was vouched for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use dimpl::{Dtls, DtlsCertificate, Output};

use crate::crypto::{Certificate, Fingerprint, fingerprint};
use crate::dtls::chain::Chain;
use crate::dtls::failure::Failure;
use crate::dtls::keying::{self, Keys};
use crate::dtls::record::{self, Kind};
use crate::dtls::version::{CipherSuite, Role, Version, Versions};
use crate::srtp::Profile;
use crate::state::DtlsState;

/// How many datagrams are kept back until the version is settled: a server's first flight has three or four.
const HELD: usize = 8;
/// How many datagrams wait for a route: one flight.
const OUTGOING: usize = 16;
/// How many messages wait to be taken.
const APPLICATION: usize = 256;
/// dimpl asks to be called in ten years where it waits for nothing.
const IDLE: Duration = Duration::from_secs(365 * 86_400);
/// The most that one record carries, bytes (RFC 5246 §6.2.1, RFC 9147 §4).
pub const MAX_PLAIN: usize = 1 << 14;
/// By how much sealing makes a message longer at most, bytes: header, explicit nonce and tag of DTLS 1.2 with AES-GCM
/// (RFC 6347 §4.1, RFC 5288 §3). DTLS 1.3 takes 22.
pub const OVERHEAD: usize = 13 + 8 + 16;
/// Room for any record dimpl gives out.
const RECORD: usize = MAX_PLAIN + 512;
/// How much of a handshake is listened to, bytes. A certificate may fill all of it, and dimpl wants room for it.
const HANDSHAKE: usize = 256 * 1024;

/// How an endpoint shall be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What we prove ourselves with.
    pub certificate: Arc<Certificate>,
    /// Which versions are offered and accepted.
    pub versions: Versions,
    /// Which protection profiles may come out of the handshake. dimpl offers all three, best first, and they cannot
    /// be left out of the offer: where one that is not listed here is agreed on, the handshake fails.
    pub profiles: Vec<Profile>,
    /// The largest datagram we send, bytes. At least 256.
    pub mtu: usize,
    /// How long before an unanswered flight is sent again the first time; the time doubles. Departs: RFC 6347
    /// §4.2.4.1 recommends 1 s, because ICE has shown by then that the path works, and how fast.
    pub retransmission: Duration,
    /// How long the handshake may take in all.
    pub handshake_timeout: Duration,
    /// Draws what is not a secret from here, so that a simulation can be run again. `None` uses the operating
    /// system's generator, as every real peer must.
    pub simulation_seed: Option<u64>,
}

/// What an endpoint tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The state changed.
    State(DtlsState),
    /// The handshake is done and the fingerprint is right. Comes just before the state is Connected.
    Secured {
        /// The version agreed on.
        version: Version,
        /// The cipher suite agreed on.
        cipher: CipherSuite,
        /// The keys of SRTP, where the remote wants SRTP.
        keys: Option<Keys>,
    },
    /// The certificates that a server shows, in DER: its own first, whose key was seen at work, then those that may vouch
    /// for it. [`Endpoint::vouch`] must be called before anything else is handed in, or the handshake fails.
    Chain(Vec<Vec<u8>>),
    /// Why the state is Failed. Comes just before.
    Failed(Failure),
}

/// One DTLS association.
pub struct Endpoint {
    /// `None` once there is nothing more to do with it.
    engine: Option<Dtls>,
    role: Role,
    fingerprints: Vec<Fingerprint>,
    /// What a server shows, in place of fingerprints.
    chain: Option<Box<Chain>>,
    profiles: Vec<Profile>,
    state: DtlsState,
    certificate: Option<Vec<u8>>,
    keys: Option<Keys>,
    cipher: Option<CipherSuite>,
    /// The last plaintext alert, only to explain a timeout.
    alert: Option<u8>,
    ignored: u64,
    held: VecDeque<BytesMut>,
    timeout: Option<Instant>,
    /// How far apart two timeouts are at least, and before when no further one comes.
    pause: Duration,
    pause_until: Instant,
    outgoing: VecDeque<Bytes>,
    application: VecDeque<Bytes>,
    events: VecDeque<Event>,
    /// What time the engine has been told.
    told: Instant,
    /// How many bytes have been listened to before the handshake was done.
    heard: usize,
    scratch: Vec<u8>,
}

impl Config {
    /// The defaults: any version, all profiles, datagrams of 1200 bytes, first retransmission after 300 ms, 40 s in
    /// all.
    pub fn new(certificate: Arc<Certificate>) -> Self {
        Self {
            certificate,
            versions: Versions::Any,
            profiles: Profile::ALL.to_vec(),
            mtu: 1200,
            retransmission: Duration::from_millis(300),
            handshake_timeout: Duration::from_secs(40),
            simulation_seed: None,
        }
    }

    fn engine_config(&self) -> Result<dimpl::Config, dimpl::Error> {
        let builder = dimpl::Config::builder()
            .mtu(self.mtu.max(256))
            .max_queue_rx(64)
            .max_queue_tx(32)
            .use_server_cookie(false)
            .flight_start_rto(self.retransmission)
            .flight_retries(16)
            .handshake_timeout(self.handshake_timeout);
        match self.simulation_seed {
            Some(seed) => builder.dangerously_set_rng_seed(seed).build(),
            None => builder.build(),
        }
    }
}

impl Endpoint {
    /// Begins a handshake: a client's first datagram is ready at once. The remote must show a certificate that one of
    /// `fingerprints` is of.
    pub fn new(now: Instant, config: &Config, role: Role, fingerprints: Vec<Fingerprint>) -> Self {
        Self::begin(now, config, role, fingerprints, None)
    }

    /// Begins a handshake with a server that no fingerprint is known of, but whose certificate others may vouch for
    /// (RFC 7350 §4): [`Event::Chain`]. By DTLS 1.2 alone, whatever `config` says, for later versions hide those others.
    pub fn with_server(now: Instant, config: &Config) -> Self {
        let config = Config { versions: Versions::Only12, ..config.clone() };
        Self::begin(now, &config, Role::Client, Vec::new(), Some(Box::default()))
    }

    fn begin(
        now: Instant,
        config: &Config,
        role: Role,
        fingerprints: Vec<Fingerprint>,
        chain: Option<Box<Chain>>,
    ) -> Self {
        let mut endpoint = Self {
            engine: None,
            role,
            fingerprints,
            chain,
            profiles: config.profiles.clone(),
            state: DtlsState::Connecting,
            certificate: None,
            keys: None,
            cipher: None,
            alert: None,
            ignored: 0,
            held: VecDeque::new(),
            timeout: None,
            pause: config.retransmission / 4,
            pause_until: now,
            outgoing: VecDeque::new(),
            application: VecDeque::new(),
            events: VecDeque::from([Event::State(DtlsState::Connecting)]),
            told: now,
            heard: 0,
            scratch: vec![0; RECORD],
        };
        match config.engine_config() {
            Ok(engine_config) => {
                let certificate = DtlsCertificate {
                    certificate: config.certificate.der().to_vec(),
                    private_key: config.certificate.private_key().to_vec(),
                };
                let make = match config.versions {
                    Versions::Any => Dtls::new_auto,
                    Versions::Only12 => Dtls::new_12,
                    Versions::Only13 => Dtls::new_13,
                };
                let mut engine = make(Arc::new(engine_config), certificate, now);
                engine.set_active(role == Role::Client);
                let started = engine.handle_timeout(now);
                endpoint.engine = Some(engine);
                match started {
                    Ok(()) => endpoint.drain(now, BytesMut::new()),
                    Err(error) => endpoint.fail_with(&error),
                }
            }
            Err(error) => endpoint.fail(Failure::Protocol(error.to_string())),
        }
        endpoint
    }

    /// Takes a datagram that came over a validated pair. What it carries is decrypted into its own bytes.
    pub fn handle_datagram(&mut self, now: Instant, mut datagram: BytesMut) {
        if self.engine.is_none() || !self.has_time_for(datagram.len()) {
            self.ignored += 1;
            return;
        }
        if let Err(error) = self.tell_time(now) {
            return self.fail_with(&error);
        }
        while let Some(record) = record::first(&datagram) {
            let (kind, length) = (record.kind, record.bytes.len());
            let record = match length == datagram.len() {
                true => std::mem::take(&mut datagram),
                false => datagram.split_to(length),
            };
            match kind {
                Kind::PlainAlert(description) => {
                    tracing::debug!(description, "plaintext alert ignored");
                    self.alert = Some(description);
                    self.ignored += 1;
                }
                kind if self.is_settled_by(kind) => self.feed(now, record),
                _ => self.hold(record),
            }
        }
        if !datagram.is_empty() {
            self.ignored += 1;
        }
        if self.is_settled_by(Kind::Other) {
            while let Some(held) = self.held.pop_front() {
                self.feed(now, held);
            }
        }
    }

    /// Does what is due: retransmissions, and giving up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(engine) = &mut self.engine else { return };
        self.pause_until = now + self.pause;
        self.told = now;
        match engine.handle_timeout(now) {
            Ok(()) => self.drain(now, BytesMut::new()),
            Err(error) => self.fail_with(&error),
        }
    }

    /// Takes new fingerprints of a later description: the certificate seen must be among them as well.
    pub fn set_fingerprints(&mut self, fingerprints: Vec<Fingerprint>) {
        self.fingerprints = fingerprints;
        let is_wrong =
            self.certificate.as_ref().is_some_and(|der| !fingerprint::is_vouched(&self.fingerprints, der));
        if is_wrong && self.engine.is_some() {
            self.fail(Failure::FingerprintMismatch);
        }
    }

    /// The server's certificate is one to trust: of this name, and vouched for.
    pub fn vouch(&mut self) {
        if let Some(chain) = self.chain.take() {
            self.certificate = chain.own;
        }
    }

    /// Seals the message `out[start..]` where it stands: afterwards `out[start..]` is one datagram that carries it.
    /// Returns whether it was: only while the state is Connected, and up to [`MAX_PLAIN`]. Otherwise `out` ends at
    /// `start`.
    pub fn seal(&mut self, now: Instant, out: &mut BytesMut, start: usize) -> bool {
        let size = self.try_seal(now, out, start).unwrap_or_else(|error| {
            self.fail_with(&error);
            0
        });
        out.truncate(start + size);
        size > 0
    }

    fn try_seal(&mut self, now: Instant, out: &mut BytesMut, start: usize) -> Result<usize, dimpl::Error> {
        let length = out.len().saturating_sub(start);
        if self.state != DtlsState::Connected || length == 0 || length > MAX_PLAIN {
            return Ok(0);
        }
        if self.told < now {
            self.tell_time(now)?;
            // What it has to say of its own goes out by itself: a record of ours would be put behind it.
            self.drain(now, BytesMut::new());
        }
        let Some(engine) = &mut self.engine else { return Ok(0) };
        engine.send_application_data(out.get(start..).unwrap_or_default())?;
        out.resize(start + length + OVERHEAD, 0);
        let mut sealed = engine.poll_output(out.get_mut(start..).unwrap_or_default());
        if let Output::BufferTooSmall { needed } = sealed {
            out.resize(start + needed, 0);
            sealed = engine.poll_output(out.get_mut(start..).unwrap_or_default());
        }
        let size = if let Output::Packet(datagram) = sealed { datagram.len() } else { 0 };
        self.drain(now, BytesMut::new());
        Ok(size)
    }

    /// Ends the association: close_notify is ready to be sent, where the handshake was done.
    pub fn close(&mut self, now: Instant) {
        if let Some(engine) = &mut self.engine {
            // An error means that it was over already.
            let _ = engine.handle_timeout(now).and_then(|()| engine.close());
            self.drain(now, BytesMut::new());
            self.finish(DtlsState::Closed);
        }
    }

    /// When [`Endpoint::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    /// Appends one datagram to send, and says how long it is.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<usize> {
        let Some(datagram) = self.outgoing.pop_front() else {
            // For most of its life it has nothing of its own to say, and nothing to tell.
            self.outgoing.shrink_to_fit();
            return None;
        };
        out.extend_from_slice(&datagram);
        Some(datagram.len())
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            self.events.shrink_to_fit();
        }
        event
    }

    /// The next message received.
    pub fn poll_application(&mut self) -> Option<Bytes> {
        self.application.pop_front()
    }

    /// Where the association stands.
    pub fn state(&self) -> DtlsState {
        self.state
    }

    /// How many records were dropped before they reached dimpl: cut short, plaintext alerts, out of place, too late.
    /// What is not authentic dimpl drops without a word.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Whether a datagram waits to be sent.
    pub fn has_transmit(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// The remote's certificate in DER, once its fingerprint was found right.
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Whether the version is settled, or a record of this kind may settle it.
    fn is_settled_by(&self, kind: Kind) -> bool {
        self.engine.as_ref().is_some_and(|engine| engine.protocol_version().is_some())
            || match self.role {
                Role::Client => kind == Kind::ServerFirst,
                Role::Server => kind == Kind::ClientHello,
            }
    }

    /// Tells the engine the time, if it has moved: all datagrams of a burst come at the same instant.
    fn tell_time(&mut self, now: Instant) -> Result<(), dimpl::Error> {
        if self.told < now {
            self.told = now;
            return self.engine.as_mut().map_or(Ok(()), |engine| engine.handle_timeout(now));
        }
        Ok(())
    }

    /// Whether a datagram of this length is listened to, and room for whatever it may bring to light.
    fn has_time_for(&mut self, length: usize) -> bool {
        if self.state != DtlsState::Connecting {
            return true;
        }
        self.heard += length;
        if self.scratch.len() < self.heard.min(HANDSHAKE) {
            self.scratch.resize(self.heard.min(HANDSHAKE), 0);
        }
        self.heard <= HANDSHAKE
    }

    /// Hands one record to the engine, and takes what it says to it.
    fn feed(&mut self, now: Instant, record: BytesMut) {
        let Some(engine) = &mut self.engine else { return };
        if self.role == Role::Client && self.state == DtlsState::Connecting {
            self.cipher = record::cipher_suite(&record).or(self.cipher);
            if let Some(chain) = &mut self.chain {
                chain.read(&record);
            }
        }
        match engine.handle_packet(&record) {
            Ok(()) => self.drain(now, record),
            Err(error) => self.fail_with(&error),
        }
    }

    /// Keeps a record back that came before the one that settles the version. A server needs none: it settles with
    /// the ClientHello, before which nothing of use can come.
    fn hold(&mut self, record: BytesMut) {
        if self.role == Role::Client && self.held.len() < HELD {
            self.held.push_back(record);
        } else {
            self.ignored += 1;
        }
    }

    /// Takes all that the engine has to say. The plaintext of the record fed last is put where its ciphertext was,
    /// in `landing`, which the engine has copied.
    fn drain(&mut self, now: Instant, mut landing: BytesMut) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let (mut is_connected, mut is_closed) = (false, false);
        if self.state == DtlsState::Connecting {
            landing.clear();
        }
        while let Some(engine) = &mut self.engine {
            let lands = !landing.is_empty();
            match engine.poll_output(if lands { &mut landing } else { &mut scratch }) {
                Output::Packet(packet) => {
                    if self.role == Role::Server && self.state == DtlsState::Connecting {
                        self.cipher = record::cipher_suite(packet).or(self.cipher);
                    }
                    if self.outgoing.len() < OUTGOING {
                        self.outgoing.push_back(Bytes::copy_from_slice(packet));
                    }
                }
                Output::BufferTooSmall { .. } if lands => landing.clear(),
                Output::BufferTooSmall { needed } => scratch.resize(needed, 0),
                Output::Timeout(at) => {
                    // As long as dimpl misses a piece of a DTLS 1.3 flight, it wants to acknowledge the others at
                    // once, over and over: without a pause that would be a flood.
                    let at = at.max(self.pause_until);
                    self.timeout = (at.saturating_duration_since(now) < IDLE).then_some(at);
                    break;
                }
                Output::PeerCert(der) => {
                    if let Some(chain) = &mut self.chain {
                        self.events.push_back(Event::Chain(chain.seen(der)));
                    } else if fingerprint::is_vouched(&self.fingerprints, der) {
                        self.certificate = Some(der.to_vec());
                    } else {
                        self.outgoing.clear();
                        self.fail(Failure::FingerprintMismatch);
                    }
                }
                Output::KeyingMaterial(material, profile) => self.take_keys(&material, profile),
                Output::Connected => is_connected = true,
                Output::ApplicationData(data) if self.has_room() => {
                    let message = if lands {
                        let length = data.len();
                        landing.split_to(length).freeze()
                    } else {
                        Bytes::copy_from_slice(data)
                    };
                    landing.clear();
                    self.application.push_back(message);
                }
                Output::CloseNotify => is_closed = true,
                _ => {}
            }
        }
        // What the record layer has to say of itself once the handshake is done is little and rare.
        self.scratch = if self.state == DtlsState::Connected { Vec::new() } else { scratch };
        if is_connected {
            self.connect();
        }
        if is_closed {
            self.close(now);
        }
    }

    fn has_room(&self) -> bool {
        self.certificate.is_some() && self.application.len() < APPLICATION
    }

    fn take_keys(&mut self, material: &[u8], profile: dimpl::SrtpProfile) {
        let profile = match profile {
            dimpl::SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            dimpl::SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmHmacSha1_80,
            _ => return self.fail(Failure::Keying),
        };
        if !self.profiles.contains(&profile) {
            return self.fail(Failure::ProfileNotAllowed(profile));
        }
        match keying::split(profile, self.role, material) {
            Some(keys) => self.keys = Some(keys),
            None => self.fail(Failure::Keying),
        }
    }

    /// The handshake is done: says so, if the certificate was right.
    fn connect(&mut self) {
        let Some(engine) = &self.engine else { return };
        let version = match engine.protocol_version() {
            Some(dimpl::ProtocolVersion::DTLS1_3) => Version::Dtls13,
            _ => Version::Dtls12,
        };
        if self.certificate.is_none() {
            return self.fail(Failure::NoCertificate);
        }
        let cipher = self.cipher.unwrap_or(CipherSuite(0));
        self.scratch = Vec::new();
        self.events.push_back(Event::Secured { version, cipher, keys: self.keys.take() });
        self.set_state(DtlsState::Connected);
    }

    fn fail_with(&mut self, error: &dimpl::Error) {
        let failure = match error {
            dimpl::Error::Timeout(_) => Failure::TimedOut { alert: self.alert },
            dimpl::Error::SecurityError(dimpl::SecurityError::FatalAlert { description }) => {
                Failure::Alert(*description)
            }
            error => Failure::Protocol(error.to_string()),
        };
        self.fail(failure);
    }

    fn fail(&mut self, failure: Failure) {
        self.events.push_back(Event::Failed(failure));
        self.finish(DtlsState::Failed);
    }

    fn finish(&mut self, state: DtlsState) {
        self.engine = None;
        self.timeout = None;
        self.keys = None;
        self.held.clear();
        self.set_state(state);
    }

    fn set_state(&mut self, state: DtlsState) {
        self.state = state;
        self.events.push_back(Event::State(state));
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("role", &self.role)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
