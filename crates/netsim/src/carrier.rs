//! What carries a payload: translators and firewalls treat the two differently.

/// How a payload travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Carrier {
    /// By itself, as UDP has it: it may be lost, overtaken, doubled, damaged.
    #[default]
    Datagram,
    /// As one frame of a stream, as TCP has it: late, but whole and in order.
    Stream,
}
