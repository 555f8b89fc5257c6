//! Descriptions read by their text alone, so that what the tests expect does not lean on the parser under test
//! (RFC 8866, RFC 9429 §5).

/// A description as its lines say it.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    /// The session id and version of `o=`.
    pub origin: (&'a str, u64),
    /// The MIDs of the BUNDLE group, if there is one.
    pub bundle: Option<Vec<&'a str>>,
    pub sections: Vec<Section<'a>>,
}

/// One media section.
#[derive(Debug, Clone, Default)]
pub struct Section<'a> {
    pub kind: &'a str,
    port: u32,
    is_bundle_only: bool,
    pub formats: Vec<&'a str>,
    pub mid: &'a str,
    /// `sendrecv` where nothing is said.
    pub direction: &'a str,
    pub setup: &'a str,
    /// Stream and track of each `a=msid`.
    pub msids: Vec<(&'a str, &'a str)>,
    /// Payload type and what `a=rtpmap` says of it.
    pub codecs: Vec<(&'a str, &'a str)>,
    /// Payload type and its `a=fmtp`.
    pub parameters: Vec<(&'a str, &'a str)>,
    /// Id and URI of each header extension.
    pub extensions: Vec<(&'a str, &'a str)>,
    pub ufrag: &'a str,
    /// The encodings it sends, and those it receives, by `a=simulcast` (RFC 8853 §5.1); `~` is before a paused one.
    pub sends: Vec<&'a str>,
    pub takes: Vec<&'a str>,
}

impl<'a> Text<'a> {
    pub fn read(text: &'a str) -> Self {
        Self::read_lines(text, |_| true)
    }

    /// The same without codecs and header extensions, for those who look often.
    pub fn outline(text: &'a str) -> Self {
        let is_told = |line: &str| match line.as_bytes() {
            [b'm' | b'o', ..] => true,
            [b'a', b'=', letter, ..] => {
                matches!(letter, b'm' | b's' | b'i' | b'b' | b'g') || line == "a=recvonly"
            }
            _ => false,
        };
        Self::read_lines(text, is_told)
    }

    fn read_lines(text: &'a str, is_told: impl Fn(&str) -> bool) -> Self {
        let mut read = Self { origin: ("", 0), bundle: None, sections: Vec::new() };
        for line in text.split_terminator('\n') {
            let line = line.strip_suffix('\r').expect("lines end with CR and LF");
            if !is_told(line) {
                continue;
            }
            let (name, value) = (&line[..1], &line[2..]);
            match (name, read.sections.last_mut()) {
                ("m", _) => read.sections.push(Section::begun(value)),
                ("a", Some(section)) => section.take(value),
                ("a", None) => {
                    if let Some(mids) = value.strip_prefix("group:BUNDLE") {
                        assert!(read.bundle.is_none(), "two BUNDLE groups");
                        read.bundle = Some(mids.split_whitespace().collect());
                    }
                }
                ("o", _) => {
                    let mut words = value.split(' ').skip(1);
                    let id = words.next().expect("a session id");
                    read.origin = (id, words.next().expect("a version").parse().expect("a number"));
                }
                _ => {}
            }
        }
        read
    }

    pub fn section(&self, mid: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.mid == mid)
    }

    /// Whether a section of this MID is there and not rejected.
    pub fn has(&self, mid: &str) -> bool {
        self.section(mid).is_some_and(|section| !section.is_rejected())
    }

    /// How many sections neither description rejects.
    pub fn live_in(&self, other: &Self) -> usize {
        let both = self.sections.iter().zip(&other.sections);
        both.filter(|(one, other)| !one.is_rejected() && !other.is_rejected()).count()
    }

    /// What stands in the section of this index, if it is not rejected.
    pub fn live(&self) -> impl Iterator<Item = &Section<'a>> {
        self.sections.iter().filter(|section| !section.is_rejected())
    }
}

impl<'a> Section<'a> {
    fn begun(line: &'a str) -> Self {
        let mut words = line.split(' ');
        let kind = words.next().expect("a kind");
        let port = words.next().expect("a port").parse().expect("a number");
        Self { kind, port, formats: words.skip(1).collect(), direction: "sendrecv", ..Self::default() }
    }

    fn take(&mut self, line: &'a str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let pair = || value.split_once(' ').unwrap_or((value, ""));
        match name {
            "mid" => self.mid = value,
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => self.direction = name,
            "setup" => self.setup = value,
            "bundle-only" => self.is_bundle_only = true,
            "msid" => self.msids.push(pair()),
            "rtpmap" => self.codecs.push(pair()),
            "fmtp" => self.parameters.push(pair()),
            "extmap" => self.extensions.push(pair()),
            "ice-ufrag" => self.ufrag = value,
            "simulcast" => self.take_simulcast(value),
            _ => {}
        }
    }

    fn take_simulcast(&mut self, value: &'a str) {
        let mut words = value.split(' ');
        while let Some((way, names)) = words.next().zip(words.next()) {
            let names = names.split(';').collect();
            match way {
                "send" => self.sends = names,
                _ => self.takes = names,
            }
        }
    }

    /// Port 0, unless that only says that it needs the bundle (RFC 9143 §6).
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && !self.is_bundle_only
    }

    pub fn is_for_data(&self) -> bool {
        self.kind == "application"
    }

    /// Whether it has a codec that both sides can do in any case.
    pub fn has_common(&self) -> bool {
        self.codecs.iter().any(|codec| codec.1.starts_with("VP8") || codec.1.starts_with("opus"))
    }

    /// The streams it names, sorted: `-` is none (RFC 8830 §2).
    pub fn streams(&self) -> Vec<&'a str> {
        let mut streams: Vec<&str> =
            self.msids.iter().map(|msid| msid.0).filter(|stream| *stream != "-").collect();
        streams.sort_unstable();
        streams
    }

    /// A payload type with all that it means.
    pub fn meaning(&self, payload_type: &str) -> (&'a str, &'a str) {
        let find = |list: &[(&'a str, &'a str)]| {
            list.iter().find(|entry| entry.0 == payload_type).map_or("", |entry| entry.1)
        };
        (find(&self.codecs), find(&self.parameters))
    }
}

/// Whether media goes out, seen from the side that wrote it.
pub fn sends(direction: &str) -> bool {
    matches!(direction, "sendrecv" | "sendonly")
}

/// Whether media comes in, seen from the side that wrote it.
pub fn receives(direction: &str) -> bool {
    matches!(direction, "sendrecv" | "recvonly")
}

/// The same direction seen from the other side.
pub fn reversed(direction: &str) -> &str {
    match direction {
        "sendonly" => "recvonly",
        "recvonly" => "sendonly",
        same => same,
    }
}

/// What both directions allow (RFC 9429 §5.3.1), both seen from the same side.
pub fn intersected(one: &str, other: &str) -> &'static str {
    match (sends(one) && sends(other), receives(one) && receives(other)) {
        (true, true) => "sendrecv",
        (true, false) => "sendonly",
        (false, true) => "recvonly",
        (false, false) => "inactive",
    }
}

/// The text without what candidates add to it by and by: their lines, and the default address (RFC 9429 §5.2.2).
pub fn without_candidates(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let is_of_candidates = match line.as_bytes() {
            [b'c', ..] => true,
            [b'a', b'=', b'c' | b'e', ..] => line.starts_with("a=candidate") || line.starts_with("a=end-of"),
            _ => false,
        };
        if is_of_candidates {
            continue;
        }
        match line.strip_prefix("m=").and_then(|rest| rest.split(' ').nth(1)) {
            Some(port) if port != "0" => kept.push_str(&line.replacen(port, "9", 1)),
            _ => kept.push_str(line),
        }
    }
    kept
}
