//! When reports are sent (RFC 3550 §6.2, §6.3; RFC 4585 §3.5) and how a compound packet of many sources is put
//! together (RFC 3550 §6.1, RFC 8108 §5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_wire::rtcp::{ReceiverReport, ReportBlock, SdesChunk, SenderReport, SourceDescription};
use peerless_wire::rtp::Ssrc;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// When the next regular report is due.
///
/// The sessions have two members with unicast between them, who never leave unnoticed; so of RFC 3550 §6.3 the parts
/// for groups (reconsideration, back-off of BYE, timing out of members) have nothing to do here and are left out. With
/// two members feedback may be sent at once (RFC 4585 §3.5.1, T_dither_max = 0).
#[derive(Debug)]
pub struct Schedule {
    rng: ChaCha20Rng,
    due: Option<Instant>,
    /// The average size of compound packets, in bytes with IP and UDP headers (RFC 3550 §6.3.3).
    average: usize,
}

/// What decides how often reports are sent.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Whether there is video: then losses and round trips matter by the second.
    pub has_video: bool,
    /// The bitrate of the whole session, bit/s, of which reports take one part in twenty at most.
    pub bitrate: u64,
}

impl Schedule {
    /// Nothing is due. Chance comes from `seed`.
    pub fn new(seed: [u8; 32], stream: u64) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        rng.set_stream(stream);
        Self { rng, due: None, average: FIRST_AVERAGE }
    }

    /// A source began to send or was heard for the first time: a report follows early, so that its clock and media
    /// section are known soon (RFC 6051 §2.1).
    pub fn hasten(&mut self, now: Instant) {
        let due = now + self.vary(FIRST);
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// Whether a report is due at `now`; then the next one is planned.
    pub fn take_due(&mut self, now: Instant, load: Load) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        // RFC 3550 §6.3.1: the members' packets share a twentieth of the bandwidth.
        let bytes_per_second = (load.bitrate.max(LEAST_BITRATE) / 8 / 20).max(1);
        let shared = Duration::from_secs_f64((MEMBERS * self.average) as f64 / bytes_per_second as f64);
        let least = if load.has_video { VIDEO_INTERVAL } else { AUDIO_INTERVAL };
        let interval = self.vary(shared.max(least));
        self.due = Some(now + interval);
        true
    }

    /// Takes account of a compound packet sent or received (RFC 3550 §6.3.3).
    pub fn count(&mut self, bytes: usize) {
        self.average = (self.average * 15 + bytes + LOWER_HEADERS) / 16;
    }

    /// When a report is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Evenly between half and one and a half of `interval` (RFC 3550 §6.3.1).
    fn vary(&mut self, interval: Duration) -> Duration {
        interval / 2 + interval.mul_f64(f64::from(self.rng.next_u32()) / f64::from(u32::MAX))
    }
}

/// The reports of one round: as many compound packets as it takes.
#[derive(Debug, Default)]
pub struct Round {
    /// One for each of our sources that sends.
    pub reports: VecDeque<SenderReport>,
    /// One for each source heard.
    pub blocks: VecDeque<ReportBlock>,
}

/// What writing reports needs, kept from one to the next so that it costs no allocation.
#[derive(Debug)]
pub struct Desk {
    cname: String,
    /// Who is told of in the packet being written, and spare chunks behind them.
    description: SourceDescription,
    spare: Vec<SdesChunk>,
    blocks: Vec<ReportBlock>,
}

impl Desk {
    /// One for sources of the name `cname`.
    pub fn new(cname: &str) -> Self {
        let (description, spare) = (SourceDescription { chunks: Vec::new() }, Vec::new());
        Self { cname: cname.to_owned(), description, spare, blocks: Vec::new() }
    }

    fn clear(&mut self) {
        self.spare.append(&mut self.description.chunks);
    }

    fn add(&mut self, ssrc: Ssrc) {
        let made = || SourceDescription::of_cname([ssrc], &self.cname).chunks.pop();
        if let Some(chunk) = self.spare.pop().or_else(made) {
            self.description.chunks.push(SdesChunk { ssrc, ..chunk });
        }
    }
}

impl Round {
    /// Whether all was written.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.blocks.is_empty()
    }

    /// Appends the front of a compound packet, at most `limit` bytes long: sender reports, the first of them with
    /// report blocks, or else a receiver report by `reporter`, and who they all are. It tells of as much of the round
    /// as fits; of an empty round, that `reporter` is there.
    pub fn write(&mut self, reporter: Ssrc, desk: &mut Desk, limit: usize, out: &mut BytesMut) {
        let chunk = sdes_chunk_len(&desk.cname);
        desk.clear();
        let mut len = SDES_HEADER + chunk;
        match self.reports.pop_front() {
            Some(mut report) => {
                len += SENDER_REPORT;
                report.blocks = self.take_blocks(&mut len, limit, desk);
                report.write(out);
                desk.blocks = report.blocks;
                desk.add(report.ssrc);
            }
            None => {
                len += RECEIVER_REPORT;
                let blocks = self.take_blocks(&mut len, limit, desk);
                let report = ReceiverReport { ssrc: reporter, blocks, extension: Vec::new() };
                report.write(out);
                desk.blocks = report.blocks;
                desk.add(reporter);
            }
        }
        while len + SENDER_REPORT + chunk <= limit && desk.description.chunks.len() < MAX_CHUNKS {
            let Some(report) = self.reports.pop_front() else { break };
            len += SENDER_REPORT + chunk;
            report.write(out);
            desk.add(report.ssrc);
        }
        desk.description.write(out);
    }

    fn take_blocks(&mut self, len: &mut usize, limit: usize, desk: &mut Desk) -> Vec<ReportBlock> {
        let room = limit.saturating_sub(*len) / REPORT_BLOCK;
        let count = room.min(ReportBlock::MAX).min(self.blocks.len());
        *len += count * REPORT_BLOCK;
        let mut blocks = std::mem::take(&mut desk.blocks);
        blocks.clear();
        blocks.extend(self.blocks.drain(..count));
        blocks
    }
}

/// The source, a CNAME item, the end mark, and zeros up to a word (RFC 3550 §6.5).
fn sdes_chunk_len(cname: &str) -> usize {
    (4 + 2 + cname.len().min(255) + 1).next_multiple_of(4)
}

const SDES_HEADER: usize = 4;
const SENDER_REPORT: usize = 28;
const RECEIVER_REPORT: usize = 8;
const REPORT_BLOCK: usize = 24;

/// The most sources one SDES packet tells of.
const MAX_CHUNKS: usize = 31;

/// We and the remote.
const MEMBERS: usize = 2;

/// The interval with video before it is varied (RFC 3550 §6.2 has 5 s at least, RFC 4585 §3.5 lifts that).
const VIDEO_INTERVAL: Duration = Duration::from_secs(1);

/// The interval with sound only.
const AUDIO_INTERVAL: Duration = Duration::from_millis(2500);

/// The interval to the first report.
const FIRST: Duration = Duration::from_millis(100);

/// The session is reckoned to have at least a voice's bitrate, bit/s.
const LEAST_BITRATE: u64 = 64_000;

/// What the first compound packet is taken to measure.
const FIRST_AVERAGE: usize = 120;

/// IPv4 and UDP, as RFC 3550 §6.2 counts them in.
const LOWER_HEADERS: usize = 28;

#[cfg(test)]
mod tests;
