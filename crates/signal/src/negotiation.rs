//! Perfect negotiation (webrtc-pc §10.7) as a machine: what a connection's events and the other side's words lead to, with
//! no channel and no waiting in it.
//!
//! Either side changes its connection whenever it likes; what that needs of the other is negotiated here. Where both offer
//! at the same time one of them is polite: it takes its offer back, answers the other's, and offers again. The other one
//! passes over the polite side's offer and the candidates that came with it. So both end stable and agreed, and nobody's
//! wish is lost.
//!
//! The pattern's flags for what a page is in the middle of (`makingOffer`, `isSettingRemoteAnswerPending`) are not needed: a
//! call of ours is done when it returns, so the signalling state always tells.

use std::collections::VecDeque;

use peerless::{
    Error, Event, IceCandidateInit, IceConnectionState, PeerConnection, SdpType, SessionDescription,
    SignalingState,
};

use crate::channel::Incoming;
use crate::message::{Form, Message};
use crate::step::{EARLY_CANDIDATES, Rejection, Step};

/// Which side gives way where both offer at once. One of each is needed; who is which must be settled beforehand, by
/// whatever brings the two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Politeness {
    /// We take our offer back.
    Polite,
    /// Our offer stands.
    Impolite,
}

/// One side of a perfect negotiation. [`Negotiator`](crate::Negotiator) drives it over a channel; to drive it yourself, hand
/// in every event of the connection and every text of the other side, and after each send what
/// [`poll_message`](Self::poll_message) gives, in order.
#[derive(Debug)]
pub struct Negotiation {
    connection: PeerConnection,
    politeness: Politeness,
    form: Form,
    /// The other side's last offer was passed over: its candidates are, too.
    passes_over: bool,
    /// Candidates that came before the first description.
    early: Vec<IceCandidateInit>,
    outbox: VecDeque<Message>,
    steps: VecDeque<Step>,
}

impl Negotiation {
    /// One side of it. What was added to the connection before is offered by [`begin`](Self::begin).
    pub fn new(connection: PeerConnection, politeness: Politeness) -> Self {
        Self {
            connection,
            politeness,
            form: Form::default(),
            passes_over: false,
            early: Vec::new(),
            outbox: VecDeque::new(),
            steps: VecDeque::new(),
        }
    }

    /// The form of what is sent until the other side has spoken; after that it is the other side's.
    pub fn set_form(&mut self, form: Form) {
        self.form = form;
    }

    /// Offers what the connection needs to have negotiated already, whose events nobody may have seen.
    pub fn begin(&mut self) {
        if self.connection.is_negotiation_needed() {
            self.offer();
        }
    }

    /// Takes an event of the connection.
    pub fn handle_event(&mut self, event: &Event) {
        match event {
            Event::NegotiationNeeded => self.offer(),
            Event::IceCandidate(candidate) => self.outbox.push_back(Message::Candidate(candidate.clone())),
            // The way there is lost: ask for another (webrtc-pc §10.7). Where both sides do, one of them gives way.
            Event::IceConnectionState(IceConnectionState::Failed) => self.connection.restart_ice(),
            _ => {}
        }
    }

    /// Takes what the other side sent. What cannot be taken changes nothing and is told as [`Step::Rejected`].
    pub fn handle_incoming(&mut self, incoming: Incoming) {
        let message = match incoming {
            Incoming::Text(text) => Message::read(&text).map_err(Rejection::from),
            Incoming::Binary(length) => Err(Rejection::Binary(length)),
        };
        let taken = message.and_then(|(message, form)| {
            self.form = form.unwrap_or(self.form);
            match message {
                Message::Candidate(candidate) => self.handle_candidate(candidate),
                Message::Description(description) => self.handle_description(description),
            }
        });
        if let Err(rejection) = taken {
            self.steps.push_back(Step::Rejected(rejection));
        }
    }

    /// The next text for the other side.
    pub fn poll_message(&mut self) -> Option<String> {
        let message = self.outbox.pop_front()?;
        if let Message::Description(description) = &message {
            self.steps.push_back(Step::Sent(description.kind));
        }
        Some(message.write_as(self.form))
    }

    /// What happened.
    pub fn poll_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    fn handle_candidate(&mut self, candidate: IceCandidateInit) -> Result<(), Rejection> {
        if self.connection.remote_description().is_none() && !self.passes_over {
            if self.early.len() >= EARLY_CANDIDATES {
                return Err(Rejection::TooManyCandidates);
            }
            self.early.push(candidate);
            return Ok(());
        }
        match self.connection.add_ice_candidate(&candidate) {
            // It belongs to the offer that we did not take.
            Err(_) if self.passes_over => Ok(()),
            added => added.map_err(Rejection::Candidate),
        }
    }

    fn handle_description(&mut self, description: SessionDescription) -> Result<(), Rejection> {
        let kind = description.kind;
        let collides = kind == SdpType::Offer && self.connection.signaling_state() != SignalingState::Stable;
        self.passes_over = collides && self.politeness == Politeness::Impolite;
        if self.passes_over {
            return Err(Rejection::Collision);
        }
        self.take(description, collides).map_err(|error| Rejection::Description { kind, error })?;
        for candidate in std::mem::take(&mut self.early) {
            if let Err(rejection) = self.handle_candidate(candidate) {
                self.steps.push_back(Step::Rejected(rejection));
            }
        }
        Ok(())
    }

    /// Takes a description and, where it is an offer, answers it.
    fn take(&mut self, description: SessionDescription, collides: bool) -> Result<(), Error> {
        let kind = description.kind;
        self.connection.set_remote_description(description)?;
        if collides {
            // An offer of ours that nobody has seen yet would be answered after this one.
            self.outbox.retain(|waiting| !is_offer(waiting));
            self.steps.push_back(Step::Yielded);
        }
        self.steps.push_back(Step::Taken(kind));
        if kind != SdpType::Offer {
            return Ok(());
        }
        if let Err(error) = self.connection.set_local_description(None) {
            // As if it had never come: otherwise nothing could be negotiated any more.
            let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
            self.connection.set_remote_description(rollback)?;
            return Err(error);
        }
        self.send_description();
        Ok(())
    }

    /// Offers, unless an offer is on its way one way or the other: then the event comes again once that is settled.
    fn offer(&mut self) {
        if self.connection.signaling_state() != SignalingState::Stable {
            return;
        }
        match self.connection.set_local_description(None) {
            Ok(()) => self.send_description(),
            Err(error) => self.steps.push_back(Step::NoOffer(error)),
        }
    }

    fn send_description(&mut self) {
        self.outbox.extend(self.connection.local_description().map(Message::Description));
    }
}

fn is_offer(message: &Message) -> bool {
    matches!(message, Message::Description(description) if description.kind == SdpType::Offer)
}
