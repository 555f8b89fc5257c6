//! The demo as a whole: one port for page and signalling, a status line, and a clean end at Ctrl-C.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use peerless_signal::websocket::{self, RoleQuery};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::args::{Audio, DemoArgs, Video, word};
use crate::console::Console;
use crate::demo::census::Census;
use crate::demo::client::{self, Desk};
use crate::demo::status;
use crate::page;

/// Why the demo could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or not for us.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen { address: SocketAddr, source: io::Error },
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the demo until a signal ends it.
pub async fn run(args: DemoArgs, console: Console) -> Result<(), Error> {
    let address = args.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let mut end = End::new()?;
    greet(&console, &args, listener.local_addr()?);
    let census = Census::default();
    let demo = Demo { args: Arc::new(args), console: console.clone(), census: census.clone() };
    let router = page::routes().route("/ws", any(meet)).with_state(demo);
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    tokio::select! {
        served = server => served?,
        () = keep_status(&console, &census) => {}
        () = end.wait() => {}
    }
    console.status("");
    console.line("closing");
    census.close();
    tokio::select! {
        _ = tokio::time::timeout(GOODBYE_LIMIT, census.emptied()) => {}
        () = end.wait() => {}
    }
    Ok(())
}

/// What a request needs.
#[derive(Clone)]
struct Demo {
    args: Arc<DemoArgs>,
    console: Console,
    census: Census,
}

/// `/ws`: one more client.
async fn meet(
    State(demo): State<Demo>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Query(query): Query<RoleQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(guest) = demo.census.admit() else {
        demo.console.line(&format!("a client from {from} was turned away: too many are here"));
        return (StatusCode::SERVICE_UNAVAILABLE, "too many clients\n").into_response();
    };
    let desk = Desk { console: demo.console, guest };
    websocket::accept(upgrade, move |socket| async move {
        client::serve(socket, query.role(), from, &demo.args, desk).await;
    })
}

fn greet(console: &Console, args: &DemoArgs, address: SocketAddr) {
    let mut sent = Vec::new();
    if args.video != Video::None {
        let (width, height) = (args.size.width, args.size.height);
        let (codec, rate) = (word(&args.video), args.bitrate.0 / 1000);
        sent.push(format!("picture: {width}x{height}, {} fps, {codec}, {rate} kbit/s", args.fps));
    }
    if args.audio != Audio::None {
        sent.push(format!("sound: {}, {}", word(&args.sound), word(&args.audio)));
    }
    console.line(&format!("open http://{address} in a browser; Ctrl-C ends it"));
    console.line(&sent.join("; "));
}

/// Draws the status line each second; where that is not possible, writes it every few seconds while clients are here.
async fn keep_status(console: &Console, census: &Census) {
    let every = if console.is_live() { Duration::from_secs(1) } else { Duration::from_secs(5) };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut then) = (BTreeMap::new(), Instant::now());
    loop {
        ticks.tick().await;
        let (counts, now) = (census.counts(), Instant::now());
        let line = status::line(&before, &counts, now - then);
        if console.is_live() {
            console.status(&line);
        } else if !counts.is_empty() {
            console.line(&line);
        }
        (before, then) = (counts, now);
    }
}

/// The signals that end the demo.
struct End {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl End {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// How long clients may take to leave after Ctrl-C; a second Ctrl-C does not wait.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);
