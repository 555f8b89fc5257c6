//! Candidates in and out, and the states of ICE and DTLS as the W3C joins them (webrtc-pc §4.3.3, §4.3.4, §4.4.1.3;
//! RFC 8838; mDNS names as draft-ietf-mmusic-mdns-ice-candidates §3.2).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use peerless_transport::ice::Credentials;
use peerless_transport::state::{DtlsState, GatheringState, IceState};
use peerless_transport::transport::Transport;
use peerless_wire::sdp::{Address, Candidate, TcpType};

use crate::event::{Secured, SelectedPair};
use crate::state::{ConnectionState, IceConnectionState, IceGatheringState};

/// How many remote candidates wait for the remote's credentials to come into force, at most.
const WAITING_LIMIT: usize = 128;
/// How many remote candidates are kept to be looked at.
const KNOWN_LIMIT: usize = 256;
/// How many names are asked for in one generation of candidates as they come: each costs multicasts.
const NAME_LIMIT: usize = 64;
/// And how long after one that is beyond this number the next may be, for a remote whose networks change for days.
const NAME_PAUSE: Duration = Duration::from_secs(10);

/// What the peer keeps beside a transport.
#[derive(Debug)]
pub(crate) struct Connectivity {
    pub(crate) selected: Option<SelectedPair>,
    pub(crate) secured: Option<Secured>,
    pub(crate) dtls: DtlsState,
    ice: IceState,
    gathering: GatheringState,
    /// The gathering state as it was told last.
    pub(crate) told_gathering: GatheringState,
    /// Local candidates that have not been told, because no local description says where they belong.
    pub(crate) untold: VecDeque<Candidate>,
    /// Whether the agent has the remote's credentials.
    has_remote: bool,
    /// These, and those of the generation before as long as the next ones are awaited.
    remote: Option<Credentials>,
    /// The remote's candidates of this generation that have an address.
    known: Vec<Candidate>,
    waiting: Vec<Candidate>,
    resolving: Vec<Candidate>,
    /// The names and ports of this generation that were asked for, the latest of them: later descriptions repeat them.
    asked: VecDeque<(String, u16)>,
    /// Before when no more names are asked for, once there were many.
    pause: Option<Instant>,
    /// The remote said that it has no more candidates.
    ended: bool,
    ended_told: bool,
}

impl Connectivity {
    pub(crate) fn new() -> Self {
        Self {
            selected: None,
            secured: None,
            dtls: DtlsState::New,
            ice: IceState::New,
            gathering: GatheringState::New,
            told_gathering: GatheringState::New,
            untold: VecDeque::new(),
            has_remote: false,
            remote: None,
            known: Vec::new(),
            waiting: Vec::new(),
            resolving: Vec::new(),
            asked: VecDeque::new(),
            pause: None,
            ended: false,
            ended_told: false,
        }
    }

    /// The remote's credentials come into force, and with them the candidates that waited. With new ones another
    /// generation begins: what the remote said of the last one counts no more.
    pub(crate) fn set_remote(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        credentials: Credentials,
        lite: bool,
    ) {
        if self.has_remote && !transport.ice().has_remote(&credentials) {
            self.restart();
        }
        self.remote = Some(credentials.clone());
        transport.ice_mut().set_remote(now, credentials, lite);
        self.has_remote = true;
        for candidate in std::mem::take(&mut self.waiting) {
            hand_over(now, transport, &candidate);
        }
        self.end_if_all_came(now, transport);
    }

    /// The remote's credentials, once an answer settled them.
    pub(crate) fn remote(&self) -> Option<&Credentials> {
        self.remote.as_ref()
    }

    /// The remote's candidates that can be used.
    pub(crate) fn remote_candidates(&self) -> &[Candidate] {
        &self.known
    }

    fn restart(&mut self) {
        self.known.clear();
        self.waiting.clear();
        self.resolving.clear();
        self.asked.clear();
        self.pause = None;
        self.ended = false;
        self.ended_told = false;
    }

    /// Takes a remote candidate. A name that must be resolved first is returned, unless it was asked for already.
    pub(crate) fn add_remote(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        candidate: Candidate,
    ) -> Option<String> {
        match &candidate.address {
            Address::Ip(_) => self.add_addressed(now, transport, candidate),
            // Nobody connects to an active candidate, wherever it is.
            Address::Name(_) if candidate.tcp_type == Some(TcpType::Active) => {}
            // A lite agent checks no candidate: the remote's own checks show where it is.
            Address::Name(_) if transport.ice().is_lite() => {}
            Address::Name(name) if is_mdns(name) => {
                let place = (name.clone(), candidate.port);
                if !self.asked.contains(&place) && self.may_ask(now) {
                    let is_asked = self.resolving.iter().any(|other| has_name(other, name));
                    let name = name.clone();
                    self.asked.push_back(place);
                    self.resolving.push(candidate);
                    return (!is_asked).then_some(name);
                }
            }
            Address::Name(_) => tracing::debug!("ignored a candidate whose name is not of mDNS"),
        }
        None
    }

    /// Whether one more name may be asked for now. Beyond the limit the oldest gives way, once in a while.
    fn may_ask(&mut self, now: Instant) -> bool {
        if self.asked.len() < NAME_LIMIT {
            return true;
        }
        let may_ask = self.pause.is_none_or(|until| until <= now) && self.resolving.len() < NAME_LIMIT;
        if may_ask {
            self.asked.pop_front();
            self.pause = Some(now + NAME_PAUSE);
        }
        may_ask
    }

    /// A name was resolved, or has no address.
    pub(crate) fn name_resolved(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        name: &str,
        address: Option<IpAddr>,
    ) {
        let (resolved, resolving) =
            std::mem::take(&mut self.resolving).into_iter().partition(|candidate| has_name(candidate, name));
        self.resolving = resolving;
        let resolved: Vec<Candidate> = resolved;
        for mut candidate in resolved {
            if let Some(ip) = address {
                candidate.address = Address::Ip(ip);
                self.add_addressed(now, transport, candidate);
            }
        }
        self.end_if_all_came(now, transport);
    }

    /// The remote has no more candidates (RFC 8838 §13).
    pub(crate) fn end_remote(&mut self, now: Instant, transport: &mut Transport) {
        self.ended = true;
        self.end_if_all_came(now, transport);
    }

    fn add_addressed(&mut self, now: Instant, transport: &mut Transport, candidate: Candidate) {
        if self.known.len() < KNOWN_LIMIT && !self.known.contains(&candidate) {
            self.known.reserve_exact(1);
            self.known.push(candidate.clone());
        }
        if self.has_remote {
            hand_over(now, transport, &candidate);
        } else if self.waiting.len() < WAITING_LIMIT {
            self.waiting.push(candidate);
        }
    }

    fn end_if_all_came(&mut self, now: Instant, transport: &mut Transport) {
        if self.ended && !self.ended_told && self.has_remote && self.resolving.is_empty() {
            self.ended_told = true;
            transport.ice_mut().end_of_remote_candidates(now);
        }
    }

    pub(crate) fn set_ice(&mut self, state: IceState) {
        self.ice = state;
    }

    pub(crate) fn set_gathering(&mut self, state: GatheringState) {
        self.gathering = state;
    }

    pub(crate) fn ice(&self) -> IceState {
        self.ice
    }

    pub(crate) fn gathering(&self) -> GatheringState {
        self.gathering
    }
}

/// `iceGatheringState` over these transports (webrtc-pc §4.3.2).
pub(crate) fn gathering_of(states: impl Iterator<Item = GatheringState> + Clone) -> IceGatheringState {
    let any = |wanted: GatheringState| states.clone().any(|state| state == wanted);
    if any(GatheringState::Gathering) {
        IceGatheringState::Gathering
    } else if any(GatheringState::Complete) && !any(GatheringState::New) {
        IceGatheringState::Complete
    } else {
        IceGatheringState::New
    }
}

/// `iceConnectionState` over these transports (webrtc-pc §4.3.4): the first line of that table that fits.
pub(crate) fn ice_connection_of(states: impl Iterator<Item = IceState> + Clone) -> IceConnectionState {
    use IceState::{Checking, Closed, Completed, Disconnected, Failed, New};
    let any = |wanted: &[IceState]| states.clone().any(|state| wanted.contains(&state));
    let all = |wanted: &[IceState]| states.clone().all(|state| wanted.contains(&state));
    if any(&[Failed]) {
        IceConnectionState::Failed
    } else if any(&[Disconnected]) {
        IceConnectionState::Disconnected
    } else if all(&[New, Closed]) {
        IceConnectionState::New
    } else if any(&[New, Checking]) {
        IceConnectionState::Checking
    } else if all(&[Completed, Closed]) {
        IceConnectionState::Completed
    } else {
        IceConnectionState::Connected
    }
}

/// `connectionState` over these transports (webrtc-pc §4.3.3): the first line of that table that fits.
pub(crate) fn connection_of(states: impl Iterator<Item = (IceState, DtlsState)> + Clone) -> ConnectionState {
    use IceState::{Closed, Completed, Connected, Disconnected, Failed, New};
    let any = |is: fn(IceState, DtlsState) -> bool| states.clone().any(|(ice, dtls)| is(ice, dtls));
    let all = |is: fn(IceState, DtlsState) -> bool| states.clone().all(|(ice, dtls)| is(ice, dtls));
    if any(|ice, dtls| ice == Failed || dtls == DtlsState::Failed) {
        ConnectionState::Failed
    } else if any(|ice, _| ice == Disconnected) {
        ConnectionState::Disconnected
    } else if all(|ice, dtls| {
        matches!(ice, New | Closed) && matches!(dtls, DtlsState::New | DtlsState::Closed)
    }) {
        ConnectionState::New
    } else if all(|ice, dtls| {
        matches!(ice, Connected | Completed | Closed)
            && matches!(dtls, DtlsState::Connected | DtlsState::Closed)
    }) {
        ConnectionState::Connected
    } else {
        ConnectionState::Connecting
    }
}

/// Gives a candidate to the agent, which may find it unusable: then it is as if it had not come.
fn hand_over(now: Instant, transport: &mut Transport, candidate: &Candidate) {
    if let Err(error) = transport.ice_mut().add_remote_candidate(now, candidate) {
        tracing::debug!(%error, "a remote candidate cannot be used");
    }
}

fn has_name(candidate: &Candidate, name: &str) -> bool {
    matches!(&candidate.address, Address::Name(own) if own.eq_ignore_ascii_case(name))
}

/// Whether it is one label below `.local`. Other names are not looked up: a remote shall not make us ask the DNS.
fn is_mdns(name: &str) -> bool {
    name.len() > ".local".len()
        && name.rsplit_once('.').is_some_and(|(label, top)| {
            top.eq_ignore_ascii_case("local") && !label.contains('.') && label.len() <= 63
        })
}
