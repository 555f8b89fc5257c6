//! Calling an echo: an offer with all candidates is posted, the answer taken, and the connection waited for.

use std::future::Future;
use std::time::{Duration, Instant};

use peerless::{ConnectionState, DtlsState, Event, Events, PeerConnection};
use peerless_signal::http;
use tokio::task::JoinHandle;

use crate::args::probe::ProbeArgs;
use crate::console::Console;
use crate::probe::report::{ConnectionReport, Failure};
use crate::service::configuration;
use crate::service::words;

/// A call to an echo.
pub struct Call {
    /// The connection: what shall be offered is added to it before [`connect`](Self::connect).
    pub connection: PeerConnection,
    /// When it began.
    pub begun: Instant,
    limit: Duration,
    /// Tells what happens, until the connection's last event.
    teller: Option<JoinHandle<()>>,
}

impl Call {
    /// Prepares a call; with `verbose` it is told to the console.
    pub fn new(args: &ProbeArgs, console: &Console) -> Result<Self, Failure> {
        let begun = Instant::now();
        let connection = PeerConnection::new(configuration::of(&args.network))?;
        let teller = args
            .verbose
            .then(|| tokio::spawn(tell(connection.events(), connection.clone(), console.clone())));
        Ok(Self { connection, begun, limit: args.timeout, teller })
    }

    /// Offers to `url` and waits until DTLS is done and the connection up.
    pub async fn connect(&self, url: &str) -> Result<ConnectionReport, Failure> {
        let until = self.begun + self.limit;
        let mut events = self.connection.events();
        self.connection.set_local_description(None)?;
        let offer = http::gathered(&self.connection, self.limit / 2).await;
        let offer = offer.ok_or_else(|| Failure::Ended("closed".into()))?;
        let left = until.saturating_duration_since(Instant::now());
        let answer = http::post(url, &offer, left.max(Duration::from_millis(1))).await?;
        self.connection.set_remote_description(answer)?;
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, self.connected(&mut events)).await {
            Ok(connected) => connected?,
            Err(_) => {
                let state = self.connection.ice_connection_state();
                return Err(Failure::NotConnected { limit: self.limit, state: format!("ICE {state}") });
            }
        }
        Ok(self.report())
    }

    async fn connected(&self, events: &mut Events) -> Result<(), Failure> {
        while self.connection.connection_state() != ConnectionState::Connected {
            match events.next().await {
                Some(event) => is_end(&event).map_or(Ok(()), |reason| Err(Failure::Ended(reason)))?,
                None => return Err(Failure::Ended("closed".into())),
            }
        }
        Ok(())
    }

    /// Runs one step of a test: it fails when it makes no progress, or the connection ends meanwhile.
    pub async fn step<T>(&self, what: &str, step: impl Future<Output = T>) -> Result<T, Failure> {
        let mut events = self.connection.events();
        let ended = async {
            while let Some(event) = events.next().await {
                if let Some(reason) = is_end(&event) {
                    return reason;
                }
            }
            "closed".to_owned()
        };
        tokio::select! {
            biased;
            value = step => Ok(value),
            reason = ended => Err(Failure::Ended(reason)),
            () = tokio::time::sleep(self.limit) => {
                Err(Failure::Stalled { limit: self.limit, what: what.to_owned() })
            }
        }
    }

    /// The addresses in use. They are settled a moment after the connection is.
    pub fn path(&self) -> Option<String> {
        self.connection.stats().transport.selected_pair.as_ref().map(words::path)
    }

    /// Says goodbye, and waits a moment for it to leave, and until all that happened is told.
    pub async fn end(self) {
        self.connection.close();
        let _ = tokio::time::timeout(GOODBYE_LIMIT, self.connection.closed()).await;
        if let Some(teller) = self.teller {
            let _ = tokio::time::timeout(GOODBYE_LIMIT, teller).await;
        }
    }

    fn report(&self) -> ConnectionReport {
        let connected_ms = self.begun.elapsed().as_secs_f64() * 1e3;
        let transport = self.connection.stats().transport;
        ConnectionReport {
            connected_ms,
            dtls: transport.secured.as_ref().map_or_else(String::new, |secured| secured.version.to_string()),
            cipher: transport.secured.as_ref().map_or_else(String::new, |secured| secured.cipher.to_string()),
            srtp: transport.secured.as_ref().and_then(|secured| secured.srtp_profile).map(str::to_owned),
            path: self.path(),
        }
    }
}

/// Why the connection is of no more use after an event, if so.
fn is_end(event: &Event) -> Option<String> {
    match event {
        Event::ConnectionState(state @ (ConnectionState::Failed | ConnectionState::Closed)) => {
            Some(state.to_string())
        }
        Event::DtlsFailed(failure) => Some(format!("DTLS failed: {failure}")),
        Event::DtlsState(DtlsState::Closed) => Some("closed by the echo".to_owned()),
        _ => None,
    }
}

async fn tell(mut events: Events, connection: PeerConnection, console: Console) {
    let kind_of = |id| connection.transceivers().into_iter().find(|one| one.id() == id)?.kind();
    while let Some(event) = events.next().await {
        words::event(&event, kind_of).iter().for_each(|line| console.line(line));
    }
}

/// How long a goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
