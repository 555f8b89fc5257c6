//! The words of the command line, and what they may be.

pub mod values;
pub mod servers;
pub mod network;
pub mod media_port;
pub mod demo;
pub mod receive;
pub mod echo;
pub mod probe;
pub mod gather;
pub mod top;
