//! Tones of a telephone with Chromium and Firefox, in both signalling roles: we hear the tones that the page inserts, with
//! their lengths; the page's sound goes on through those that we insert.

mod lab;

use std::time::Duration;

use lab::serve;
use peerless::{
    Configuration, Event, Events, LocalTrack, MediaKind, PeerConnection, ReceivedTone, Transceiver,
};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::in_time;
use peerless_media::pump::Pump;
use peerless_media::source::sounds::SoundKind;
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::sync::mpsc;

/// The page with its tab, and our connection to it, which sends a sine.
struct Lab {
    browser: Browser,
    tab: Tab,
    events: Events,
    transceiver: Transceiver,
    _connection: PeerConnection,
    _pump: Pump,
}

impl Lab {
    async fn open(kind: Kind, role: Role) -> Self {
        let (sockets, mut arrived) = mpsc::unbounded_channel();
        let url = serve(include_str!("../pages/dtmf.html"), sockets).await;
        let mut browser = Browser::start_with(kind, true).await.unwrap();
        let query = if role == Role::Answer { "?role=offer" } else { "" };
        let tab = browser.open(&format!("{url}/{query}")).await.unwrap();
        let socket = in_time("the page's socket", arrived.recv()).await.unwrap();
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let events = connection.events();
        let track = LocalTrack::new(MediaKind::Audio, "sine", "stream");
        let transceiver = connection.add_track(&track).unwrap();
        let pump = Pump::audio(track, SoundKind::Sine.source()).unwrap();
        tokio::spawn(exchange::run(socket, connection.clone(), role));
        Self { browser, tab, events, transceiver, _connection: connection, _pump: pump }
    }

    async fn until(&mut self, what: &str, script: &str) -> Value {
        match self.browser.until(&self.tab, what, script).await {
            Ok(value) => value,
            Err(error) => {
                let state =
                    self.browser.run(&self.tab, "return [lab.pc.connectionState, lab.changes];").await;
                panic!("{error}: {script}\nthe page has {state:?}");
            }
        }
    }

    /// The next tone that the page has played.
    async fn heard(&mut self) -> ReceivedTone {
        let coming = async {
            loop {
                match self.events.next().await {
                    Some(Event::ToneReceived { tone, .. }) => return tone,
                    Some(_) => {}
                    None => panic!("the connection closed"),
                }
            }
        };
        in_time("a tone from the page", coming).await
    }

    /// Waits until all our tones were played.
    async fn played(&mut self) -> String {
        let playing = async {
            let mut keys = String::new();
            loop {
                match self.events.next().await {
                    Some(Event::ToneChange { tone: Some(key), .. }) => keys.push(key),
                    Some(Event::ToneChange { tone: None, .. }) => return keys,
                    Some(_) => {}
                    None => panic!("the connection closed"),
                }
            }
        };
        in_time("the end of our tones", playing).await
    }
}

/// What the page has received: packets, samples that were made up, energy, packets lost.
const RECEIVED: &str = "const all = [...(await lab.pc.getStats()).values()]; \
    const one = all.find(s => s.type === 'inbound-rtp' && s.kind === 'audio'); \
    if (!one) return null; \
    const figures = [one.packetsReceived, one.concealedSamples ?? 0, one.totalAudioEnergy ?? 0, one.packetsLost];";

fn number(figures: &Value, place: usize) -> f64 {
    figures[place].as_f64().unwrap()
}

async fn run(kind: Kind, role: Role) {
    let mut lab = Lab::open(kind, role).await;

    // The page plays, we hear.
    lab.until(
        "tones are possible",
        "return lab.pc.connectionState === 'connected' && lab.sender.dtmf.canInsertDTMF;",
    )
    .await;
    let keys = "0123456789*#ABCD";
    let insert = format!("lab.sender.dtmf.insertDTMF('{keys}', 200, 100); return true;");
    lab.until("the page inserts", &insert).await;
    for key in keys.chars() {
        let tone = lab.heard().await;
        println!("{kind:?} {role:?}: {tone:?}");
        assert_eq!(tone.tone.as_char(), key);
        // Both end a tone with a packet of sound, and say 240 ms here; Firefox also where it has tones of 8000 only.
        let length = tone.duration;
        let (shortest, longest) = (Duration::from_millis(200), Duration::from_millis(260));
        assert!((shortest..=longest).contains(&length), "{key}: {length:?}");
        assert!(tone.volume <= 63);
    }

    // We play, and the page's sound goes on behind it.
    let before = lab.until("sound from us", &format!("{RECEIVED} return figures[0] > 100 && figures;")).await;
    let dtmf = lab.transceiver.sender().dtmf().unwrap();
    assert!(dtmf.can_insert_dtmf());
    dtmf.insert_dtmf("159D#", Duration::from_millis(150), Duration::from_millis(80)).unwrap();
    assert_eq!(lab.played().await, "159D#");
    let packets = number(&before, 0) + 200.0;
    let enough = format!("{RECEIVED} return figures[0] > {packets} && figures;");
    let after = lab.until("sound behind our tones", &enough).await;
    println!("{kind:?} {role:?}: before {before}, after {after}");
    assert_eq!(number(&after, 3), number(&before, 3), "none was lost: tones have numbers among the sound");
    assert!(number(&after, 2) > number(&before, 2), "the sine is heard");
    assert!(kind == Kind::Firefox || number(&before, 2) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_offers_and_tones_go_both_ways() {
    run(Kind::Chromium, Role::Answer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_answers_and_tones_go_both_ways() {
    run(Kind::Chromium, Role::Offer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_offers_and_tones_go_both_ways() {
    run(Kind::Firefox, Role::Answer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_answers_and_tones_go_both_ways() {
    run(Kind::Firefox, Role::Offer).await;
}
