//! The command line as a whole. A wrong word ends the program with exit code 2.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::args::demo::{self, DemoArgs};
use crate::args::echo::EchoArgs;
use crate::args::gather::GatherArgs;
use crate::args::probe::ProbeArgs;
use crate::args::receive::{self, ReceiveArgs};

/// Reads the command line; on a wrong word, or on `--help`, says so and ends the program.
pub fn parse() -> Command {
    read(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn read<I, T>(words: I) -> Result<Command, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let top = Top::try_parse_from(words)?;
    let command = top.command.unwrap_or(Command::Demo(top.demo));
    let refuse = |reason: &str| Err(Top::command().error(ErrorKind::ArgumentConflict, reason));
    match &command {
        Command::Demo(args) if args.video == demo::Video::None && args.audio == demo::Audio::None => {
            refuse("--video none and --audio none leave nothing to send")
        }
        Command::Receive(args)
            if args.video == receive::Video::None && args.audio == receive::Audio::None =>
        {
            refuse("--video none and --audio none leave nothing to receive")
        }
        _ => Ok(command),
    }
}

/// WebRTC for Rust. Without a command the demo is started.
#[derive(Parser)]
#[command(name = "peerless", version, args_conflicts_with_subcommands = true)]
struct Top {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: DemoArgs,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve a page that shows our picture and plays our sound in a browser
    Demo(DemoArgs),
    /// Serve a page from which a browser sends us its camera and microphone
    Receive(ReceiveArgs),
    /// Send back to everyone what they send: media and messages
    Echo(EchoArgs),
    /// Test an echo, ours or another's; exit code 0 if it passes
    Probe(ProbeArgs),
    /// Tell the addresses at which this machine may be reached, and what failed; exit code 0 if nothing did
    Gather(GatherArgs),
}

impl Command {
    /// Which library logs shall be shown.
    pub fn log(&self) -> Option<&str> {
        let log = match self {
            Self::Demo(args) => &args.network.log,
            Self::Receive(args) => &args.network.log,
            Self::Echo(args) => &args.network.log,
            Self::Probe(args) => &args.network.log,
            Self::Gather(args) => &args.log,
        };
        log.as_deref()
    }
}

#[cfg(test)]
mod tests;
