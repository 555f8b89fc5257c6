//! Which streams our channels may take: even ones for the DTLS client, odd ones for the server (RFC 8832 §6).

use std::collections::BTreeSet;

use crate::channel::STREAM_ID_MAX;
use crate::jsep::view::DtlsRole;

/// The streams of our parity.
#[derive(Debug, Default)]
pub(super) struct Ids {
    role: Option<DtlsRole>,
    /// The lowest one that was never given, of our parity.
    fresh: u32,
    /// Given before, and reset on both sides since.
    freed: BTreeSet<u16>,
}

impl Ids {
    /// Our role is settled. It never changes afterwards.
    pub(super) fn set_role(&mut self, role: DtlsRole) {
        if self.role.is_none() {
            self.role = Some(role);
            self.fresh = if role == DtlsRole::Client { 0 } else { 1 };
        }
    }

    pub(super) fn has_role(&self) -> bool {
        self.role.is_some()
    }

    /// Whether the remote may open a channel on this stream.
    pub(super) fn is_the_remotes(&self, stream: u16) -> bool {
        self.role.is_some_and(|role| is_even(stream) != (role == DtlsRole::Client))
    }

    /// A stream below `count` that is not `taken`: one that was used before, else the next.
    pub(super) fn take(&mut self, count: u32, is_taken: impl Fn(u16) -> bool) -> Option<u16> {
        self.role?;
        while let Some(id) = self.freed.pop_first() {
            if !is_taken(id) && u32::from(id) < count {
                return Some(id);
            }
        }
        while let Ok(id) = u16::try_from(self.fresh)
            && id <= STREAM_ID_MAX
            && self.fresh < count
        {
            self.fresh += 2;
            if !is_taken(id) {
                return Some(id);
            }
        }
        None
    }

    /// The stream can be used again.
    pub(super) fn free(&mut self, stream: u16) {
        if u32::from(stream) < self.fresh && !self.is_the_remotes(stream) {
            self.freed.insert(stream);
        }
    }
}

fn is_even(stream: u16) -> bool {
    stream.is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(role: DtlsRole) -> Ids {
        let mut ids = Ids::default();
        ids.set_role(role);
        ids
    }

    #[test]
    fn the_client_takes_even_ones_and_the_server_odd_ones() {
        let (mut client, mut server) = (ids(DtlsRole::Client), ids(DtlsRole::Server));
        let taken = |id| id == 2;
        assert_eq!([(); 3].map(|()| client.take(65_535, taken)), [Some(0), Some(4), Some(6)]);
        assert_eq!([(); 3].map(|()| server.take(65_535, taken)), [Some(1), Some(3), Some(5)]);
        assert!(client.is_the_remotes(1) && !client.is_the_remotes(2));
        assert!(Ids::default().take(65_535, taken).is_none(), "not before the role is known");
    }

    #[test]
    fn ids_run_out_and_are_used_again() {
        let mut ids = ids(DtlsRole::Client);
        let free = |_| false;
        assert_eq!([(); 3].map(|()| ids.take(4, free)), [Some(0), Some(2), None]);
        ids.free(2);
        ids.free(3);
        assert_eq!([(); 2].map(|()| ids.take(4, free)), [Some(2), None]);
        let all = (0..).map_while(|_| ids.take(u32::MAX, free)).last();
        assert_eq!(all, Some(65_534), "65535 is no stream of a channel");
    }
}
