//! The demo as a whole: one port for page and signalling, and a status line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use peerless_signal::websocket::{self, RoleQuery};
use tokio::time::MissedTickBehavior;

use crate::args::demo::{Audio, DemoArgs, Video};
use crate::args::values::word;
use crate::console::Console;
use crate::demo::client;
use crate::demo::status::{self, Counts};
use crate::page;
use crate::service::census::Census;
use crate::service::client::Desk;
use crate::service::connections::Connections;
use crate::service::port::{Error, Port};

/// Runs the demo until a signal ends it.
pub async fn run(args: DemoArgs, console: Console) -> Result<(), Error> {
    let port = Port::open(args.listen).await?;
    let connections = Connections::new(&args.network, &args.media)?;
    greet(&console, &args, port.address());
    connections.line().iter().for_each(|line| console.line(line));
    let census = Census::new(GUEST_LIMIT);
    let demo = Demo { args: Arc::new(args), connections, console: console.clone(), census: census.clone() };
    let router = page::routes(page::DEMO).route("/ws", any(meet)).with_state(demo);
    port.serve(router, &console, &census, keep_status(&console, &census)).await
}

/// What a request needs.
#[derive(Clone)]
struct Demo {
    args: Arc<DemoArgs>,
    connections: Connections,
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
        client::serve(socket, query.role(), from, (&*demo.args, &demo.connections), desk).await;
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
        let (counts, now) = (counts(census), Instant::now());
        let line = status::line(&before, &counts, now - then);
        if console.is_live() {
            console.status(&line);
        } else if !counts.is_empty() {
            console.line(&line);
        }
        (before, then) = (counts, now);
    }
}

fn counts(census: &Census) -> BTreeMap<u64, Counts> {
    census.connections().iter().map(|(number, one)| (*number, Counts::of(&one.stats()))).collect()
}

/// More clients at once are turned away: each has encoders of its own.
const GUEST_LIMIT: usize = 100;
