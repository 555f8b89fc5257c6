//! `-t reopen`: channels are opened, used and closed two hundred times, one after the other, so that ids come back into
//! use.

use std::collections::BTreeSet;
use std::time::Instant;

use peerless::{DataChannelInit, Message};

use crate::probe::call::Call;
use crate::probe::channel::{open, there_and_back};
use crate::probe::report::{ConnectionReport, Failure, ReopenReport};

/// Runs the test on a call that offers nothing yet.
pub async fn run(call: &Call, url: &str) -> (Option<ConnectionReport>, Result<ReopenReport, Failure>) {
    // One channel stays, so that there is something to offer.
    let kept = match call.connection.create_data_channel("kept", DataChannelInit::default()) {
        Ok(kept) => kept,
        Err(error) => return (None, Err(error.into())),
    };
    let connection = match call.connect(url).await {
        Ok(connection) => connection,
        Err(failure) => return (None, Err(failure)),
    };
    let test = async {
        open(call, &kept).await?;
        let report = reopen(call).await?;
        there_and_back(call, &kept, Message::Text("still here".into())).await?;
        Ok(report)
    };
    (Some(connection), test.await)
}

async fn reopen(call: &Call) -> Result<ReopenReport, Failure> {
    let (mut ids, mut longest) = (BTreeSet::new(), 0.0_f64);
    for number in 0..CHANNELS {
        let begun = Instant::now();
        let mut init = DataChannelInit::default();
        init.ordered = number % 2 == 0;
        let channel = call.connection.create_data_channel(&format!("channel {number}"), init)?;
        open(call, &channel).await?;
        ids.extend(channel.id());
        there_and_back(call, &channel, Message::Text(format!("number {number}"))).await?;
        channel.close();
        call.step("the channel does not close", channel.closed()).await?;
        longest = longest.max(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(ReopenReport { channels: CHANNELS, ids: ids.len(), longest_ms: longest })
}

/// How many, one after the other.
const CHANNELS: usize = 200;
