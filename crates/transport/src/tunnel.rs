//! An SCTP association in its tunnel of DTLS (RFC 8261): SCTP packets ⇄ sealed datagrams, several of equal size at once.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::dtls::{Endpoint, endpoint};
use crate::envelope::Envelope;
use crate::sctp::{Association, Config};

/// The most bytes that one send with segmentation takes: an IPv4 packet's worth of UDP payload.
const BATCH: usize = 65_507;
/// How many packets the last words of an association may take.
const LAST_WORDS: usize = 4;

/// The association, and what stands between it and DTLS.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) association: Association,
    is_connecting: bool,
    is_over: bool,
    /// A sealed datagram that was longer than the ones of the batch before it.
    waiting: BytesMut,
}

/// One batch: how many bytes were appended, and how long each datagram but the last is where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) size: usize,
    pub(crate) segment_size: Option<usize>,
}

impl Tunnel {
    /// An association whose packets fit in datagrams of `mtu` bytes until larger ones have been found to arrive.
    pub(crate) fn new(now: Instant, mut config: Config, mtu: usize) -> Self {
        config.packet_size = config.packet_size.min(mtu.saturating_sub(endpoint::OVERHEAD));
        Self {
            association: Association::new(now, config),
            is_connecting: false,
            is_over: false,
            waiting: BytesMut::new(),
        }
    }

    /// DTLS is connected: the association may begin.
    pub(crate) fn connect(&mut self, now: Instant) {
        if !self.is_connecting && !self.is_over {
            self.is_connecting = true;
            self.association.connect(now);
        }
    }

    /// DTLS has ended: so has the association. What has arrived can still be read.
    pub(crate) fn end(&mut self, now: Instant) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.waiting.clear();
        self.association.abort(now, "the transport has ended");
        let mut lost = BytesMut::new();
        while self.association.poll_transmit(now, &mut lost).is_some() {
            lost.clear();
        }
    }

    /// Ends the association at once, and gives the datagrams that tell the peer so.
    pub(crate) fn abort(&mut self, now: Instant, dtls: &mut Endpoint) -> Vec<Bytes> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        self.waiting.clear();
        self.association.abort(now, "closed");
        let mut last_words = Vec::new();
        while last_words.len() < LAST_WORDS {
            let mut datagram = BytesMut::new();
            if self.association.poll_transmit(now, &mut datagram).is_none() {
                break;
            }
            if dtls.seal(now, &mut datagram, 0) {
                last_words.push(datagram.freeze());
            }
        }
        last_words
    }

    /// When the association wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout().filter(|_| self.is_connecting && !self.is_over)
    }

    /// Appends up to `max_segments` datagrams of equal size to `out`; only the last may be shorter. A packet that is
    /// longer than the path is known to carry goes alone: segmentation would be refused.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        max_segments: usize,
        envelope: &Envelope,
        dtls: &mut Endpoint,
        out: &mut BytesMut,
    ) -> Option<Batch> {
        if !self.is_connecting || self.is_over {
            return None;
        }
        let known = self.association.stats().packet_size + endpoint::OVERHEAD;
        let start = out.len();
        let (mut segment, mut count) = (0, 0);
        while count < max_segments.max(1) && out.len() - start + segment <= BATCH {
            let whole = out.len();
            let begin = envelope.open(out);
            let Some(packet) = self.seal_next(now, dtls, out) else {
                envelope.cancel(out, begin);
                break;
            };
            envelope.close(out, begin);
            let size = out.len() - whole;
            if count > 0 && size > segment {
                self.waiting.extend_from_slice(out.get(begin..begin + packet).unwrap_or_default());
                out.truncate(whole);
                break;
            }
            count += 1;
            let is_last = size < segment || packet > known;
            segment = segment.max(size);
            if is_last {
                break;
            }
        }
        let batch = Batch { size: out.len() - start, segment_size: (count > 1).then_some(segment) };
        (count > 0).then_some(batch)
    }

    /// Appends the next datagram, and says how long it is.
    fn seal_next(&mut self, now: Instant, dtls: &mut Endpoint, out: &mut BytesMut) -> Option<usize> {
        if !self.waiting.is_empty() {
            out.extend_from_slice(&self.waiting);
            let size = self.waiting.len();
            self.waiting.clear();
            return Some(size);
        }
        let begin = out.len();
        self.association.poll_transmit(now, out)?;
        dtls.seal(now, out, begin).then(|| out.len() - begin)
    }
}
