//! house
fn main() {}
