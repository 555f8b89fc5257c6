//! A host: a connection of ours in a process of its own, which is told over its standard streams what to do, signals over
//! them, and says there what it was connected by, and when.

use std::time::Instant;

use peerless::{Configuration, DataChannel, DataChannelInit, Event, IceServer, PeerConnection, SelectedPair};
use peerless_signal::{Role, exchange};
use tokio::sync::mpsc;

use crate::pipe::{Pipe, standard_lines, standard_writer};

/// The words that it is run with: its role, the file of the root that vouches for servers, and these as `url|user name|password`.
pub async fn run(words: &[String]) {
    let outgoing = standard_writer();
    let _ = outgoing.send("# hello".to_owned());
    let mut lines = standard_lines();
    // Its street is built meanwhile.
    while lines.recv().await.is_some_and(|line| line != "begin") {}
    let begun = Instant::now();
    let role = if words.first().is_some_and(|word| word == "offer") { Role::Offer } else { Role::Answer };
    let mut configuration = Configuration::default();
    configuration.ice_servers = words.iter().skip(2).map(|word| server(word)).collect();
    configuration.tls_roots = words.get(1).map(|file| std::fs::read(file).unwrap()).into_iter().collect();
    let connection = PeerConnection::new(configuration).unwrap();
    let mut events = connection.events();
    if matches!(role, Role::Offer) {
        let channel = connection.create_data_channel("zoo", DataChannelInit::default()).unwrap();
        tokio::spawn(ask(channel, begun, outgoing.clone()));
    }
    let (signals, incoming) = mpsc::unbounded_channel();
    let pipe = Pipe { incoming, outgoing: outgoing.clone() };
    tokio::spawn(exchange::run(pipe, connection.clone(), role));
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => drop(signals.send(line)),
                None => break,
            },
            event = events.next() => match event {
                Some(Event::SelectedPair(SelectedPair { local_kind, remote_kind, .. })) => {
                    let _ = outgoing.send(format!("# pair {local_kind} {remote_kind}"));
                }
                Some(Event::DataChannel(channel)) => drop(tokio::spawn(answer(channel))),
                Some(Event::IceCandidateError(error)) => {
                    let _ = outgoing.send(format!("# failed {error:?}"));
                }
                Some(Event::IceConnectionState(state)) => {
                    let _ = outgoing.send(format!("# state {state}"));
                }
                None => break,
                _ => {}
            },
        }
    }
    connection.close();
    connection.closed().await;
}

fn server(word: &str) -> IceServer {
    let mut parts = word.split('|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(url), Some(username), Some(credential)) => IceServer::turn(url, username, credential),
        _ => IceServer::new(word),
    }
}

/// Says when the channel was open, and when a message came back.
async fn ask(channel: DataChannel, begun: Instant, outgoing: mpsc::UnboundedSender<String>) {
    channel.opened().await;
    let opened = begun.elapsed();
    if channel.send("there").await.is_ok() && channel.recv().await.is_some() {
        let _ = outgoing.send(format!("# talked {}", opened.as_millis()));
    }
    // The channel closes with its last handle.
    std::future::pending::<()>().await;
}

async fn answer(channel: DataChannel) {
    while let Some(message) = channel.recv().await {
        if channel.send(message).await.is_err() {
            break;
        }
    }
}
