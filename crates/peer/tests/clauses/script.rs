//! Reads and runs a script: one step a line, in a small language.
//!
//! ```text
//! # what is shown, with its clause
//! a.addTrack audio mic s1            a call of peer a
//! a.setDirection 0 stopped !TypeError    the same, to be refused with this name
//! negotiate a                        offer, answer; also: connect, run 100ms, send a 0, text t of a local, …
//! a.direction 0 = sendrecv           what peer a shows
//! a.events = negotiationneeded       all events since the last look, nothing for none
//! a.sdp local 0 has "a=sendrecv"     a line of a section (or of all, without index) is this
//! a.sdp local 0 lacks "a=msid"       no line begins so
//! a.sdp local 0 begins "m=audio 0"   a line begins so
//! ```

use std::fs;
use std::path::PathBuf;

use crate::world::{World, side, unquoted};

/// Runs the script of this name in `vectors/clauses`, and names the line that does not hold.
pub fn run(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut world = World::new();
    let mut looks = 0;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = Place { name, number: number + 1, line };
        looks += usize::from(step(&mut world, &place));
    }
    assert!(looks > 0, "{name} looks at nothing");
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/clauses")
}

/// Where a script stands; its drop tells so when a step panics.
struct Place<'a> {
    name: &'a str,
    number: usize,
    line: &'a str,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in {}.txt, line {}: {}", self.name, self.number, self.line);
        }
    }
}

/// Takes a step; says whether it could have failed for what the peers do.
fn step(world: &mut World, place: &Place<'_>) -> bool {
    let line = place.line;
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let Some((peer, name)) = first.split_once('.') else {
        let (rest, quoted) = match rest.split_once(": ") {
            Some((words, quoted)) => (words, quoted),
            None => (rest, ""),
        };
        world.act(first, &words(rest), quoted);
        return matches!(first, "same" | "differ");
    };
    let side = side(peer);
    if name == "sdp" {
        look_at_lines(world, side, rest);
        return true;
    }
    let is_look = rest.starts_with("= ") || rest == "=" || rest.ends_with(" =") || rest.contains(" = ");
    if is_look && !name.starts_with("set") {
        let (what, expected) = rest.split_once('=').unwrap();
        assert_eq!(world.look(side, name, &words(what)), expected.trim(), "{line}");
        return true;
    }
    let (rest, refusal) = match rest.rsplit_once('!') {
        Some((rest, refusal)) => (rest, Some(refusal)),
        None => (rest, None),
    };
    match (world.call(side, name, &words(rest)), refusal) {
        (Ok(()), None) => false,
        (Err(error), Some(refusal)) => {
            assert_eq!(error.name(), refusal, "{line}: {error}");
            true
        }
        (Ok(()), Some(refusal)) => panic!("{line}: it was taken, not refused with {refusal}"),
        (Err(error), None) => panic!("{line}: refused with {}: {error}", error.name()),
    }
}

/// `local 0 has "a=sendrecv"`
fn look_at_lines(world: &mut World, side: usize, rest: &str) {
    let (head, quoted) = rest.split_once('"').expect("text in double quotes");
    let text = unquoted(&format!("\"{quoted}"));
    let head = words(head);
    let (which, index, verb) = match head[..] {
        [which, verb] => (which, None, verb),
        [which, index, verb] => (which, Some(index.parse().expect("the index of a section")), verb),
        _ => panic!("sdp WHICH [INDEX] has|lacks|begins \"…\""),
    };
    let lines = world.lines(side, which, index);
    let holds = match verb {
        "has" => lines.contains(&text),
        "begins" => lines.iter().any(|line| line.starts_with(&text)),
        "lacks" => !lines.iter().any(|line| line.starts_with(&text)),
        other => panic!("there is no {other}: has, begins, lacks"),
    };
    assert!(holds, "{verb} {text:?} does not hold for:\n{}", lines.join("\n"));
}

fn words(text: &str) -> Vec<&str> {
    text.split_ascii_whitespace().collect()
}
