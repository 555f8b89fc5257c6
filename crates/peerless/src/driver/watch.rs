//! When to look at the machine's addresses again: Linux tells of every change (rtnetlink(7)), elsewhere they are looked at
//! every two seconds.

use std::task::Context;
use std::time::{Duration, Instant};

/// How long a look is waited for at least, so that a restless network does not keep us busy.
const PAUSE: Duration = Duration::from_millis(100);
/// How often to look where the system tells nothing.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long a socket whose address is gone waits for it to come back: as long as consent can last (RFC 7675 §5.1).
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// Tells when something may have changed.
#[derive(Debug)]
pub(crate) struct Watch {
    told: Option<netlink::Socket>,
    last: Option<Instant>,
    due: Option<Instant>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let told = netlink::Socket::open();
        if let Err(error) = &told {
            tracing::debug!(%error, "changes of addresses are not told: looking for them now and then");
        }
        Self { told: told.ok(), last: None, due: None }
    }

    /// Whether it is time to look. Wakes the task when the system tells of a change.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        match &self.told {
            Some(socket) if socket.poll_change(context) => {
                self.due.get_or_insert(self.last.map_or(now, |last| now.max(last + PAUSE)));
            }
            Some(_) => {}
            None => {
                self.due.get_or_insert(now + INTERVAL);
            }
        }
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = None;
            self.last = Some(now);
        }
        is_due
    }

    /// When it will be time, as far as it is known.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(target_os = "linux")]
mod netlink {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll};

    use rustix::io::Errno;
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
    use tokio::io::unix::AsyncFd;

    /// RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR.
    const GROUPS: u32 = 0x1 | 0x10 | 0x100;
    /// How many messages are taken before other things get their turn.
    const BUDGET: usize = 64;

    /// A socket to which the kernel tells of links and addresses.
    #[derive(Debug)]
    pub(super) struct Socket(AsyncFd<OwnedFd>);

    impl Socket {
        pub(super) fn open() -> io::Result<Self> {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            // Without a protocol it is NETLINK_ROUTE.
            let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
            bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
            #[allow(
                deprecated,
                reason = "its successor is unsafe for the sake of types that close their descriptor"
            )]
            let socket = AsyncFd::new(socket)?;
            Ok(Self(socket))
        }

        /// Whether anything was told since. What it was does not count: the addresses are looked at afterwards.
        pub(super) fn poll_change(&self, context: &mut Context<'_>) -> bool {
            let mut has_changed = false;
            for _ in 0..BUDGET {
                let Poll::Ready(Ok(mut ready)) = self.0.poll_read_ready(context) else { return has_changed };
                let mut message = [0; 4096];
                let taken = ready.try_io(|socket| Ok(recv(socket, &mut message[..], RecvFlags::DONTWAIT)?));
                match taken {
                    Ok(Ok(_)) => has_changed = true,
                    // More was told than there was room for.
                    Ok(Err(error)) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {
                        has_changed = true;
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "netlink");
                        return has_changed;
                    }
                    Err(_would_block) => {}
                }
            }
            context.waker().wake_by_ref();
            has_changed
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod netlink {
    use std::io;
    use std::task::Context;

    /// There is none.
    #[derive(Debug)]
    pub(super) enum Socket {}

    impl Socket {
        pub(super) fn open() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn poll_change(&self, _context: &mut Context<'_>) -> bool {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_tells_of_changes_and_a_quiet_one_is_not_looked_at() {
        let mut watch = Watch::new();
        assert!(watch.told.is_some(), "every Linux has netlink");
        let now = Instant::now();
        std::future::poll_fn(|context| {
            watch.poll(context, now);
            std::task::Poll::Ready(())
        })
        .await;
        assert!(watch.deadline().is_none_or(|due| due >= now));
    }
}
