//! peerless: the command line.
fn main() {}
