//! Bytes from a file, counted, in pieces no larger than what is there.

use std::io::{ErrorKind, Read};

use bytes::Bytes;

use crate::file::error::{Error, Fault};
use crate::file::stored::FRAME_LIMIT;

/// A reader that knows where it is.
#[derive(Debug)]
pub(crate) struct Input<R> {
    reader: R,
    position: u64,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, position: 0 }
    }

    /// What is wrong, here.
    pub(crate) fn malformed(&self, fault: Fault) -> Error {
        Error::Malformed { fault, at: self.position }
    }

    /// That the file ends, here.
    pub(crate) fn truncated(&self) -> Error {
        Error::Truncated { at: self.position }
    }

    /// A header of `N` bytes; `None` where the file ends in front of it.
    pub(crate) fn header<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Error> {
        let mut header = [0; N];
        let count = self.fill(&mut header)?;
        match count {
            0 => Ok(None),
            _ if count == N => Ok(Some(header)),
            _ => Err(self.truncated()),
        }
    }

    /// `len` bytes, in memory that grows as they come.
    ///
    /// Errs where there are fewer, or `len` is above [`FRAME_LIMIT`].
    pub(crate) fn take(&mut self, len: usize) -> Result<Bytes, Error> {
        self.take_within(len, FRAME_LIMIT)
    }

    /// The same with another limit.
    pub(crate) fn take_within(&mut self, len: usize, limit: usize) -> Result<Bytes, Error> {
        if len > limit {
            return Err(self.malformed(Fault::Oversized));
        }
        let mut bytes = Vec::with_capacity(len.min(64 << 10));
        let count = self.reader.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        self.position += count as u64;
        if count < len { Err(self.truncated()) } else { Ok(bytes.into()) }
    }

    /// Passes over `len` bytes; errs where there are fewer.
    pub(crate) fn skip(&mut self, len: u64) -> Result<(), Error> {
        let count = std::io::copy(&mut self.reader.by_ref().take(len), &mut std::io::sink())?;
        self.position += count;
        if count < len { Err(self.truncated()) } else { Ok(()) }
    }

    /// As many bytes as are there, up to `buffer`'s length; fewer only at the end of the file.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut count = 0;
        while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}
