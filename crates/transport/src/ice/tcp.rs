//! What TCP changes about candidates (RFC 6544 §4.2, §6.2): their preferences, and which of them make a pair.

use peerless_wire::sdp::{CandidateKind, TcpType};

/// The port that an active candidate is signalled with: nobody can connect to it (RFC 6544 §4.5).
pub(crate) const ACTIVE_PORT: u16 = 9;

/// Whether a connection can come about between these candidates, ours and the peer's; `None` is UDP (RFC 6544 §6.2).
pub(crate) fn can_connect(ours: Option<TcpType>, theirs: Option<TcpType>) -> bool {
    use TcpType::{Active, Passive, SimultaneousOpen};
    matches!(
        (ours, theirs),
        (None, None)
            | (Some(Active), Some(Passive))
            | (Some(Passive), Some(Active))
            | (Some(SimultaneousOpen), Some(SimultaneousOpen))
    )
}

/// What the other end of a connection is that came by a candidate of ours, where it was not signalled.
pub(crate) fn other_end(ours: Option<TcpType>) -> Option<TcpType> {
    ours.map(|ours| match ours {
        TcpType::Active => TcpType::Passive,
        TcpType::Passive => TcpType::Active,
        TcpType::SimultaneousOpen => TcpType::SimultaneousOpen,
    })
}

/// The type preference: below that of UDP's host and reflexive candidates, for what is lost holds up all behind it;
/// above that of relays.
pub(crate) fn type_preference(kind: CandidateKind) -> u32 {
    match kind {
        CandidateKind::Host => 90,
        CandidateKind::PeerReflexive => 80,
        CandidateKind::ServerReflexive => 70,
        CandidateKind::Relay => 0,
    }
}

/// The local preference of a TCP candidate whose address would have `preference` with UDP: direction first, then the
/// address (RFC 6544 §4.2).
pub(crate) fn local_preference(kind: CandidateKind, tcp_type: TcpType, preference: u16) -> u16 {
    let direction = match (tcp_type, kind == CandidateKind::Host) {
        (TcpType::Active, true) | (TcpType::SimultaneousOpen, false) => 6,
        (TcpType::Passive, true) | (TcpType::Active, false) => 4,
        (TcpType::SimultaneousOpen, true) | (TcpType::Passive, false) => 2,
    };
    // 13 bits are left for the address: the halves stay halves, and what lies next to each other stays apart.
    let (first, top) = if preference > u16::MAX / 2 { (u16::MAX, 8191) } else { (u16::MAX / 2, 4095) };
    direction << 13 | (top - (first - preference).min(4095))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_candidates_of_hosts_come_first_and_simultaneous_ones_of_nats() {
        let of = |kind, tcp_type| local_preference(kind, tcp_type, u16::MAX - 3);
        use TcpType::{Active, Passive, SimultaneousOpen};
        let host = CandidateKind::Host;
        assert_eq!(of(host, Active), 6 << 13 | 8188);
        assert!(of(host, Active) > of(host, Passive) && of(host, Passive) > of(host, SimultaneousOpen));
        let reflexive = CandidateKind::PeerReflexive;
        assert!(of(reflexive, SimultaneousOpen) > of(reflexive, Active));
        assert!(of(reflexive, Active) > of(reflexive, Passive));
    }

    #[test]
    fn addresses_keep_their_order_and_stay_apart() {
        let of = |preference| local_preference(CandidateKind::Host, TcpType::Active, preference);
        let mut all: Vec<u16> = (0..200).map(|n| u16::MAX - n).chain((0..200).map(|n| 32767 - n)).collect();
        all.iter_mut().for_each(|preference| *preference = of(*preference));
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
        assert!(of(0) < of(1 << 14) || of(0) == of(1 << 14));
    }
}
