//! The section of data channels (RFC 8841): which one it is, and whether it can be taken.
//!
//! One section carries all channels of a connection; a second one is rejected. The form before the RFC, with the port
//! in the place of the format and `a=sctpmap`, is taken and answered in kind.

use peerless_wire::sdp::{Attribute, Description, Kind, Media};

use crate::jsep::view::{Descriptions, View};

/// The SCTP port of ours, and of a remote that names none.
pub(super) const PORT: u16 = 5000;
/// What carries data channels in our offers (RFC 8841 §4.2).
const PROTOCOL: &str = "UDP/DTLS/SCTP";
/// The only use of SCTP that we know (RFC 8864 §4, RFC 8841 §4.3).
const APPLICATION: &str = "webrtc-datachannel";
/// What a remote takes that does not say (RFC 8841 §6.1), bytes.
const DEFAULT_MESSAGE_SIZE: u64 = 65_536;

/// How a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// `UDP/DTLS/SCTP webrtc-datachannel` with `a=sctp-port` (RFC 8841), or the same over TCP.
    Named(&'a str),
    /// `DTLS/SCTP 5000` with `a=sctpmap` (draft-ietf-mmusic-sctp-sdp-07), with the port.
    Numbered(u16),
}

impl<'a> Form<'a> {
    /// The form of our own offers.
    pub(super) const OURS: Form<'static> = Form::Named(PROTOCOL);

    /// The form of a section for data channels; `None` where it is for something else.
    pub(super) fn of(media: &'a Media) -> Option<Self> {
        if media.kind != Kind::Application {
            return None;
        }
        match &*media.protocol {
            protocol @ (PROTOCOL | "TCP/DTLS/SCTP") => {
                (media.formats.trim() == APPLICATION).then_some(Self::Named(protocol))
            }
            "DTLS/SCTP" => {
                let port = media.formats.trim().parse().ok()?;
                let is_mapped = media.attributes.iter().any(|one| is_map(one, port));
                is_mapped.then_some(Self::Numbered(port))
            }
            _ => None,
        }
    }

    /// The words of the `m=` line: protocol and format.
    pub(super) fn words(self) -> (&'a str, String) {
        match self {
            Self::Named(protocol) => (protocol, APPLICATION.to_owned()),
            Self::Numbered(_) => ("DTLS/SCTP", PORT.to_string()),
        }
    }

    /// The line that says our port.
    pub(super) fn port_line(self) -> Attribute {
        match self {
            Self::Named(_) => Attribute::SctpPort(PORT),
            Self::Numbered(_) => Attribute::other("sctpmap", Some(&format!("{PORT} {APPLICATION} 65535"))),
        }
    }
}

/// `a=sctpmap:5000 webrtc-datachannel 1024`
fn is_map(attribute: &Attribute, port: u16) -> bool {
    let Attribute::Other { name, value: Some(value) } = attribute else { return false };
    let mut words = value.split_ascii_whitespace();
    &**name == "sctpmap"
        && words.next().and_then(|word| word.parse().ok()) == Some(port)
        && words.next() == Some(APPLICATION)
}

/// The SCTP port of a section that can carry our channels. Port 0 means that it shall not (RFC 8841 §5.2).
pub(super) fn port(media: &Media) -> Option<u16> {
    let port = match Form::of(media)? {
        Form::Numbered(port) => port,
        Form::Named(_) => {
            let said = media.find(|one| match one {
                Attribute::SctpPort(port) => Some(*port),
                _ => None,
            });
            said.unwrap_or(PORT)
        }
    };
    (port != 0 && !media.is_rejected()).then_some(port)
}

/// The longest message that the side of this section takes, bytes; `None` for any (RFC 8841 §6.1).
pub(super) fn max_message_size(media: &Media) -> Option<u64> {
    let said = media.find(|one| match one {
        Attribute::MaxMessageSize(size) => Some(*size),
        _ => None,
    });
    Some(said.unwrap_or(DEFAULT_MESSAGE_SIZE)).filter(|size| *size != 0)
}

/// Says the largest SCTP packet that the side of this section takes. Of no standard: who does not know it skips it
/// (RFC 8866 §5.13).
const PACKET_SIZE: &str = "x-max-packet-size";

/// The line that says the largest packet we take, bytes.
pub(super) fn packet_size_line(bytes: u64) -> Attribute {
    Attribute::other(PACKET_SIZE, Some(&bytes.to_string()))
}

/// The largest SCTP packet that the side of this section takes, bytes; `None` where it does not say.
pub(super) fn max_packet_size(media: &Media) -> Option<u64> {
    media.find(|one| match one {
        Attribute::Other { name, value: Some(value) } if &**name == PACKET_SIZE => value.parse().ok(),
        _ => None,
    })
}

/// The index of the section by which data channels were negotiated, and are still.
pub(crate) fn negotiated(descriptions: &Descriptions) -> Option<usize> {
    let (local, remote) = (descriptions.current_local.as_ref()?, descriptions.current_remote.as_ref()?);
    let mut both = local.media.iter().zip(&remote.media);
    both.position(|(ours, theirs)| port(ours).is_some() && port(theirs).is_some())
}

/// The index of the section of an offer of the remote that is for our channels: the one that carries them already,
/// else the first that could.
pub(super) fn offered(view: &View, offer: &Description) -> Option<usize> {
    let is_possible = |index: usize| offer.media.get(index).is_some_and(|media| port(media).is_some());
    match negotiated(&view.descriptions) {
        Some(index) => Some(index).filter(|&index| is_possible(index)),
        None => (0..offer.media.len()).find(|&index| is_possible(index)),
    }
}
