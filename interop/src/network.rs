//! The network of the tests: changed only where it is theirs.

use std::process::Command;

/// The pair of interfaces that `cargo xtask test` makes in the namespace of the tests.
const OWN: [&str; 2] = ["near:", "far:"];

/// Panics in the network of the machine, which no test may change.
pub fn must_be_own() {
    let interfaces = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let is_own = OWN.iter().all(|own| interfaces.lines().any(|line| line.trim_start().starts_with(own)));
    assert!(is_own, "this test changes the network: `cargo xtask test` runs it in a namespace of its own");
}

/// Has the kernel filter or translate by these rules. Panics where the network is not the tests' own, or `nft` refuses them.
pub fn nft(rules: &str) {
    must_be_own();
    let status = Command::new("nft").arg(rules).status().expect("nft");
    assert!(status.success(), "nft {rules}");
}
