//! The probe: calls an echo, tests what comes back, and reports.

pub mod report;
pub mod call;
pub mod channel;
pub mod stress;
pub mod reopen;
pub mod media;
pub mod run;
