//! Which media section an arriving packet belongs to (RFC 9143 §9.2): by its MID, by its source, or by a payload
//! type that only one section uses.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peerless_wire::rtp::{Extensions, Mid, PayloadType, ShortText, Ssrc};

/// The sources and payload types of all media sections that receive.
#[derive(Debug)]
pub struct Routes {
    sources: BTreeMap<Ssrc, Source>,
    payload_types: [Owner; 128],
}

#[derive(Debug, Clone)]
struct Source {
    mid: Mid,
    /// Which of several encodings it is, or repairs, as its packets said: they cease to when we have reported on it.
    encoding: Option<Encoding>,
    /// Whether it was named in the description; the others are bounded in number.
    named: bool,
    last_used: Instant,
}

/// What a packet says of its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// It is of this one.
    Of(ShortText),
    /// It repairs this one.
    Repairs(ShortText),
}

/// Which sections use a payload type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Owner {
    #[default]
    None,
    One(Mid),
    Several,
}

/// Where a packet goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its media section.
    pub mid: Mid,
    /// A source that was forgotten to make room for this one.
    pub evicted: Option<(Mid, Ssrc)>,
}

impl Routes {
    /// No sections.
    pub fn new() -> Self {
        Self { sources: BTreeMap::new(), payload_types: std::array::from_fn(|_| Owner::None) }
    }

    /// Takes in a media section, in place of what was known of it: the sources named for it and its payload types.
    /// Sources that were learnt stay.
    pub fn set_section(
        &mut self,
        now: Instant,
        mid: &Mid,
        sources: impl Iterator<Item = Ssrc>,
        payload_types: impl Iterator<Item = PayloadType>,
    ) {
        let named: Vec<Ssrc> = sources.collect();
        let is_over = |ssrc: &Ssrc, source: &Source| source.named && !named.contains(ssrc);
        self.sources.retain(|ssrc, source| source.mid != *mid || !is_over(ssrc, source));
        for ssrc in named {
            let before = self.sources.get(&ssrc).filter(|before| before.mid == *mid);
            let encoding = before.and_then(|before| before.encoding);
            self.sources.insert(ssrc, Source { encoding, ..Source::new(now, mid, true) });
        }
        for payload_type in payload_types {
            if let Some(owner) = self.payload_types.get_mut(usize::from(payload_type.value())) {
                *owner = match std::mem::take(owner) {
                    Owner::None => Owner::One(mid.clone()),
                    Owner::One(other) if other == *mid => Owner::One(other),
                    _ => Owner::Several,
                };
            }
        }
    }

    /// Forgets all payload types: to be told again by [`set_section`](Self::set_section) for each section.
    pub fn clear_payload_types(&mut self) {
        self.payload_types.fill(Owner::None);
    }

    /// A media section receives no more. What its sources still send must not be taken for another section's, so they
    /// are known as its own until they are silent and make room, or go elsewhere.
    pub fn remove_section(&mut self, mid: &Mid) {
        self.sources.values_mut().filter(|source| source.mid == *mid).for_each(|source| source.named = false);
    }

    /// The media section of a packet from `ssrc`; `said` is the section its MID named, if it carried one: `None` in
    /// it where no section has that name, and the packet then goes nowhere (RFC 9143 §9.2). Learns the source.
    pub fn find(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        payload_type: PayloadType,
        said: Option<Option<&Mid>>,
    ) -> Option<Found> {
        if let Some(source) = self.sources.get_mut(&ssrc) {
            let moved = match said {
                None => false,
                Some(mid) => source.mid != *mid?,
            };
            if !moved {
                source.last_used = now;
                return Some(Found { mid: source.mid.clone(), evicted: None });
            }
            let mid = said.flatten()?.clone();
            let old = std::mem::replace(source, Source::new(now, &mid, false));
            return Some(Found { mid, evicted: Some((old.mid, ssrc)) });
        }
        let mid = match said {
            Some(mid) => mid?.clone(),
            None => match self.payload_types.get(usize::from(payload_type.value())) {
                Some(Owner::One(mid)) => mid.clone(),
                _ => return None,
            },
        };
        let evicted = self.make_room(now)?;
        self.sources.insert(ssrc, Source::new(now, &mid, false));
        Some(Found { mid, evicted })
    }

    /// Takes the name that a packet of a known source gives its encoding, or where it gives none, gives it that which
    /// those before it gave: a remote leaves it out once we have reported on the source (RFC 8852 §3), and may do so over
    /// a time in which the section receives nothing, or after a BYE. An encoding has one source: what goes by its name
    /// now has it alone.
    pub fn name(&mut self, ssrc: Ssrc, extensions: &mut Extensions) {
        let of = extensions.rid.map(Encoding::Of);
        let said = of.or(extensions.repaired_rid.map(Encoding::Repairs));
        let Some(source) = self.sources.get_mut(&ssrc) else { return };
        match said {
            None => match source.encoding {
                Some(Encoding::Of(rid)) => extensions.rid = Some(rid),
                Some(Encoding::Repairs(rid)) => extensions.repaired_rid = Some(rid),
                None => {}
            },
            Some(_) if source.encoding == said => {}
            Some(_) => {
                let mid = source.mid.clone();
                for (known, source) in &mut self.sources {
                    if *known == ssrc {
                        source.encoding = said;
                    } else if source.encoding == said && source.mid == mid {
                        source.encoding = None;
                    }
                }
            }
        }
    }

    /// The media section of a source that is known.
    pub fn section(&self, ssrc: Ssrc) -> Option<&Mid> {
        self.sources.get(&ssrc).map(|source| &source.mid)
    }

    /// `None` when there is no room for one more learnt source: all are in use. Otherwise the one that had to go.
    fn make_room(&mut self, now: Instant) -> Option<Option<(Mid, Ssrc)>> {
        let learnt = self.sources.iter().filter(|(_, source)| !source.named);
        if learnt.clone().count() < MAX_LEARNT {
            return Some(None);
        }
        let (ssrc, source) = learnt.min_by_key(|(_, source)| source.last_used)?;
        if now.saturating_duration_since(source.last_used) < IN_USE {
            return None;
        }
        let (mid, ssrc) = (source.mid.clone(), *ssrc);
        self.sources.remove(&ssrc);
        Some(Some((mid, ssrc)))
    }
}

impl Source {
    fn new(now: Instant, mid: &Mid, named: bool) -> Self {
        Self { mid: mid.clone(), encoding: None, named, last_used: now }
    }
}

/// Tells which of `mids` a packet's MID extension names: the argument `said` of [`Routes::find`].
pub fn named_section<'a>(
    text: Option<ShortText>,
    mut mids: impl Iterator<Item = &'a Mid>,
) -> Option<Option<&'a Mid>> {
    text.map(|text| mids.find(|mid| text == **mid))
}

/// The most sources, not named in the description, that a session receives at once.
pub const MAX_LEARNT: usize = 64;

/// A source without packets for so long may be forgotten for another.
const IN_USE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    fn payload_type(number: u8) -> PayloadType {
        PayloadType::new(number).unwrap()
    }

    /// Section "a" with payload types 0 and 96, section "v" with 96 and 97, and source 1 named for "v".
    fn routes() -> (Routes, Mid, Mid) {
        let (audio, video) = (Mid::new("a"), Mid::new("v"));
        let mut routes = Routes::new();
        routes.set_section(start(), &audio, [].into_iter(), [0, 96].map(payload_type).into_iter());
        routes.set_section(start(), &video, [Ssrc(1)].into_iter(), [96, 97].map(payload_type).into_iter());
        (routes, audio, video)
    }

    #[test]
    fn a_named_source_goes_to_its_section() {
        let (mut routes, _, video) = routes();
        let found = routes.find(start(), Ssrc(1), payload_type(0), None);
        assert_eq!(found, Some(Found { mid: video, evicted: None }));
    }

    #[test]
    fn an_unknown_source_goes_where_only_its_payload_type_is_used() {
        let (mut routes, audio, video) = routes();
        let mut section = |ssrc, number| {
            routes.find(start(), Ssrc(ssrc), payload_type(number), None).map(|found| found.mid)
        };
        assert_eq!(section(2, 0), Some(audio.clone()));
        assert_eq!(section(3, 97), Some(video));
        assert_eq!(section(4, 96), None);
        assert_eq!(section(4, 111), None);
        // Once learnt, the source is enough.
        assert_eq!(section(2, 96), Some(audio));
    }

    #[test]
    fn a_mid_outweighs_all_and_is_learnt() {
        let (mut routes, audio, video) = routes();
        let mut section = |ssrc, said| routes.find(start(), Ssrc(ssrc), payload_type(96), said);
        assert_eq!(section(5, Some(Some(&video))).map(|found| found.mid), Some(video.clone()));
        assert_eq!(section(5, None).map(|found| found.mid), Some(video.clone()));
        let moved = section(5, Some(Some(&audio))).unwrap();
        assert_eq!(moved, Found { mid: audio.clone(), evicted: Some((video.clone(), Ssrc(5))) });
        assert_eq!(section(5, Some(None)), None);
        assert_eq!(section(6, Some(None)), None);
        assert_eq!(section(5, None).map(|found| found.mid), Some(audio));
    }

    #[test]
    fn what_a_section_still_gets_when_it_receives_no_more_goes_to_no_other() {
        let (mut routes, audio, video) = routes();
        routes.find(start(), Ssrc(2), payload_type(0), None).unwrap();
        routes.remove_section(&video);
        routes.clear_payload_types();
        let all = [0, 96, 97].map(payload_type);
        routes.set_section(start(), &audio, [].into_iter(), all.into_iter());
        let mut section = |ssrc, said| routes.find(start(), Ssrc(ssrc), payload_type(97), said);
        assert_eq!(section(1, None).map(|found| found.mid), Some(video));
        assert_eq!(section(2, None).map(|found| found.mid), Some(audio.clone()));
        assert_eq!(section(3, None).map(|found| found.mid), Some(audio.clone()));
        assert_eq!(section(1, Some(Some(&audio))).map(|found| found.mid), Some(audio), "it may move");
    }

    #[test]
    fn learnt_sources_are_bounded_and_idle_ones_make_room() {
        let (mut routes, audio, _) = routes();
        let start = start();
        let mut find = |at, ssrc| routes.find(at, Ssrc(ssrc), payload_type(0), None);
        for ssrc in 100..100 + MAX_LEARNT as u32 {
            assert!(find(start, ssrc).is_some());
        }
        assert_eq!(find(start + Duration::from_secs(1), 9999), None);
        find(start + IN_USE, 100);
        let found = find(start + IN_USE, 9999).unwrap();
        assert_eq!(found.evicted, Some((audio, Ssrc(101))));
    }
}
