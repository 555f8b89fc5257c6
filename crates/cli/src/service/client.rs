//! What every command does with a client: its signalling, the lines about it, and its end.

use std::time::Duration;

use peerless::{ConnectionState, DtlsState, Event, Events, PeerConnection};
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Exchange, Step};

use crate::console::Console;
use crate::service::census::Guest;
use crate::service::words;

/// Where a client's lines go, under its number.
pub struct Desk {
    pub console: Console,
    pub guest: Guest,
}

impl Desk {
    pub fn say(&self, text: &str) {
        self.console.line(&format!("#{} {text}", self.guest.number()));
    }
}

/// Carries the signalling; when the socket ends the connection ends.
pub async fn signal(mut exchange: Exchange<ServerSocket>, connection: &PeerConnection, desk: &Desk) {
    let mut rejected = 0;
    while let Some(step) = exchange.next().await {
        if let Step::Rejected(rejection) = &step {
            rejected += 1;
            if rejected <= REJECTIONS_SAID {
                desk.say(&words::rejection(rejection));
            }
            if rejected == REJECTIONS_SAID {
                desk.say("signalling: more of this is not shown");
            }
        }
        if let Some(text) = words::step(&step) {
            desk.say(&text);
        }
        if let Step::Ended(_) = step {
            connection.close();
        }
    }
}

/// Tells what happens to the connection; when it fails, or the other side closes it, it is closed here as well.
pub async fn watch(mut events: Events, connection: &PeerConnection, desk: &Desk) {
    let kind_of = |id| connection.transceivers().into_iter().find(|one| one.id() == id)?.kind();
    let mut over = false;
    while let Some(event) = events.next().await {
        // That nothing is sent any more goes without saying then.
        if !(over && matches!(event, Event::Negotiated { .. })) {
            words::event(&event, kind_of).iter().for_each(|text| desk.say(text));
        }
        if is_last(&event) {
            over = true;
            connection.close();
        }
    }
}

/// Whether nothing can follow: the connection failed, or the other side said goodbye.
fn is_last(event: &Event) -> bool {
    matches!(
        event,
        Event::ConnectionState(ConnectionState::Failed | ConnectionState::Closed)
            | Event::DtlsState(DtlsState::Closed | DtlsState::Failed)
    )
}

/// Closes a connection that does not come up within `limit`.
pub async fn give_up(connection: &PeerConnection, desk: &Desk, limit: Duration) {
    let mut events = connection.events();
    let coming_up = async {
        let connected = || connection.connection_state() == ConnectionState::Connected;
        while !connected() && events.next().await.is_some() {}
    };
    if tokio::time::timeout(limit, coming_up).await.is_err() {
        desk.say(&format!("not connected after {} s", limit.as_secs()));
        connection.close();
    }
}

/// How many refused messages of one client are told.
const REJECTIONS_SAID: usize = 5;

/// How long a client with trickling candidates may take until it is connected.
pub const PATIENCE: Duration = Duration::from_secs(60);
