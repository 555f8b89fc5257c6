//! The binary as its user meets it: words, exit codes, the page, signalling, and its end. No browser is needed here.

mod program;

mod echo;
mod end;
mod pages;
mod probe;
mod gather;
mod receive;
mod signalling;
mod words;
