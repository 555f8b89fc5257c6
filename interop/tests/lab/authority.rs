//! An authority that vouches for a server of TLS and DTLS, made anew for each test.

use std::path::Path;
use std::process::Command;

/// Makes an authority, one below it, and a certificate by that for a server's address: in `folder` are `root.der` and
/// `root.pem`, `leaf.pem` with both certificates that the server shows, and `leaf.key`.
pub fn certify(folder: &Path, address: &str) {
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let script = format!(
        "openssl req -x509 {curve} -keyout root.key -out root.pem -days 2 -subj /CN=authority && \
         openssl req {curve} -keyout branch.key -out branch.csr -subj /CN=branch && \
         printf 'basicConstraints=critical,CA:true' > branch.ext && \
         openssl x509 -req -in branch.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 \
         -extfile branch.ext -out branch.pem && \
         openssl req {curve} -keyout leaf.key -out leaf.csr -subj /CN=turn && \
         printf 'subjectAltName=IP:{address}' > leaf.ext && \
         openssl x509 -req -in leaf.csr -CA branch.pem -CAkey branch.key -CAcreateserial -days 2 \
         -extfile leaf.ext -out leaf.pem && cat branch.pem >> leaf.pem && \
         openssl x509 -in root.pem -outform der -out root.der"
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
