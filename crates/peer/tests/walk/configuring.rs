//! `setConfiguration` at any time (webrtc-pc §4.4.1.6): what may change changes, and what may not is refused and changes
//! nothing.

use peerless_peer::config::{BundlePolicy, Config, DtlsVersions, IceTransportPolicy, RtcpMuxPolicy};
use peerless_peer::configuration::{KeyAlgorithm, generate_certificate};

use crate::scene::stage::wall;
use crate::world::{Which, World};

/// So many transports gather ahead at most, less one.
const POOLS: usize = 4;

impl World {
    pub fn set_configuration(&mut self, which: Which) {
        match self.chance.below(4) {
            0 => self.change_transport_policy(which),
            1 => self.change_pool(which),
            _ => self.change_what_is_fixed(which),
        }
    }

    /// Counts from the next gathering on: what there is goes on.
    fn change_transport_policy(&mut self, which: Which) {
        let policy = match self.sides[which].peer.configuration().ice_transport_policy {
            IceTransportPolicy::All => IceTransportPolicy::Relay,
            IceTransportPolicy::Relay => IceTransportPolicy::All,
        };
        self.note(format!("{which}: set_configuration {policy:?}"));
        self.take_configuration(which, |config| config.ice_transport_policy = policy);
    }

    /// There is no relay in a walk: where candidates are to be gathered, all are allowed again.
    pub fn allow_all_candidates(&mut self, which: Which) {
        if self.sides[which].peer.configuration().ice_transport_policy == IceTransportPolicy::Relay {
            self.change_transport_policy(which);
        }
    }

    /// Until there is a local description.
    fn change_pool(&mut self, which: Which) {
        let size = self.chance.below(POOLS) as u8;
        self.note(format!("{which}: set_configuration, a pool of {size}"));
        let side = &self.sides[which];
        let is_same = side.peer.configuration().ice_candidate_pool_size == size;
        let has_local = side.slots.current_local.is_some() || side.slots.pending_local.is_some();
        match is_same || !has_local {
            true => {
                self.allow_all_candidates(which);
                self.take_configuration(which, |config| config.ice_candidate_pool_size = size);
            }
            false => self.refuse_configuration(which, |config| config.ice_candidate_pool_size = size),
        }
    }

    fn change_what_is_fixed(&mut self, which: Which) {
        let changes: [fn(&mut Config); 7] = [
            |config| {
                config.bundle_policy = match config.bundle_policy {
                    BundlePolicy::MaxBundle => BundlePolicy::Balanced,
                    _ => BundlePolicy::MaxBundle,
                };
            },
            |config| config.rtcp_mux_policy = RtcpMuxPolicy::Negotiate,
            |config| config.certificates.clear(),
            |config| config.certificates.extend(generate_certificate(wall(), KeyAlgorithm::EcdsaP256, None)),
            |config| {
                config.dtls = match config.dtls {
                    DtlsVersions::Any => DtlsVersions::Only12,
                    _ => DtlsVersions::Any,
                };
            },
            |config| config.codecs.reverse(),
            |config| config.ice_lite = true,
        ];
        let change = self.chance.pick(&changes).unwrap();
        self.note(format!("{which}: set_configuration, what is fixed"));
        // What could change beside it must not either.
        self.refuse_configuration(which, |config| {
            change(config);
            config.ice_transport_policy = IceTransportPolicy::Relay;
        });
    }

    fn take_configuration(&mut self, which: Which, change: impl FnOnce(&mut Config)) {
        let now = self.now;
        let peer = &mut self.sides[which].peer;
        let mut config = peer.configuration().clone();
        change(&mut config);
        peer.set_configuration(now, config.clone()).unwrap();
        assert_eq!(format!("{:?}", peer.configuration()), format!("{config:?}"));
    }

    fn refuse_configuration(&mut self, which: Which, change: impl FnOnce(&mut Config)) {
        let now = self.now;
        let peer = &mut self.sides[which].peer;
        let before = peer.configuration().clone();
        let mut config = before.clone();
        change(&mut config);
        let error = peer.set_configuration(now, config).unwrap_err();
        assert_eq!(error.name(), "InvalidModificationError");
        assert_eq!(
            format!("{:?}", peer.configuration()),
            format!("{before:?}"),
            "refused, and nothing changes"
        );
    }
}
