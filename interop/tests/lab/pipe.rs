//! Signalling over the streams of a process, a line a message: between a test and the hosts that it runs in processes and
//! namespaces of their own.

use peerless_signal::channel::{Channel, ChannelError, Incoming};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

/// Signalling over the streams of a process, a line a message.
pub struct Pipe {
    pub incoming: mpsc::UnboundedReceiver<String>,
    pub outgoing: mpsc::UnboundedSender<String>,
}

impl Channel for Pipe {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        self.outgoing.send(text).map_err(|error| ChannelError::Failed(Box::new(error)))
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        Ok(self.incoming.recv().await.map(Incoming::Text))
    }

    async fn close(&mut self) {}
}

/// What it says, a line each.
pub fn lines(from: impl AsyncRead + Unpin + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What it is told, a line each.
pub fn writer(mut to: impl AsyncWrite + Unpin + Send + 'static) -> mpsc::UnboundedSender<String> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(line) = receiver.recv().await {
            if to.write_all(format!("{line}\n").as_bytes()).await.is_err() || to.flush().await.is_err() {
                break;
            }
        }
    });
    sender
}

/// Of the standard input, which only a thread can wait for.
pub fn standard_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// To the standard output.
pub fn standard_writer() -> mpsc::UnboundedSender<String> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        while let Some(line) = receiver.blocking_recv() {
            println!("{line}");
        }
    });
    sender
}
