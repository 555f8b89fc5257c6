//! What messages contain: a piece of one long random text, where it starts told by the message's number. So any mixture
//! of two messages shows, and none is copied.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::dice::Dice;

static TEXT: LazyLock<Bytes> = LazyLock::new(|| Dice::new(4711).bytes(2 << 20).into());

/// The content of message `number`, of `len` bytes up to 1 MiB.
pub fn content(number: u32, len: usize) -> Bytes {
    let start = number as usize * 7919 % (1 << 20);
    TEXT.slice(start..start + len)
}
