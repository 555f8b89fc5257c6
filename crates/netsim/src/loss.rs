//! How datagrams get lost.

use crate::chance::Chance;

/// Which datagrams are lost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with this probability, 0 to 1.
    Random(f64),
    /// In bursts (Gilbert's model): the link is good or bad, and may change before each datagram.
    Bursts {
        /// The probability that a good link turns bad.
        begin: f64,
        /// The probability that a bad link turns good; a burst lasts 1 / `end` datagrams on average.
        end: f64,
        /// The probability that a datagram is lost while the link is bad.
        loss: f64,
    },
}

impl Loss {
    /// Whether the next datagram is lost; `is_bad` is the state of the link.
    pub(crate) fn takes(self, is_bad: &mut bool, chance: &mut Chance) -> bool {
        match self {
            Self::None => chance.happens(0.0),
            Self::Random(probability) => chance.happens(probability),
            Self::Bursts { begin, end, loss } => {
                let turns = chance.happens(if *is_bad { end } else { begin });
                *is_bad ^= turns;
                chance.happens(if *is_bad { loss } else { 0.0 })
            }
        }
    }
}
