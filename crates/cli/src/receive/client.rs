//! One client: its connection, its tracks decoded and kept, its signalling, until one of them ends and takes the others
//! along.

use std::net::SocketAddr;

use peerless::{Configuration, Direction, Event, Events, Format, MediaKind, PeerConnection, RemoteTrack};
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Channel, Exchange, Role};

use crate::args::receive::{Audio, ReceiveArgs, Video};
use crate::receive::recording::Recording;
use crate::receive::stage::{Play, Stage};
use crate::service::client::{Desk, PATIENCE, give_up, signal, watch};
use crate::service::connections::Connections;

/// Serves one client from its first message to its last.
pub async fn serve(
    mut socket: ServerSocket,
    role: Role,
    from: SocketAddr,
    (args, connections): (&ReceiveArgs, &Connections),
    (stage, desk): (Stage, Desk),
) {
    desk.say(&format!("client connected from {from}"));
    let connection = match prepare(args, connections, role) {
        Ok(connection) => connection,
        Err(error) => {
            desk.say(&format!("no connection could be made: {error}"));
            return socket.close().await;
        }
    };
    desk.guest.brings(&connection);
    let (said, tracks) = (connection.events(), connection.events());
    let exchange = Exchange::new(socket, connection.clone(), role);
    tokio::join!(
        signal(exchange, &connection, &desk),
        watch(said, &connection, &desk),
        give_up(&connection, &desk, PATIENCE),
        receive(tracks, &connection, args, &stage, &desk),
    );
    connection.closed().await;
    desk.say("client gone");
}

/// Where we offer, we offer to receive; where the client does, its tracks make the sections.
fn prepare(
    args: &ReceiveArgs,
    connections: &Connections,
    role: Role,
) -> Result<PeerConnection, peerless::Error> {
    let connection = connections.open(|configuration| choose_codecs(configuration, args))?;
    if role == Role::Offer {
        if args.audio != Audio::None {
            connection.add_transceiver(MediaKind::Audio, Direction::RecvOnly)?;
        }
        if args.video != Video::None {
            connection.add_transceiver(MediaKind::Video, Direction::RecvOnly)?;
        }
    }
    Ok(connection)
}

fn choose_codecs(configuration: &mut Configuration, args: &ReceiveArgs) {
    let (video, audio) = (args.video, args.audio);
    configuration.codecs.retain(|codec| match codec.format {
        Format::Vp8 => matches!(video, Video::Any | Video::Vp8),
        Format::H264 { .. } => matches!(video, Video::Any | Video::H264),
        Format::Opus => matches!(audio, Audio::Any | Audio::Opus),
        Format::Pcmu => matches!(audio, Audio::Any | Audio::Pcmu),
        Format::Pcma => matches!(audio, Audio::Any | Audio::Pcma),
        Format::G722 => matches!(audio, Audio::Any | Audio::G722),
        _ => audio == Audio::Any,
    });
}

/// Decodes and keeps every track, until the connection has closed.
async fn receive(
    mut events: Events,
    connection: &PeerConnection,
    args: &ReceiveArgs,
    stage: &Stage,
    desk: &Desk,
) {
    let number = desk.guest.number();
    let mut recording = args.record.as_deref().and_then(|folder| {
        let begun = Recording::begin(folder, number);
        begun.map_err(|error| desk.say(&format!("not kept: {error}"))).ok()
    });
    while let Some(event) = events.next().await {
        if let Event::Track(track) = event {
            show(track, connection, stage, desk, recording.as_mut());
        }
    }
    if let Some(recording) = recording {
        recording.finish().await.iter().for_each(|line| desk.say(line));
    }
    stage.leave(number).await;
}

fn show(
    track: RemoteTrack,
    connection: &PeerConnection,
    stage: &Stage,
    desk: &Desk,
    recording: Option<&mut Recording>,
) {
    let (id, kind) = (track.transceiver(), track.kind().as_str());
    desk.say(&format!("{kind} track"));
    // Before the play, so that neither misses the first frame.
    if let Some(recording) = recording {
        recording.keep(&track);
    }
    match Play::new(track) {
        Ok(play) => stage.show(desk.guest.number(), connection, id, play),
        Err(error) => desk.say(&format!("{kind} is not shown: {error}")),
    }
}
