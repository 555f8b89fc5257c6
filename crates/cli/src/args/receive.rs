//! `peerless receive`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::args::media_port::MediaPortArgs;
use crate::args::network::NetworkArgs;
use crate::args::values::seconds;

/// What shall be received, and what becomes of it.
#[derive(clap::Args, Debug, Clone)]
pub struct ReceiveArgs {
    /// Where the page and its signalling are served
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The video codec
    #[arg(long, value_enum, value_name = "CODEC", default_value_t = Video::Any)]
    pub video: Video,
    /// The audio codec
    #[arg(long, value_enum, value_name = "CODEC", default_value_t = Audio::Any)]
    pub audio: Audio,
    /// The folder to record into: a file for each track, and one with all of a client's
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<Duration>,
    #[command(flatten)]
    pub media: MediaPortArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// `--video`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Video {
    Any,
    Vp8,
    H264,
    None,
}

/// `--audio`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audio {
    Any,
    Opus,
    Pcmu,
    Pcma,
    G722,
    None,
}
