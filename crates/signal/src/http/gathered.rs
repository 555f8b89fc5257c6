//! Descriptions with all their candidates (RFC 8838 calls it half trickle when one side cannot take more later).

use std::time::Duration;

use peerless::{Event, IceGatheringState, PeerConnection, SessionDescription};

/// Waits until all candidates were gathered, `limit` at most, and gives the local description with those there are.
/// `None` where no local description was set, or the connection has closed.
pub async fn gathered(connection: &PeerConnection, limit: Duration) -> Option<SessionDescription> {
    let mut events = connection.events();
    let gathering = async {
        while connection.ice_gathering_state() != IceGatheringState::Complete {
            match events.next().await {
                Some(Event::IceGatheringState(IceGatheringState::Complete)) | None => return,
                Some(_) => {}
            }
        }
    };
    // A STUN server that does not answer costs a candidate, not the connection.
    let _ = tokio::time::timeout(limit, gathering).await;
    connection.local_description()
}
