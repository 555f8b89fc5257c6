//! Messages of multicast DNS (RFC 6762 §18, RFC 1035 §4.1), as far as names of addresses need them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use peerless_wire::cursor::{Reader, Truncated};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_NSEC: u16 = 47;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
/// The top bit of a class: in a record that it is the only one (RFC 6762 §10.2), in a question that an answer to the asker
/// alone is welcome (§5.4).
const TOP_BIT: u16 = 0x8000;
/// A response from its authority (RFC 6762 §18.2, §18.4).
const RESPONSE: u16 = 0x8400;
/// How long others may keep the address of a name, seconds (RFC 6762 §10).
const LIFETIME: u32 = 120;
/// A name is at most 255 octets (RFC 1035 §2.3.4), so it has at most 127 labels.
const LABEL_LIMIT: usize = 127;
/// How many questions of a message are read.
const QUESTION_LIMIT: u16 = 32;

/// What a message asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: String,
    /// Whether an address would answer it.
    pub(super) is_for_address: bool,
}

/// The questions of a query, and the names whose addresses its sender knows already (RFC 6762 §7.1), with their number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) id: u16,
    pub(super) questions: Vec<Question>,
    pub(super) known: Vec<String>,
}

/// A query for A and AAAA of `name` (RFC 1035 §4.1); `None` where `name` is not a single label under `.local`.
pub(super) fn question(name: &str) -> Option<Vec<u8>> {
    let label = name.strip_suffix(".local")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty() || label.len() > 63 || !label.chars().all(fits) {
        return None;
    }
    let mut message = vec![0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    for record_type in [TYPE_A, TYPE_AAAA] {
        for label in [label, "local"] {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&record_type.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
    }
    Some(message)
}

/// The first address that `message` gives for `name`.
pub(super) fn answer(message: &[u8], name: &str) -> Option<IpAddr> {
    let mut reader = Reader::new(message);
    let [_, _, flags, _] = reader.array::<4>().ok()?;
    if flags & 0x80 == 0 {
        return None;
    }
    let [questions, answers, authorities, additionals] = [(); 4].map(|()| reader.u16());
    for _ in 0..questions.ok()? {
        name_at(message, &mut reader).ok()??;
        reader.take(4).ok()?;
    }
    let records = u32::from(answers.ok()?) + u32::from(authorities.ok()?) + u32::from(additionals.ok()?);
    for _ in 0..records {
        let owner = name_at(message, &mut reader).ok()??;
        let record_type = reader.u16().ok()?;
        let _class = reader.u16().ok()?;
        let is_gone = reader.array::<4>().ok()? == [0; 4];
        let length = reader.u16().ok()?;
        let data = reader.take(length.into()).ok()?;
        if owner.eq_ignore_ascii_case(name) && !is_gone {
            let address = match record_type {
                TYPE_A => <[u8; 4]>::try_from(data).ok().map(|data| IpAddr::from(Ipv4Addr::from(data))),
                TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(|data| IpAddr::from(Ipv6Addr::from(data))),
                _ => None,
            };
            if address.is_some() {
                return address;
            }
        }
    }
    None
}

/// Reads a possibly compressed name (RFC 1035 §4.1.4). `Ok(None)` for one that is malformed: pointers must go
/// backwards, so that they end.
fn name_at<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Result<Option<String>, Truncated> {
    let mut name = String::new();
    let mut inside = *reader;
    let mut jumped = false;
    let mut limit = message.len();
    for _ in 0..LABEL_LIMIT {
        let length = inside.u8()?;
        match length {
            0 => {
                if !jumped {
                    *reader = inside;
                }
                return Ok(Some(name));
            }
            1..=63 => {
                let label = inside.take(length.into())?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&String::from_utf8_lossy(label));
            }
            192..=255 => {
                let target = usize::from(length & 0x3f) << 8 | usize::from(inside.u8()?);
                if !jumped {
                    *reader = inside;
                    jumped = true;
                }
                if target >= limit {
                    return Ok(None);
                }
                limit = target;
                inside = Reader::new(message.get(target..).unwrap_or_default());
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Reads a query; `None` for a response, or what is malformed.
pub(super) fn query(message: &[u8]) -> Option<Query> {
    let mut reader = Reader::new(message);
    let id = reader.u16().ok()?;
    if reader.u16().ok()? & TOP_BIT != 0 {
        return None;
    }
    let (questions, answers) = (reader.u16().ok()?, reader.u16().ok()?);
    reader.take(4).ok()?;
    let mut query = Query { id, ..Query::default() };
    for _ in 0..questions.min(QUESTION_LIMIT) {
        let name = name_at(message, &mut reader).ok()??;
        let (record_type, class) = (reader.u16().ok()?, reader.u16().ok()?);
        let is_for_address = matches!(record_type, TYPE_A | TYPE_AAAA | TYPE_ANY);
        if class & !TOP_BIT == CLASS_IN {
            query.questions.push(Question { name, is_for_address });
        }
    }
    for _ in 0..answers.min(QUESTION_LIMIT) {
        let owner = name_at(message, &mut reader).ok()??;
        let record_type = reader.u16().ok()?;
        let _class = reader.u16().ok()?;
        let lifetime = reader.array::<4>().map(u32::from_be_bytes).ok()?;
        let length = reader.u16().ok()?;
        reader.take(length.into()).ok()?;
        if matches!(record_type, TYPE_A | TYPE_AAAA) && lifetime >= LIFETIME / 2 {
            query.known.push(owner);
        }
    }
    Some(query)
}

/// How a response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To all.
    Multicast,
    /// To one that does not speak multicast DNS, with the number of its query (RFC 6762 §6.7).
    Legacy(u16),
    /// To all: the name is no more (RFC 6762 §10.1).
    Goodbye,
}

/// The address of a name of ours, and that it has none of the other family (NSEC, RFC 6762 §6.1).
pub(super) fn response(name: &str, address: IpAddr, kind: Kind) -> Vec<u8> {
    let (record_type, data): (u16, Vec<u8>) = match address {
        IpAddr::V4(address) => (TYPE_A, address.octets().to_vec()),
        IpAddr::V6(address) => (TYPE_AAAA, address.octets().to_vec()),
    };
    let (id, lifetime, class) = match kind {
        Kind::Multicast => (0, LIFETIME, CLASS_IN | TOP_BIT),
        Kind::Legacy(id) => (id, 10, CLASS_IN),
        Kind::Goodbye => (0, 0, CLASS_IN | TOP_BIT),
    };
    let is_legacy = matches!(kind, Kind::Legacy(_));
    let has_negative = kind == Kind::Multicast;
    let mut message = Vec::with_capacity(128);
    let counts = [u16::from(is_legacy), 1, 0, u16::from(has_negative)];
    for word in [id, RESPONSE].into_iter().chain(counts) {
        message.extend_from_slice(&word.to_be_bytes());
    }
    // The first name is written out, all others point there.
    let mut written = false;
    let owner = |message: &mut Vec<u8>, written: &mut bool| match std::mem::replace(written, true) {
        true => message.extend_from_slice(&POINTER),
        false => write_name(name, message),
    };
    if is_legacy {
        owner(&mut message, &mut written);
        message.extend_from_slice(&record_type.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
    }
    owner(&mut message, &mut written);
    write_record(record_type, class, lifetime, &data, &mut message);
    if has_negative {
        // One block of the bitmap, up to the type that there is.
        let last = usize::from(record_type / 8);
        let mut bitmap = vec![0; last + 1];
        bitmap[last] = 0x80 >> (record_type % 8);
        let next = [&POINTER[..], &[0, bitmap.len() as u8], &bitmap].concat();
        owner(&mut message, &mut written);
        write_record(TYPE_NSEC, class, lifetime, &next, &mut message);
    }
    message
}

/// To the first name of a message, behind its header.
const POINTER: [u8; 2] = [0xc0, 12];

fn write_record(record_type: u16, class: u16, lifetime: u32, data: &[u8], message: &mut Vec<u8>) {
    message.extend_from_slice(&record_type.to_be_bytes());
    message.extend_from_slice(&class.to_be_bytes());
    message.extend_from_slice(&lifetime.to_be_bytes());
    message.extend_from_slice(&(data.len() as u16).to_be_bytes());
    message.extend_from_slice(data);
}

/// A name whose labels fit.
fn write_name(name: &str, message: &mut Vec<u8>) {
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "8a0e1c52-7a5c-4a8e-9a67-1f6d3b0c2e11.local";

    fn theirs(record_type: u16, data: &[u8]) -> Vec<u8> {
        let mut message = question(NAME).unwrap();
        message[2] = 0x84;
        message[5] = 1;
        message[7] = 1;
        let first_question_ends = 12 + NAME.len() + 2 + 4;
        message.truncate(first_question_ends);
        message.extend_from_slice(&[0xc0, 12]);
        message.extend_from_slice(&record_type.to_be_bytes());
        message.extend_from_slice(&[0x80, 1, 0, 0, 0, 120]);
        message.extend_from_slice(&(data.len() as u16).to_be_bytes());
        message.extend_from_slice(data);
        message
    }

    #[test]
    fn reads_addresses_of_both_families_through_a_compressed_name() {
        assert_eq!(answer(&theirs(TYPE_A, &[10, 88, 0, 1]), NAME), Some("10.88.0.1".parse().unwrap()));
        let six: Ipv6Addr = "fd00::7".parse().unwrap();
        assert_eq!(answer(&theirs(TYPE_AAAA, &six.octets()), NAME), Some(six.into()));
    }

    #[test]
    fn takes_no_answer_for_another_name_or_of_another_shape() {
        let message = theirs(TYPE_A, &[10, 88, 0, 1]);
        assert_eq!(answer(&message, "other.local"), None);
        assert_eq!(answer(&theirs(TYPE_A, &[10, 88, 0]), NAME), None);
        for length in 0..message.len() {
            assert_eq!(answer(&message[..length], NAME), None);
        }
    }

    #[test]
    fn a_pointer_that_leads_in_a_circle_ends() {
        let mut message = theirs(TYPE_A, &[10, 88, 0, 1]);
        message[12] = 0xc0;
        message[13] = 12;
        assert_eq!(answer(&message, NAME), None);
    }

    #[test]
    fn asks_only_for_names_of_one_label_under_local() {
        assert!(question(NAME).is_some());
        for name in ["example.org", ".local", "a.b.local", "a b.local", "local"] {
            assert!(question(name).is_none(), "{name}");
        }
    }

    #[test]
    fn our_responses_are_read_as_they_are_meant() {
        for (address, bitmap) in [("10.88.0.1", &[0x40][..]), ("fd00::7", &[0, 0, 0, 8])] {
            let address: IpAddr = address.parse().unwrap();
            let message = response(NAME, address, Kind::Multicast);
            assert_eq!(answer(&message, NAME), Some(address));
            assert!(message.ends_with(bitmap), "NSEC says which there is");
            assert_eq!(query(&message), None);
            let legacy = response(NAME, address, Kind::Legacy(7));
            assert_eq!((legacy[..2].to_vec(), answer(&legacy, NAME)), (vec![0, 7], Some(address)));
            assert_eq!(answer(&response(NAME, address, Kind::Goodbye), NAME), None, "a name that is no more");
        }
    }

    #[test]
    fn queries_are_read_with_what_their_sender_knows() {
        let mut message = question(NAME).unwrap();
        let asked = query(&message).unwrap();
        let one = Question { name: NAME.to_owned(), is_for_address: true };
        assert_eq!(asked, Query { id: 0, questions: vec![one.clone(), one], known: Vec::new() });
        message[7] = 1;
        write_name(NAME, &mut message);
        write_record(TYPE_A, CLASS_IN, 100, &[10, 0, 0, 1], &mut message);
        assert_eq!(query(&message).unwrap().known, [NAME]);
        for length in 0..message.len() {
            assert_eq!(query(&message[..length]), None);
        }
    }
}
