//! PyPI's `tink` opens what this crate makes, and the reverse: frames of `KmsEnvelopeAead`, and the segments of streams.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use narae_secrets::envelope::{
    Context, Decryptor, Encryptor, Envelope, EnvelopeError, UnwrapKey, WrapKey,
};
use narae_testservers::skip;

use super::{context, key};
use crate::material::{certificate, data, private_key, secret};

const LOCAL: &str = "local:0707070707070707070707070707070707070707070707070707070707070707";

fn python() -> String {
    std::env::var("NARAE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Says what is skipped.
pub(super) fn is_missing() -> bool {
    let import = ["-c", "import cryptography, tink"];
    let found = Command::new(python()).args(import).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        skip(
            "`tink` for python3 (or NARAE_PYTHON)",
            "envelopes of another implementation",
        );
    }
    !found
}

/// What `tink` makes of `input`; its complaint if it refuses.
pub(super) fn tink(
    operation: &str,
    key: &str,
    context: &Context,
    input: &[u8],
) -> Result<Vec<u8>, String> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/envelope/with_tink.py");
    let hex: String = context
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut child = Command::new(python())
        .arg(script)
        .args([operation, key, &hex])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads all before it writes.
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(output.stdout)
    } else if complaint.starts_with("tink: ") {
        Err(complaint)
    } else {
        panic!("{operation}: {complaint}")
    }
}

#[test]
fn tink_opens_our_frames_and_we_open_its() {
    if is_missing() {
        return;
    }
    let path = data("keys/2048.key.pem");
    let rsa = format!("rsa:{}", path.to_str().unwrap());
    let (local, certificate, private) = (key(7), certificate(2048), private_key(2048));
    let keys: [(&str, &dyn WrapKey, &dyn UnwrapKey); 2] =
        [(LOCAL, &local, &local), (&rsa, &certificate, &private)];
    for (name, wraps, unwraps) in keys {
        for (text, context) in [
            ("", Context::from_associated_data(b"")),
            ("hünter2\0\n", context()),
        ] {
            let ours = Envelope::seal(&secret(text), wraps, &context).unwrap();
            let opened = tink("open-frame", name, &context, &ours.to_tink()).unwrap();
            assert_eq!(opened, text.as_bytes(), "{name}");

            let theirs = tink("make-frame", name, &context, text.as_bytes()).unwrap();
            let envelope = Envelope::from_tink(&theirs, unwraps, &context).unwrap();
            assert_eq!(envelope.to_tink(), theirs);
            let stored = envelope.to_bytes();
            let opened = Envelope::from_bytes(&stored)
                .unwrap()
                .open(&[unwraps], &context);
            assert_eq!(opened.unwrap(), secret(text), "{name}");
            let refused = Envelope::from_tink(&theirs, unwraps, &Context::new("", "", ""));
            assert!(matches!(refused, Err(EnvelopeError::Refused)));
        }
    }
    let ours = Envelope::seal(&secret("x"), &local, &context()).unwrap();
    let elsewhere = Context::new("", "", "");
    let refused = tink("open-frame", LOCAL, &elsewhere, &ours.to_tink());
    assert!(refused.is_err(), "Tink must look at the context, too");
}

#[test]
fn tink_opens_our_streams_and_we_open_its() {
    if is_missing() {
        return;
    }
    let name = WrapKey::id(&key(7));
    let first = 1024 * 1024 - 40 - 16;
    // Empty; a full first segment, and one byte more; two full ones.
    for length in [0, first, first + 1, first + 1024 * 1024 - 16] {
        let plaintext: Vec<u8> = (0..=250).cycle().take(length).collect();
        let mut ours = Encryptor::new(Vec::new(), &key(7), &context()).unwrap();
        ours.write_all(&plaintext).unwrap();
        let ours = ours.finish().unwrap();
        let opened = tink("open-stream", LOCAL, &context(), &ours).unwrap();
        assert!(opened == plaintext, "{length}");

        let input = [format!("{name}\n").as_bytes(), &plaintext].concat();
        let theirs = tink("make-stream", LOCAL, &context(), &input).unwrap();
        assert_eq!(theirs.len(), ours.len());
        let mut opened = Vec::new();
        let mut decryptor = Decryptor::new(&*theirs, &[&key(7)], &context()).unwrap();
        decryptor.read_to_end(&mut opened).unwrap();
        assert!(opened == plaintext, "{length}");
    }
}
