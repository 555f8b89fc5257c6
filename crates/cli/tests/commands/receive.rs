//! The receiver, sent to by the library itself: decoded, told, kept, and snapshots.

use std::path::PathBuf;

use peerless::{Configuration, LocalTrack, MediaKind, PeerConnection};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use peerless_signal::{Role, exchange, websocket};

use crate::program::{LIMIT, Running};

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("peerless-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sends a pattern and a tone to the receiver, in either role.
async fn send(receiver: &Running, role: Role) -> (PeerConnection, Vec<Pump>) {
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    let track = |kind, id| {
        let track = LocalTrack::new(kind, id, "test");
        connection.add_track(&track).unwrap();
        track
    };
    let pumps = vec![
        Pump::audio(track(MediaKind::Audio, "tone"), SoundKind::Sine.source()).unwrap(),
        Pump::video(track(MediaKind::Video, "picture"), TestPattern::new(160, 120, 15).unwrap(), 15, 400_000)
            .unwrap(),
    ];
    let query = if role == Role::Offer { "?role=offer" } else { "" };
    let socket = websocket::connect(&format!("ws://{}/ws{query}", receiver.address)).await.unwrap();
    tokio::spawn(exchange::run(socket, connection.clone(), role));
    (connection, pumps)
}

/// Asks for a snapshot until there is one; its bytes.
async fn snapshot(receiver: &Running, query: &str) -> Vec<u8> {
    let url = format!("http://{}/snapshot.png{query}", receiver.address);
    let asking = async {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            looks.tick().await;
            let response = reqwest::get(&url).await.unwrap();
            match response.status().as_u16() {
                200 => return response.bytes().await.unwrap().to_vec(),
                404 => {}
                other => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(LIMIT, asking).await.expect("a picture in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_in_either_role_is_shown_told_and_kept() {
    let folder = Folder::new("receive");
    let path = folder.0.display().to_string();
    let mut receiver = Running::start("receive", &["--record", &path]);
    for (number, role) in [(1, Role::Offer), (2, Role::Answer)] {
        let (connection, pumps) = send(&receiver, role).await;
        receiver.line_with(&format!("#{number} connection connected"));
        let file = snapshot(&receiver, &format!("?client={number}")).await;
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (160, 120));
        // The fourth of the seven bars is green.
        let middle = &pixels[(36 * 160 + 80) * 3..][..3];
        assert!(middle[0] < 40 && middle[1].abs_diff(191) < 25 && middle[2] < 40, "{middle:?}");
        let line = receiver.line_with(&format!("#{number} video VP8 160x120"));
        assert!(line.contains("fps") && line.contains("no loss") && line.contains("jitter"), "{line}");
        let line = receiver.line_with(&format!("#{number} audio opus 48 kHz"));
        assert!(line.contains("dB") && line.contains('█'), "{line}");
        receiver.signal("USR1");
        let kept = receiver.line_with("snapshot ");
        assert!(kept.contains(&format!("client-{number}-1.png")), "{kept}");
        connection.close();
        drop(pumps);
        receiver.line_with(&format!("#{number} client gone"));
    }
    for name in
        ["client-1-video.ivf", "client-1-audio.opus", "client-1.webm", "client-2-video.ivf", "client-2-1.png"]
    {
        let length = std::fs::metadata(folder.0.join(name)).map(|file| file.len());
        assert!(length.as_ref().is_ok_and(|&length| length > 1_000), "{name}: {length:?}");
    }
}

#[test]
fn without_a_client_there_is_no_snapshot_and_it_ends_by_itself_when_told_so() {
    let mut receiver = Running::start("receive", &["--for", "1"]);
    receiver.signal("USR1");
    receiver.line_with("no snapshot: no picture yet");
    receiver.line_with("closing");
    assert_eq!(receiver.ended().code(), Some(0));
}
