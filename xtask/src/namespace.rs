//! A network of the tests' own: a namespace with a loopback, one pair of joined interfaces (10.88.0.1) and a default
//! route, so that browsers find an address to use and nothing leaves the machine. It vanishes with its last process.

use std::path::Path;
use std::process::Command;

use crate::needs::is_root;

/// Sets the network up and then becomes the program in its arguments. An empty resolver keeps look-ups short.
const SETUP: &str = r#"
set -e
ip link set dev lo up
ip link add dev near type veth peer name far
ip addr add 10.88.0.1/24 dev near
ip addr add fd00:88::1/64 dev near nodad
ip link set dev near up
ip link set dev far up
ip route add default via 10.88.0.2 dev near
resolver=$(mktemp)
echo 'nameserver 127.0.0.1' > "$resolver"
mount --bind "$resolver" /etc/resolv.conf || true
exec "$@"
"#;

/// `program` in a namespace of its own, run from `root`.
pub fn command(root: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.current_dir(root).args(["--net", "--mount"]);
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", SETUP, "namespace", program]).args(arguments);
    command
}
