//! What every command may be told about the network, and about logs.

use std::net::{IpAddr, UdpSocket};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::args::servers::ServerArgs;

/// How a connection shall be made, and what the library may tell.
#[derive(clap::Args, Debug, Clone)]
pub struct NetworkArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
    /// A local address to use, instead of those of all interfaces; may be given several times
    #[arg(long, value_name = "IP", value_parser = interface)]
    pub interface: Vec<IpAddr>,
    /// The version of DTLS
    #[arg(long, value_enum, default_value_t = Dtls::Any)]
    pub dtls: Dtls,
    /// Which library logs are shown: warn, debug, peerless=trace …
    #[arg(long, value_name = "FILTER", value_parser = log_filter)]
    pub log: Option<String>,
}

/// `--dtls`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtls {
    Any,
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
}

/// An address is ours if a socket can be bound to it.
pub fn interface(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| "expected an IP address".to_owned())?;
    if address.is_unspecified() || address.is_multicast() {
        return Err("expected the address of one interface".to_owned());
    }
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(address),
        Err(error) => Err(format!("not an address of this machine: {error}")),
    }
}

pub fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
