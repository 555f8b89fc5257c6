//! RE-CONFIG: streams are reset or added (RFC 6525 §3, §4). Type 130. One chunk holds one or two parameters.

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::{RequestNumber, StreamId, Tsn};
use crate::sctp::tlv::{self, TlvWriter};

/// A RE-CONFIG chunk (RFC 6525 §3.1). Which pairs of parameters may stand together is for the association to judge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconfig {
    /// Requests and responses.
    pub parameters: Vec<ReconfigParameter>,
}

/// One parameter of a RE-CONFIG chunk (RFC 6525 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconfigParameter {
    /// Its sender resets streams that it sends on (§4.1). Type 13.
    OutgoingReset(OutgoingReset),
    /// Its sender wants streams reset that it receives on (§4.2). Type 14.
    IncomingReset(IncomingReset),
    /// All stream numbers and TSNs start anew (§4.3). Type 15.
    AssociationReset(RequestNumber),
    /// The answer to a request (§4.4). Type 16.
    Response(Response),
    /// Its sender adds streams that it sends on (§4.5). Type 17.
    AddOutgoing(AddStreams),
    /// Its sender wants streams added that it receives on (§4.6). Type 18.
    AddIncoming(AddStreams),
    /// Any other.
    Unknown {
        /// The parameter type.
        kind: u16,
        /// What follows type and length.
        value: Bytes,
    },
}

/// A reset of streams that its sender sends on (RFC 6525 §4.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           type 13             |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           re-configuration request sequence number            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           re-configuration response sequence number           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                 sender's last assigned TSN                    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      stream number 1          |      stream number 2          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingReset {
    /// The number of this request.
    pub request: RequestNumber,
    /// The incoming reset request that this is done for, or the last request seen.
    pub response: RequestNumber,
    /// Up to this one the streams' data is from before the reset.
    pub last_tsn: Tsn,
    /// Which streams; none means all.
    pub streams: Vec<StreamId>,
}

/// A wish that the other side reset streams that it sends on (RFC 6525 §4.2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           type 14             |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           re-configuration request sequence number            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      stream number 1          |      stream number 2          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingReset {
    /// The number of this request.
    pub request: RequestNumber,
    /// Which streams; none means all.
    pub streams: Vec<StreamId>,
}

/// The answer to a request (RFC 6525 §4.4).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           type 16             |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           re-configuration response sequence number           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                            result                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            sender's next TSN, only with the next one          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            receiver's next TSN                                |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// The number of the request.
    pub request: RequestNumber,
    /// What became of it.
    pub result: ResetResult,
    /// The next TSNs of sender and receiver, in the answer to an association reset.
    pub next_tsns: Option<(Tsn, Tsn)>,
}

/// What became of a request (RFC 6525 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetResult {
    /// There was nothing to do. 0.
    NothingToDo,
    /// Done. 1.
    Performed,
    /// Refused. 2.
    Denied,
    /// A stream number is wrong. 3.
    WrongStream,
    /// Another request is not done yet. 4.
    AlreadyInProgress,
    /// The request's number is not the next. 5.
    BadSequenceNumber,
    /// Not done yet: to be asked again. 6.
    InProgress,
    /// Any other, not known to RFC 6525.
    Unknown(u32),
}

/// Streams that are added at the end (RFC 6525 §4.5, §4.6).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         type 17, 18           |          length, 12           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           re-configuration request sequence number            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      number of new streams    |          reserved             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddStreams {
    /// The number of this request.
    pub request: RequestNumber,
    /// How many more.
    pub count: u16,
}

impl Reconfig {
    /// The chunk type.
    pub const KIND: u8 = 130;

    pub(crate) fn parse(mut value: Bytes) -> Result<Self, Error> {
        let mut parameters = Vec::new();
        while value.has_remaining() {
            parameters.push(ReconfigParameter::take(&mut value)?);
        }
        Ok(Self { parameters })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, Self::KIND, 0);
        self.parameters.iter().for_each(|parameter| parameter.write(&mut writer));
        writer.finish_chunk();
    }
}

impl ReconfigParameter {
    fn take(rest: &mut Bytes) -> Result<Self, Error> {
        let (kind, value) = tlv::take(rest)?;
        let mut reader = Reader::new(&value);
        Ok(match u16::from_be_bytes(kind) {
            OUTGOING_RESET => Self::OutgoingReset(OutgoingReset {
                request: RequestNumber(reader.u32()?),
                response: RequestNumber(reader.u32()?),
                last_tsn: Tsn(reader.u32()?),
                streams: streams(&mut reader)?,
            }),
            INCOMING_RESET => Self::IncomingReset(IncomingReset {
                request: RequestNumber(reader.u32()?),
                streams: streams(&mut reader)?,
            }),
            ASSOCIATION_RESET => Self::AssociationReset(RequestNumber(reader.u32()?)),
            RESPONSE => Self::Response(Response::parse(&mut reader)?),
            ADD_OUTGOING => Self::AddOutgoing(AddStreams::parse(&mut reader)?),
            ADD_INCOMING => Self::AddIncoming(AddStreams::parse(&mut reader)?),
            kind => Self::Unknown { kind, value },
        })
    }

    /// The parameter type.
    pub fn kind(&self) -> u16 {
        match self {
            Self::OutgoingReset(_) => OUTGOING_RESET,
            Self::IncomingReset(_) => INCOMING_RESET,
            Self::AssociationReset(_) => ASSOCIATION_RESET,
            Self::Response(_) => RESPONSE,
            Self::AddOutgoing(_) => ADD_OUTGOING,
            Self::AddIncoming(_) => ADD_INCOMING,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn write(&self, chunk: &mut TlvWriter<'_>) {
        let mut writer = chunk.inner(self.kind());
        match self {
            Self::OutgoingReset(reset) => {
                writer.u32(reset.request.0);
                writer.u32(reset.response.0);
                writer.u32(reset.last_tsn.0);
                reset.streams.iter().for_each(|stream| writer.u16(stream.0));
            }
            Self::IncomingReset(reset) => {
                writer.u32(reset.request.0);
                reset.streams.iter().for_each(|stream| writer.u16(stream.0));
            }
            Self::AssociationReset(request) => writer.u32(request.0),
            Self::Response(response) => {
                writer.u32(response.request.0);
                writer.u32(response.result.code());
                if let Some((sender, receiver)) = response.next_tsns {
                    writer.u32(sender.0);
                    writer.u32(receiver.0);
                }
            }
            Self::AddOutgoing(add) | Self::AddIncoming(add) => {
                writer.u32(add.request.0);
                writer.u16(add.count);
                writer.u16(0);
            }
            Self::Unknown { value, .. } => writer.bytes(value),
        }
        writer.finish();
    }
}

impl Response {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let request = RequestNumber(reader.u32()?);
        let result = ResetResult::from_code(reader.u32()?);
        let next_tsns = if reader.is_empty() { None } else { Some((Tsn(reader.u32()?), Tsn(reader.u32()?))) };
        Ok(Self { request, result, next_tsns })
    }
}

impl ResetResult {
    /// From the number on the wire.
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => Self::NothingToDo,
            1 => Self::Performed,
            2 => Self::Denied,
            3 => Self::WrongStream,
            4 => Self::AlreadyInProgress,
            5 => Self::BadSequenceNumber,
            6 => Self::InProgress,
            code => Self::Unknown(code),
        }
    }

    /// The number on the wire.
    pub fn code(self) -> u32 {
        match self {
            Self::NothingToDo => 0,
            Self::Performed => 1,
            Self::Denied => 2,
            Self::WrongStream => 3,
            Self::AlreadyInProgress => 4,
            Self::BadSequenceNumber => 5,
            Self::InProgress => 6,
            Self::Unknown(code) => code,
        }
    }
}

impl AddStreams {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { request: RequestNumber(reader.u32()?), count: reader.u16()? })
    }
}

fn streams(reader: &mut Reader<'_>) -> Result<Vec<StreamId>, Error> {
    let mut streams = Vec::with_capacity(reader.left() / 2);
    while !reader.is_empty() {
        streams.push(StreamId(reader.u16()?));
    }
    Ok(streams)
}

const OUTGOING_RESET: u16 = 13;
const INCOMING_RESET: u16 = 14;
const ASSOCIATION_RESET: u16 = 15;
const RESPONSE: u16 = 16;
const ADD_OUTGOING: u16 = 17;
const ADD_INCOMING: u16 = 18;
