//! A one-question multicast DNS querier (RFC 6762): the address of a `uuid.local` name.
//!
//! The question goes out from port 5353 as a normal multicast query, on every interface: browsers do not answer
//! one-shot queries from another port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use peerless_wire::cursor::{Reader, Truncated};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

const PORT: u16 = 5353;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// When the question is asked, again with growing pauses (RFC 6762 §5.2), and when it is given up.
const ASK_AFTER_MS: [u64; 4] = [0, 250, 1000, 3000];
const GIVE_UP_AFTER: Duration = Duration::from_secs(8);

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// A name is at most 255 octets (RFC 1035 §2.3.4), so it has at most 127 labels.
const LABEL_LIMIT: usize = 127;

/// Asks the local network for the address of `name`, for up to eight seconds. `None` where nobody answers or the
/// name is not one of multicast DNS.
pub(crate) async fn resolve(name: &str) -> Option<IpAddr> {
    let question = question(name)?;
    let sockets = open().inspect_err(|error| tracing::debug!(%error, "no multicast DNS here")).ok()?;
    let begun = Instant::now();
    let asking = async {
        for after in ASK_AFTER_MS {
            tokio::time::sleep_until(begun + Duration::from_millis(after)).await;
            for socket in &sockets {
                if let Err(error) = socket.send_to(&question, SocketAddr::from((GROUP, PORT))).await {
                    tracing::debug!(%error, "multicast DNS question");
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let listening =
        futures_util::future::select_all(sockets.iter().map(|socket| Box::pin(listen(socket, name))));
    tokio::select! {
        () = asking => None,
        answer = timeout_at(begun + GIVE_UP_AFTER, listening) => answer.ok().map(|(address, ..)| address),
    }
}

async fn listen(socket: &UdpSocket, name: &str) -> IpAddr {
    let mut buffer = [0; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, _)) => {
                let message = buffer.get(..length).unwrap_or_default();
                if let Some(address) = answer(message, name) {
                    return address;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "multicast DNS answer");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One socket per interface with an IPv4 address, so that each asks its own network.
fn open() -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let IpAddr::V4(address) = interface.ip() else { continue };
        match open_on(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) => tracing::debug!(%error, interface = interface.name, "multicast DNS"),
        }
    }
    if sockets.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(sockets) }
}

fn open_on(interface: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))))?;
    socket.join_multicast_v4(&GROUP, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_multicast_ttl_v4(255)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

/// A query for A and AAAA of `name` (RFC 1035 §4.1); `None` where `name` is not a single label under `.local`.
fn question(name: &str) -> Option<Vec<u8>> {
    let label = name.strip_suffix(".local")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty() || label.len() > 63 || !label.chars().all(fits) {
        return None;
    }
    let mut message = vec![0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    for record_type in [TYPE_A, TYPE_AAAA] {
        for label in [label, "local"] {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&record_type.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
    }
    Some(message)
}

/// The first address that `message` gives for `name`.
fn answer(message: &[u8], name: &str) -> Option<IpAddr> {
    let mut reader = Reader::new(message);
    let [_, _, flags, _] = reader.array::<4>().ok()?;
    if flags & 0x80 == 0 {
        return None;
    }
    let [questions, answers, authorities, additionals] = [(); 4].map(|()| reader.u16());
    for _ in 0..questions.ok()? {
        name_at(message, &mut reader).ok()??;
        reader.take(4).ok()?;
    }
    let records = u32::from(answers.ok()?) + u32::from(authorities.ok()?) + u32::from(additionals.ok()?);
    for _ in 0..records {
        let owner = name_at(message, &mut reader).ok()??;
        let record_type = reader.u16().ok()?;
        let _class_and_lifetime = reader.take(6).ok()?;
        let length = reader.u16().ok()?;
        let data = reader.take(length.into()).ok()?;
        if owner.eq_ignore_ascii_case(name) {
            let address = match record_type {
                TYPE_A => <[u8; 4]>::try_from(data).ok().map(|data| IpAddr::from(Ipv4Addr::from(data))),
                TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(|data| IpAddr::from(Ipv6Addr::from(data))),
                _ => None,
            };
            if address.is_some() {
                return address;
            }
        }
    }
    None
}

/// Reads a possibly compressed name (RFC 1035 §4.1.4). `Ok(None)` for one that is malformed: pointers must go
/// backwards, so that they end.
fn name_at<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Result<Option<String>, Truncated> {
    let mut name = String::new();
    let mut inside = *reader;
    let mut jumped = false;
    let mut limit = message.len();
    for _ in 0..LABEL_LIMIT {
        let length = inside.u8()?;
        match length {
            0 => {
                if !jumped {
                    *reader = inside;
                }
                return Ok(Some(name));
            }
            1..=63 => {
                let label = inside.take(length.into())?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&String::from_utf8_lossy(label));
            }
            192..=255 => {
                let target = usize::from(length & 0x3f) << 8 | usize::from(inside.u8()?);
                if !jumped {
                    *reader = inside;
                    jumped = true;
                }
                if target >= limit {
                    return Ok(None);
                }
                limit = target;
                inside = Reader::new(message.get(target..).unwrap_or_default());
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "8a0e1c52-7a5c-4a8e-9a67-1f6d3b0c2e11.local";

    fn response(record_type: u16, data: &[u8]) -> Vec<u8> {
        let mut message = question(NAME).unwrap();
        message[2] = 0x84;
        message[5] = 1;
        message[7] = 1;
        let first_question_ends = 12 + NAME.len() + 2 + 4;
        message.truncate(first_question_ends);
        message.extend_from_slice(&[0xc0, 12]);
        message.extend_from_slice(&record_type.to_be_bytes());
        message.extend_from_slice(&[0x80, 1, 0, 0, 0, 120]);
        message.extend_from_slice(&(data.len() as u16).to_be_bytes());
        message.extend_from_slice(data);
        message
    }

    #[test]
    fn reads_addresses_of_both_families_through_a_compressed_name() {
        assert_eq!(answer(&response(TYPE_A, &[10, 88, 0, 1]), NAME), Some("10.88.0.1".parse().unwrap()));
        let six: Ipv6Addr = "fd00::7".parse().unwrap();
        assert_eq!(answer(&response(TYPE_AAAA, &six.octets()), NAME), Some(six.into()));
    }

    #[test]
    fn takes_no_answer_for_another_name_or_of_another_shape() {
        let message = response(TYPE_A, &[10, 88, 0, 1]);
        assert_eq!(answer(&message, "other.local"), None);
        assert_eq!(answer(&response(TYPE_A, &[10, 88, 0]), NAME), None);
        for length in 0..message.len() {
            assert_eq!(answer(&message[..length], NAME), None);
        }
    }

    #[test]
    fn a_pointer_that_leads_in_a_circle_ends() {
        let mut message = response(TYPE_A, &[10, 88, 0, 1]);
        message[12] = 0xc0;
        message[13] = 12;
        assert_eq!(answer(&message, NAME), None);
    }

    #[test]
    fn asks_only_for_names_of_one_label_under_local() {
        assert!(question(NAME).is_some());
        for name in ["example.org", ".local", "a.b.local", "a b.local", "local"] {
            assert!(question(name).is_none(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_none_of_ours_resolves_to_nothing_at_once() {
        assert_eq!(resolve("example.org").await, None);
    }
}
