//! What the demo says: one plain line for each thing that happens to a client.

use peerless::{Codec, DtlsState, Event, MediaKind, SelectedPair, TransceiverId};
use peerless_signal::{Ended, Rejection, Step};

/// The lines for an event; none for what is of no interest to a reader.
pub fn event(event: &Event, kind_of: impl Fn(TransceiverId) -> Option<MediaKind>) -> Vec<String> {
    match event {
        Event::IceConnectionState(state) => vec![format!("ICE {state}")],
        Event::ConnectionState(state) => vec![format!("connection {state}")],
        Event::SelectedPair(pair) => vec![format!("path {}", path(pair))],
        Event::DtlsState(DtlsState::Closed) => vec!["DTLS closed by the client".to_owned()],
        Event::DtlsFailed(failure) => vec![format!("DTLS failed: {failure}")],
        Event::Secured(secured) => {
            let handshake = format!("{}, {}", secured.version, secured.cipher);
            std::iter::once(handshake).chain(secured.srtp_profile.map(str::to_owned)).collect()
        }
        Event::Negotiated { transceiver, codec } => {
            let kind = kind_of(*transceiver).map_or("media", MediaKind::as_str);
            vec![match codec {
                Some(codec) => format!("{kind} as {}", format(codec)),
                None => format!("{kind} is not sent"),
            }]
        }
        Event::IceCandidateError(error) => {
            vec![format!("{}: {} {}", error.url, error.error_code, error.error_text)]
        }
        _ => Vec::new(),
    }
}

/// Our address and the other side's, with the kinds of their candidates.
pub fn path(pair: &SelectedPair) -> String {
    format!("{} ({}) to {} ({})", pair.local, pair.local_kind, pair.remote, pair.remote_kind)
}

/// `opus/48000/2, payload type 111`, as in `a=rtpmap`.
fn format(codec: &Codec) -> String {
    let channels = if codec.channels > 1 { format!("/{}", codec.channels) } else { String::new() };
    let parameters =
        if codec.parameters.is_empty() { String::new() } else { format!(" ({})", codec.parameters) };
    let name = codec.format.name();
    format!("{name}/{}{channels}{parameters}, payload type {}", codec.clock_rate, codec.payload_type)
}

/// The line for a step of the exchange, where it is of interest.
pub fn step(step: &Step) -> Option<String> {
    match step {
        Step::Sent(kind) => Some(format!("{kind} sent")),
        Step::Taken(kind) => Some(format!("{kind} received")),
        Step::NoOffer(error) => Some(format!("no offer: {error}")),
        Step::Ended(Ended::ChannelFailed(error)) => Some(format!("signalling failed: {error}")),
        _ => None,
    }
}

/// The line for something a client sent that was refused.
pub fn rejection(rejection: &Rejection) -> String {
    // Errors may quote the input: one line of it, and not a long one.
    let text = rejection.to_string();
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    format!("signalling: {plain}")
}
