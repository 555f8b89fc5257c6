//! Session descriptions: what is read can be written, and is then read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_wire::sdp::Description;

fuzz_target!(|text: &str| {
    let Ok(description) = Description::parse(text) else { return };
    let written = description.to_string();
    assert_eq!(Description::parse(&written).as_ref(), Ok(&description));
});
