//! Error codes of error responses (RFC 8489 §14.8, RFC 8445 §16.2, RFC 8656 §19).

use std::fmt;

/// A number of 300 to 699 that says why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(u16);

impl ErrorCode {
    /// 300: ask another server.
    pub const TRY_ALTERNATE: Self = Self(300);
    /// 400: the request is malformed.
    pub const BAD_REQUEST: Self = Self(400);
    /// 401: credentials are missing or wrong.
    pub const UNAUTHENTICATED: Self = Self(401);
    /// 403: not allowed (RFC 8656).
    pub const FORBIDDEN: Self = Self(403);
    /// 420: a comprehension-required attribute was not understood.
    pub const UNKNOWN_ATTRIBUTE: Self = Self(420);
    /// 437: no such allocation (RFC 8656).
    pub const ALLOCATION_MISMATCH: Self = Self(437);
    /// 438: the nonce is no longer valid.
    pub const STALE_NONCE: Self = Self(438);
    /// 440: the address family is not supported (RFC 8656).
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: Self = Self(440);
    /// 441: the credentials are not those of the allocation (RFC 8656).
    pub const WRONG_CREDENTIALS: Self = Self(441);
    /// 442: the transport protocol is not supported (RFC 8656).
    pub const UNSUPPORTED_TRANSPORT: Self = Self(442);
    /// 443: the peer's address family does not match (RFC 8656).
    pub const PEER_ADDRESS_FAMILY_MISMATCH: Self = Self(443);
    /// 446: the connection exists already (RFC 6062).
    pub const CONNECTION_ALREADY_EXISTS: Self = Self(446);
    /// 447: the connection could not be made (RFC 6062).
    pub const CONNECTION_FAILURE: Self = Self(447);
    /// 486: the user has too many allocations (RFC 8656).
    pub const ALLOCATION_QUOTA_REACHED: Self = Self(486);
    /// 487: both agents have the same role (RFC 8445).
    pub const ROLE_CONFLICT: Self = Self(487);
    /// 500: the server is in trouble for the moment.
    pub const SERVER_ERROR: Self = Self(500);
    /// 508: the server has nothing left to give (RFC 8656).
    pub const INSUFFICIENT_CAPACITY: Self = Self(508);

    /// `None` outside 300 to 699.
    pub fn new(code: u16) -> Option<Self> {
        (300..=699).contains(&code).then_some(Self(code))
    }

    /// The number.
    pub fn value(self) -> u16 {
        self.0
    }

    /// The phrase the RFCs recommend, empty for a code they do not name.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TRY_ALTERNATE => "Try Alternate",
            Self::BAD_REQUEST => "Bad Request",
            Self::UNAUTHENTICATED => "Unauthenticated",
            Self::FORBIDDEN => "Forbidden",
            Self::UNKNOWN_ATTRIBUTE => "Unknown Attribute",
            Self::ALLOCATION_MISMATCH => "Allocation Mismatch",
            Self::STALE_NONCE => "Stale Nonce",
            Self::ADDRESS_FAMILY_NOT_SUPPORTED => "Address Family not Supported",
            Self::WRONG_CREDENTIALS => "Wrong Credentials",
            Self::UNSUPPORTED_TRANSPORT => "Unsupported Transport Protocol",
            Self::PEER_ADDRESS_FAMILY_MISMATCH => "Peer Address Family Mismatch",
            Self::CONNECTION_ALREADY_EXISTS => "Connection Already Exists",
            Self::CONNECTION_FAILURE => "Connection Timeout or Failure",
            Self::ALLOCATION_QUOTA_REACHED => "Allocation Quota Reached",
            Self::ROLE_CONFLICT => "Role Conflict",
            Self::SERVER_ERROR => "Server Error",
            Self::INSUFFICIENT_CAPACITY => "Insufficient Capacity",
            _ => "",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
