//! `-t stress`: a thousand messages of 0 bytes to 256 KiB over an ordered channel, and as many over an unordered one at
//! the same time, come back as they were.

use std::collections::HashMap;
use std::time::Instant;

use peerless::{DataChannel, DataChannelInit, Message};

use crate::probe::call::Call;
use crate::probe::channel::open;
use crate::probe::report::{ConnectionReport, Failure, StressReport};

/// Runs the test on a call that offers nothing yet.
pub async fn run(call: &Call, url: &str) -> (Option<ConnectionReport>, Result<Vec<StressReport>, Failure>) {
    let channel = |label, ordered| {
        let mut init = DataChannelInit::default();
        init.ordered = ordered;
        call.connection.create_data_channel(label, init)
    };
    let channels = channel("ordered", true).and_then(|one| Ok((one, channel("unordered", false)?)));
    let (ordered, unordered) = match channels {
        Ok(channels) => channels,
        Err(error) => return (None, Err(error.into())),
    };
    let connection = match call.connect(url).await {
        Ok(connection) => connection,
        Err(failure) => return (None, Err(failure)),
    };
    let largest = largest(call);
    let both = async {
        let (ordered, unordered) =
            tokio::join!(stress(call, &ordered, largest), stress(call, &unordered, largest));
        Ok(vec![ordered?, unordered?])
    };
    (Some(connection), both.await)
}

/// What the echo takes, up to what we want to send.
fn largest(call: &Call) -> usize {
    let description = call.connection.remote_description();
    let sdp = description.map(|description| description.sdp).unwrap_or_default();
    let said = sdp.lines().find_map(|line| line.strip_prefix("a=max-message-size:")?.trim().parse().ok());
    match said {
        // RFC 8841 §6.1: zero is any size, and silence is 64 KiB.
        Some(0) => LARGEST,
        Some(limit) => LARGEST.min(limit),
        None => LARGEST.min(65_536),
    }
}

async fn stress(call: &Call, channel: &DataChannel, largest: usize) -> Result<StressReport, Failure> {
    open(call, channel).await?;
    let ordered = channel.ordered();
    let begun = Instant::now();
    let sending = async {
        for number in 0..MESSAGES {
            let sent = call.step("the next message is not taken", channel.send(message(number, largest)));
            sent.await?.map_err(|error| Failure::Send(error.to_string()))?;
        }
        Ok(())
    };
    let receiving = async {
        let mut expected = Expected::new(largest);
        let mut bytes = 0;
        for count in 0..MESSAGES {
            let Some(back) = call.step("nothing comes back any more", channel.recv()).await? else {
                return Err(Failure::ChannelClosed(format!("by the echo, after {count} messages")));
            };
            bytes += contents(&back).len() as u64;
            let known = if ordered { back == message(count, largest) } else { expected.take(&back) };
            if !known {
                let size = contents(&back).len();
                return Err(Failure::Different(format!("message {count}, of {size} bytes")));
            }
        }
        Ok(bytes)
    };
    let ((), bytes) = tokio::try_join!(sending, receiving)?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(StressReport { ordered, messages: MESSAGES, bytes, largest, seconds })
}

/// What is still to come, of messages in any order: their numbers by length and kind, so that each is compared whole and
/// none need be kept.
struct Expected {
    numbers: HashMap<(usize, bool), Vec<usize>>,
    largest: usize,
}

impl Expected {
    fn new(largest: usize) -> Self {
        let mut numbers = HashMap::<_, Vec<_>>::new();
        for number in 0..MESSAGES {
            let key = (size(number, largest), is_text(number));
            numbers.entry(key).or_default().push(number);
        }
        Self { numbers, largest }
    }

    /// Whether it is one that was still to come; it is not any more.
    fn take(&mut self, back: &Message) -> bool {
        let key = (contents(back).len(), matches!(back, Message::Text(_)));
        let Some(numbers) = self.numbers.get_mut(&key) else { return false };
        let found = numbers.iter().position(|&number| message(number, self.largest) == *back);
        found.map(|index| numbers.swap_remove(index)).is_some()
    }
}

fn contents(message: &Message) -> &[u8] {
    match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(bytes) => bytes,
    }
}

/// Message `number`: a size and contents of its own.
fn message(number: usize, largest: usize) -> Message {
    let size = size(number, largest);
    let mut chance = chance(number as u64);
    let byte = |_| {
        chance = chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (chance >> 56) as u8
    };
    let bytes: Vec<u8> = (0..size).map(byte).collect();
    if is_text(number) {
        Message::Text(bytes.iter().map(|byte| char::from(b' ' + byte % 95)).collect())
    } else {
        Message::Binary(bytes.into())
    }
}

fn is_text(number: usize) -> bool {
    number % 4 == 3
}

/// From nothing to the largest: the ends first, then as many of each magnitude.
fn size(number: usize, largest: usize) -> usize {
    match number {
        0 | 3 => 0,
        1 => 1,
        2 => largest,
        7 => largest,
        _ => {
            let share = (chance(number as u64) >> 11) as f64 / (1_u64 << 53) as f64;
            ((largest as f64).powf(share) as usize).min(largest)
        }
    }
}

/// SplitMix64.
fn chance(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// How many messages on each channel.
const MESSAGES: usize = 1_000;

/// The largest, bytes.
const LARGEST: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_of_all_sizes_and_both_kinds_and_always_the_same() {
        let all: Vec<Message> = (0..MESSAGES).map(|number| message(number, 65_536)).collect();
        let sizes: Vec<usize> = all.iter().map(|message| contents(message).len()).collect();
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&0), Some(&65_536)));
        for magnitude in [1, 16, 256, 4_096] {
            let some = sizes.iter().filter(|&&size| (magnitude..magnitude * 16).contains(&size)).count();
            assert!(some > 100, "{some} from {magnitude}");
        }
        assert!(all.iter().filter(|message| matches!(message, Message::Text(_))).count() == 250);
        assert!(all.iter().enumerate().all(|(number, one)| message(number, 65_536) == *one));
    }

    #[test]
    fn out_of_order_each_is_known_once_and_a_changed_one_never() {
        let mut expected = Expected::new(1_000);
        assert!((0..MESSAGES).rev().all(|number| expected.take(&message(number, 1_000))));
        assert!(!expected.take(&message(5, 1_000)));
        let mut expected = Expected::new(1_000);
        let Message::Binary(bytes) = message(2, 1_000) else { panic!("a binary one") };
        let mut changed = bytes.to_vec();
        changed[500] ^= 1;
        assert!(!expected.take(&Message::Binary(changed.into())));
    }
}
