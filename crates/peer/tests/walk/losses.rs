//! What descriptions lose on their way to the other side, as if it knew less than ours: BUNDLE (RFC 9143 §7.2), simulcast, or
//! some encodings of it (RFC 8853 §5.3).

use peerless_peer::description::SessionDescription;
use peerless_peer::state::SdpType;

use crate::world::World;

/// What is lost in a whole walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// All BUNDLE groups: each section has a transport of its own.
    pub groups: bool,
    /// Encodings, now and then.
    pub encodings: bool,
}

impl World {
    /// A description as it arrives.
    pub fn carried(&mut self, given: &SessionDescription) -> SessionDescription {
        let mut lines: Vec<String> = given.sdp.split_inclusive('\n').map(str::to_owned).collect();
        if self.losses.groups {
            lines.retain(|line| !line.starts_with("a=group:BUNDLE"));
        }
        let has_simulcast = lines.iter().any(|line| line.starts_with(SIMULCAST));
        if self.losses.encodings && has_simulcast && self.chance.one_in(3) {
            match given.kind {
                SdpType::Offer => lines.retain(|line| !line.starts_with(SIMULCAST)),
                _ => lines = lines.into_iter().filter_map(|line| self.refused(line)).collect(),
            }
            self.note(format!("encodings are lost on the way of the {}", given.kind));
        }
        SessionDescription { kind: given.kind, sdp: lines.concat() }
    }

    /// An answer does not take all the encodings that it took, or wants some paused; `None` where it takes none.
    fn refused(&mut self, line: String) -> Option<String> {
        let Some(value) = line.strip_prefix(SIMULCAST) else { return Some(line) };
        let words: Vec<&str> = value.trim_end().split(' ').collect();
        let mut kept = Vec::new();
        for way in words.chunks(2) {
            let mut names: Vec<String> = way[1].split(';').map(str::to_owned).collect();
            if way[0] == "recv" {
                match self.chance.below(3) {
                    0 => names.truncate(0),
                    1 => drop(names.pop()),
                    _ => names[0].insert(0, '~'),
                }
            }
            if !names.is_empty() {
                kept.push(format!("{} {}", way[0], names.join(";")));
            }
        }
        (!kept.is_empty()).then(|| format!("{SIMULCAST}{}\r\n", kept.join(" ")))
    }
}

const SIMULCAST: &str = "a=simulcast:";
