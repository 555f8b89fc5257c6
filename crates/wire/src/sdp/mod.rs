//! Session descriptions (RFC 8866) with the attributes of WebRTC (RFC 9429 §5): typed where we act on them, kept
//! as they came where we do not.

mod error;
mod candidate;

pub use candidate::{Address, Candidate, CandidateKind, TcpType, TransportProtocol};
pub use error::{Error, Reason};
