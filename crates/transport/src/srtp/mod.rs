//! SRTP and SRTCP (RFC 3711, RFC 7714), in place and without an allocation per packet.
//!
//! A context is made from one master key and serves one direction: [`SendContext`] protects what we send,
//! [`ReceiveContext`] opens what the other side sent. Session keys are the same for all SSRCs; only the indices and
//! the replay windows are kept per SSRC. [`Contexts`] makes both when they are needed.

pub mod profile;
pub mod error;
mod replay;
mod kdf;
mod packet;
mod cipher;
mod streams;
pub mod context;
pub mod contexts;

pub use context::{ReceiveContext, SendContext};
pub use contexts::Contexts;
pub use error::Error;
pub use profile::{MasterKey, Profile};
