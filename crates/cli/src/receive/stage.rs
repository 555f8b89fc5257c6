//! Who sends us what at this moment: the plays of all clients, for the status and for snapshots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use peerless::{MediaKind, PeerConnection, RemoteTrack, TransceiverId};
use peerless_media::play::{AudioPlay, DecodedPicture, PlayError, VideoPlay};

use crate::receive::reading::Reading;

/// All plays.
#[derive(Clone, Default)]
pub struct Stage {
    clients: Arc<Mutex<BTreeMap<u64, Client>>>,
}

struct Client {
    connection: PeerConnection,
    plays: BTreeMap<TransceiverId, Arc<Play>>,
}

/// One track, decoded.
pub enum Play {
    Video(VideoPlay),
    Audio(AudioPlay),
}

impl Play {
    /// Decodes what the track brings from now on.
    pub fn new(track: RemoteTrack) -> Result<Self, PlayError> {
        match track.kind() {
            MediaKind::Video => VideoPlay::new(track).map(Self::Video),
            MediaKind::Audio => AudioPlay::new(track).map(Self::Audio),
        }
    }
}

impl Stage {
    /// Shows a play of client `number`; what its transceiver brought before is taken away.
    pub fn show(&self, number: u64, connection: &PeerConnection, id: TransceiverId, play: Play) {
        let mut clients = self.lock();
        let client = clients
            .entry(number)
            .or_insert_with(|| Client { connection: connection.clone(), plays: BTreeMap::new() });
        let old = client.plays.insert(id, Arc::new(play));
        drop(clients);
        drop(old);
    }

    /// Client `number` has left. Waits for the threads of its plays.
    pub async fn leave(&self, number: u64) {
        let client = self.lock().remove(&number);
        let _ = tokio::task::spawn_blocking(move || drop(client)).await;
    }

    /// What each track is doing, by client.
    pub fn readings(&self) -> Vec<(u64, Vec<Reading>)> {
        let now = Instant::now();
        let clients: Vec<_> = self
            .lock()
            .iter()
            .map(|(number, client)| (*number, client.connection.clone(), client.plays.clone()))
            .collect();
        let read = |(number, connection, plays): (u64, PeerConnection, BTreeMap<_, Arc<Play>>)| {
            let stats = connection.stats();
            let readings = stats.transceivers.iter().filter_map(|transceiver| {
                let play = plays.get(&transceiver.id)?;
                let inbound = transceiver.inbound.as_ref();
                Some(match &**play {
                    Play::Video(play) => {
                        Reading::video(now, transceiver.id, inbound, &play.stats(), &stats.transport)
                    }
                    Play::Audio(play) => {
                        Reading::audio(now, transceiver.id, inbound, &play.stats(), &stats.transport)
                    }
                })
            });
            (number, readings.collect())
        };
        clients.into_iter().map(read).collect()
    }

    /// The newest picture of client `number`, or of the one who came last and has one; with its client.
    pub fn picture(&self, number: Option<u64>) -> Option<(u64, Arc<DecodedPicture>)> {
        let clients = self.lock();
        let picture = |client: &Client| {
            client.plays.values().find_map(|play| match &**play {
                Play::Video(play) => play.latest(),
                Play::Audio(_) => None,
            })
        };
        match number {
            Some(number) => Some((number, picture(clients.get(&number)?)?)),
            None => clients.iter().rev().find_map(|(number, client)| Some((*number, picture(client)?))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
