//! str0m has no sockets: each end gets a thread that reads, writes and sleeps as its manual shows, with the defaults
//! but for the send buffer.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use str0m::channel::{ChannelConfig, ChannelId};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

use crate::Received;

struct End {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    channel: ChannelId,
}

/// Connects a pair and floods it.
pub fn run(message: usize, received: Received) {
    let now = Instant::now();
    let mut rtcs = [(); 2].map(|()| RtcConfig::new().build(now));
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a socket"));
    let addresses = sockets.each_ref().map(|socket| socket.local_addr().expect("its address"));
    for end in [0, 1] {
        let host = |end: usize| Candidate::host(addresses[end], "udp").expect("a candidate");
        rtcs[end].add_local_candidate(host(end));
        rtcs[end].add_remote_candidate(host(1 - end));
        let fingerprint = rtcs[1 - end].direct_api().local_dtls_fingerprint().clone();
        let credentials = rtcs[1 - end].direct_api().local_ice_credentials();
        let mut api = rtcs[end].direct_api();
        api.set_remote_fingerprint(fingerprint);
        api.set_remote_ice_credentials(credentials);
        api.set_ice_controlling(end == 0);
    }
    let config = ChannelConfig { negotiated: Some(1), label: "flood".into(), ..ChannelConfig::default() };
    let ends = rtcs.into_iter().zip(sockets).enumerate().map(|(end, (mut rtc, socket))| {
        let mut api = rtc.direct_api();
        api.start_dtls(end == 0).expect("DTLS");
        api.start_sctp(end == 0);
        let channel = api.create_data_channel(config.clone());
        End { rtc, socket, local: addresses[end], channel }
    });
    for (number, end) in ends.enumerate() {
        let received = received.clone();
        std::thread::spawn(move || end.run(if number == 0 { Some(message) } else { None }, &received));
    }
}

impl End {
    fn run(mut self, flood: Option<usize>, received: &Received) {
        let bytes = vec![0x5a; flood.unwrap_or(0)];
        let mut buffer = vec![0; 65_536];
        let mut is_open = false;
        self.socket.set_nonblocking(true).expect("a socket");
        loop {
            let timeout = loop {
                match self.rtc.poll_output().expect("no failure") {
                    Output::Timeout(at) => {
                        // As long as the channel takes messages there is more to poll.
                        let takes = is_open
                            && flood.is_some()
                            && self
                                .rtc
                                .channel(self.channel)
                                .is_some_and(|mut channel| channel.write(true, &bytes).expect("no failure"));
                        if !takes {
                            break at;
                        }
                    }
                    Output::Transmit(transmit) => {
                        let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                    }
                    Output::Event(Event::ChannelOpen(..)) => is_open = true,
                    Output::Event(Event::ChannelData(data)) => {
                        received.fetch_add(data.data.len() as u64, Ordering::Relaxed);
                    }
                    Output::Event(Event::IceConnectionStateChange(IceConnectionState::Disconnected)) => {
                        return;
                    }
                    _ => {}
                }
            };
            self.receive(timeout, &mut buffer);
        }
    }

    /// Takes in one datagram, waiting for it until `timeout`: str0m wants to be polled after each.
    fn receive(&mut self, timeout: Instant, buffer: &mut [u8]) {
        let mut arrived = self.socket.recv_from(buffer);
        let wait = timeout.saturating_duration_since(Instant::now());
        if arrived.is_err() && !wait.is_zero() {
            let _ = self.socket.set_nonblocking(false);
            let _ = self.socket.set_read_timeout(Some(wait.max(Duration::from_micros(100))));
            arrived = self.socket.recv_from(buffer);
            let _ = self.socket.set_nonblocking(true);
        }
        let now = Instant::now();
        let input = match &arrived {
            Ok((length, source)) => match buffer[..*length].try_into() {
                Ok(contents) => {
                    let (source, destination) = (*source, self.local);
                    Input::Receive(now, Receive { proto: Protocol::Udp, source, destination, contents })
                }
                Err(_) => Input::Timeout(now),
            },
            Err(_) => Input::Timeout(now),
        };
        self.rtc.handle_input(input).expect("no failure");
    }
}
