//! The scene of the session tests.
#![allow(dead_code, unused_imports, reason = "each test uses its part of the scene")]

pub mod material;
pub mod play;

pub use material::*;
pub use play::*;
