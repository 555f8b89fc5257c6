//! What every command may be told about the network, and about logs.

use std::net::{IpAddr, UdpSocket};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How a connection shall be made, and what the library may tell.
#[derive(clap::Args, Debug, Clone)]
pub struct NetworkArgs {
    /// A STUN server to ask for our outer address; may be given several times
    #[arg(long, value_name = "stun:HOST:PORT", value_parser = stun)]
    pub stun: Vec<String>,
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

pub fn stun(text: &str) -> Result<String, String> {
    let shape = || "expected stun:HOST:PORT, as in stun:192.0.2.1:3478".to_owned();
    let (scheme, server) = text.split_once(':').ok_or_else(shape)?;
    match scheme.to_ascii_lowercase().as_str() {
        "stun" => {}
        "stuns" | "turn" | "turns" => return Err(format!("{scheme}: servers are not supported yet")),
        _ => return Err(shape()),
    }
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => {
            host.parse::<std::net::Ipv6Addr>().map_err(|_| shape())?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("3478")))
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, Some("3478")),
        },
    };
    let port_fits = port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port != 0);
    let host_fits = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/?#@[]".contains(c));
    if port_fits && host_fits { Ok(text.to_owned()) } else { Err(shape()) }
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
