//! The wall test: reads the sources as text and checks the laws of ARCHITECTURE.md that a compiler does not.
//!
//! * a file has at most 600 lines, a `mod.rs` 60, and opens with `//!`;
//! * inside a crate the order of `mod` lines is the floor plan: a module imports only modules declared above it,
//!   by their own path, never through its own folder's face, and never from its parent;
//! * tests of more than 120 lines stand in a file of their own;
//! * `unsafe` stands in one crate, and the crates below the face name neither threads, sockets nor tokio (clocks are clippy's);
//! * the files and tests that SPECS.md names are there.

mod law;
mod floor;
mod specs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use law::{Fault, Source};

fn main() -> ExitCode {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    match inspect(&root) {
        Ok((files, faults)) if faults.is_empty() && files > 0 => {
            println!("house: {files} files, all laws kept");
            ExitCode::SUCCESS
        }
        Ok((files, faults)) => {
            for fault in &faults {
                println!("{fault}");
            }
            println!("house: {files} files, {} faults", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("house: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads every crate under `root` and gives the number of files and what is wrong with them.
fn inspect(root: &Path) -> io::Result<(usize, Vec<Fault>)> {
    let mut faults = Vec::new();
    let mut files = 0;
    let mut texts = Vec::new();
    let mut crates: Vec<PathBuf> = fs::read_dir(root.join("crates"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    crates.extend([
        root.join("tools/house"),
        root.join("xtask"),
        root.join("interop"),
        root.join("interop/sctp"),
        root.join("interop/turn"),
    ]);
    crates.sort();
    for folder in crates.iter().filter(|folder| folder.join("Cargo.toml").is_file()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut sources = Vec::new();
        read(&folder.join("src"), &mut sources)?;
        let mut beside = Vec::new();
        for extra in ["tests", "benches", "examples"] {
            read(&folder.join(extra), &mut beside)?;
        }
        files += sources.len() + beside.len();
        for source in sources.iter().chain(&beside) {
            law::check_file(&name, source, &mut faults);
        }
        floor::check_crate(&folder.join("src"), &sources, &mut faults);
        texts.extend(sources.into_iter().chain(beside).map(|source| source.text));
    }
    specs::check_table(root, &fs::read_to_string(root.join("SPECS.md"))?, &texts, &mut faults);
    Ok((files, faults))
}

fn read(folder: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source { text: fs::read_to_string(&path)?, path });
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}
