//! Black pictures: what a track that is muted or disabled shows (W3C mediacapture-main §4.2), silence for the eyes.

use crate::picture::{Picture, SizeError};
use crate::source::traits::{Moment, VideoSource};

/// Black, of any size.
#[derive(Debug, Clone)]
pub struct Blank {
    picture: Picture,
}

impl Blank {
    /// Black pictures of a size.
    ///
    /// # Errors
    /// When there can be no such picture.
    pub fn new(width: u32, height: u32) -> Result<Self, SizeError> {
        Ok(Self { picture: Picture::new(width, height)? })
    }
}

impl VideoSource for Blank {
    fn size(&self) -> (u32, u32) {
        (self.picture.width(), self.picture.height())
    }

    fn draw(&mut self, _moment: Moment) -> &Picture {
        &self.picture
    }
}
