//! What an association is made from: limits, timers (RFC 9260 §16) and what is offered to the peer.

use std::fmt;
use std::time::Duration;

/// The smallest packet that every path is taken to carry, in bytes of SCTP (RFC 8831 §5: 1200 before discovery).
pub const BASE_PACKET_SIZE: usize = 1200;
/// The largest SCTP packet that can be asked for: what one DTLS record carries.
pub const MAX_PACKET_SIZE: usize = 16_384;

/// Longer times make no sense, and are no instants.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Which congestion controller an association uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Controller {
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406), reacting to random loss as `tx/cubic` says.
    #[default]
    Cubic,
    /// NewReno as in RFC 9260 §7.2, reacting to every loss.
    NewReno,
}

/// The timers of an association (RFC 9260 §16). All are the RFC's but for those that say otherwise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Timers {
    /// RTO.Initial. 500 ms. Departs: RFC 9260 §16 says 1 s, because the path was measured by ICE and DTLS before.
    pub rto_initial: Duration,
    /// RTO.Min. 250 ms. Departs: RFC 9260 §16 says 1 s, because browsers use less, and spurious timeouts are undone.
    pub rto_min: Duration,
    /// RTO.Max. 10 s. Departs: RFC 9260 §16 says 60 s, because a path that comes back should be found again soon.
    pub rto_max: Duration,
    /// How long a SACK may wait for a second packet. 20 ms, at most 200 ms (RFC 9260 §6.2 allows 500).
    pub sack_delay: Duration,
    /// HB.interval. 30 s, to which one RTO is added.
    pub heartbeat_interval: Duration,
    /// Valid.Cookie.Life. 60 s.
    pub cookie_lifetime: Duration,
    /// How long a shutdown may take in all (T5, RFC 9260 §9.2). 50 s: five times RTO.Max.
    pub shutdown_guard: Duration,
    /// How long found packet sizes are trusted before a larger one is tried again (RFC 8899 §5.1.1 PMTU_RAISE_TIMER).
    /// 600 s.
    pub size_raise: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            rto_initial: Duration::from_millis(500),
            rto_min: Duration::from_millis(250),
            rto_max: Duration::from_secs(10),
            sack_delay: Duration::from_millis(20),
            heartbeat_interval: Duration::from_secs(30),
            cookie_lifetime: Duration::from_secs(60),
            shutdown_guard: Duration::from_secs(50),
            size_raise: Duration::from_secs(600),
        }
    }
}

/// How an association behaves. `Config::new(seed)` has the defaults for WebRTC.
///
/// Values outside of what makes sense are brought to the nearest that does by [`Config::settled`], which
/// `Association::new` calls: so no configuration is refused, and [`Config::settled`] shows what it becomes.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where chance comes from: tags, first TSN, cookie key, nonces. Must be secret and never used twice.
    pub seed: [u8; 32],
    /// Our SCTP port (RFC 8841 `a=sctp-port`). 5000.
    pub local_port: u16,
    /// The peer's SCTP port. 5000.
    pub remote_port: u16,
    /// The largest message that we take, in bytes; a larger one ends the association. 262144. At least 1.
    pub max_message_size: usize,
    /// The limit up to which the receive window tunes itself, in bytes: what may wait for being read, whole or in
    /// pieces. 16 MiB. At least twice `max_message_size`, at most 1 GiB.
    pub receive_window: usize,
    /// How many bytes may wait to be sent and acknowledged before `send` refuses. 16 MiB. At least 1.
    pub send_buffer: usize,
    /// The size of SCTP packets before anything larger was found, in bytes. 1200. At least 512.
    pub packet_size: usize,
    /// The largest SCTP packet that path discovery tries (RFC 8899), in bytes. 1200 turns discovery off. 1400: what
    /// goes through an Ethernet with 1500 bytes when DTLS, UDP and IPv6 have had their share. At most 16384.
    pub max_packet_size: usize,
    /// Whether packets without checksum are offered and taken (RFC 9653), which is right under DTLS only. True.
    pub zero_checksum: bool,
    /// Whether interleaving of messages (I-DATA, RFC 8260) is offered. True.
    pub interleaving: bool,
    /// Which congestion controller is used.
    pub controller: Controller,
    /// How many outgoing streams are asked for. 65535.
    pub outbound_streams: u16,
    /// How many incoming streams are taken. 65535.
    pub inbound_streams: u16,
    /// Association.Max.Retrans: how often in a row the peer may fail to answer before the association has failed.
    /// 10 (RFC 9260 §16).
    pub max_retransmissions: u32,
    /// Max.Init.Retransmits: how often INIT and COOKIE-ECHO are sent again. 8 (RFC 9260 §16). `None` never ends,
    /// for those who watch over the handshake themselves.
    pub max_init_retransmissions: Option<u32>,
    /// The timers.
    pub timers: Timers,
}

impl Config {
    /// The defaults.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            local_port: 5000,
            remote_port: 5000,
            max_message_size: 262_144,
            receive_window: 16 << 20,
            send_buffer: 16 << 20,
            packet_size: BASE_PACKET_SIZE,
            max_packet_size: 1400,
            zero_checksum: true,
            interleaving: true,
            controller: Controller::default(),
            outbound_streams: u16::MAX,
            inbound_streams: u16::MAX,
            max_retransmissions: 10,
            max_init_retransmissions: Some(8),
            timers: Timers::default(),
        }
    }

    /// This configuration with every value brought into its bounds.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.max_message_size = self.max_message_size.clamp(1, 1 << 29);
        self.receive_window = self.receive_window.clamp(2 * self.max_message_size, 1 << 30).max(4096);
        self.send_buffer = self.send_buffer.max(1);
        // Chunks end on four bytes, so packets do.
        self.packet_size = self.packet_size.clamp(512, MAX_PACKET_SIZE) & !3;
        self.max_packet_size = self.max_packet_size.clamp(self.packet_size, MAX_PACKET_SIZE) & !3;
        self.outbound_streams = self.outbound_streams.max(1);
        self.inbound_streams = self.inbound_streams.max(1);
        let timers = &mut self.timers;
        for time in [
            &mut timers.heartbeat_interval,
            &mut timers.cookie_lifetime,
            &mut timers.shutdown_guard,
            &mut timers.size_raise,
            &mut timers.rto_max,
        ] {
            *time = (*time).min(LONGEST);
        }
        timers.rto_min = timers.rto_min.min(LONGEST);
        timers.rto_min = timers.rto_min.max(Duration::from_millis(1));
        timers.rto_max = timers.rto_max.max(timers.rto_min);
        timers.rto_initial = timers.rto_initial.clamp(timers.rto_min, timers.rto_max);
        timers.sack_delay = timers.sack_delay.min(Duration::from_millis(200));
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("receive_window", &self.receive_window)
            .field("send_buffer", &self.send_buffer)
            .field("packet_size", &self.packet_size)
            .field("max_packet_size", &self.max_packet_size)
            .field("controller", &self.controller)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_brought_into_its_bounds() {
        let mut config = Config::new([0; 32]);
        (config.max_message_size, config.receive_window, config.send_buffer) = (usize::MAX, 0, 0);
        (config.packet_size, config.max_packet_size) = (usize::MAX, 3);
        (config.outbound_streams, config.inbound_streams) = (0, 0);
        let timers = &mut config.timers;
        (timers.rto_min, timers.rto_max, timers.rto_initial) = (Duration::MAX, Duration::ZERO, Duration::MAX);
        (timers.sack_delay, timers.heartbeat_interval) = (Duration::MAX, Duration::MAX);
        let settled = config.settled();
        assert!(settled.receive_window >= 2 * settled.max_message_size && settled.send_buffer == 1);
        assert_eq!((settled.packet_size, settled.max_packet_size), (MAX_PACKET_SIZE, MAX_PACKET_SIZE));
        assert_eq!((settled.outbound_streams, settled.inbound_streams), (1, 1));
        assert_eq!(settled.timers.sack_delay, Duration::from_millis(200));
        assert!(
            settled.timers.heartbeat_interval <= LONGEST && settled.timers.rto_max >= settled.timers.rto_min
        );
        let fine = Config::new([0; 32]);
        assert_eq!(fine.clone().settled().packet_size, fine.packet_size);
        assert_eq!(fine.clone().settled().receive_window, fine.receive_window);
    }
}
