//! The terminal: plain lines on standard output, library logs on standard error, and a status below them, of one line or
//! of several, that is drawn again in place where standard output is a terminal.
//!
//! A closed pipe is no error: the program goes on without being heard.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// The terminal, shared by all who write to it.
#[derive(Clone)]
pub struct Console {
    state: Arc<Mutex<State>>,
}

struct State {
    /// Standard output is a terminal: the status is drawn.
    live: bool,
    /// The status as it stands below, empty for none.
    status: String,
}

impl Console {
    pub fn new() -> Self {
        let live = io::stdout().is_terminal();
        Self { state: Arc::new(Mutex::new(State { live, status: String::new() })) }
    }

    /// Whether the status can be drawn in place.
    pub fn is_live(&self) -> bool {
        self.lock().live
    }

    /// Whether standard error takes colours.
    pub fn is_complaint_coloured(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Writes one line, above the status.
    pub fn line(&self, text: &str) {
        let state = self.lock();
        let mut out = io::stdout().lock();
        let _ = if state.live {
            write!(out, "{}{text}\n{}", cleared(&state.status), drawn(&state.status))
        } else {
            writeln!(out, "{text}")
        };
        let _ = out.flush();
    }

    /// Says on standard error why the program ends.
    pub fn complain(&self, text: &str) {
        self.status("");
        let _ = writeln!(io::stderr(), "peerless: {text}");
    }

    /// Draws the status anew; empty takes it away. Nothing happens where it cannot be drawn in place.
    pub fn status(&self, text: &str) {
        let mut state = self.lock();
        if state.live && state.status != text {
            let before = std::mem::replace(&mut state.status, text.to_owned());
            let mut out = io::stdout().lock();
            let _ = write!(out, "{}{}", cleared(&before), drawn(text));
            let _ = out.flush();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without automatic wrapping, so that a narrow terminal cuts its lines instead of breaking them.
fn drawn(status: &str) -> String {
    if status.is_empty() { String::new() } else { format!("\x1b[?7l{status}\x1b[?7h") }
}

/// To the begin of the first line of a status that stands there, and clear all below.
fn cleared(status: &str) -> String {
    match status.matches('\n').count() {
        0 => "\r\x1b[J".to_owned(),
        more => format!("\r\x1b[{more}A\x1b[J"),
    }
}

/// One library log line on its way to standard error.
pub struct Complaint<'a> {
    console: &'a Console,
    text: Vec<u8>,
}

impl Write for Complaint<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Complaint<'_> {
    fn drop(&mut self) {
        let state = self.console.lock();
        let mut out = io::stdout().lock();
        let drawn = !state.status.is_empty();
        if drawn {
            let _ = write!(out, "{}", cleared(&state.status));
            let _ = out.flush();
        }
        let _ = io::stderr().write_all(&self.text);
        if drawn {
            let _ = write!(out, "{}", self::drawn(&state.status));
            let _ = out.flush();
        }
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = Complaint<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Complaint { console: self, text: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_several_lines_is_cleared_from_its_first() {
        assert_eq!(cleared(""), "\r\x1b[J");
        assert_eq!(cleared("one"), "\r\x1b[J");
        assert_eq!(cleared("one\ntwo\nthree"), "\r\x1b[2A\x1b[J");
        assert!(drawn("").is_empty() && drawn("one\ntwo").contains("one\ntwo"));
    }
}
