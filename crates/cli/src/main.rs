//! peerless: the command line. Words in, a running command out.

mod args;
mod console;
mod page;
mod service;
mod demo;
mod receive;
mod echo;
mod probe;
mod gather;

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::args::top::{self, Command};
use crate::console::Console;

fn main() -> ExitCode {
    let command = top::parse();
    let console = Console::new();
    trace(command.log(), &console);
    // Threads that waited for an encoder to end are of no use for long.
    let keep = Duration::from_secs(1);
    let runtime = match Builder::new_multi_thread().enable_all().thread_keep_alive(keep).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&console, &format!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(run(command, &console));
    runtime.shutdown_background();
    outcome
}

async fn run(command: Command, console: &Console) -> ExitCode {
    let outcome = match command {
        Command::Demo(args) => demo::serve::run(args, console.clone()).await,
        Command::Receive(args) => receive::serve::run(args, console.clone()).await,
        Command::Echo(args) => echo::serve::run(args, console.clone()).await,
        Command::Probe(args) => {
            let passed = probe::run::run(args, console.clone()).await;
            return if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Command::Gather(args) => match gather::run::run(args, console.clone()).await {
            Ok(is_fine) => return if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE },
            Err(error) => return fail(console, &error.to_string()),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(console, &error.to_string()),
    }
}

fn fail(console: &Console, reason: &str) -> ExitCode {
    console.complain(reason);
    ExitCode::FAILURE
}

/// What is logged where nobody says otherwise. The judge of certificates logs as an error of its own that it refused one: why
/// it did is told with the failure of the server.
const USUAL_LOG: &str = "warn,rustls_platform_verifier=off";

/// Library logs go to standard error, filtered by `--log`, else by RUST_LOG, else warnings only.
fn trace(log: Option<&str>, console: &Console) {
    let environment = || std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let filter =
        log.map(str::to_owned).or_else(environment).and_then(|filter| EnvFilter::try_new(filter).ok());
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(USUAL_LOG)))
        .with_writer(console.clone())
        .with_ansi(console.is_complaint_coloured())
        .init();
}
