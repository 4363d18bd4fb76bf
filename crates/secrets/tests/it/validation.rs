//! Validation without a private key: each fault with its id and place, and no finding where there is no fault.

use narae_secrets::sealed::{
    Certificate, Check, Finding, Item, Scope, SealRequest, SealedFile, SealedItem, SealedSecret,
    Severity, Source, Validator,
};
use narae_secrets::store::Version;

use crate::material::{certificate, label, secret};

/// 2026-11-21T00:00:00Z, when the certificates had just been made.
const NOW: i64 = 1_795_219_200;

/// A sound file with a record in comments.
fn sound() -> String {
    sealed().to_yaml()
}

/// The same with the record in the annotation.
fn annotated() -> String {
    narae_yaml::write(&sealed().manifest)
}

fn sealed() -> SealedSecret {
    let manifest =
        "{apiVersion: v1, kind: Secret, type: Opaque, metadata: {name: db, namespace: shop}}";
    let manifest = narae_yaml::read_one(manifest).unwrap();
    let item = |name: &str| {
        let reference = format!("ref+vault://main/secret/shop#/{name}")
            .parse()
            .unwrap();
        let source = Source::new(&reference, Version::FIRST, "once");
        Item::new(name, secret(name), Some(source))
    };
    SealRequest::new(&manifest, vec![item("password"), item("user")])
        .seal(&certificate(2048))
        .unwrap()
}

fn findings_at(texts: &[&str], certificates: &[Certificate], now: i64) -> Vec<Finding> {
    let mut validator = Validator::new(now);
    for certificate in certificates {
        validator = validator.with_certificate(certificate);
    }
    let mut findings = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match SealedFile::read(format!("{index}.yaml"), *text) {
            Ok(file) => findings.extend(validator.check(&file)),
            Err(error) => findings.push(Validator::unreadable(&error)),
        }
    }
    findings
}

/// The findings as `id file:line item`.
#[track_caller]
fn check(texts: &[&str], expected: &[&str]) {
    let found: Vec<String> = findings_at(texts, &[certificate(2048)], NOW)
        .into_iter()
        .map(|finding| {
            let (place, _) = finding.place.rsplit_once(':').unwrap();
            let item = finding
                .item
                .map(|item| format!(" {item}"))
                .unwrap_or_default();
            format!("{} {place}{item}", finding.check)
        })
        .collect();
    assert_eq!(found, expected, "{}", texts.join("---\n"));
}

/// The line number of the first line with `part` in it.
fn line(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn a_sound_file_has_no_findings() {
    check(&["a: 1\n---\n[]\n---\n"], &[]);
    for text in [sound(), annotated()] {
        check(&[&text], &[]);
        let file = SealedFile::read("db.yaml", text).unwrap();
        let recorded = file.secrets()[0].recorded("user").unwrap();
        assert_eq!(recorded.key, certificate(2048).fingerprint().as_str());
        assert_eq!(recorded.label, "strict:shop/db");
        assert_eq!(
            recorded.source.as_deref(),
            Some("ref+vault://main/secret/shop?version=1#/user")
        );
    }
    assert_eq!(findings_at(&[&sound()], &[], NOW), []);
    assert_eq!(
        findings_at(&[&sound()], &[certificate(3072), certificate(2048)], NOW),
        []
    );
}

#[test]
fn copies_are_found() {
    for text in [sound(), annotated()] {
        copies(&text);
    }
}

fn copies(text: &str) {
    let (password, user) = (line(text, "    password: "), line(text, "    user: "));
    let [password, user] = [password, user].map(|line| format!("0.yaml:{line}"));
    for (from, to) in [
        (
            "metadata:\n  name: db\n  namespace: shop\n",
            "metadata:\n  name: db2\n  namespace: shop\n",
        ),
        (
            "metadata:\n  name: db\n  namespace: shop\n",
            "metadata:\n  name: db\n  namespace: bank\n",
        ),
    ] {
        let moved = text.replace(from, to);
        assert_ne!(moved, text);
        let template = line(
            &moved,
            if to.contains("bank") {
                "      namespace: shop"
            } else {
                "      name: db"
            },
        );
        let template = format!("template-name 0.yaml:{template}");
        check(
            &[&moved],
            &[
                &template,
                &format!("copied {password} password"),
                &format!("copied {user} user"),
            ],
        );
    }
    // Without a record, two files with one ciphertext tell.
    let bare: Vec<&str> = text
        .lines()
        .map(|line| line.split(" # narae:").next().unwrap())
        .filter(|line| !line.contains("sha256:") && !line.contains("narae.dev"))
        .collect();
    let bare = bare.join("\n").replace("  annotations:\n", "");
    check(&[&bare], &[]);
    let copy = bare.replace("name: db", "name: db2");
    let [first, second] = ["    password: ", "    user: "].map(|part| line(&copy, part));
    check(
        &[&bare, &copy],
        &[
            &format!("copied 1.yaml:{first} password"),
            &format!("copied 1.yaml:{second} user"),
        ],
    );
    check(
        &[&bare, &bare],
        &[
            "duplicate-secret 1.yaml:1",
            &format!("duplicate-item 1.yaml:{first} password"),
            &format!("duplicate-item 1.yaml:{second} user"),
        ],
    );
}

#[test]
fn edits_are_found() {
    for text in [sound(), annotated()] {
        edits(&text);
    }
}

fn edits(text: &str) {
    let in_comments = text.contains("# narae: ");
    let (password, user) = (line(text, "    password: "), line(text, "    user: "));
    let of = |line: usize| {
        text.lines()
            .nth(line - 1)
            .unwrap()
            .split(' ')
            .nth(5)
            .unwrap()
    };
    let (one, two) = (of(password), of(user));
    let again = SealedItem::seal(&secret("x"), &label(Scope::Strict), &certificate(2048));
    check(
        &[&text.replace(one, &again.unwrap().to_base64())],
        &[&format!("edited 0.yaml:{password} password")],
    );
    let swapped = text.replace(one, "?").replace(two, one).replace('?', two);
    check(
        &[&swapped],
        &[
            &format!("swapped 0.yaml:{password} password"),
            &format!("swapped 0.yaml:{user} user"),
        ],
    );
    let renamed = match in_comments {
        true => format!("swapped 0.yaml:{user} login"),
        false => "record 0.yaml:1".to_owned(),
    };
    check(&[&text.replace("    user: ", "    login: ")], &[&renamed]);
    check(
        &[&text.replace("user sha256:", "user  sha256:")],
        &["record 0.yaml:1"],
    );
    check(
        &[&text.replace(one, &one[..40])],
        &[&format!("malformed 0.yaml:{password} password")],
    );
    let broken = format!("\"{}\\n{}\"", &one[..40], &one[40..]);
    check(
        &[&text.replace(one, &broken)],
        &[
            &format!("not-canonical 0.yaml:{password} password"),
            &format!("edited 0.yaml:{password} password"),
        ],
    );
    check(
        &[&text.replace(one, "12")],
        &[&format!("malformed 0.yaml:{password} password")],
    );
    check(
        &[&text.replace("    user: ", "    'u s': ")],
        &[
            &format!("item-name 0.yaml:{user} u s"),
            &renamed.replace("login", "u s"),
        ],
    );
    let entry = text.lines().nth(user - 1).unwrap();
    let twice = text.replace(entry, &format!("{entry}\n{entry}"));
    let duplicate = findings_at(&[&twice], &[], NOW);
    assert_eq!(duplicate.len(), 1);
    assert_eq!(duplicate[0].check, Check::Unreadable);
}

/// Lines that changed places with their comments, and one that stands twice.
#[test]
fn moved_comments_are_found() {
    let text = sound();
    let (password, user) = (line(&text, "    password: "), line(&text, "    user: "));
    let swapped = text
        .replace("    user: ", "    ?: ")
        .replace("    password: ", "    user: ");
    let swapped = swapped.replace("    ?: ", "    password: ");
    check(
        &[&swapped],
        &[
            &format!("swapped 0.yaml:{password} user"),
            &format!("swapped 0.yaml:{user} password"),
        ],
    );
    let entry = text.lines().nth(user - 1).unwrap();
    let copied = text.replace(
        entry,
        &format!("{entry}\n{}", entry.replacen("user", "login", 1)),
    );
    check(&[&copied], &[&format!("swapped 0.yaml:{} login", user + 1)]);
    // A comment that lost its beginning is nobody's record.
    check(&[&text.replace("# narae: user", "# user")], &[]);
    check(
        &[&text.replace("# narae: user", "# narae: ")],
        &["record 0.yaml:1"],
    );
}

#[test]
fn keys_of_other_clusters_are_found() {
    let text = sound();
    let ids = |certificates: &[Certificate], now| {
        let found = findings_at(&[&text], certificates, now);
        found
            .into_iter()
            .map(|finding| finding.check)
            .collect::<Vec<_>>()
    };
    let other = [Check::OtherKey, Check::UnknownKey].repeat(2);
    assert_eq!(ids(&[certificate(3072)], NOW), other);
    let end = certificate(2048).not_after();
    assert_eq!(ids(&[certificate(2048)], end), []);
    assert_eq!(
        ids(&[certificate(2048)], end + 1),
        [Check::Expired, Check::Expired]
    );
    assert_eq!(
        ids(&[certificate(2048), certificate(3072)], end + 1),
        [Check::Expired, Check::Expired]
    );

    // A wrapped key that is no number below the modulus is not this key's work; size alone does not tell.
    let item = SealedItem::seal(&secret("x"), &label(Scope::Strict), &certificate(2048)).unwrap();
    assert!(certificate(2048).may_have_sealed(&item));
    let mut bytes = item.as_bytes().to_vec();
    bytes[2..18].fill(0xff);
    let item = SealedItem::from_bytes(bytes).unwrap();
    assert!(!certificate(2048).may_have_sealed(&item));
    assert!(!certificate(3072).may_have_sealed(&item));
}

#[test]
fn scopes_that_contradict_are_found() {
    let with = |own: &str, template: &str| {
        let item = SealedItem::seal(&secret("x"), &label(Scope::ClusterWide), &certificate(2048));
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  annotations: {{{own}}}\nspec:\n  encryptedData:\n    k: {}\n  template:\n    metadata:\n      annotations: {{{template}}}\n",
            item.unwrap()
        )
    };
    let wide = "sealedsecrets.bitnami.com/cluster-wide: 'true'";
    let namespace = "sealedsecrets.bitnami.com/namespace-wide: 'true'";
    check(&[&with(wide, wide)], &[]);
    check(&[&with("", "")], &[]);
    check(&[&with(wide, "")], &["scope-mismatch 0.yaml:11"]);
    // The SealedSecret opens all the same.
    let findings = findings_at(&[&with(wide, "")], &[certificate(2048)], NOW);
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Warning)
    );
    check(&[&with("", wide)], &["scope-mismatch 0.yaml:11"]);
    check(
        &[&with(&format!("{wide}, {namespace}"), wide)],
        &["scope-annotation 0.yaml:6"],
    );
    check(
        &[&with(&wide.replace("'true'", "true"), "")],
        &["scope-annotation 0.yaml:6", "unreadable 0.yaml:6"],
    );
    check(
        &[&with("", "").replace("  namespace: shop\n", "")],
        &["label 0.yaml:1"],
    );
    check(&[&with(wide, wide).replace("  namespace: shop\n", "")], &[]);
}

#[test]
fn plaintext_is_found() {
    let text = sound();
    let add = |more: &str| text.replace("  template:\n", &format!("  template:\n{more}"));
    let at = line(&text, "  template:") + 2;
    check(
        &[&add("    data:\n      conf: 'password=hunter2'\n")],
        &[&format!("plaintext 0.yaml:{at}")],
    );
    check(
        &[&add(
            "    data:\n      conf: 'password={{ .password }}'\n      gone: null\n",
        )],
        &[],
    );
    check(
        &[&add("    stringData:\n      conf: x\n")],
        &[&format!("plaintext 0.yaml:{at}")],
    );
    let applied = "kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"Secret\"}'";
    let text = text.replace(
        "      name: db\n",
        &format!("      name: db\n      annotations:\n        {applied}\n"),
    );
    let at = line(&text, "last-applied");
    check(&[&text], &[&format!("plaintext 0.yaml:{at}")]);
    check(&[&text.replace("Secret\"}", "SealedSecret\"}")], &[]);
}

#[test]
fn forms_are_checked() {
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\n";
    let item = SealedItem::seal(&secret("{}"), &label(Scope::Strict), &certificate(2048)).unwrap();
    let with = |spec: String| format!("{head}spec: {spec}\n");
    check(&[head], &["items 0.yaml:1"]);
    check(
        &[&with("{encryptedData: [1]}".to_owned())],
        &["items 0.yaml:4"],
    );
    check(&[&with("{encryptedData: {}}".to_owned())], &[]);
    check(&[&with(format!("{{data: '{item}'}}"))], &["v1 0.yaml:4"]);
    check(
        &[&with(format!(
            "{{data: '{item}', encryptedData: {{a: '{item}'}}}}"
        ))],
        &["items 0.yaml:4"],
    );
    check(&["a: 1\na: 2\n"], &["unreadable 0.yaml:2"]);
}

/// One value of the wrong kind, and the controller cannot read the object.
#[test]
fn what_the_controller_cannot_read_is_found() {
    let text = sound();
    let own = |more: &str| text.replace("metadata:\n  name", &format!("metadata:\n{more}  name"));
    let template =
        |more: &str| text.replace("  template:\n", &format!("  template:\n    {more}\n"));
    let at = line(&text, "  template:") + 1;
    check(&[&own("  labels: {version: '1.0', none: null}\n")], &[]);
    check(
        &[&own("  labels: {version: 1.0}\n")],
        &["unreadable 0.yaml:4"],
    );
    check(&[&own("  labels: [a]\n")], &["unreadable 0.yaml:4"]);
    check(&[&template("immutable: true")], &[]);
    let found = format!("unreadable 0.yaml:{at}");
    check(&[&template("immutable: 'true'")], &[&found]);
    let text = text.replace("type: Opaque", "type: 5");
    let at = line(&text, "type: 5");
    check(&[&text], &[&format!("unreadable 0.yaml:{at}")]);
}

#[test]
fn findings_say_what_to_do() {
    let findings = findings_at(&["a: [\n", &sound()], &[certificate(3072)], NOW);
    for finding in &findings {
        assert!(!finding.check.hint().is_empty());
        assert_eq!(finding.severity, Severity::Error);
        let text = finding.to_string();
        assert!(
            text.starts_with(&format!(
                "{}: error[{}]: ",
                finding.place,
                finding.check.id()
            )),
            "{text}"
        );
        assert!(!finding.message.is_empty() && !finding.message.starts_with([':', ' ']));
    }
    assert_eq!(findings.len(), 5);
}
