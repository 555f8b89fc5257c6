//! `peerless gather`.

use std::net::IpAddr;
use std::time::Duration;

use crate::args::network::{interface, log_filter};
use crate::args::servers::ServerArgs;
use crate::args::values::seconds;

/// Which servers are asked, from where, and how it is told.
#[derive(clap::Args, Debug, Clone)]
pub struct GatherArgs {
    #[command(flatten)]
    pub servers: ServerArgs,
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
