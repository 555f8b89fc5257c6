//! Foreign peers for Peerless: real browsers and aiortc, started and asked by tests.
//!
//! A browser is driven over the protocol it has built in (Chromium: DevTools, Firefox: WebDriver BiDi), both JSON
//! over one WebSocket, so that no driver program is needed between. Everything runs on this machine.

pub mod network;
pub mod process;
pub mod socket;
pub mod devices;
pub mod chromium;
pub mod firefox;
pub mod browser;
pub mod program;
pub mod page;
