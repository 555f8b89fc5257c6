//! A socket of a worker, and how far it has come with what leaves: it goes through the departures of all connections in
//! order, takes what is from its address, and gives the system as much in one call as that takes.

use std::task::{Context, Poll, ready};

use peerless_transport::datagram::{Protocol, Transmit};

use crate::driver::sockets::Socket;
use crate::driver::turn::{Departures, Place};

/// One socket.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) socket: Socket,
    /// The next that may be its.
    next: Place,
    /// How much of that has left, bytes.
    sent: usize,
}

impl Outlet {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket, next: Place::default(), sent: 0 }
    }

    /// The departures are others now.
    pub(super) fn restart(&mut self) {
        (self.next, self.sent) = (Place::default(), 0);
    }

    /// Sends what is its of these. `Pending` when the socket is full; the rest stays for the next call. `lost` is told what
    /// the system would not send, with its place.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        departures: &Departures,
        mut lost: impl FnMut(Place, Vec<Transmit>),
    ) -> Poll<()> {
        let local = self.socket.local;
        let is_its = |transmit: &Transmit| transmit.protocol == Protocol::Udp && transmit.source == local;
        loop {
            let mut its = departures.from(self.next).filter(|(_, transmit, _)| is_its(transmit));
            let Some((place, transmit, bytes)) = its.clone().next() else {
                self.next = departures.end();
                return Poll::Ready(());
            };
            if self.sent == 0 {
                let many = its.clone().map(|(_, transmit, bytes)| (transmit, bytes));
                let count = ready!(self.socket.poll_send_many(context, many));
                if count > 0 {
                    let last = its.nth(count - 1);
                    self.next = last.map_or(departures.end(), |(place, transmit, _)| place.after(transmit));
                    continue;
                }
            }
            ready!(self.socket.poll_send(context, transmit, bytes, &mut self.sent));
            let discarded = self.socket.take_discarded();
            if !discarded.is_empty() {
                lost(place, discarded);
            }
            (self.next, self.sent) = (place.after(transmit), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::{Ipv4Addr, SocketAddr};

    use bytes::BytesMut;
    use peerless_peer::id::TransportId;

    use super::*;

    fn socket() -> Socket {
        Socket::bind(Ipv4Addr::LOCALHOST.into(), TransportId(0)).unwrap()
    }

    fn transmit(source: &Socket, destination: SocketAddr, size: usize, segment: Option<usize>) -> Transmit {
        let (source, protocol) = (source.local, Protocol::Udp);
        Transmit { source, destination, protocol, ecn: None, size, segment_size: segment }
    }

    /// What arrives, first byte and length of each.
    async fn heard(socket: &Socket, count: usize) -> Vec<(u8, usize)> {
        let (mut block, mut datagrams) = (BytesMut::new(), Vec::new());
        while datagrams.len() < count {
            poll_fn(|context| socket.poll_receive(context, &mut block, &mut datagrams)).await;
        }
        datagrams.iter().map(|datagram| (datagram.contents[0], datagram.contents.len())).collect()
    }

    #[tokio::test]
    async fn each_socket_sends_what_is_its_in_order_and_what_is_refused_stops_nothing() {
        let (mut outlets, receivers) = ([(); 2].map(|()| Outlet::new(socket())), [(); 5].map(|()| socket()));
        let mut departures = Departures::default();
        let (mut expected, mut refused) = ([(); 5].map(|()| Vec::new()), [Vec::new(), Vec::new()]);
        for number in 0..200_u8 {
            let (outlet, receiver) = (usize::from(number % 2), usize::from(number % 5));
            let (size, segment) = match number % 8 {
                1 | 2 => (3_300, Some(1_000)),
                3 => (1_500, Some(700)),
                // More than a datagram can be.
                4 if number > 60 => (65_508, None),
                _ => (100 + usize::from(number), None),
            };
            let destination = receivers[receiver].local;
            let transmit = transmit(&outlets[outlet].socket, destination, size, segment);
            if size > 65_507 {
                refused[outlet].push(usize::from(number));
            } else {
                let lengths = vec![number; size];
                let segments = lengths.chunks(segment.unwrap_or(size)).map(|one| (number, one.len()));
                expected[receiver].extend(segments);
            }
            departures.push(transmit, &vec![number; size]);
        }
        for round in 0..2 {
            for (outlet, refused) in outlets.iter_mut().zip(&refused) {
                let mut lost = Vec::new();
                let mut tell = |place: Place, what: Vec<Transmit>| {
                    assert_eq!(what.iter().map(|one| one.size).collect::<Vec<_>>(), [65_508]);
                    lost.push(place.transmit);
                };
                poll_fn(|context| outlet.poll_send(context, &departures, &mut tell)).await;
                assert_eq!(
                    lost,
                    if round == 0 { &refused[..] } else { &[] },
                    "a second time there is nothing"
                );
            }
        }
        for (receiver, mut expected) in receivers.iter().zip(expected) {
            let mut heard = heard(receiver, expected.len()).await;
            // Of one sender all come in order; the two send one after the other.
            heard.sort_by_key(|(number, _)| number % 2);
            expected.sort_by_key(|(number, _)| number % 2);
            assert_eq!(heard, expected);
        }
    }
}
