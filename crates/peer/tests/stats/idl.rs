//! The IDL of webrtc-stats, read from `vectors/stats`: dictionaries with their members, and which members cannot be there
//! with a native peer.
#![allow(dead_code, reason = "each test uses its own part of it")]

use std::collections::{BTreeMap, BTreeSet};

const IDL: &str = include_str!("../../../../vectors/stats/webrtc-stats.idl");
const NOT_APPLICABLE: &str = include_str!("../../../../vectors/stats/not-applicable.txt");

/// A dictionary's members: name, type, whether it is required.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub of: String,
    pub required: bool,
}

/// The dictionary of each `type`; the two kinds of media source have one each.
pub const DICTIONARIES: [(&str, &str); 15] = [
    ("codec", "RTCCodecStats"),
    ("inbound-rtp", "RTCInboundRtpStreamStats"),
    ("outbound-rtp", "RTCOutboundRtpStreamStats"),
    ("remote-inbound-rtp", "RTCRemoteInboundRtpStreamStats"),
    ("remote-outbound-rtp", "RTCRemoteOutboundRtpStreamStats"),
    ("media-source", "RTCAudioSourceStats"),
    ("media-source", "RTCVideoSourceStats"),
    ("media-playout", "RTCAudioPlayoutStats"),
    ("peer-connection", "RTCPeerConnectionStats"),
    ("data-channel", "RTCDataChannelStats"),
    ("transport", "RTCTransportStats"),
    ("candidate-pair", "RTCIceCandidatePairStats"),
    ("local-candidate", "RTCIceCandidateStats"),
    ("remote-candidate", "RTCIceCandidateStats"),
    ("certificate", "RTCCertificateStats"),
];

/// The words of an enumeration.
pub fn words(name: &str) -> Vec<String> {
    let body = body("enum", name).unwrap_or_else(|| panic!("no enum {name}")).1;
    body.split(',')
        .map(|word| word.trim().trim_matches('"').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether there is such an enumeration in this file.
pub fn has_words(name: &str) -> bool {
    body("enum", name).is_some()
}

/// All members of a dictionary, those of its ancestors first.
pub fn members(name: &str) -> Vec<Member> {
    let Some((head, body)) = body("dictionary", name) else { return Vec::new() };
    let mut all = head.split_once(':').map_or_else(Vec::new, |(_, parent)| members(parent.trim()));
    all.extend(body.split(';').filter_map(|line| {
        let line = line.trim();
        let (of, name) = line.rsplit_once(char::is_whitespace)?;
        let required = of.starts_with("required ");
        let of = of.strip_prefix("required ").unwrap_or(of).split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Member { name: name.to_owned(), of, required })
    }));
    all
}

/// The names of the members of all dictionaries of a `type`.
pub fn names(of_type: &str) -> BTreeSet<String> {
    let of = DICTIONARIES.iter().filter(|(known, _)| *known == of_type);
    of.flat_map(|(_, dictionary)| members(dictionary)).map(|member| member.name).collect()
}

/// What cannot be there, by `type`; each line has a reason.
pub fn not_applicable() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in NOT_APPLICABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (what, why) = line.split_once(" : ").unwrap_or_else(|| panic!("no reason: {line}"));
        assert!(why.len() > 10, "{line}");
        let mut words = what.split_whitespace().map(str::to_owned);
        let of_type = words.next().unwrap();
        let known = names(&of_type);
        for name in words {
            assert!(known.contains(&name), "{of_type} has no {name}");
            assert!(all.entry(of_type.clone()).or_default().insert(name), "twice: {line}");
        }
    }
    all
}

/// What reports had, by `type`.
#[derive(Debug, Default)]
pub struct Coverage {
    filled: BTreeMap<String, BTreeSet<String>>,
}

impl Coverage {
    /// Takes in one object as JSON has it.
    pub fn add<'a>(&mut self, of_type: &str, present: impl Iterator<Item = &'a str>) {
        let entry = self.filled.entry(of_type.to_owned()).or_default();
        entry.extend(present.map(str::to_owned));
    }

    /// A table of all types and of all together: how many of the members that apply were there, and which were not.
    /// Gives the share, 0 to 1, and fails where a member was there that cannot be.
    pub fn table(&self) -> (f64, String) {
        let (exempt, mut text) = (not_applicable(), String::new());
        let (mut filled, mut applicable) = (0, 0);
        let none = BTreeSet::new();
        for of_type in words("RTCStatsType") {
            let (all, exempt) = (names(&of_type), exempt.get(&of_type).unwrap_or(&none));
            let here = self.filled.get(&of_type).unwrap_or(&none);
            let wrong: Vec<_> = here.intersection(exempt).collect();
            assert!(wrong.is_empty(), "{of_type}: {wrong:?} were said not to apply");
            let wanted: BTreeSet<_> = all.difference(exempt).collect();
            let missing: Vec<_> =
                wanted.iter().filter(|name| !here.contains(**name)).map(|name| name.as_str()).collect();
            let count = wanted.len() - missing.len();
            (filled, applicable) = (filled + count, applicable + wanted.len());
            text += &format!(
                "{of_type:20} {count:3} of {:3} ({:2} do not apply) {}\n",
                wanted.len(),
                exempt.len(),
                missing.join(" ")
            );
        }
        let share = f64::from(filled as u32) / f64::from(applicable as u32);
        text += &format!("{:20} {filled:3} of {applicable:3}, {:.1} %\n", "all", 100.0 * share);
        (share, text)
    }
}

/// What stands before and within the braces of a definition.
fn body(keyword: &str, name: &str) -> Option<(&'static str, &'static str)> {
    let start = IDL
        .match_indices(&format!("{keyword} {name}"))
        .find(|(at, matched)| IDL[at + matched.len()..].starts_with(|next: char| !next.is_alphanumeric()))?;
    let rest = &IDL[start.0..];
    let (head, rest) = rest.split_once('{')?;
    Some((head, rest.split_once("};")?.0))
}
