//! The receiver's page in real browsers: what their camera and microphone send is decoded by us with the right colours and
//! the right tone, and what is kept of it probes clean.

use std::path::{Path, PathBuf};
use std::process::Command;

use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::devices::{BARS, TONE};
use peerless_interop::program::Program;
use serde_json::Value;

/// What the page counts of what it sends.
const SENT: &str = "return await window.peerless.stats();";

/// One call.
struct Call<'a> {
    browser: Kind,
    /// Who offers, in the page's words.
    role: &'a str,
    arguments: &'a [&'a str],
    /// The files that must be kept, and how many tracks each has.
    files: &'a [(&'a str, usize)],
    /// The codecs as the page names them.
    codecs: (&'a str, &'a str),
}

async fn run(call: Call<'_>) {
    let folder = Folder::new();
    let path = folder.0.display().to_string();
    let arguments: Vec<&str> = ["--record", &path].iter().chain(call.arguments).copied().collect();
    let mut program = Program::start("receive", &arguments).await.unwrap();
    let mut browser = Browser::start_with(call.browser, true).await.unwrap();
    let tab = browser.open(&format!("{}/?role={}", program.url, call.role)).await.unwrap();
    browser.until(&tab, "the page", "return window.peerless ? true : false;").await.unwrap();
    browser.run(&tab, "await window.peerless.start(); return true;").await.unwrap();
    let sent = watch(&mut browser, &tab).await;
    assert_eq!(
        (&sent["video"]["codec"], &sent["audio"]["codec"]),
        (&call.codecs.0.into(), &call.codecs.1.into())
    );
    let picture = decode(&snapshot(&program).await);
    println!("{:?} {}: {sent}, {}x{}", call.browser, call.role, picture.width, picture.height);
    match call.browser {
        Kind::Chromium => picture.check_bars(),
        Kind::Firefox => picture.check_one_colour(),
    }
    let line = status(&mut program).await;
    assert!(line.contains("fps") && line.contains("jitter"), "{line}");
    // What is kept shall be long enough to tell its tone.
    let enough =
        format!("const s = await (async () => {{ {SENT} }})(); return s.video.framesEncoded > 90 && true;");
    browser.until(&tab, "three seconds of pictures", &enough).await.unwrap();
    browser.run(&tab, "window.peerless.stop(); return true;").await.unwrap();
    program
        .process
        .wait_line("client gone", |line| line.contains("client gone").then_some(()))
        .await
        .unwrap();
    for (name, tracks) in call.files {
        check_file(&folder.0.join(name), *tracks);
    }
    let tone = call.files.iter().find(|(name, _)| name.contains("audio")).expect("a file of sound");
    check_tone(&folder.0.join(tone.0));
    program.process.signal("INT").await.unwrap();
    assert!(program.process.wait().await.unwrap().success(), "{}", program.process.said());
}

/// Waits until pictures and sound went out for a while.
async fn watch(browser: &mut Browser, tab: &Tab) -> Value {
    let enough = format!(
        "const s = await (async () => {{ {SENT} }})(); return s?.video?.framesEncoded > 45 && s.audio.packetsSent > 60 && s;"
    );
    match browser.until(tab, "pictures and sound sent", &enough).await {
        Ok(sent) => sent,
        Err(error) => {
            let text = browser.run(tab, "return document.body.innerText;").await;
            panic!("{error}: {text:?}");
        }
    }
}

/// The status line of the video track.
async fn status(program: &mut Program) -> String {
    let of_video = |line: &str| (line.contains("video ") && line.contains("fps")).then(|| line.to_owned());
    program.process.wait_line("a status line", of_video).await.unwrap()
}

async fn snapshot(program: &Program) -> Vec<u8> {
    let response = reqwest::get(format!("{}/snapshot.png", program.url)).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    response.bytes().await.unwrap().to_vec()
}

/// A picture as the program gave it.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn decode(file: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    Picture { width: info.width as usize, height: info.height as usize, pixels }
}

impl Picture {
    fn colour(&self, x: f64, y: f64) -> [u8; 3] {
        let (x, y) = ((x * self.width as f64) as usize, (y * self.height as f64) as usize);
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    fn check_bars(&self) {
        for (number, wanted) in BARS.iter().enumerate() {
            for y in [0.2, 0.5, 0.8] {
                let seen = self.colour((number as f64 + 0.5) / 7.0, y);
                let off = seen.iter().zip(wanted).map(|(seen, wanted)| seen.abs_diff(*wanted)).max();
                assert!(off < Some(30), "bar {number} at {y}: {seen:?} is not {wanted:?}");
            }
        }
    }

    /// Firefox's fake camera: the same colour everywhere, of a middle brightness.
    fn check_one_colour(&self) {
        let middle = self.colour(0.5, 0.5);
        for (x, y) in [(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)] {
            let seen = self.colour(x, y);
            let off = seen.iter().zip(middle).map(|(seen, wanted)| seen.abs_diff(wanted)).max();
            assert!(off < Some(30), "{seen:?} at {x}, {y} is not {middle:?}");
        }
        let brightness =
            0.299 * f64::from(middle[0]) + 0.587 * f64::from(middle[1]) + 0.114 * f64::from(middle[2]);
        assert!((40.0..220.0).contains(&brightness), "{middle:?}");
    }
}

/// FFmpeg finds the tracks, and nothing to complain about when it decodes them.
fn check_file(path: &Path, tracks: usize) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe runs");
    let found = String::from_utf8_lossy(&probe.stdout);
    let complaints = String::from_utf8_lossy(&probe.stderr);
    assert!(complaints.is_empty(), "{}: {complaints}", path.display());
    assert_eq!(found.lines().count(), tracks, "{}: {found}", path.display());
    // Pictures come when the browser's camera gives them, so their times are no multiples of a frame rate: without a time
    // base ffmpeg rounds them to the rate that it guesses, and complains of those that fall together.
    let play = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-enc_time_base:v", "1:90000", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&play.stderr);
    assert!(play.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
    println!("{}: {}", path.display(), found.replace('\n', " "));
}

/// The loudest second of the sound that was kept is the tone, by how often it crosses zero.
fn check_tone(path: &Path) {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "s16le", "-ac", "1", "-ar", "48000", "-"])
        .output()
        .expect("ffmpeg runs");
    let samples: Vec<i16> =
        decoded.stdout.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let energy = |second: &[i16]| second.iter().map(|&sample| i64::from(sample).pow(2)).sum::<i64>();
    let loudest =
        samples.chunks_exact(24_000).max_by_key(|part| energy(part)).expect("half a second of sound");
    assert!(energy(loudest) / 24_000 > 250_000, "silence in {}", path.display());
    let crossings = loudest.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    let hertz = crossings as f64;
    assert!((hertz - TONE).abs() < 15.0, "{hertz} Hz in {}", path.display());
}

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("peerless-receive-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn chromium_offers_vp8_and_opus() {
    run(Call {
        browser: Kind::Chromium,
        role: "offer",
        arguments: &["--video", "vp8", "--audio", "opus"],
        files: &[("client-1-video.ivf", 1), ("client-1-audio.opus", 1), ("client-1.webm", 2)],
        codecs: ("VP8", "opus"),
    })
    .await;
}

#[tokio::test]
async fn chromium_answers_h264_and_pcmu() {
    run(Call {
        browser: Kind::Chromium,
        role: "answer",
        arguments: &["--video", "h264", "--audio", "pcmu"],
        files: &[("client-1-video.h264", 1), ("client-1-audio.wav", 1), ("client-1.mkv", 2)],
        codecs: ("H264", "PCMU"),
    })
    .await;
}

#[tokio::test]
async fn firefox_offers_vp8_and_opus() {
    run(Call {
        browser: Kind::Firefox,
        role: "offer",
        arguments: &[],
        files: &[("client-1-video.ivf", 1), ("client-1-audio.opus", 1), ("client-1.webm", 2)],
        codecs: ("VP8", "opus"),
    })
    .await;
}

#[tokio::test]
async fn firefox_answers_vp8_and_opus() {
    run(Call {
        browser: Kind::Firefox,
        role: "answer",
        arguments: &["--video", "vp8"],
        files: &[("client-1-video.ivf", 1), ("client-1-audio.opus", 1), ("client-1.webm", 2)],
        codecs: ("VP8", "opus"),
    })
    .await;
}
