//! The ICE agent's behaviour (RFC 8445, RFC 8838, RFC 7675): two agents on a simulated network, in virtual time.

mod words;
mod world;
mod nominator;
mod connecting;
mod keeping;
mod refusing;
mod restarting;
mod room;
mod moving;
mod aggressive;
mod counting;
mod lite;
mod tcp;
