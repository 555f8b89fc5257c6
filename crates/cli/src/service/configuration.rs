//! What the command line says of the network, as a connection wants it.

use peerless::{Configuration, DtlsVersions};

use crate::args::network::{Dtls, NetworkArgs};

/// The configuration of a connection, with all codecs.
pub fn of(args: &NetworkArgs) -> Configuration {
    let mut configuration = Configuration::default();
    args.servers.write_into(&mut configuration);
    configuration.interfaces = (!args.interface.is_empty()).then(|| args.interface.clone());
    configuration.dtls = match args.dtls {
        Dtls::Any => DtlsVersions::Any,
        Dtls::V12 => DtlsVersions::Only12,
        Dtls::V13 => DtlsVersions::Only13,
    };
    configuration
}
