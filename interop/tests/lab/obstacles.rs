//! A network with every reason why a server does not answer: a namespace behind this one, which is router and server, and
//! whose filters say so by ICMP, and routes of this one that lead nowhere. Needs root, `ip` and `nft`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use peerless_interop::network::{must_be_own, nft};

/// Our addresses in it.
pub const OWN: [&str; 2] = ["10.91.0.1", "fd00:91::1"];
/// The router's, where nobody listens.
pub const ROUTER: [&str; 2] = ["10.91.0.2", "fd00:91::2"];

/// The ends of the network, with their last byte: what is said of each.
const FILTERS: &str = "table inet obstacles {
    chain passing { type filter hook forward priority 0;
        ip daddr 10.92.0.1 reject with icmp host-unreachable
        ip daddr 10.92.0.2 reject with icmp admin-prohibited
        ip daddr 10.92.0.3 reject with icmp net-unreachable
        ip daddr 10.92.0.4 drop
        ip6 daddr fd00:92::1 reject with icmpv6 addr-unreachable
        ip6 daddr fd00:92::2 reject with icmpv6 admin-prohibited
        ip6 daddr fd00:92::3 reject with icmpv6 no-route
        ip6 daddr fd00:92::4 drop
    }
}";

/// Lives as long as the network.
pub struct Obstacles {
    router: Child,
}

impl Obstacles {
    /// Builds it.
    pub fn build() -> Self {
        must_be_own();
        let mut router = Command::new("unshare");
        router.args(["--net", "sh", "-c", "echo up; read _"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut router = router.spawn().expect("unshare runs");
        let mut line = String::new();
        BufReader::new(router.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n", "needs root, to make a network namespace");
        let id = router.id();
        // As many answers as there are questions: else the kernel says so once in a second.
        run(&format!(
            "ip link add obstacles type veth peer name inside netns {id}
             ip addr add {}/24 dev obstacles
             ip addr add {}/64 dev obstacles nodad
             ip link set obstacles up
             ip route add 10.92.0.0/24 via {}
             nsenter --net=/proc/{id}/ns/net sh -e -c '
                 ip addr add {}/24 dev inside
                 ip addr add {}/64 dev inside nodad
                 ip link set inside up
                 ip link set lo up
                 echo 1 > /proc/sys/net/ipv4/ip_forward
                 echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
                 echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
                 echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
                 ip link add beyond type veth peer name end
                 ip link set beyond up
                 ip link set end up
                 ip route add 10.92.0.0/24 dev beyond
                 ip route add fd00:92::/64 dev beyond
                 nft \"{FILTERS}\"'
             ip route add fd00:92::/64 via {}
             ip route add 10.93.0.4 via {}
             ip route add fd00:93::4 via {}
             ip route add unreachable 10.93.0.1
             ip route add blackhole 10.93.0.2
             ip route add prohibit 10.93.0.3
             ip route add blackhole fd00:93::2
             ip route add prohibit fd00:93::3",
            OWN[0], OWN[1], ROUTER[0], ROUTER[0], ROUTER[1], ROUTER[1], ROUTER[0], ROUTER[1]
        ));
        nft("table inet obstacles {
            chain leaving { type filter hook output priority 0;
                ip daddr 10.93.0.4 drop
                ip6 daddr fd00:93::4 drop
            }
        }");
        Self { router }
    }
}

impl Drop for Obstacles {
    fn drop(&mut self) {
        let _ = self.router.kill();
        let _ = self.router.wait();
        nft("delete table inet obstacles");
    }
}

fn run(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status().expect("sh runs");
    assert!(status.success(), "{script}");
}
