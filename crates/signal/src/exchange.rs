//! An exchange: a connection and a channel, and what has to go between them so that two sides come together
//! (JSEP, RFC 9429 §3.2 and §3.5; trickle ICE, RFC 8838).
//!
//! The side with `Role::Offer` offers at once, the other one waits for an offer and answers. Candidates go both ways as
//! they are found, ended by an empty one. Candidates that come before their description wait for it. Once both have
//! come together either side may offer again; if both do so at the same time, the offer of `Role::Offer` stands.
//!
//! What cannot be taken is told as `Step::Rejected` and changes nothing.

use std::collections::VecDeque;

use peerless::{
    Error, Event, Events, IceCandidateInit, PeerConnection, SdpType, SessionDescription, SignalingState,
};

use crate::channel::{Channel, ChannelError, Incoming};
use crate::message::Message;
use crate::step::{EARLY_CANDIDATES, Ended, Rejection, SEND_LIMIT, Step};

/// Which side of the first exchange we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// We offer, as soon as the channel stands.
    Offer,
    /// We wait for an offer and answer it.
    Answer,
}

/// A running exchange. Its owner pulls the steps; nothing moves while nobody does.
pub struct Exchange<C> {
    channel: C,
    connection: PeerConnection,
    events: Events,
    role: Role,
    begun: bool,
    ended: bool,
    /// Whether a description of the other side was taken: candidates may be added.
    has_remote: bool,
    early: Vec<IceCandidateInit>,
    outbox: VecDeque<Message>,
    steps: VecDeque<Step>,
}

impl<C: Channel> Exchange<C> {
    /// Prepares an exchange. Tracks and transceivers should have been added to the connection before, those of an
    /// offerer at least: they are what is offered.
    pub fn new(channel: C, connection: PeerConnection, role: Role) -> Self {
        let events = connection.events();
        Self {
            channel,
            connection,
            events,
            role,
            begun: false,
            ended: false,
            has_remote: false,
            early: Vec::new(),
            outbox: VecDeque::new(),
            steps: VecDeque::new(),
        }
    }

    /// Goes on to the next step; `None` after the last.
    ///
    /// Not to be dropped while it waits: a message half sent would be sent again.
    pub async fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(step);
            }
            if self.ended {
                return None;
            }
            if !self.begun {
                self.begin();
            }
            if let Err(error) = self.send_all().await {
                self.end(Ended::ChannelFailed(error));
            }
            if !self.steps.is_empty() {
                continue;
            }
            tokio::select! {
                event = self.events.next() => match event {
                    None => {
                        self.channel.close().await;
                        self.end(Ended::ConnectionClosed);
                    }
                    Some(event) => self.handle_event(event),
                },
                incoming = self.channel.recv() => match incoming {
                    Ok(Some(incoming)) => self.handle_incoming(incoming),
                    Ok(None) => self.end(Ended::ChannelClosed),
                    Err(error) => self.end(Ended::ChannelFailed(error)),
                },
            }
        }
    }

    fn begin(&mut self) {
        self.begun = true;
        if self.role == Role::Offer && !self.offer() {
            self.end(Ended::NoOffer);
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended = true;
        self.steps.push_back(Step::Ended(ended));
    }

    async fn send_all(&mut self) -> Result<(), ChannelError> {
        while let Some(message) = self.outbox.front() {
            match tokio::time::timeout(SEND_LIMIT, self.channel.send(message.write())).await {
                Ok(sent) => sent?,
                Err(_) => return Err(ChannelError::Stalled),
            }
            if let Some(Message::Description(sent)) = self.outbox.pop_front() {
                self.steps.push_back(Step::Sent(sent.kind));
            }
        }
        Ok(())
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::IceCandidate(candidate) => self.outbox.push_back(Message::Candidate(candidate)),
            Event::NegotiationNeeded if self.may_offer() => {
                self.offer();
            }
            _ => {}
        }
    }

    fn handle_incoming(&mut self, incoming: Incoming) {
        let message = match incoming {
            Incoming::Text(text) => Message::parse(&text).map_err(Rejection::from),
            Incoming::Binary(length) => Err(Rejection::Binary(length)),
        };
        let taken = message.and_then(|message| match message {
            Message::Candidate(candidate) => self.handle_candidate(candidate),
            Message::Description(description) => self.handle_description(description),
        });
        if let Err(rejection) = taken {
            self.steps.push_back(Step::Rejected(rejection));
        }
    }

    fn handle_candidate(&mut self, candidate: IceCandidateInit) -> Result<(), Rejection> {
        if self.has_remote {
            return self.connection.add_ice_candidate(&candidate).map_err(Rejection::Candidate);
        }
        if self.early.len() >= EARLY_CANDIDATES {
            return Err(Rejection::TooManyCandidates);
        }
        self.early.push(candidate);
        Ok(())
    }

    fn handle_description(&mut self, description: SessionDescription) -> Result<(), Rejection> {
        let kind = description.kind;
        let waiting = self.connection.signaling_state() == SignalingState::HaveLocalOffer;
        if kind == SdpType::Offer && waiting && self.role == Role::Offer {
            return Err(Rejection::Collision);
        }
        self.take(description).map_err(|error| Rejection::Description { kind, error })?;
        for candidate in std::mem::take(&mut self.early) {
            if let Err(rejection) = self.handle_candidate(candidate) {
                self.steps.push_back(Step::Rejected(rejection));
            }
        }
        Ok(())
    }

    /// Takes a description and, where it is an offer, answers it.
    fn take(&mut self, description: SessionDescription) -> Result<(), Error> {
        let kind = description.kind;
        let collides =
            kind == SdpType::Offer && self.connection.signaling_state() == SignalingState::HaveLocalOffer;
        self.connection.set_remote_description(description)?;
        self.has_remote = true;
        if collides {
            self.steps.push_back(Step::Yielded);
        }
        self.steps.push_back(Step::Taken(kind));
        if kind == SdpType::Offer {
            let answer = self.connection.create_answer()?;
            self.connection.set_local_description(answer.clone())?;
            self.outbox.push_back(Message::Description(answer));
        }
        Ok(())
    }

    /// The answerer's wishes go out with its first answer; before that it has nobody to offer to.
    fn may_offer(&self) -> bool {
        let met = self.role == Role::Offer || self.has_remote;
        met && self.connection.signaling_state() == SignalingState::Stable
    }

    /// Makes an offer; whether there is one.
    fn offer(&mut self) -> bool {
        let offered = self.connection.create_offer().and_then(|offer| {
            self.connection.set_local_description(offer.clone())?;
            Ok(offer)
        });
        match offered {
            Ok(offer) => self.outbox.push_back(Message::Description(offer)),
            Err(error) => {
                self.steps.push_back(Step::NoOffer(error));
                return false;
            }
        }
        true
    }
}

/// Runs an exchange to its end, telling its steps by `tracing`. The connection is left as it is: whoever ties it to the
/// channel closes it then.
pub async fn run<C: Channel>(channel: C, connection: PeerConnection, role: Role) -> Ended {
    let mut exchange = Exchange::new(channel, connection, role);
    while let Some(step) = exchange.next().await {
        match step {
            Step::Sent(kind) => tracing::debug!("{kind} sent"),
            Step::Taken(kind) => tracing::debug!("{kind} taken"),
            Step::Yielded => tracing::debug!("our offer was taken back"),
            Step::Rejected(rejection) => tracing::warn!("signalling: {rejection}"),
            Step::NoOffer(error) => tracing::warn!("no offer could be made: {error}"),
            Step::Ended(ended) => {
                tracing::debug!(?ended, "the exchange is over");
                return ended;
            }
        }
    }
    Ended::ConnectionClosed
}

#[cfg(test)]
mod tests;
