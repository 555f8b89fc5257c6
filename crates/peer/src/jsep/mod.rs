//! JSEP (RFC 9429) as pure functions: from a view of the peer to an offer or answer, from a description to a plan of
//! what it changes. Offer/answer by RFC 3264, BUNDLE by RFC 9143, DTLS by RFC 8842, data channels by
//! RFC 8841, codecs by their payload formats, several encodings by RFC 8853.

pub mod routes;
pub mod view;
pub mod plan;
mod signaling;
mod h264;
mod codecs;
mod numbers;
pub(crate) mod extensions;
pub mod credentials;
mod simulcast;
mod bundle;
pub(crate) mod sctp;
mod check;
mod section;
mod carry;
mod offer;
mod answer;
mod rollback;
mod apply;
mod wanted;
pub mod candidates;

pub use answer::create_answer;
pub use apply::apply;
pub use bundle::carried;
pub use offer::{create_offer, owners};
pub use signaling::{Source, next_state};
pub use wanted::transports_wanted;
