//! ICE restarts (webrtc-pc §4.4.2 restartIce, RFC 9429 §5.2.3.1 and §5.3.1, RFC 8445 §9), from either side, in every
//! state, while media and messages flow.

#[path = "../scene/mod.rs"]
mod scene;
mod words;
mod remote;
mod negotiating;
mod states;
mod flowing;
mod weather;
