//! One client of the echo: an answer to its offer, and then all back that it sends, until it leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use peerless::{DataChannel, Event, Events, LocalTrack, PeerConnection, RemoteTrack, SessionDescription};
use peerless_signal::http::{self, Refusal};
use tokio::task::{JoinError, JoinSet};

use crate::echo::channel;
use crate::echo::counters::Counters;
use crate::echo::media;
use crate::service::client::{Desk, give_up, watch};
use crate::service::connections::Connections;

/// Answers an offer; from then on the client is served by a task of its own.
pub async fn answer(
    offer: SessionDescription,
    from: SocketAddr,
    connections: &Connections,
    desk: Desk,
    counters: Arc<Counters>,
) -> Result<SessionDescription, Refusal> {
    desk.say(&format!("offer from {from}"));
    let ours = |error: peerless::Error| Refusal::NoAnswer(error.to_string());
    let connection = connections.open(|_| {}).map_err(ours)?;
    let (said, channels) = (connection.events(), connection.events());
    connection.set_remote_description(offer).map_err(Refusal::Offer)?;
    let pairs = pair_tracks(&connection).map_err(ours)?;
    connection.set_local_description(None).map_err(ours)?;
    let answer = http::gathered(&connection, GATHERING_LIMIT).await;
    let answer = answer.ok_or_else(|| Refusal::NoAnswer("the echo is closing".to_owned()))?;
    desk.guest.brings(&connection);
    tokio::spawn(async move {
        tokio::join!(
            watch(said, &connection, &desk),
            give_up(&connection, &desk, CONNECTING_LIMIT),
            send_back(pairs, channels, &desk, &counters),
        );
        connection.closed().await;
        desk.say("client gone");
    });
    Ok(answer)
}

/// A track of ours for each that the client sends. Where the client takes none back, ours stays silent.
fn pair_tracks(connection: &PeerConnection) -> Result<Vec<(RemoteTrack, LocalTrack)>, peerless::Error> {
    let transceivers = connection.transceivers();
    let sent = transceivers.iter().filter_map(|transceiver| transceiver.remote_track());
    sent.enumerate()
        .map(|(number, from)| {
            let to = LocalTrack::new(from.kind(), format!("echo-{number}"), "echo");
            connection.add_track(&to)?;
            Ok((from, to))
        })
        .collect()
}

/// Sends back media and messages until the connection has closed.
async fn send_back(
    pairs: Vec<(RemoteTrack, LocalTrack)>,
    mut events: Events,
    desk: &Desk,
    counters: &Arc<Counters>,
) {
    let mut tasks = JoinSet::new();
    for (from, to) in pairs {
        tasks.spawn(send_back_media(from, to, counters.clone()));
    }
    let mut said = 0;
    loop {
        let ended = tokio::select! {
            event = events.next() => match event {
                Some(Event::DataChannel(channel)) if tasks.len() < CHANNELS_LIMIT => {
                    tasks.spawn(send_back_messages(channel, counters.clone()));
                    continue;
                }
                Some(Event::DataChannel(channel)) => {
                    channel.close();
                    continue;
                }
                Some(_) => continue,
                None => break,
            },
            Some(ended) = tasks.join_next() => ended,
        };
        say(desk, ended, &mut said);
    }
    while let Some(ended) = tasks.join_next().await {
        say(desk, ended, &mut said);
    }
}

async fn send_back_media(from: RemoteTrack, to: LocalTrack, counters: Arc<Counters>) -> String {
    let kind = from.kind().as_str();
    let outcome = media::send_back(from, to, &counters).await;
    match outcome.reason {
        Some(reason) if outcome.refused > outcome.sent => {
            format!("{kind}: {} frames back, {} not: {reason}", outcome.sent, outcome.refused)
        }
        _ => format!("{kind}: {} frames back", outcome.sent),
    }
}

async fn send_back_messages(channel: DataChannel, counters: Arc<Counters>) -> String {
    let label: String = channel.label().chars().filter(|c| !c.is_control()).take(40).collect();
    let sent = channel::send_back(channel, &counters).await;
    format!("channel {label:?}: {sent} messages back")
}

/// Tells how a track or a channel ended; not of every one, where there are very many.
fn say(desk: &Desk, ended: Result<String, JoinError>, said: &mut usize) {
    *said += 1;
    match ended {
        Ok(line) if *said < LINES_SAID => desk.say(&line),
        Ok(_) if *said == LINES_SAID => desk.say("more of this is not shown"),
        Ok(_) => {}
        Err(error) => tracing::error!("a task of the echo: {error}"),
    }
}

/// How many channels of a client may be open at once; a further one is closed.
const CHANNELS_LIMIT: usize = 1_000;

/// How many ends of tracks and channels of one client are told.
const LINES_SAID: usize = 20;

/// How long an answer may wait for candidates.
const GATHERING_LIMIT: Duration = Duration::from_secs(5);

/// How long a client may take until it is connected.
const CONNECTING_LIMIT: Duration = Duration::from_secs(30);
