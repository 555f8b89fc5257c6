//! Signalling by one HTTP request: an offer with all its candidates is posted, and the response is the answer with all
//! of its own, both as JSON (`{"type":"offer","sdp":"…"}`). It is what the public WebRTC echo interop project speaks.
//!
//! - `gathered`: waits until a description has all its candidates, for there is no trickling here.
//! - `server`: an offer taken from a request, an answer made a response, for axum.
//! - `client`: posts an offer.

pub mod body;
pub mod gathered;
pub mod server;
pub mod client;

pub use body::BODY_LIMIT;
pub use client::{PostError, post};
pub use gathered::gathered;
pub use server::{Answer, Offer, Refusal};
