//! INIT and INIT ACK, by which an association is opened (RFC 9260 §3.3.2, §3.3.3). Both have this form:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   type 1, 2   |  flags, 0     |            length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                          initiate tag                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            advertised receiver window credit (a_rwnd)         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  number of outbound streams   |   number of inbound streams   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                          initial TSN                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! :                          parameters                           :
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::{Tag, Tsn};
use crate::sctp::parameter::Parameter;
use crate::sctp::tlv::TlvWriter;

/// What INIT and INIT ACK say. Whether the values are ones that RFC 9260 §3.3.2 allows (no tag, no streams) is for the
/// association to judge, as the answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The tag that packets to the sender of this must carry; 0 is not allowed.
    pub tag: Tag,
    /// How many bytes its sender has room for.
    pub a_rwnd: u32,
    /// How many streams its sender wants to send on; 0 is not allowed.
    pub outbound_streams: u16,
    /// How many streams its sender takes at most; 0 is not allowed.
    pub inbound_streams: u16,
    /// The number of its sender's first DATA chunk.
    pub initial_tsn: Tsn,
    /// Cookie, extensions and others.
    pub parameters: Vec<Parameter>,
}

impl Init {
    /// The chunk type of INIT.
    pub const KIND: u8 = 1;
    /// The chunk type of INIT ACK.
    pub const ACK_KIND: u8 = 2;

    pub(crate) fn parse(mut value: Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(&value);
        let (tag, a_rwnd) = (Tag(reader.u32()?), reader.u32()?);
        let (outbound_streams, inbound_streams) = (reader.u16()?, reader.u16()?);
        let initial_tsn = Tsn(reader.u32()?);
        value.advance(FIXED_LEN);
        let parameters = Parameter::take_all(value)?;
        Ok(Self { tag, a_rwnd, outbound_streams, inbound_streams, initial_tsn, parameters })
    }

    /// The state cookie, where there is one.
    pub fn cookie(&self) -> Option<&Bytes> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::StateCookie(cookie) => Some(cookie),
            _ => None,
        })
    }

    /// Whether its sender knows chunks of type `kind`, by its supported extensions (RFC 5061 §4.2.7), or in the
    /// case of FORWARD TSN by that parameter of its own (RFC 3758 §3.1).
    pub fn has_extension(&self, kind: u8) -> bool {
        self.parameters.iter().any(|parameter| match parameter {
            Parameter::SupportedExtensions(kinds) => kinds.contains(&kind),
            Parameter::ForwardTsn => kind == FORWARD_TSN_CHUNK,
            _ => false,
        })
    }

    /// The error detection method by which its sender takes zero checksums, where it takes them (RFC 9653 §4).
    pub fn zero_checksum(&self) -> Option<u32> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::ZeroChecksum(method) => Some(*method),
            _ => None,
        })
    }

    /// Appends it as a chunk of type `kind`: [`KIND`](Self::KIND) or [`ACK_KIND`](Self::ACK_KIND).
    pub(crate) fn write(&self, kind: u8, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, kind, 0);
        writer.u32(self.tag.0);
        writer.u32(self.a_rwnd);
        writer.u16(self.outbound_streams);
        writer.u16(self.inbound_streams);
        writer.u32(self.initial_tsn.0);
        self.parameters.iter().for_each(|parameter| parameter.write(&mut writer));
        writer.finish_chunk();
    }
}

const FIXED_LEN: usize = 16;
const FORWARD_TSN_CHUNK: u8 = 192;
