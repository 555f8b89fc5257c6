//! One client: its connection, its picture and sound, its signalling, until one of them ends and takes the others along.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use peerless::{Configuration, Direction, Format, LocalTrack, MediaKind, PeerConnection};
use peerless_media::pump::{Pump, PumpStats};
use peerless_media::source::pattern::{PatternError, TestPattern};
use peerless_media::source::sounds::SoundKind;
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Channel, Exchange, Role};

use crate::args::demo::{Audio, DemoArgs, Sound, Video};
use crate::service::client::{Desk, PATIENCE, give_up, signal, watch};
use crate::service::connections::Connections;

/// Serves one client from its first message to its last.
pub async fn serve(
    mut socket: ServerSocket,
    role: Role,
    from: SocketAddr,
    (args, connections): (&DemoArgs, &Connections),
    desk: Desk,
) {
    let who = match role {
        Role::Offer => "we offer",
        Role::Answer => "the client offers",
    };
    desk.say(&format!("client connected from {from}, {who}"));
    let (connection, pumps) = match prepare(args, connections) {
        Ok(prepared) => prepared,
        Err(error) => {
            desk.say(&format!("no connection could be made: {error}"));
            return socket.close().await;
        }
    };
    desk.guest.brings(&connection);
    let events = connection.events();
    let exchange = Exchange::new(socket, connection.clone(), role);
    tokio::join!(
        signal(exchange, &connection, &desk),
        watch(events, &connection, &desk),
        give_up(&connection, &desk, PATIENCE),
        mind(&pumps, &connection, &desk),
    );
    connection.closed().await;
    // Waits for their threads, which end with their tracks.
    let _ = tokio::task::spawn_blocking(move || drop(pumps)).await;
    desk.say("client gone");
}

fn prepare(args: &DemoArgs, connections: &Connections) -> Result<(PeerConnection, Vec<Pump>), Error> {
    let connection = connections.open(|configuration| choose_codecs(configuration, args))?;
    let track = |kind, id: &str| -> Result<LocalTrack, Error> {
        let track = LocalTrack::new(kind, id, "peerless");
        connection.add_track(&track)?.set_direction(Direction::SendOnly)?;
        Ok(track)
    };
    let mut pumps = Vec::new();
    // Sound first: it is the section that every browser takes, and the first carries the transport.
    if args.audio != Audio::None {
        pumps.push(Pump::audio(track(MediaKind::Audio, "sound")?, sound(args.sound).source())?);
    }
    if args.video != Video::None {
        let pattern = TestPattern::new(args.size.width, args.size.height, args.fps)?;
        pumps.push(Pump::video(track(MediaKind::Video, "picture")?, pattern, args.fps, args.bitrate.0)?);
    }
    Ok((connection, pumps))
}

/// Why a client could not be served.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Connection(#[from] peerless::Error),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("no thread for an encoder: {0}")]
    Thread(#[from] io::Error),
}

fn sound(sound: Sound) -> SoundKind {
    match sound {
        Sound::Music => SoundKind::Music,
        Sound::Silence => SoundKind::Silence,
        Sound::WhiteNoise => SoundKind::WhiteNoise,
        Sound::PinkNoise => SoundKind::PinkNoise,
        Sound::Sine => SoundKind::Sine,
    }
}

fn choose_codecs(configuration: &mut Configuration, args: &DemoArgs) {
    configuration.codecs.retain(|codec| match codec.format {
        Format::Vp8 => args.video == Video::Vp8,
        Format::H264 { .. } => args.video == Video::H264,
        Format::Opus => args.audio == Audio::Opus,
        Format::Pcmu => args.audio == Audio::Pcmu,
        Format::Pcma => args.audio == Audio::Pcma,
        Format::G722 => args.audio == Audio::G722,
        _ => false,
    });
}

/// Tells what keeps a picture or sound from going out, until the connection is closed.
async fn mind(pumps: &[Pump], connection: &PeerConnection, desk: &Desk) {
    let mut before = vec![PumpStats::default(); pumps.len()];
    let mut looks = tokio::time::interval(Duration::from_millis(500));
    let mut closed = std::pin::pin!(connection.closed());
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = &mut closed => return,
        }
        for (pump, before) in pumps.iter().zip(&mut before) {
            let now = pump.stats();
            if let Some(problem) = now.problem.as_deref().filter(|_| now.problem != before.problem) {
                desk.say(&format!("encoder: {problem}"));
            }
            if before.refused < REFUSALS_SAID && now.refused >= REFUSALS_SAID && now.frames == 0 {
                desk.say("encoder: its frames are refused, too large for a packet or of another codec");
            }
            *before = now;
        }
    }
}

/// How many frames in a row must be refused before it is told: the first ones may be, while the connection comes up.
const REFUSALS_SAID: u64 = 25;
