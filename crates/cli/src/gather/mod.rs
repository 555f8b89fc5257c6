//! `peerless gather`: the candidates of this machine as they are found, and what failed and why. The tool one runs when a
//! call does not connect.

pub mod finding;
pub mod run;
