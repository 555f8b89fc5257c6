//! A call with a page over which both ends' reports are taken.

use std::time::Duration;

use peerless::{Configuration, DataChannel, DataChannelInit, Event, LocalTrack, MediaKind, PeerConnection};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::{PATIENCE, in_time};
use peerless_media::play::{AudioPlay, VideoPlay};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use peerless_signal::{Role, exchange};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::lab::serve;
use crate::relay::Relay;

/// Messages that go there and back.
pub const MESSAGES: u64 = 25;

/// A call with a page.
pub struct Call {
    browser: Browser,
    tab: Tab,
    pub connection: PeerConnection,
    pumps: Vec<Pump>,
    pub plays: (VideoPlay, AudioPlay),
    channel: DataChannel,
}

/// Both ends' reports, taken at about one moment.
pub struct Both {
    pub ours: Map<String, Value>,
    pub theirs: Map<String, Value>,
}

impl Call {
    /// Begins one, by way of a relay where there is one; all stands when it returns.
    pub async fn begin(kind: Kind, role: Role, relay: Option<&Relay>) -> Self {
        let (sockets, mut arrived) = mpsc::unbounded_channel();
        let url = serve(include_str!("../../pages/stats.html"), sockets).await;
        let mut browser = Browser::start_with(kind, true).await.unwrap();
        let query = if role == Role::Answer { "?role=offer" } else { "" };
        let tab = browser.open(&format!("{url}/{query}")).await.unwrap();
        let socket = in_time("the page's socket", arrived.recv()).await.unwrap();
        browser.until(&tab, "the page", "return lab.error ?? lab.ready ?? false;").await.unwrap();
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let mut events = connection.events();
        let mut pumps = Vec::new();
        let picture = LocalTrack::new(MediaKind::Video, "picture", "stream");
        let sound = LocalTrack::new(MediaKind::Audio, "sound", "stream");
        connection.add_track(&picture).unwrap();
        connection.add_track(&sound).unwrap();
        let pattern = TestPattern::new(320, 240, 15).unwrap();
        pumps.push(Pump::video(picture, pattern, 15, 400_000).unwrap());
        pumps.push(Pump::audio(sound, SoundKind::Sine.source()).unwrap());
        let mut init = DataChannelInit::default();
        init.protocol = "words".into();
        let ours = (role == Role::Offer).then(|| connection.create_data_channel("talk", init).unwrap());
        match relay {
            Some(relay) => tokio::spawn(exchange::run(relay.lead(socket), connection.clone(), role)),
            None => tokio::spawn(exchange::run(socket, connection.clone(), role)),
        };
        let (mut video, mut audio, mut channel) = (None, None, ours);
        while video.is_none() || audio.is_none() || channel.is_none() {
            match in_time("tracks and a channel", events.next()).await.expect("the call goes on") {
                Event::Track(track) if track.kind() == MediaKind::Video => {
                    video = Some(VideoPlay::new(track).unwrap());
                }
                Event::Track(track) => audio = Some(AudioPlay::new(track).unwrap()),
                Event::DataChannel(opened) => channel = Some(opened),
                _ => {}
            }
        }
        let (Some(video), Some(audio), Some(channel)) = (video, audio, channel) else { unreachable!() };
        let mut heard = audio.sounds(50);
        tokio::spawn(async move { while heard.next().await.is_some() {} });
        in_time("an open channel", channel.opened()).await;
        Self { browser, tab, connection, pumps, plays: (video, audio), channel }
    }

    pub async fn run(&mut self, script: &str) -> Value {
        self.browser.run(&self.tab, script).await.unwrap()
    }

    pub async fn both(&mut self) -> Both {
        let theirs = self.run("return await lab.report();").await;
        let ours: Value = serde_json::from_str(&self.connection.get_stats().to_json()).unwrap();
        let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else { panic!("no maps") };
        Both { ours, theirs }
    }

    /// Takes reports until they are such; what was wrong last is told.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Both) -> Result<(), String>) -> Both {
        let end = Instant::now() + PATIENCE;
        loop {
            let both = self.both().await;
            match is_so(&both) {
                Ok(()) => return both,
                Err(problem) if Instant::now() > end => {
                    panic!("{what}: {problem}\nours: {:#?}\ntheirs: {:#?}", both.ours, both.theirs)
                }
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    pub async fn talk(&mut self) {
        for number in 0..MESSAGES {
            self.channel.send(format!("message {number}").as_str()).await.unwrap();
            in_time("an echo", self.channel.recv()).await.expect("the channel is open");
        }
    }

    /// Nothing more is sent by either side but reports.
    pub async fn quiet(&mut self) {
        self.pumps.clear();
        self.run("await lab.quiet(); return true;").await;
    }
}

impl Both {
    pub fn find<'a>(report: &'a Map<String, Value>, of: &str, kind: &str) -> Option<&'a Value> {
        report.values().find(|one| one["type"] == of && (kind.is_empty() || one["kind"] == kind))
    }

    pub fn ours(&self, of: &str, kind: &str) -> Result<&Value, String> {
        Self::find(&self.ours, of, kind).ok_or_else(|| format!("we have no {of} {kind}"))
    }

    pub fn theirs(&self, of: &str, kind: &str) -> Result<&Value, String> {
        Self::find(&self.theirs, of, kind).ok_or_else(|| format!("it has no {of} {kind}"))
    }
}

pub fn number(of: &Value, name: &str) -> Result<f64, String> {
    of[name].as_f64().ok_or_else(|| format!("no {name} in {of}"))
}

pub fn at_least(of: &Value, name: &str, least: f64) -> Result<(), String> {
    let value = number(of, name)?;
    if value >= least { Ok(()) } else { Err(format!("{name} is {value}, not {least}")) }
}

/// Whether two counts are alike: within a share of them and so many.
pub fn alike(one: (&Value, &str), other: (&Value, &str), share: f64, apart: f64) -> Result<(), String> {
    let (first, second) = (number(one.0, one.1)?, number(other.0, other.1)?);
    let room = share * first.max(second) + apart;
    match (first - second).abs() <= room {
        true => Ok(()),
        false => Err(format!("{} is {first}, {} is {second}", one.1, other.1)),
    }
}
