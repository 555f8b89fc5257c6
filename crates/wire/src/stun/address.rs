//! MAPPED-ADDRESS and XOR-MAPPED-ADDRESS values (RFC 8489 §14.1, §14.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0 0 0 0 0 0 0|    Family     |           (X-)Port            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             (X-)Address (32 bits or 128 bits)                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{BufMut, BytesMut};

use crate::cursor::Reader;

/// What the address is combined with: the magic cookie followed by the transaction id; zeros for the plain form.
pub(super) type Mask = [u8; 16];

/// The plain form.
pub(super) const PLAIN: Mask = [0; 16];

pub(super) const IPV4: u8 = 1;
pub(super) const IPV6: u8 = 2;

/// Reads an address, `None` where it is none.
pub(super) fn parse(value: &[u8], mask: &Mask) -> Option<SocketAddr> {
    let mut reader = Reader::new(value);
    let _reserved = reader.u8().ok()?;
    let family = reader.u8().ok()?;
    let [high, low] = reader.array::<2>().ok()?;
    let port = u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]);
    let ip = match family {
        IPV4 => IpAddr::V4(Ipv4Addr::from(combine(reader.array::<4>().ok()?, mask))),
        IPV6 => IpAddr::V6(Ipv6Addr::from(combine(reader.array::<16>().ok()?, mask))),
        _ => return None,
    };
    reader.is_empty().then(|| SocketAddr::new(ip, port))
}

/// Appends the value, without attribute header.
pub(super) fn write(address: SocketAddr, mask: &Mask, out: &mut BytesMut) {
    out.put_u8(0);
    out.put_u8(if address.is_ipv4() { IPV4 } else { IPV6 });
    out.put_u16(address.port() ^ u16::from_be_bytes([mask[0], mask[1]]));
    match address.ip() {
        IpAddr::V4(ip) => out.put_slice(&combine(ip.octets(), mask)),
        IpAddr::V6(ip) => out.put_slice(&combine(ip.octets(), mask)),
    }
}

fn combine<const N: usize>(mut bytes: [u8; N], mask: &Mask) -> [u8; N] {
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    bytes
}
