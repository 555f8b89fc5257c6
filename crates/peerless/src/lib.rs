//! WebRTC for Rust: the whole RTCPeerConnection, from SDP to frames and messages.
//!
//! # Connect
//!
//! Make a [`PeerConnection`], add tracks, exchange descriptions and candidates over any channel you like:
//!
//! ```no_run
//! use peerless::{Configuration, Event, LocalTrack, MediaKind, PeerConnection};
//! # fn to_the_other_side<T>(_: T) {}
//! # async fn example() -> Result<(), peerless::Error> {
//! let connection = PeerConnection::new(Configuration::default())?;
//! let mut events = connection.events();
//! let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
//! connection.add_track(&camera)?;
//!
//! connection.set_local_description(None)?; // the offer
//! to_the_other_side(connection.local_description());
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::IceCandidate(candidate) => to_the_other_side(candidate),
//!         Event::ConnectionState(state) => println!("{state}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Negotiation
//!
//! All of RTCPeerConnection is here under its own names: implicit [`set_local_description`], rollback by either setter,
//! provisional answers, offers that meet, [`restart_ice`], current and pending descriptions. [`Event::NegotiationNeeded`]
//! comes when the standard says so, once for any number of calls; crate `peerless-signal` has perfect negotiation ready.
//!
//! The W3C's calls are promises that it chains one after the other (operations chain, webrtc-pc §4.4.1.2). Here each call
//! is done when it returns, under the one lock of its connection: calls of several tasks never interleave, each sees what
//! the one before left, and one that errs has changed nothing. What a script must guard by flags while it awaits cannot
//! happen between two calls of one task, but for what other tasks do in between; [`PeerConnection::signaling_state`] tells.
//!
//! [`set_local_description`]: PeerConnection::set_local_description
//! [`restart_ice`]: PeerConnection::restart_ice
//!
//! # Send
//!
//! A [`LocalTrack`] tells which [`Codec`] was negotiated, takes encoded [`Frame`]s with [`LocalTrack::write`], and
//! says when a key frame is wanted. Any number of senders may have it; [`Sender::replace_track`] swaps it without
//! negotiation. Cutting into packets, retransmission, pacing and reports happen inside. Crate
//! `peerless-media` has encoders and sources that drive a track by themselves.
//!
//! # Receive
//!
//! [`Event::Track`] brings a [`RemoteTrack`]; [`RemoteTrack::recv`] gives whole frames in order. A reader that is
//! too slow loses frames up to the next key frame, never the connection its memory. [`RemoteTrack::fork`] makes a second
//! reader. A remote that ceases to send mutes its track, which goes on when it sends again, and ends only with its transceiver.
//! Crate `peerless-media` has decoders, and plays that make pictures and sounds of a track by themselves.
//!
//! # Data channels
//!
//! [`PeerConnection::create_data_channel`] on one side brings [`Event::DataChannel`] to the other. A [`DataChannel`]
//! carries [`Message`]s, text or bytes, as its [`DataChannelInit`] says: in order or not, until delivered or for a limited
//! time.
//!
//! ```no_run
//! # async fn example(connection: peerless::PeerConnection) -> Result<(), Box<dyn std::error::Error>> {
//! use peerless::{DataChannelInit, Message};
//!
//! let channel = connection.create_data_channel("chat", DataChannelInit::default())?;
//! // … offer and answer, then:
//! channel.opened().await;
//! channel.send("hello").await?;
//! while let Some(message) = channel.recv().await {
//!     match message {
//!         Message::Text(text) => println!("{text}"),
//!         Message::Binary(bytes) => println!("{} bytes", bytes.len()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`DataChannel::send`] waits while [`Configuration::send_buffer`] is full, [`DataChannel::try_send`] refuses then.
//! Messages that arrive wait until they are read: when [`Configuration::receive_buffer`] is full the other side is held
//! back, on all channels of the connection; none is dropped. A channel can be read to its end after it has closed.
//!
//! # Close
//!
//! [`PeerConnection::close`], or dropping the last clone, says goodbye to the remote and ends tracks, channels and events;
//! [`PeerConnection::closed`] waits for the last datagram. Tracks and transceivers may be dropped before or after.
//!
//! # Servers
//!
//! An [`Endpoint`] has one port of UDP, and of TCP where it is wanted, for any number of connections, and few tasks instead of one each:
//!
//! ```no_run
//! # async fn example() -> Result<(), peerless::Error> {
//! use peerless::{Configuration, Endpoint, EndpointConfig};
//!
//! let endpoint = Endpoint::bind(["192.0.2.1:3478".parse().unwrap()], EndpointConfig::default())?;
//! let connection = endpoint.connection(Configuration::default())?; // as any other from here on
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Calls give an [`Error`] with the W3C's name of it ([`Error::name`]) and change nothing then. What the network
//! does wrong is counted and dropped; it never fails a call.
//!
//! # Time and threads
//!
//! No call blocks or waits except those that are `async`. Each connection is one task on the tokio runtime that it
//! was made in; those of an [`Endpoint`] share its workers.

pub mod addresses;
pub mod error;
mod ice_server;
mod ice_tcp;
mod stream_server;
pub mod config;
mod encoding;
mod feed;
mod source;
mod remote_track;
mod mailbox;
mod news;
mod shared;
pub mod channel;
pub mod events;
mod local_track;
mod sender;
mod receiver;
mod dtmf;
mod sources;
mod transceiver;
mod driver;
mod connection;
mod configuring;
mod endpoint;
pub mod stats;
mod transports;
mod parameters;

pub use addresses::AddressOptions;
pub use channel::DataChannel;
pub use config::Configuration;
pub use connection::PeerConnection;
pub use dtmf::DtmfSender;
pub use encoding::Encoding;
pub use endpoint::{Endpoint, EndpointConfig, EndpointStats};
pub use error::{EndpointError, Error};
pub use events::{Event, Events};
pub use ice_server::IceServer;
pub use ice_tcp::IceTcp;
pub use local_track::{LocalTrack, WriteError};
pub use receiver::Receiver;
pub use remote_track::RemoteTrack;
pub use sender::Sender;
pub use transceiver::Transceiver;
pub use transports::{DtlsTransport, IceTransport, SctpTransport};

pub use peerless_peer::capabilities::{HeaderExtensionCapability, RtpCapabilities};
pub use peerless_peer::channel::{ChannelError, DataChannelInit, Message, MessageError, Priority, SctpView};
pub use peerless_peer::config::{
    BundlePolicy, CodecCapability, DtlsVersions, GatheringPolicy, IceTransportPolicy, RtcpMuxPolicy,
};
pub use peerless_peer::configuration::KeyAlgorithm;
pub use peerless_peer::data::stats::{AssociationStats, ChannelStats, Counts, DataStats};
pub use peerless_peer::description::{IceCandidateInit, OfferOptions, SessionDescription};
pub use peerless_peer::error::{CandidateError, DescriptionError, Error as PeerError};
pub use peerless_peer::event::{Diagnostic, IceCandidateError, Secured, SelectedPair};
pub use peerless_peer::id::{TransceiverId, TransportId};
pub use peerless_peer::jsep::view::{Credentials, DtlsRole};
pub use peerless_peer::media::SendError;
pub use peerless_peer::parameters::{
    EncodingParameters, HeaderExtension, MAX_ENCODINGS, ReceiveParameters, RtcpParameters, SendParameters,
};
pub use peerless_peer::report::counters::{
    FlowStats, InboundStats, JitterBufferStats, OutboundStats, RemoteReport, Stats, TransceiverStats,
    TransportStats,
};
pub use peerless_peer::state::{
    ConnectionState, DataChannelState, Direction, IceComponent, IceConnectionState, IceGatheringState,
    IceRole, MediaKind, SctpState, SdpType, SignalingState,
};
pub use peerless_rtp::codec::{Codec, Feedback, Format};
pub use peerless_rtp::frame::Frame;
pub use peerless_rtp::source::MediaSource;
pub use peerless_rtp::tone::{ReceivedTone, Tone};
pub use peerless_transport::crypto::{Certificate, Fingerprint, HashAlgorithm};
pub use peerless_transport::dtls::Failure as DtlsFailure;
pub use peerless_transport::state::{DtlsState, GatheringState, IceState};
pub use peerless_wire::rtp::{Mid, PayloadType, Rid};
pub use peerless_wire::sdp::Candidate;
