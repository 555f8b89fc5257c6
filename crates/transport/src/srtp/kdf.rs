//! Session keys from the master key (RFC 3711 §4.3, RFC 7714 §11), with a key derivation rate of zero.

use crate::crypto::provider::{Ctr, Refused};
use crate::srtp::profile::MasterKey;

/// What a derived key is for (RFC 3711 §4.3.2).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key for `label`: the key stream of the master key from the counter block of salt and label.
/// The salt of an AEAD profile is padded to 112 bits with zeros on the right (RFC 7714 §11).
pub(crate) fn derive(master: &MasterKey, label: Label, out: &mut [u8]) -> Result<(), Refused> {
    let mut block = [0; 16];
    block.iter_mut().zip(master.salt()).for_each(|(to, from)| *to = *from);
    block[7] ^= label as u8;
    out.fill(0);
    Ctr::new(master.key())?.apply(block, out)
}
