//! RTCP packets: reports (RFC 3550 §6), feedback (RFC 4585, RFC 5104), extended reports (RFC 3611) and
//! transport-wide congestion control feedback.

mod header;
mod report;
mod sdes;
mod bye;
mod feedback;
mod remb;
mod twcc;
mod xr;
mod compound;
mod summary;

pub use bye::Goodbye;
pub use compound::{Packet, check_compound, parse_compound};
pub use feedback::{FirRequest, FullIntraRequest, Nack, NackPair, PictureLoss};
pub use header::{Error, Header};
pub use remb::Remb;
pub use report::{ReceiverReport, ReportBlock, SenderReport};
pub use sdes::{SdesChunk, SdesItem, SdesKind, SourceDescription};
pub use twcc::{FeedbackBuilder, StatusChunk, TransportFeedback};
pub use xr::{DlrrBlock, ExtendedReport, XrBlock};
