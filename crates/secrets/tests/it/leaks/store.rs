//! Values, references, resolving and stores with the canary in them.

use narae_secrets::lock::{Changed, Lock, LockError, LockErrorKind, LockedError, Outdated};
use narae_secrets::reference::{
    Decode, FillError, Interpolation, InterpolationError, InterpolationErrorKind, Reference,
};
use narae_secrets::resolve::{Request, Resolved, resolve};
use narae_secrets::store::contents::Contents;
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{
    BrowserFailure, Cas, Metadata, MountPath, Secret, SecretPath, Store as _, StoreError,
    StoreErrorKind, Version, VersionState,
};

use super::canary::{CANARY, Shown};
use crate::material::{secret, values};

fn path() -> SecretPath {
    "s/a".parse().unwrap()
}

pub(super) fn values_and_stores(shown: &mut Shown) {
    let value = secret(CANARY);
    shown.silent(&value);
    shown.silent(&value.duplicate());
    let store = MemoryStore::new("main");
    let write = |store: &MemoryStore| store.write(&path(), &values([("k", CANARY)]), Cas::Any);
    write(&store).unwrap();
    shown.silent(&store);
    let read: Secret = store.read(&path(), None).unwrap();
    shown.silent(&read);
    shown.silent_shown(&read.version.unwrap());
    shown.silent(&Cas::Any);
    let metadata: Metadata = store.metadata(&path()).unwrap();
    shown.silent(&metadata);
    shown.silent(&VersionState::Live);
    shown.silent_shown(&path());
    shown.silent_shown(&"s".parse::<MountPath>().unwrap());
    let mut contents = Contents::new();
    contents
        .write(&path(), &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    shown.silent(&contents);
    contents.delete(&path(), Version::FIRST).unwrap();
    shown.silent(&contents);
}

pub(super) fn references(shown: &mut Shown) {
    let store = MemoryStore::new("main");
    store
        .write(&path(), &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    let at = |text: &str| Request::new(text.parse().unwrap(), "x:1:1");
    let request = at("ref+vault://main/s/a#/k");
    shown.silent(&request);
    let reference: Reference = "ref+vault://main/s/a#/k".parse().unwrap();
    shown.silent_shown(&reference);
    shown.silent(&Decode::Base64);
    let resolved = resolve(&[request], &[&store]).unwrap();
    shown.silent(&resolved);
    shown.silent(resolved.get(&reference).unwrap());
    let lock = Lock::of(&resolved);
    shown.silent_shown(&lock);
    shown.silent(&lock.outdated(&[&store]).unwrap());
    store
        .write(&path(), &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    let outdated: Vec<Outdated> = lock.outdated(&[&store]).unwrap();
    shown.silent_shown(&outdated[0]);
    let text = format!("# narae-secrets lock 1\nmain s/a version={CANARY}");
    let error: LockError = Lock::read("x", &text).unwrap_err();
    shown.silent_error(&error);
    shown.silent_error::<LockErrorKind>(&error.kind);
    let text = "# narae-secrets lock 1\nmain s/a version=1 stamp=other";
    let changed: Option<Changed> = Lock::read("x", text).unwrap().verify(&resolved).err();
    shown.silent(&changed);
    let locked = Lock::read("x", text)
        .unwrap()
        .resolve(&[at("ref+vault://main/s/a?version=1#/k")], &[&store]);
    shown.silent_error::<LockedError>(&locked.unwrap_err());
    let text: Interpolation = "x ${ref+vault://main/s/a#/k}".parse().unwrap();
    shown.silent_shown(&text);
    shown.silent(&text.fill(&resolved).unwrap());
    shown.silent_error::<FillError>(&text.fill(&Resolved::default()).unwrap_err());
    let broken = format!("{CANARY} ${{ref+vault://main/s/a?token={CANARY}#/k}}");
    let error: InterpolationError = broken.parse::<Interpolation>().unwrap_err();
    shown.silent_error(&error);
    shown.silent_error::<InterpolationErrorKind>(&error.kind);
    for text in [
        "ref+vault://main/s/a?decode=base64#/k",
        "ref+vault://main/s/a#/none",
        "ref+vault://other/s/a#/k",
    ] {
        let error = resolve(&[at(text)], &[&store]).unwrap_err();
        shown.silent_error(&error);
        for failure in error.failures() {
            shown.silent_error(failure);
            shown.silent_error(&failure.kind);
        }
    }
    for parameter in ["token", "address", "unknown", "version", "decode"] {
        let text = format!("ref+vault://main/s/a?{parameter}={CANARY}#/k");
        shown.silent_error(&text.parse::<Reference>().unwrap_err());
    }
}

pub(super) fn guard(shown: &mut Shown) {
    use narae_secrets::guard::{
        Form, Guard, GuardedWriter, KnownValues, Leak, Scanner, Shape, What,
    };
    use std::io::Write as _;
    let mut known = KnownValues::new();
    known.insert("main", &secret(CANARY));
    shown.silent(&known);
    let guard: Guard = Guard::new(known);
    shown.silent(&guard);
    let mut scanner: Scanner<'_> = guard.scanner();
    scanner.feed(CANARY.as_bytes());
    shown.silent(&scanner);
    for finding in scanner.finish() {
        shown.silent_shown(&finding);
        shown.silent_shown::<What>(&finding.what);
    }
    let mut writer: GuardedWriter<'_, Vec<u8>> = guard.writer("log", Vec::new());
    writer.write_all(CANARY.as_bytes()).unwrap();
    shown.silent_error(&writer.flush().unwrap_err());
    shown.silent(&writer);
    let leak: Leak = guard.check("log", CANARY.as_bytes()).unwrap_err();
    shown.silent_error(&leak);
    shown.silent_shown(&Form::Escaped);
    shown.silent_shown(&Shape::Jwt);
}

pub(super) fn errors(shown: &mut Shown) {
    let too_large = values([("k", &CANARY.repeat(200_000))]);
    let error = MemoryStore::new("main").write(&path(), &too_large, Cas::Any);
    shown.silent_error(&error.unwrap_err());
    let odd_key = values([(&*format!("{CANARY}\0").repeat(50), "x")]);
    let error: StoreErrorKind = Contents::new()
        .write(&path(), &odd_key, Cas::Any)
        .unwrap_err();
    shown.silent_error(&error);
    let error = StoreError::new(StoreErrorKind::NotFound, "main", Some(&path()));
    shown.silent_error(&BrowserFailure::Refused { code: "other" });
    shown.silent_error(&error);
    shown.silent_error(&"../a".parse::<SecretPath>().unwrap_err());
}

#[cfg(feature = "file")]
pub(super) fn file(shown: &mut Shown) {
    use narae_secrets::store::file::frame::{self, StoreKey};
    use narae_secrets::store::file::{FileStore, KeyFile};
    let directory = tempfile::tempdir().unwrap();
    let key = KeyFile::create(directory.path().join("key")).unwrap();
    shown.silent(&key);
    let store = FileStore::create("main", directory.path().join("store"), key).unwrap();
    store
        .write(&path(), &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    shown.silent(&store);
    let file = std::fs::read(store.file()).unwrap();
    super::canary::clean(&String::from_utf8_lossy(&file));
    let bytes: [u8; 32] = CANARY.repeat(3).as_bytes()[..32].try_into().unwrap();
    shown.silent(&StoreKey::new(&bytes));
    shown.silent_error(&frame::open(&file, &StoreKey::new(&bytes)).unwrap_err());
    shown.silent(&frame::Stretch::new([0; 16]));
    let stretched = directory.path().join("stretched");
    let store = FileStore::create_with_passphrase("main", &stretched, &secret(CANARY)).unwrap();
    shown.silent(&store);
    let wrong = FileStore::open_with_passphrase("main", &stretched, &secret("other"));
    shown.silent_error(&wrong.unwrap_err());
    let key = directory.path().join("other");
    std::fs::write(&key, CANARY).unwrap();
    shown.silent_error(&KeyFile::read(&key).unwrap_err());
}

#[cfg(feature = "vault")]
pub(super) fn openbao(shown: &mut Shown) {
    use narae_secrets::store::openbao::{
        Auth, Browser, Ciphertext, Environment, KeyType, KvVersion, OpenBao, Options, Retries,
    };
    let options =
        || Options::new("http://127.0.0.1:1", secret(CANARY)).with_retries(Retries::none());
    shown.silent(&options().with_client_certificate("", secret(CANARY)));
    shown.silent(&Retries::none());
    shown.silent(&Environment::read(|name| {
        (name == "BAO_TOKEN").then(|| CANARY.to_owned())
    }));
    let store = OpenBao::connect("main", options()).unwrap();
    shown.silent(&store);
    shown.silent_error(&store.read(&path(), None).unwrap_err());
    let data = values([("k", CANARY)]);
    shown.silent_error(&store.write(&path(), &data, Cas::Any).unwrap_err());
    shown.silent_error(&store.unwrap(&secret(CANARY)).unwrap_err());
    let key = store.transit(&"transit".parse().unwrap(), "key").unwrap();
    shown.silent(&key);
    shown.silent_error(&key.encrypt(&secret(CANARY), b"").unwrap_err());
    shown.silent_shown(&"vault:v1:AAAA".parse::<Ciphertext>().unwrap());
    shown.silent_error(&CANARY.parse::<Ciphertext>().unwrap_err());
    shown.silent(&KeyType::Ed25519);
    shown.silent(&KvVersion::V2);
    shown.silent(&Browser::new(|_| Ok(())));
    let newline = Options::new("http://127.0.0.1:1", secret(&format!("{CANARY}\n{CANARY}")));
    shown.silent_error(&OpenBao::connect("main", newline).unwrap_err());
    for auth in [
        Auth::token(secret(CANARY)),
        Auth::token_file("token"),
        Auth::app_role("role", secret(CANARY)),
        Auth::app_role_wrapped("role", secret(CANARY)),
        Auth::userpass("user", secret(CANARY)),
        Auth::kubernetes("role", "token"),
        Auth::jwt(None, secret(CANARY)),
        Auth::jwt_file(None, "token"),
        Auth::oidc(None, Browser::new(|_| Ok(())).with_port(0)),
        Auth::certificate(None),
    ] {
        shown.silent(&auth);
        let options = Options::new("http://127.0.0.1:1", auth).with_retries(Retries::none());
        let store = OpenBao::connect("main", options).unwrap();
        shown.silent_error(&store.read(&path(), None).unwrap_err());
    }
}

/// What the server says, where secrets belong and where they do not.
#[cfg(feature = "vault")]
pub(super) fn answers(shown: &mut Shown) {
    use narae_secrets::store::openbao::answer::{Answer, Asked};
    use narae_secrets::store::openbao::{DataKey, Entry, Health, ServerState};
    let said =
        |status: u16, text: &str| Answer::new(status, text.replace("CANARY", CANARY).into_bytes());
    let good = said(
        200,
        r#"{"lease_id":"l","lease_duration":1,"data":{"k":"CANARY"},"auth":{"client_token":"CANARY"},"wrap_info":{"token":"CANARY"}}"#,
    );
    shown.silent(&good);
    shown.silent(&good.plain_secret().unwrap());
    shown.silent(&good.leased().unwrap());
    shown.silent(&good.lease().unwrap());
    shown.silent(&good.login().unwrap());
    shown.silent(&good.wrapped().unwrap());
    let asked = Asked::default();
    shown.silent(&asked);
    shown.silent::<Option<DataKey>>(&None);
    shown.silent(&Entry::Secret(String::new()));
    shown.silent(&ServerState::Sealed);
    let versioned = said(
        200,
        r#"{"data":{"data":{"k":"CANARY"},"metadata":{"version":1}}}"#,
    );
    shown.silent(&versioned.versioned_secret().unwrap());
    for status in [200, 302, 400, 403, 404, 405, 413, 429, 473, 500, 503] {
        for body in [
            "CANARY",
            r#""CANARY""#,
            r#"{"errors":["CANARY"]}"#,
            r#"{"data":"CANARY","auth":"CANARY","wrap_info":"CANARY","lease_id":["CANARY"]}"#,
            r#"{"data":{"data":"CANARY","metadata":{"version":"CANARY"},"keys":"CANARY"}}"#,
            r#"{"data":{"metadata":{"version":1,"deletion_time":"CANARY"}}}"#,
        ] {
            let answer = said(status, body);
            if let Err(kind) = answer.check(&asked) {
                shown.silent_error(&kind);
            }
            shown.silent_error(&answer.versioned_secret().unwrap_err());
            shown.silent_error(&answer.written_version().unwrap_err());
            shown.silent_error(&answer.metadata().unwrap_err());
            shown.silent_error(&answer.keys().unwrap_err());
            shown.silent_error(&answer.login().unwrap_err());
            shown.silent_error(&answer.leased().unwrap_err());
            shown.silent_error(&answer.wrapped().unwrap_err());
            if let Err(kind) = Health::of(&answer) {
                shown.silent_error(&kind);
            }
        }
    }
    shown.silent(&Health::of(&said(200, r#"{"version":"1"}"#)).unwrap());
}

#[cfg(feature = "kube")]
pub(super) fn kubernetes(shown: &mut Shown) {
    use narae_secrets::store::kubernetes::KubernetesSecrets;

    let config = || {
        let mut config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        config.auth_info.token = Some(CANARY.to_owned().into());
        config
    };
    let store = KubernetesSecrets::connect("cluster", config()).unwrap();
    shown.silent(&store);
    shown.silent_error(&store.read(&path(), None).unwrap_err());
    let mut newline = config();
    newline.auth_info.token = Some(format!("{CANARY}\n").into());
    shown.silent_error(&KubernetesSecrets::connect("cluster", newline).unwrap_err());
    // A key that is none, in a configuration that is none.
    let mut broken = config();
    broken.auth_info.client_key_data = Some(CANARY.to_owned().into());
    broken.auth_info.client_certificate_data = Some(CANARY.to_owned());
    shown.silent_error(&KubernetesSecrets::connect("cluster", broken).unwrap_err());
    kubernetes_answers(shown);
}

#[cfg(feature = "kube")]
fn kubernetes_answers(shown: &mut Shown) {
    use narae_secrets::store::kubernetes::answer::Answer;

    let bodies = [
        "CANARY",
        r#"{"metadata":"CANARY","items":"CANARY"}"#,
        r#"{"metadata":{"resourceVersion":"CANARY"},"data":{"k":"v CANARY"}}"#,
        r#"{"items":[{"metadata":{"name":"CANARY/..","namespace":"shop"}}]}"#,
        r#"{"message":"CANARY","details":{"causes":[{"reason":"CANARY","message":"immutable CANARY"}]}}"#,
    ];
    for status in [200, 302, 401, 403, 404, 409, 413, 422, 429, 500] {
        for body in bodies {
            let answer = Answer::new(status, body.replace("CANARY", CANARY).into_bytes());
            shown.silent(&answer);
            shown.silent(&answer.refusal());
            shown.silent_error(&answer.written_version().unwrap_err());
            shown.silent_error(&answer.metadata().unwrap_err());
            shown.silent_error(&answer.secret().unwrap_err());
            if let Err(kind) = answer.page() {
                shown.silent_error(&kind);
            }
        }
    }
    // What lists is names only.
    shown.silent(&Answer::new(200, b"{}".to_vec()).page().unwrap());
    let secret = r#"{"metadata":{"resourceVersion":"1"},"data":{"k":"YzRuNHJ5"}}"#;
    shown.silent(&Answer::new(200, secret.into()).secret().unwrap());
}
