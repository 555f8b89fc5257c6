//! STUN messages (RFC 8489) with ICE's attributes (RFC 8445 §16.1).
