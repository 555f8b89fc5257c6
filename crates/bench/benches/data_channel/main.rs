//! Data channels over real loopback UDP: ours beside other stacks, each as its users get it, on the same cores.
//!
//! Every case runs in a process of its own that holds both ends, so that its CPU time and memory are its own: one
//! reliable, ordered channel per connection, messages one way as fast as the channel takes them, for [`SECONDS`]
//! after [`WARM_UP`]. What counts are bytes that the receiving user has been given.
//!
//! `cargo bench -p peerless-bench --bench data_channel [-- STACK…]`

mod peerless;
mod rustrtc;
mod str0m;
mod webrtc;

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use peerless_bench::table::Table;
use peerless_bench::usage;

/// How long is measured.
const SECONDS: Duration = Duration::from_secs(5);
/// How long all run before that: windows open, paths are searched.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long a case may take to have all its channels open.
const PATIENCE: Duration = Duration::from_secs(20);
/// Threads of the runtime, the same for all that have one.
const WORKERS: usize = 2;
/// What may wait to be sent on a connection, where that can be set.
const SEND_BUFFER: usize = 16 << 20;

/// Ours twice: as between two of ours, and with packets no larger than browsers get.
const STACKS: [&str; 5] = ["peerless", "peerless-1400", "str0m", "webrtc", "rustrtc"];
const CASES: [(usize, usize); 4] = [(1, 16 * 1024), (1, 1024), (10, 16 * 1024), (10, 1024)];

/// Bytes that have reached the receiving user, per connection.
type Received = Arc<AtomicU64>;

/// What one process has measured.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    bytes: u64,
    wall: f64,
    cpu: f64,
    memory: u64,
}

impl Outcome {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("outcome ")?.split(' ');
        Some(Self {
            bytes: words.next()?.parse().ok()?,
            wall: words.next()?.parse().ok()?,
            cpu: words.next()?.parse().ok()?,
            memory: words.next()?.parse().ok()?,
        })
    }

    fn megabytes_per_second(self) -> f64 {
        self.bytes as f64 / 1e6 / self.wall
    }

    fn cpu_seconds_per_gigabyte(self) -> f64 {
        self.cpu / (self.bytes as f64 / 1e9)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, stack, connections, message] = arguments.as_slice()
        && word == "run"
        && let (Ok(connections), Ok(message)) = (connections.parse(), message.parse())
    {
        return run(stack, connections, message);
    }
    let wanted = |stack: &str| arguments.is_empty() || arguments.iter().any(|wanted| wanted == stack);
    println!("{}; {} runtime threads, {} s a case", usage::machine(), WORKERS, SECONDS.as_secs());
    let head =
        ["connections", "message", "stack", "MB/s", "CPU s/GB", "peak memory MB", "ours per CPU second"];
    let table = Table::begin(&head);
    for (connections, message) in CASES {
        let mut ours = None;
        for stack in STACKS.into_iter().filter(|stack| wanted(stack)) {
            let size = format!("{} KiB", message / 1024);
            let Some(outcome) = measure(stack, connections, message) else {
                table.row(&[&connections, &size, &stack, &"failed", &"", &"", &""]);
                continue;
            };
            let cost = outcome.cpu_seconds_per_gigabyte();
            let ratio = ours.map_or(String::new(), |ours: f64| format!("{:.1} ×", cost / ours));
            if stack == "peerless" {
                ours = Some(cost);
            }
            let rate = format!("{:.1}", outcome.megabytes_per_second());
            let memory = outcome.memory / 1_000_000;
            table.row(&[&connections, &size, &stack, &rate, &format!("{cost:.2}"), &memory, &ratio]);
        }
    }
    ExitCode::SUCCESS
}

/// Runs a case in a process of its own.
fn measure(stack: &str, connections: usize, message: usize) -> Option<Outcome> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["run", stack, &connections.to_string(), &message.to_string()]);
    let output = command.output().ok()?;
    let outcome = String::from_utf8_lossy(&output.stdout).lines().find_map(Outcome::parse);
    if outcome.is_none() {
        eprintln!("{stack}: {}", String::from_utf8_lossy(&output.stderr));
    }
    outcome
}

/// One case, in this process.
fn run(stack: &str, connections: usize, message: usize) -> ExitCode {
    let Ok(runtime) =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
    else {
        return ExitCode::FAILURE;
    };
    let received: Vec<Received> = (0..connections).map(|_| Received::default()).collect();
    for received in &received {
        let received = received.clone();
        // What a stack wants to keep it keeps itself: this process ends with the case.
        match stack {
            "peerless" => std::mem::drop(runtime.spawn(peerless::run(message, received, None))),
            "peerless-1400" => std::mem::drop(runtime.spawn(peerless::run(message, received, Some(1400)))),
            "rustrtc" => std::mem::drop(runtime.spawn(rustrtc::run(message, received))),
            "webrtc" => std::mem::drop(runtime.spawn(webrtc::run(message, received))),
            "str0m" => str0m::run(message, received),
            _ => return ExitCode::FAILURE,
        }
    }
    let begun = Instant::now();
    while received.iter().any(|received| received.load(Ordering::Relaxed) == 0) {
        if begun.elapsed() > PATIENCE {
            eprintln!("not all channels opened");
            return ExitCode::FAILURE;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(WARM_UP);
    let total = || received.iter().map(|received| received.load(Ordering::Relaxed)).sum::<u64>();
    let (start, cpu, bytes) = (Instant::now(), usage::cpu(), total());
    std::thread::sleep(SECONDS);
    let (wall, cpu, bytes) = (start.elapsed(), usage::cpu() - cpu, total() - bytes);
    println!("outcome {bytes} {} {} {}", wall.as_secs_f64(), cpu.as_secs_f64(), usage::peak_memory());
    std::process::exit(0)
}
