//! DTLS to TURN servers (RFC 8656 §2.1, RFC 7065 §3.1, RFC 7350 §4): a UDP socket for each, on which a TURN server's
//! certificate is checked as over TLS.

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
use tokio::net::UdpSocket;

use crate::driver::alarm::Alarm;
use crate::driver::framing::Framing;
use crate::driver::tls;

/// What arrives is put into blocks of this size, which are freed when their last datagram is.
const BLOCK: usize = 32 * 1024;
/// The longest datagram that is taken, bytes: what a server of TURN has to say fits a packet of the network.
const LONGEST: usize = 4 * 1024;
/// How long before an unanswered flight is sent again the first time: as a request of STUN (RFC 8489 §6.2.1).
const RETRANSMISSION: Duration = Duration::from_millis(500);

/// One association.
pub(crate) struct Association {
    socket: UdpSocket,
    endpoint: Endpoint,
    alarm: Alarm,
    /// What arrives, sealed.
    input: BytesMut,
    /// What was in it.
    block: BytesMut,
    /// What is to leave next.
    output: BytesMut,
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
        socket.connect(id.remote).await?;
        let certificate = Certificate::generate(SystemTime::now()).map_err(io::Error::other)?;
        let mut config = Config::new(Arc::new(certificate));
        config.retransmission = RETRANSMISSION;
        let mut association = Self {
            socket,
            endpoint: Endpoint::with_server(Instant::now(), &config),
            alarm: Alarm::default(),
            input: BytesMut::new(),
            block: BytesMut::new(),
            output: BytesMut::new(),
        };
        poll_fn(|context| association.poll_handshake(context, &verifier, &name)).await?;
        Ok(association)
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
            ready!(self.poll_own(context))?;
            match self.endpoint.state() {
                DtlsState::Connecting => ready!(self.poll_read(context))?,
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
            ready!(self.poll_own(context))?;
            // What was sent found nobody: TURN has its own means to find out, and anybody may say so.
            if let Err(error) = ready!(self.poll_read(context)) {
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
            ready!(self.poll_send(context));
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
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_send(context));
            if self.endpoint.poll_transmit(&mut self.output).is_some() {
                continue;
            }
            if !self.alarm.set(context, self.endpoint.poll_timeout()) {
                return Poll::Ready(Ok(()));
            }
            self.endpoint.handle_timeout(Instant::now());
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.output.is_empty() {
            if let Err(error) = ready!(self.socket.poll_send(context, &self.output)) {
                // No route, or it is too large for the path: lost, as any datagram may be.
                tracing::debug!(%error, "send");
            }
            self.output.clear();
        }
        Poll::Ready(())
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
