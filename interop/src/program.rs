//! The program `peerless`, started as a user would.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::process::{Error, Process};

/// A running command that serves a page: `demo`, `receive`, `echo`.
#[derive(Debug)]
pub struct Program {
    /// The process, to read its lines and to interrupt it.
    pub process: Process,
    /// The address it printed.
    pub url: String,
}

impl Program {
    /// Starts `command` on a free port with these further arguments.
    pub async fn start(command: &str, arguments: &[&str]) -> Result<Self, Error> {
        let all: Vec<&str> = [command, "--listen", "127.0.0.1:0"].iter().chain(arguments).copied().collect();
        let mut process = run(&all)?;
        let url = process
            .wait_line("http://", |line| {
                let (_, rest) = line.split_once("http://")?;
                let address: SocketAddr =
                    rest.split(['/', ' ']).next()?.trim_end_matches(['/', ',']).parse().ok()?;
                Some(format!("http://{address}"))
            })
            .await?;
        Ok(Self { process, url })
    }

    /// Its WebSocket address.
    pub fn socket_url(&self) -> String {
        format!("{}/ws", self.url.replacen("http", "ws", 1))
    }
}

/// Starts `peerless` with these arguments.
pub fn run(arguments: &[&str]) -> Result<Process, Error> {
    let all: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Process::start(&binary().display().to_string(), &all)
}

/// The binary in the same target folder as the running test.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("PEERLESS_BIN") {
        return named.into();
    }
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test.parent().and_then(Path::parent).unwrap_or(Path::new("target/debug"));
    folder.join("peerless")
}
