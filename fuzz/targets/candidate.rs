//! ICE candidates: what is read can be written, and is then read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_wire::sdp::Candidate;

fuzz_target!(|text: &str| {
    let Ok(candidate) = Candidate::parse(text) else { return };
    let written = candidate.to_string();
    assert_eq!(Candidate::parse(&written).as_ref(), Ok(&candidate));
});
