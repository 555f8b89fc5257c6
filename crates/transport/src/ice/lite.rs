//! The agent as lite (RFC 8445 §2.5): it is reachable by its host candidates, answers checks and sends none. It is always
//! controlled (§6.1.1), takes the pair that the peer nominates (§7.3.2), of several the one nominated last, and sends no
//! consent checks (RFC 7675 §5.1): it may send for as long as the peer's own go on.

use std::net::SocketAddr;
use std::time::Instant;

use crate::datagram::Base;
use crate::ice::connectivity::Connectivity;
use crate::ice::consent::Consent;
use crate::ice::pair::{PairState, Valid};

impl Connectivity {
    /// What an authentic check leads to (RFC 8445 §7.3.2): consent, and the nomination.
    pub(super) fn take_check(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        priority: u32,
        nominates: Option<u32>,
    ) {
        let Some(host) = self.candidates.host_at(destination) else { return };
        let Some(remote) = self.candidates.remote_seen(source, host, priority) else { return };
        let Some(id) = self.checklist.add(&self.candidates, host, remote, false) else { return };
        let Some(pair) = self.checklist.get_mut(id) else { return };
        pair.note_request(now, nominates);
        match &mut pair.valid {
            Some(valid) => valid.consent.renew(now),
            None if nominates.is_some() => {
                let consent = Consent::new(now, self.config.consent_interval);
                pair.valid = Some(Valid { local: host, since: now, consent, round_trip: None });
                pair.state = PairState::Succeeded;
            }
            None => pair.state = PairState::Failed,
        }
        match nominates {
            Some(number) => self.select(now, id, number),
            None => self.follow(now),
        }
    }

    /// A check by the credentials of before a restart came by a pair that is kept: consent to send by it goes on.
    pub(super) fn renew_kept(&mut self, now: Instant, source: SocketAddr, destination: Base) {
        let pairs = self.kept.pairs_mut().filter(|pair| pair.address == source && pair.base == destination);
        pairs.filter_map(|pair| pair.valid.as_mut()).for_each(|valid| valid.consent.renew(now));
    }
}
