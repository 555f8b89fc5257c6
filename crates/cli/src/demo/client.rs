//! One client: its connection, its picture and sound, its signalling, until one of them ends and takes the others along.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use peerless::{
    Configuration, ConnectionState, Direction, DtlsState, DtlsVersions, Event, Events, Format, IceServer,
    LocalTrack, MediaKind, PeerConnection,
};
use peerless_media::pump::{Pump, PumpStats};
use peerless_media::source::pattern::{PatternError, TestPattern};
use peerless_media::source::sounds::SoundKind;
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Channel, Exchange, Role, Step};

use crate::args::{Audio, DemoArgs, Dtls, Sound, Video};
use crate::console::Console;
use crate::demo::census::Guest;
use crate::demo::words;

/// Serves one client from its first message to its last.
pub async fn serve(mut socket: ServerSocket, role: Role, from: SocketAddr, args: &DemoArgs, desk: Desk) {
    let who = match role {
        Role::Offer => "we offer",
        Role::Answer => "the client offers",
    };
    desk.say(&format!("client connected from {from}, {who}"));
    let (connection, pumps) = match prepare(args) {
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
        give_up(&connection, &desk),
        mind(&pumps, &connection, &desk),
    );
    connection.closed().await;
    // Waits for their threads, which end with their tracks.
    let _ = tokio::task::spawn_blocking(move || drop(pumps)).await;
    desk.say("client gone");
}

/// Where a client's lines go, under its number.
pub struct Desk {
    pub console: Console,
    pub guest: Guest,
}

impl Desk {
    fn say(&self, text: &str) {
        self.console.line(&format!("#{} {text}", self.guest.number()));
    }
}

fn prepare(args: &DemoArgs) -> Result<(PeerConnection, Vec<Pump>), Error> {
    let connection = PeerConnection::new(configuration(args))?;
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

fn configuration(args: &DemoArgs) -> Configuration {
    let mut configuration = Configuration::default();
    configuration.codecs.retain(|codec| match codec.format {
        Format::Vp8 => args.video == Video::Vp8,
        Format::H264 { .. } => args.video == Video::H264,
        Format::Opus => args.audio == Audio::Opus,
        Format::Pcmu => args.audio == Audio::Pcmu,
        Format::Pcma => args.audio == Audio::Pcma,
        Format::G722 => args.audio == Audio::G722,
        _ => false,
    });
    configuration.ice_servers = args.stun.iter().map(IceServer::new).collect();
    configuration.interfaces = (!args.interface.is_empty()).then(|| args.interface.clone());
    configuration.dtls = match args.dtls {
        Dtls::Any => DtlsVersions::Any,
        Dtls::V12 => DtlsVersions::Only12,
        Dtls::V13 => DtlsVersions::Only13,
    };
    configuration
}

/// Carries the signalling; when the socket ends the connection ends.
async fn signal(mut exchange: Exchange<ServerSocket>, connection: &PeerConnection, desk: &Desk) {
    let mut rejected = 0;
    while let Some(step) = exchange.next().await {
        if let Step::Rejected(rejection) = &step {
            rejected += 1;
            if rejected <= REJECTIONS_SAID {
                desk.say(&words::rejection(rejection));
            }
            if rejected == REJECTIONS_SAID {
                desk.say("signalling: more of this is not shown");
            }
        }
        if let Some(text) = words::step(&step) {
            desk.say(&text);
        }
        if let Step::Ended(_) = step {
            connection.close();
        }
    }
}

/// Tells what happens to the connection; when it fails, or the other side closes it, it is closed here as well.
async fn watch(mut events: Events, connection: &PeerConnection, desk: &Desk) {
    let kind_of = |id| connection.transceivers().into_iter().find(|one| one.id() == id)?.kind();
    let mut over = false;
    while let Some(event) = events.next().await {
        // That nothing is sent any more goes without saying then.
        if !(over && matches!(event, Event::Negotiated { .. })) {
            words::event(&event, kind_of).iter().for_each(|text| desk.say(text));
        }
        if is_last(&event) {
            over = true;
            connection.close();
        }
    }
}

/// Whether nothing can follow: the connection failed, or the other side said goodbye.
fn is_last(event: &Event) -> bool {
    matches!(
        event,
        Event::ConnectionState(ConnectionState::Failed | ConnectionState::Closed)
            | Event::DtlsState(DtlsState::Closed | DtlsState::Failed)
    )
}

/// Closes a connection that does not come up.
async fn give_up(connection: &PeerConnection, desk: &Desk) {
    let mut events = connection.events();
    let coming_up = async {
        let connected = || connection.connection_state() == ConnectionState::Connected;
        while !connected() && events.next().await.is_some() {}
    };
    if tokio::time::timeout(PATIENCE, coming_up).await.is_err() {
        desk.say(&format!("not connected after {} s", PATIENCE.as_secs()));
        connection.close();
    }
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

/// How many refused messages of one client are told.
const REJECTIONS_SAID: usize = 5;

/// How many frames in a row must be refused before it is told: the first ones may be, while the connection comes up.
const REFUSALS_SAID: u64 = 25;

/// How long a client may take until it is connected.
const PATIENCE: Duration = Duration::from_secs(60);
