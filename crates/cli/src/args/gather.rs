//! `peerless gather`.

use std::net::IpAddr;
use std::time::Duration;

use crate::args::network::{interface, log_filter, stun};
use crate::args::values::seconds;

/// Which servers are asked, from where, and how it is told.
#[derive(clap::Args, Debug, Clone)]
pub struct GatherArgs {
    /// A STUN server to ask for our outer address; may be given several times
    #[arg(long, value_name = "stun:HOST:PORT", value_parser = stun)]
    pub stun: Vec<String>,
    /// A TURN server to lend us an address; may be given several times
    #[arg(long, value_name = "turn:HOST:PORT", value_parser = turn, requires_all = ["user", "password"])]
    pub turn: Vec<String>,
    /// Who we are at the TURN servers
    #[arg(long, value_name = "NAME", requires = "turn")]
    pub user: Option<String>,
    /// The password for that
    #[arg(long, requires = "turn")]
    pub password: Option<String>,
    /// A local address to use, instead of those of all interfaces; may be given several times
    #[arg(long, value_name = "IP", value_parser = interface)]
    pub interface: Vec<IpAddr>,
    /// Seconds until gathering must be complete
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
    /// Tell it in JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Which library logs are shown: warn, debug, peerless=trace …
    #[arg(long, value_name = "FILTER", value_parser = log_filter)]
    pub log: Option<String>,
}

/// The rest of it is for the library to read.
fn turn(text: &str) -> Result<String, String> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("turn" | "turns") => Ok(text.to_owned()),
        _ => Err("expected turn:HOST:PORT, as in turn:192.0.2.1:3478?transport=udp".to_owned()),
    }
}
