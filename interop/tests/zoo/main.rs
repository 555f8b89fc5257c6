//! The zoo of translators, built of the kernel's (nftables) in network namespaces: two hosts of ours, each behind one of
//! each kind, with coturn between them, reach each other by the way that RFC 4787's behaviours leave. Needs root, `ip`,
//! `nft` and `turnserver`; `cargo xtask test` runs it in a namespace. `PEERLESS_TABLE=1` writes the README's table.
//!
//! Without a harness, for this program is also a host: `zoo host …` speaks over its standard streams.

#[path = "../lab/authority.rs"]
mod authority;
#[path = "../lab/pipe.rs"]
mod pipe;
mod street;
mod host;
mod table;
mod gather;
mod visit;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "host") {
        host::run(&words[1..]).await;
        return ExitCode::SUCCESS;
    }
    let name = "every_two_hosts_meet_by_the_way_that_their_translators_leave";
    let is_good = tokio::spawn(visit::all()).await.is_ok();
    println!("test {name} ... {}", if is_good { "ok" } else { "FAILED" });
    let (word, passed) = if is_good { ("ok", 1) } else { ("FAILED", 0) };
    println!("test result: {word}. {passed} passed; {} failed; 0 ignored", 1 - passed);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
