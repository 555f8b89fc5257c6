//! The cryptographic contexts of one direction each (RFC 3711 §3.2): session keys, and per stream the index and
//! what was seen.
//!
//! Indices: the 16-bit sequence number of an SRTP packet is extended by a roll-over counter that both sides count
//! (RFC 3711 §3.3.1, appendix A); SRTCP carries its 31-bit index. A packet changes what is remembered only after it
//! was authenticated, so forged packets neither move an index nor cost memory.

use std::fmt;

use bytes::BytesMut;

use crate::srtp::cipher::{Cipher, Use, rtcp_index};
use crate::srtp::error::Error;
use crate::srtp::packet::{rtcp_ssrc, rtp_header};
use crate::srtp::profile::{MasterKey, Profile};
use crate::srtp::replay::Window;
use crate::srtp::streams::Streams;

/// SRTP indices are 48 bits (RFC 3711 §9.2).
const RTP_INDICES: u64 = 1 << 48;
/// SRTCP indices are 31 bits (RFC 3711 §3.4).
const RTCP_INDICES: u32 = 1 << 31;

/// Protects what we send.
pub struct SendContext {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams<Window>,
    /// The next index of each stream.
    rtcp_streams: Streams<u32>,
}

/// Checks and opens what the other side sent.
pub struct ReceiveContext {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams<Window>,
    rtcp_streams: Streams<Window>,
}

impl SendContext {
    /// Derives the session keys. Errs with [`Error::Internal`] only.
    pub fn new(master: &MasterKey) -> Result<Self, Error> {
        Ok(Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Use::Rtp).map_err(|_| Error::Internal)?,
            rtcp: Cipher::new(master, Use::Rtcp).map_err(|_| Error::Internal)?,
            rtp_streams: Streams::new(),
            rtcp_streams: Streams::new(),
        })
    }

    /// What it protects with.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Encrypts the RTP packet `buffer[start..]` in place and appends its tag,
    /// [`Profile::rtp_overhead`] bytes (RFC 3711 §3.3).
    ///
    /// A packet may be protected again (a retransmission without RFC 4588) with counter mode only, and then its
    /// payload must be the same; header extensions may differ. With Galois counter mode that is
    /// [`Error::Reused`]. Where it errs, the packet must not be sent.
    pub fn protect_rtp(&mut self, buffer: &mut BytesMut, start: usize) -> Result<(), Error> {
        let header = rtp_header(buffer.get(start..).unwrap_or_default()).ok_or(Error::Malformed)?;
        let ssrc = header.ssrc;
        let known = self.rtp_streams.find(ssrc);
        let index = extend(known.as_ref().and_then(|window| window.highest()), header.sequence)
            .ok_or(Error::KeyExhausted)?;
        match known {
            Some(window) if window.is_new(index) => window.insert(index),
            Some(_) if self.rtp.is_broken_by_reuse() => return Err(Error::Reused { ssrc, index }),
            Some(_) => {}
            None => self.rtp_streams.insert(ssrc, Window::with(index))?,
        }
        self.rtp.seal_rtp(buffer, start, header.length, ssrc, index).map_err(|_| Error::Internal)
    }

    /// Encrypts the compound RTCP packet `buffer[start..]` in place and appends its index and tag,
    /// [`Profile::rtcp_overhead`] bytes (RFC 3711 §3.4).
    pub fn protect_rtcp(&mut self, buffer: &mut BytesMut, start: usize) -> Result<(), Error> {
        let ssrc = rtcp_ssrc(buffer.get(start..).unwrap_or_default()).ok_or(Error::Malformed)?;
        let index = match self.rtcp_streams.find(ssrc) {
            Some(next) => {
                let index = *next;
                if index >= RTCP_INDICES {
                    return Err(Error::KeyExhausted);
                }
                *next += 1;
                index
            }
            None => {
                self.rtcp_streams.insert(ssrc, 1)?;
                0
            }
        };
        self.rtcp.seal_rtcp(buffer, start, ssrc, index).map_err(|_| Error::Internal)
    }
}

impl ReceiveContext {
    /// Derives the session keys. Errs with [`Error::Internal`] only.
    pub fn new(master: &MasterKey) -> Result<Self, Error> {
        Ok(Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Use::Rtp).map_err(|_| Error::Internal)?,
            rtcp: Cipher::new(master, Use::Rtcp).map_err(|_| Error::Internal)?,
            rtp_streams: Streams::new(),
            rtcp_streams: Streams::new(),
        })
    }

    /// What it opens.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Checks an SRTP packet, decrypts it in place and cuts its tag off (RFC 3711 §3.3). Where it errs, the bytes
    /// are garbage.
    pub fn unprotect_rtp(&mut self, packet: &mut BytesMut) -> Result<(), Error> {
        let header = rtp_header(packet).ok_or(Error::Malformed)?;
        let ssrc = header.ssrc;
        let known = self.rtp_streams.find(ssrc);
        let index = extend(known.as_ref().and_then(|window| window.highest()), header.sequence)
            .ok_or(Error::KeyExhausted)?;
        if known.as_ref().is_some_and(|window| !window.is_new(index)) {
            return Err(Error::Replayed { ssrc, index });
        }
        self.rtp.open_rtp(packet, header.length, ssrc, index).map_err(|_| Error::Unauthenticated)?;
        match known {
            Some(window) => window.insert(index),
            None => self.rtp_streams.insert(ssrc, Window::with(index))?,
        }
        Ok(())
    }

    /// Checks an SRTCP packet, decrypts it in place and cuts its index and tag off (RFC 3711 §3.4). Where it errs,
    /// the bytes are garbage.
    pub fn unprotect_rtcp(&mut self, packet: &mut BytesMut) -> Result<(), Error> {
        let ssrc = rtcp_ssrc(packet).ok_or(Error::Malformed)?;
        let word = self.rtcp.rtcp_word(packet).ok_or(Error::Malformed)?;
        let index = rtcp_index(word);
        let known = self.rtcp_streams.find(ssrc);
        if known.as_ref().is_some_and(|window| !window.is_new(index)) {
            return Err(Error::Replayed { ssrc, index });
        }
        self.rtcp.open_rtcp(packet, ssrc, word).map_err(|_| Error::Unauthenticated)?;
        match known {
            Some(window) => window.insert(index),
            None => self.rtcp_streams.insert(ssrc, Window::with(index))?,
        }
        Ok(())
    }
}

impl fmt::Debug for SendContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SendContext").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReceiveContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReceiveContext").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The index nearest to `highest` that ends in `sequence` (RFC 3711 §3.3.1, appendix A): the first packet has
/// roll-over counter 0, and none lies before it. `None` where 48 bits are used up.
fn extend(highest: Option<u64>, sequence: u16) -> Option<u64> {
    let Some(highest) = highest else { return Some(sequence.into()) };
    let step = sequence.wrapping_sub(highest as u16) as i16;
    let index = highest.checked_add_signed(step.into()).unwrap_or(sequence.into());
    (index < RTP_INDICES).then_some(index)
}

#[cfg(test)]
mod tests;
