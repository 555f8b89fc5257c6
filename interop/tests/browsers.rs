//! The demo's page in real browsers, in both signalling roles: our pictures are decoded and have the right colours,
//! our sound is heard, and the end of the call is seen at once.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::page::{ENDED, FIGURES, LOUDEST, WATCH_END, picture};
use peerless_interop::program::Program;
use serde_json::Value;

/// Frames that must have been decoded: more than three seconds of thirty.
const FRAMES: u64 = 100;

/// One call: what the demo is told and what the browser must say.
struct Call<'a> {
    browser: Kind,
    query: &'a str,
    arguments: &'a [&'a str],
    video: &'a str,
    audio: &'a str,
    /// `tlsVersion` as getStats gives it, where the browser does.
    dtls: Option<&'a str>,
}

async fn run(call: Call<'_>) {
    let mut demo = Program::start("demo", call.arguments).await.unwrap();
    let mut browser = Browser::start(call.browser).await.unwrap();
    let tab = browser.open(&format!("{}/{}", demo.url, call.query)).await.unwrap();
    let figures = watch(&mut browser, &tab).await;
    assert_eq!(figures["videoCodec"], call.video, "{figures}");
    assert_eq!(figures["audioCodec"], call.audio, "{figures}");
    if let Some(version) = call.dtls {
        assert_eq!(figures["dtls"], version, "{figures}");
    }
    check_picture(&mut browser, &tab).await;
    check_sound(&mut browser, &tab, call.browser, call.arguments.contains(&"sine")).await;
    browser.run(&tab, WATCH_END).await.unwrap();
    let interrupted = milliseconds();
    demo.process.signal("INT").await.unwrap();
    let ended = browser.until(&tab, "the end of the call", ENDED).await.unwrap();
    assert!(demo.process.wait().await.unwrap().success(), "{}", demo.process.said());
    let after = ended.as_u64().unwrap().saturating_sub(interrupted);
    println!(
        "{:?} {:?} {:?}: {figures}, end seen after {after} ms",
        call.browser, call.query, call.arguments
    );
    // Without a word of ours it would see that we are gone when consent ends, after 30 s (RFC 7675 §5.1).
    assert!(after < 15_000, "the page saw the end only after {after} ms");
}

/// Waits until enough frames were decoded and sound came.
async fn watch(browser: &mut Browser, tab: &Tab) -> Value {
    let enough = format!(
        "const f = await (async () => {{ {FIGURES} }})(); return f.frames > {FRAMES} && f.audioPackets > 50 ? f : \
         (window.lastFigures = f, false);"
    );
    match browser.until(tab, "100 decoded frames", &enough).await {
        Ok(figures) => {
            assert_eq!((&figures["width"], &figures["height"]), (&640.into(), &480.into()), "{figures}");
            figures
        }
        Err(error) => {
            let last = browser.run(tab, "return [window.lastFigures, document.body.innerText];").await;
            panic!("{error}: {last:?}");
        }
    }
}

/// The bars have their colours, and the picture moves.
async fn check_picture(browser: &mut Browser, tab: &Tab) {
    let points: Vec<(f64, f64)> = BARS.iter().map(|bar| bar.0).collect();
    let look = picture(&points);
    let first = browser.run(tab, &look).await.unwrap();
    for (number, &(_, expected)) in BARS.iter().enumerate() {
        let seen: Vec<f64> = first["colours"][number]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect();
        for (seen, expected) in seen.iter().zip(expected) {
            assert!((seen - expected).abs() < 24.0, "bar {number}: {seen} is not {expected}: {first}");
        }
    }
    let changed =
        format!("const p = await (async () => {{ {look} }})(); return p.hash !== {} && p;", first["hash"]);
    browser.until(tab, "a changed picture", &changed).await.unwrap();
}

/// Sound has energy, and the sine its frequency.
async fn check_sound(browser: &mut Browser, tab: &Tab, kind: Kind, is_sine: bool) {
    if kind == Kind::Chromium {
        // What is heard first may be the sound as it fades in, or a gap that the browser fills while it is busy.
        let (what, heard) = match is_sine {
            true => ("a tone of 440 Hz", "Math.abs(heard.hertz - 440) < 10"),
            false => ("sound in WebAudio", "true"),
        };
        let script =
            format!("const heard = await (async () => {{ {LOUDEST} }})(); return heard && {heard} && heard;");
        browser.until(tab, what, &script).await.unwrap();
    } else {
        let enough = format!("const f = await (async () => {{ {FIGURES} }})(); return f.energy > 1e-4 && f;");
        browser.until(tab, "energy of the sound", &enough).await.unwrap();
    }
}

fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

#[tokio::test]
async fn chromium_answers_vp8_and_opus_over_dtls_1_3() {
    run(Call {
        browser: Kind::Chromium,
        query: "",
        arguments: &["--sound", "sine"],
        video: "video/VP8",
        audio: "audio/opus",
        dtls: Some("FEFC"),
    })
    .await;
}

#[tokio::test]
async fn chromium_offers_and_takes_h264_and_pcmu() {
    run(Call {
        browser: Kind::Chromium,
        query: "?role=offer",
        arguments: &["--video", "h264", "--audio", "pcmu", "--sound", "sine"],
        video: "video/H264",
        audio: "audio/PCMU",
        dtls: Some("FEFC"),
    })
    .await;
}

#[tokio::test]
async fn chromium_answers_h264_and_g722_over_dtls_1_2() {
    run(Call {
        browser: Kind::Chromium,
        query: "",
        arguments: &["--video", "h264", "--audio", "g722", "--sound", "sine", "--dtls", "1.2"],
        video: "video/H264",
        audio: "audio/G722",
        dtls: Some("FEFD"),
    })
    .await;
}

#[tokio::test]
async fn chromium_offers_and_takes_vp8_and_opus() {
    run(Call {
        browser: Kind::Chromium,
        query: "?role=offer",
        arguments: &["--sound", "music"],
        video: "video/VP8",
        audio: "audio/opus",
        dtls: Some("FEFC"),
    })
    .await;
}

#[tokio::test]
async fn firefox_answers_vp8_and_opus() {
    run(Call {
        browser: Kind::Firefox,
        query: "",
        arguments: &["--sound", "sine"],
        video: "video/VP8",
        audio: "audio/opus",
        dtls: None,
    })
    .await;
}

#[tokio::test]
async fn firefox_offers_and_takes_vp8_and_pcmu_over_dtls_1_2() {
    run(Call {
        browser: Kind::Firefox,
        query: "?role=offer",
        arguments: &["--audio", "pcmu", "--sound", "sine", "--dtls", "1.2"],
        video: "video/VP8",
        audio: "audio/PCMU",
        dtls: None,
    })
    .await;
}

#[tokio::test]
async fn firefox_without_h264_still_gets_the_sound() {
    let demo = Program::start("demo", &["--video", "h264"]).await.unwrap();
    let mut browser = Browser::start(Kind::Firefox).await.unwrap();
    let tab = browser.open(&demo.url).await.unwrap();
    let enough = format!("const f = await (async () => {{ {FIGURES} }})(); return f.audioPackets > 50 && f;");
    let figures = browser.until(&tab, "sound without pictures", &enough).await.unwrap();
    assert_eq!(figures["audioCodec"], "audio/opus");
    assert_eq!(figures["frames"], 0);
}

#[tokio::test]
async fn the_name_behind_which_chromium_hides_its_address_is_resolved() {
    let mut demo = Program::start("demo", &["--log", "peerless=debug"]).await.unwrap();
    let mut browser = Browser::start(Kind::Chromium).await.unwrap();
    let tab = browser.open(&format!("{}/?role=offer", demo.url)).await.unwrap();
    let hidden = "return peerless.pc.localDescription?.sdp.includes('.local ') ?? false;";
    browser.until(&tab, "a candidate with an mDNS name", hidden).await.unwrap();
    let resolved = |line: &str| {
        let was_asked = line.contains("a candidate's name was");
        was_asked.then(|| !line.contains("not resolved"))
    };
    assert!(demo.process.wait_line("the name's end", resolved).await.unwrap(), "{}", demo.process.said());
}

/// The port that a page sends to.
const REMOTE_PORT: &str = "const stats = await peerless.pc.getStats(); \
    const transport = [...stats.values()].find((one) => one.type === 'transport'); \
    const pair = stats.get(transport?.selectedCandidatePairId); \
    return stats.get(pair?.remoteCandidateId)?.port;";

#[tokio::test]
async fn ten_pages_at_once_are_all_served_by_one_port_and_freed() {
    let words = ["--size", "320x240", "--fps", "10", "--bitrate", "300k", "--media-port", "0"];
    let mut demo = Program::start("demo", &words).await.unwrap();
    let port_of = |line: &str| {
        let addresses = line.split_once("media of all clients: ")?.1;
        addresses.trim().rsplit(':').next()?.parse::<u16>().ok()
    };
    let port = demo.process.wait_line("the port of all media", port_of).await.unwrap();
    let mut browser = Browser::start(Kind::Chromium).await.unwrap();
    let mut tabs = Vec::new();
    for _ in 0..10 {
        tabs.push(browser.open(&demo.url).await.unwrap());
    }
    let some = format!(
        "const f = await (async () => {{ {FIGURES} }})(); return f.audioPackets > 20 && f.frames > 5 && f;"
    );
    for tab in &tabs {
        browser.until(tab, "pictures and sound on each of ten pages", &some).await.unwrap();
        let used = browser.until(tab, "a pair of candidates", REMOTE_PORT).await.unwrap();
        assert_eq!(used, port);
    }
    for tab in &tabs {
        browser
            .run(tab, "window.peerless.pc.close(); location.href = 'about:blank'; return true;")
            .await
            .unwrap();
    }
    for _ in 0..10 {
        demo.process
            .wait_line("client gone", |line| line.contains("client gone").then_some(()))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_page_looks_as_the_readme_shows_it() {
    let demo = Program::start("demo", &[]).await.unwrap();
    let mut browser = Browser::start(Kind::Chromium).await.unwrap();
    let tab = browser.open(&demo.url).await.unwrap();
    watch(&mut browser, &tab).await;
    let picture = browser.screenshot(&tab).await.unwrap();
    assert!(picture.len() > 20_000, "an empty page");
    if let Some(folder) = std::env::var_os("PEERLESS_SCREENSHOT") {
        let png = decode_base64(&picture);
        std::fs::write(Path::new(&folder), png).unwrap();
    }
}

/// Base 64 (RFC 4648 §4), without padding at the end.
fn decode_base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() * 3 / 4), 0_u32, 0_u32);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// Where the undisturbed bars are (shares of the size) and their colours, as crate `peerless-media` documents them.
const BARS: [((f64, f64), [f64; 3]); 7] = [
    ((0.5 / 7.0, 0.2), [191.0, 191.0, 191.0]),
    ((1.5 / 7.0, 0.2), [191.0, 191.0, 0.0]),
    ((2.5 / 7.0, 0.2), [0.0, 191.0, 191.0]),
    ((3.5 / 7.0, 0.2), [0.0, 191.0, 0.0]),
    ((4.5 / 7.0, 0.2), [191.0, 0.0, 191.0]),
    ((5.5 / 7.0, 0.2), [191.0, 0.0, 0.0]),
    ((6.5 / 7.0, 0.2), [0.0, 0.0, 191.0]),
];
