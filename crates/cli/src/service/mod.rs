//! What the commands that serve clients share: the port and its end, who is here, and the lines about them.

pub mod configuration;
pub mod connections;
pub mod end;
pub mod census;
pub mod words;
pub mod client;
pub mod port;
