//! Payload formats: how each codec's frames are cut into packets and put together again. VP8 (RFC 7741), H.264
//! (RFC 6184), Opus (RFC 7587), G.711, G.722 and L16 (RFC 3551). Beside them, telephone events
//! (RFC 4733), which are no frames.

mod error;
mod fragment;
mod vp8;
mod annex_b;
mod h264;
mod sound;
mod any;
mod telephone_event;

pub use any::{Depacketizer, Packetizer};
pub use error::Error;
pub use fragment::{Fragment, Inspection, MAX_FRAME_LEN, Prefix};
pub use telephone_event::{ToneReport, tone_reports};
pub use vp8::Descriptor as Vp8Descriptor;
