//! How a transport shall be: plain data, nested by floor.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::crypto::Certificate;
use crate::{dtls, ice};

/// What a transport is made from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How ICE shall be.
    pub ice: ice::Config,
    /// How DTLS shall be, with the certificate, the SRTP profiles and the MTU.
    pub dtls: dtls::endpoint::Config,
    /// Whether dropped datagrams become events. Default: no; they are always counted.
    pub diagnostics: bool,
}

impl Config {
    /// The defaults. `seed` must be secret and never used twice; ICE draws from it. DTLS and SRTP draw their keys
    /// from the operating system's generator within the cryptographic library.
    pub fn new(seed: [u8; 32], certificate: Arc<Certificate>) -> Self {
        Self {
            ice: ice::Config::new(fork(seed, ICE_STREAM)),
            dtls: dtls::endpoint::Config::new(certificate),
            diagnostics: false,
        }
    }

    /// Makes what can be made repeatable so: cookies, randoms and backoff of DTLS are drawn from `seed` too. For
    /// simulations only. Keys and signatures stay random, and with them the bytes on the wire, not their order.
    pub fn simulated(mut self, seed: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = fork(seed, DTLS_STREAM);
        self.dtls.simulation_seed = Some(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        self
    }
}

const ICE_STREAM: u64 = 1;
const DTLS_STREAM: u64 = 2;

/// A seed of its own for one machine, so that a draw here does not change the draws there.
fn fork(seed: [u8; 32], stream: u64) -> [u8; 32] {
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(stream);
    let mut forked = [0; 32];
    rng.fill_bytes(&mut forked);
    forked
}
