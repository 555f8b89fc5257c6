//! The SCTP engine end to end: two associations and a link between them, in virtual time.

mod world;
mod opening;
mod delivery;
mod filling;
mod rules;
