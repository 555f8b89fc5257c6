//! One source in several encodings between two connections over the loopback interface (RFC 8853): each arrives by itself,
//! as large, as often and while it was asked for.

mod call;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use call::{Call, PATIENCE};
use peerless::{EncodingParameters, Frame, LocalTrack, MediaKind, RemoteTrack, Rid, Sender};
use peerless_media::codec::any;
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use tokio::time::timeout;

const RIDS: [&str; 3] = ["q", "h", "f"];
const SIZE: (u32, u32) = (320, 240);

struct Layers {
    call: Call,
    sender: Sender,
    pump: Pump,
    readers: HashMap<&'static str, RemoteTrack>,
}

impl Layers {
    async fn new(codec: &str) -> Self {
        let screen = LocalTrack::new(MediaKind::Video, "pattern", "stream");
        let encodings = RIDS.map(EncodingParameters::named).to_vec();
        let (mut call, sender) = Call::in_encodings(&screen, encodings, &[codec]);
        let pattern = TestPattern::new(SIZE.0, SIZE.1, 30).unwrap();
        let pump = Pump::video(screen, pattern, 30, 800_000).unwrap();
        let track = call.track(MediaKind::Video).await;
        assert_eq!(track.rids(), RIDS.map(Rid::new));
        let readers = RIDS.map(|name| (name, track.encoding(&Rid::new(name)))).into_iter().collect();
        Self { call, sender, pump, readers }
    }

    async fn frame(&self, name: &str) -> Frame {
        timeout(PATIENCE, self.readers[name].recv())
            .await
            .unwrap_or_else(|_| panic!("no frame of {name}"))
            .unwrap()
    }

    /// The size of the next key frame's picture, and of some that follow it.
    async fn size(&self, name: &str) -> (u32, u32) {
        let mut frame = self.frame(name).await;
        while !frame.key {
            frame = self.frame(name).await;
        }
        let codec = self.readers[name].codec().unwrap();
        let mut decoder = any::video_decoder(&codec).unwrap();
        let picture = decoder.decode(&frame.payload).unwrap().expect("a picture");
        for _ in 0..3 {
            let next = self.frame(name).await;
            assert_eq!(next.rid, Some(Rid::new(name)));
            let next = decoder.decode(&next.payload).unwrap().expect("another");
            assert_eq!((next.width(), next.height()), (picture.width(), picture.height()));
        }
        (picture.width(), picture.height())
    }

    fn change(&self, change: impl Fn(&mut Vec<EncodingParameters>)) {
        let mut parameters = self.sender.get_parameters().unwrap();
        change(&mut parameters.encodings);
        self.sender.set_parameters(parameters).unwrap();
    }

    /// How many frames one encoding gives while another gives `count`.
    async fn beside(&self, name: &str, other: &str, count: usize) -> usize {
        let mut own = 0;
        for _ in 0..count {
            self.frame(other).await;
            while let Ok(frame) = timeout(Duration::ZERO, self.readers[name].recv()).await {
                own += usize::from(frame.is_some());
            }
        }
        own
    }

    fn close(&self) {
        self.call.a.close();
        self.call.b.close();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_encodings_arrive_as_large_as_they_should_be_in_vp8_and_in_h264() {
    for codec in ["VP8", "H264"] {
        let layers = Layers::new(codec).await;
        for (name, scale) in [("q", 4), ("h", 2), ("f", 1)] {
            assert_eq!(layers.size(name).await, (SIZE.0 / scale, SIZE.1 / scale), "{codec} {name}");
        }
        assert_eq!(layers.pump.stats().problem, None);
        layers.close();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encodings_follow_their_parameters_while_they_flow() {
    let layers = Layers::new("VP8").await;
    layers.frame("f").await;
    layers.change(|encodings| encodings[2].active = false);
    // What was on its way still comes.
    layers.beside("f", "q", 10).await;
    assert_eq!(layers.beside("f", "q", 15).await, 0);
    layers.change(|encodings| encodings[2].active = true);
    assert!(layers.frame("f").await.key, "it begins with a key frame");

    layers.change(|encodings| encodings[1].scale_resolution_down_by = Some(5.0));
    let begun = Instant::now();
    let codec = layers.readers["h"].codec().unwrap();
    loop {
        assert!(begun.elapsed() < PATIENCE, "the scale was not heeded");
        let frame = layers.frame("h").await;
        // Pictures of the old size are on their way still; the first of the new one is a key frame.
        if frame.key {
            let picture = any::video_decoder(&codec).unwrap().decode(&frame.payload).unwrap().unwrap();
            if (picture.width(), picture.height()) == (64, 48) {
                break;
            }
        }
    }

    layers.change(|encodings| encodings[0].max_framerate = Some(6.0));
    layers.beside("q", "f", 10).await;
    let slow = layers.beside("q", "f", 30).await;
    assert!((4..=9).contains(&slow), "a fifth of 30: {slow}");
    layers.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_frame_is_given_of_the_encoding_that_was_asked_for() {
    let layers = Layers::new("H264").await;
    for name in RIDS {
        layers.size(name).await;
    }
    layers.readers["h"].request_key_frame();
    let begun = Instant::now();
    while !layers.frame("h").await.key {
        assert!(begun.elapsed() < PATIENCE, "no key frame of h");
    }
    layers.close();
}
