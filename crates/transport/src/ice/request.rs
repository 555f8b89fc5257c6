//! Judges a request before anything is changed by it (RFC 8445 §7.3, RFC 8489 §9.1.3).

use peerless_wire::stun::{Attribute, ErrorCode, Kind, Message};

use crate::ice::config::Credentials;
use crate::ice::message::is_authentic;
use crate::ice::role::Claim;

/// How many unknown attributes a refusal lists.
const UNKNOWN_LIMIT: usize = 16;

/// What a request is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    /// Nothing; it is not even answered.
    Drop,
    /// A refusal, authenticated where the request was.
    Refuse { code: ErrorCode, unknown: Vec<Kind>, is_authentic: bool },
    /// It is an authentic check.
    Check(Check<'a>),
}

/// What an authentic check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check<'a> {
    /// The username fragment of its sender.
    pub(crate) remote_ufrag: &'a str,
    pub(crate) priority: u32,
    /// The number of the nomination; 0 where it bears none (USE-CANDIDATE alone).
    pub(crate) nominates: Option<u32>,
    pub(crate) claim: Option<Claim>,
}

/// Judges a binding request by our credentials and, where they are known, the peer's username fragment.
pub(crate) fn judge<'a>(
    message: &Message<'a>,
    local: &Credentials,
    remote_ufrag: Option<&str>,
) -> Verdict<'a> {
    if !message.has_fingerprint() {
        return Verdict::Drop;
    }
    let refuse = |code, is_authentic| Verdict::Refuse { code, unknown: Vec::new(), is_authentic };
    let (Some(username), Some(_)) = (message.username(), message.integrity()) else {
        return refuse(ErrorCode::BAD_REQUEST, false);
    };
    let Some((ours, theirs)) = username.split_once(':') else {
        return refuse(ErrorCode::UNAUTHENTICATED, false);
    };
    let is_from_peer = remote_ufrag.is_none_or(|expected| expected == theirs);
    if ours != local.ufrag || !is_from_peer || !is_authentic(message, &local.password) {
        return refuse(ErrorCode::UNAUTHENTICATED, false);
    }
    let unknown: Vec<Kind> = message.unknown_required().take(UNKNOWN_LIMIT).collect();
    if !unknown.is_empty() {
        return Verdict::Refuse { code: ErrorCode::UNKNOWN_ATTRIBUTE, unknown, is_authentic: true };
    }
    let Some(priority) = message.priority() else {
        return refuse(ErrorCode::BAD_REQUEST, true);
    };
    let claim = message.attributes().find_map(|attribute| match attribute {
        Attribute::IceControlling(tie_breaker) => Some(Claim { is_controlling: true, tie_breaker }),
        Attribute::IceControlled(tie_breaker) => Some(Claim { is_controlling: false, tie_breaker }),
        _ => None,
    });
    let nominates = message.nomination().or_else(|| message.has_use_candidate().then_some(0));
    Verdict::Check(Check { remote_ufrag: theirs, priority, nominates, claim })
}
