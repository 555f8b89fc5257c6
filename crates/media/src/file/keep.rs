//! The writing side of a recorder: its thread, and the files of each track.

use std::path::{Path, PathBuf};
use std::time::Instant;

use peerless::{Codec, Format, Frame};

use crate::file::combined::{Combined, Fate};
use crate::file::error::{Error, FileError};
use crate::file::ledger::{FLUSH_INTERVAL, Job, Layout, RecorderOptions, Shared, Task, TrackState};
use crate::file::stored::{StoredFrame, TrackInfo};
use crate::file::timeline::Timeline;
use crate::file::writer::TrackFile;

/// All files of a recorder.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    layout: Layout,
    /// When the first frame of all was played.
    origin: Option<Instant>,
    tracks: Vec<Kept>,
    combined: Option<Combined>,
}

/// One track's own file.
#[derive(Debug, Default)]
struct Kept {
    timeline: Timeline,
    codec: Option<Codec>,
    file: Option<TrackFile>,
    /// What could not be kept, so that it is tried again with another codec only.
    failed: Option<Format>,
}

/// The thread: writes what comes, until the recording is over.
pub(crate) fn run(shared: &Shared, mut keeper: Keeper) {
    let _over = Over(shared);
    let mut flushed = Instant::now();
    while let Some(jobs) = shared.wait() {
        for job in jobs {
            let len = if let Task::Frame(frame, _) = &job.task { frame.payload.len() } else { 0 };
            keeper.handle(shared, job);
            shared.release(len);
        }
        if flushed.elapsed() >= FLUSH_INTERVAL {
            keeper.flush(shared);
            flushed = Instant::now();
        }
    }
    keeper.finish(shared);
}

/// Nobody waits for a thread that has ended, however it did.
struct Over<'a>(&'a Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.finished.set(());
    }
}

impl Keeper {
    pub(crate) fn new(folder: PathBuf, options: &RecorderOptions) -> Self {
        let is_combined = options.layout != Layout::Separate;
        let combined = is_combined.then(|| Combined::new(&folder, &options.combined_name));
        Self { folder, layout: options.layout, origin: None, tracks: Vec::new(), combined }
    }

    fn handle(&mut self, shared: &Shared, Job { track, task }: Job) {
        if self.tracks.len() <= track.number {
            self.tracks.resize_with(track.number + 1, Kept::default);
        }
        match task {
            Task::Frame(frame, instant) => self.keep(shared, &track, (frame, instant)),
            Task::Codec(codec) => {
                if let Some(kept) = self.tracks.get_mut(track.number) {
                    kept.codec = Some(codec);
                    kept.failed = None;
                }
            }
            Task::End => {
                if let Some(kept) = self.tracks.get_mut(track.number) {
                    kept.end(&track);
                }
            }
        }
    }

    fn keep(&mut self, shared: &Shared, track: &TrackState, (frame, instant): (Frame, Instant)) {
        let origin = *self.origin.get_or_insert(instant);
        let Some(kept) = self.tracks.get_mut(track.number) else { return };
        let info = match kept.info(frame.format) {
            Ok(info) => info,
            Err(error) => {
                if kept.failed != Some(frame.format) {
                    let problem = error.in_file(&self.folder.join(&track.stats().name));
                    kept.fail(track, frame.format, problem);
                }
                track.stats().dropped += 1;
                return;
            }
        };
        let time = kept.timeline.place(origin, instant, (frame.timestamp, info.clock_rate));
        let stored = StoredFrame { time, key: frame.key, payload: frame.payload };
        let mut is_kept = false;
        if self.layout != Layout::Combined {
            is_kept |= kept.write(&self.folder, track, &info, &stored);
        }
        if let Some(combined) = &mut self.combined {
            let expected = shared.tracks().len();
            let mut opened = Vec::new();
            let written = combined.write(track.number, (&info, &stored), expected, &mut opened);
            is_kept |= matches!(written, Ok(Fate::Kept));
            tell(shared, opened, written.err());
        }
        let mut stats = track.stats();
        stats.format = Some(frame.format);
        if is_kept {
            stats.time = stats.time.max(time);
            stats.frames += 1;
            stats.bytes += stored.payload.len() as u64;
        } else {
            stats.dropped += 1;
        }
    }

    /// Hands what is buffered to the system.
    fn flush(&mut self, shared: &Shared) {
        let states = shared.tracks().clone();
        for (kept, track) in self.tracks.iter_mut().zip(&states) {
            let flushed = kept.file.as_mut().map(|file| (file.flush(), file.info.format));
            if let Some((Err(problem), format)) = flushed {
                kept.fail(track, format, problem);
            }
        }
        if let Some(Err(problem)) = self.combined.as_mut().map(Combined::flush) {
            tell(shared, Vec::new(), Some(problem));
        }
    }

    fn finish(mut self, shared: &Shared) {
        let states = shared.tracks().clone();
        for (kept, track) in self.tracks.iter_mut().zip(&states) {
            kept.end(track);
        }
        if let Some(combined) = self.combined {
            let mut opened = Vec::new();
            let finished = combined.finish(&mut opened);
            tell(shared, opened, finished.err());
        }
    }
}

/// Tells what became of the file with all tracks.
fn tell(shared: &Shared, opened: Vec<PathBuf>, problem: Option<FileError>) {
    let mut told = shared.combined();
    told.0.extend(opened);
    if let Some(problem) = problem {
        tracing::warn!(%problem, "the file with all tracks is not written any more");
        told.1 = Some(problem);
    }
}

impl Kept {
    /// What frames of a format are, here.
    fn info(&self, format: Format) -> Result<TrackInfo, Error> {
        match format {
            Format::Opus => Ok(TrackInfo::audio(format, 48_000, 2)),
            Format::Pcmu | Format::Pcma | Format::G722 => Ok(TrackInfo::audio(format, 8_000, 1)),
            Format::L16 => match &self.codec {
                Some(codec) if codec.format == Format::L16 => {
                    Ok(TrackInfo::audio(format, codec.clock_rate, codec.channels.max(1)))
                }
                _ => Err(Error::UnknownRate),
            },
            Format::Vp8 | Format::H264 { .. } => Ok(TrackInfo::video(format, None)),
            format => Err(Error::Unsupported(format)),
        }
    }

    /// Into the track's own file; whether it was kept.
    fn write(&mut self, folder: &Path, track: &TrackState, info: &TrackInfo, frame: &StoredFrame) -> bool {
        if self.failed == Some(info.format) {
            return false;
        }
        if self.file.as_ref().is_some_and(|file| !file.takes(info)) {
            self.end(track);
        }
        // A second time where the file has become as large as it may be.
        for _ in 0..2 {
            if self.file.is_none() {
                if !frame.key {
                    return false;
                }
                let name = track.stats().name.clone();
                match TrackFile::create(folder, &name, info, frame) {
                    Ok(file) => {
                        track.stats().files.push(file.path.clone());
                        self.file = Some(file);
                        self.failed = None;
                    }
                    Err(problem) => {
                        self.fail(track, info.format, problem);
                        return false;
                    }
                }
            }
            let Some(file) = &mut self.file else { return false };
            match file.write(frame) {
                Ok(()) => return true,
                Err(FileError { error: Error::TooLong, .. }) => self.end(track),
                Err(problem) => {
                    self.fail(track, info.format, problem);
                    return false;
                }
            }
        }
        false
    }

    fn fail(&mut self, track: &TrackState, format: Format, problem: FileError) {
        tracing::warn!(%problem, "a track is not kept any more");
        self.failed = Some(format);
        // What is there may still be of use; that it could not be finished either is no news.
        if let Some(file) = self.file.take() {
            let _ = file.finish();
        }
        track.stats().problem = Some(problem);
    }

    fn end(&mut self, track: &TrackState) {
        if let Some(Err(problem)) = self.file.take().map(TrackFile::finish) {
            tracing::warn!(%problem, "a file could not be finished");
            track.stats().problem = Some(problem);
        }
    }
}
