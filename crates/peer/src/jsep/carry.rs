//! From descriptions to what becomes of the transports: which section goes over which, and what an answer settles for each.

use std::collections::HashSet;

use peerless_wire::sdp::{Attribute, Candidate, Description};

use crate::error::Error;
use crate::id::TransportId;
use crate::jsep::bundle::{self, Part, carrier, mid_of, transport_section};
use crate::jsep::check::{self, RemoteTransport};
use crate::jsep::plan::TransportPlan;
use crate::jsep::routes::{Route, Routes};
use crate::jsep::view::{Credentials, DtlsRole, View};
use crate::state::SdpType;

/// The ways that our offer would have its sections go.
///
/// # Errors
/// `Modified` where the offer was written for a transport that is no more: an exchange came in between.
pub(super) fn routes_of_offer(view: &View, offer: &Description) -> Result<Routes, Error> {
    let mut routes = view.routes.settled();
    for (index, media) in offer.media.iter().enumerate() {
        if !media.is_rejected() {
            let transport = carrier(view, offer, index).ok_or(Error::Modified)?;
            routes.offered.push(Route { mid: mid_of(offer, index), transport });
        }
    }
    Ok(routes)
}

/// The ways after an answer to `offer`.
pub(super) fn routes_of_answer(view: &View, offer: &Description, parts: &[Part], kind: SdpType) -> Routes {
    let mut settled = Vec::new();
    for part in parts {
        let Some(transport) = part.transport else { continue };
        settled.extend(part.sections.iter().map(|&index| Route { mid: mid_of(offer, index), transport }));
    }
    match kind {
        SdpType::Answer => Routes { current: settled, ..Routes::default() },
        _ => Routes { provisional: settled, ..view.routes.clone() },
    }
}

/// The transports whose ICE an offer of the remote restarts; checks all that the parts of it say of transports.
///
/// # Errors
/// `Description` with what is wrong.
pub(super) fn check_offer(
    view: &View,
    offer: &Description,
    parts: &[Part],
) -> Result<Vec<TransportId>, Error> {
    let mut restarting = Vec::new();
    for part in parts {
        let standing = standing_role(view, part);
        let remote = check::remote_transport(view, standing, offer, part.tag, &part.sections)?;
        check::role_to_answer(standing, remote.setup, part.tag)?;
        let is_new = |id: &TransportId| {
            credentials_before(view, *id).is_some_and(|before| before != remote.credentials)
        };
        restarting.extend(part.transport.filter(is_new));
    }
    Ok(restarting)
}

/// What our answer settles. Until now each of the offer's sections had a transport of its own: only those of the tags go
/// on.
///
/// # Errors
/// `Description` with what is wrong in the offer; `Modified` where the answer was written for a transport that is no more.
pub(super) fn settled_by_us(
    view: &View,
    offer: &Description,
    parts: &[Part],
) -> Result<Vec<TransportPlan>, Error> {
    let mut plans = Vec::new();
    for part in parts {
        let id = part.transport.ok_or(Error::Modified)?;
        let standing = standing_role(view, part);
        let remote = check::remote_transport(view, standing, offer, part.tag, &part.sections)?;
        let role = check::role_to_answer(standing, remote.setup, part.tag)?;
        let lending = transport_section(offer, part.tag);
        let mut plan = transport_plan(view, (id, part), (offer, offer), remote, role);
        plan.candidates = candidates(offer, &[part.tag, lending]);
        plans.push(plan);
    }
    Ok(plans)
}

/// What the remote's answer settles.
///
/// # Errors
/// `Description` with what is wrong in it.
pub(super) fn settled_by_remote(
    view: &View,
    (offer, answer): (&Description, &Description),
    parts: &[Part],
) -> Result<Vec<TransportPlan>, Error> {
    let mut plans = Vec::new();
    for part in parts {
        let Some(id) = part.transport else { continue };
        let standing = standing_role(view, part);
        let remote = check::remote_transport(view, standing, answer, part.tag, &part.sections)?;
        let role = check::role_from_answer(standing, remote.setup, part.tag)?;
        let mut plan = transport_plan(view, (id, part), (offer, answer), remote, role);
        plan.candidates = candidates(answer, &part.sections);
        plans.push(plan);
    }
    Ok(plans)
}

fn transport_plan(
    view: &View,
    (id, part): (TransportId, &Part),
    (offer, theirs): (&Description, &Description),
    remote: RemoteTransport,
    role: DtlsRole,
) -> TransportPlan {
    TransportPlan {
        id,
        mid: mid_of(offer, part.tag),
        section: part.tag,
        restarted: credentials_before(view, id).is_some_and(|before| before != remote.credentials),
        credentials: remote.credentials,
        lite: theirs.has(&Attribute::IceLite),
        renomination: view.renomination
            && has_option(theirs, transport_section(theirs, part.tag), "renomination"),
        fingerprints: remote.fingerprints,
        role,
        candidates: Vec::new(),
        end_of_candidates: has_all_candidates(theirs, transport_section(theirs, part.tag)),
    }
}

/// Whether a section, or the session, has an ICE option (RFC 8839 §5.6).
fn has_option(description: &Description, section: usize, option: &str) -> bool {
    let has = |attribute: &Attribute| match attribute {
        Attribute::IceOptions(options) => options.split_ascii_whitespace().any(|word| word == option),
        _ => false,
    };
    let media = description.media.get(section);
    media.is_some_and(|media| media.attributes.iter().any(has)) || description.attributes.iter().any(has)
}

/// Our DTLS role where the association of the part's transport stands.
fn standing_role(view: &View, part: &Part) -> Option<DtlsRole> {
    view.transport(part.transport?)?.dtls_role
}

/// The remote's credentials of the last exchange for a transport.
fn credentials_before(view: &View, id: TransportId) -> Option<Credentials> {
    let remote = view.descriptions.current_remote.as_ref()?;
    let is_here = |index: usize| {
        let is_taken = remote.media.get(index).is_some_and(|media| !media.is_rejected());
        is_taken && view.routes.standing(&mid_of(remote, index)) == Some(id)
    };
    let tag = bundle::tag(remote, is_here)?;
    let media = remote.media.get(transport_section(remote, tag))?;
    let (ufrag, password) = (remote.ice_ufrag(media)?.to_owned(), remote.ice_pwd(media)?.to_owned());
    Some(Credentials { ufrag, password })
}

/// The candidates in these sections, each once.
fn candidates(description: &Description, sections: &[usize]) -> Vec<Candidate> {
    let media = sections.iter().filter_map(|&index| description.media.get(index));
    let mut seen = HashSet::new();
    media.flat_map(|media| media.candidates()).filter(|one| seen.insert(*one)).cloned().collect()
}

fn has_all_candidates(description: &Description, section: usize) -> bool {
    let is_said = description.media.get(section).is_some_and(|media| media.has_all_candidates());
    is_said || description.has(&Attribute::EndOfCandidates)
}
