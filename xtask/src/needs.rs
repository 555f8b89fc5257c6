//! What the tests need besides Rust, and how it is installed: Debian's packages with apt (as root or with sudo), two
//! cargo tools, and aiortc into a folder of its own under `.tools`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{is_fine, run};

/// Debian's packages and what each is for.
const PACKAGES: [(&str, &str); 14] = [
    ("chromium", "a browser to test with"),
    ("firefox-esr", "a browser to test with"),
    ("ffmpeg", "the judge of recorded files"),
    ("iproute2", "a network namespace for the browsers"),
    ("nftables", "translators of addresses"),
    ("coturn", "a STUN and TURN server"),
    ("openssl", "a certificate for the TURN server"),
    ("procps", "signals to the programs under test"),
    ("libvpx-dev", "the feature libvpx"),
    ("pkg-config", "the feature libvpx"),
    ("g++", "OpenH264 and the fuzzer's run time"),
    ("python3", "aiortc"),
    ("python3-venv", "aiortc"),
    ("ca-certificates", "aiortc"),
];

/// Tools from the Rust registry: command and package.
const CARGO_TOOLS: [&str; 1] = ["cargo-deny"];

/// Where aiortc lives.
pub fn python(root: &Path) -> PathBuf {
    root.join(".tools/python/bin/python")
}

/// Says what is missing and installs it; `false` where that failed.
pub fn install(root: &Path) -> bool {
    let missing: Vec<&str> =
        PACKAGES.iter().map(|package| package.0).filter(|package| !is_installed(package)).collect();
    let tools: Vec<&str> = CARGO_TOOLS.into_iter().filter(|tool| !is_fine(tool, &["--version"])).collect();
    let has_aiortc = is_fine(&python(root).display().to_string(), &["-c", "import aiortc, websockets"]);
    for (package, purpose) in PACKAGES.iter().filter(|package| missing.contains(&package.0)) {
        println!("needs {package} ({purpose}): installing it with apt");
    }
    for tool in &tools {
        println!("needs {tool} (licences of dependencies): installing it with cargo");
    }
    if !has_aiortc {
        println!("needs aiortc (a foreign peer): installing it from PyPI into .tools/python");
    }
    (missing.is_empty() || install_packages(&missing))
        && tools.iter().all(|tool| run(Command::new("cargo").args(["install", "--locked", tool])).success)
        && (has_aiortc || install_aiortc(root))
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Status}", package]);
    query.output().is_ok_and(|output| output.stdout.ends_with(b"install ok installed"))
}

fn install_packages(packages: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        let mut command = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root() {
            command.arg("apt-get");
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run(&mut command).success
    };
    let mut install = vec!["install", "-y", "-q", "--no-install-recommends"];
    install.extend_from_slice(packages);
    apt(&["update", "-q"]) && apt(&install)
}

/// Whether we run as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn install_aiortc(root: &Path) -> bool {
    let folder = root.join(".tools/python");
    let requirements = root.join("interop/aiortc/requirements.txt");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).success
        && run(Command::new(python(root)).args(["-m", "pip", "install", "-q", "-r"]).arg(requirements))
            .success
}
