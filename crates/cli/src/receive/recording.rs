//! Keeping what one client sends: a file for each track, and one with all of them.

use std::path::Path;

use peerless::RemoteTrack;
use peerless_media::file::{FileError, Layout, Recorder, RecorderOptions, RecorderStats};
use tokio::task::JoinSet;

/// The files of one client while they grow.
pub struct Recording {
    recorder: Recorder,
    name: String,
    tasks: JoinSet<()>,
}

impl Recording {
    /// Begins in `folder`, with files named after client `number`.
    pub fn begin(folder: &Path, number: u64) -> Result<Self, FileError> {
        let name = format!("client-{number}");
        let mut options = RecorderOptions::default();
        options.layout = Layout::Both;
        options.combined_name.clone_from(&name);
        Ok(Self { recorder: Recorder::new(folder, options)?, name, tasks: JoinSet::new() })
    }

    /// Keeps all frames of a track from now on, beside whoever else reads it.
    pub fn keep(&mut self, track: &RemoteTrack) {
        let reader = track.fork();
        let name = format!("{}-{}", self.name, track.kind().as_str());
        let file = self.recorder.add_track(track.kind(), &name, track.codec());
        self.tasks.spawn(async move {
            while let Some(frame) = reader.recv().await {
                file.write(&frame);
            }
            file.end();
        });
    }

    /// Waits for the last frames and until the files are whole; a line for each.
    pub async fn finish(mut self) -> Vec<String> {
        while self.tasks.join_next().await.is_some() {}
        lines(&self.recorder.finish().await)
    }
}

fn lines(stats: &RecorderStats) -> Vec<String> {
    let mut lines = Vec::new();
    for track in &stats.tracks {
        for file in &track.files {
            lines.push(format!("kept {}: {} frames, {} bytes", file.display(), track.frames, track.bytes));
        }
        if let Some(problem) = &track.problem {
            lines.push(format!("not kept: {problem}"));
        }
        if track.dropped > 0 {
            lines.push(format!("{} frames of {} were left out", track.dropped, track.name));
        }
    }
    lines.extend(stats.combined.iter().map(|file| format!("kept {}", file.display())));
    lines.extend(stats.combined_problem.iter().map(|problem| format!("not kept in one file: {problem}")));
    lines
}
