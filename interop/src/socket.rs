//! JSON requests and answers over a browser's WebSocket, one at a time.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::process::{Error, PATIENCE};

/// A browser's remote control.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl Socket {
    /// Connects to the address that the browser printed.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let config =
            WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20));
        let (stream, _) = connect_async_with_config(url, Some(config), false)
            .await
            .map_err(|error| Error::Socket(error.to_string()))?;
        Ok(Self { stream, last_id: 0 })
    }

    /// Sends one command and waits for what comes of it; events in between are passed over.
    pub async fn call(
        &mut self,
        method: &str,
        parameters: Value,
        session: Option<&str>,
    ) -> Result<Value, Error> {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            request["sessionId"] = session.into();
        }
        let broken = |error: tokio_tungstenite::tungstenite::Error| Error::Socket(error.to_string());
        self.stream.send(Message::text(request.to_string())).await.map_err(broken)?;
        let answer = timeout(PATIENCE, async {
            while let Some(message) = self.stream.next().await {
                let Message::Text(text) = message.map_err(broken)? else { continue };
                let answer: Value =
                    serde_json::from_str(&text).map_err(|error| Error::Socket(error.to_string()))?;
                if answer["id"] == self.last_id {
                    return Ok(answer);
                }
            }
            Err(Error::Socket("closed".into()))
        });
        let mut answer = answer.await.map_err(|_| Error::Socket(format!("no answer to {method}")))??;
        if !answer["error"].is_null() {
            return Err(Error::Browser(format!("{method}: {answer}")));
        }
        Ok(answer["result"].take())
    }
}
