//! The generation that a restart has prepared (RFC 8445 §9, RFC 8839 §4.4.1.1.1): our credentials and candidates are
//! being signalled, the peer's are not known yet. All of the generation before goes on meanwhile, and goes on alone
//! where the restart is taken back (RFC 9429 §4.1.10.2).

use peerless_wire::stun::Message;

use crate::ice::candidate::Candidates;
use crate::ice::config::Credentials;
use crate::ice::early::EarlyChecks;

/// Our side of it.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) local: Credentials,
    pub(crate) candidates: Candidates,
    /// Checks of a peer whose answer they have overtaken.
    pub(crate) early: EarlyChecks,
}

impl Next {
    pub(crate) fn new(local: Credentials, candidates: Candidates) -> Self {
        Self { local, candidates, early: EarlyChecks::default() }
    }

    /// Whether a request bears these credentials.
    pub(crate) fn is_meant(&self, message: &Message<'_>) -> bool {
        let names = message.username().and_then(|name| name.split_once(':'));
        names.is_some_and(|(ours, _)| ours == self.local.ufrag)
    }
}
