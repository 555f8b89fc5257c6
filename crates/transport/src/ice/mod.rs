//! The ICE agent (RFC 8445, RFC 8838, RFC 7675).
