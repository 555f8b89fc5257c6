//! DTLS 1.2 and 1.3 (RFC 6347, RFC 9147) with SRTP keying (RFC 5764), by a sans-IO crate.
