//! What INIT and INIT ACK settle between both ends (RFC 9260 §5.1, RFC 5061 §4.2.7): pure functions.

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{
    Cause, Chunk, ForwardTsn, Init, InterleavedData, InterleavedForwardTsn, Parameter, Reconfig, Tag, Tsn,
};

use crate::sctp::config::Config;

/// The peer's half of an association, and what both can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The tag that our packets carry.
    pub tag: Tag,
    /// The peer's first TSN.
    pub initial_tsn: Tsn,
    /// The peer's first window.
    pub window: u32,
    /// How many streams we may send on.
    pub outbound: u16,
    /// How many streams the peer may send on.
    pub inbound: u16,
    /// Messages are interleaved (RFC 8260).
    pub interleaving: bool,
    /// Messages may be given up (RFC 3758).
    pub partial: bool,
    /// Streams may be reset (RFC 6525).
    pub reconfig: bool,
    /// The peer takes packets without checksum because of DTLS (RFC 9653).
    pub zero_checksum: bool,
}

/// Why an INIT or INIT ACK opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// To be passed over in silence: a tag of zero (RFC 9260 §3.3.2).
    Silent,
    /// No streams in one direction, which is answered with ABORT.
    NoStreams,
}

/// Our INIT, or what our INIT ACK has beside the cookie.
pub fn offer(config: &Config, tag: Tag, initial_tsn: Tsn, window: u32) -> Init {
    let mut kinds = vec![Reconfig::KIND, ForwardTsn::KIND];
    if config.interleaving {
        kinds.extend([InterleavedData::KIND, InterleavedForwardTsn::KIND]);
    }
    let mut parameters = vec![Parameter::ForwardTsn, Parameter::SupportedExtensions(kinds.into())];
    if config.zero_checksum {
        parameters.push(Parameter::ZeroChecksum(Parameter::DTLS));
    }
    Init {
        tag,
        a_rwnd: window,
        outbound_streams: config.outbound_streams,
        inbound_streams: config.inbound_streams,
        initial_tsn,
        parameters,
    }
}

/// What the peer's INIT or INIT ACK makes of our configuration.
pub fn agree(config: &Config, init: &Init) -> Result<Agreed, Refusal> {
    if init.tag == Tag(0) {
        return Err(Refusal::Silent);
    }
    if init.outbound_streams == 0 || init.inbound_streams == 0 {
        return Err(Refusal::NoStreams);
    }
    let partial = init.has_extension(ForwardTsn::KIND);
    Ok(Agreed {
        tag: init.tag,
        initial_tsn: init.initial_tsn,
        window: init.a_rwnd,
        outbound: config.outbound_streams.min(init.inbound_streams),
        inbound: config.inbound_streams.min(init.outbound_streams),
        interleaving: config.interleaving && init.has_extension(InterleavedData::KIND),
        partial,
        reconfig: init.has_extension(Reconfig::KIND),
        zero_checksum: config.zero_checksum && init.zero_checksum() == Some(Parameter::DTLS),
    })
}

/// The unknown parameters that the peer wants to be told of, whole, up to one that ends the reading
/// (RFC 9260 §3.2.1).
pub fn unknown_parameters(init: &Init) -> Vec<Bytes> {
    let mut found = Vec::new();
    for parameter in &init.parameters {
        let (Some(rule), Parameter::Unknown { kind, value }) = (parameter.unrecognized(), parameter) else {
            continue;
        };
        if rule.is_reported && found.len() < MAX_REPORTED {
            let mut whole = BytesMut::with_capacity(4 + value.len());
            whole.extend_from_slice(&kind.to_be_bytes());
            whole.extend_from_slice(&(value.len() as u16 + 4).to_be_bytes());
            whole.extend_from_slice(value);
            found.push(whole.freeze());
        }
        if rule.stops {
            break;
        }
    }
    found
}

/// An ERROR chunk with one cause.
pub fn error(cause: Cause) -> Chunk {
    Chunk::Error(peerless_wire::sctp::Errors { causes: vec![cause] })
}

/// How many unknown parameters are reported at most.
const MAX_REPORTED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_us_agree_on_all_that_we_have() {
        let config = Config::new([1; 32]);
        let init = offer(&config, Tag(7), Tsn(9), 5000);
        let agreed = agree(&config, &init).unwrap();
        assert_eq!((agreed.tag, agreed.initial_tsn, agreed.window), (Tag(7), Tsn(9), 5000));
        assert!(agreed.interleaving && agreed.partial && agreed.reconfig && agreed.zero_checksum);
    }

    #[test]
    fn what_one_side_lacks_is_not_used_and_the_smaller_number_of_streams_counts() {
        let config = Config::new([1; 32]);
        let init = Init {
            tag: Tag(7),
            a_rwnd: 1,
            outbound_streams: 10,
            inbound_streams: 20,
            initial_tsn: Tsn(0),
            parameters: vec![Parameter::ZeroChecksum(99)],
        };
        let agreed = agree(&config, &init).unwrap();
        assert_eq!((agreed.outbound, agreed.inbound), (20, 10));
        assert!(!agreed.interleaving && !agreed.partial && !agreed.reconfig && !agreed.zero_checksum);
        assert_eq!(agree(&config, &Init { tag: Tag(0), ..init.clone() }), Err(Refusal::Silent));
        assert_eq!(agree(&config, &Init { inbound_streams: 0, ..init }), Err(Refusal::NoStreams));
    }

    #[test]
    fn unknown_parameters_are_reported_until_one_forbids_to_read_on() {
        let unknown = |kind| Parameter::Unknown { kind, value: Bytes::from_static(b"abc") };
        let parameters = vec![unknown(0x8099), unknown(0xc099), unknown(0x4098), unknown(0xc098)];
        let init = Init { parameters, ..offer(&Config::new([1; 32]), Tag(1), Tsn(1), 1) };
        let told = unknown_parameters(&init);
        assert_eq!(told, [&b"\xc0\x99\x00\x07abc"[..], b"\x40\x98\x00\x07abc"]);
    }
}
