//! What a description needs that only the peer can make.

use crate::jsep::answer;
use crate::jsep::offer;
use crate::jsep::view::View;
use crate::state::SdpType;

/// How many transports that nothing goes over there must be in the view, before an offer or an answer is created.
pub fn transports_wanted(view: &View, kind: SdpType) -> usize {
    match kind {
        SdpType::Offer => offer::transports_wanted(view),
        SdpType::Answer | SdpType::Pranswer => answer::transports_wanted(view),
        SdpType::Rollback => 0,
    }
}
