//! DTLS to TURN servers (RFC 8656 §2.1, RFC 7065 §3.1, RFC 7350 §4): a UDP socket for each, on which a TURN server's
//! certificate is checked as over TLS.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::{BufMut, BytesMut};
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Datagram, StreamId};
use peerless_transport::dtls::Endpoint;
use peerless_transport::dtls::endpoint::{Config, Event, MAX_PLAIN};
use peerless_transport::state::DtlsState;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::driver::alarm::Alarm;
use crate::driver::framing::Framing;
use crate::driver::witness::fault;
use crate::driver::{icmp, tls};

/// What arrives is put into blocks of this size, which are freed when their last datagram is.
const BLOCK: usize = 32 * 1024;
/// The longest datagram that is taken, bytes: what a server of TURN has to say fits a packet of the network.
const LONGEST: usize = 4 * 1024;
/// How long before an unanswered flight is sent again the first time: as a request of STUN (RFC 8489 §6.2.1).
const RETRANSMISSION: Duration = Duration::from_millis(500);

/// How many datagrams of a handshake are remembered, to know them again where ICMP quotes them, and how much of each, bytes.
const REMEMBERED: (usize, usize) = (16, 128);
/// How much of one must be quoted for its word to count, bytes: of a ClientHello, headers and half of its random numbers
/// (RFC 6347 §4.2.2, RFC 5246 §7.4.1.2).
const PROOF: usize = 13 + 12 + 2 + 16;

/// One association.
pub(crate) struct Association {
    /// Its errors are awaited beside all else.
    socket: Arc<UdpSocket>,
    endpoint: Endpoint,
    alarm: Alarm,
    /// What arrives, sealed.
    input: BytesMut,
    /// What was in it.
    block: BytesMut,
    /// What is to leave next.
    output: BytesMut,
    /// How the datagrams of the handshake begin, while it lasts.
    remembered: VecDeque<Vec<u8>>,
}

impl Association {
    /// Opens one to the server that its URL calls `host`, a name or an address.
    pub(crate) async fn open(
        id: StreamId,
        host: String,
        roots: Arc<Vec<CertificateDer<'static>>>,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        // The roots are files.
        let verifier =
            tokio::task::spawn_blocking(move || tls::verifier(&roots)).await.map_err(io::Error::other)?;
        let verifier = verifier.map_err(io::Error::other)?;
        let socket = UdpSocket::bind(SocketAddr::new(id.local.ip(), 0)).await?;
        keep_whole(&socket, id.local)?;
        socket.connect(id.remote).await.map_err(|error| io::Error::other(fault(&error)))?;
        let mut association = Self::begin(socket)?;
        loop {
            let socket = association.socket.clone();
            tokio::select! {
                done = poll_fn(|context| association.poll_handshake(context, &verifier, &name)) => break done?,
                _ = socket.ready(Interest::ERROR) => association.judge(None)?,
            }
        }
        // Later TURN has its own means to find out.
        icmp::listen(&association.socket, false)?;
        association.remembered = VecDeque::new();
        Ok(association)
    }

    /// One over a connected socket.
    fn begin(socket: UdpSocket) -> io::Result<Self> {
        let certificate = Certificate::generate(SystemTime::now()).map_err(io::Error::other)?;
        let mut config = Config::new(Arc::new(certificate));
        config.retransmission = RETRANSMISSION;
        let socket = Arc::new(socket);
        icmp::listen(&socket, true)?;
        Ok(Self {
            socket,
            endpoint: Endpoint::with_server(Instant::now(), &config),
            alarm: Alarm::default(),
            input: BytesMut::new(),
            block: BytesMut::new(),
            output: BytesMut::new(),
            remembered: VecDeque::new(),
        })
    }

    fn poll_handshake(
        &mut self,
        context: &mut Context<'_>,
        verifier: &Verifier,
        name: &ServerName<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while let Some(event) = self.endpoint.poll_event() {
                match event {
                    Event::Chain(chain) => {
                        verify(verifier, name, chain).map_err(io::Error::other)?;
                        self.endpoint.vouch();
                    }
                    Event::Failed(failure) => return Poll::Ready(Err(io::Error::other(failure))),
                    Event::State(_) | Event::Secured { .. } => {}
                }
            }
            if let Err(error) = ready!(self.poll_own(context)) {
                self.judge(Some(error))?;
                continue;
            }
            match self.endpoint.state() {
                DtlsState::Connecting => {
                    if let Err(error) = ready!(self.poll_read(context)) {
                        self.judge(Some(error))?;
                    }
                }
                DtlsState::Connected => return Poll::Ready(Ok(())),
                _ => return Poll::Ready(Err(closed())),
            }
        }
    }

    /// Appends what has arrived to `datagrams`, until there are `budget` of them. `Ready` where there may be more.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        id: StreamId,
        budget: usize,
        datagrams: &mut Vec<Datagram>,
    ) -> Poll<io::Result<()>> {
        loop {
            while let Some(message) = self.endpoint.poll_application() {
                self.block.reserve(if self.block.capacity() < message.len() { BLOCK } else { 0 });
                self.block.extend_from_slice(&message);
                datagrams.push(Datagram {
                    source: id.remote,
                    destination: id.local,
                    protocol: id.protocol,
                    ecn: None,
                    contents: self.block.split(),
                });
            }
            if self.endpoint.state() != DtlsState::Connected {
                return Poll::Ready(Err(closed()));
            }
            if datagrams.len() >= budget {
                return Poll::Ready(Ok(()));
            }
            // What was sent found nobody: TURN has its own means to find out, and anybody may say so.
            if let Err(error) = ready!(self.poll_own(context)) {
                tracing::debug!(%error, "send");
            } else if let Err(error) = ready!(self.poll_read(context)) {
                tracing::trace!(%error, "receive");
            }
        }
    }

    /// Seals and sends the datagrams that wait in `waiting`, framed. `Pending` where some still do.
    pub(crate) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
        framing: Framing,
        waiting: &mut BytesMut,
    ) -> Poll<io::Result<()>> {
        let now = Instant::now();
        loop {
            // No route, or it is too large for the path: lost, as any datagram may be.
            if let Err(error) = ready!(self.poll_send(context)) {
                tracing::debug!(%error, "send");
            }
            let Some(datagram) = framing.next(waiting).map_err(io::Error::other)? else {
                return Poll::Ready(Ok(()));
            };
            // No record holds more: a trial of what the path carries (RFC 8899) comes to nothing.
            if datagram.len() > MAX_PLAIN {
                continue;
            }
            self.output.extend_from_slice(&datagram);
            if !self.endpoint.seal(now, &mut self.output, 0) {
                return Poll::Ready(Err(closed()));
            }
        }
    }

    /// Sends what the endpoint itself has to say, when it is due.
    ///
    /// # Errors
    /// Of one datagram, which is lost; the next is sent with the next call.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_send(context))?;
            if self.endpoint.poll_transmit(&mut self.output).is_some() {
                continue;
            }
            if !self.alarm.set(context, self.endpoint.poll_timeout()) {
                return Poll::Ready(Ok(()));
            }
            self.endpoint.handle_timeout(Instant::now());
        }
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// Of a datagram that is lost.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(self.socket.poll_send(context, &self.output));
        let (count, length) = REMEMBERED;
        if self.endpoint.state() == DtlsState::Connecting {
            self.remembered.truncate(count - 1);
            self.remembered.push_front(self.output.iter().take(length).copied().collect());
        }
        self.output.clear();
        Poll::Ready(sent.map(|_| ()))
    }

    /// What an error of the socket, or what ICMP says, means for the handshake: it ends where this machine forbids it, and
    /// where ICMP says why with enough of our own packet, which nobody knows who did not see it (RFC 8489 §6.2.1). Else it
    /// goes on: an error may be of hearsay.
    fn judge(&self, error: Option<io::Error>) -> io::Result<()> {
        while let Ok(told) = icmp::next(&self.socket) {
            let is_ours = |sent: &Vec<u8>| {
                let length = sent.len().min(told.quoted.len());
                length >= PROOF && sent.get(..length) == told.quoted.get(..length)
            };
            if self.remembered.iter().any(is_ours) {
                return Err(io::Error::other(told.obstacle));
            }
        }
        // All is read: the next is awaited.
        let _ = self.socket.try_io(Interest::ERROR, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        match error.filter(icmp::is_of_none) {
            Some(error) => Err(io::Error::other(fault(&error))),
            None => Ok(()),
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.input.capacity() < LONGEST {
            self.input.reserve(BLOCK);
        }
        loop {
            ready!(self.socket.poll_recv_ready(context))?;
            match self.socket.try_recv_buf(&mut (&mut self.input).limit(LONGEST)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(_) => break,
            }
        }
        self.endpoint.handle_datagram(Instant::now(), self.input.split());
        Poll::Ready(Ok(()))
    }
}

/// The server is told, once.
impl Drop for Association {
    fn drop(&mut self) {
        self.endpoint.close(Instant::now());
        self.output.clear();
        while self.endpoint.poll_transmit(&mut self.output).is_some() {
            let _ = self.socket.try_send(&self.output);
            self.output.clear();
        }
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Association").finish_non_exhaustive()
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the other side")
}

/// As TLS has it (RFC 5280 §6, RFC 9525): a chain to a root that we trust, and the name of the server.
fn verify(verifier: &Verifier, name: &ServerName<'_>, chain: Vec<Vec<u8>>) -> Result<(), rustls::Error> {
    let chain: Vec<CertificateDer<'_>> = chain.into_iter().map(CertificateDer::from).collect();
    let (own, others) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
    verifier.verify_server_cert(own, others, name, &[], UnixTime::now()).map(|_| ())
}

/// What is too large for the path is not cut into fragments: the search for the largest packet would find what is not there
/// (RFC 8899 §4.4).
#[cfg(target_os = "linux")]
fn keep_whole(socket: &UdpSocket, local: SocketAddr) -> io::Result<()> {
    use rustix::net::sockopt;
    match local.is_ipv4() {
        true => sockopt::set_ip_mtu_discover(socket, sockopt::Ipv4PathMtuDiscovery::PROBE)?,
        false => sockopt::set_ipv6_mtu_discover(socket, sockopt::Ipv6PathMtuDiscovery::PROBE)?,
    }
    Ok(())
}

/// Where the system has another way, it is left as it is.
#[cfg(not(target_os = "linux"))]
fn keep_whole(_: &UdpSocket, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use peerless_transport::datagram::Protocol;

    use super::*;

    /// A port of loopback where nobody is, for as long as the socket lives that has it: it hears of another address alone.
    fn closed() -> (std::net::UdpSocket, SocketAddr) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect("127.0.0.2:9").unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn a_closed_port_is_the_reason_for_which_a_handshake_fails() {
        let (_holder, remote) = closed();
        let local = "127.0.0.1:1".parse().unwrap();
        let id = StreamId { protocol: Protocol::Dtls, local, remote };
        let opened = Association::open(id, "localhost".to_owned(), Arc::default());
        let opened = tokio::time::timeout(Duration::from_secs(90), opened).await.expect("an end");
        assert_eq!(opened.unwrap_err().to_string(), "port unreachable");
    }

    #[tokio::test]
    async fn what_quotes_nothing_that_only_we_can_know_ends_nothing() {
        let (_holder, remote) = closed();
        for (sent, remembered, is_proof) in [
            ([1; 64], [1; 64], true),
            ([1; 64], [2; 64], false),
            // It is of the last handshake, or a guess.
            ([3; 64], [0; 64], false),
        ] {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(remote).await.unwrap();
            let mut association = Association::begin(socket).unwrap();
            association.remembered.push_front(remembered.to_vec());
            for length in [PROOF - 1, sent.len()] {
                association.socket.send(&sent[..length]).await.unwrap();
                association.socket.ready(Interest::ERROR).await.unwrap();
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                let judged = association.judge(Some(refused)).map_err(|error| error.to_string());
                let is_ended = is_proof && length == sent.len();
                assert_eq!(judged, if is_ended { Err("port unreachable".to_owned()) } else { Ok(()) });
            }
        }
    }
}
