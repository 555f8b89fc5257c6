//! What goes by way of a relay (RFC 8656 §11, §12): checks, DTLS, messages and media, in indications first and over a
//! channel then.

use peerless_netsim::{Link, Loss};
use peerless_transport::datagram::Carrier;
use peerless_transport::transport::{PacketKind, Transport};
use peerless_wire::stun::Method;

use crate::server::{PASSWORD, Server};
use crate::world::{SERVER, World, seconds, turn_server};

#[test]
fn a_relay_carries_all_there_is() {
    for server in [Server::new(SERVER), Server::modern(SERVER)] {
        let mut world = World::new(server);
        world.connect();
        let (base, remote) = world.transports[0].route().unwrap();
        assert_eq!((base.carrier, remote), (Carrier::Relay, world.addresses[1]));
        world.message(0, 100_000);
        world.message(1, 100_000);
        assert!(world.servers[0].channel_data > 80, "{}", world.servers[0].channel_data);
        assert_eq!((world.direct, world.servers[0].asked(Method::CHANNEL_BIND)), (0, 1));
    }
}

#[test]
fn both_ends_may_be_behind_relays() {
    let other = "192.0.2.8:3478";
    let mut world = World::new(Server::new(SERVER));
    world.servers.push(Server::new(other));
    world.transports[1].ice_mut().set_relay_only(true);
    world.gather(0, &[turn_server(SERVER, PASSWORD)]);
    world.gather(1, &[turn_server(other, PASSWORD)]);
    world.introduce();
    assert!(world.run(seconds(30), World::is_connected));
    let carriers = world.transports.each_ref().map(|one| one.route().unwrap().0.carrier);
    assert_eq!(carriers, [Carrier::Relay; 2]);
    world.message(0, 10_000);
    world.message(1, 10_000);
}

#[test]
fn media_of_equal_size_goes_in_one_batch_with_four_bytes_before_each_packet() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    world.pass(seconds(1));
    let came = world.received[1].len();
    let transmit = world.send_media(0, &[1000; 10]);
    assert_eq!(transmit.destination, world.servers[0].address);
    let plain = transmit.segment_size.unwrap() - 4;
    assert_eq!(transmit.size, 10 * (plain + 4));
    world.pass(seconds(1));
    assert_eq!(world.received[1].len() - came, 10);
    let came = world.received[0].len();
    world.send_media(1, &[1000; 10]);
    world.pass(seconds(1));
    assert_eq!(world.received[0].len() - came, 10);
}

#[test]
fn connects_through_loss_by_way_of_a_relay() {
    for seed in 0..20 {
        let mut world = World::new(Server::new(SERVER));
        let link =
            Link { loss: Loss::Random(0.1), delay: std::time::Duration::from_millis(30), ..Link::default() };
        world.network = peerless_netsim::Network::new(seed, link);
        world.connect();
        world.message(0, 10_000);
        world.message(1, 10_000);
    }
}

#[test]
fn noise_from_the_server_does_no_harm() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    let server = world.servers[0].address;
    let client = world.addresses[0];
    let mut noise: u64 = 1;
    for length in 0..400 {
        let mut bytes = vec![0_u8; length % 60];
        for byte in &mut bytes {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (noise >> 33) as u8;
        }
        if let Some(first) = bytes.first_mut() {
            *first = [0, 1, 0x40, 0x4f, 22, 0x80][length % 6];
        }
        world.network.send(world.now, server, client, bytes.into());
    }
    world.pass(seconds(1));
    world.message(0, 1000);
}

#[test]
fn saying_goodbye_comes_before_the_relay_is_given_back() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    world.pass(seconds(1));
    let now = world.now;
    world.transports[0].close(now);
    world.pass(seconds(1));
    let is_closed = |one: &Transport| one.dtls_state() == peerless_transport::state::DtlsState::Closed;
    assert!(is_closed(&world.transports[1]), "the peer has heard it");
    assert!(world.servers[0].allocations.is_empty(), "and the server has its address back");
}

#[test]
fn a_packet_over_a_channel_takes_no_memory_of_its_own() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    world.pass(seconds(1));
    let mut out = bytes::BytesMut::with_capacity(4096);
    // The first packet of a source makes room for it.
    world.send_media(0, &[1000]);
    let transport = &mut world.transports[0];
    let counted = allocation_counter::measure(|| {
        for number in 1..100 {
            out.clear();
            let envelope = transport.envelope().unwrap();
            let begin = envelope.open(&mut out);
            out.extend_from_slice(&[0x80, 96, 0, number, 0, 0, 0, 0, 0, 0, 0, 1]);
            out.resize(begin + 1000, 7);
            transport.protect(PacketKind::Rtp, &mut out, begin).unwrap();
            envelope.close(&mut out, begin);
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
