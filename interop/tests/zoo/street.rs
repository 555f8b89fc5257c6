//! Hosts behind translators of the kernel's: each host and each translator is a network namespace, and the test's own is
//! the open network between them. It hands packets on, but knows no way into a private network.
//!
//! What the kernel can do: a mapping that depends on the destination's address and port ("symmetric", by random ports), or
//! on nothing (it preserves ports); its own filter is by address and port. Looser filters come of handing on all that
//! arrives. It has no mapping that depends on the address alone, and takes nothing back in by a mapping that it made itself.

use std::net::Ipv4Addr;
use std::process::{Output, Stdio};

use peerless_interop::network::must_be_own;
use tokio::process::{Child, Command};

/// Where the servers are.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 1);
/// The port to which alone the translator that blocks UDP lets streams out.
pub const SERVER_PORT: u16 = 3478;

/// The port of TLS: the only one where nothing else passes.
pub const TLS_PORT: u16 = 443;

/// What stands between a host and the open network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Open,
    FullCone,
    Restricted,
    PortRestricted,
    Double,
    Symmetric,
    Blocked,
    OnlyTls,
}

/// All of them, in the order in which the table has them.
pub const KINDS: [Kind; 8] = [
    Kind::Open,
    Kind::FullCone,
    Kind::Restricted,
    Kind::PortRestricted,
    Kind::Double,
    Kind::Symmetric,
    Kind::Blocked,
    Kind::OnlyTls,
];

impl Kind {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::FullCone => "full cone",
            Self::Restricted => "restricted",
            Self::PortRestricted => "port-restricted",
            Self::Double => "port-restricted twice",
            Self::Symmetric => "symmetric",
            Self::Blocked => "UDP blocked",
            Self::OnlyTls => "only TLS passes",
        }
    }

    /// The translator's rules, with `inside` behind it.
    fn rules(self, inside: Ipv4Addr) -> String {
        let masquerade = match self {
            Self::Symmetric => "masquerade random,fully-random",
            _ => "masquerade",
        };
        let hand_on = match self {
            Self::FullCone | Self::Restricted => {
                format!("iifname \"wan\" udp dport 1024-65535 dnat to {inside}")
            }
            _ => String::new(),
        };
        let passage = match self {
            Self::Restricted => "oifname \"wan\" udp dport 1-65535 add @spoken { ip daddr }\n\
                 iifname \"wan\" ct state new ip saddr != @spoken drop"
                .to_owned(),
            Self::Blocked => only(SERVER_PORT),
            Self::OnlyTls => only(TLS_PORT),
            _ => String::new(),
        };
        // What comes before anybody has sent must leave no trace, or it would take the port from the host behind.
        format!(
            "table ip zoo {{
                set spoken {{ type ipv4_addr; flags dynamic,timeout; timeout 5m; }}
                chain arriving {{ type nat hook prerouting priority -100; {hand_on}
                }}
                chain leaving {{ type nat hook postrouting priority 100; oifname \"wan\" {masquerade}; }}
                chain passing {{ type filter hook forward priority 0; {passage}
                }}
                chain taken {{ type filter hook input priority 0; iifname \"wan\" meta l4proto udp drop; }}
            }}"
        )
    }
}

/// Streams to one port pass, and nothing else.
fn only(port: u16) -> String {
    format!("tcp dport {port} accept\n ct state established accept\n drop")
}

/// A network namespace, which ends with its process.
pub struct Namespace {
    pub process: Child,
}

impl Namespace {
    /// One with a loopback that runs `program`, which must say something once it runs.
    pub fn spawn(program: &str, arguments: &[String]) -> Self {
        let mut command = Command::new("unshare");
        command.arg("--net").arg(program).args(arguments).kill_on_drop(true);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Self { process: process.expect("unshare runs") }
    }

    /// A translator's.
    async fn router() -> Self {
        let namespace = Self::quiet().await;
        namespace.run("echo 1 > /proc/sys/net/ipv4/ip_forward").await;
        namespace
    }

    /// One in which nothing runs yet.
    pub async fn quiet() -> Self {
        let mut namespace = Self::spawn("sh", &["-c".to_owned(), "echo up; read _".to_owned()]);
        let mut lines = crate::pipe::lines(namespace.process.stdout.take().unwrap());
        assert_eq!(lines.recv().await.as_deref(), Some("up"), "needs root, to make a network namespace");
        namespace.quieten().await;
        namespace
    }

    /// Runs a program in it to its end.
    pub async fn output(&self, program: &str, arguments: &[String]) -> Output {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.id())).arg(program).args(arguments);
        command.output().await.expect("nsenter runs")
    }

    fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// No IPv6: its link-local addresses would be candidates.
    pub async fn quieten(&self) {
        self.run(
            "ip link set dev lo up
             echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
             echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6",
        )
        .await;
    }

    /// Runs a script in it.
    async fn run(&self, script: &str) {
        let id = self.id();
        run(&format!("nsenter --net=/proc/{id}/ns/net sh -e -c '{script}'")).await;
    }
}

/// What is between one host and the open network.
pub struct Street {
    number: u8,
    _routers: Vec<Namespace>,
}

impl Street {
    /// Builds it from the open network to `host`, the number 1 or 2 of two.
    pub async fn build(kind: Kind, number: u8, host: &Namespace) -> Self {
        host.quieten().await;
        let wan = [10, 90, number];
        if kind == Kind::Open {
            join(None, &format!("to{number}"), host, "wan", wan).await;
            return Self { number, _routers: Vec::new() };
        }
        let first = Namespace::router().await;
        join(None, &format!("to{number}"), &first, "wan", wan).await;
        let mut routers = vec![first];
        if kind == Kind::Double {
            let second = Namespace::router().await;
            join(Some(&routers[0]), "home", &second, "wan", [100, 64, number]).await;
            translate(&routers[0], kind, [100, 64, number]).await;
            routers.push(second);
        }
        let last = &routers[routers.len() - 1];
        join(Some(last), "home", host, "wan", [192, 168, number]).await;
        translate(last, kind, [192, 168, number]).await;
        Self { number, _routers: routers }
    }

    /// One translator before two hosts, each in a private network of its own that the other does not reach. Where it
    /// hairpins, the ports of each host are handed on to it, also from inside.
    pub async fn share(hairpins: bool, hosts: [&Namespace; 2]) -> Self {
        let router = Namespace::router().await;
        join(None, "to1", &router, "wan", [10, 90, 1]).await;
        for (number, host) in [1, 2].into_iter().zip(hosts) {
            host.quieten().await;
            join(Some(&router), &format!("home{number}"), host, "wan", [192, 168, number]).await;
            host.run(&format!("echo {number}0000 {number}9999 > /proc/sys/net/ipv4/ip_local_port_range"))
                .await;
        }
        let outside = address([10, 90, 1], 2);
        let (hand_on, back) = match hairpins {
            true => (
                format!(
                    "ip daddr {outside} udp dport 10000-19999 dnat to 192.168.1.2
                     ip daddr {outside} udp dport 20000-29999 dnat to 192.168.2.2"
                ),
                format!("iifname \"home*\" oifname \"home*\" snat to {outside}"),
            ),
            false => (String::new(), String::new()),
        };
        let rules = format!(
            "table ip zoo {{
                chain arriving {{ type nat hook prerouting priority -100; {hand_on}
                }}
                chain leaving {{ type nat hook postrouting priority 100; oifname \"wan\" masquerade; {back}
                }}
                chain passing {{ type filter hook forward priority 0; ct status dnat accept
                    iifname \"home*\" oifname \"home*\" drop
                }}
                chain taken {{ type filter hook input priority 0; meta l4proto udp drop; }}
            }}"
        );
        router.run(&format!("nft -f - <<END\n{rules}\nEND")).await;
        Self { number: 1, _routers: vec![router] }
    }

    /// Takes it away, so that its address is free for another.
    pub async fn end(self) {
        run(&format!("ip link del dev to{}", self.number)).await;
    }
}

async fn translate(router: &Namespace, kind: Kind, inside: [u8; 3]) {
    let inside = address(inside, 2);
    let script = format!("nft -f - <<END\n{}\nEND", kind.rules(inside));
    router.run(&script).await;
}

/// The open network itself: this namespace hands on, and the servers have their address here.
pub async fn open() {
    must_be_own();
    run("sh -e -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'").await;
    run(&format!("ip addr replace {SERVER}/32 dev lo")).await;
}

/// A pair of interfaces between two namespaces, this one where there is no other; the outer end is the way out.
async fn join(outer: Option<&Namespace>, outer_name: &str, inner: &Namespace, name: &str, network: [u8; 3]) {
    let (id, gateway, own) = (inner.id(), address(network, 1), address(network, 2));
    let there = format!(
        "ip link add dev {outer_name} type veth peer name {name} netns {id}
                         ip addr add {gateway}/24 dev {outer_name}
                         ip link set dev {outer_name} up"
    );
    match outer {
        Some(outer) => outer.run(&there).await,
        None => run(&format!("sh -e -c '{there}'")).await,
    }
    inner
        .run(&format!(
            "ip addr add {own}/24 dev {name}
             ip link set dev {name} up
             ip route add default via {gateway}"
        ))
        .await;
}

fn address([first, second, third]: [u8; 3], host: u8) -> Ipv4Addr {
    Ipv4Addr::new(first, second, third, host)
}

/// Runs a command line by the shell.
async fn run(line: &str) {
    let output = Command::new("sh").args(["-e", "-c", line]).output().await.expect("sh runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}
