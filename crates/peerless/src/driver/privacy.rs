//! Which IPv6 addresses tell less of their machine (RFC 8445 §5.1.1.1, RFC 8981): where an interface has a temporary one in a
//! network, its lasting ones there are not used; deprecated ones never are (RFC 4862 §5.5.4), nor those that are not known yet
//! to be nobody else's (§5.4). Linux says which are which.

use std::net::{IpAddr, Ipv6Addr};

use crate::addresses::is_within;

/// What the system says of an IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trait {
    address: Ipv6Addr,
    interface: String,
    /// How many of its bits name the network.
    bits: u8,
    is_temporary: bool,
    is_deprecated: bool,
    /// Nothing can be sent from it: it may be another host's too, or is.
    is_tentative: bool,
}

/// IFA_F_TEMPORARY, IFA_F_OPTIMISTIC, IFA_F_DADFAILED, IFA_F_DEPRECATED and IFA_F_TENTATIVE (rtnetlink(7)).
const TEMPORARY: u8 = 0x01;
const OPTIMISTIC: u8 = 0x04;
const DAD_FAILED: u8 = 0x08;
const DEPRECATED: u8 = 0x20;
const TENTATIVE: u8 = 0x40;

/// Of all IPv6 addresses; of none where the system does not say.
pub(crate) fn traits() -> Vec<Trait> {
    match cfg!(target_os = "linux") {
        true => std::fs::read_to_string("/proc/net/if_inet6").map(|table| parse(&table)).unwrap_or_default(),
        false => Vec::new(),
    }
}

/// Whether an address is to be used, as far as is known.
pub(crate) fn is_wanted(address: IpAddr, traits: &[Trait]) -> bool {
    let IpAddr::V6(six) = address else { return true };
    let Some(own) = traits.iter().find(|one| one.address == six) else { return true };
    let hides_it = |other: &Trait| {
        let is_near = is_within(other.address.into(), address, own.bits);
        let is_usable = !other.is_deprecated && !other.is_tentative;
        other.is_temporary && is_usable && other.interface == own.interface && is_near
    };
    !own.is_deprecated && !own.is_tentative && (own.is_temporary || !traits.iter().any(hides_it))
}

/// The lines of /proc/net/if_inet6: address, index, bits of the network, scope, flags, interface.
fn parse(table: &str) -> Vec<Trait> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = Ipv6Addr::from_bits(u128::from_str_radix(words.next()?, 16).ok()?);
        let bits = u8::from_str_radix(words.nth(1)?, 16).ok()?;
        let flags = u8::from_str_radix(words.nth(1)?, 16).ok()?;
        let interface = words.next()?.to_owned();
        let has = |flag: u8| flags & flag != 0;
        let (is_temporary, is_deprecated) = (has(TEMPORARY), has(DEPRECATED));
        let is_tentative = has(DAD_FAILED) || (has(TENTATIVE) && !has(OPTIMISTIC));
        Some(Trait { address, interface, bits, is_temporary, is_deprecated, is_tentative })
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
20010db8000100000000000000000001 02 40 00 80     eth0
20010db80001000000000000000000aa 02 40 00 01     eth0
20010db80001000000000000000000bb 02 40 00 21     eth0
20010db8000200000000000000000001 02 40 00 80     eth0
20010db8000100000000000000000002 03 40 00 80     eth1
20010db8000300000000000000000001 03 40 00 a0     eth1
20010db8000400000000000000000001 03 40 00 80     eth1
20010db80004000000000000000000cc 03 40 00 41     eth1
20010db8000400000000000000000002 03 40 00 c8     eth1
20010db8000400000000000000000003 03 40 00 c4     eth1
00000000000000000000000000000001 01 80 10 80       lo
";

    #[test]
    fn temporary_addresses_stand_for_lasting_ones_of_their_network_once_they_are_known_to_be_ours() {
        let traits = parse(TABLE);
        assert_eq!(traits.len(), 11);
        let check = |text: &str, is: bool| {
            assert_eq!(is_wanted(text.parse().unwrap(), &traits), is, "{text}");
        };
        check("2001:db8:1::1", false);
        check("2001:db8:1::aa", true);
        check("2001:db8:1::bb", false);
        check("2001:db8:2::1", true);
        check("2001:db8:1::2", true);
        check("2001:db8:3::1", false);
        check("2001:db8:4::1", true);
        check("2001:db8:4::cc", false);
        check("2001:db8:4::2", false);
        check("2001:db8:4::3", true);
        check("::1", true);
        check("2001:db8:9::9", true);
        check("192.0.2.1", true);
    }

    #[test]
    fn a_table_of_another_form_tells_nothing() {
        assert!(parse("what\n\n2001 x\n").is_empty());
    }
}
