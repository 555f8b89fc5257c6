//! Whom a receiver has heard, and what senders and receivers can do at all (webrtc-pc §5.2, §5.3).

use std::time::Instant;

use peerless_peer::capabilities::{self, RtpCapabilities};
use peerless_peer::state::MediaKind;
use peerless_rtp::source::MediaSource;

use crate::receiver::Receiver;
use crate::sender::Sender;

impl Receiver {
    /// `getSynchronizationSources`: the sources whose frames were given in the last ten seconds, the latest first, with
    /// their loudness where their packets tell it (RFC 6464).
    pub fn synchronization_sources(&self) -> Vec<MediaSource> {
        self.shared.look().peer.synchronization_sources(Instant::now(), self.id)
    }

    /// `getContributingSources`: the sources that a mixer joined in these frames, likewise (RFC 6465).
    pub fn contributing_sources(&self) -> Vec<MediaSource> {
        self.shared.look().peer.contributing_sources(Instant::now(), self.id)
    }

    /// `getCapabilities`: what can be received at all, by a connection whose configuration has all codecs.
    pub fn capabilities(kind: MediaKind) -> RtpCapabilities {
        capabilities::receiver(kind)
    }
}

impl Sender {
    /// `getCapabilities`: what can be sent at all, likewise.
    pub fn capabilities(kind: MediaKind) -> RtpCapabilities {
        capabilities::sender(kind)
    }
}
