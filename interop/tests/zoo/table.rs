//! The table of the README: which two kinds of translators are got through by which candidates, and how long it takes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::street::KINDS;

/// Where the table begins in the README, and where it ends.
const MARKS: [&str; 2] = ["<!-- zoo -->\n", "<!-- end of zoo -->\n"];

/// What was found: by what, and in how many milliseconds.
#[derive(Default)]
pub struct Table {
    cells: BTreeMap<(&'static str, &'static str), (String, u64)>,
}

impl Table {
    /// Enters what was found for two kinds, the second empty where there is only one.
    pub fn enter(&mut self, first: &'static str, second: &'static str, by: String, milliseconds: u64) {
        println!("{first} - {second}: {by}, {milliseconds} ms");
        self.cells.insert((first, second), (by, milliseconds));
    }

    /// Compares it with the README's, times apart; or writes it there where `PEERLESS_TABLE` is set.
    pub fn close(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(MARKS[0]).expect("the README has a place for the table");
        let (written, after) = rest.split_once(MARKS[1]).expect("the README's table ends");
        let found = self.markdown();
        if std::env::var_os("PEERLESS_TABLE").is_some() {
            std::fs::write(&file, [before, MARKS[0], &found, MARKS[1], after].concat()).unwrap();
            return;
        }
        let without_times = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        assert_eq!(without_times(&found), without_times(written), "PEERLESS_TABLE=1 writes it anew");
    }

    fn markdown(&self) -> String {
        let names = KINDS.map(|kind| kind.name());
        let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for row in names {
            let cells = names.map(|column| match self.cells.get(&(row, column)) {
                Some((by, milliseconds)) => format!("{by}, {}", seconds(*milliseconds)),
                None => String::new(),
            });
            text += &format!("| {row} | {} |\n", cells.join(" | "));
        }
        text.push('\n');
        for ((name, _), (by, milliseconds)) in self.cells.iter().filter(|((_, second), _)| second.is_empty())
        {
            text += &format!("Two {name}: {by}, {}.\n", seconds(*milliseconds));
        }
        text
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1e3)
}
