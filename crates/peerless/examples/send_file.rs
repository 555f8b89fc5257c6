//! Sends a file over a data channel: `cargo run --release -p peerless --example send_file -- FILE`.
//!
//! Both ends live in one program and hand each other their descriptions directly; `own_signalling.rs` shows what to do
//! where they do not. The file goes in pieces of 64 KiB: `send` waits while the connection's buffer is full, so neither a
//! large file nor a slow network fills the memory. The receiver says at the end what it got.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use peerless::{Configuration, DataChannel, DataChannelInit, Event, Message, PeerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How much one message carries: any WebRTC stack takes as much.
const PIECE: usize = 64 * 1024;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let file = tokio::fs::File::open(&path).await?;
    let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let began = Instant::now();
    let received = transfer(&name, file, tokio::io::sink()).await?;
    println!("{received} bytes of {name} in {:.2?}", began.elapsed());
    Ok(())
}

/// Sends what `from` gives over a connection of its own to `into`; gives the number of bytes.
pub async fn transfer(
    name: &str,
    from: impl AsyncRead + Unpin,
    into: impl AsyncWrite + Unpin + Send + 'static,
) -> Result<u64, Failure> {
    let sender = PeerConnection::new(Configuration::default())?;
    let receiver = PeerConnection::new(Configuration::default())?;
    let mut events = receiver.events();
    let mut init = DataChannelInit::default();
    init.protocol = "one-file".into();
    // The first channel makes the offer ask for a transport of channels.
    let channel = sender.create_data_channel(name, init)?;
    introduce(&sender, &receiver)?;

    let receiving = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::DataChannel(channel) = event {
                return receive(&channel, into).await;
            }
        }
        Err("the connection ended before the file came".into())
    });
    let sent = send(&channel, from).await?;
    let received = receiving.await??;
    sender.close();
    receiver.close();
    if sent == received { Ok(received) } else { Err(format!("{received} of {sent} bytes arrived").into()) }
}

/// Offer, answer and candidates, each side's to the other.
fn introduce(a: &PeerConnection, b: &PeerConnection) -> Result<(), Failure> {
    for (from, to) in [(a, b), (b, a)] {
        let (mut events, to) = (from.events(), to.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::IceCandidate(candidate) = event {
                    let _ = to.add_ice_candidate(&candidate);
                }
            }
        });
    }
    a.set_local_description(None)?;
    b.set_remote_description(a.local_description().ok_or("no offer")?)?;
    b.set_local_description(None)?;
    a.set_remote_description(b.local_description().ok_or("no answer")?)?;
    Ok(())
}

/// The file in pieces, then an empty message for its end; waits for the receiver's word.
async fn send(channel: &DataChannel, mut from: impl AsyncRead + Unpin) -> Result<u64, Failure> {
    if !channel.opened().await {
        return Err("the channel did not open".into());
    }
    let mut sent = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut from).take(PIECE as u64).read_to_end(&mut piece).await?;
        let (len, is_end) = (piece.len(), piece.is_empty());
        channel.send(piece).await?;
        sent += len as u64;
        if is_end {
            break;
        }
    }
    match channel.recv().await {
        Some(Message::Text(text)) => println!("the receiver says: {text}"),
        _ => return Err("the receiver said nothing".into()),
    }
    channel.close();
    channel.closed().await;
    Ok(sent)
}

/// Writes what comes until the empty message, then says so.
async fn receive(channel: &DataChannel, mut into: impl AsyncWrite + Unpin) -> Result<u64, Failure> {
    let mut received = 0;
    while let Some(message) = channel.recv().await.filter(|message| !message.is_empty()) {
        let piece = message.into_bytes();
        into.write_all(&piece).await?;
        received += piece.len() as u64;
    }
    into.flush().await?;
    channel.send(format!("{received} bytes of {} arrived", channel.label())).await?;
    channel.closed().await;
    Ok(received)
}
