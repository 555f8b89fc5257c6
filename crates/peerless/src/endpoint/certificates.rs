//! The certificate that the connections of an endpoint show where they bring none: the one that was given, or one of our own,
//! which another follows before it expires. An endpoint may last longer than any certificate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use peerless_peer::configuration::{KeyAlgorithm, generate_certificate};
use peerless_peer::error::Error as PeerError;
use peerless_transport::crypto::Certificate;

/// How long before its end another takes its place: longer than a connection takes from its making to its handshake.
const MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Where they come from.
#[derive(Debug)]
pub(super) enum Certificates {
    Given(Arc<Certificate>),
    Own(Mutex<Arc<Certificate>>),
}

impl Certificates {
    /// # Errors
    /// `CertificateExpired` for one that was given; what making one gives.
    pub(super) fn new(given: Option<Arc<Certificate>>, now: SystemTime) -> Result<Self, PeerError> {
        match given {
            Some(given) if given.expires() <= now => Err(PeerError::CertificateExpired),
            Some(given) => Ok(Self::Given(given)),
            None => Ok(Self::Own(Mutex::new(make(now)?))),
        }
    }

    /// The one to show from now on.
    pub(super) fn current(&self, now: SystemTime) -> Result<Arc<Certificate>, PeerError> {
        match self {
            Self::Given(given) => Ok(given.clone()),
            Self::Own(own) => {
                let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
                if own.expires() <= now + MARGIN {
                    *own = make(now)?;
                }
                Ok(own.clone())
            }
        }
    }
}

fn make(now: SystemTime) -> Result<Arc<Certificate>, PeerError> {
    generate_certificate(now, KeyAlgorithm::EcdsaP256, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn one_of_our_own_is_followed_by_another_before_it_expires() {
        let begin = SystemTime::now();
        let certificates = Certificates::new(None, begin).unwrap();
        let at = |days| certificates.current(begin + days * DAY).unwrap();
        let first = at(0);
        assert_eq!(at(28).der(), first.der());
        let second = at(30);
        assert_ne!(second.der(), first.der());
        assert!(second.expires() > begin + 59 * DAY);
        assert_eq!(at(58).der(), second.der());
    }

    #[test]
    fn one_that_was_given_stays_and_an_expired_one_is_refused() {
        let begin = SystemTime::now();
        let given = make(begin).unwrap();
        let certificates = Certificates::new(Some(given.clone()), begin).unwrap();
        assert_eq!(certificates.current(begin + 99 * DAY).unwrap().der(), given.der());
        let late = Certificates::new(Some(given), begin + 99 * DAY);
        assert!(matches!(late, Err(PeerError::CertificateExpired)));
    }
}
