//! Candidates, local and remote, their priorities and foundations (RFC 8445 §5.1).

/// Why a remote candidate was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// Its address is a name, which must be resolved first.
    #[error("a name, not an address")]
    Unresolved,
    /// No datagram can be sent there: an unspecified or multicast address, or port 0.
    #[error("no address to send to")]
    Unusable,
    /// Its username fragment is not that of the remote credentials.
    #[error("belongs to another generation")]
    WrongUfrag,
    /// There are as many as we keep.
    #[error("more than {limit} remote candidates")]
    TooMany {
        /// How many we keep.
        limit: usize,
    },
}
