//! Other implementations open what this one seals: openssl with node, and Python's `cryptography`.

use std::fs;
use std::io::Write as _;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Scope, SealedItem};
use narae_testservers::{is_missing, skip};

use crate::material::{certificate, data, label};

const SCOPES: [Scope; 3] = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];

fn value() -> SecretBytes {
    SecretBytes::new("hünter2\0\n".repeat(50).into_bytes())
}

/// Runs a program, feeds it `input`, returns what it prints.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} failed");
    output.stdout
}

#[test]
fn openssl_and_node_open_ours() {
    if is_missing(&["openssl", "node"], "opening with openssl and node") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for bits in [2048u64, 4096] {
        for scope in SCOPES {
            let label = label(scope);
            let item = SealedItem::seal(&value(), &label, &certificate(bits)).unwrap();
            let (wrapped, sealed) = item.as_bytes()[2..].split_at(item.wrapped_key_bytes());

            let file = directory.path().join("wrapped");
            fs::write(&file, wrapped).unwrap();
            let key = data(&format!("keys/{bits}.key.pem"));
            let mut openssl = Command::new("openssl");
            openssl
                .args(["pkeyutl", "-decrypt", "-inkey"])
                .arg(key)
                .arg("-in")
                .arg(&file);
            for option in [
                "rsa_padding_mode:oaep",
                "rsa_oaep_md:sha256",
                "rsa_mgf1_md:sha256",
            ] {
                openssl.args(["-pkeyopt", option]);
            }
            if !label.as_bytes().is_empty() {
                let hex: String = label
                    .as_bytes()
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect();
                openssl.args(["-pkeyopt", &format!("rsa_oaep_label:{hex}")]);
            }
            let session_key = openssl.output().unwrap().stdout;
            assert_eq!(
                session_key.len(),
                32,
                "openssl gave no session key for {scope}"
            );

            let script = "
                const bytes = require('fs').readFileSync(0);
                const key = bytes.subarray(0, 32), tag = bytes.subarray(-16);
                const open = require('crypto').createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
                open.setAuthTag(tag);
                process.stdout.write(Buffer.concat([open.update(bytes.subarray(32, -16)), open.final()]));
            ";
            let input = [&session_key, sealed].concat();
            let opened = run("node", &["-e", script], &input);
            assert_eq!(opened, value().expose(), "{bits} {scope}");
        }
    }
}

#[test]
fn python_opens_ours() {
    let python = std::env::var("NARAE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut import = Command::new(&python);
    if !import
        .args(["-c", "import cryptography"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        skip(
            "`cryptography` for python3 (or NARAE_PYTHON)",
            "opening with Python",
        );
        return;
    }
    let script = "
import sys, base64
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
key = serialization.load_pem_private_key(open(sys.argv[1], 'rb').read(), None)
label = sys.argv[2].encode() or None
item = base64.b64decode(sys.stdin.read(), validate=True)
n = int.from_bytes(item[:2], 'big')
oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)
session = key.decrypt(item[2:2 + n], oaep)
sys.stdout.buffer.write(AESGCM(session).decrypt(bytes(12), item[2 + n:], None))
";
    for scope in SCOPES {
        let label = label(scope);
        let item = SealedItem::seal(&value(), &label, &certificate(4096))
            .unwrap()
            .to_base64();
        let key = data("keys/4096.key.pem");
        let text = str::from_utf8(label.as_bytes()).unwrap();
        let arguments = ["-c", script, key.to_str().unwrap(), text];
        assert_eq!(
            run(&python, &arguments, item.as_bytes()),
            value().expose(),
            "{scope}"
        );
    }
}

#[cfg(unix)]
#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    // A copy that only its owner reads: ssh-keygen refuses others, and a checkout makes 0644.
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("key");
    fs::copy(data("keys/2048.pkcs1.pem"), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    if is_missing(&["ssh-keygen"], "fingerprints") {
        return;
    }
    let output = Command::new("ssh-keygen")
        .args(["-l", "-f"])
        .arg(&copy)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text.split(' ').nth(1),
        Some(certificate(2048).fingerprint().as_str())
    );
}
