//! What a server of DTLS shows beside its own certificate, read off records of any kind: in any order, as often as they come.
//! The input is records, each after its length (16 bits).
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_transport::dtls::chain::Chain;

fuzz_target!(|data: &[u8]| {
    let records = split(data);
    let mut chain = Chain::default();
    records.iter().for_each(|record| chain.read(record));
    let shown = chain.seen(b"own");
    assert_eq!(shown[0], b"own");
    // All of it has come, and none of it from elsewhere.
    let length: usize = shown.iter().skip(1).map(Vec::len).sum();
    assert!(length <= data.len());
    // What comes again says nothing new.
    records.iter().for_each(|record| chain.read(record));
    assert_eq!(chain.seen(b"own"), shown);
});

fn split(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let [high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (record, tail) = tail.split_at(length.min(tail.len()));
        records.push(record);
        rest = tail;
    }
    records
}
