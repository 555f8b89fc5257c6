//! The signalling states and what moves between them (RFC 9429 §3.2, webrtc-pc §4.3.1).

use crate::state::{SdpType, SignalingState};

/// Whose description it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Ours: `setLocalDescription`.
    Local,
    /// The remote's: `setRemoteDescription`.
    Remote,
}

/// The state after setting a description of this kind; `None` where the state does not allow it.
///
/// A remote offer in `have-local-offer` is `None` here: it needs a rollback first, which `apply` does.
pub fn next_state(state: SignalingState, source: Source, kind: SdpType) -> Option<SignalingState> {
    use SignalingState as State;
    match (source, kind, state) {
        (Source::Local, SdpType::Offer, State::Stable | State::HaveLocalOffer) => Some(State::HaveLocalOffer),
        (Source::Remote, SdpType::Offer, State::Stable | State::HaveRemoteOffer) => {
            Some(State::HaveRemoteOffer)
        }
        (Source::Local, SdpType::Pranswer, State::HaveRemoteOffer | State::HaveLocalPranswer) => {
            Some(State::HaveLocalPranswer)
        }
        (Source::Remote, SdpType::Pranswer, State::HaveLocalOffer | State::HaveRemotePranswer) => {
            Some(State::HaveRemotePranswer)
        }
        (Source::Local, SdpType::Answer, State::HaveRemoteOffer | State::HaveLocalPranswer) => {
            Some(State::Stable)
        }
        (Source::Remote, SdpType::Answer, State::HaveLocalOffer | State::HaveRemotePranswer) => {
            Some(State::Stable)
        }
        // Either side's setter may roll back either side's offer, but not a provisional answer (webrtc-pc §4.4.1.5).
        (_, SdpType::Rollback, State::HaveLocalOffer | State::HaveRemoteOffer) => Some(State::Stable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{SdpType::*, SignalingState::*};

    #[test]
    fn allows_just_what_the_diagram_of_the_standard_shows() {
        let allowed = [
            (Stable, Source::Local, Offer, HaveLocalOffer),
            (Stable, Source::Remote, Offer, HaveRemoteOffer),
            (HaveLocalOffer, Source::Local, Offer, HaveLocalOffer),
            (HaveLocalOffer, Source::Local, Rollback, Stable),
            (HaveLocalOffer, Source::Remote, Rollback, Stable),
            (HaveLocalOffer, Source::Remote, Answer, Stable),
            (HaveLocalOffer, Source::Remote, Pranswer, HaveRemotePranswer),
            (HaveRemotePranswer, Source::Remote, Pranswer, HaveRemotePranswer),
            (HaveRemotePranswer, Source::Remote, Answer, Stable),
            (HaveRemoteOffer, Source::Remote, Offer, HaveRemoteOffer),
            (HaveRemoteOffer, Source::Local, Rollback, Stable),
            (HaveRemoteOffer, Source::Remote, Rollback, Stable),
            (HaveRemoteOffer, Source::Local, Answer, Stable),
            (HaveRemoteOffer, Source::Local, Pranswer, HaveLocalPranswer),
            (HaveLocalPranswer, Source::Local, Pranswer, HaveLocalPranswer),
            (HaveLocalPranswer, Source::Local, Answer, Stable),
        ];
        let states = [Stable, HaveLocalOffer, HaveRemoteOffer, HaveLocalPranswer, HaveRemotePranswer, Closed];
        for state in states {
            for source in [Source::Local, Source::Remote] {
                for kind in [Offer, Pranswer, Answer, Rollback] {
                    let expected = allowed.iter().find(|row| (row.0, row.1, row.2) == (state, source, kind));
                    let expected = expected.map(|row| row.3);
                    assert_eq!(next_state(state, source, kind), expected, "{state} {source:?} {kind}");
                }
            }
        }
    }
}
