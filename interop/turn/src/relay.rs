//! A server that is not ours, in virtual time: STUN and TURN by turn-server-proto, over UDP and over TCP, with addresses to
//! lend at its own.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_netsim::Carrier;
use turn_server_proto::api::{SocketAllocateError, Transmit, TurnServerApi, TurnServerPollRet};
use turn_server_proto::server::TurnServer;
use turn_server_proto::types::stun::TransportType;
use turn_server_proto::types::{AddressFamily, Instant as Nanoseconds};

const IP: [u8; 4] = [203, 0, 113, 1];
/// The port of STUN and TURN over UDP (RFC 8656 §8).
const UDP_PORT: u16 = 3478;

/// The port of streams: the one that stays open where all else is closed.
const STREAM_PORT: u16 = 443;

/// What it sends: carrier, from, to, contents.
pub type Sent = (Carrier, SocketAddr, SocketAddr, BytesMut);

/// The server: a machine for each carrier.
pub struct Relay {
    begin: Instant,
    machines: [TurnServer; 2],
    /// Which of them lends a port.
    lent: HashMap<u16, usize>,
    next_port: u16,
    next_timeout: Option<Instant>,
}

impl Relay {
    /// Who may be lent addresses.
    pub const USER: &str = "zoo";
    /// The password of that user.
    pub const PASSWORD: &str = "secret";

    /// A server, with the moment at which its time begins.
    pub fn new(begin: Instant) -> Self {
        let machine = |transport, address| {
            let mut machine = TurnServer::new(transport, address, "zoo.example".to_owned());
            machine.add_user(Self::USER.to_owned(), Self::PASSWORD.to_owned());
            machine
        };
        let udp = machine(TransportType::Udp, Self::address(Carrier::Datagram));
        let tcp = machine(TransportType::Tcp, Self::address(Carrier::Stream));
        Self { begin, machines: [udp, tcp], lent: HashMap::new(), next_port: 50_000, next_timeout: None }
    }

    /// Where it listens.
    pub fn address(carrier: Carrier) -> SocketAddr {
        match carrier {
            Carrier::Datagram => SocketAddr::new(IP.into(), UDP_PORT),
            Carrier::Stream => SocketAddr::new(IP.into(), STREAM_PORT),
        }
    }

    /// Whether an address is one of its own.
    pub fn has(address: IpAddr) -> bool {
        address == IpAddr::from(IP)
    }

    /// Takes what came, and gives what leaves.
    pub fn handle(
        &mut self,
        now: Instant,
        carrier: Carrier,
        (from, to): (SocketAddr, SocketAddr),
        contents: &[u8],
    ) -> Vec<Sent> {
        let is_listening = Self::address(carrier) == to;
        let machine = match (carrier, is_listening) {
            (Carrier::Datagram, true) => Some(0),
            (Carrier::Stream, true) => Some(1),
            (Carrier::Datagram, false) => self.lent.get(&to.port()).copied(),
            (Carrier::Stream, false) => None,
        };
        let Some(machine) = machine else { return Vec::new() };
        let transport = match carrier {
            Carrier::Datagram => TransportType::Udp,
            Carrier::Stream => TransportType::Tcp,
        };
        let at = self.nanoseconds(now);
        let came = Transmit::new(unpadded(carrier, contents).to_vec(), transport, from, to);
        let answer = self.machines[machine].recv(came, at).map(|answer| sent(answer.build()));
        // The answer to a binding request it addresses to itself (0.7.3).
        let answer = answer.map(|sent| if sent.2 == to { (sent.0, sent.1, from, sent.3) } else { sent });
        let mut all: Vec<Sent> = answer.into_iter().collect();
        self.advance(now, &mut all);
        all
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Sent> {
        let mut all = Vec::new();
        if self.next_timeout.is_some_and(|at| at <= now) {
            self.advance(now, &mut all);
        }
        all
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    fn advance(&mut self, now: Instant, all: &mut Vec<Sent>) {
        let at = self.nanoseconds(now);
        self.next_timeout = None;
        for number in [0, 1] {
            loop {
                let machine = &mut self.machines[number];
                match machine.poll(at) {
                    TurnServerPollRet::WaitUntil(until) => {
                        let nanoseconds = until.checked_duration_since(at).unwrap_or(Duration::ZERO);
                        let until = now + nanoseconds.min(Duration::from_secs(3600));
                        self.next_timeout = self.next_timeout.into_iter().chain([until]).min();
                        break;
                    }
                    TurnServerPollRet::AllocateSocket {
                        transport,
                        listen_addr,
                        client_addr,
                        allocation_transport,
                        family,
                    } => {
                        let lent = match family {
                            AddressFamily::IPV4 => {
                                self.next_port += 1;
                                self.lent.insert(self.next_port, number);
                                Ok(SocketAddr::new(IP.into(), self.next_port))
                            }
                            AddressFamily::IPV6 => Err(SocketAllocateError::AddressFamilyNotSupported),
                        };
                        machine.allocated_socket(
                            transport,
                            listen_addr,
                            client_addr,
                            allocation_transport,
                            family,
                            lent,
                            at,
                        );
                    }
                    TurnServerPollRet::SocketClose { listen_addr, .. } => {
                        self.lent.remove(&listen_addr.port());
                    }
                    // RFC 6062, which nobody asks for, and streams of the simulation, which need no closing.
                    TurnServerPollRet::TcpConnect { .. } | TurnServerPollRet::TcpClose { .. } => {}
                }
                while let Some(transmit) = self.machines[number].poll_transmit(at) {
                    all.push(sent(transmit));
                }
            }
            while let Some(transmit) = self.machines[number].poll_transmit(at) {
                all.push(sent(transmit));
            }
        }
        if self.next_timeout.is_some_and(|at| at <= now) {
            self.next_timeout = None;
        }
    }

    fn nanoseconds(&self, now: Instant) -> Nanoseconds {
        Nanoseconds::from_nanos((now - self.begin).as_nanos() as i64)
    }
}

/// What came, without the padding that ChannelData has in a stream (RFC 8656 §12.5), which the server does not expect (0.7.3).
fn unpadded(carrier: Carrier, contents: &[u8]) -> &[u8] {
    match contents {
        [0x40..=0x4f, _, high, low, ..] if carrier == Carrier::Stream => {
            let end = 4 + usize::from(u16::from_be_bytes([*high, *low]));
            contents.get(..end).unwrap_or(contents)
        }
        _ => contents,
    }
}

fn sent(transmit: Transmit<Vec<u8>>) -> Sent {
    let carrier = match transmit.transport {
        TransportType::Udp => Carrier::Datagram,
        TransportType::Tcp => Carrier::Stream,
    };
    (carrier, transmit.from, transmit.to, BytesMut::from(&transmit.data[..]))
}
