//! Everything around sealed items with the canary as plaintext, in keys and where it does not belong.

use narae_secrets::SecretBytes;
use narae_secrets::sealed::{
    Action, Backup, Certificate, CertificateError, DigestKey, Item, Label, MAX_SECRET_BYTES,
    PatchError, PrivateKeys, Reason, ResealRequest, Scope, SealRequest, SealedFile, SealedItem,
    SealedManifest, Severity, Source, Validator,
};
use narae_secrets::store::Version;
use narae_yaml::Value;

use super::canary::{CANARY, Shown, clean};
use crate::material::{certificate, data, label, private_key, secret};

fn keys() -> PrivateKeys {
    PrivateKeys::from_iter([private_key(2048)])
}

fn bare() -> Value {
    let bare = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    narae_yaml::read_one(bare).unwrap()
}

fn source() -> Source {
    let reference = "ref+vault://main/s/a#/k".parse().unwrap();
    Source::new(&reference, Version::FIRST, "once")
}

/// A file with the canary sealed in it.
fn file() -> SealedFile {
    let manifest = bare();
    let item = Item::new("k", secret(CANARY), Some(source()));
    let sealed = SealRequest::new(&manifest, vec![item]).seal(&certificate(2048));
    SealedFile::read("db.yaml", narae_yaml::write(&sealed.unwrap().manifest)).unwrap()
}

/// A SealedSecret with this in its `spec`.
fn odd(spec: &str) -> SealedFile {
    let text = format!(
        "{{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {{name: db, namespace: shop}}, spec: {{{spec}}}}}"
    );
    SealedFile::read("db.yaml", text).unwrap()
}

pub(super) fn secrets(shown: &mut Shown) {
    let item = Item::new("k", secret(CANARY), Some(source()));
    shown.silent(&item);
    let manifest = bare();
    let key = DigestKey::from_pem(DigestKey::generate_pem().unwrap().expose()).unwrap();
    shown.silent(&key);
    shown.silent(&DigestKey::new(
        CANARY.repeat(3).as_bytes()[..32].try_into().unwrap(),
    ));
    // Plaintext that nobody took out, and the copy that `kubectl apply` keeps.
    let applied = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: shop, annotations: {{kubectl.kubernetes.io/last-applied-configuration: {CANARY}}}}}, stringData: {{k: {CANARY}}}}}"
    );
    let mut applied = narae_yaml::read_one(&applied).unwrap();
    let request = SealRequest::new(&applied, vec![Item::new("k", secret("x"), None)]);
    shown.silent(&request);
    clean(&narae_yaml::write(
        &request.seal(&certificate(2048)).unwrap().manifest,
    ));
    Item::take_from(&mut applied).unwrap();
    clean(&format!("{applied:?}"));
    // A mistake makes a name of it.
    for odd in ["*", "!", "!!"] {
        let text = format!("kind: Secret\nstringData: {{k: {odd}{CANARY}}}\n");
        shown.silent_error(&Backup::read(text.as_bytes()).unwrap_err());
    }

    let request = SealRequest::new(&manifest, vec![item]).with_digest_key(Some(&key));
    shown.silent(&request);
    let sealed = request.seal(&certificate(2048)).unwrap();
    shown.silent(&sealed);
    shown.silent(&sealed.items[0]);
    shown.silent(&sealed.items[0].action);
    shown.silent_shown(&Reason::SourceChanged);
    shown.silent(&Action::Kept);
    clean(&narae_yaml::write(&sealed.manifest));

    let value = secret(CANARY);
    let sealed = SealedItem::seal(&value, &label(Scope::Strict), &certificate(2048)).unwrap();
    shown.silent_shown(&sealed);
    shown.silent(&private_key(2048).open(&sealed, &label(Scope::Strict)));
    let other = private_key(3072).open(&sealed, &label(Scope::Strict));
    shown.silent_error(&other.unwrap_err());
    shown.silent(&private_key(2048));
    shown.silent(&keys());

    let pem = std::fs::read(data("keys/2048.key.pem")).unwrap();
    let backup = Backup::read(&pem).unwrap();
    shown.silent(&backup);
    shown.silent(&backup.keys()[0]);
    shown.silent(&backup.keys()[0].status);
}

pub(super) fn files(shown: &mut Shown) {
    let file = file();
    shown.silent(&file);
    let manifest: &SealedManifest = &file.secrets()[0];
    shown.silent(manifest);
    shown.silent(&manifest.item("k").unwrap());
    shown.silent(&manifest.recorded("k").unwrap());
    let unsealed = manifest.unseal(&keys()).unwrap();
    shown.silent(&unsealed);
    shown.silent(&unsealed.into_items());
    let (keys, certificate) = (keys(), certificate(3072));
    let request = ResealRequest::new(&keys, &certificate);
    shown.silent(&request);
    let resealed = request.run(&file);
    shown.silent(&resealed);
    shown.silent(&resealed.items[0]);
    shown.silent(&resealed.items[0].outcome);
    clean(&resealed.text.unwrap());

    // Plaintext where ciphertext belongs, and in the template.
    let file = odd(&format!(
        "encryptedData: {{a: {CANARY}, b: [{CANARY}]}}, template: {{data: {{c: {CANARY}}}}}"
    ));
    let error = file.secrets()[0].unseal(&keys).unwrap_err();
    shown.silent_error(&error);
    shown.silent_error(error.kind());
    let mut validator = Validator::new(0);
    let findings = validator.check(&file);
    shown.silent(&validator);
    assert_eq!(findings.len(), 3);
    for finding in &findings {
        shown.silent_shown(finding);
        shown.silent_shown(&finding.check);
    }
    shown.silent_shown(&Severity::Error);
    let resealed = file.reseal(&keys, &certificate);
    shown.silent(&resealed);
    for item in &resealed.items {
        let narae_secrets::sealed::ResealOutcome::Failed(failure) = &item.outcome else {
            panic!("{item:?}");
        };
        shown.silent_error(failure);
    }
    let blob = SealedItem::seal(
        &secret(CANARY),
        &label(Scope::Strict),
        &self::certificate(2048),
    );
    let file = odd(&format!("data: '{}'", blob.unwrap()));
    shown.silent_error(&file.secrets()[0].unseal(&keys).unwrap_err());
    shown.silent(&file.reseal(&keys, &certificate));
}

pub(super) fn errors(shown: &mut Shown) {
    for field in ["data", "stringData"] {
        for value in [
            CANARY.to_owned(),
            format!("{{k: [{CANARY}]}}"),
            format!("{{k: '{CANARY}!'}}"),
        ] {
            let yaml = format!("{{kind: Secret, {field}: {value}}}");
            let mut manifest = narae_yaml::read_one(&yaml).unwrap();
            match Item::take_from(&mut manifest) {
                Err(error) => shown.silent_error(&error),
                Ok(items) => shown.silent(&items),
            }
            shown.silent(&manifest);
            shown.silent_error(&Backup::read(yaml.as_bytes()).unwrap_err());
        }
        let yaml = format!("{{kind: Secret, {field}: {{tls.key: {CANARY}, tls.crt: {CANARY}}}}}");
        shown.silent_error(&Backup::read(yaml.as_bytes()).unwrap_err());
        shown.silent_error(&Certificate::read(yaml.as_bytes()).unwrap_err());
    }
    shown.silent_error(&Backup::read(format!("{CANARY}: [").as_bytes()).unwrap_err());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n");
    shown.silent_error(&PrivateKeys::from_pem(pem.as_bytes()).unwrap_err());
    shown.silent_error(&Certificate::from_pem(pem.as_bytes()).unwrap_err());
    shown.silent_error(&DigestKey::from_pem(CANARY.as_bytes()).unwrap_err());
    shown.silent_error(&SealedItem::from_base64(CANARY).unwrap_err());

    // Too large, twice, and in a value that has no item.
    let manifest = bare();
    let large = || SecretBytes::new(CANARY.as_bytes().repeat(MAX_SECRET_BYTES / 10));
    let error = SealedItem::seal(&large(), &label(Scope::Strict), &certificate(2048));
    shown.silent_error(&error.unwrap_err());
    let item = || Item::new("k", secret(CANARY), None);
    let literal = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: shop}}, data: {{a: {CANARY}}}}}"
    );
    let literal = narae_yaml::read_one(&literal).unwrap();
    for (manifest, items) in [
        (&manifest, vec![Item::new("k", large(), None)]),
        (&manifest, vec![item(), item()]),
        (&literal, vec![item()]),
        (&Value::Null, vec![item()]),
    ] {
        let error = SealRequest::new(manifest, items).seal(&certificate(2048));
        shown.silent_error(&error.unwrap_err());
    }
    let items = (0..900).map(|n| Item::new(format!("k{n}"), secret(CANARY), Some(source())));
    let sealed = SealRequest::new(&manifest, items.collect())
        .seal(&certificate(2048))
        .unwrap();
    for warning in &sealed.warnings {
        shown.silent_shown(warning);
    }
    let sealed = SealRequest::new(&manifest, vec![item()])
        .seal(&certificate(2048))
        .unwrap();
    let shared = format!(
        "template: &t {{data: {{c: {CANARY}}}}}, x: *t, encryptedData: &e {{k: {CANARY}}}, y: *e"
    );
    shown.silent_error(&odd(&shared).merge(&sealed).unwrap_err());
    let other = "data: AgBy".to_owned();
    shown.silent_error(&odd(&other).merge(&sealed).unwrap_err());
    shown.silent_error(&PatchError::Unsafe {
        file: "db.yaml".to_owned(),
    });
}

/// Types that hold names only, none of which is secret.
pub(super) fn names(shown: &mut Shown) {
    let certificate = certificate(2048);
    shown.silent(&certificate);
    shown.silent_shown(certificate.fingerprint());
    shown.silent_error(&certificate.check_valid_at(i64::MAX).unwrap_err());
    shown.silent_error(&CertificateError::NotPem);
    shown.silent_shown(&Scope::Strict);
    shown.silent_error(&"wide".parse::<Scope>().unwrap_err());
    shown.silent_shown(&label(Scope::Strict));
    shown.silent_error(&Label::new(Scope::Strict, "", "").unwrap_err());
    shown.silent_shown(&source());
}

#[cfg(feature = "folder")]
pub(super) fn folder(shown: &mut Shown) {
    use std::sync::Mutex;

    use narae_secrets::sealed::folder::Rotation;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("db.yaml"), file().text()).unwrap();
    let broken =
        format!("kind: SealedSecret\nspec: {{encryptedData: {{k: {CANARY}}}}}\nkind: {CANARY}\n");
    std::fs::write(folder.path().join("broken.yaml"), broken).unwrap();
    let (keys, certificate) = (keys(), certificate(3072));
    let rotation = Rotation::new(&keys, &certificate);
    shown.silent(&rotation);
    let seen = Mutex::new(Vec::new());
    let reports = rotation.run(folder.path(), &|progress| {
        seen.lock().unwrap().push(progress)
    });
    for report in reports.unwrap() {
        shown.silent(&report);
        shown.silent(&report.outcome);
    }
    shown.silent(&seen.into_inner().unwrap());
    let error = rotation.run(&folder.path().join("missing"), &|_| {});
    shown.silent_error(&error.unwrap_err());
}

#[cfg(feature = "generate")]
pub(super) fn generate(shown: &mut Shown) {
    use narae_secrets::sealed::{Generate, KeyBits};
    let generate = Generate::new(0).with_bits(KeyBits::Rsa2048);
    shown.silent(&generate);
    shown.silent(&KeyBits::Rsa2048);
    let made = generate.run().unwrap();
    shown.silent(&made);
    let pem = String::from_utf8(made.private_key_pem.expose().to_vec()).unwrap();
    let printed = format!("{made:?} {made:#?}");
    for line in pem.lines() {
        assert!(!printed.contains(line), "{printed}");
    }
    shown.silent_error(&Generate::new(-1).run().unwrap_err());
}

#[cfg(feature = "kube")]
pub(super) fn controller(shown: &mut Shown) {
    use narae_secrets::sealed::Controller;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(async {
        let mut config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        config.auth_info.token = Some(CANARY.to_owned().into());
        let controller = Controller::new(kube::Client::try_from(config).unwrap());
        shown.silent(&controller);
        controller.keys().await.unwrap_err()
    });
    shown.silent_error(&error);
}

pub(super) fn provisions(shown: &mut Shown) {
    use narae_secrets::lock::Lock;
    use narae_secrets::sealed::{
        Provision, ProvisionError, Provisioned, ReferencedError, ReferencedProblem,
        ReferencedProblemKind, ReferencedSecret, Values, provision,
    };
    use narae_secrets::store::memory::MemoryStore;
    use narae_secrets::store::{Cas, Store as _};

    let store = MemoryStore::new("main");
    let data = crate::material::values([("k", CANARY)]);
    store
        .write(&"s/a".parse().unwrap(), &data, Cas::Any)
        .unwrap();
    let read = |text: &str| narae_yaml::read_one(text).unwrap();
    let secret = read(
        "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, stringData: {k: 'ref+vault://main/s/a#/k'}}",
    );
    let place = |path: &narae_yaml::Path| path.to_string();
    let referenced = ReferencedSecret::read(&secret, Values::References, place).unwrap();
    shown.silent(&Values::References);
    shown.silent(&referenced);
    let secrets = [referenced];
    let done: Provision =
        provision(&secrets, &[&store], &Lock::default(), &certificate(2048)).unwrap();
    shown.silent(&done);
    shown.silent::<Provisioned>(&done.secrets[0]);
    let error = provision(&secrets, &[], &Lock::default(), &certificate(2048)).unwrap_err();
    shown.silent_error::<ProvisionError>(&error);
    let literal = read(&format!(
        "{{stringData: {{a: {CANARY}, b: 'ref+vault://main/s/a?token={CANARY}#/k'}}}}"
    ));
    let error: ReferencedError =
        ReferencedSecret::read(&literal, Values::References, place).unwrap_err();
    shown.silent_error(&error);
    shown.silent_error::<ReferencedProblem>(&error.problems()[1]);
    shown.silent_error::<ReferencedProblemKind>(&error.problems()[1].kind);
}
