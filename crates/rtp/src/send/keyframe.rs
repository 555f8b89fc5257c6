//! When a request for a key frame (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1) is passed on to the encoder: not
//! while one is on its way already.

use std::time::{Duration, Instant};

use peerless_wire::rtp::Ssrc;

/// What a sender knows of the key frames asked for and sent.
#[derive(Debug, Default)]
pub struct KeyFrames {
    /// When the encoder was asked, until it gives one.
    asked: Option<Instant>,
    /// When the last packet of the last key frame left.
    sent: Option<Instant>,
    /// The command last obeyed, and who gave it (RFC 5104 §4.3.1.2).
    command: Option<(Ssrc, u8)>,
}

impl KeyFrames {
    /// Whether a request that came at `now` is to be passed on; then it counts as asked.
    ///
    /// It is not while the encoder has been asked less than [`PATIENCE`] ago, nor when a key frame left so lately
    /// that the remote cannot have known of it: if that one is lost too, the remote will ask again.
    pub fn ask(&mut self, now: Instant, rtt: Duration) -> bool {
        let within =
            |at: Option<Instant>, span| at.is_some_and(|at| now.saturating_duration_since(at) < span);
        if within(self.asked, PATIENCE) || within(self.sent, rtt.min(LONGEST_BLIND)) {
            return false;
        }
        self.asked = Some(now);
        true
    }

    /// Whether the FIR command with `sequence` from `sender` is a new one, not a repetition (RFC 5104 §4.3.1.2).
    pub fn is_new_command(&mut self, sender: Ssrc, sequence: u8) -> bool {
        let command = Some((sender, sequence));
        std::mem::replace(&mut self.command, command) != command
    }

    /// The encoder gave a key frame.
    pub fn given(&mut self) {
        self.asked = None;
    }

    /// The last packet of a key frame left.
    pub fn sent(&mut self, now: Instant) {
        self.sent = Some(now);
    }
}

/// How long an encoder may take for a key frame before it is asked again.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest round trip for which a request is thought to have crossed a key frame.
const LONGEST_BLIND: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    const MS: Duration = Duration::from_millis(1);
    const RTT: Duration = Duration::from_millis(100);

    #[test]
    fn one_request_is_passed_on_until_the_key_frame_comes_or_a_second_passes() {
        let start = start();
        let mut keys = KeyFrames::default();
        assert!(keys.ask(start, RTT));
        assert!(!keys.ask(start + 500 * MS, RTT));
        assert!(keys.ask(start + 1000 * MS, RTT));
        keys.given();
        assert!(keys.ask(start + 1001 * MS, RTT));
    }

    #[test]
    fn a_request_that_crossed_a_key_frame_is_not_passed_on() {
        let start = start();
        let mut keys = KeyFrames::default();
        keys.sent(start);
        assert!(!keys.ask(start + 99 * MS, RTT));
        assert!(keys.ask(start + 100 * MS, RTT));
    }

    #[test]
    fn a_repeated_command_is_known() {
        let mut keys = KeyFrames::default();
        assert!(keys.is_new_command(Ssrc(1), 7));
        assert!(!keys.is_new_command(Ssrc(1), 7));
        assert!(keys.is_new_command(Ssrc(1), 8));
        assert!(keys.is_new_command(Ssrc(2), 8));
    }
}
