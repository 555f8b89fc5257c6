//! RTCP packets: reports (RFC 3550 §6), feedback (RFC 4585, RFC 5104), extended reports (RFC 3611) and
//! transport-wide congestion control feedback.
