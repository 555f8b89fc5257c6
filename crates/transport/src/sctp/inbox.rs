//! What comes, as the conductor sees it: numbers and chunks go to their rooms in `rx`, SACKs and messages come out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_wire::sctp::{Data, ForwardTsn, InterleavedData, InterleavedForwardTsn, Sack, StreamId, Tsn};

use crate::sctp::agreed::Agreed;
use crate::sctp::config::Config;
use crate::sctp::message::Message;
use crate::sctp::rx::{self, Reassembly, Room, Tracker, Violation};

/// The least time that counts as a round trip for the window.
const MIN_ROUND: Duration = Duration::from_millis(1);
/// Where the window starts as INIT tells it, unless its limit is less.
const FIRST_WINDOW: usize = 256 << 10;

/// The receiving half.
#[derive(Debug)]
pub struct Inbox {
    tracker: Tracker,
    reassembly: Reassembly,
    interleaved: bool,
    /// The window that the peer was told last.
    told: u32,
    round_trip: Duration,
    round_end: Instant,
    messages: u64,
    /// Whole messages from before the peer started anew.
    kept: VecDeque<Message>,
}

/// A chunk with data.
#[derive(Debug)]
pub enum Piece {
    /// DATA.
    Data(Data),
    /// I-DATA.
    Interleaved(InterleavedData),
}

/// What a chunk with data was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// New.
    New {
        /// Numbers are missing below it or were until now.
        gap: bool,
        /// Everything up to a higher number is there now.
        moved: bool,
    },
    /// It was there.
    Repeated,
    /// Not taken: it must come again.
    Dropped,
}

/// The window in INIT and INIT ACK.
pub fn first_window(config: &Config) -> u32 {
    let window = FIRST_WINDOW.max(2 * config.max_message_size).min(config.receive_window);
    u32::try_from(window).unwrap_or(u32::MAX)
}

impl Inbox {
    /// Nothing has come.
    pub fn new(now: Instant, config: &Config, agreed: &Agreed) -> Self {
        let (largest, limit) = (config.max_message_size, config.receive_window);
        Self {
            tracker: Tracker::new(agreed.initial_tsn),
            reassembly: Reassembly::new(agreed.interleaving, largest, limit, agreed.inbound),
            interleaved: agreed.interleaving,
            told: first_window(config),
            round_trip: config.timers.rto_initial,
            round_end: now,
            messages: 0,
            kept: VecDeque::new(),
        }
    }

    /// Takes over what can be read of the one before, when the peer has started anew.
    pub fn keep(&mut self, now: Instant, mut before: Self) {
        self.messages = before.messages;
        while let Some(message) = before.poll_message(now, None) {
            self.kept.push_back(message);
        }
    }

    /// Everything up to this number is there.
    pub fn cumulative(&self) -> Tsn {
        self.tracker.cumulative()
    }

    /// Takes a chunk.
    pub fn handle_piece(&mut self, tsn: Tsn, piece: Piece) -> Result<Arrival, Violation> {
        let len = match &piece {
            Piece::Data(data) => data.payload.len(),
            Piece::Interleaved(data) => data.payload.len(),
        };
        let is_next = self.tracker.is_next(tsn);
        if is_next || self.tracker.is_new(tsn) {
            match self.reassembly.room(len, is_next) {
                Room::Yes => {}
                Room::No => return Ok(Arrival::Dropped),
                Room::Never => return Err(Violation::Stuck),
            }
        }
        let had_gaps = self.tracker.has_gaps();
        match self.tracker.handle(tsn) {
            rx::Arrival::New { gap } => {
                match piece {
                    Piece::Data(data) => self.reassembly.handle_data(data)?,
                    Piece::Interleaved(data) => self.reassembly.handle_interleaved(data)?,
                }
                if is_next {
                    self.reassembly.handle_cumulative(self.tracker.cumulative());
                }
                Ok(Arrival::New { gap: gap || had_gaps, moved: is_next })
            }
            rx::Arrival::Duplicate => Ok(Arrival::Repeated),
            rx::Arrival::Outside => Ok(Arrival::Dropped),
        }
    }

    /// Messages were given up. Whether that was news.
    pub fn handle_forward(&mut self, forward: &ForwardTsn) -> bool {
        let is_moved = self.tracker.handle_forward(forward.cumulative);
        if is_moved {
            self.reassembly.handle_forward(forward);
            self.reassembly.handle_cumulative(self.tracker.cumulative());
        }
        is_moved
    }

    /// Messages were given up, in the form for interleaving. Whether that was news.
    pub fn handle_interleaved_forward(&mut self, forward: &InterleavedForwardTsn) -> bool {
        let is_moved = self.tracker.handle_forward(forward.cumulative);
        if is_moved {
            self.reassembly.handle_interleaved_forward(forward);
        }
        is_moved
    }

    /// Whether I-DATA and I-FORWARD TSN come.
    pub fn is_interleaved(&self) -> bool {
        self.interleaved
    }

    /// What comes on `streams` behind `last` waits for their reset.
    pub fn defer(&mut self, last: Tsn, streams: &[StreamId]) {
        self.reassembly.defer(last, streams);
    }

    /// The peer's `streams` begin again.
    pub fn reset(&mut self, streams: &[StreamId]) -> Result<(), Violation> {
        self.reassembly.reset(streams)
    }

    /// Appends a SACK of at most `room` bytes; whether there was room for one.
    pub fn write_sack(&mut self, room: usize, out: &mut BytesMut) -> bool {
        let Some(entries) = room.checked_sub(Sack::HEADER_LEN).map(|left| left / Sack::ENTRY_LEN) else {
            return false;
        };
        self.reassembly.make_room_for_pieces();
        let duplicates = self.tracker.duplicates();
        let duplicate_count = duplicates.len().min(entries / 4);
        let blocks = self.tracker.gaps().take(entries - duplicate_count);
        let window = self.reassembly.window().advertised();
        let duplicates = duplicates.iter().copied().take(duplicate_count);
        Sack::write_parts(out, self.tracker.cumulative(), window, blocks, duplicates);
        true
    }

    /// The SACK that was written has gone.
    pub fn handle_sack_sent(&mut self) {
        self.told = self.reassembly.window().advertised();
        self.tracker.clear_duplicates();
    }

    /// The next message, of one stream or of any.
    pub fn poll_message(&mut self, now: Instant, stream: Option<StreamId>) -> Option<Message> {
        let is_wanted = |kept: &Message| stream.is_none_or(|stream| stream == kept.stream);
        if let Some(place) = self.kept.iter().position(is_wanted) {
            self.messages += 1;
            return self.kept.remove(place);
        }
        let message = match stream {
            Some(stream) => self.reassembly.poll_stream_message(stream)?,
            None => self.reassembly.poll_message()?,
        };
        self.messages += 1;
        if now >= self.round_end {
            self.reassembly.handle_round();
            self.round_end = now + self.round_trip;
        }
        Some(message)
    }

    /// Whether the peer should hear that the window has opened: by a quarter of it, from almost closed.
    pub fn has_opened(&self) -> bool {
        let window = self.reassembly.window();
        let (size, now) = (window.size() as u64, u64::from(window.advertised()));
        now >= u64::from(self.told) + size / 4 && u64::from(self.told) < size / 2
    }

    /// A round trip was measured.
    pub fn handle_round_trip(&mut self, now: Instant, round_trip: Duration) {
        self.round_trip = round_trip.max(MIN_ROUND);
        self.round_end = self.round_end.min(now + self.round_trip);
    }

    /// How many messages were read, the window, and the bytes that are held.
    pub fn facts(&self) -> (u64, usize, usize) {
        let window = self.reassembly.window();
        (self.messages, window.size(), window.held())
    }
}
