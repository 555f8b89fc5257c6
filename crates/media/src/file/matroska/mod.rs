//! Matroska and WebM (RFC 9559, over EBML, RFC 8794): one file with sound and pictures. The elements' table, their
//! coding and the walk through them are those of `webm-iterable` and `ebml-iterable`; what is said with them is here.

mod codec;
mod writer;
mod reader;
#[cfg(test)]
mod tests;

pub use reader::MatroskaReader;
pub use writer::MatroskaWriter;
