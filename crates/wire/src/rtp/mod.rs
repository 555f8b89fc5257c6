//! RTP packets (RFC 3550 §5), their identifiers and header extensions (RFC 8285).

mod id;
mod number;
mod known;
mod extension;
mod packet;

pub use extension::{ExtensionMap, Extensions};
pub use id::{Mid, PayloadType, Rid, Ssrc};
pub use known::{
    AbsCaptureTime, AudioLevel, CsrcLevels, ExtensionKind, PlayoutDelay, ShortText, VideoOrientation,
};
pub use number::{SequenceNumber, Unwrapper};
pub use packet::{Csrcs, Error, Header, Packet};
