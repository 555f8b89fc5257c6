//! The client's end of signalling over WebSocket (RFC 6455).

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::channel::{Channel, ChannelError, Incoming, MESSAGE_LIMIT};

/// Opens a socket to a `ws://` address. With `?role=offer` in it we are to offer, else the server does.
///
/// `wss://` is not built in and refused. Gives up after ten seconds.
///
/// # Errors
/// `Refused` with what the address or the server said; `TimedOut`.
pub async fn connect(address: &str) -> Result<ClientSocket, ConnectError> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
    let connecting = tokio_tungstenite::connect_async_with_config(address, Some(config), true);
    match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
        Ok(Ok((socket, _))) => Ok(ClientSocket { socket }),
        Ok(Err(error)) => Err(ConnectError::Refused(Box::new(error))),
        Err(_) => Err(ConnectError::TimedOut),
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A bad address, nobody there, or no WebSocket.
    #[error("{0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer within ten seconds")]
    TimedOut,
}

/// A socket to a signalling server.
pub struct ClientSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Channel for ClientSocket {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        self.socket.send(Frame::text(text)).await.map_err(failed)
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Frame::Text(text))) => return Ok(Some(Incoming::Text(text.as_str().to_owned()))),
                Some(Ok(Frame::Binary(bytes))) => return Ok(Some(Incoming::Binary(bytes.len()))),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                Some(Ok(Frame::Close(_))) | None => return Ok(None),
                Some(Err(error)) => return Err(failed(error)),
            }
        }
    }

    async fn close(&mut self) {
        let goodbye = async {
            if self.socket.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = tokio::time::timeout(GOODBYE_LIMIT, goodbye).await;
    }
}

fn failed(error: tungstenite::Error) -> ChannelError {
    ChannelError::Failed(Box::new(error))
}

/// How long a server may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long the server may take to answer our close.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
