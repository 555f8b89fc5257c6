//! `peerless demo`.

use std::net::SocketAddr;

use clap::ValueEnum;

use crate::args::media_port::MediaPortArgs;
use crate::args::network::NetworkArgs;
use crate::args::values::{Bitrate, Size};

/// How the demo shall be.
#[derive(clap::Args, Debug, Clone)]
pub struct DemoArgs {
    /// Where the page and its signalling are served
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The video codec
    #[arg(long, value_enum, value_name = "CODEC", default_value_t = Video::Vp8)]
    pub video: Video,
    /// The audio codec
    #[arg(long, value_enum, value_name = "CODEC", default_value_t = Audio::Opus)]
    pub audio: Audio,
    /// What is to be heard
    #[arg(long, value_enum, default_value_t = Sound::Music)]
    pub sound: Sound,
    /// Width and height of the picture, pixels
    #[arg(long, value_name = "WxH", default_value = "640x480")]
    pub size: Size,
    /// Pictures per second
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub fps: u32,
    /// Bits per second for the picture, k and M allowed
    #[arg(long, value_name = "BITS", default_value = "1500k")]
    pub bitrate: Bitrate,
    #[command(flatten)]
    pub media: MediaPortArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// `--video`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Video {
    Vp8,
    H264,
    None,
}

/// `--audio`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audio {
    Opus,
    Pcmu,
    Pcma,
    G722,
    None,
}

/// `--sound`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    Music,
    Silence,
    WhiteNoise,
    PinkNoise,
    Sine,
}
