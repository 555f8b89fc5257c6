//! What is known of the way to a server: why there is no answer from it.

use crate::transaction::silence;

/// The way to one server.
#[derive(Debug, Default)]
pub(crate) struct Way {
    /// The stream to it stands, where it has one.
    pub(crate) is_open: bool,
    /// What the network says, should it never answer.
    obstacle: Option<Box<str>>,
}

impl Way {
    /// The network says this.
    pub(crate) fn note_obstacle(&mut self, obstacle: &str) {
        self.obstacle = Some(obstacle.into());
    }

    /// It is asked anew.
    pub(crate) fn forget(&mut self) {
        self.obstacle = None;
    }

    /// Why it is silent.
    pub(crate) fn silence(&self, is_stream: bool) -> String {
        match is_stream && !self.is_open {
            true => "no connection to the server came about".to_owned(),
            false => silence(self.obstacle.as_deref()),
        }
    }
}
