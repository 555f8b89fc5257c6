//! Candidates in descriptions: the remote's as they trickle in (webrtc-pc §4.4.2, RFC 8838 §11), ours as they are
//! gathered (RFC 9429 §5.2.2, RFC 8839 §4.2).

use std::sync::Arc;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Attribute, Candidate, CandidateKind, Description, Line, Media, TransportProtocol};

use crate::description::IceCandidateInit;
use crate::error::CandidateError;
use crate::jsep::bundle::mid_of;
use crate::jsep::view::Descriptions;

/// A remote candidate in its place.
#[derive(Debug, Clone)]
pub struct Added {
    /// The descriptions with the candidate in them.
    pub descriptions: Descriptions,
    /// The index of its media section; `None` where the end of candidates was said for all.
    pub section: Option<usize>,
    /// The name of its media section.
    pub mid: Option<Mid>,
    /// The candidate; `None` is the end of candidates.
    pub candidate: Option<Candidate>,
    /// The username fragment of the generation it belongs to, where the section has one.
    pub ufrag: Option<String>,
    /// It belongs to the generation of the pending remote description, not to the current one.
    pub is_pending: bool,
}

/// Puts a trickled candidate of the remote into the remote description it belongs to.
///
/// A section keeps at most 256 candidates; further ones are given back but not kept.
///
/// # Errors
/// As webrtc-pc §4.4.2 has it: without a remote description, for an unknown section or username fragment, or where
/// the candidate does not parse.
pub fn add_remote(descriptions: &Descriptions, init: &IceCandidateInit) -> Result<Added, CandidateError> {
    let remote = descriptions.remote().ok_or(CandidateError::NoRemoteDescription)?;
    let candidate = match init.candidate.as_str() {
        "" | "candidate:" => None,
        text => Some(text),
    };
    let section = section_of(remote, init, candidate.is_some())?;
    let candidate = candidate.map(Candidate::parse).transpose().map_err(CandidateError::Syntax)?;
    let ufrag = init.username_fragment.as_deref().or(candidate.as_ref().and_then(|one| one.ufrag.as_deref()));
    let ufrag = ufrag.filter(|text| !text.is_empty());
    let mut descriptions = descriptions.clone();
    let is_of = |description: &Description| match (ufrag, section) {
        (Some(ufrag), Some(index)) => has_fragment(description, Some(index), ufrag),
        (Some(ufrag), None) => has_fragment(description, None, ufrag),
        (None, _) => true,
    };
    let is_pending = descriptions.pending_remote.as_deref().is_some_and(is_of);
    let slot = if is_pending {
        &mut descriptions.pending_remote
    } else if descriptions.current_remote.as_deref().is_some_and(is_of) {
        &mut descriptions.current_remote
    } else {
        return Err(CandidateError::UnknownUsernameFragment(ufrag.unwrap_or_default().to_owned()));
    };
    let (mut mid, mut ufrag) = (None, ufrag.map(str::to_owned));
    if let Some(description) = slot {
        if let Some(media) = section.and_then(|index| description.media.get(index)) {
            ufrag = ufrag.or_else(|| description.ice_ufrag(media).map(str::to_owned));
        }
        mid = section.map(|index| mid_of(description, index));
        keep(Arc::make_mut(description), section, candidate.as_ref());
    }
    Ok(Added { descriptions, section, mid, candidate, ufrag, is_pending })
}

/// The name of the section that a candidate is for; `None` where it is the end of candidates for all.
///
/// # Errors
/// As [`add_remote`], as far as the section goes.
pub fn mid_meant(
    descriptions: &Descriptions,
    init: &IceCandidateInit,
) -> Result<Option<Mid>, CandidateError> {
    let is_end = matches!(init.candidate.as_str(), "" | "candidate:");
    if !is_end && init.sdp_mid.is_none() && init.sdp_m_line_index.is_none() {
        return Err(CandidateError::NoSection);
    }
    let remote = descriptions.remote().ok_or(CandidateError::NoRemoteDescription)?;
    let section = section_of(remote, init, !is_end)?;
    Ok(section.map(|index| mid_of(remote, index)))
}

fn section_of(
    remote: &Description,
    init: &IceCandidateInit,
    is_required: bool,
) -> Result<Option<usize>, CandidateError> {
    if let Some(mid) = &init.sdp_mid {
        let mut indexes = 0..remote.media.len();
        let found = indexes.find(|&index| mid_of(remote, index).as_str() == mid);
        return found.map(Some).ok_or_else(|| CandidateError::UnknownMid(mid.clone()));
    }
    match init.sdp_m_line_index {
        Some(index) if usize::from(index) < remote.media.len() => Ok(Some(index.into())),
        Some(index) => Err(CandidateError::UnknownIndex(index)),
        None if is_required => Err(CandidateError::NoSection),
        None => Ok(None),
    }
}

/// Whether the section, or any, has this username fragment.
fn has_fragment(description: &Description, section: Option<usize>, ufrag: &str) -> bool {
    match section {
        Some(index) => {
            let media = description.media.get(index);
            let own = media.and_then(|media| description.ice_ufrag(media));
            // A bundle-only section has none of its own: it shares that of the others.
            own.map_or_else(|| has_fragment(description, None, ufrag), |own| own == ufrag)
        }
        None => description.media.iter().any(|media| description.ice_ufrag(media) == Some(ufrag)),
    }
}

fn keep(description: &mut Description, section: Option<usize>, candidate: Option<&Candidate>) {
    let sections = match section {
        Some(index) => description.media.get_mut(index..=index).unwrap_or_default(),
        None => &mut description.media[..],
    };
    for media in sections {
        let attribute = match candidate {
            Some(candidate) => Attribute::Candidate(Box::new(candidate.clone())),
            None => Attribute::EndOfCandidates,
        };
        let is_full = candidate.is_some() && media.candidates().count() >= CANDIDATE_LIMIT;
        if !is_full && !media.has(&attribute) {
            media.attributes.push(attribute);
        }
    }
}

/// How many candidates a section keeps.
const CANDIDATE_LIMIT: usize = 256;

/// The candidates of one transport of ours so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The username fragment they were gathered for: that of the sections that go over the transport.
    pub ufrag: String,
    /// What there is.
    pub candidates: Vec<Candidate>,
    /// Whether that is all.
    pub is_complete: bool,
}

/// Our description with what was gathered for its transports: the candidates of each stand in the section that lends it,
/// the default one's address in all that share it and are not rejected or bundle-only.
pub fn gathered(description: &Description, transports: &[Gathered]) -> Description {
    let mut description = description.clone();
    for transport in transports {
        write_gathered(&mut description, transport);
    }
    description
}

fn write_gathered(description: &mut Description, transport: &Gathered) {
    let Gathered { ufrag, candidates, is_complete } = transport;
    // The first of the best, IPv4 before IPv6 (RFC 8839 §4.2.1).
    let possible = candidates.iter().rev().filter(|one| is_default(one));
    let default =
        possible.max_by_key(|one| (reach(one.kind), one.address.ip().is_some_and(|ip| ip.is_ipv4())));
    let address = default.and_then(|one| Some((one.address.ip()?, one.port)));
    let mut is_first = true;
    let is_here = |media: &&mut Media| {
        let own = media.find(|one| match one {
            Attribute::IceUfrag(own) => Some(&**own),
            _ => None,
        });
        media.port != 0 && own == Some(ufrag)
    };
    for media in description.media.iter_mut().filter(is_here) {
        if let Some((ip, port)) = address {
            let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
            media.port = port;
            set_connection(media, &format!("IN {family} {ip}"));
        }
        if std::mem::take(&mut is_first) {
            let lines = candidates.iter().map(|one| Attribute::Candidate(Box::new(one.clone())));
            media
                .attributes
                .retain(|one| !matches!(one, Attribute::Candidate(_) | Attribute::EndOfCandidates));
            media.attributes.extend(lines);
            if *is_complete {
                media.attributes.push(Attribute::EndOfCandidates);
            }
        }
    }
}

fn set_connection(media: &mut Media, value: &str) {
    match media.lines.iter_mut().find(|line| line.letter == 'c') {
        Some(line) => line.value = value.into(),
        None => media.lines.push(Line::new('c', value)),
    }
}

fn is_default(candidate: &Candidate) -> bool {
    candidate.component == 1
        && candidate.transport == TransportProtocol::Udp
        && candidate.address.ip().is_some()
}

/// The kind most likely to be reached makes the default (RFC 8445 §5.1.4).
fn reach(kind: CandidateKind) -> u8 {
    match kind {
        CandidateKind::Relay => 3,
        CandidateKind::ServerReflexive => 2,
        CandidateKind::PeerReflexive => 1,
        CandidateKind::Host => 0,
    }
}
