//! `peerless probe`.

use std::time::Duration;

use clap::ValueEnum;

use crate::args::network::NetworkArgs;
use crate::args::values::seconds;

/// What shall be tested, and how it is told.
#[derive(clap::Args, Debug, Clone)]
#[command(group(clap::ArgGroup::new("where").required(true).args(["address", "server"])))]
pub struct ProbeArgs {
    /// The address of the echo's offers, as http://192.0.2.1:8080/offer
    #[arg(value_name = "URL")]
    address: Option<String>,
    /// The same, as a flag
    #[arg(short, long, value_name = "URL")]
    server: Option<String>,
    /// What to test
    #[arg(short, long, value_enum, default_value_t = Test::Connection)]
    pub test: Test,
    /// Seconds until the connection must be up, and that may then pass without progress
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Report in JSON, on one line
    #[arg(long)]
    pub json: bool,
    /// Tell each step
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub network: NetworkArgs,
}

impl ProbeArgs {
    /// Where the offer is posted.
    pub fn url(&self) -> &str {
        self.server.as_deref().or(self.address.as_deref()).unwrap_or_default()
    }
}

/// `--test`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// The connection comes up, DTLS included
    #[value(name = "0")]
    Connection,
    /// A text comes back on a data channel
    #[value(name = "1")]
    Channel,
    /// Pictures and sound come back, and can be decoded
    Media,
    /// 1,000 messages of 0 bytes to 256 KiB come back as they were, in order and out of it
    Stress,
    /// 200 channels are opened, used and closed, one after the other
    Reopen,
}
