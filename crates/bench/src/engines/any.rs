//! Any engine by its kind.

use std::time::Instant;

use crate::engines::dcsctp;
use crate::engines::engine::{Engine, Kind, Setting};
use crate::engines::ours;
use crate::engines::quinn;
use crate::engines::rtc_sctp;
use crate::engines::sctp_proto;

/// Two ends of the same kind: the first is to be connected.
pub fn pair(kind: Kind, now: Instant, setting: Setting) -> [Box<dyn Engine>; 2] {
    match kind {
        Kind::Peerless => [1, 2].map(|seed| Box::new(ours::End::new(now, seed, setting)) as Box<dyn Engine>),
        Kind::SctpProto => {
            [false, true].map(|serves| Box::new(sctp_proto::End::new(serves, setting)) as Box<dyn Engine>)
        }
        Kind::RtcSctp => {
            [false, true].map(|serves| Box::new(rtc_sctp::End::new(serves, setting)) as Box<dyn Engine>)
        }
        Kind::Quinn => {
            [false, true].map(|serves| Box::new(quinn::End::new(serves, setting)) as Box<dyn Engine>)
        }
        Kind::Dcsctp => [(), ()].map(|()| Box::new(dcsctp::End::new(now, setting)) as Box<dyn Engine>),
    }
}
