//! Listens to multicast DNS (RFC 6762) over IPv4 in this namespace's network, beside those that speak it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

const PORT: u16 = 5353;

/// All messages that went by since it was opened.
pub struct Listener(Arc<Mutex<Vec<Vec<u8>>>>);

impl Listener {
    /// Joins the group on the interface that `xtask` has made.
    pub fn open() -> io::Result<Self> {
        let messages = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))))?;
        socket.join_multicast_v4(&Ipv4Addr::new(224, 0, 0, 251), &Ipv4Addr::new(10, 88, 0, 1))?;
        socket.set_nonblocking(true)?;
        let (socket, heard) = (UdpSocket::from_std(socket.into())?, messages.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 9000];
            while let Ok((length, _)) = socket.recv_from(&mut buffer).await {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(buffer[..length].to_vec());
            }
        });
        Ok(Self(messages))
    }

    /// Whether somebody has asked for this name (the label before `.local`).
    pub fn has_heard_question(&self, name: &str) -> bool {
        self.has_heard(name, false)
    }

    /// Whether somebody has answered for it.
    pub fn has_heard_answer(&self, name: &str) -> bool {
        self.has_heard(name, true)
    }

    fn has_heard(&self, name: &str, is_answer: bool) -> bool {
        // A label stands as it is where it is first named (RFC 1035 §4.1.4); the top bit of the flags tells answers.
        let label = [&[name.len() as u8], name.as_bytes()].concat();
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.iter().any(|message| {
            let is_it = message.get(2).is_some_and(|flags| (flags & 0x80 != 0) == is_answer);
            is_it && message.windows(label.len()).any(|part| part.eq_ignore_ascii_case(&label))
        })
    }
}
