//! STUN transactions: what was asked, and when it is asked again (RFC 8489 §6.2.1, RFC 8445 §14.3).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_wire::stun::TransactionId;

use crate::datagram::Base;

/// How many transactions are remembered; the oldest give way.
const LIMIT: usize = 256;

/// Rm: how many times the first wait the last one is (RFC 8489 §6.2.1).
const LAST_WAIT: u32 = 16;

/// What is told of a server without an answer, and what the network says of it. RFC 8489 §6.2.1 lets a client take a hard ICMP
/// error for the end of a transaction. Ours goes on: anybody can write ICMP, so it explains and ends nothing.
pub(crate) fn silence(obstacle: Option<&str>) -> String {
    let silent = "the server did not answer";
    obstacle.map_or_else(|| silent.to_owned(), |obstacle| format!("{silent}: {obstacle}"))
}

/// One datagram to send.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) source: Base,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Bytes,
}

/// A request that waits for its response. `P` says what it is for.
#[derive(Debug)]
pub(crate) struct Transaction<P> {
    pub(crate) id: TransactionId,
    pub(crate) purpose: P,
    /// The request, the same bytes each time.
    pub(crate) request: Outgoing,
    /// When it was sent, where it was sent only once: an answer then measures the round trip.
    pub(crate) sent_once: Option<Instant>,
    again: Option<Again>,
    expires: Instant,
}

/// The next retransmission.
#[derive(Debug, Clone, Copy)]
struct Again {
    at: Instant,
    wait: Duration,
    longest: Duration,
    left: u32,
}

/// How long a question of gathering waits at most before it is asked again. Departs: RFC 8489 §6.2.1 doubles the wait each
/// time, which in the time that a server has would leave four questions: where one packet in ten is lost, one gathering in a
/// thousand would lose all four.
pub(crate) const GATHERING_WAIT: Duration = Duration::from_secs(1);

/// How often and how long a request is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// The first wait; it doubles each time.
    pub(crate) wait: Duration,
    /// But no wait is longer than this.
    pub(crate) longest_wait: Duration,
    /// How often the request is sent in all.
    pub(crate) transmissions: u32,
    /// When it is given up, at the latest.
    pub(crate) limit: Duration,
}

/// All transactions of one machine.
#[derive(Debug)]
pub(crate) struct Transactions<P>(Vec<Transaction<P>>);

impl Schedule {
    /// Sent once; answers are taken for `limit`.
    pub(crate) fn once(limit: Duration) -> Self {
        Self { wait: limit, longest_wait: limit, transmissions: 1, limit }
    }

    fn again(&self, now: Instant) -> Option<Again> {
        let left = self.transmissions.saturating_sub(1);
        let (wait, longest) = (self.wait, self.longest_wait);
        (left > 0).then_some(Again { at: now + wait, wait, longest, left })
    }

    /// How long answers are waited for: all waits, the last of Rm times the first.
    fn lasts(&self) -> Duration {
        let doublings = self.transmissions.saturating_sub(1).min(16);
        self.wait.saturating_mul((1 << doublings) - 1 + LAST_WAIT).min(self.limit)
    }
}

impl<P> Transactions<P> {
    /// Remembers a request that is sent now, and gives it back.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: P,
        request: Outgoing,
        schedule: Schedule,
    ) -> Outgoing {
        if self.0.len() >= LIMIT {
            self.0.remove(0);
        }
        let (again, expires) = (schedule.again(now), now + schedule.lasts());
        let sent_once = Some(now);
        self.0.push(Transaction { id, purpose, request: request.clone(), sent_once, again, expires });
        request
    }

    /// The transaction that a response belongs to.
    pub(crate) fn find(&self, id: TransactionId) -> Option<&Transaction<P>> {
        self.0.iter().find(|transaction| transaction.id == id)
    }

    /// Ends a transaction.
    pub(crate) fn take(&mut self, id: TransactionId) -> Option<Transaction<P>> {
        let at = self.0.iter().position(|transaction| transaction.id == id)?;
        Some(self.0.remove(at))
    }

    /// The next request to send again now; its waiting time doubles.
    pub(crate) fn repeat(&mut self, now: Instant) -> Option<Outgoing> {
        let is_due =
            |transaction: &&mut Transaction<P>| transaction.again.is_some_and(|again| again.at <= now);
        let transaction = self.0.iter_mut().find(is_due)?;
        transaction.sent_once = None;
        transaction.again = transaction.again.and_then(|Again { wait, longest, left, .. }| {
            let wait = wait.saturating_mul(2).min(longest.max(wait));
            (left > 1).then_some(Again { at: now + wait, wait, longest, left: left - 1 })
        });
        Some(transaction.request.clone())
    }

    /// Takes one that was never answered.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Transaction<P>> {
        let at = self.0.iter().position(|transaction| transaction.expires <= now)?;
        Some(self.0.remove(at))
    }

    /// Repeats those that `is_meant` no more; a late answer still counts.
    pub(crate) fn silence(&mut self, is_meant: impl Fn(&P) -> bool) {
        for transaction in self.0.iter_mut().filter(|transaction| is_meant(&transaction.purpose)) {
            transaction.again = None;
        }
    }

    /// Forgets all but those that `is_wanted`.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&P) -> bool) {
        self.0.retain(|transaction| is_wanted(&transaction.purpose));
    }

    /// Forgets those whose request leaves from `base`.
    pub(crate) fn remove_base(&mut self, base: Base) {
        self.0.retain(|transaction| transaction.request.source != base);
    }

    /// Forgets those whose request left by this stream.
    pub(crate) fn remove_between(&mut self, base: Base, remote: SocketAddr) {
        let is_its = |request: &Outgoing| request.source == base && request.destination == remote;
        self.0.retain(|transaction| !is_its(&transaction.request));
    }

    /// Whether there is one that `is_meant`.
    pub(crate) fn has(&self, is_meant: impl Fn(&P) -> bool) -> bool {
        self.0.iter().any(|transaction| is_meant(&transaction.purpose))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When something is to be sent again or given up next.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let next = |transaction: &Transaction<P>| match transaction.again {
            Some(again) => again.at.min(transaction.expires),
            None => transaction.expires,
        };
        self.0.iter().map(next).min()
    }
}

impl<P> Default for Transactions<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    fn asks_a_server_six_times_in_the_five_seconds_that_it_has() {
        let begin = Instant::now();
        let at = "10.0.0.1:1".parse().unwrap();
        let request = Outgoing { source: Base::udp(at), destination: at, contents: Bytes::new() };
        let (wait, limit) = (Duration::from_millis(500), Duration::from_secs(5));
        let schedule = Schedule { wait, longest_wait: GATHERING_WAIT, transmissions: 7, limit };
        let mut transactions = Transactions::default();
        transactions.begin(begin, TransactionId([0; 12]), (), request, schedule);
        let times =
            (0..5).map(|_| transactions.next_timeout().inspect(|now| drop(transactions.repeat(*now))));
        let times: Vec<_> = times.map(|now| (now.unwrap() - begin).as_millis()).collect();
        assert_eq!(times, [500, 1500, 2500, 3500, 4500]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    fn sends_seven_times_with_doubled_waits_and_gives_up_after_79() {
        let begin = Instant::now();
        let at = "10.0.0.1:1".parse().unwrap();
        let request = Outgoing { source: Base::udp(at), destination: at, contents: Bytes::new() };
        let wait = Duration::from_millis(500);
        let schedule =
            Schedule { wait, longest_wait: Duration::MAX, transmissions: 7, limit: Duration::from_secs(100) };
        let mut transactions = Transactions::default();
        transactions.begin(begin, TransactionId([0; 12]), (), request, schedule);
        let mut times = Vec::new();
        while let Some(now) = transactions.next_timeout() {
            while transactions.repeat(now).is_some() {
                times.push((now - begin).as_millis());
            }
            if transactions.expire(now).is_some() {
                times.push((now - begin).as_millis());
            }
        }
        assert_eq!(times, [500, 1500, 3500, 7500, 15500, 31500, 39500]);
    }
}
