//! Session descriptions (RFC 8866) with the attributes of WebRTC (RFC 9429 §5): typed where we act on them, kept
//! as they came where we do not.

mod error;
mod line;
mod candidate;
mod codec;
mod fingerprint;
mod simulcast;
mod attribute;
mod media;
mod description;

pub use attribute::{Attribute, Direction, Extmap, Group, Msid, RtcpAddress, SsrcAttribute, SsrcGroup};
pub use candidate::{Address, Candidate, CandidateKind, TcpType, TransportProtocol};
pub use codec::{FeedbackKind, Fmtp, RtcpFeedback, Rtpmap, parameter};
pub use description::{Description, LIMIT, Origin};
pub use error::{Error, Reason};
pub use fingerprint::{Fingerprint, Setup};
pub use line::Line;
pub use media::{Kind, Media};
pub use simulcast::{RidLine, Simulcast, SimulcastStream, StreamDirection};
