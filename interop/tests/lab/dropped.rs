//! A network that lets no UDP through: a rule of nftables. Needs root and `nft`.

use peerless_interop::network::nft;

/// While it lives, no datagram of UDP arrives but over the loopback, where browsers' own parts may talk.
pub struct UdpDropped;

impl UdpDropped {
    pub fn begin() -> Self {
        let rules = "add table inet tcponly
            add chain inet tcponly arriving { type filter hook input priority 0; }
            add rule inet tcponly arriving ip daddr != 127.0.0.1 meta l4proto udp drop
            add rule inet tcponly arriving ip6 daddr != ::1 meta l4proto udp drop";
        nft(rules);
        Self
    }
}

impl Drop for UdpDropped {
    fn drop(&mut self) {
        nft("delete table inet tcponly");
    }
}
