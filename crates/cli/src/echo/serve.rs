//! The echo as a whole: one port for offers and the page, and a status line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, State};
use axum::routing::post;
use peerless_signal::http::{Answer, Offer, Refusal};
use tokio::time::MissedTickBehavior;

use crate::args::echo::EchoArgs;
use crate::console::Console;
use crate::echo::client;
use crate::echo::counters::{self, Counters};
use crate::page;
use crate::service::census::Census;
use crate::service::client::Desk;
use crate::service::connections::Connections;
use crate::service::port::{Error, Port};

/// Runs the echo until a signal ends it.
pub async fn run(args: EchoArgs, console: Console) -> Result<(), Error> {
    let port = Port::open(args.listen).await?;
    let connections = Connections::new(&args.network, &args.media)?;
    let address = port.address();
    console.line(&format!(
        "offers go to http://{address}/offer, or open http://{address} in a browser; Ctrl-C ends it"
    ));
    connections.line().iter().for_each(|line| console.line(line));
    let census = Census::new(usize::from(args.limit));
    let echo =
        Echo { connections, console: console.clone(), census: census.clone(), counters: Arc::default() };
    let status = keep_status(&console, &census, echo.counters.clone());
    let router = page::routes(page::ECHO).route("/offer", post(take)).with_state(echo);
    port.serve(router, &console, &census, status).await
}

/// What a request needs.
#[derive(Clone)]
struct Echo {
    connections: Connections,
    console: Console,
    census: Census,
    counters: Arc<Counters>,
}

/// `POST /offer`: one more client.
async fn take(
    State(echo): State<Echo>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    offer: Result<Offer, Refusal>,
) -> Result<Answer, Refusal> {
    let answering = async {
        let offer = offer?.0;
        let guest = echo.census.admit().ok_or(Refusal::Full)?;
        let desk = Desk { console: echo.console.clone(), guest };
        client::answer(offer, from, &echo.connections, desk, echo.counters.clone()).await
    };
    let answered = answering.await;
    if let Err(refusal) = &answered {
        let plain: String = refusal.to_string().chars().filter(|c| !c.is_control()).take(160).collect();
        echo.console.line(&format!("{from} was turned away: {plain}"));
    }
    answered.map(Answer)
}

/// Draws the status line each second; where that is not possible, writes it now and then while something comes back.
async fn keep_status(console: &Console, census: &Census, counters: Arc<Counters>) {
    let every = if console.is_live() { Duration::from_secs(1) } else { Duration::from_secs(5) };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut then) = (counters.counts(), Instant::now());
    loop {
        ticks.tick().await;
        let (counts, now) = (counters.counts(), Instant::now());
        let line = counters::line(census.connections().len(), before, counts, now - then);
        if console.is_live() {
            console.status(&line);
        } else if counts != before {
            console.line(&line);
        }
        (before, then) = (counts, now);
    }
}
