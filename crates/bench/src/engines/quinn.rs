//! quinn-proto: QUIC, another protocol, with encryption: what a modern transport makes of the same link.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use peerless_transport::crypto::Certificate;
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig, ServerConfig,
    StreamId, TransportConfig, VarInt,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use crate::engines::engine::{Engine, Setting};

const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5000));

/// One end.
#[derive(Debug)]
pub struct End {
    endpoint: Endpoint,
    client: Option<ClientConfig>,
    connection: Option<(ConnectionHandle, Connection)>,
    stream: Option<StreamId>,
    packet: Vec<u8>,
}

/// Takes any certificate: this is a bench.
#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl End {
    /// An end that waits, or one that connects.
    pub fn new(serves: bool, setting: Setting) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut transport = TransportConfig::default();
        transport.stream_receive_window(VarInt::from_u32(setting.buffer as u32));
        transport.send_window(setting.buffer as u64);
        let transport = Arc::new(transport);
        let server = serves.then(|| Arc::new(server(&provider, transport.clone())));
        let client = (!serves).then(|| client(&provider, transport.clone()));
        let endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), server, true, Some([7; 32]));
        Self { endpoint, client, connection: None, stream: None, packet: Vec::new() }
    }

    fn settle(&mut self) {
        let Some((handle, connection)) = &mut self.connection else { return };
        while connection.poll().is_some() {}
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
    }
}

fn server(provider: &Arc<CryptoProvider>, transport: Arc<TransportConfig>) -> ServerConfig {
    let certificate = Certificate::generate(SystemTime::now()).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.private_key().to_vec()));
    let config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
        .expect("a fine certificate");
    let mut config =
        ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config).expect("for QUIC")));
    config.transport_config(transport);
    config
}

fn client(provider: &Arc<CryptoProvider>, transport: Arc<TransportConfig>) -> ClientConfig {
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider.signature_verification_algorithms)))
        .with_no_client_auth();
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).expect("for QUIC")));
    config.transport_config(transport);
    config
}

impl Engine for End {
    fn connect(&mut self, now: Instant) {
        if let Some(config) = self.client.take() {
            self.connection = self.endpoint.connect(now, config, ADDRESS, "localhost").ok();
        }
        self.settle();
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        let mut answer = Vec::new();
        match self.endpoint.handle(now, ADDRESS, None, None, BytesMut::from(packet), &mut answer) {
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.connection = self.endpoint.accept(incoming, now, &mut answer, None).ok();
            }
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut self.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::Response(_)) | None => {}
        }
        self.settle();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, connection)) = &mut self.connection {
            connection.handle_timeout(now);
        }
        self.settle();
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.connection.as_mut()?.1.poll_timeout()
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        self.settle();
        self.packet.clear();
        let _ = self.connection.as_mut()?.1.poll_transmit(now, 1, &mut self.packet)?;
        Some(Bytes::copy_from_slice(&self.packet))
    }

    fn send(&mut self, _now: Instant, message: &Bytes) -> bool {
        let Some((_, connection)) = &mut self.connection else { return false };
        if self.stream.is_none() {
            self.stream = connection.streams().open(Dir::Uni);
        }
        let Some(stream) = self.stream else { return false };
        connection.send_stream(stream).write(message).is_ok_and(|written| written == message.len())
    }

    fn receive(&mut self, _now: Instant) -> Option<usize> {
        let (_, connection) = self.connection.as_mut()?;
        if self.stream.is_none() {
            self.stream = connection.streams().accept(Dir::Uni);
        }
        let mut stream = connection.recv_stream(self.stream?);
        let mut chunks = stream.read(true).ok()?;
        let length = chunks.next(usize::MAX).ok().flatten().map(|chunk| chunk.bytes.len());
        let _ = chunks.finalize();
        length
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
