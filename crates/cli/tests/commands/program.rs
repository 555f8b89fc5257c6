//! The binary, running.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Runs the binary with wrong words to its end.
pub fn refused(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peerless")).args(words).output().expect("the binary runs")
}

/// A running command that serves; killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    pub address: SocketAddr,
}

impl Running {
    /// Starts `command` on a free port and waits until it says where.
    pub fn start(command: &str, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peerless"))
            .args([command, "--listen", "127.0.0.1:0"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = child.stdout.take().expect("its output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut running = Self { child, lines, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let line = running.line_with("http://");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(['/', ' ']).next());
        running.address = address.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        running
    }

    /// Waits for a line that contains `text`.
    pub fn line_with(&mut self, text: &str) -> String {
        let until = Instant::now() + LIMIT;
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let _ = self.child.kill();
                    let mut complaints = String::new();
                    let _ = self.child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut complaints));
                    panic!("no line with {text:?}, only {seen:#?}\n{complaints}");
                }
            }
        }
    }

    /// Sends a signal by its name: INT, TERM.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until it has ended: until it writes no more.
    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().expect("its status"),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its status").is_none()
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("its threads").count()
    }

    /// How many files and sockets it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("its files").count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
