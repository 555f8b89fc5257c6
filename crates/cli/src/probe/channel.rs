//! `-t 1`: a short random text comes back on the channel that it was sent on.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Instant;

use peerless::{DataChannel, DataChannelInit, Message};

use crate::probe::call::Call;
use crate::probe::report::{ChannelReport, ConnectionReport, Failure};

/// Runs the test on a call that offers nothing yet.
pub async fn run(call: &Call, url: &str) -> (Option<ConnectionReport>, Result<ChannelReport, Failure>) {
    let channel = match call.connection.create_data_channel("echo", DataChannelInit::default()) {
        Ok(channel) => channel,
        Err(error) => return (None, Err(error.into())),
    };
    match call.connect(url).await {
        Ok(connection) => (Some(connection), exchange(call, &channel).await),
        Err(failure) => (None, Err(failure)),
    }
}

async fn exchange(call: &Call, channel: &DataChannel) -> Result<ChannelReport, Failure> {
    open(call, channel).await?;
    let open_ms = call.begun.elapsed().as_secs_f64() * 1e3;
    let text = random_text();
    let sent = Instant::now();
    there_and_back(call, channel, Message::Text(text)).await?;
    Ok(ChannelReport { open_ms, round_trip_ms: sent.elapsed().as_secs_f64() * 1e3 })
}

/// Waits until the channel is open.
pub async fn open(call: &Call, channel: &DataChannel) -> Result<(), Failure> {
    match call.step("the channel does not open", channel.opened()).await? {
        true => Ok(()),
        false => Err(Failure::ChannelClosed("before it was open".into())),
    }
}

/// Sends a message and waits for it to come back as it was.
pub async fn there_and_back(call: &Call, channel: &DataChannel, message: Message) -> Result<(), Failure> {
    let sent = call.step("the message is not taken", channel.send(message.clone())).await?;
    sent.map_err(|error| Failure::Send(error.to_string()))?;
    match call.step("nothing comes back", channel.recv()).await? {
        Some(back) if back == message => Ok(()),
        Some(back) => Err(Failure::Different(format!("{back:?} instead of {message:?}"))),
        None => Err(Failure::ChannelClosed("by the echo, before the message came back".into())),
    }
}

/// Five letters.
fn random_text() -> String {
    let mut chance = RandomState::new().hash_one(Instant::now());
    let letter = |_| {
        let letter = b'a' + (chance % 26) as u8;
        chance /= 26;
        char::from(letter)
    };
    (0..5).map(letter).collect()
}
