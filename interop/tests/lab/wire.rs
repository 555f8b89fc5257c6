//! Networks between this namespace and that of another process: pairs of joined interfaces, taken down and up.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use peerless_interop::network::must_be_own;
use tokio::process::Command;

/// How long an interface may take to do as it is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a host, 1 here and 2 there, in a network.
pub fn address(network: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(10, 89, network, host).into()
}

/// Which network an address belongs to.
pub fn network_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[2],
        IpAddr::V6(_) => 0,
    }
}

/// A pair of interfaces, one end here and one in the namespace of the process.
pub async fn join(network: u8, process: u32) {
    must_be_own();
    let far = there(process);
    run(&format!("ip link add dev near{network} type veth peer name far{network}")).await;
    run(&format!("ip link set dev far{network} netns {process}")).await;
    run(&format!("ip addr add {}/24 dev near{network}", address(network, 1))).await;
    run(&format!("{far} link set dev lo up")).await;
    run(&format!("{far} addr add {}/24 dev far{network}", address(network, 2))).await;
    run(&format!("{far} link set dev far{network} up")).await;
    set_link(network, process, "up").await;
}

/// Takes our end down or up, and waits until both ends have seen it: the kernel takes up to a second to say that an interface
/// runs, and until then nobody gathers from it.
pub async fn set_link(network: u8, process: u32, state: &str) {
    run(&format!("ip link set dev near{network} {state}")).await;
    let ends = [
        format!("ip -o link show dev near{network}"),
        format!("{} -o link show dev far{network}", there(process)),
    ];
    let set = async {
        for shown in ends {
            while does_run(&shown).await != (state == "up") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, set).await.expect("interfaces that do as they are told");
}

/// `ip` in the namespace of a process.
fn there(process: u32) -> String {
    format!("nsenter --net=/proc/{process}/ns/net ip")
}

/// Whether an interface is up, joined to its other, and said to run.
async fn does_run(show: &str) -> bool {
    let mut words = show.split(' ');
    let shown = Command::new(words.next().unwrap()).args(words).output().await.unwrap();
    String::from_utf8_lossy(&shown.stdout).contains(" state UP ")
}

/// Runs a command, which must succeed.
pub async fn run(words: &str) {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let status = command.args(words).status().await.unwrap();
    assert!(status.success(), "{command:?}");
}
