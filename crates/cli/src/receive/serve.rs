//! Receiving as a whole: one port for the page, its signalling and snapshots; a status line for each track.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use peerless_media::picture::Picture;
use peerless_signal::websocket::{self, RoleQuery};
use serde::Deserialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::args::receive::ReceiveArgs;
use crate::args::values::word;
use crate::console::Console;
use crate::page;
use crate::receive::client;
use crate::receive::reading::{self, Reading};
use crate::receive::stage::Stage;
use crate::service::census::Census;
use crate::service::client::Desk;
use crate::service::connections::Connections;
use crate::service::port::{Error, Port};

/// Runs until a signal or the end of `--for`.
pub async fn run(args: ReceiveArgs, console: Console) -> Result<(), Error> {
    let port = Port::open(args.listen).await?;
    // Before anyone is told of it.
    let wishes = signal(SignalKind::user_defined1())?;
    let connections = Connections::new(&args.network, &args.media)?;
    greet(&console, &args, port.address());
    connections.line().iter().for_each(|line| console.line(line));
    let census = Census::new(GUEST_LIMIT);
    let (stage, args) = (Stage::default(), Arc::new(args));
    let receiver = Receiver {
        args: args.clone(),
        connections,
        console: console.clone(),
        census: census.clone(),
        stage: stage.clone(),
    };
    let router = page::routes(page::RECEIVE)
        .route("/ws", any(meet))
        .route("/snapshot.png", get(take_snapshot))
        .with_state(receiver);
    let beside = async {
        tokio::select! {
            () = keep_status(&console, &stage) => {}
            () = keep_snapshots(wishes, &console, &stage, args.record.as_deref()) => {}
            () = wait(args.duration) => {}
        }
    };
    port.serve(router, &console, &census, beside).await
}

/// What a request needs.
#[derive(Clone)]
struct Receiver {
    args: Arc<ReceiveArgs>,
    connections: Connections,
    console: Console,
    census: Census,
    stage: Stage,
}

/// `/ws`: one more client.
async fn meet(
    State(receiver): State<Receiver>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Query(query): Query<RoleQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(guest) = receiver.census.admit() else {
        receiver.console.line(&format!("a client from {from} was turned away: too many are here"));
        return (StatusCode::SERVICE_UNAVAILABLE, "too many clients\n").into_response();
    };
    let desk = Desk { console: receiver.console, guest };
    websocket::accept(upgrade, move |socket| async move {
        let how = (&*receiver.args, &receiver.connections);
        client::serve(socket, query.role(), from, how, (receiver.stage, desk)).await;
    })
}

/// Whose picture.
#[derive(Deserialize)]
struct SnapshotQuery {
    client: Option<u64>,
}

/// `/snapshot.png`: the newest picture, of `?client=` or of the one who came last.
async fn take_snapshot(State(receiver): State<Receiver>, Query(query): Query<SnapshotQuery>) -> Response {
    let Some((_, picture)) = receiver.stage.picture(query.client) else {
        return (StatusCode::NOT_FOUND, "no picture yet\n").into_response();
    };
    let coded = tokio::task::spawn_blocking(move || png(&picture.picture)).await;
    match coded {
        Ok(Ok(file)) => {
            ([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")], file).into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn png(picture: &Picture) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    picture.write_png(&mut file)?;
    Ok(file)
}

fn greet(console: &Console, args: &ReceiveArgs, address: SocketAddr) {
    console.line(&format!("open http://{address} in a browser; Ctrl-C ends it"));
    let kept =
        args.record.as_ref().map_or_else(String::new, |folder| format!("; kept in {}", folder.display()));
    console.line(&format!("video: {}; audio: {}{kept}", word(&args.video), word(&args.audio)));
    let process = std::process::id();
    console.line(&format!("snapshots: http://{address}/snapshot.png, or kill -USR1 {process} for a file"));
}

/// Draws a status line for each track each second; where that is not possible, writes them every few seconds.
async fn keep_status(console: &Console, stage: &Stage) {
    let every = if console.is_live() { Duration::from_millis(500) } else { Duration::from_secs(5) };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = BTreeMap::<_, Reading>::new();
    loop {
        ticks.tick().await;
        let mut now = BTreeMap::new();
        let mut lines = Vec::new();
        for (client, readings) in stage.readings() {
            for reading in readings {
                let key = (client, reading.id);
                lines.push(format!("#{client} {}", reading::line(before.get(&key), &reading)));
                now.insert(key, reading);
            }
        }
        before = now;
        if console.is_live() {
            console.status(&if lines.is_empty() { "nobody sends".to_owned() } else { lines.join("\n") });
        } else {
            lines.iter().for_each(|line| console.line(line));
        }
    }
}

/// Writes a snapshot into a file at each SIGUSR1.
async fn keep_snapshots(mut wishes: Signal, console: &Console, stage: &Stage, folder: Option<&Path>) {
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    while wishes.recv().await.is_some() {
        let Some((client, picture)) = stage.picture(None) else {
            console.line("no snapshot: no picture yet");
            continue;
        };
        let folder = folder.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let file = png(&picture.picture)?;
            keep(&folder, &format!("client-{client}"), &file)
        });
        match kept.await {
            Ok(Ok(path)) => console.line(&format!("snapshot {}", path.display())),
            Ok(Err(error)) => console.line(&format!("no snapshot: {error}")),
            Err(error) => console.line(&format!("no snapshot: {error}")),
        }
    }
}

/// Writes a file under the first name that is free.
fn keep(folder: &Path, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for number in 1..=SNAPSHOT_LIMIT {
        let path = folder.join(format!("{name}-{number}.png"));
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, contents)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many snapshots there"))
}

async fn wait(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// More clients at once are turned away: each has decoders of its own.
const GUEST_LIMIT: usize = 20;

/// Snapshots of one client in one folder.
const SNAPSHOT_LIMIT: u32 = 100_000;
