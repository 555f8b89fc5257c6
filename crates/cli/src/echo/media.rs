//! Media, sent back: the frames of a remote track are written to a local one of the same codec, as they are.

use std::time::Duration;

use peerless::{Frame, LocalTrack, RemoteTrack, WriteError};

use crate::echo::counters::Counters;

/// Sends back until either track ends. A wish for a key frame is passed on to who makes the frames.
pub async fn send_back(from: RemoteTrack, to: LocalTrack, counters: &Counters) -> Outcome {
    // The receiver there has a jitter buffer; one here would only add its delay.
    let _ = from.set_jitter_buffer_target(Some(Duration::ZERO));
    let mut outcome = Outcome::default();
    while let Some(received) = from.recv().await {
        if to.take_key_frame_request() {
            from.request_key_frame();
        }
        let frame = Frame::new(received.format, received.timestamp, received.key, received.payload);
        match to.write(&frame) {
            Ok(()) => {
                outcome.sent += 1;
                counters.count_frame(frame.payload.len());
            }
            Err(WriteError::Ended) => break,
            Err(error) => {
                // What follows leans on a frame that nobody has.
                from.request_key_frame();
                outcome.refused += 1;
                outcome.reason = Some(error);
            }
        }
    }
    outcome
}

/// What became of the frames of one track.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sent back.
    pub sent: u64,
    /// Not taken by the connection.
    pub refused: u64,
    /// Why the last of these was not.
    pub reason: Option<WriteError>,
}
