//! The server's end of signalling over WebSocket, as an axum service (RFC 6455).

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use axum::extract::Query;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use peerless::PeerConnection;
use serde::Deserialize;

use crate::channel::{Channel, ChannelError, Incoming, MESSAGE_LIMIT};
use crate::exchange::{self, Role};

/// A route that gives each client a connection of its own, made by `make`.
///
/// ```no_run
/// # use peerless::{Configuration, PeerConnection};
/// # use peerless_signal::websocket;
/// let router: axum::Router = axum::Router::new().route(
///     "/ws",
///     websocket::route(|| async {
///         let connection = PeerConnection::new(Configuration::default())?;
///         // add tracks here
///         Ok::<_, peerless::Error>(connection)
///     }),
/// );
/// ```
///
/// Where `make` fails the socket is closed and the error traced.
pub fn route<S, F, M, E>(make: F) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
    F: Fn() -> M + Clone + Send + Sync + 'static,
    M: Future<Output = Result<PeerConnection, E>> + Send + 'static,
    E: Display + Send + 'static,
{
    any(move |Query(query): Query<RoleQuery>, upgrade: WebSocketUpgrade| {
        let make = make.clone();
        async move {
            accept(upgrade, move |mut socket| async move {
                match make().await {
                    Ok(connection) => {
                        exchange::run(socket, connection.clone(), query.role()).await;
                        connection.close();
                    }
                    Err(error) => {
                        tracing::warn!("no connection for a client: {error}");
                        socket.close().await;
                    }
                }
            })
        }
    })
}

/// Takes an upgrade and hands the socket to `serve`, in a task of its own: for a handler of your own, where `route` says
/// too little.
pub fn accept<F, M>(upgrade: WebSocketUpgrade, serve: F) -> Response
where
    F: FnOnce(ServerSocket) -> M + Send + 'static,
    M: Future<Output = ()> + Send + 'static,
{
    upgrade
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .on_upgrade(move |socket| serve(ServerSocket { socket }))
}

/// The query of the socket's address: `?role=offer` where the client will offer.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct RoleQuery {
    #[serde(default)]
    role: ClientRole,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClientRole {
    Offer,
    #[default]
    Answer,
}

impl RoleQuery {
    /// Which role that leaves for us.
    pub fn role(self) -> Role {
        match self.role {
            ClientRole::Offer => Role::Answer,
            ClientRole::Answer => Role::Offer,
        }
    }
}

/// A client's socket, seen from the server.
pub struct ServerSocket {
    socket: WebSocket,
}

impl Channel for ServerSocket {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        self.socket.send(Frame::Text(text.into())).await.map_err(failed)
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        loop {
            match self.socket.recv().await {
                Some(Ok(Frame::Text(text))) => return Ok(Some(Incoming::Text(text.as_str().to_owned()))),
                Some(Ok(Frame::Binary(bytes))) => return Ok(Some(Incoming::Binary(bytes.len()))),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                Some(Ok(Frame::Close(_))) | None => return Ok(None),
                Some(Err(error)) => return Err(failed(error)),
            }
        }
    }

    async fn close(&mut self) {
        // Read on until the client has closed as well: leaving with its words unread would reset the connection, and
        // the reset may overtake our close.
        let goodbye = async {
            if self.socket.send(Frame::Close(None)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        let _ = tokio::time::timeout(GOODBYE_LIMIT, goodbye).await;
    }
}

fn failed(error: axum::Error) -> ChannelError {
    ChannelError::Failed(error.into_inner())
}

/// How long a client may take to answer our close.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
