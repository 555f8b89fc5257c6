//! What the benches share: what a process has used, and tables.

pub mod usage;
pub mod table;
pub mod engines;
