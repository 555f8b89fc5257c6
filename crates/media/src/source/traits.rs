//! What a source of pictures or sounds is to a pump.

use std::time::Duration;

use crate::picture::Picture;
use crate::sound::Sound;

/// Makes pictures, all of one size.
pub trait VideoSource: Send {
    /// Width and height in pixels; never changes.
    fn size(&self) -> (u32, u32);

    /// The picture of a moment. Moments come in order, some may be left out.
    fn draw(&mut self, moment: Moment) -> &Picture;
}

/// Makes sound without end.
pub trait SoundSource: Send {
    /// Fills all of `sound` with what comes next, at its rate and channels. They may change from call to call.
    fn fill(&mut self, sound: &mut Sound);
}

/// When a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Counts pictures from 0; a picture that came too late to be drawn has a number too.
    pub number: u64,
    /// Since the first picture.
    pub elapsed: Duration,
    /// Wall time, since the Unix epoch.
    pub wall: Duration,
}
