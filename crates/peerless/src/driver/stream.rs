//! One stream: a connection of TCP or TLS that carries datagrams, framed, or of DTLS that carries them as they are. It is opened in the background; what is sent
//! meanwhile waits, bounded.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Datagram, Protocol, StreamId, Transmit};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::driver::dtls::Association;
use crate::driver::framing::Framing;
use crate::driver::tls;
use crate::driver::witness::fault;

/// How much waits to be written at most, bytes; what comes beyond that is lost. Above what one turn of the driver sends.
const OUTPUT_LIMIT: usize = 128 * 1024;
/// What the kernel takes of it that it cannot send yet, bytes: what waits there is late, and nothing can overtake it.
const UNSENT: u32 = 64 * 1024;
/// What arrives is put into blocks of this size, which are freed when their last datagram is.
const BLOCK: usize = 32 * 1024;
/// The least room for which a read is worth while, bytes.
const LEAST_ROOM: usize = 2 * 1024;
/// What one that was accepted may send before it has shown whose it is, bytes: a few checks.
const STRANGER_LIMIT: usize = 4 * 1024;
/// How long a connection may take to stand: as long as a check waits for its answer (RFC 8489 §6.2.2).
const PATIENCE: Duration = Duration::from_millis(39_500);

/// How often one is opened from the port that was told: the other side may not have opened its own way yet, or may have been
/// quicker, and then its connection is there to be accepted.
const SIMULTANEOUS_TRIES: u32 = 10;
/// The time between two of these.
const SIMULTANEOUS_PAUSE: Duration = Duration::from_millis(200);

/// One stream.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// Whose it is.
    pub(crate) transport: TransportId,
    framing: Framing,
    pipe: Pipe,
    input: BytesMut,
    output: BytesMut,
    /// What was written may still wait within TLS.
    is_unflushed: bool,
    /// Accepted, and not known to be of the remote: until when it has to show that.
    pub(crate) stranger_until: Option<Instant>,
    /// What a stranger has sent, bytes.
    read: usize,
    /// It is to end when all has left, or then at the latest.
    pub(crate) closes_at: Option<Instant>,
}

/// The connection.
enum Pipe {
    Opening(Opening),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Dtls(Box<Association>),
}

type Opening = Pin<Box<dyn Future<Output = io::Result<Pipe>> + Send>>;

/// Runs one operation on a connection of TCP or TLS, once.
macro_rules! attempt {
    ($pipe:expr, $context:expr, $stream:ident => $operation:expr) => {
        match $pipe {
            Pipe::Opening(_) | Pipe::Dtls(_) => Poll::Pending,
            Pipe::Tcp($stream) => pin!($operation).poll($context),
            Pipe::Tls($stream) => pin!($operation).poll($context),
        }
    };
}

impl Stream {
    /// Opens one, to the server of this name with TLS or DTLS; from the port of its base where it shall keep that.
    pub(crate) fn open(
        id: StreamId,
        transport: TransportId,
        framing: Framing,
        server: Option<(String, Arc<Vec<CertificateDer<'static>>>)>,
        keeps_port: bool,
    ) -> Self {
        let opening = async move {
            Ok(match server {
                Some((host, roots)) if id.protocol == Protocol::Dtls => {
                    Pipe::Dtls(Box::new(Association::open(id, host, roots).await?))
                }
                Some((host, roots)) => {
                    let stream = connect(id, keeps_port).await?;
                    Pipe::Tls(Box::new(tls::connect(stream, host, roots).await?))
                }
                None => Pipe::Tcp(connect(id, keeps_port).await?),
            })
        };
        let opening = async move {
            let timeout = tokio::time::timeout(PATIENCE, opening);
            timeout.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        Self::new(id, transport, framing, Pipe::Opening(Box::pin(opening)))
    }

    /// One that was accepted, to show by `until` whose it is.
    pub(crate) fn accepted(
        id: StreamId,
        transport: TransportId,
        stream: TcpStream,
        until: Instant,
    ) -> io::Result<Self> {
        tune(&stream)?;
        let accepted = Self::new(id, transport, Framing::Length, Pipe::Tcp(stream));
        Ok(Self { stranger_until: Some(until), ..accepted })
    }

    fn new(id: StreamId, transport: TransportId, framing: Framing, pipe: Pipe) -> Self {
        Self {
            id,
            transport,
            framing,
            pipe,
            input: BytesMut::new(),
            output: BytesMut::new(),
            is_unflushed: false,
            stranger_until: None,
            read: 0,
            closes_at: None,
        }
    }

    /// Whether it is this one and does not stand yet.
    pub(crate) fn is_opening(&self, id: StreamId) -> bool {
        self.id == id && self.closes_at.is_none() && matches!(self.pipe, Pipe::Opening(_))
    }

    /// It stands, by the connection of another that was accepted: what waits goes by that.
    pub(crate) fn stand_for(&mut self, accepted: Self) {
        self.pipe = accepted.pipe;
    }

    /// Goes on opening it: `Ready` once, when it stands.
    pub(crate) fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Pipe::Opening(opening) = &mut self.pipe else { return Poll::Pending };
        self.pipe = ready!(opening.as_mut().poll(context))?;
        Poll::Ready(Ok(()))
    }

    /// Reads until its first datagram is whole, which stays where it is: `Ready` from then on.
    pub(crate) fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.first().is_none() {
            ready!(self.poll_read(context))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Its first datagram, where that is whole and nothing was received yet.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.framing.first(&self.input)
    }

    /// Appends what has arrived to `datagrams`, until there are `budget` of them. `Ready` where there may be more.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        budget: usize,
        datagrams: &mut Vec<Datagram>,
    ) -> Poll<io::Result<()>> {
        if let Pipe::Dtls(association) = &mut self.pipe {
            return association.poll_receive(context, self.id, budget, datagrams);
        }
        loop {
            while let Some(contents) = self.framing.next(&mut self.input).map_err(io::Error::other)? {
                datagrams.push(Datagram {
                    source: self.id.remote,
                    destination: self.id.local,
                    protocol: self.id.protocol,
                    ecn: None,
                    contents,
                });
                if datagrams.len() >= budget {
                    return Poll::Ready(Ok(()));
                }
            }
            ready!(self.poll_read(context))?;
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_stranger = self.stranger_until.is_some();
        if self.input.capacity() - self.input.len() < LEAST_ROOM {
            self.input.reserve(if is_stranger { LEAST_ROOM } else { BLOCK });
        }
        let input = &mut self.input;
        let count = ready!(attempt!(&mut self.pipe, context, stream => stream.read_buf(input)))?;
        if count == 0 {
            let reason = "closed by the other side";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason)));
        }
        self.read = self.read.saturating_add(count);
        if is_stranger && self.read > STRANGER_LIMIT {
            return Poll::Ready(Err(io::Error::other("nobody we know")));
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what `transmit` describes and `bytes` holds. What of it does not fit is lost, each datagram as a whole:
    /// its size, if any.
    pub(crate) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) -> usize {
        let mut lost = 0;
        for datagram in bytes.chunks(transmit.segment_size.unwrap_or(bytes.len()).max(1)) {
            if self.output.len() + Framing::cost(datagram.len()) > OUTPUT_LIMIT {
                lost += datagram.len();
            } else {
                self.framing.write(datagram, &mut self.output);
            }
        }
        lost
    }

    /// Writes what waits. `Pending` where some still does.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Pipe::Dtls(association) = &mut self.pipe {
            return association.poll_flush(context, self.framing, &mut self.output);
        }
        while !self.output.is_empty() {
            let output = &mut self.output;
            let count = ready!(attempt!(&mut self.pipe, context, stream => stream.write_buf(output)))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            ready!(attempt!(&mut self.pipe, context, stream => stream.flush()))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether something waits to be written to a connection that stands.
    pub(crate) fn is_waiting(&self) -> bool {
        let is_open = !matches!(self.pipe, Pipe::Opening(_));
        is_open && (self.is_unflushed || !self.output.is_empty())
    }
}

/// Secrets may wait in its buffers.
impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("id", &self.id).finish_non_exhaustive()
    }
}

async fn connect(id: StreamId, keeps_port: bool) -> io::Result<TcpStream> {
    let mut tries = if keeps_port { SIMULTANEOUS_TRIES } else { 1 };
    loop {
        tries -= 1;
        match try_connect(id, keeps_port).await {
            Err(_) if tries > 0 => tokio::time::sleep(SIMULTANEOUS_PAUSE).await,
            outcome => return outcome,
        }
    }
}

async fn try_connect(id: StreamId, keeps_port: bool) -> io::Result<TcpStream> {
    let socket = match keeps_port {
        true => socket_at(id.local)?,
        false => {
            let socket = socket(id.local)?;
            socket.bind(SocketAddr::new(id.local.ip(), 0))?;
            socket
        }
    };
    let stream = socket.connect(id.remote).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied => io::Error::other(fault(&error)),
        _ => error,
    })?;
    tune(&stream)?;
    Ok(stream)
}

/// A socket of the family of an address.
pub(crate) fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

/// A socket bound to an address that others of ours are bound to as well.
#[cfg(unix)]
pub(crate) fn socket_at(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = socket(address)?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Where the system knows no such thing.
#[cfg(not(unix))]
pub(crate) fn socket_at(_: SocketAddr) -> io::Result<TcpSocket> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What is sent shall leave at once, and what cannot leave shall wait with us, where there is a bound.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)?;
    Ok(())
}
