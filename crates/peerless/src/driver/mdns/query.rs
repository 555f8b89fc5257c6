//! A one-question multicast DNS querier (RFC 6762 §5.2): the address of a `uuid.local` name.
//!
//! The question goes out from port 5353 as a normal multicast query, on every interface: browsers do not answer
//! one-shot queries from another port.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::driver::mdns::message;
use crate::driver::mdns::sockets::{self, Member};

/// When the question is asked, again with growing pauses (RFC 6762 §5.2), and when it is given up.
const ASK_AFTER_MS: [u64; 4] = [0, 250, 1000, 3000];
const GIVE_UP_AFTER: Duration = Duration::from_secs(8);

/// Asks the local network for the address of `name`, for up to eight seconds. `None` where nobody answers or the
/// name is not one of multicast DNS.
pub(crate) async fn resolve(name: &str) -> Option<IpAddr> {
    let question = message::question(name)?;
    let places =
        sockets::places().inspect_err(|error| tracing::debug!(%error, "no multicast DNS here")).ok()?;
    let members = sockets::open(places);
    if members.is_empty() {
        return None;
    }
    let begun = Instant::now();
    let asking = async {
        for after in ASK_AFTER_MS {
            tokio::time::sleep_until(begun + Duration::from_millis(after)).await;
            for member in &members {
                if let Err(error) = member.io.send_to(&question, member.group).await {
                    tracing::debug!(%error, "multicast DNS question");
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let listening =
        futures_util::future::select_all(members.iter().map(|member| Box::pin(listen(member, name))));
    tokio::select! {
        () = asking => None,
        answer = timeout_at(begun + GIVE_UP_AFTER, listening) => answer.ok().map(|(address, ..)| address),
    }
}

async fn listen(member: &Member, name: &str) -> IpAddr {
    let mut buffer = [0; 2048];
    loop {
        match member.io.recv_from(&mut buffer).await {
            Ok((length, _)) => {
                let contents = buffer.get(..length).unwrap_or_default();
                if let Some(address) = message::answer(contents, name) {
                    return address;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "multicast DNS answer");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_is_none_of_ours_resolves_to_nothing_at_once() {
        assert_eq!(resolve("example.org").await, None);
    }
}
