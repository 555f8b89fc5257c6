//! A negotiator: a connection and a channel, and perfect negotiation between them (webrtc-pc §10.7). Either side changes
//! its connection whenever it likes; see [`negotiation`](crate::negotiation) for what is said when.

use peerless::{Events, PeerConnection};

use crate::channel::{Channel, ChannelError, Incoming};
use crate::message::Form;
use crate::negotiation::{Negotiation, Politeness};
use crate::step::{Ended, Rejection, SEND_LIMIT, Step};

/// A running negotiation. Its owner pulls the steps; nothing moves while nobody does. [`run`] does it in a task.
///
/// ```no_run
/// # async fn example(channel: impl peerless_signal::Channel + 'static) -> Result<(), peerless::Error> {
/// use peerless::{Configuration, LocalTrack, MediaKind, PeerConnection};
/// use peerless_signal::{Politeness, negotiator};
///
/// let connection = PeerConnection::new(Configuration::default())?;
/// tokio::spawn(negotiator::run(channel, connection.clone(), Politeness::Polite));
/// // From here on both sides add, change and remove what they like, whenever they like.
/// connection.add_track(&LocalTrack::new(MediaKind::Video, "camera", "stream"))?;
/// # Ok(())
/// # }
/// ```
pub struct Negotiator<C> {
    channel: C,
    events: Events,
    negotiation: Negotiation,
    /// A text on its way.
    leaving: Option<String>,
    last: Option<Step>,
    begun: bool,
    ended: bool,
}

impl<C: Channel> Negotiator<C> {
    /// Prepares it. What was added to the connection before is offered as soon as it runs.
    pub fn new(channel: C, connection: PeerConnection, politeness: Politeness) -> Self {
        let events = connection.events();
        let negotiation = Negotiation::new(connection, politeness);
        Self { channel, events, negotiation, leaving: None, last: None, begun: false, ended: false }
    }

    /// The form of what is sent until the other side has spoken; after that it is the other side's. Default:
    /// [`Form::Named`], that of the W3C's example.
    #[must_use]
    pub fn with_form(mut self, form: Form) -> Self {
        self.negotiation.set_form(form);
        self
    }

    /// Goes on to the next step; `None` after the last, [`Step::Ended`].
    ///
    /// Not to be dropped while it waits: a message half sent would be sent again.
    pub async fn next(&mut self) -> Option<Step> {
        if !std::mem::replace(&mut self.begun, true) {
            self.negotiation.begin();
        }
        loop {
            if !self.ended
                && let Err(error) = self.send_all().await
            {
                self.end(Ended::ChannelFailed(error));
            }
            if let Some(step) = self.negotiation.poll_step() {
                return Some(step);
            }
            if self.ended {
                return self.last.take();
            }
            tokio::select! {
                event = self.events.next() => match event {
                    None => {
                        self.channel.close().await;
                        self.end(Ended::ConnectionClosed);
                    }
                    Some(event) => self.negotiation.handle_event(&event),
                },
                incoming = self.channel.recv() => self.take(incoming),
            }
        }
    }

    fn take(&mut self, incoming: Result<Option<Incoming>, ChannelError>) {
        match incoming {
            Ok(Some(incoming)) => self.negotiation.handle_incoming(incoming),
            Ok(None) => self.end(Ended::ChannelClosed),
            Err(error) => self.end(Ended::ChannelFailed(error)),
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended = true;
        self.last = Some(Step::Ended(ended));
    }

    async fn send_all(&mut self) -> Result<(), ChannelError> {
        loop {
            if self.leaving.is_none() {
                self.leaving = self.negotiation.poll_message();
            }
            let Some(text) = &self.leaving else { return Ok(()) };
            match tokio::time::timeout(SEND_LIMIT, self.channel.send(text.clone())).await {
                Ok(sent) => sent?,
                Err(_) => return Err(ChannelError::Stalled),
            }
            self.leaving = None;
        }
    }
}

/// Runs a negotiation to its end, telling its steps by `tracing`. The connection is left as it is: whoever ties it to the
/// channel closes it then.
pub async fn run<C: Channel>(channel: C, connection: PeerConnection, politeness: Politeness) -> Ended {
    let mut negotiator = Negotiator::new(channel, connection, politeness);
    while let Some(step) = negotiator.next().await {
        match step {
            Step::Sent(kind) => tracing::debug!("{kind} sent"),
            Step::Taken(kind) => tracing::debug!("{kind} taken"),
            Step::Yielded => tracing::debug!("our offer was taken back"),
            Step::Rejected(Rejection::Collision) => tracing::debug!("an offer passed over: ours stands"),
            Step::Rejected(rejection) => tracing::warn!("negotiation: {rejection}"),
            Step::NoOffer(error) => tracing::warn!("no offer could be made: {error}"),
            Step::Ended(ended) => {
                tracing::debug!(?ended, "the negotiation is over");
                return ended;
            }
        }
    }
    Ended::ConnectionClosed
}
