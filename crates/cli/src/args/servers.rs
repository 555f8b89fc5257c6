//! What every command may be told about the servers that help a connection.

use peerless::{Configuration, IceServer, IceTransportPolicy};

/// The servers to ask, and whether all goes by way of them.
#[derive(clap::Args, Debug, Clone)]
pub struct ServerArgs {
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
    /// Go by way of TURN servers only, and show nobody our own addresses
    #[arg(long, requires = "turn", conflicts_with = "stun")]
    pub relay_only: bool,
}

impl ServerArgs {
    /// What of a configuration they are.
    pub fn write_into(&self, configuration: &mut Configuration) {
        let (user, password) = (self.user.as_deref(), self.password.as_deref());
        let (user, password) = (user.unwrap_or_default(), password.unwrap_or_default());
        configuration.ice_servers = self.stun.iter().map(IceServer::new).collect();
        configuration.ice_servers.extend(self.turn.iter().map(|url| IceServer::turn(url, user, password)));
        if self.relay_only {
            configuration.ice_transport_policy = IceTransportPolicy::Relay;
        }
    }
}

fn stun(text: &str) -> Result<String, String> {
    let shape = || "expected stun:HOST:PORT, as in stun:192.0.2.1:3478".to_owned();
    let (scheme, server) = text.split_once(':').ok_or_else(shape)?;
    match scheme.to_ascii_lowercase().as_str() {
        "stun" => {}
        "stuns" => return Err("STUN over TLS is not supported".to_owned()),
        "turn" | "turns" => return Err("servers of TURN are given by --turn".to_owned()),
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

/// The rest of it is for the library to read.
fn turn(text: &str) -> Result<String, String> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("turn" | "turns") => Ok(text.to_owned()),
        _ => Err("expected turn:HOST:PORT, as in turn:192.0.2.1:3478?transport=udp".to_owned()),
    }
}
