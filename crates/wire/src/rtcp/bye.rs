//! Goodbye (RFC 3550 §6.6): sources that end.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|    SC   |   PT=BYE=203  |             length            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           SC x SSRC                           |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |     length    |               reason for leaving            ... (optional)
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::borrow::Cow;

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::header::{Error, Header, Writer};
use crate::rtp::Ssrc;

/// Sources that end, and why. Packet type 203.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Goodbye {
    /// Those that end; only the first 31 are written.
    pub ssrcs: Vec<Ssrc>,
    /// Why: UTF-8 as it should be, any bytes as it may be. Only the first 255 bytes are written.
    pub reason: Option<Vec<u8>>,
}

impl Goodbye {
    /// The packet type.
    pub const PACKET_TYPE: u8 = 203;

    /// The reason as text; bytes that are no UTF-8 are replaced.
    pub fn reason_text(&self) -> Option<Cow<'_, str>> {
        self.reason.as_deref().map(String::from_utf8_lossy)
    }

    pub(crate) fn parse(header: Header, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let ssrcs = (0..header.count).map(|_| reader.u32().map(Ssrc)).collect::<Result<_, _>>()?;
        if reader.is_empty() {
            return Ok(Self { ssrcs, reason: None });
        }
        let len = usize::from(reader.u8()?);
        Ok(Self { ssrcs, reason: Some(reader.take(len)?.to_vec()) })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let ssrcs = self.ssrcs.get(..MAX_SOURCES).unwrap_or(&self.ssrcs);
        let mut writer = Writer::new(out, Self::PACKET_TYPE, ssrcs.len() as u8);
        ssrcs.iter().for_each(|ssrc| writer.u32(ssrc.0));
        if let Some(reason) = &self.reason {
            let reason = reason.get(..255).unwrap_or(reason);
            writer.u8(reason.len() as u8);
            writer.bytes(reason);
        }
        writer.finish();
    }
}

const MAX_SOURCES: usize = 31;
