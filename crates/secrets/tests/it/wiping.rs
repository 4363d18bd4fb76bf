//! Secrets are gone from the process's memory when the values that held them are.
//!
//! A process of its own seals and opens a secret in every way there is, drops everything, and then reads its
//! own memory (`/proc/self/mem`) for what must not be left: the plaintext, its base64, key files. The freed
//! blocks are still there, since the allocator gives back large ones only. Registers, the kernel and what aws-lc frees for itself
//! are not seen; it wipes with `OPENSSL_cleanse`.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{
    Backup, DigestKey, Item, PrivateKey, Scope, SealRequest, SealedFile, SealedItem,
};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::material::{certificate, data, label, private_key, secret};

const CHILD: &str = "NARAE_WIPING_CHILD";
#[cfg(feature = "vault")]
const SERVER: &str = "NARAE_WIPING_SERVER";
#[cfg(feature = "vault")]
const TOKEN: &str = "NARAE_WIPING_TOKEN";
/// Hides what is looked for from the search itself.
const MASK: u8 = 0x5a;

#[test]
fn nothing_is_left_in_memory() {
    if env::var_os(CHILD).is_some() {
        return work();
    }
    // Alone, since other tests have keys of their own in memory.
    let mut child = Command::new(env::current_exe().unwrap());
    #[cfg(feature = "vault")]
    let server = narae_testservers::OpenBao::start("wiping of what is sent to it");
    #[cfg(feature = "vault")]
    if let Some(server) = &server {
        child
            .env(SERVER, server.address())
            .env(TOKEN, server.token());
    }
    let output = child
        .args([
            "wiping::nothing_is_left_in_memory",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

fn work() {
    // Not in the program's own data: made here, from what is not it.
    let mut plain: Zeroizing<Vec<u8>> = Zeroizing::new(b"V{kvs~zv{".repeat(40));
    plain.iter_mut().for_each(|byte| *byte ^= 0x1f);
    let base64 = Zeroizing::new(BASE64_STANDARD.encode(&*plain));
    let pem = Zeroizing::new(fs::read(data("keys/2048.pkcs1.pem")).unwrap());
    let digest = DigestKey::generate_pem().unwrap();
    let lines = |text: &[u8]| masked(&text[40..120]);
    #[cfg(feature = "envelope")]
    let wrapping = narae_secrets::envelope::LocalKey::generate_pem().unwrap();
    let needles = [
        ("plaintext", masked(&plain[100..160])),
        ("its base64", masked(&base64.as_bytes()[100..160])),
        ("the private key's PEM", lines(&pem)),
        ("the digest key's PEM", masked(&digest.expose()[32..64])),
        #[cfg(feature = "envelope")]
        ("a wrapping key's PEM", masked(&wrapping.expose()[36..68])),
    ];
    for (what, needle) in &needles {
        assert!(found(needle) > 0, "{what} must be found while it is there");
    }
    let value = SecretBytes::copy_of(&plain);
    drop((plain, base64));
    use_everything(&value, &pem, &digest);
    use_references(&value);
    #[cfg(feature = "vault")]
    if let (Ok(server), Ok(token)) = (env::var(SERVER), env::var(TOKEN)) {
        send_to(&server, &token, &value);
    }
    #[cfg(feature = "envelope")]
    {
        use_envelopes(&value, &pem, &wrapping);
        drop(wrapping);
    }
    drop((value, pem, digest));
    for (what, needle) in &needles {
        assert_eq!(found(needle), 0, "{what} is left");
    }
}

/// Everything that takes plaintext or keys, or gives them.
fn use_everything(value: &SecretBytes, pem: &[u8], digest: &SecretBytes) {
    let (certificate, label) = (certificate(2048), label(Scope::Strict));
    let key = PrivateKey::from_pem(pem).unwrap();
    let sealed = SealedItem::seal(value, &label, &certificate).unwrap();
    assert_eq!(key.open(&sealed, &label).as_ref(), Ok(value));
    assert!(private_key(3072).open(&sealed, &label).is_err());

    let bare = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let bare = narae_yaml::read_one(bare).unwrap();
    let digest = DigestKey::from_pem(digest.expose()).unwrap();
    let items = || vec![Item::new("k", value.duplicate(), None)];
    let request = |previous| {
        let request = SealRequest::new(&bare, items()).with_digest_key(Some(&digest));
        request.with_previous(previous).seal(&certificate).unwrap()
    };
    let first = request(None);
    assert!(!request(Some(&first.manifest)).has_changes());

    let file = SealedFile::read("db.yaml", narae_yaml::write(&first.manifest)).unwrap();
    let keys = Backup::read(pem).unwrap().into_keys();
    let unsealed = file.secrets()[0].unseal(&keys).unwrap();
    assert!(!unsealed.to_yaml().is_empty() && !unsealed.to_json().is_empty());
    let (_, items) = unsealed.into_items();
    assert_eq!(items[0].value(), value);
    assert!(
        file.reseal(&keys, &crate::material::certificate(3072))
            .text
            .is_some()
    );

    let mut known = narae_secrets::guard::KnownValues::new();
    known.insert("value", value);
    let guard = narae_secrets::guard::Guard::new(known);
    let mut scanner = guard.scanner();
    value
        .expose()
        .chunks(100)
        .for_each(|piece| scanner.feed(piece));
    assert_eq!(scanner.finish().len(), 1);

    // Out of a manifest; the value is its own, and so is the text it stood in.
    let mut manifest = bare;
    let text = Zeroizing::new(BASE64_STANDARD.encode(value.expose()));
    let mut data = narae_yaml::Mapping::new();
    data.insert("k", text.as_str());
    manifest.as_mapping_mut().unwrap().insert("data", data);
    // `kubectl apply` keeps a copy.
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    let mut annotations = narae_yaml::Mapping::new();
    annotations.insert(applied, text.as_str());
    let metadata = manifest.as_mapping_mut().unwrap().get_mut("metadata");
    let metadata = metadata.unwrap().as_mapping_mut().unwrap();
    metadata.insert("annotations", annotations);
    let copied = SealRequest::new(&manifest, vec![Item::new("k", value.duplicate(), None)]);
    let copied = copied.seal(&certificate);
    assert!(!narae_yaml::write(&copied.unwrap().manifest).contains(applied));
    assert_eq!(Item::take_from(&mut manifest).unwrap()[0].value(), value);
}

/// Read, within a text and decoded, and sealed.
fn use_references(value: &SecretBytes) {
    use narae_secrets::lock::Lock;
    use narae_secrets::sealed::{ReferencedSecret, Values, provision};
    use narae_secrets::store::memory::MemoryStore;
    use narae_secrets::store::{Cas, SecretData, Store as _};

    let store = MemoryStore::new("main");
    let base64 = SecretBytes::from(BASE64_STANDARD.encode(value.expose()));
    let data: SecretData = [
        ("k".to_owned(), value.duplicate()),
        ("b".to_owned(), base64),
    ]
    .into();
    store
        .write(&"s/a".parse().unwrap(), &data, Cas::Any)
        .unwrap();
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}, stringData: {whole: 'ref+vault://main/s/a?decode=base64#/b', url: 'x ${ref+vault://main/s/a#/k} y'}}";
    let secret = narae_yaml::read_one(secret).unwrap();
    let place = |path: &narae_yaml::Path| path.to_string();
    let referenced = ReferencedSecret::read(&secret, Values::Interpolated, place).unwrap();
    let done = provision(
        &[referenced],
        &[&store],
        &Lock::default(),
        &certificate(2048),
    )
    .unwrap();
    assert_eq!(done.secrets[0].sealed.items.len(), 2);
}

/// Written to a server over a connection that is closed then.
#[cfg(feature = "vault")]
fn send_to(server: &str, token: &str, value: &SecretBytes) {
    use narae_secrets::store::openbao::{OpenBao, Options};
    use narae_secrets::store::{Cas, SecretData, Store as _};

    let store = OpenBao::connect("main", Options::new(server, secret(token))).unwrap();
    let data: SecretData = [("k".to_owned(), value.duplicate())].into();
    let path = "secret/wiped".parse().unwrap();
    store.write(&path, &data, Cas::Absent).unwrap();
    let transit = "nowhere".parse().unwrap();
    let key = store.transit(&transit, "key").unwrap();
    assert!(key.encrypt(value, b"").is_err());
}

/// Key files, messages and streams, opened and refused.
#[cfg(feature = "envelope")]
fn use_envelopes(value: &SecretBytes, pem: &[u8], wrapping: &SecretBytes) {
    use std::io::{Read as _, Write as _};

    use narae_secrets::envelope::{Context, Decryptor, Encryptor, Envelope, LocalKey};

    let (certificate, key) = (certificate(2048), PrivateKey::from_pem(pem).unwrap());
    let (here, elsewhere) = (Context::new("wiping", "", ""), Context::new("", "", ""));
    let local = LocalKey::from_pem(wrapping.expose()).unwrap();
    let envelope = Envelope::seal(value, &local, &here).unwrap();
    assert_eq!(&envelope.open(&[&local], &here).unwrap(), value);
    let envelope = Envelope::seal(value, &certificate, &here).unwrap();
    assert_eq!(&envelope.open(&[&key], &here).unwrap(), value);
    assert!(envelope.open(&[&key], &elsewhere).is_err());

    let mut stream = Encryptor::new(Vec::new(), &certificate, &here).unwrap();
    stream.write_all(value.expose()).unwrap();
    let mut stream = stream.finish().unwrap();
    let mut read = Zeroizing::new(vec![0; value.len()]);
    let mut open = |stream: &[u8]| {
        let mut decryptor = Decryptor::new(stream, &[&key], &here).unwrap();
        decryptor.read_exact(&mut read)
    };
    open(&stream).unwrap();
    *stream.last_mut().unwrap() ^= 1;
    open(&stream).unwrap_err();
    // Given up with a segment begun.
    let mut stream = Encryptor::new(Vec::new(), &certificate, &here).unwrap();
    stream.write_all(value.expose()).unwrap();
}

fn masked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ MASK).collect()
}

/// How often the bytes behind `needle` stand in this process's writable memory.
fn found(needle: &[u8]) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0; 1 << 20];
    let own = buffer.as_ptr() as usize;
    let mut count = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let parse = |text| usize::from_str_radix(text, 16).unwrap();
        let (mut at, end) = (parse(start), parse(end));
        while at < end {
            let length = buffer.len().min(end - at);
            let chunk = &mut buffer[..length];
            // What cannot be read, such as a guard page, holds nothing.
            if memory.read_exact_at(chunk, at as u64).is_ok() {
                let windows = chunk.windows(needle.len()).enumerate();
                let equal = windows
                    .filter(|(_, window)| window.iter().zip(needle).all(|(a, b)| a ^ MASK == *b));
                let elsewhere = |index: &usize| !(own..own + (1 << 20)).contains(&(at + index));
                count += equal.map(|(index, _)| index).filter(elsewhere).count();
                chunk.zeroize();
            }
            if at + length == end {
                break;
            }
            // Chunks overlap, so that nothing is cut in two.
            at += length - needle.len();
        }
    }
    count
}

/// What says of itself that it is wiped.
#[test]
fn secret_bytes_are_wiped_on_drop() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<SecretBytes>();
    assert_eq!(secret("x").expose(), b"x");
}
