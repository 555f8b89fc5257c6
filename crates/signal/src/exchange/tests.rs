//! Exchanges over a channel in memory, between real connections on this machine.

use std::time::Duration;

use peerless::{Configuration, ConnectionState, Event, LocalTrack, MediaKind, PeerConnection};
use tokio::sync::mpsc;

use crate::channel::{Channel, ChannelError, Incoming};
use crate::exchange::{EARLY_CANDIDATES, Ended, Exchange, Rejection, Role, Step};
use crate::message::Message;

/// Half of a channel in memory.
struct Half {
    out: mpsc::UnboundedSender<Incoming>,
    into: mpsc::UnboundedReceiver<Incoming>,
}

fn pair() -> (Half, Half) {
    let ((a, from_a), (b, from_b)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    (Half { out: a, into: from_b }, Half { out: b, into: from_a })
}

impl Channel for Half {
    async fn send(&mut self, text: String) -> Result<(), ChannelError> {
        let _ = self.out.send(Incoming::Text(text));
        Ok(())
    }

    async fn recv(&mut self) -> Result<Option<Incoming>, ChannelError> {
        Ok(self.into.recv().await)
    }

    async fn close(&mut self) {
        self.into.close();
    }
}

fn sender() -> PeerConnection {
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    connection.add_track(&LocalTrack::new(MediaKind::Video, "v", "s")).unwrap();
    connection.add_track(&LocalTrack::new(MediaKind::Audio, "a", "s")).unwrap();
    connection
}

fn receiver() -> PeerConnection {
    PeerConnection::new(Configuration::default()).unwrap()
}

/// The next step, in seconds at most.
async fn step(exchange: &mut Exchange<Half>) -> Step {
    tokio::time::timeout(LIMIT, exchange.next()).await.expect("a step in time").expect("one more step")
}

/// The next message that the other side sent, leaving out candidates.
async fn description(half: &mut Half) -> Message {
    loop {
        let incoming = tokio::time::timeout(LIMIT, half.into.recv()).await.expect("a message in time");
        let Some(Incoming::Text(text)) = incoming else { panic!("no text: {incoming:?}") };
        match Message::parse(&text).unwrap() {
            Message::Candidate(_) => {}
            message => return message,
        }
    }
}

async fn connected(connection: &PeerConnection) {
    let mut events = connection.events();
    let waiting = async {
        while connection.connection_state() != ConnectionState::Connected {
            events.next().await.expect("the connection stays open");
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("connected in time");
}

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn two_connections_come_together_and_end_together() {
    let (left, right) = pair();
    let (offerer, answerer) = (sender(), receiver());
    let offering = tokio::spawn(super::run(left, offerer.clone(), Role::Offer));
    let answering = tokio::spawn(super::run(right, answerer.clone(), Role::Answer));
    connected(&offerer).await;
    connected(&answerer).await;

    offerer.close();
    assert!(matches!(offering.await.unwrap(), Ended::ConnectionClosed));
    let ended = tokio::time::timeout(LIMIT, answering).await.expect("the other side ends as well").unwrap();
    assert!(matches!(ended, Ended::ChannelClosed | Ended::ConnectionClosed), "{ended:?}");
}

#[tokio::test]
async fn candidates_go_both_ways_and_end_with_an_empty_one() {
    let (mut here, left) = pair();
    let (there, right) = pair();
    let (offerer, answerer) = (sender(), receiver());
    tokio::spawn(super::run(left, offerer.clone(), Role::Offer));
    tokio::spawn(super::run(right, answerer.clone(), Role::Answer));

    // Carry messages by hand and look at them.
    let (mut there_in, there_out) = (there.into, there.out);
    let (mut ended_here, mut ended_there) = (false, false);
    let carrying = async {
        while !(ended_here && ended_there) {
            tokio::select! {
                Some(incoming) = here.into.recv() => {
                    ended_here |= is_end(&incoming);
                    there_out.send(incoming).unwrap();
                }
                Some(incoming) = there_in.recv() => {
                    ended_there |= is_end(&incoming);
                    here.out.send(incoming).unwrap();
                }
            }
        }
    };
    tokio::time::timeout(LIMIT, carrying).await.expect("both ends of candidates in time");
    connected(&offerer).await;
}

fn is_end(incoming: &Incoming) -> bool {
    let Incoming::Text(text) = incoming else { return false };
    matches!(Message::parse(text).unwrap(), Message::Candidate(candidate) if candidate.candidate.is_empty())
}

#[tokio::test]
async fn candidates_before_the_description_wait_for_it() {
    let (mut here, left) = pair();
    let mut exchange = Exchange::new(left, receiver(), Role::Answer);
    let other = sender();
    let offer = other.create_offer().unwrap();
    let early = |mid: &str| {
        let text = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host";
        here.out.send(Incoming::Text(format!(r#"{{"candidate":"{text}","sdpMid":"{mid}"}}"#))).unwrap();
    };
    early("0");
    early("no such section");
    for _ in 2..EARLY_CANDIDATES {
        early("0");
    }
    early("0");
    here.out.send(Incoming::Text(Message::Description(offer).write())).unwrap();

    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::TooManyCandidates)));
    assert!(matches!(step(&mut exchange).await, Step::Taken(_)));
    assert!(
        matches!(step(&mut exchange).await, Step::Rejected(Rejection::Candidate(_))),
        "the unknown section"
    );
    assert!(matches!(step(&mut exchange).await, Step::Sent(_)));
    let Message::Description(answer) = description(&mut here).await else { panic!("an answer") };
    assert_eq!(answer.kind.as_str(), "answer");
}

#[tokio::test]
async fn garbage_is_told_and_disturbs_nothing() {
    let (here, left) = pair();
    let connection = sender();
    let mut exchange = Exchange::new(left, connection.clone(), Role::Offer);
    let texts = [
        "garbage".to_owned(),
        r#"{"type":"answer","sdp":"garbage"}"#.to_owned(),
        r#"{"type":"offer","sdp":"v=0\r\n"}"#.to_owned(),
        r#"{"candidate":"garbage","sdpMid":"0"}"#.to_owned(),
        format!(r#"{{"type":"answer","sdp":"v=0\r\n{}"}}"#, "a=x\\r\\n".repeat(1 << 17)),
    ];
    assert!(matches!(step(&mut exchange).await, Step::Sent(_)));
    for text in texts {
        here.out.send(Incoming::Text(text)).unwrap();
    }
    here.out.send(Incoming::Binary(7)).unwrap();
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Message(_))));
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Description { .. })));
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Collision)));
    // The candidate waits for an answer, and is judged then.
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Description { .. })));
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Binary(7))));

    // The right answer is still taken.
    let offer = connection.local_description().unwrap();
    let other = receiver();
    other.set_remote_description(offer).unwrap();
    let answer = other.create_answer().unwrap();
    here.out.send(Incoming::Text(Message::Description(answer).write())).unwrap();
    assert!(matches!(step(&mut exchange).await, Step::Taken(_)));
    assert!(matches!(step(&mut exchange).await, Step::Rejected(Rejection::Candidate(_))));
    drop(here);
    assert!(matches!(step(&mut exchange).await, Step::Ended(Ended::ChannelClosed)));
    assert!(tokio::time::timeout(LIMIT, exchange.next()).await.expect("at once").is_none());
}

#[tokio::test]
async fn an_offer_that_cannot_be_made_ends_the_exchange() {
    let (_here, left) = pair();
    let closed = receiver();
    closed.close();
    let mut exchange = Exchange::new(left, closed, Role::Offer);
    assert!(matches!(step(&mut exchange).await, Step::NoOffer(_)));
    assert!(matches!(step(&mut exchange).await, Step::Ended(Ended::NoOffer)));
}

#[tokio::test]
async fn a_track_added_later_is_offered_by_either_side() {
    let (left, right) = pair();
    let (offerer, answerer) = (sender(), receiver());
    tokio::spawn(super::run(left, offerer.clone(), Role::Offer));
    tokio::spawn(super::run(right, answerer.clone(), Role::Answer));
    connected(&offerer).await;
    connected(&answerer).await;
    for (from, to, id) in [(&answerer, &offerer, "late"), (&offerer, &answerer, "later")] {
        let mut events = to.events();
        from.add_track(&LocalTrack::new(MediaKind::Audio, id, "t")).unwrap();
        let arriving = async {
            loop {
                if let Event::Track(track) = events.next().await.expect("open")
                    && track.id() == id
                {
                    break;
                }
            }
        };
        tokio::time::timeout(LIMIT, arriving).await.unwrap_or_else(|_| panic!("{id} in time"));
    }
}
