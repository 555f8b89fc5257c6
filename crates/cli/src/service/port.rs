//! The port of a command: a page and signalling for whoever comes, a status below the lines, and a clean end at Ctrl-C.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::console::Console;
use crate::service::census::Census;
use crate::service::end::End;

/// Why a command could not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or not for us.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen { address: SocketAddr, source: io::Error },
    /// The port of all media is taken, or the connections cannot be like that.
    #[error("no connections can be made: {0}")]
    Connections(#[from] peerless::Error),
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A port that is ours.
pub struct Port {
    listener: TcpListener,
    end: End,
    address: SocketAddr,
}

impl Port {
    /// Takes the port.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        let address = listener.local_addr()?;
        Ok(Self { listener, end: End::new()?, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until a signal, or the end of `beside`, which runs beside it; then sends everyone away.
    pub async fn serve(
        mut self,
        router: Router,
        console: &Console,
        census: &Census,
        beside: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let server = axum::serve(self.listener, router.into_make_service_with_connect_info::<SocketAddr>());
        tokio::select! {
            served = server => served?,
            () = beside => {}
            () = self.end.wait() => {}
        }
        console.status("");
        console.line("closing");
        census.close();
        tokio::select! {
            _ = tokio::time::timeout(GOODBYE_LIMIT, census.emptied()) => {}
            () = self.end.wait() => {}
        }
        Ok(())
    }
}

/// How long clients may take to leave after Ctrl-C; a second Ctrl-C does not wait.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);
