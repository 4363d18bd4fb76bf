//! Data keys wrapped by a real server's transit engine.

use std::io::{Read as _, Write as _};

use narae_secrets::envelope::{
    Decryptor, Encryptor, Envelope, EnvelopeError as E, Header, UnwrapKey, WrapKey, refresh, rewrap,
};
use narae_secrets::store::StoreErrorKind as K;
use narae_secrets::store::openbao::{KeyType, OpenBao, Options, Retries};
use narae_testservers::OpenBao as Server;

use super::tink::tink;
use super::{context, key};
use crate::material::secret;

#[test]
fn the_wrapping_key_stays_on_its_server() {
    let Some(server) = Server::start("envelopes") else {
        return;
    };
    server.must("POST", "sys/mounts/transit", r#"{"type":"transit"}"#);
    let options = Options::new(server.address(), secret(server.token()));
    let bao = OpenBao::connect("main", options).unwrap();
    let mount = "transit".parse().unwrap();
    let kek = bao.transit(&mount, "shop").unwrap();
    kek.create(KeyType::Aes256Gcm).unwrap();

    let envelope = Envelope::seal(&secret("pa55"), &kek, &context()).unwrap();
    assert_eq!(envelope.key_id().as_str(), "transit:transit/shop");
    assert_eq!(envelope.open(&[&kek], &context()).unwrap(), secret("pa55"));

    // Refreshed by the server, which alone sees the data key.
    kek.rotate().unwrap();
    let stored = envelope.to_bytes();
    let mut again = Vec::new();
    refresh(&*stored, &mut again, &kek).unwrap();
    let payload = |bytes: &[u8]| {
        let header = Header::read(bytes).unwrap().to_bytes();
        assert_eq!(header, bytes[..header.len()]);
        (bytes[header.len()..].to_vec(), header)
    };
    assert_eq!(payload(&stored).0, payload(&again).0);
    let contains = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(contains(&payload(&stored).1, b"vault:v1:"));
    assert!(contains(&payload(&again).1, b"vault:v2:"));
    let refreshed = Envelope::from_bytes(&again).unwrap();
    assert_eq!(refreshed.open(&[&kek], &context()).unwrap(), secret("pa55"));
    // Once the old version is retired, what was not refreshed does not open.
    let retire = r#"{"min_decryption_version":2}"#;
    server.must("POST", "transit/keys/shop/config", retire);
    assert!(matches!(
        envelope.open(&[&kek], &context()),
        Err(E::Refused)
    ));
    assert!(refreshed.open(&[&kek], &context()).is_ok());
    let mut none = Vec::new();
    assert!(matches!(
        refresh(&*stored, &mut none, &kek),
        Err(E::Refused)
    ));
    assert!(none.is_empty());

    // From a key file to the server, and streams as well.
    let mut stream = Encryptor::new(Vec::new(), &key(7), &context()).unwrap();
    stream.write_all(b"CREATE TABLE").unwrap();
    let stream = stream.finish().unwrap();
    let mut moved = Vec::new();
    rewrap(&*stream, &mut moved, &[&key(7)], &kek, &context()).unwrap();
    let mut read = String::new();
    let mut decryptor = Decryptor::new(&*moved, &[&kek], &context()).unwrap();
    decryptor.read_to_string(&mut read).unwrap();
    assert_eq!(read, "CREATE TABLE");
    assert!(matches!(
        refresh(&*stream, &mut none, &kek),
        Err(E::NoKey { .. })
    ));

    if !super::tink::is_missing() {
        let remote = format!(
            "transit:{},{},transit/shop",
            server.address(),
            server.token()
        );
        let frame = refreshed.to_tink();
        let opened = tink("open-frame", &remote, &context(), &frame).unwrap();
        assert_eq!(opened, b"pa55");
        let theirs = tink("make-frame", &remote, &context(), b"pa55").unwrap();
        let theirs = Envelope::from_tink(&theirs, &kek, &context()).unwrap();
        assert_eq!(theirs.open(&[&kek], &context()).unwrap(), secret("pa55"));
    }

    // Another spelling of the same ciphertext, which a server would read.
    let wrapped = WrapKey::wrap(&kek, &secret("x")).unwrap();
    let text = std::str::from_utf8(&wrapped).unwrap();
    assert_eq!(kek.unwrap(&wrapped).unwrap(), secret("x"));
    for odd in [
        text.replace(":v2:", ":v02:"),
        text.replace(":v2:", ":v+2:"),
        format!("{text}\n"),
        text.trim_end_matches('=').to_owned() + "A",
        "vault:v2:".to_owned(),
        String::new(),
    ] {
        assert!(
            matches!(kek.unwrap(odd.as_bytes()), Err(E::Refused)),
            "{odd}"
        );
    }

    // A server that cannot be asked is another matter than an envelope that does not open.
    let away = Options::new("http://127.0.0.1:1", secret("s.x")).with_retries(Retries::none());
    let away = OpenBao::connect("main", away).unwrap();
    let away = away.transit(&mount, "shop").unwrap();
    let error = refreshed.open(&[&away], &context()).unwrap_err();
    assert!(
        matches!(&error, E::Store(error) if matches!(error.kind(), K::Unreachable { .. })),
        "{error}"
    );
}
