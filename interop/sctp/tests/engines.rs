//! Our SCTP against foreign engines: either end opening, or both; loss up to a fifth; messages from one byte to 256 KiB,
//! in order and not; partial reliability, interleaving, zero checksums, stream resets.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dcsctp::api::{Options, ZeroChecksumAlternateErrorDetectionMethod};
use peerless_interop_sctp::{Delivery, Engine, Google, Ours, Proto, Received, Wire};
use peerless_netsim::{Link, Loss};
use peerless_transport::sctp::Config;

const SECOND: Duration = Duration::from_secs(1);
/// In per cent.
const LOSSES: [u32; 4] = [0, 1, 5, 20];

/// Who opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opener {
    Ours,
    Theirs,
    Both,
}

fn some_instant() -> Instant {
    Instant::now()
}

fn link(loss: u32) -> Link {
    let loss = if loss == 0 { Loss::None } else { Loss::Random(f64::from(loss) / 100.0) };
    Link { delay: Duration::from_millis(10), rate_bps: Some(50_000_000), loss, ..Link::default() }
}

fn ours(now: Instant, seed: u8, adjust: impl Fn(&mut Config)) -> Ours {
    let mut config = Config::new([seed; 32]);
    // Whether an end gives up too soon is not the question here.
    config.max_init_retransmissions = None;
    adjust(&mut config);
    Ours::new(now, config)
}

fn google(now: Instant, adjust: impl Fn(&mut Options)) -> Google {
    let mut options = Options { max_init_retransmits: None, max_retransmissions: None, ..Options::default() };
    adjust(&mut options);
    Google::new(now, &options)
}

fn open<B: Engine>(wire: &mut Wire<Ours, B>, opener: Opener) {
    if opener != Opener::Theirs {
        wire.first.connect(wire.now);
    }
    if opener != Opener::Ours {
        wire.second.connect(wire.now);
    }
    let is_open = wire.run(60 * SECOND, |wire| wire.first.is_connected() && wire.second.is_connected());
    assert!(is_open, "opened by {opener:?}");
}

/// The bytes tell which message it is, and where in it they stand.
fn message(number: usize, len: usize) -> Bytes {
    let mut bytes: Vec<u8> = (0..len).map(|place| (place * 31 + number * 7 + place / 251) as u8).collect();
    let id = (number as u32).to_be_bytes();
    bytes.iter_mut().zip(id.iter().rev()).for_each(|(byte, part)| *byte = *part);
    bytes.into()
}

const SIZES: [usize; 9] = [1, 5, 100, 1000, 1200, 5000, 16_384, 100_000, 262_144];
const COUNT: usize = 2 * SIZES.len();

fn sized(number: usize) -> Bytes {
    message(number, SIZES[number % SIZES.len()])
}

/// Both ends send on one stream in order and on another without; both get all of it.
fn converse<B: Engine>(wire: &mut Wire<Ours, B>, what: &str) {
    let unordered = Delivery { unordered: true, ..Delivery::default() };
    // Two for each message: in order, then not.
    let mut next = [0; 2];
    let done = wire.run(600 * SECOND, |wire| {
        let now = wire.now;
        let ends: [&mut dyn Engine; 2] = [&mut wire.first, &mut wire.second];
        for (end, next) in ends.into_iter().zip(&mut next) {
            while *next < 2 * COUNT {
                let (stream, delivery) =
                    if *next % 2 == 0 { (3, Delivery::default()) } else { (4, unordered) };
                if !end.send(now, stream, &sized(*next / 2), delivery) {
                    break;
                }
                *next += 1;
            }
        }
        wire.to_first.len() == 2 * COUNT && wire.to_second.len() == 2 * COUNT
    });
    assert!(done, "{what}: {} and {} of {}", wire.to_first.len(), wire.to_second.len(), 2 * COUNT);
    check(&wire.to_first, what);
    check(&wire.to_second, what);
    wire.to_first.clear();
    wire.to_second.clear();
}

fn check(received: &[Received], what: &str) {
    let of = |stream: u16| {
        received.iter().filter(move |message| message.stream == stream).map(|message| message.payload.clone())
    };
    assert!(of(3).eq((0..COUNT).map(sized)), "{what}: in order");
    let (mut came, mut sent): (Vec<Bytes>, Vec<Bytes>) = (of(4).collect(), (0..COUNT).map(sized).collect());
    came.sort();
    sent.sort();
    assert!(came == sent, "{what}: each once");
}

#[test]
fn dcsctp_and_we_understand_each_other_at_any_loss() {
    for opener in [Opener::Ours, Opener::Theirs, Opener::Both] {
        for loss in LOSSES {
            let now = some_instant();
            let mut wire = Wire::new(1, now, link(loss), ours(now, 1, |_| {}), google(now, |_| {}));
            open(&mut wire, opener);
            assert!(!wire.first.is_interleaving() && !wire.first.is_without_checksum());
            converse(&mut wire, &format!("{opener:?}, {loss} %"));
        }
    }
}

#[test]
fn dcsctp_and_we_interleave_messages_and_leave_checksums_out() {
    for (interleaving, without_checksum) in [(true, false), (false, true), (true, true)] {
        for loss in LOSSES {
            let now = some_instant();
            let theirs = google(now, |options| {
                options.enable_message_interleaving = interleaving;
                if without_checksum {
                    options.zero_checksum_alternate_error_detection_method =
                        ZeroChecksumAlternateErrorDetectionMethod(1);
                }
            });
            let mut wire = Wire::new(2, now, link(loss), ours(now, 2, |_| {}), theirs);
            open(&mut wire, if loss == 5 { Opener::Both } else { Opener::Theirs });
            assert_eq!(wire.first.is_interleaving(), interleaving);
            assert_eq!(wire.second.is_interleaving(), interleaving);
            assert_eq!(wire.first.is_without_checksum(), without_checksum);
            assert_eq!(wire.second.is_without_checksum(), without_checksum);
            converse(&mut wire, &format!("interleaving {interleaving}, {loss} %"));
        }
    }
}

#[test]
fn we_turn_off_what_dcsctp_would_have_done() {
    let now = some_instant();
    let theirs = google(now, |options| {
        options.enable_message_interleaving = true;
        options.zero_checksum_alternate_error_detection_method = ZeroChecksumAlternateErrorDetectionMethod(1);
    });
    let mine = ours(now, 3, |config| (config.interleaving, config.zero_checksum) = (false, false));
    let mut wire = Wire::new(3, now, link(1), mine, theirs);
    open(&mut wire, Opener::Ours);
    assert!(!wire.second.is_interleaving() && !wire.second.is_without_checksum());
    converse(&mut wire, "off");
}

/// What may be given up arrives whole or not at all, each once and in order, and the last of all, which may not, does.
fn give_up<B: Engine>(wire: &mut Wire<Ours, B>, delivery: Delivery, least: usize, what: &str) {
    let count = 60;
    let sent = |number: usize| message(number, 100 + 997 * (number % 7));
    for number in 0..count {
        let first = wire.first.send(wire.now, 5, &sent(number), delivery);
        let second = wire.second.send(wire.now, 5, &sent(number), delivery);
        assert!(first && second);
        wire.run(Duration::from_millis(20), |_| false);
    }
    wire.mend();
    wire.run(10 * SECOND, |_| false);
    let last = message(count, 3000);
    assert!(wire.first.send(wire.now, 6, &last, Delivery::default()));
    assert!(wire.second.send(wire.now, 6, &last, Delivery::default()));
    let is_last = |received: &[Received]| received.last().is_some_and(|message| message.payload == last);
    assert!(wire.run(60 * SECOND, |wire| is_last(&wire.to_first) && is_last(&wire.to_second)), "{what}");
    for received in [&wire.to_first, &wire.to_second] {
        let mut sent: Vec<Bytes> = (0..count).map(sent).collect();
        for came in received.iter().take(received.len() - 1) {
            let place = sent.iter().position(|sent| *sent == came.payload);
            let place = place.unwrap_or_else(|| panic!("{what}: whole, once and in order"));
            sent.drain(if delivery.unordered { place..=place } else { 0..=place });
        }
        assert!(received.len() > least, "{what}: {} of {count} came", received.len());
    }
}

#[test]
fn dcsctp_and_we_give_messages_up() {
    for interleaving in [false, true] {
        for loss in [1, 5, 20] {
            for (delivery, least) in [
                (Delivery { retransmissions: Some(0), ..Delivery::default() }, 5),
                (Delivery { retransmissions: Some(2), ..Delivery::default() }, 30),
                (Delivery { lifetime: Some(Duration::from_millis(150)), ..Delivery::default() }, 5),
                (
                    Delivery {
                        lifetime: Some(Duration::from_millis(150)),
                        unordered: true,
                        retransmissions: None,
                    },
                    5,
                ),
            ] {
                let now = some_instant();
                let theirs = google(now, |options| options.enable_message_interleaving = interleaving);
                let mut wire = Wire::new(4, now, link(loss), ours(now, 4, |_| {}), theirs);
                open(&mut wire, Opener::Both);
                let what = format!("interleaving {interleaving}, {loss} %, {delivery:?}");
                give_up(&mut wire, delivery, least, &what);
                let held = wire.first.association().stats().receive_buffered;
                assert_eq!(held, 0, "{what}: nothing is left behind");
            }
        }
    }
}

#[test]
fn dcsctp_and_we_reset_streams_and_use_them_again() {
    for interleaving in [false, true] {
        for loss in [0, 5, 20] {
            let now = some_instant();
            let theirs = google(now, |options| options.enable_message_interleaving = interleaving);
            let mut wire = Wire::new(5, now, link(loss), ours(now, 5, |_| {}), theirs);
            open(&mut wire, Opener::Theirs);
            for round in 0..10 {
                let payload = message(round, 20_000);
                assert!(wire.first.send(wire.now, 7, &payload, Delivery::default()));
                assert!(wire.second.send(wire.now, 7, &payload, Delivery::default()));
                wire.first.reset(wire.now, 7);
                wire.second.reset(wire.now, 7);
                let (mut mine, mut theirs) = ([false; 2], [false; 2]);
                let is_done = wire.run(120 * SECOND, |wire| {
                    mine[0] |= wire.first.poll_reset_done() == Some(7);
                    mine[1] |= wire.first.poll_reset_by_peer() == Some(7);
                    theirs[0] |= wire.second.poll_reset_done() == Some(7);
                    theirs[1] |= wire.second.poll_reset_by_peer() == Some(7);
                    mine == [true; 2] && theirs == [true; 2]
                });
                assert!(is_done, "{loss} %, round {round}: {mine:?} {theirs:?}");
                for received in [&mut wire.to_first, &mut wire.to_second] {
                    assert!(received.len() == 1 && received[0].payload == payload, "before the reset");
                    received.clear();
                }
            }
        }
    }
}

#[test]
fn dcsctp_and_we_end_in_peace() {
    for ours_ends in [true, false] {
        for loss in [0, 5] {
            let now = some_instant();
            let mut wire = Wire::new(6, now, link(loss), ours(now, 6, |_| {}), google(now, |_| {}));
            open(&mut wire, Opener::Ours);
            let payload = message(1, 100_000);
            assert!(wire.first.send(wire.now, 1, &payload, Delivery::default()));
            assert!(wire.second.send(wire.now, 1, &payload, Delivery::default()));
            if ours_ends {
                wire.first.shutdown(wire.now);
            } else {
                wire.second.shutdown(wire.now);
            }
            assert!(wire.run(60 * SECOND, |wire| wire.first.is_closed() && wire.second.is_closed()));
            assert_eq!(wire.to_first.len() + wire.to_second.len(), 2, "all was delivered before");
        }
    }
}

#[test]
fn sctp_proto_and_we_understand_each_other_at_any_loss() {
    for opener in [Opener::Ours, Opener::Theirs, Opener::Both] {
        for loss in LOSSES {
            let now = some_instant();
            let mut wire = Wire::new(7, now, link(loss), ours(now, 7, |_| {}), Proto::new());
            open(&mut wire, opener);
            converse(&mut wire, &format!("{opener:?}, {loss} %"));
        }
    }
}

#[test]
fn sctp_proto_and_we_give_messages_up() {
    for loss in [1, 5, 20] {
        for (delivery, least) in [
            (Delivery { retransmissions: Some(0), ..Delivery::default() }, 5),
            (Delivery { lifetime: Some(Duration::from_millis(150)), ..Delivery::default() }, 5),
        ] {
            let now = some_instant();
            let mut wire = Wire::new(8, now, link(loss), ours(now, 8, |_| {}), Proto::new());
            open(&mut wire, Opener::Ours);
            give_up(&mut wire, delivery, least, &format!("{loss} % {delivery:?}"));
        }
    }
}

#[test]
fn sctp_proto_resets_in_answer_to_us() {
    for loss in [0, 5] {
        let now = some_instant();
        let mut wire = Wire::new(9, now, link(loss), ours(now, 9, |_| {}), Proto::new());
        open(&mut wire, Opener::Ours);
        for round in 0..5 {
            let payload = message(round, 20_000);
            assert!(wire.first.send(wire.now, 7, &payload, Delivery::default()));
            wire.first.reset(wire.now, 7);
            let mut mine = [false; 2];
            let is_done = wire.run(120 * SECOND, |wire| {
                mine[0] |= wire.first.poll_reset_done() == Some(7);
                mine[1] |= wire.first.poll_reset_by_peer() == Some(7);
                mine == [true; 2] && wire.to_second.len() == 1
            });
            assert!(is_done, "{loss} %, round {round}: {mine:?}, {} came", wire.to_second.len());
            assert_eq!(wire.to_second.pop().map(|message| message.payload), Some(payload));
            wire.run(5 * SECOND, |_| false);
        }
    }
}
