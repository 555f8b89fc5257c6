//! The program `peerless demo`, started as a user would.

use std::path::{Path, PathBuf};

use crate::process::{Error, Process};

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    /// The process, to read its lines and to interrupt it.
    pub process: Process,
    /// The address it printed.
    pub url: String,
}

impl Demo {
    /// Starts it on a free port with these further arguments.
    pub async fn start(arguments: &[&str]) -> Result<Self, Error> {
        let program = binary();
        let all: Vec<String> = ["demo", "--listen", "127.0.0.1:0"]
            .iter()
            .chain(arguments)
            .map(|argument| (*argument).to_owned())
            .collect();
        let mut process = Process::start(&program.display().to_string(), &all)?;
        let url = process
            .wait_line("http://", |line| {
                let (_, rest) = line.split_once("http://")?;
                Some(format!("http://{}", rest.split_whitespace().next()?.trim_end_matches('/')))
            })
            .await?;
        Ok(Self { process, url })
    }

    /// Its WebSocket address.
    pub fn socket_url(&self) -> String {
        format!("{}/ws", self.url.replacen("http", "ws", 1))
    }
}

/// The binary in the same target folder as the running test.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("PEERLESS_BIN") {
        return named.into();
    }
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test.parent().and_then(Path::parent).unwrap_or(Path::new("target/debug"));
    folder.join("peerless")
}
