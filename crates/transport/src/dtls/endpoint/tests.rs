//! Two endpoints on a wire in virtual time, with a script that loses, doubles, cuts and forges what is on it.

use std::time::SystemTime;

use super::*;

const DELAY: Duration = Duration::from_millis(20);
const CLIENT: usize = 0;
const SERVER: usize = 1;

/// What becomes of a datagram: by sender, running number and contents, what arrives and how much later than usual.
type Script<'a> = dyn FnMut(usize, usize, &[u8]) -> Vec<(Duration, Vec<u8>)> + 'a;

struct Wire {
    now: Instant,
    ends: [Endpoint; 2],
    events: [Vec<Event>; 2],
    flying: Vec<(Instant, usize, Vec<u8>)>,
    sent: usize,
}

fn certificate() -> Arc<Certificate> {
    Arc::new(Certificate::generate(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)).unwrap())
}

fn sha256(certificate: &Certificate) -> Vec<Fingerprint> {
    vec![certificate.fingerprint(crate::crypto::HashAlgorithm::Sha256)]
}

/// Both configurations, each with a certificate of its own.
fn configs(client: Versions, server: Versions) -> [Config; 2] {
    let make = |versions| Config { versions, simulation_seed: Some(1), ..Config::new(certificate()) };
    [make(client), make(server)]
}

#[expect(clippy::disallowed_methods, reason = "a test begins somewhere; from there time is virtual")]
fn beginning() -> Instant {
    Instant::now()
}

impl Wire {
    fn new(configs: &[Config; 2]) -> Self {
        let prints = [sha256(&configs[SERVER].certificate), sha256(&configs[CLIENT].certificate)];
        Self::with_fingerprints(configs, prints)
    }

    fn with_fingerprints(configs: &[Config; 2], [for_client, for_server]: [Vec<Fingerprint>; 2]) -> Self {
        let now = beginning();
        let client = Endpoint::new(now, &configs[CLIENT], Role::Client, for_client);
        let server = Endpoint::new(now, &configs[SERVER], Role::Server, for_server);
        Self { now, ends: [client, server], events: [vec![], vec![]], flying: vec![], sent: 0 }
    }

    /// Lets time pass up to `limit` from now, or until both ends rest: nothing flies, and each is done.
    fn run(&mut self, limit: Duration, script: &mut Script<'_>) {
        let end = self.now + limit;
        for step in 0.. {
            assert!(step < 20_000, "time stands still at {:?} before the end", end - self.now);
            self.collect(script);
            let is_done = self.ends.iter().all(|end| end.state() != DtlsState::Connecting);
            if is_done && self.flying.is_empty() {
                return;
            }
            let arrivals = self.flying.iter().map(|(at, ..)| *at);
            let next = arrivals.chain(self.ends.iter().filter_map(Endpoint::poll_timeout)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        self.flying.sort_by_key(|(at, ..)| *at);
        while self.flying.first().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, to, datagram) = self.flying.remove(0);
            self.ends[to].handle_datagram(self.now, BytesMut::from(&datagram[..]));
        }
        for end in &mut self.ends {
            if end.poll_timeout().is_some_and(|at| at <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }

    /// Seals a message of `from` and puts it on the wire. Returns whether it was taken.
    fn send(&mut self, from: usize, message: &[u8]) -> bool {
        let mut datagram = BytesMut::from(message);
        let is_sealed = self.ends[from].seal(self.now, &mut datagram, 0);
        if is_sealed {
            self.flying.push((self.now + DELAY, 1 - from, datagram.to_vec()));
        }
        is_sealed
    }

    fn collect(&mut self, script: &mut Script<'_>) {
        for (from, end) in self.ends.iter_mut().enumerate() {
            let mut datagram = BytesMut::new();
            while end.poll_transmit(&mut datagram).is_some() {
                for (late, bytes) in script(from, self.sent, &datagram) {
                    self.flying.push((self.now + DELAY + late, 1 - from, bytes));
                }
                self.sent += 1;
                datagram.clear();
            }
            self.events[from].extend(std::iter::from_fn(|| end.poll_event()));
        }
    }

    /// Both ends' version, cipher and keys; panics where one is not connected.
    fn secured(&self) -> [(Version, CipherSuite, Keys); 2] {
        [CLIENT, SERVER].map(|end| {
            assert_eq!(self.ends[end].state(), DtlsState::Connected, "{:?}", self.events);
            let found = self.events[end].iter().find_map(|event| match event {
                Event::Secured { version, cipher, keys } => Some((*version, *cipher, keys.clone()?)),
                _ => None,
            });
            found.unwrap()
        })
    }

    fn is_secured(&self, end: usize) -> bool {
        self.events[end].iter().any(|event| matches!(event, Event::Secured { .. }))
    }
}

fn pass(_: usize, _: usize, bytes: &[u8]) -> Vec<(Duration, Vec<u8>)> {
    vec![(Duration::ZERO, bytes.to_vec())]
}

const COMBINATIONS: [(Versions, Versions, Version); 7] = [
    (Versions::Any, Versions::Any, Version::Dtls13),
    (Versions::Only12, Versions::Only12, Version::Dtls12),
    (Versions::Only13, Versions::Only13, Version::Dtls13),
    (Versions::Any, Versions::Only12, Version::Dtls12),
    (Versions::Only12, Versions::Any, Version::Dtls12),
    (Versions::Any, Versions::Only13, Version::Dtls13),
    (Versions::Only13, Versions::Any, Version::Dtls13),
];

#[test]
fn agrees_on_version_cipher_profile_and_keys() {
    for (client, server, expected) in COMBINATIONS {
        let mut wire = Wire::new(&configs(client, server));
        wire.run(Duration::from_secs(10), &mut pass);
        let [client, server] = wire.secured();
        assert_eq!((client.0, server.0), (expected, expected));
        assert_eq!(client.1, server.1);
        assert_ne!(client.1.as_str(), "unknown");
        assert_eq!(client.2.send.profile(), Profile::AeadAes256Gcm);
        assert_eq!((&client.2.send, &client.2.receive), (&server.2.receive, &server.2.send));
        assert_ne!(client.2.send, client.2.receive);
    }
}

#[test]
fn needs_no_round_trip_more_than_the_rfcs() {
    for (versions, flights) in [(Versions::Only12, 4), (Versions::Any, 3), (Versions::Only13, 3)] {
        let mut wire = Wire::new(&configs(versions, versions));
        let start = wire.now;
        wire.run(Duration::from_secs(10), &mut pass);
        wire.secured();
        assert!(wire.now - start <= DELAY * (flights + 1), "{versions:?} took {:?}", wire.now - start);
    }
}

#[test]
fn fails_and_lets_nothing_out_where_the_fingerprint_is_wrong() {
    for (client, server, _) in COMBINATIONS {
        for wrong in [CLIENT, SERVER] {
            let configs = configs(client, server);
            let mut prints = [sha256(&configs[SERVER].certificate), sha256(&configs[CLIENT].certificate)];
            prints[wrong] = sha256(&certificate());
            let mut wire = Wire::with_fingerprints(&configs, prints);
            wire.run(Duration::from_secs(60), &mut pass);
            assert_eq!(wire.ends[wrong].state(), DtlsState::Failed);
            assert!(wire.events[wrong].contains(&Event::Failed(Failure::FingerprintMismatch)));
            assert!(!wire.is_secured(wrong));
            assert!(!wire.send(wrong, b"secret"));
            let other = 1 - wrong;
            wire.send(other, b"secret");
            wire.run(Duration::from_secs(1), &mut pass);
            assert_eq!(wire.ends[wrong].poll_application(), None);
        }
    }
}

#[test]
fn survives_the_loss_of_any_one_datagram() {
    for (client, server, expected) in COMBINATIONS {
        for lost in 0..16 {
            let mut wire = Wire::new(&configs(client, server));
            let start = wire.now;
            wire.run(Duration::from_secs(10), &mut |from, number, bytes| {
                if number == lost { vec![] } else { pass(from, number, bytes) }
            });
            assert_eq!(wire.secured()[0].0, expected);
            assert!(wire.now - start < Duration::from_secs(2), "{client:?} {server:?} {lost}");
        }
    }
}

#[test]
fn survives_loss_doubling_and_reorder() {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    for (client, server, expected) in COMBINATIONS {
        for seed in 0..30 {
            let mut configs = configs(client, server);
            configs[SERVER].mtu = 300;
            let mut wire = Wire::new(&configs);
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            wire.run(Duration::from_secs(60), &mut |_, _, bytes| {
                let copies = match rng.next_u32() % 10 {
                    0..2 => 0,
                    2 => 2,
                    _ => 1,
                };
                let mut late = || Duration::from_millis(u64::from(rng.next_u32() % 60));
                (0..copies).map(|_| (late(), bytes.to_vec())).collect()
            });
            assert_eq!(wire.secured()[1].0, expected, "{client:?} {server:?} seed {seed}");
        }
    }
}

/// Cuts the one plaintext handshake message of a datagram into two records.
fn cut_in_two(datagram: &[u8]) -> [Vec<u8>; 2] {
    let (header, body) = (&datagram[..25], &datagram[25..]);
    let half = body.len() / 2;
    [(0, &body[..half]), (half, &body[half..])].map(|(offset, part)| {
        let mut bytes = header.to_vec();
        bytes[10] += u8::from(offset > 0);
        bytes[11..13].copy_from_slice(&(part.len() as u16 + 12).to_be_bytes());
        bytes[19..22].copy_from_slice(&(offset as u32).to_be_bytes()[1..]);
        bytes[22..25].copy_from_slice(&(part.len() as u32).to_be_bytes()[1..]);
        bytes.extend_from_slice(part);
        bytes
    })
}

#[test]
fn takes_a_client_hello_in_two_pieces_in_either_order() {
    for (client, server, expected) in COMBINATIONS {
        for late_piece in [0, 1] {
            let mut wire = Wire::new(&configs(client, server));
            let start = wire.now;
            wire.run(Duration::from_secs(10), &mut |from, number, bytes| {
                if number > 0 {
                    return pass(from, number, bytes);
                }
                let pieces = cut_in_two(bytes).into_iter().enumerate();
                pieces.map(|(n, piece)| (Duration::from_millis(u64::from(n == late_piece)), piece)).collect()
            });
            assert_eq!(wire.secured()[SERVER].0, expected);
            assert!(wire.now - start < Duration::from_millis(200), "needed a retransmission");
        }
    }
}

#[test]
fn is_not_disturbed_by_forged_and_broken_records() {
    let fatal_alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let close_notify = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];
    let unified =
        [0b0010_1110, 0, 1, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
    let encrypted_alert = [21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 4, 2, 40, 9, 9];
    for (client, server, expected) in COMBINATIONS {
        let mut wire = Wire::new(&configs(client, server));
        wire.run(Duration::from_secs(10), &mut |_, _, bytes| {
            let mut arrivals: Vec<Vec<u8>> =
                vec![fatal_alert.to_vec(), close_notify.to_vec(), unified.to_vec()];
            arrivals.push(encrypted_alert.to_vec());
            arrivals.extend((1..bytes.len()).step_by(7).map(|length| bytes[..length].to_vec()));
            let mut behind_an_alert = fatal_alert.to_vec();
            behind_an_alert.extend_from_slice(bytes);
            arrivals.push(behind_an_alert);
            arrivals.push([bytes, &[0x16, 0xfe]].concat());
            arrivals.extend([vec![20; 40], vec![63; 1200], vec![0x16; 500]]);
            arrivals.into_iter().map(|bytes| (Duration::ZERO, bytes)).collect()
        });
        assert_eq!(wire.secured()[CLIENT].0, expected);
        for (end, bytes) in [(CLIENT, &fatal_alert[..]), (SERVER, &unified), (CLIENT, &encrypted_alert)] {
            wire.ends[end].handle_datagram(wire.now, BytesMut::from(bytes));
        }
        wire.secured();
    }
}

/// What a damaged datagram does to a handshake is open; it must not panic, nor end in a state of its own.
#[test]
fn takes_damaged_datagrams_without_a_panic() {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    for (client, server, _) in COMBINATIONS {
        let configs = configs(client, server);
        for seed in 0..40 {
            let mut wire = Wire::new(&configs);
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            wire.run(Duration::from_secs(50), &mut |_, _, bytes| {
                let mut damaged = bytes.to_vec();
                for _ in 0..=rng.next_u32() % 4 {
                    let place = rng.next_u32() as usize % damaged.len().min(120);
                    damaged[place] = rng.next_u32() as u8;
                }
                damaged.truncate(damaged.len() - (rng.next_u32() % 3) as usize);
                vec![(Duration::ZERO, damaged), (Duration::from_millis(1), bytes.to_vec())]
            });
            for end in &wire.ends {
                assert_ne!(end.state(), DtlsState::New);
            }
        }
    }
}

/// The server falls silent after a first flight of which one datagram was lost.
#[test]
fn asks_for_a_missing_piece_without_a_flood() {
    for versions in [Versions::Any, Versions::Only13] {
        for missing in 1..4 {
            let mut configs = configs(versions, versions);
            configs[SERVER].mtu = 250;
            let mut wire = Wire::new(&configs);
            let (mut asked, mut pieces) = (0, 0);
            wire.run(Duration::from_secs(5), &mut |from, number, bytes| {
                asked += u32::from(from == CLIENT);
                pieces += u32::from(from == SERVER);
                let is_lost = from == SERVER && (pieces - 1 == missing || pieces > 4);
                if is_lost { vec![] } else { pass(from, number, bytes) }
            });
            assert!(pieces > 4 && asked > 2);
            assert!(asked < 150, "{asked} datagrams in five seconds, missing piece {missing}");
        }
    }
}

#[test]
fn carries_messages_once_connected_and_not_before() {
    for (client, server, _) in COMBINATIONS {
        let mut wire = Wire::new(&configs(client, server));
        assert!(!wire.send(CLIENT, b"too early"));
        wire.run(Duration::from_secs(10), &mut pass);
        assert!(wire.send(CLIENT, b"there"));
        assert!(wire.send(SERVER, b"and back"));
        wire.run(Duration::from_secs(1), &mut pass);
        assert_eq!(wire.ends[SERVER].poll_application().as_deref(), Some(&b"there"[..]));
        assert_eq!(wire.ends[CLIENT].poll_application().as_deref(), Some(&b"and back"[..]));
    }
}

#[test]
fn closing_either_end_closes_the_other() {
    for (client, server, _) in COMBINATIONS {
        for closing in [CLIENT, SERVER] {
            let mut wire = Wire::new(&configs(client, server));
            wire.run(Duration::from_secs(10), &mut pass);
            wire.ends[closing].close(wire.now);
            let start = wire.now;
            wire.run(Duration::from_secs(10), &mut pass);
            assert!(wire.now - start <= DELAY * 2);
            for end in [CLIENT, SERVER] {
                assert_eq!(wire.events[end].last(), Some(&Event::State(DtlsState::Closed)));
            }
        }
    }
}

#[test]
fn fails_where_an_excluded_profile_is_agreed_on() {
    let mut configs = configs(Versions::Any, Versions::Any);
    configs[SERVER].profiles = vec![Profile::Aes128CmHmacSha1_80];
    let mut wire = Wire::new(&configs);
    wire.run(Duration::from_secs(60), &mut pass);
    let failure = Event::Failed(Failure::ProfileNotAllowed(Profile::AeadAes256Gcm));
    assert!(wire.events[SERVER].contains(&failure));
    assert!(!wire.is_secured(SERVER));
}

#[test]
fn gives_up_in_time_and_names_the_alert_it_heard() {
    for versions in [Versions::Any, Versions::Only12, Versions::Only13] {
        let mut wire = Wire::new(&configs(versions, versions));
        let start = wire.now;
        wire.run(Duration::from_secs(100), &mut |from, _, _| match from {
            CLIENT => vec![],
            _ => unreachable!("the server hears nothing"),
        });
        assert_eq!(wire.ends[SERVER].state(), DtlsState::Connecting);
        assert!(wire.events[CLIENT].contains(&Event::Failed(Failure::TimedOut { alert: None })));
        assert!(wire.now - start <= Duration::from_secs(100));
    }
    let mut wire = Wire::new(&configs(Versions::Any, Versions::Any));
    let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 70];
    wire.ends[CLIENT].handle_datagram(wire.now, BytesMut::from(&alert[..]));
    wire.run(Duration::from_secs(100), &mut |_, _, _| vec![]);
    assert!(wire.events[CLIENT].contains(&Event::Failed(Failure::TimedOut { alert: Some(70) })));
}

#[test]
fn versions_without_overlap_fail_instead_of_hanging() {
    let mut wire = Wire::new(&configs(Versions::Only13, Versions::Only12));
    wire.run(Duration::from_secs(100), &mut pass);
    assert_eq!(wire.ends.each_ref().map(Endpoint::state), [DtlsState::Failed; 2]);
}

#[test]
fn keeps_datagrams_within_the_mtu() {
    for (client, server, _) in COMBINATIONS {
        let mut configs = configs(client, server);
        configs.iter_mut().for_each(|config| config.mtu = 600);
        let mut wire = Wire::new(&configs);
        wire.run(Duration::from_secs(10), &mut |from, number, bytes| {
            assert!(bytes.len() <= 600, "{} bytes", bytes.len());
            pass(from, number, bytes)
        });
        wire.secured();
    }
}

#[test]
fn later_fingerprints_must_vouch_for_the_same_certificate() {
    let configs = configs(Versions::Any, Versions::Any);
    let mut wire = Wire::new(&configs);
    wire.run(Duration::from_secs(10), &mut pass);
    wire.ends[CLIENT].set_fingerprints(sha256(&configs[SERVER].certificate));
    wire.secured();
    wire.ends[CLIENT].set_fingerprints(sha256(&certificate()));
    assert_eq!(wire.ends[CLIENT].state(), DtlsState::Failed);
}

/// A server that is vouched for by the certificates it shows. It asks for ours, as one of ours does.
fn with_server(is_vouched: bool) -> Wire {
    let configs = configs(Versions::Any, Versions::Any);
    let mut wire = Wire::new(&configs);
    wire.ends[CLIENT] = Endpoint::with_server(wire.now, &configs[CLIENT]);
    for _ in 0..200 {
        wire.collect(&mut pass);
        if is_vouched && wire.events[CLIENT].iter().any(|event| matches!(event, Event::Chain(_))) {
            wire.ends[CLIENT].vouch();
        }
        wire.now += DELAY;
        wire.deliver();
    }
    let own = configs[SERVER].certificate.der().to_vec();
    assert!(wire.events[CLIENT].contains(&Event::Chain(vec![own])));
    wire
}

#[test]
fn nothing_passes_to_or_from_a_server_before_it_is_vouched_for() {
    let mut vouched = with_server(true);
    assert_eq!(vouched.secured()[CLIENT].0, Version::Dtls12);
    for from in [CLIENT, SERVER] {
        assert!(vouched.send(from, b"message"));
        vouched.run(Duration::from_secs(1), &mut pass);
        assert_eq!(vouched.ends[1 - from].poll_application().as_deref(), Some(&b"message"[..]));
    }
    let mut doubtful = with_server(false);
    assert!(doubtful.events[CLIENT].contains(&Event::Failed(Failure::NoCertificate)));
    assert!(!doubtful.is_secured(CLIENT) && !doubtful.send(CLIENT, b"secret"));
    doubtful.send(SERVER, b"message");
    doubtful.run(Duration::from_secs(1), &mut pass);
    assert_eq!(doubtful.ends[CLIENT].poll_application(), None);
}
