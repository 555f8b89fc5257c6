//! A TURN server that keeps the RFC's times, and refuses as it is told.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_transport::crypto::long_term::{md5_key, sha256_key};
use peerless_transport::crypto::mac::{hmac_sha1, hmac_sha256, is_hmac_sha1, is_hmac_sha256_of};
use peerless_wire::stun::{
    Attribute, ChannelData, ChannelNumber, Class, ErrorCode, Family, Message, Method, TransactionId, Writer,
};

pub const USER: &str = "user";
pub const PASSWORD: &str = "pass";
const REALM: &str = "realm";
/// SHA-256, then MD5.
const ALGORITHMS: [u8; 8] = [0, 2, 0, 0, 0, 1, 0, 0];

const PERMISSION: Duration = Duration::from_secs(300);
const CHANNEL: Duration = Duration::from_secs(600);

pub struct Server {
    pub address: SocketAddr,
    pub nonce: String,
    /// Whether it offers SHA-256 (RFC 8489).
    pub is_modern: bool,
    pub lifetime: u32,
    pub is_dead: bool,
    /// Whether answers bear a wrong proof.
    pub is_forged: bool,
    /// Whether it lends addresses of IPv6 too.
    pub has_ipv6: bool,
    /// How to refuse the next request of a method, once each.
    pub refusals: VecDeque<(Method, ErrorCode)>,
    /// The server to name with 300.
    pub alternate: Option<SocketAddr>,
    pub allocations: HashMap<SocketAddr, Allocation>,
    /// What was asked, and how it was refused.
    pub log: Vec<(Method, Option<ErrorCode>)>,
    /// How packets for peers came.
    pub indications: usize,
    pub channel_data: usize,
    next_port: u16,
}

pub struct Allocation {
    pub relayed: Vec<SocketAddr>,
    pub expires: Instant,
    pub permissions: HashMap<IpAddr, Instant>,
    pub channels: HashMap<ChannelNumber, (SocketAddr, Instant)>,
}

pub type Sent = (SocketAddr, SocketAddr, Bytes);

impl Server {
    pub fn new(address: &str) -> Self {
        Self {
            address: address.parse().unwrap(),
            nonce: "first".to_owned(),
            is_modern: false,
            lifetime: 600,
            is_dead: false,
            is_forged: false,
            has_ipv6: false,
            refusals: VecDeque::new(),
            alternate: None,
            allocations: HashMap::new(),
            log: Vec::new(),
            indications: 0,
            channel_data: 0,
            next_port: 50_000,
        }
    }

    pub fn modern(address: &str) -> Self {
        Self { is_modern: true, nonce: "obMatJos2wAAAfirst".to_owned(), ..Self::new(address) }
    }

    /// How often a method was asked for, refusals included.
    pub fn asked(&self, method: Method) -> usize {
        self.log.iter().filter(|(asked, _)| *asked == method).count()
    }

    /// Forgets all, as after a restart.
    pub fn restart(&mut self) {
        self.allocations.clear();
        self.nonce = format!("{}x", self.nonce);
    }

    pub fn owns(&self, address: SocketAddr) -> bool {
        address == self.address
            || self.allocations.values().any(|allocation| allocation.relayed.contains(&address))
    }

    pub fn handle(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, contents: &[u8]) -> Vec<Sent> {
        if self.is_dead {
            return Vec::new();
        }
        self.allocations.retain(|_, allocation| allocation.expires > now);
        if to != self.address {
            return self.arrived(now, from, to, contents).into_iter().collect();
        }
        if let Ok(read) = ChannelData::parse(contents) {
            self.channel_data += 1;
            return self.forwarded(now, from, read.channel, read.data).into_iter().collect();
        }
        let message = Message::parse(contents).expect("STUN or channel data");
        match (message.class(), message.method()) {
            (Class::Indication, Method::SEND) => {
                self.indications += 1;
                self.indicated(now, from, &message).into_iter().collect()
            }
            (Class::Request, _) => vec![(self.address, from, self.answer(now, from, &message))],
            _ => Vec::new(),
        }
    }

    fn arrived(&self, now: Instant, peer: SocketAddr, to: SocketAddr, contents: &[u8]) -> Option<Sent> {
        let (client, allocation) =
            self.allocations.iter().find(|(_, allocation)| allocation.relayed.contains(&to))?;
        allocation.permissions.get(&peer.ip()).filter(|until| **until > now)?;
        let bound = allocation.channels.iter().find(|(_, (bound, until))| *bound == peer && *until > now);
        let mut out = BytesMut::new();
        match bound {
            Some((number, _)) => {
                out.extend_from_slice(&ChannelData::header(*number, contents.len() as u16));
                out.extend_from_slice(contents);
            }
            None => {
                let id = TransactionId([9; 12]);
                let mut writer = Writer::new(&mut out, Class::Indication, Method::DATA, id);
                writer.attribute(Attribute::XorPeerAddress(peer));
                writer.attribute(Attribute::Data(contents));
            }
        }
        Some((self.address, *client, out.freeze()))
    }

    fn forwarded(
        &self,
        now: Instant,
        client: SocketAddr,
        number: ChannelNumber,
        data: &[u8],
    ) -> Option<Sent> {
        let allocation = self.allocations.get(&client)?;
        let (peer, _) = allocation.channels.get(&number).filter(|(_, until)| *until > now)?;
        relayed(now, allocation, *peer, data)
    }

    fn indicated(&self, now: Instant, client: SocketAddr, message: &Message<'_>) -> Option<Sent> {
        let allocation = self.allocations.get(&client)?;
        let data = message.attributes().find_map(|attribute| match attribute {
            Attribute::Data(data) => Some(data),
            _ => None,
        })?;
        relayed(now, allocation, peer_of(message)?, data)
    }

    fn answer(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Bytes {
        let refusal = self.judge(message).or_else(|| self.serve(now, from, message).err());
        self.log.push((message.method(), refusal));
        let mut out = BytesMut::new();
        let class = if refusal.is_some() { Class::Error } else { Class::Success };
        let mut writer = Writer::new(&mut out, class, message.method(), message.transaction());
        let is_challenge = matches!(refusal, Some(ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE));
        match refusal {
            Some(code) => writer.attribute(Attribute::ErrorCode(code, code.reason())),
            None => self.describe(from, message, &mut writer),
        }
        if let Some(alternate) = self.alternate.filter(|_| refusal == Some(ErrorCode::TRY_ALTERNATE)) {
            writer.attribute(Attribute::AlternateServer(alternate));
        }
        if is_challenge {
            writer.attribute(Attribute::Realm(REALM));
            writer.attribute(Attribute::Nonce(&self.nonce));
            if self.is_modern {
                writer.attribute(Attribute::PasswordAlgorithms(&ALGORITHMS));
            }
        } else {
            let password = if self.is_forged { "forged" } else { PASSWORD };
            match self.is_modern {
                true => {
                    let key = sha256_key(USER, REALM, password);
                    writer.integrity_sha256(|covered| hmac_sha256(&key, covered));
                }
                false => {
                    let key = md5_key(USER, REALM, password);
                    writer.integrity(|covered| hmac_sha1(&key, &[covered]));
                }
            }
        }
        writer.fingerprint();
        out.freeze()
    }

    fn describe(&self, from: SocketAddr, message: &Message<'_>, writer: &mut Writer<'_>) {
        let lifetime = requested(message).map_or(self.lifetime, |wanted| wanted.min(self.lifetime));
        match message.method() {
            Method::ALLOCATE => {
                let allocation = &self.allocations[&from];
                for relayed in &allocation.relayed {
                    writer.attribute(Attribute::XorRelayedAddress(*relayed));
                }
                if !self.has_ipv6 {
                    let code = ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED;
                    writer.attribute(Attribute::AddressErrorCode(Family::V6, code));
                }
                writer.attribute(Attribute::XorMappedAddress(from));
                writer.attribute(Attribute::Lifetime(lifetime));
            }
            Method::REFRESH => writer.attribute(Attribute::Lifetime(lifetime)),
            _ => {}
        }
    }

    /// What speaks against a request before it is served.
    fn judge(&mut self, message: &Message<'_>) -> Option<ErrorCode> {
        let is_proved = match self.is_modern {
            true => message.integrity_sha256().is_some_and(|found| {
                is_hmac_sha256_of(&sha256_key(USER, REALM, PASSWORD), &found.parts(), found.mac())
            }),
            false => message.integrity().is_some_and(|found| {
                is_hmac_sha1(&md5_key(USER, REALM, PASSWORD), &found.parts(), found.mac())
            }),
        };
        if !is_proved {
            return Some(ErrorCode::UNAUTHENTICATED);
        }
        let is_fresh = message.attributes().any(|found| found == Attribute::Nonce(&self.nonce));
        if !is_fresh {
            return Some(ErrorCode::STALE_NONCE);
        }
        let (_, code) = *self.refusals.front().filter(|(method, _)| *method == message.method())?;
        self.refusals.pop_front();
        Some(code)
    }

    fn serve(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Result<(), ErrorCode> {
        if message.method() == Method::ALLOCATE {
            if self.allocations.contains_key(&from) {
                return Err(ErrorCode::ALLOCATION_MISMATCH);
            }
            self.next_port += 1;
            let mut relayed = vec![SocketAddr::new(self.address.ip(), self.next_port)];
            if self.has_ipv6 {
                relayed.push(SocketAddr::new("2001:db8::9".parse().unwrap(), self.next_port));
            }
            let allocation = Allocation {
                relayed,
                expires: now + Duration::from_secs(self.lifetime.into()),
                permissions: HashMap::new(),
                channels: HashMap::new(),
            };
            self.allocations.insert(from, allocation);
            return Ok(());
        }
        let lifetime = requested(message).map_or(self.lifetime, |wanted| wanted.min(self.lifetime));
        let allocation = self.allocations.get_mut(&from).ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        match message.method() {
            Method::REFRESH if lifetime == 0 => drop(self.allocations.remove(&from)),
            Method::REFRESH => allocation.expires = now + Duration::from_secs(lifetime.into()),
            Method::CREATE_PERMISSION => {
                let peer = peer_of(message).ok_or(ErrorCode::BAD_REQUEST)?;
                allocation.permissions.insert(peer.ip(), now + PERMISSION);
            }
            Method::CHANNEL_BIND => {
                let peer = peer_of(message).ok_or(ErrorCode::BAD_REQUEST)?;
                let number = message.attributes().find_map(|attribute| match attribute {
                    Attribute::ChannelNumber(number) => ChannelNumber::new(number),
                    _ => None,
                });
                let number = number.ok_or(ErrorCode::BAD_REQUEST)?;
                let is_others = |(known, (bound, _)): (&ChannelNumber, &(SocketAddr, Instant))| {
                    (*known == number) != (*bound == peer)
                };
                if allocation.channels.iter().any(is_others) {
                    return Err(ErrorCode::BAD_REQUEST);
                }
                allocation.channels.insert(number, (peer, now + CHANNEL));
                allocation.permissions.insert(peer.ip(), now + PERMISSION);
            }
            _ => return Err(ErrorCode::BAD_REQUEST),
        }
        Ok(())
    }
}

fn relayed(now: Instant, allocation: &Allocation, peer: SocketAddr, data: &[u8]) -> Option<Sent> {
    allocation.permissions.get(&peer.ip()).filter(|until| **until > now)?;
    let from = allocation.relayed.iter().find(|relayed| relayed.is_ipv4() == peer.is_ipv4())?;
    Some((*from, peer, Bytes::copy_from_slice(data)))
}

fn requested(message: &Message<'_>) -> Option<u32> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::Lifetime(seconds) => Some(seconds),
        _ => None,
    })
}

fn peer_of(message: &Message<'_>) -> Option<SocketAddr> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::XorPeerAddress(address) => Some(address),
        _ => None,
    })
}
