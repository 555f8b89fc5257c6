//! Two peers over a simulated network, in virtual time: what every test of this crate stands on.
#![allow(dead_code, unused_imports, reason = "each test uses its own part of the scene")]

pub mod media;
pub mod stage;

pub use stage::{ALICE, Adjust, BOB, End, Message, Scene, Setting, Side, config, delay, moment, wall};
