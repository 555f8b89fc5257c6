//! Streams the test pattern to everyone who opens http://127.0.0.1:8080: the whole program.

use std::error::Error;

use axum::{Router, response::Html, routing::get};
use peerless::{Configuration, LocalTrack, MediaKind, PeerConnection};
use peerless_media::{pump::Pump, source::pattern::TestPattern};
use peerless_signal::websocket;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let page = get(|| async { Html(include_str!("stream.html")) });
    let router = Router::new().route("/", page).route("/ws", websocket::route(connect));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, router).await?)
}

async fn connect() -> Result<PeerConnection, Box<dyn Error + Send + Sync>> {
    let connection = PeerConnection::new(Configuration::default())?;
    let picture = LocalTrack::new(MediaKind::Video, "picture", "stream");
    connection.add_track(&picture)?;
    Pump::video(picture, TestPattern::new(640, 480, 30)?, 30, 1_500_000)?.detach();
    Ok(connection)
}
