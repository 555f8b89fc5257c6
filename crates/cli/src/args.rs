//! The words of the command line, and what they may be. A wrong one ends the program with exit code 2.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Reads the command line; on a wrong word, or on `--help`, says so and ends the program.
pub fn parse() -> Command {
    read(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn read<I, T>(words: I) -> Result<Command, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let top = Top::try_parse_from(words)?;
    let command = top.command.unwrap_or(Command::Demo(top.demo));
    let Command::Demo(args) = &command;
    if args.video == Video::None && args.audio == Audio::None {
        let reason = "--video none and --audio none leave nothing to send";
        return Err(Top::command().error(ErrorKind::ArgumentConflict, reason));
    }
    Ok(command)
}

/// WebRTC for Rust. Without a command the demo is started.
#[derive(Parser)]
#[command(name = "peerless", version, args_conflicts_with_subcommands = true)]
struct Top {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: DemoArgs,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve a page that shows our picture and plays our sound in a browser
    Demo(DemoArgs),
}

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
    /// A STUN server to ask for our outer address; may be given several times
    #[arg(long, value_name = "stun:HOST:PORT", value_parser = stun)]
    pub stun: Vec<String>,
    /// A local address to use, instead of those of all interfaces; may be given several times
    #[arg(long, value_name = "IP", value_parser = interface)]
    pub interface: Vec<IpAddr>,
    /// The version of DTLS
    #[arg(long, value_enum, default_value_t = Dtls::Any)]
    pub dtls: Dtls,
    /// Which library logs are shown: warn, debug, peerless=trace …
    #[arg(long, value_name = "FILTER", value_parser = log_filter)]
    pub log: Option<String>,
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

/// `--dtls`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtls {
    Any,
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
}

/// The word on the command line that stands for a value.
pub fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |word| word.get_name().to_owned())
}

/// `--size`: both even, 16 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || "expected WIDTHxHEIGHT, as in 640x480".to_owned();
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(shape)?;
        let side = |text: &str| -> Result<u32, String> {
            if !text.bytes().all(|byte| byte.is_ascii_digit()) || text.is_empty() {
                return Err(shape());
            }
            match text.parse() {
                Ok(side) if (16..=4096).contains(&side) && side % 2 == 0 => Ok(side),
                _ => Err(format!("{text} is not an even number from 16 to 4096")),
            }
        };
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

/// `--bitrate`, bits per second: 50k to 50M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitrate(pub u64);

impl FromStr for Bitrate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, unit) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1e3),
            Some((at, 'm' | 'M')) => (&text[..at], 1e6),
            _ => (text, 1.0),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let bits = digits.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit);
        match bits {
            Some(bits) if (50e3..=50e6).contains(&bits) => Ok(Self(bits as u64)),
            Some(_) => Err("expected 50k to 50M".to_owned()),
            None => Err("expected a number of bits per second, as in 1500k or 2.5M".to_owned()),
        }
    }
}

fn stun(text: &str) -> Result<String, String> {
    let shape = || "expected stun:HOST:PORT, as in stun:192.0.2.1:3478".to_owned();
    let (scheme, server) = text.split_once(':').ok_or_else(shape)?;
    match scheme.to_ascii_lowercase().as_str() {
        "stun" => {}
        "stuns" | "turn" | "turns" => return Err(format!("{scheme}: servers are not supported yet")),
        _ => return Err(shape()),
    }
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => {
            host.parse::<std::net::Ipv6Addr>().map_err(|_| shape())?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("3478")))
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, Some("3478")),
        },
    };
    let port_fits = port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port != 0);
    let host_fits = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/?#@[]".contains(c));
    if port_fits && host_fits { Ok(text.to_owned()) } else { Err(shape()) }
}

/// An address is ours if a socket can be bound to it.
fn interface(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| "expected an IP address".to_owned())?;
    if address.is_unspecified() || address.is_multicast() {
        return Err("expected the address of one interface".to_owned());
    }
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(address),
        Err(error) => Err(format!("not an address of this machine: {error}")),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
