//! Renegotiation while media flows: whatever is added, removed, swapped and turned, what stays loses no frame, breaks
//! none, and no message of its channels is lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use peerless::{
    ConnectionState, DataChannel, DataChannelInit, Direction, Event, Format, Frame, LocalTrack, MediaKind,
    Message, Mid, PeerConnection, RemoteTrack, SignalingState, Transceiver,
};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, timeout};

use crate::stage::{PATIENCE, connection, large_vp8_frame, negotiate, trickle, until_true};

/// Rounds of change, each a negotiation or several.
const ROUNDS: usize = 40;

/// A stream that stays: numbered frames go in at one end and must come out at the other, all and in order.
struct Stay {
    stop: Arc<AtomicBool>,
    received: Arc<AtomicU32>,
    writing: JoinHandle<u32>,
    reading: JoinHandle<()>,
}

fn frame_of(kind: MediaKind, number: u32) -> Frame {
    match kind {
        MediaKind::Video => large_vp8_frame(number, number.is_multiple_of(10), 2000),
        MediaKind::Audio => {
            let payload: Vec<u8> = std::iter::once(0xf8).chain(number.to_be_bytes().repeat(20)).collect();
            Frame::new(Format::Opus, number * 960, true, Bytes::from(payload))
        }
    }
}

impl Stay {
    fn begin(track: LocalTrack, theirs: RemoteTrack) -> Self {
        let (stop, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (over, count) = (stop.clone(), received.clone());
        let kind = track.kind();
        let writing = tokio::spawn(async move {
            track.wait_codec().await.expect("it is sent");
            // Never several at once, however slow the machine: a reader that falls behind loses frames by design.
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                ticks.tick().await;
                track
                    .write(&frame_of(kind, number))
                    .unwrap_or_else(|error| panic!("frame {number}: {error}"));
                number += 1;
            }
            number
        });
        let reading = tokio::spawn(async move {
            let mut base = None;
            while let Some(frame) = theirs.recv().await {
                let expected = frame_of(kind, count.load(Ordering::Relaxed));
                // A sender adds a random number to all timestamps (RFC 3550 §5.1).
                let base = *base.get_or_insert(frame.timestamp);
                assert_eq!(
                    frame.timestamp.wrapping_sub(base),
                    expected.timestamp,
                    "{kind:?}: one was lost, or came twice"
                );
                assert!(frame.payload == expected.payload && frame.lost == 0, "{kind:?}: a broken frame");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { stop, received, writing, reading }
    }

    /// Waits for so many frames more.
    async fn flow(&self, frames: u32) {
        let wanted = self.received.load(Ordering::Relaxed) + frames;
        until_true("frames of what stays", || {
            assert!(!self.reading.is_finished() && !self.writing.is_finished(), "what stays has ended");
            self.received.load(Ordering::Relaxed) >= wanted
        })
        .await;
    }

    /// Ends it and checks that all frames came.
    async fn finish(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.writing.await.unwrap();
        until_true("the last frame", || {
            assert!(!self.reading.is_finished(), "the reader has ended");
            self.received.load(Ordering::Relaxed) == written
        })
        .await;
        written
    }
}

/// Two that trickle, with the tracks that each receives, by their ids.
struct Pair {
    sides: [PeerConnection; 2],
    tracks: [HashMap<String, RemoteTrack>; 2],
    events: [peerless::Events; 2],
    /// How often each offered.
    offers: usize,
}

impl Pair {
    fn new() -> Self {
        let sides = [connection(), connection()];
        trickle(&sides[0], &sides[1]);
        trickle(&sides[1], &sides[0]);
        let events = [sides[0].events(), sides[1].events()];
        Self { sides, tracks: Default::default(), events, offers: 0 }
    }

    fn negotiate(&mut self, offerer: usize) {
        negotiate(&self.sides[offerer], &self.sides[1 - offerer]);
        assert!(self.sides.iter().all(|side| side.signaling_state() == SignalingState::Stable));
        self.offers += 1;
    }

    /// Waits until both can send and receive.
    async fn connect(&self) {
        let connected = |side: &PeerConnection| side.connection_state() == ConnectionState::Connected;
        until_true("both are connected", || self.sides.iter().all(connected)).await;
    }

    /// The track of this id that `side` receives.
    async fn track(&mut self, side: usize, id: &str) -> RemoteTrack {
        let (events, tracks) = (&mut self.events[side], &mut self.tracks[side]);
        let waiting = async {
            while !tracks.contains_key(id) {
                if let Event::Track(track) = events.next().await.expect("it stays open") {
                    tracks.insert(track.id().to_owned(), track);
                }
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{id} never came"));
        tracks[id].clone()
    }

    /// A channel of the first side's that is open, and its other end.
    async fn channel(&mut self, label: &str) -> (DataChannel, DataChannel) {
        let ours = self.sides[0].create_data_channel(label, DataChannelInit::default()).unwrap();
        if self.sides[0].sctp().is_none() {
            self.negotiate(0);
        }
        let events = &mut self.events[1];
        let tracks = &mut self.tracks[1];
        let coming = async {
            loop {
                match events.next().await.expect("it stays open") {
                    Event::DataChannel(channel) if channel.label() == label => return channel,
                    Event::Track(track) => drop(tracks.insert(track.id().to_owned(), track)),
                    _ => {}
                }
            }
        };
        let theirs = timeout(PATIENCE, coming).await.unwrap_or_else(|_| panic!("{label} never came"));
        assert!(timeout(PATIENCE, ours.opened()).await.unwrap());
        (ours, theirs)
    }
}

fn track(kind: MediaKind, id: impl Into<String>) -> LocalTrack {
    LocalTrack::new(kind, id, "stream")
}

/// Numbered messages through a channel that stays.
fn talk((ours, theirs): (DataChannel, DataChannel)) -> (Arc<AtomicBool>, JoinHandle<u32>, JoinHandle<u32>) {
    let stop = Arc::new(AtomicBool::new(false));
    let over = stop.clone();
    let sending = tokio::spawn(async move {
        let mut number = 0u32;
        while !over.load(Ordering::Relaxed) {
            ours.send(number.to_string()).await.expect("it stays open");
            number += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ours.send("end").await.expect("it stays open");
        number
    });
    let receiving = tokio::spawn(async move {
        let mut number = 0u32;
        loop {
            match theirs.recv().await.expect("it stays open") {
                Message::Text(text) if text == "end" => return number,
                message => assert_eq!(message, Message::from(number.to_string())),
            }
            number += 1;
        }
    });
    (stop, sending, receiving)
}

/// One change in each round, by the round's number; it is negotiated by either side in turn.
struct Changes {
    /// What the sides have added besides what stays.
    added: [Vec<(Transceiver, LocalTrack)>; 2],
    channels: Vec<DataChannel>,
    /// The sections of what stays: `addTrack` may have taken their other half for what was added.
    stay: Vec<Mid>,
}

impl Changes {
    fn end(&self, side: &PeerConnection, transceiver: &Transceiver) {
        match transceiver.mid().is_some_and(|mid| self.stay.contains(&mid)) {
            true => side.remove_track(transceiver).unwrap(),
            false => transceiver.stop().unwrap(),
        }
    }

    fn make(&mut self, round: usize, pair: &Pair) {
        let by = round % 2;
        let side = &pair.sides[by];
        let kind = if round.is_multiple_of(3) { MediaKind::Audio } else { MediaKind::Video };
        let mut added = std::mem::take(&mut self.added[by]);
        match round / 2 % 8 {
            0 | 1 => {
                let one = track(kind, format!("round-{round}"));
                added.push((side.add_track(&one).unwrap(), one));
            }
            2 => {
                let one = track(kind, format!("round-{round}"));
                let transceiver = side.add_transceiver_with_track(&one, Direction::SendRecv).unwrap();
                added.push((transceiver, one));
            }
            3 => {
                let (transceiver, _) = added.last().expect("some were added");
                side.remove_track(transceiver).unwrap();
            }
            4 | 5 => {
                let direction = if round / 2 % 8 == 4 { Direction::Inactive } else { Direction::SendRecv };
                for (transceiver, _) in &added {
                    if transceiver.mid().is_some_and(|mid| !self.stay.contains(&mid)) {
                        transceiver.set_direction(direction).unwrap();
                    }
                }
                let channel = side.create_data_channel(&format!("round-{round}"), DataChannelInit::default());
                self.channels.push(channel.unwrap());
            }
            6 => self.end(side, &added.remove(0).0),
            _ => {
                added.drain(..).for_each(|(transceiver, _)| self.end(side, &transceiver));
                self.channels.drain(..).for_each(|channel| channel.close());
            }
        }
        self.added[by] = added;
        // What was added sends too, where it may.
        for (_, one) in self.added.iter().flatten() {
            let _ = one.write(&frame_of(one.kind(), round as u32 * 10));
        }
    }
}

#[tokio::test]
async fn dozens_of_renegotiations_cost_what_stays_no_frame_and_no_message() {
    let mut pair = Pair::new();
    let (camera, microphone) = (track(MediaKind::Video, "camera"), track(MediaKind::Audio, "microphone"));
    let back = track(MediaKind::Video, "back");
    pair.sides[0].add_track(&camera).unwrap();
    pair.sides[0].add_track(&microphone).unwrap();
    pair.sides[1].add_track(&back).unwrap();
    pair.negotiate(0);
    pair.connect().await;
    let stays = [
        Stay::begin(camera, pair.track(1, "camera").await),
        Stay::begin(microphone, pair.track(1, "microphone").await),
        Stay::begin(back, pair.track(0, "back").await),
    ];
    for stay in &stays {
        stay.flow(10).await;
    }
    // A channel on a connection that has only sound and pictures so far.
    let (stop, sending, receiving) = talk(pair.channel("stays").await);
    let stay = pair.sides[0].transceivers().iter().filter_map(Transceiver::mid).collect();
    let mut changes = Changes { added: Default::default(), channels: Vec::new(), stay };
    for round in 0..ROUNDS {
        changes.make(round, &pair);
        // Either side offers, whoever made the change.
        pair.negotiate(round / 4 % 2);
        for stay in &stays {
            stay.flow(2).await;
        }
    }
    // What only the other side's offer can say.
    pair.negotiate(0);
    pair.negotiate(1);
    for stay in &stays {
        stay.flow(10).await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = timeout(PATIENCE, sending).await.unwrap().unwrap();
    let received = timeout(PATIENCE, receiving).await.unwrap().unwrap();
    let mut frames = Vec::new();
    for stay in stays {
        frames.push(stay.finish().await);
    }
    println!("{} negotiations; {frames:?} frames and {sent} messages, none lost", pair.offers);
    assert_eq!(sent, received);
    assert!(pair.offers > ROUNDS && frames.iter().all(|count| *count > ROUNDS as u32));
    pair.connect().await;
}

#[tokio::test]
async fn sound_and_pictures_join_a_connection_of_channels_only() {
    let mut pair = Pair::new();
    let (stop, sending, receiving) = talk(pair.channel("stays").await);
    let (camera, microphone) = (track(MediaKind::Video, "camera"), track(MediaKind::Audio, "microphone"));
    pair.sides[1].add_track(&camera).unwrap();
    pair.negotiate(1);
    let seen = Stay::begin(camera, pair.track(0, "camera").await);
    seen.flow(10).await;
    pair.sides[0].add_track(&microphone).unwrap();
    pair.negotiate(1);
    pair.negotiate(0);
    let heard = Stay::begin(microphone, pair.track(1, "microphone").await);
    heard.flow(10).await;
    seen.flow(10).await;
    stop.store(true, Ordering::Relaxed);
    let sent = timeout(PATIENCE, sending).await.unwrap().unwrap();
    assert_eq!(timeout(PATIENCE, receiving).await.unwrap().unwrap(), sent);
    seen.finish().await;
    heard.finish().await;
}
