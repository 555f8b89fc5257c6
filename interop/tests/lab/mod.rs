//! A page for a browser and the sockets that it opens: what the tests share in which our side plays along.

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Html;
use axum::routing::{any, get};
use peerless_signal::websocket::{self, ServerSocket};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Serves `page` and gives its address; each of its sockets goes to `sockets`.
pub async fn serve(page: &'static str, sockets: mpsc::UnboundedSender<ServerSocket>) -> String {
    let meet = any(move |upgrade: WebSocketUpgrade| {
        let sockets = sockets.clone();
        async move {
            websocket::accept(upgrade, move |socket| async move {
                let _ = sockets.send(socket);
            })
        }
    });
    let router = Router::new().route("/", get(move || async move { Html(page) })).route("/ws", meet);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}
