//! The calls of a peer about whom its receivers have heard (webrtc-pc §5.3).

use std::time::Instant;

use peerless_rtp::session::Session;
use peerless_rtp::source::MediaSource;
use peerless_wire::rtp::Mid;

use crate::id::TransceiverId;
use crate::peer::Peer;

impl Peer {
    /// `getSynchronizationSources` (webrtc-pc §5.3): the sources whose frames this transceiver has given in the last ten
    /// seconds, the latest first, with their loudness where packets tell it (RFC 6464). None where nothing is received.
    pub fn synchronization_sources(&self, now: Instant, id: TransceiverId) -> Vec<MediaSource> {
        self.sources(id, |session, mid| session.synchronization_sources(now, mid))
    }

    /// `getContributingSources` (webrtc-pc §5.3): the sources that a mixer joined in these frames, likewise, with their
    /// loudness where packets tell it (RFC 6465).
    pub fn contributing_sources(&self, now: Instant, id: TransceiverId) -> Vec<MediaSource> {
        self.sources(id, |session, mid| session.contributing_sources(now, mid))
    }

    fn sources(
        &self,
        id: TransceiverId,
        of: impl Fn(&Session, &Mid) -> Vec<MediaSource>,
    ) -> Vec<MediaSource> {
        let mid = self.engine.transceivers.find(id).and_then(|one| one.mid.as_ref());
        let session = mid.and_then(|mid| Some((self.engine.links.of(mid).media.session()?, mid)));
        session.map(|(session, mid)| of(session, mid)).unwrap_or_default()
    }
}
