//! Why DTLS failed. Every failure is final: a new connection starts over with a new transport.

use crate::srtp::Profile;

/// What ended the connection, other than its closing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The remote's certificate is not one that its description vouched for (RFC 8122 §6.2, RFC 8827 §6.5):
    /// somebody else answered, or the description was altered.
    #[error("the remote certificate has another fingerprint than the description gave")]
    FingerprintMismatch,
    /// The handshake finished without a certificate of the remote.
    #[error("the remote showed no certificate")]
    NoCertificate,
    /// The handshake did not finish in time, or the other side stopped answering within it.
    #[error("the handshake timed out{}", alert_text(*.alert))]
    TimedOut {
        /// The last plaintext alert seen meanwhile (RFC 8446 §6): not trusted, yet a hint at the reason.
        alert: Option<u8>,
    },
    /// The other side gave up: an authentic fatal alert (RFC 5246 §7.2, RFC 8446 §6).
    #[error("the remote sent the fatal alert {0}")]
    Alert(u8),
    /// SRTP was negotiated with a profile that our configuration excludes.
    #[error("the protection profile {0} is not allowed")]
    ProfileNotAllowed(Profile),
    /// The keys that DTLS exported could not be used.
    #[error("the exported keys could not be used")]
    Keying,
    /// Anything else the handshake or the record layer found wrong, in the words of the DTLS library.
    #[error("{0}")]
    Protocol(String),
}

fn alert_text(alert: Option<u8>) -> String {
    alert.map_or(String::new(), |alert| format!(" (after an unauthenticated alert {alert})"))
}
