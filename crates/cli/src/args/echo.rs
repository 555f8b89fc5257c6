//! `peerless echo`.

use std::net::SocketAddr;

use crate::args::media_port::MediaPortArgs;
use crate::args::network::NetworkArgs;

/// How the echo shall be.
#[derive(clap::Args, Debug, Clone)]
pub struct EchoArgs {
    /// Where offers are taken, and the page is served
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// How many clients may be here at once; further ones are turned away
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
    #[command(flatten)]
    pub media: MediaPortArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}
