//! What stays of an agent over a restart (RFC 8445 §9): the pair in use, with the credentials of before, until a pair
//! of the new generation works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use peerless_wire::stun::Message;

use crate::ice::config::Credentials;
use crate::ice::message;
use crate::ice::pair::Pair;
use crate::ice::request::{Verdict, judge};

/// The peer's credentials.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) ufrag: String,
    pub(crate) password: Arc<str>,
}

/// The pair in use, and both sides' credentials.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) local: Credentials,
    pub(crate) remote: Remote,
    pub(crate) pair: Pair,
}

impl Kept {
    /// Whether a request bears the credentials of before.
    pub(crate) fn is_meant(&self, message: &Message<'_>) -> bool {
        let names = message.username().and_then(|name| name.split_once(':'));
        names.is_some_and(|(ours, _)| ours == self.local.ufrag)
    }

    /// Answers a request, so that the peer's consent lasts until it has restarted too; `None` where it is not
    /// authentic.
    pub(crate) fn handle_request(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        message: &Message<'_>,
    ) -> Option<Bytes> {
        let Verdict::Check(_) = judge(message, &self.local, Some(&self.remote.ufrag)) else { return None };
        if self.pair.address == source && self.pair.base == destination {
            self.pair.heard = self.pair.heard.max(Some(now));
        }
        Some(message::success(message.transaction(), source, &self.local.password))
    }
}
