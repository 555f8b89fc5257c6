//! Messages as SCTP carries them: what kind by the payload protocol identifier, and one zero byte for an empty one,
//! which SCTP cannot carry (RFC 8831 §6.6, §8).

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::Ppid;

use crate::channel::{ChannelError, Message};

/// The message as payload. Copies nothing.
pub(super) fn write(message: Message) -> (Ppid, Bytes) {
    const ZERO: Bytes = Bytes::from_static(&[0]);
    match message {
        Message::Text(text) if text.is_empty() => (Ppid::STRING_EMPTY, ZERO),
        Message::Binary(bytes) if bytes.is_empty() => (Ppid::BINARY_EMPTY, ZERO),
        Message::Text(text) => (Ppid::STRING, Bytes::from(text.into_bytes())),
        Message::Binary(bytes) => (Ppid::BINARY, bytes),
    }
}

/// Puts together what arrives on one channel. Messages in parts are deprecated (RFC 8831 §6.6), but taken: the parts
/// have identifiers of their own, the last part that of the whole.
#[derive(Debug, Default)]
pub(super) struct Reader {
    parts: BytesMut,
    is_text: bool,
}

impl Reader {
    /// The message that `payload` makes whole, if it does; a kind that is not known is no message (RFC 8831 §8).
    ///
    /// # Errors
    /// `Text` where text is not UTF-8; `Protocol` for parts that do not belong together, or exceed `limit` bytes.
    pub(super) fn take(
        &mut self,
        ppid: Ppid,
        payload: Bytes,
        limit: usize,
    ) -> Result<Option<Message>, ChannelError> {
        let is_text = matches!(ppid, Ppid::STRING | Ppid::STRING_EMPTY | Ppid::STRING_PARTIAL);
        match ppid {
            Ppid::STRING_EMPTY | Ppid::BINARY_EMPTY => self.whole(is_text, Bytes::new(), limit).map(Some),
            Ppid::STRING | Ppid::BINARY => self.whole(is_text, payload, limit).map(Some),
            Ppid::STRING_PARTIAL | Ppid::BINARY_PARTIAL => {
                self.add(is_text, &payload, limit)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn whole(&mut self, is_text: bool, last: Bytes, limit: usize) -> Result<Message, ChannelError> {
        if self.parts.is_empty() {
            return finish(is_text, last);
        }
        self.add(is_text, &last, limit)?;
        finish(is_text, std::mem::take(&mut self.parts).freeze())
    }

    fn add(&mut self, is_text: bool, part: &[u8], limit: usize) -> Result<(), ChannelError> {
        let is_first = self.parts.is_empty();
        if (!is_first && is_text != self.is_text) || self.parts.len() + part.len() > limit {
            return Err(ChannelError::Protocol);
        }
        self.is_text = is_text;
        self.parts.extend_from_slice(part);
        Ok(())
    }
}

fn finish(is_text: bool, bytes: Bytes) -> Result<Message, ChannelError> {
    if !is_text {
        return Ok(Message::Binary(bytes));
    }
    String::from_utf8(bytes.into()).map(Message::Text).map_err(|_| ChannelError::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ppid: Ppid, payload: &'static [u8]) -> Result<Option<Message>, ChannelError> {
        Reader::default().take(ppid, Bytes::from_static(payload), 100)
    }

    #[test]
    fn every_message_comes_out_as_it_went_in() {
        for message in
            [Message::from("å"), Message::from(""), Message::from(vec![0, 1]), Message::from(vec![])]
        {
            let (ppid, payload) = write(message.clone());
            assert!(!payload.is_empty());
            assert_eq!(Reader::default().take(ppid, payload, 100), Ok(Some(message)));
        }
    }

    #[test]
    fn text_must_be_utf8_and_bytes_need_not() {
        assert_eq!(read(Ppid::STRING, &[0xff]), Err(ChannelError::Text));
        assert_eq!(read(Ppid::BINARY, &[0xff]), Ok(Some(Message::from(vec![0xff]))));
        // What an empty message carries does not count.
        assert_eq!(read(Ppid::STRING_EMPTY, &[0xff]), Ok(Some(Message::from(""))));
    }

    #[test]
    fn an_unknown_kind_is_no_message() {
        assert_eq!(read(Ppid(99), b"x"), Ok(None));
    }

    #[test]
    fn parts_become_one_message_within_the_limit() {
        let mut reader = Reader::default();
        let part = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(reader.take(Ppid::STRING_PARTIAL, part("ab"), 5), Ok(None));
        assert_eq!(reader.take(Ppid::STRING_PARTIAL, part("cd"), 5), Ok(None));
        assert_eq!(reader.take(Ppid::STRING, part("e"), 5), Ok(Some(Message::from("abcde"))));
        assert_eq!(reader.take(Ppid::STRING, part("f"), 5), Ok(Some(Message::from("f"))));
        assert_eq!(reader.take(Ppid::BINARY_PARTIAL, part("abcde"), 5), Ok(None));
        assert_eq!(reader.take(Ppid::BINARY_PARTIAL, part("f"), 5), Err(ChannelError::Protocol));
        assert_eq!(reader.take(Ppid::STRING, part("f"), 9), Err(ChannelError::Protocol));
    }
}
