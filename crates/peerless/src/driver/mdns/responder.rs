//! Names for our own addresses (draft-ietf-mmusic-mdns-ice-candidates-04 §3.1), answered for by multicast DNS (RFC 6762 §6).
//!
//! One responder for the whole process, on a thread of its own that is there while there are names: connections may live in
//! several runtimes, and each may end before the others. Names are random, so that they need no probing (§3.1.1 of the draft).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::driver::mdns::message::{self, Kind};
use crate::driver::mdns::sockets::{self, Member, PORT, Place};

/// How often a name is told of unasked when it is new, and the pause between (RFC 6762 §8.3).
const ANNOUNCEMENTS: u8 = 2;
const PAUSE: Duration = Duration::from_secs(1);
/// How long a name is not told again to the same network (RFC 6762 §6).
const REST: Duration = Duration::from_secs(1);

/// A name that is answered for as long as this lives.
#[derive(Debug)]
pub(crate) struct Published {
    name: String,
}

/// What the thread answers for.
#[derive(Debug, Default)]
struct Register {
    names: HashMap<String, Entry>,
    /// Names that were given up and are to be told so.
    gone: Vec<(String, IpAddr)>,
    is_running: bool,
    /// Wakes the thread.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Entry {
    address: IpAddr,
    /// How many announcements are left, and when the next is due.
    left: u8,
    due: Instant,
    /// When which network was last told.
    told: HashMap<Place, Instant>,
}

impl Entry {
    /// A network is told. Those that have rested since are forgotten: networks come and go for as long as a name lives.
    fn note_told(&mut self, now: Instant, place: Place) {
        self.told.retain(|_, told| *told + REST > now);
        self.told.insert(place, now);
    }
}

static REGISTER: Mutex<Option<Register>> = Mutex::new(None);

/// Gives an address a new name, and answers for it.
pub(crate) fn publish(address: IpAddr) -> io::Result<Published> {
    let name = fresh_name()?;
    let mut register = REGISTER.lock().unwrap_or_else(PoisonError::into_inner);
    let register = register.get_or_insert_default();
    let (left, due) = (ANNOUNCEMENTS, Instant::now());
    if !register.is_running {
        thread::Builder::new().name("peerless-mdns".to_owned()).spawn(run)?;
        register.is_running = true;
    }
    register.names.insert(name.clone(), Entry { address, left, due, told: HashMap::new() });
    register.changed.notify_one();
    Ok(Published { name })
}

impl Published {
    /// `uuid.local`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let mut register = REGISTER.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(register) = &mut *register else { return };
        if let Some(entry) = register.names.remove(&self.name)
            && register.is_running
        {
            register.gone.push((std::mem::take(&mut self.name), entry.address));
            register.changed.notify_one();
        }
    }
}

/// A random UUID (RFC 9562 §5.4) below `.local`.
fn fresh_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let part = |from: u32, digits: u32| number >> (128 - 4 * (from + digits)) & ((1 << (4 * digits)) - 1);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}.local",
        part(0, 8),
        part(8, 4),
        part(12, 4),
        part(16, 4),
        part(20, 12)
    ))
}

/// The thread: answers until there are no names.
fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve()),
        Err(error) => {
            tracing::warn!(%error, "no multicast DNS: hidden addresses will not be found");
            with_register(|register| register.is_running = false);
        }
    }
}

fn with_register<T>(work: impl FnOnce(&mut Register) -> T) -> T {
    let mut register = REGISTER.lock().unwrap_or_else(PoisonError::into_inner);
    work(register.get_or_insert_default())
}

async fn serve() {
    let changed = with_register(|register| register.changed.clone());
    let mut members: Vec<Member> = Vec::new();
    loop {
        join_new(&mut members);
        let Some(due) = tell(&members).await else { return };
        let pause =
            due.map_or(Duration::from_secs(3600), |due| due.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = listen(&members) => {}
        }
    }
}

/// Joins the networks that are new, and leaves those that are gone.
fn join_new(members: &mut Vec<Member>) {
    let places = sockets::places().unwrap_or_default();
    members.retain(|member| places.contains(&member.place));
    let new = places.into_iter().filter(|place| !members.iter().any(|member| member.place == *place));
    let opened = sockets::open(new.collect::<Vec<_>>());
    members.extend(opened);
}

/// Says goodbye for names that are gone and announces new ones. When the next announcement is due; `None` where no name is
/// left, and the thread ends.
async fn tell(members: &[Member]) -> Option<Option<Instant>> {
    let now = Instant::now();
    let (messages, next) = with_register(|register| {
        let mut messages: Vec<Vec<u8>> = Vec::new();
        for (name, address) in register.gone.drain(..) {
            messages.push(message::response(&name, address, Kind::Goodbye));
        }
        for (name, entry) in &mut register.names {
            if entry.left > 0 && entry.due <= now {
                messages.push(message::response(name, entry.address, Kind::Multicast));
                entry.left -= 1;
                entry.due = now + PAUSE;
                members.iter().for_each(|member| entry.note_told(now, member.place));
            }
        }
        let waiting = register.names.values().filter(|entry| entry.left > 0);
        let next = waiting.map(|entry| entry.due).min();
        register.is_running = !register.names.is_empty();
        (messages, register.is_running.then_some(next))
    });
    for message in &messages {
        for member in members {
            send(member, message, member.group).await;
        }
    }
    next
}

/// Answers what is asked, for ever.
async fn listen(members: &[Member]) {
    if members.is_empty() {
        return std::future::pending().await;
    }
    let listening = members.iter().map(|member| Box::pin(answer_at(member)));
    futures_util::future::select_all(listening).await;
}

async fn answer_at(member: &Member) {
    let mut buffer = [0; 9000];
    loop {
        match member.io.recv_from(&mut buffer).await {
            Ok((length, source)) => {
                for (message, to) in answers(member, buffer.get(..length).unwrap_or_default(), source) {
                    send(member, &message, to).await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "multicast DNS");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What a message is answered with, and to whom.
fn answers(member: &Member, contents: &[u8], source: SocketAddr) -> Vec<(Vec<u8>, SocketAddr)> {
    let Some(query) = message::query(contents) else { return Vec::new() };
    let now = Instant::now();
    let is_legacy = source.port() != PORT;
    with_register(|register| {
        let mut answers = Vec::new();
        let mut asked: Vec<String> = Vec::new();
        for question in query.questions.iter().filter(|question| question.is_for_address) {
            let name = question.name.to_ascii_lowercase();
            let is_known = query.known.iter().any(|known| known.eq_ignore_ascii_case(&name));
            let Some(entry) = register.names.get_mut(&name).filter(|_| !is_known && !asked.contains(&name))
            else {
                continue;
            };
            let has_rested = entry.told.get(&member.place).is_none_or(|told| *told + REST <= now);
            if is_legacy {
                answers.push((message::response(&name, entry.address, Kind::Legacy(query.id)), source));
            } else if has_rested {
                entry.note_told(now, member.place);
                answers.push((message::response(&name, entry.address, Kind::Multicast), member.group));
            }
            asked.push(name);
        }
        answers
    })
}

async fn send(member: &Member, message: &[u8], to: SocketAddr) {
    if let Err(error) = member.io.send_to(message, to).await {
        tracing::debug!(%error, place = ?member.place, "multicast DNS");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_have_rested_are_forgotten() {
        let mut now = Instant::now();
        let address = "10.0.0.1".parse().unwrap();
        let mut entry = Entry { address, left: 0, due: now, told: HashMap::new() };
        for index in 0..1000 {
            now += REST / 4;
            entry.note_told(now, Place::V6(index));
            assert!(entry.told.len() <= 4 && entry.told.contains_key(&Place::V6(index)));
        }
    }

    #[test]
    fn names_are_random_uuids() {
        let (one, other) = (fresh_name().unwrap(), fresh_name().unwrap());
        assert_ne!(one, other);
        let parts: Vec<usize> = one.strip_suffix(".local").unwrap().split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
    }
}
