//! The contexts of both directions, each made from its master key (RFC 3711 §3.2.1) when the first packet asks for it: what
//! carries data channels only never needs their four expanded keys, 2.4 KB.

use crate::srtp::context::{ReceiveContext, SendContext};
use crate::srtp::error::Error;
use crate::srtp::profile::{MasterKey, Profile};

/// Both directions of what one handshake agreed on.
pub struct Contexts {
    send_key: MasterKey,
    receive_key: MasterKey,
    send: Option<Box<SendContext>>,
    receive: Option<Box<ReceiveContext>>,
}

impl Contexts {
    /// From the master keys of both directions, which are for the same profile.
    pub fn new(send_key: MasterKey, receive_key: MasterKey) -> Self {
        Self { send_key, receive_key, send: None, receive: None }
    }

    /// What they protect with.
    pub fn profile(&self) -> Profile {
        self.send_key.profile()
    }

    /// For what we send. Errs with [`Error::Internal`] only.
    pub fn send(&mut self) -> Result<&mut SendContext, Error> {
        if self.send.is_none() {
            self.send = Some(Box::new(SendContext::new(&self.send_key)?));
        }
        self.send.as_deref_mut().ok_or(Error::Internal)
    }

    /// For what the other side sent. Errs with [`Error::Internal`] only.
    pub fn receive(&mut self) -> Result<&mut ReceiveContext, Error> {
        if self.receive.is_none() {
            self.receive = Some(Box::new(ReceiveContext::new(&self.receive_key)?));
        }
        self.receive.as_deref_mut().ok_or(Error::Internal)
    }
}

/// Keys are not shown.
impl std::fmt::Debug for Contexts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Contexts").field("profile", &self.profile()).finish_non_exhaustive()
    }
}
