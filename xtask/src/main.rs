//! The project's chores: `cargo xtask test` runs every test there is, and installs what they need first.

mod command;
mod needs;
mod namespace;
mod suite;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask test [--quick]
           every test: format, lints, docs, units, simulation, fuzzing, walls, licences, browsers, foreign peers;
           says first what it installs. --quick leaves out what needs a browser, aiortc or an installation
       cargo xtask screenshot
           runs the page in Chromium and writes docs/page.png";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => suite::run_tests(false),
        ["test", "--quick"] => suite::run_tests(true),
        ["screenshot"] => suite::take_screenshot(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
