//! coturn as the tests want it: on the address of the namespace's interface, with a certificate of an authority of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peerless_interop::process::PATIENCE;

use crate::authority::certify;

/// The address that `xtask` gives the namespace's interface.
pub const ADDRESS: &str = "10.88.0.1";
pub const USER: &str = "user";
pub const PASSWORD: &str = "pass";

/// The ports of UDP and TCP, and of DTLS and TLS.
pub const PORTS: [u16; 2] = [3478, 5349];

/// A running server; ends when dropped.
pub struct Coturn {
    child: Child,
    folder: PathBuf,
    ports: [u16; 2],
}

impl Coturn {
    /// Starts one that knows [`USER`], with further lines of configuration.
    pub async fn start(lines: &str) -> Self {
        Self::start_at(PORTS, lines).await
    }

    /// The same at other ports.
    pub async fn start_at(ports: [u16; 2], lines: &str) -> Self {
        let name = format!("peerless-turn-{}-{}", std::process::id(), ports[0]);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        certify(&folder, ADDRESS);
        Self { child: run(&folder, ports, lines).await, folder, ports }
    }

    /// The file of the root that vouches for its certificate, in PEM.
    pub fn root_file(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// The root that vouches for its certificate, in DER.
    pub fn root(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("root.der")).unwrap()
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after that.
    pub async fn restart(&mut self, lines: &str) {
        self.child = run(&self.folder, self.ports, lines).await;
    }

    /// What it has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A password that lasts until the user name says, which begins with that time (draft-uberti-behave-turn-rest-00).
pub fn rest_password(secret: &str, username: &str) -> String {
    let script =
        format!("printf %s '{username}' | openssl dgst -sha1 -hmac '{secret}' -binary | openssl base64");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn run(folder: &Path, ports: [u16; 2], lines: &str) -> Child {
    let [plain, secure] = ports;
    let configuration = format!(
        "listening-ip={ADDRESS}\nrelay-ip={ADDRESS}\nlistening-port={plain}\ntls-listening-port={secure}\n\
         cert={0}/leaf.pem\npkey={0}/leaf.key\nrealm=peerless\nfingerprint\nno-cli\nverbose\nsimple-log\n\
         log-file={0}/log\nnew-log-timestamp\nuserdb={0}/db\npidfile={0}/pid\n{lines}\n",
        folder.display()
    );
    let file = folder.join("turnserver.conf");
    std::fs::write(&file, configuration).unwrap();
    let _ = std::fs::remove_file(folder.join("log"));
    let mut command = Command::new("turnserver");
    command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("coturn's turnserver");
    let others = lines.lines().filter_map(|line| line.strip_prefix("listening-ip="));
    // The last port of each address that it opens.
    let mut last: Vec<_> =
        others.chain([ADDRESS]).map(|ip| format!("DTLS/UDP listener opened on: {ip}:{secure}")).collect();
    let stands = async {
        while !last.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            last.retain(|line| !log.contains(line));
        }
    };
    tokio::time::timeout(PATIENCE, stands).await.expect("a server that listens");
    child
}
