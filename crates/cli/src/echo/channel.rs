//! Messages, sent back on the channel that brought them.

use peerless::{DataChannel, Message};

use crate::echo::counters::Counters;

/// Sends back until the channel closes; gives how many messages. One that waits to be sent keeps the next from being
/// read: a client that does not read its echo stops being read itself.
pub async fn send_back(channel: DataChannel, counters: &Counters) -> u64 {
    let mut sent = 0;
    while let Some(message) = channel.recv().await {
        let size = match &message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        };
        if channel.send(message).await.is_err() {
            break;
        }
        sent += 1;
        counters.count_message(size);
    }
    sent
}
