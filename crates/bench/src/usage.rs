//! What this process has used so far, as Linux counts it. Elsewhere all is zero, and the columns stay empty.

use std::fs;
use std::time::Duration;

/// What `/proc` calls a clock tick: 10 ms, on every Linux of today.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of all threads, those that have ended too, in user and kernel mode. In steps of 10 ms.
pub fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the name in brackets, which may hold anything; user and system time are the 14th and 15th.
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u32 =
        behind_name.split_ascii_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// The most memory that was ever resident, bytes.
pub fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The machine, as a line for people: how many CPUs, of which kind.
pub fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    format!("{cpus} CPUs, {}", name.map_or("unknown", |(_, name)| name.trim()))
}
