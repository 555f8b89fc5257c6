//! Every test there is, in order of price.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::command::{Outcome, is_fine, run};
use crate::{namespace, needs};

/// Seconds for each fuzz target.
const FUZZ_SECONDS: u32 = 5;
/// Each feature that must build by itself: package and feature.
const FEATURES: [(&str, &str); 5] = [
    ("peerless-media", "vp8"),
    ("peerless-media", "h264"),
    ("peerless-media", "opus"),
    ("peerless-media", "png"),
    ("peerless-media", "libvpx"),
];

/// The tests with foreign peers: how they count, and the file.
const FOREIGN: &[(&str, &str)] = &[
    ("browsers", "browsers"),
    ("browsers", "receive"),
    ("browsers", "channels"),
    ("browsers", "stats"),
    ("browsers", "perfect"),
    ("browsers", "dtmf"),
    ("browsers", "simulcast"),
    ("foreign peers", "aiortc"),
    ("foreign peers", "echo"),
    ("ffmpeg", "files"),
    ("browsers", "restart"),
    ("browsers", "tcp"),
    ("browsers", "walk"),
    ("browsers", "bundle"),
    ("browsers", "endpoint"),
    ("browsers", "hidden"),
    ("networks", "turn"),
    ("networks", "network"),
    ("networks", "addresses"),
    ("browsers", "roaming"),
    ("networks", "zoo"),
];

/// All packages but the bench beside other stacks, which takes long to build and would switch on features of
/// dependencies for the others: it is looked at by itself, at the end.
const MEMBERS: [&str; 3] = ["--workspace", "--exclude", "peerless-bench"];

/// What was tested so far.
#[derive(Debug, Default)]
struct Tally {
    rows: Vec<(&'static str, Outcome)>,
}

impl Tally {
    /// Runs one step. One that counts no tests counts as one.
    fn step(&mut self, kind: &'static str, command: &mut Command) {
        let begun = Instant::now();
        let outcome = run(command);
        println!(
            "-- {kind}: {} after {} s",
            if outcome.success { "ok" } else { "FAILED" },
            begun.elapsed().as_secs()
        );
        self.add(kind, outcome);
    }

    fn add(&mut self, kind: &'static str, mut outcome: Outcome) {
        if outcome.success && outcome.passed == 0 {
            outcome.passed = 1;
        } else if !outcome.success && outcome.failed == 0 {
            outcome.failed = 1;
        }
        match self.rows.iter_mut().find(|row| row.0 == kind) {
            Some((_, sum)) => {
                sum.passed += outcome.passed;
                sum.failed += outcome.failed;
            }
            None => self.rows.push((kind, outcome)),
        }
    }

    /// Prints the counts and gives the end.
    fn end(&self) -> ExitCode {
        let kinds: Vec<String> = self
            .rows
            .iter()
            .map(|(kind, sum)| match sum.failed {
                0 => format!("{kind} {}", sum.passed),
                failed => format!("{kind} {} and {failed} FAILED", sum.passed),
            })
            .collect();
        println!("{}", kinds.join(" · "));
        let passed: usize = self.rows.iter().map(|row| row.1.passed).sum();
        let failed: usize = self.rows.iter().map(|row| row.1.failed).sum();
        println!("{passed} passed, {failed} failed");
        if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Runs all tests, or with `quick` those that need nothing but Rust and a C and C++ compiler.
pub fn run_all(root: &Path, quick: bool) -> ExitCode {
    let mut tally = Tally::default();
    tally.step("format", cargo(root, &["fmt", "--all", "--check"]).env("RUSTFMT_EDITION", "2024"));
    tally.step("house", &mut cargo(root, &["run", "-q", "-p", "house"]));
    lints(root, quick, &mut tally);
    units(root, quick, &mut tally);
    if quick {
        println!("-- left out by --quick: libvpx, fuzzing, licences, browsers, foreign peers");
        return tally.end();
    }
    // For all platforms, as the licences are checked for all; a build fetches those of this one only.
    tally.step("fetch", &mut cargo(root, &["fetch", "-q", "--locked"]));
    tally.step("licences", &mut cargo(root, &["deny", "--offline", "check", "bans", "licenses", "sources"]));
    fuzz(root, &mut tally);
    foreign(root, &mut tally);
    tally.step("benches", &mut cargo(root, &["check", "-q", "-p", "peerless-bench", "--all-targets"]));
    tally.end()
}

/// Entry of `cargo xtask test`.
pub fn run_tests(quick: bool) -> ExitCode {
    let root = root();
    if !quick && !needs::install(&root) {
        println!("not everything could be installed: nothing was tested");
        println!("0 passed, 1 failed");
        return ExitCode::FAILURE;
    }
    run_all(&root, quick)
}

fn lints(root: &Path, quick: bool, tally: &mut Tally) {
    let mut clippy = cargo(root, &["clippy"]);
    clippy.args(MEMBERS).arg("--all-targets");
    if quick {
        clippy.args(["--", "-D", "warnings"]);
    } else {
        clippy.args(["--all-features", "--", "-D", "warnings"]);
    }
    tally.step("clippy", &mut clippy);
    if !quick {
        for (package, feature) in FEATURES {
            let arguments = ["check", "-q", "-p", package, "--no-default-features", "--features", feature];
            tally.step("features", &mut cargo(root, &arguments));
        }
    }
    let mut docs = cargo(root, &["doc", "-q", "--no-deps"]);
    tally.step("docs", docs.args(MEMBERS).env("RUSTDOCFLAGS", "-D warnings"));
}

fn units(root: &Path, quick: bool, tally: &mut Tally) {
    // The simulation counts by itself: it is the one that takes its time.
    let test = |arguments: &[&str]| {
        let mut command = cargo(root, &["test", "-q", "--no-fail-fast"]);
        command.args(MEMBERS).args(arguments);
        command
    };
    tally.step("unit", &mut test(&["--lib", "--bins", "--examples"]));
    tally.step("unit", &mut test(&["--doc"]));
    tally.step("behaviour", &mut test(&["--exclude", "peerless-interop", "--test", "*"]));
    if !quick {
        let arguments = ["test", "-q", "-p", "peerless-media", "--features", "libvpx"];
        tally.step("libvpx", &mut cargo(root, &arguments));
    }
}

/// Each fuzz target for some seconds, from its seeds: a smoke test that finds what lies at the door.
fn fuzz(root: &Path, tally: &mut Tally) {
    let folder = root.join("fuzz");
    tally.step("build", &mut cargo(&folder, &["build", "-q", "--release"]));
    let targets = match targets(&folder.join("targets")) {
        Ok(targets) if !targets.is_empty() => targets,
        other => {
            println!("-- fuzzing: no targets: {other:?}");
            return tally.add("fuzzing", Outcome::default());
        }
    };
    for target in targets {
        let corpus = folder.join("corpus").join(&target);
        if let Err(error) = std::fs::create_dir_all(&corpus) {
            println!("{}: {error}", corpus.display());
        }
        let mut command = cargo(&folder, &["run", "-q", "--release", "--bin", &target, "--"]);
        command.arg(format!("-max_total_time={FUZZ_SECONDS}"));
        command.args(["-rss_limit_mb=2048", "-timeout=20", "-verbosity=0"]);
        command.arg(corpus).arg(folder.join("seeds").join(&target));
        tally.step("fuzzing", &mut command);
    }
}

/// The names of the files in `folder`, without their endings, sorted.
fn targets(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Browsers, aiortc and ffmpeg, in a network namespace of their own.
fn foreign(root: &Path, tally: &mut Tally) {
    let build = ["test", "-q", "--no-run", "-p", "peerless-interop", "--features", "foreign-peers"];
    tally.step("build", &mut cargo(root, &["build", "-q", "-p", "peerless-cli"]));
    tally.step("build", &mut cargo(root, &build));
    for &(kind, test) in FOREIGN {
        let arguments = ["test", "-p", "peerless-interop", "--features", "foreign-peers", "--test", test];
        let tail = ["--offline", "--", "--test-threads=1", "--nocapture"];
        let arguments: Vec<&str> = arguments.into_iter().chain(tail).collect();
        tally.step(kind, with_tools(&mut namespace::command(root, &cargo_path(), &arguments), root));
    }
}

/// Entry of `cargo xtask screenshot`.
pub fn take_screenshot() -> ExitCode {
    let root = root();
    let arguments = ["test", "-p", "peerless-interop", "--features", "foreign-peers", "--test", "browsers"];
    let tail = ["--offline", "--", "the_page_looks"];
    let arguments: Vec<&str> = arguments.into_iter().chain(tail).collect();
    let file = root.join("docs/page.png");
    let built = is_fine(&cargo_path(), &["build", "-q", "-p", "peerless-cli"]);
    let mut command = namespace::command(&root, &cargo_path(), &arguments);
    let taken = run(with_tools(&mut command, &root).env("PEERLESS_SCREENSHOT", &file));
    if built && taken.success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn with_tools<'a>(command: &'a mut Command, root: &Path) -> &'a mut Command {
    command.env("PEERLESS_PYTHON", needs::python(root))
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_path());
    command.current_dir(root).args(arguments);
    command
}

fn cargo_path() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// The workspace's folder: the parent of this package's.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
