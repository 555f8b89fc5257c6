//! The chunks of a packet, told apart by their type (RFC 9260 §3.2).

use bytes::{Bytes, BytesMut};

use crate::sctp::control::{Abort, Errors, Heartbeat, REFLECTED, Shutdown, reflected_bit};
use crate::sctp::data::{Data, InterleavedData};
use crate::sctp::error::Error;
use crate::sctp::forward::{ForwardTsn, InterleavedForwardTsn};
use crate::sctp::init::Init;
use crate::sctp::reconfig::Reconfig;
use crate::sctp::sack::Sack;
use crate::sctp::tlv::{self, TlvWriter, Unrecognized};

/// One chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunk {
    /// A fragment of a message (RFC 9260 §3.3.1).
    Data(Data),
    /// A fragment of a message that may be mixed with others (RFC 8260 §2.1).
    InterleavedData(InterleavedData),
    /// The wish for an association (RFC 9260 §3.3.2).
    Init(Init),
    /// Its answer, with the cookie (RFC 9260 §3.3.3).
    InitAck(Init),
    /// What arrived (RFC 9260 §3.3.4).
    Sack(Sack),
    /// Are you there? (RFC 9260 §3.3.5)
    Heartbeat(Heartbeat),
    /// I am (RFC 9260 §3.3.6).
    HeartbeatAck(Heartbeat),
    /// The end, at once (RFC 9260 §3.3.7).
    Abort(Abort),
    /// Nothing more to send (RFC 9260 §3.3.8).
    Shutdown(Shutdown),
    /// Nor here (RFC 9260 §3.3.9). Type 8.
    ShutdownAck,
    /// Something was wrong (RFC 9260 §3.3.10).
    Error(Errors),
    /// The cookie as it came in the INIT ACK (RFC 9260 §3.3.11). Type 10.
    CookieEcho(Bytes),
    /// The association stands (RFC 9260 §3.3.12). Type 11.
    CookieAck,
    /// The end of an association that was shut down (RFC 9260 §3.3.13). Type 14.
    ShutdownComplete {
        /// T: the packet's tag is the one its sender was sent, as it knows no other (RFC 9260 §8.5.1).
        reflected: bool,
    },
    /// Streams are reset or added (RFC 6525 §3.1).
    Reconfig(Reconfig),
    /// Nothing, so that the packet is large (RFC 4820 §3): with how many zeros behind type and length. Type 132.
    Padding(u16),
    /// Messages were given up (RFC 3758 §3.2).
    ForwardTsn(ForwardTsn),
    /// Messages were given up, where they may be mixed (RFC 8260 §2.3.1).
    InterleavedForwardTsn(InterleavedForwardTsn),
    /// Any other; its type says what is to be done ([`Unrecognized`]).
    Unknown {
        /// The chunk type.
        kind: u8,
        /// Its flags.
        flags: u8,
        /// What follows type, flags and length.
        value: Bytes,
    },
}

impl Chunk {
    /// Takes one chunk and its padding off the front of `rest`. Errs, and may then have taken it, where its length or
    /// what is in it is wrong.
    pub(crate) fn take(rest: &mut Bytes) -> Result<Self, Error> {
        let ([kind, flags], value) = tlv::take(rest)?;
        Ok(match kind {
            Data::KIND => Self::Data(Data::parse(flags, value)?),
            InterleavedData::KIND => Self::InterleavedData(InterleavedData::parse(flags, value)?),
            Sack::KIND => Self::Sack(Sack::parse(value)?),
            Init::KIND => Self::Init(Init::parse(value)?),
            Init::ACK_KIND => Self::InitAck(Init::parse(value)?),
            Heartbeat::KIND => Self::Heartbeat(Heartbeat::parse(value)?),
            Heartbeat::ACK_KIND => Self::HeartbeatAck(Heartbeat::parse(value)?),
            Abort::KIND => Self::Abort(Abort::parse(flags, value)?),
            Shutdown::KIND => Self::Shutdown(Shutdown::parse(&value)?),
            SHUTDOWN_ACK => Self::ShutdownAck,
            Errors::KIND => Self::Error(Errors::parse(value)?),
            COOKIE_ECHO => Self::CookieEcho(value),
            COOKIE_ACK => Self::CookieAck,
            SHUTDOWN_COMPLETE => Self::ShutdownComplete { reflected: flags & REFLECTED != 0 },
            Reconfig::KIND => Self::Reconfig(Reconfig::parse(value)?),
            PADDING => Self::Padding(value.len() as u16),
            ForwardTsn::KIND => Self::ForwardTsn(ForwardTsn::parse(&value)?),
            InterleavedForwardTsn::KIND => Self::InterleavedForwardTsn(InterleavedForwardTsn::parse(&value)?),
            kind => Self::Unknown { kind, flags, value },
        })
    }

    /// The chunk type.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Data(_) => Data::KIND,
            Self::InterleavedData(_) => InterleavedData::KIND,
            Self::Init(_) => Init::KIND,
            Self::InitAck(_) => Init::ACK_KIND,
            Self::Sack(_) => Sack::KIND,
            Self::Heartbeat(_) => Heartbeat::KIND,
            Self::HeartbeatAck(_) => Heartbeat::ACK_KIND,
            Self::Abort(_) => Abort::KIND,
            Self::Shutdown(_) => Shutdown::KIND,
            Self::ShutdownAck => SHUTDOWN_ACK,
            Self::Error(_) => Errors::KIND,
            Self::CookieEcho(_) => COOKIE_ECHO,
            Self::CookieAck => COOKIE_ACK,
            Self::ShutdownComplete { .. } => SHUTDOWN_COMPLETE,
            Self::Reconfig(_) => Reconfig::KIND,
            Self::Padding(_) => PADDING,
            Self::ForwardTsn(_) => ForwardTsn::KIND,
            Self::InterleavedForwardTsn(_) => InterleavedForwardTsn::KIND,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// What is to be done with it where its type is unknown.
    pub fn unrecognized(&self) -> Option<Unrecognized> {
        match self {
            Self::Unknown { kind, .. } => Some(Unrecognized::chunk(*kind)),
            _ => None,
        }
    }

    /// Appends the chunk and its padding. It must fit the 16 bits of its length.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Data(data) => data.write(out),
            Self::InterleavedData(data) => data.write(out),
            Self::Init(init) | Self::InitAck(init) => init.write(self.kind(), out),
            Self::Sack(sack) => sack.write(out),
            Self::Heartbeat(heartbeat) | Self::HeartbeatAck(heartbeat) => heartbeat.write(self.kind(), out),
            Self::Abort(abort) => abort.write(out),
            Self::Shutdown(shutdown) => shutdown.write(out),
            Self::Error(errors) => errors.write(out),
            Self::Reconfig(reconfig) => reconfig.write(out),
            Self::ForwardTsn(forward) => forward.write(out),
            Self::InterleavedForwardTsn(forward) => forward.write(out),
            Self::ShutdownAck | Self::CookieAck => write_plain(out, self.kind(), 0, &[]),
            Self::ShutdownComplete { reflected } => {
                write_plain(out, SHUTDOWN_COMPLETE, reflected_bit(*reflected), &[]);
            }
            Self::CookieEcho(cookie) => write_plain(out, COOKIE_ECHO, 0, cookie),
            Self::Padding(len) => {
                let mut writer = TlvWriter::chunk(out, PADDING, 0);
                writer.zeros(usize::from(*len));
                writer.finish_chunk();
            }
            Self::Unknown { kind, flags, value } => write_plain(out, *kind, *flags, value),
        }
    }
}

fn write_plain(out: &mut BytesMut, kind: u8, flags: u8, value: &[u8]) {
    let mut writer = TlvWriter::chunk(out, kind, flags);
    writer.bytes(value);
    writer.finish_chunk();
}

const SHUTDOWN_ACK: u8 = 8;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;
const PADDING: u8 = 132;
