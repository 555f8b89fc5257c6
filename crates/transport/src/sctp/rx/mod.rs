//! What comes (RFC 9260 §6, RFC 8260 §2): numbers → what is missing; chunks → messages, which wait here to be read.
//!
//! What the conductor asks of this room, once per chunk and in this order:
//! - `tracker::Tracker`: `new(first: Tsn)`; `is_new(tsn) -> bool` without changing anything (false: duplicate or too
//!   far ahead); `handle(tsn) -> Arrival` (`New { gap: bool }`, `Duplicate`, `Outside`), duplicates kept for the
//!   report up to a limit; `handle_forward(cumulative: Tsn) -> bool` (moved); `cumulative() -> Tsn`; `has_gaps()`;
//!   `gaps() -> impl Iterator` of the blocks and `duplicates() -> &[Tsn]` for the SACK, `clear_duplicates()` after it.
//! - `reassembly::Reassembly`: `new(interleaving, max_message_size, window limit, streams)`;
//!   `has_room(&chunk) -> bool`; `handle_data(chunk) -> Result<(), Violation>` and `handle_i_data`, after the tracker said new;
//!   `handle_forward(..)` for both kinds; `reset(streams or all)`; `poll_message(now) -> Option<Message>`;
//!   `window() -> u32` to advertise, `buffered() -> usize`; `handle_round(round_trip)` tunes the window up.
//! - `violation::Violation`: why a chunk cannot be right (`TooLarge`, no begin, ...), each an ABORT.
//!
//! `sctp/reset.rs` beside it: RFC 6525 for both directions, as a machine that takes and gives parameters.
