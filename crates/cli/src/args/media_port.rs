//! What commands that serve may be told about the port of their clients' media.

use std::net::IpAddr;

/// Where media comes and goes.
#[derive(clap::Args, Debug, Clone)]
pub struct MediaPortArgs {
    /// One UDP port for the media of all clients, 0 for a free one; without it each client has ports of its own. No TURN
    /// server can lend an address to all of them
    #[arg(long, value_name = "PORT", conflicts_with = "turn")]
    pub media_port: Option<u16>,
    /// Take connections of TCP at that port as well
    #[arg(long, requires = "media_port")]
    pub media_tcp: bool,
    /// The address by which clients reach that port, where a translator stands before it; one for each family
    #[arg(long, value_name = "IP", requires = "media_port")]
    pub public_address: Vec<IpAddr>,
}
