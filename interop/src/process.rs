//! Child processes whose lines are read and who end with their owner.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long anything that a test waits for may take, on a slow and noisy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits for what is coming, and panics with its name where it does not come in that time.
pub async fn in_time<T>(what: &str, coming: impl Future<Output = T>) -> T {
    timeout(PATIENCE, coming).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// How many lines are remembered to explain a failure.
const MEMORY: usize = 200;

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    memory: Arc<Mutex<VecDeque<String>>>,
}

/// Why a foreign peer could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program ended or stayed silent.
    #[error("{name} did not say {wanted:?}; it said:\n{said}")]
    Silent {
        /// The program.
        name: String,
        /// What was waited for.
        wanted: String,
        /// Its last lines.
        said: String,
    },
    /// The WebSocket to a browser broke.
    #[error("the browser's socket: {0}")]
    Socket(String),
    /// The browser, or the script in its page, gave an error.
    #[error("the browser says: {0}")]
    Browser(String),
}

impl Process {
    /// Starts `program`; lines of both its outputs are read.
    pub fn start(program: &str, arguments: &[String]) -> Result<Self, Error> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Error::Io { what: format!("start {program}"), source })?;
        let (sender, lines) = mpsc::unbounded_channel();
        let memory = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(output) = child.stdout.take() {
            tokio::spawn(read(output, sender.clone(), memory.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(read(output, sender, memory.clone()));
        }
        Ok(Self { name: program.to_owned(), child, lines, memory })
    }

    /// Waits for a line that `wanted` gives a value for; lines before it are passed over.
    pub async fn wait_line<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                if let Some(value) = wanted(&line) {
                    return Some(value);
                }
            }
            None
        });
        found.await.ok().flatten().ok_or_else(|| Error::Silent {
            name: self.name.clone(),
            wanted: what.to_owned(),
            said: self.said(),
        })
    }

    /// The last lines it wrote.
    pub fn said(&self) -> String {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal by name ("INT", "TERM").
    pub async fn signal(&self, signal: &str) -> Result<(), Error> {
        let Some(id) = self.id() else { return Ok(()) };
        let what = format!("kill -{signal} {id}");
        let status = Command::new("kill").args([format!("-{signal}"), id.to_string()]).status().await;
        status.map(drop).map_err(|source| Error::Io { what, source })
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let silent =
            || Error::Silent { name: self.name.clone(), wanted: "goodbye".into(), said: self.said() };
        ended.map_err(|_| silent())?.map_err(|source| Error::Io { what: "wait".into(), source })
    }
}

async fn read(
    output: impl AsyncRead + Unpin,
    sender: mpsc::UnboundedSender<String>,
    memory: Arc<Mutex<VecDeque<String>>>,
) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() == MEMORY {
            memory.pop_front();
        }
        memory.push_back(line.clone());
        drop(memory);
        // Nobody may be waiting for lines any more; they are still remembered.
        let _ = sender.send(line);
    }
}
