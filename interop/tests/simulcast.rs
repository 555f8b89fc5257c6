//! Simulcast with browsers (RFC 8853): what Chromium and Firefox send in three encodings arrives as three, in the sizes that
//! their scripts ask for, also where they answer, and again after a hold; and what we send in three they take in one, as
//! browsers receive no simulcast.

use std::time::{Duration, Instant};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use peerless::{
    Configuration, Direction, EncodingParameters, Event, Events, Frame, IceGatheringState, LocalTrack,
    MediaKind, PeerConnection, RemoteTrack, Rid, SdpType, SessionDescription,
};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::PATIENCE;
use peerless_media::codec::any;
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

const RIDS: [&str; 3] = ["q", "h", "f"];
const SIZES: [(u32, u32); 3] = [(320, 180), (640, 360), (1280, 720)];

/// A page that draws a moving picture of 1280x720, and waits for scripts.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>Simulcast</title>
<video autoplay muted playsinline></video>
<canvas width="1280" height="720"></canvas>
<script>
const canvas = document.querySelector("canvas");
const context = canvas.getContext("2d");
let drawn = 0;
setInterval(() => {
  context.fillStyle = `hsl(${(drawn += 7) % 360} 80% 50%)`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "black";
  context.fillRect((drawn * 5) % 1200, 300, 80, 80);
}, 66);
const pc = new RTCPeerConnection();
window.lab = { pc, track: canvas.captureStream(15).getVideoTracks()[0] };
pc.ontrack = ({ track }) => { document.querySelector("video").srcObject = new MediaStream([track]); };
const gathered = () => pc.iceGatheringState === "complete" ? null : new Promise((done) => {
  pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && done());
});
lab.describe = async () => {
  await pc.setLocalDescription();
  await gathered();
  return pc.localDescription.sdp;
};
lab.send = () => pc.addTransceiver(lab.track, {
  direction: "sendonly",
  sendEncodings: [
    { rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" },
  ],
}).sender;
lab.activate = async (index, active) => {
  const sender = pc.getSenders().find((one) => one.track);
  const parameters = sender.getParameters();
  parameters.encodings[index].active = active;
  await sender.setParameters(parameters);
};
</script>
"#;

struct Lab {
    browser: Browser,
    tab: Tab,
    ours: PeerConnection,
    events: Events,
}

impl Lab {
    async fn open(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(|| async { Html(PAGE) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut browser = Browser::start(kind).await.unwrap();
        let tab = browser.open(&url).await.unwrap();
        browser.until(&tab, "the page", "return window.lab?.activate ? true : false;").await.unwrap();
        let ours = PeerConnection::new(Configuration::default()).unwrap();
        let events = ours.events();
        Self { browser, tab, ours, events }
    }

    async fn run(&mut self, script: &str) -> Value {
        self.browser.run(&self.tab, script).await.unwrap()
    }

    /// Our description, with all candidates.
    async fn described(&self) -> SessionDescription {
        let mut events = self.ours.events();
        self.ours.set_local_description(None).unwrap();
        while self.ours.ice_gathering_state() != IceGatheringState::Complete {
            timeout(PATIENCE, events.next()).await.expect("gathering ends");
        }
        self.ours.local_description().unwrap()
    }

    /// The page offers, and we answer.
    async fn answer(&mut self) {
        let sdp = self.run("return lab.describe();").await.as_str().unwrap().to_owned();
        self.ours.set_remote_description(SessionDescription { kind: SdpType::Offer, sdp }).unwrap();
        let answer = self.described().await;
        self.hand_over(&answer).await;
    }

    /// We offer, and the page answers.
    async fn offer(&mut self, prepare: &str) {
        let offer = self.described().await;
        self.hand_over(&offer).await;
        let sdp = self.run(&format!("{prepare} return lab.describe();")).await.as_str().unwrap().to_owned();
        self.ours.set_remote_description(SessionDescription { kind: SdpType::Answer, sdp }).unwrap();
    }

    async fn hand_over(&mut self, description: &SessionDescription) {
        let kind = description.kind.as_str();
        let description = json!({ "type": kind, "sdp": description.sdp });
        self.run(&format!("await lab.pc.setRemoteDescription({description}); return true;")).await;
    }

    /// We hold what the page sends, and take it again, by our offer or our answer: it has its encodings still, and all of them
    /// come, though their packets do not say any more which they are.
    async fn hold(&mut self, by_offer: bool) {
        let transceiver = self.ours.transceivers().remove(0);
        let track = transceiver.receiver().track().unwrap();
        let readers = RIDS.map(|name| track.encoding(&Rid::new(name)));
        for direction in [Direction::Inactive, Direction::RecvOnly] {
            transceiver.set_direction(direction).unwrap();
            if by_offer {
                self.offer("").await
            } else {
                self.answer().await
            }
            assert_eq!(transceiver.current_direction(), Some(direction));
            let count = self.run("return lab.pc.getSenders()[0].getParameters().encodings.length;").await;
            assert_eq!(count, json!(3), "{direction} by our offer: {by_offer}");
            // What came before the hold counts no more.
            let is_held = direction == Direction::Inactive;
            for reader in readers.iter().filter(|_| is_held) {
                while timeout(Duration::ZERO, reader.recv()).await.is_ok() {}
            }
        }
        for (reader, (width, height)) in readers.iter().zip(SIZES) {
            assert_eq!(size(reader).await, (width, height));
        }
    }

    async fn track(&mut self) -> RemoteTrack {
        loop {
            let event = timeout(PATIENCE, self.events.next()).await.expect("a track");
            if let Event::Track(track) = event.expect("the connection lives") {
                return track;
            }
        }
    }

    /// Three encodings come, in their sizes; one of them stops and begins again as the page's script says, and each gives a
    /// key frame when it is asked for.
    async fn check_three(&mut self) {
        let track = self.track().await;
        assert_eq!(track.rids(), RIDS.map(Rid::new));
        let readers = RIDS.map(|name| track.encoding(&Rid::new(name)));
        for (reader, (width, height)) in readers.iter().zip(SIZES) {
            assert_eq!(size(reader).await, (width, height));
        }
        self.run("await lab.activate(1, false); return true;").await;
        // What was on its way still comes.
        let begun = Instant::now();
        while beside(&readers[1], &readers[0], 25).await > 0 {
            assert!(begun.elapsed() < PATIENCE, "it was turned off");
        }
        self.run("await lab.activate(1, true); return true;").await;
        assert_eq!(size(&readers[1]).await, (640, 360));
        let begun = Instant::now();
        readers[2].request_key_frame();
        while !frame(&readers[2]).await.key {
            assert!(begun.elapsed() < PATIENCE, "no key frame");
        }
    }
}

async fn frame(reader: &RemoteTrack) -> Frame {
    timeout(PATIENCE, reader.recv()).await.expect("a frame in time").expect("the track goes on")
}

/// The size of the first picture that can be decoded, and of one after it.
async fn size(reader: &RemoteTrack) -> (u32, u32) {
    let mut first = frame(reader).await;
    while !first.key {
        reader.request_key_frame();
        first = frame(reader).await;
    }
    let mut decoder = any::video_decoder(&reader.codec().unwrap()).unwrap();
    let picture = decoder.decode(&first.payload).unwrap().expect("a picture");
    let next = decoder.decode(&frame(reader).await.payload).unwrap().expect("another picture");
    assert_eq!((next.width(), next.height()), (picture.width(), picture.height()));
    (picture.width(), picture.height())
}

/// How many frames one encoding gives while another gives `count`.
async fn beside(one: &RemoteTrack, other: &RemoteTrack, count: usize) -> usize {
    let mut own = 0;
    for _ in 0..count {
        frame(other).await;
        while let Ok(frame) = timeout(Duration::ZERO, one.recv()).await {
            own += usize::from(frame.is_some());
        }
    }
    own
}

async fn browser_offers(kind: Kind) {
    let mut lab = Lab::open(kind).await;
    lab.run("lab.send(); return true;").await;
    lab.answer().await;
    lab.check_three().await;
    lab.hold(true).await;
    lab.hold(false).await;
}

async fn browser_answers(kind: Kind) {
    let mut lab = Lab::open(kind).await;
    lab.ours.add_transceiver_for_encodings(&RIDS).unwrap();
    let prepare = "const [transceiver] = lab.pc.getTransceivers(); transceiver.direction = 'sendonly'; \
                   await transceiver.sender.replaceTrack(lab.track);";
    lab.offer(prepare).await;
    lab.check_three().await;
}

async fn browser_takes_one(kind: Kind) {
    let mut lab = Lab::open(kind).await;
    let track = LocalTrack::new(MediaKind::Video, "pattern", "stream");
    let pump = Pump::video(track.clone(), TestPattern::new(640, 480, 30).unwrap(), 30, 800_000).unwrap();
    let encodings = RIDS.map(EncodingParameters::named).to_vec();
    let transceiver = lab.ours.add_transceiver_in_encodings(&track, Direction::SendOnly, encodings).unwrap();
    lab.offer("").await;
    let parameters = transceiver.sender().get_parameters().unwrap();
    let left: Vec<_> = parameters.encodings.iter().map(|encoding| encoding.rid.clone()).collect();
    assert_eq!(left, [Some(Rid::new("q"))]);
    let look = "const report = await lab.pc.getStats(); \
                const video = [...report.values()].find((one) => one.type === 'inbound-rtp'); \
                return video?.framesDecoded > 20 && [video.frameWidth, video.frameHeight];";
    let size = lab.browser.until(&lab.tab, "decoded pictures", look).await.unwrap();
    assert_eq!(size, json!([160, 120]));
    drop(pump);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_offers_three_encodings() {
    browser_offers(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_offers_three_encodings() {
    browser_offers(Kind::Firefox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_answers_an_offer_to_receive_three() {
    browser_answers(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_answers_an_offer_to_receive_three() {
    browser_answers(Kind::Firefox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_takes_one_of_three_encodings() {
    browser_takes_one(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_takes_one_of_three_encodings() {
    browser_takes_one(Kind::Firefox).await;
}
