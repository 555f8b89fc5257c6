//! SCTP packets (RFC 9260 §3) as data channels use them (RFC 8831): chunks, parameters and error causes, with partial
//! reliability (RFC 3758), stream reset (RFC 6525), interleaving (RFC 8260), the immediate bit (RFC 7053), padding
//! (RFC 4820) and zero checksums (RFC 9653).
//!
//! Reading slices the packet's `Bytes` and does not copy; DATA, I-DATA and SACK are read and written without an
//! allocation. A value that was read and is written again may differ in reserved bits and padding only, and written
//! twice it stays the same.

mod error;
mod number;
mod checksum;
mod tlv;
mod cause;
mod parameter;
mod init;
mod data;
mod sack;
mod control;
mod reconfig;
mod forward;
mod chunk;
mod packet;

pub use cause::Cause;
pub use checksum::{Checksum, crc32c_of};
pub use chunk::Chunk;
pub use control::{Abort, Errors, Heartbeat, Shutdown};
pub use data::{Data, DataFlags, InterleavedData};
pub use error::Error;
pub use forward::{ForwardTsn, InterleavedForwardTsn, SkippedMessage, SkippedStream};
pub use init::Init;
pub use number::{MessageId, Ppid, RequestNumber, Ssn, StreamId, Tag, Tsn};
pub use packet::{Chunks, Header, Packet, Writer};
pub use parameter::Parameter;
pub use reconfig::{
    AddStreams, IncomingReset, OutgoingReset, Reconfig, ReconfigParameter, ResetResult, Response,
};
pub use sack::{GapBlock, Sack};
pub use tlv::{Unrecognized, padded};
