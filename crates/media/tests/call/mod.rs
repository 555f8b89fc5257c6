//! A call from one connection to another, over the loopback interface.
#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

mod pair;

pub use pair::{Call, PATIENCE};
