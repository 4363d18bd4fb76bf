//! Whole Secrets: what is kept, what is dropped, what is sealed anew.

use narae_secrets::reference::Reference;
use narae_secrets::sealed::provenance::ANNOTATION;
use narae_secrets::sealed::{
    Action, Certificate, Item, ItemOutcome, Label, LabelError, Reason, Scope, SealError,
    SealRequest, SealedItem, SealedSecret, Source, Warning,
};
use narae_secrets::store::Version;
use narae_yaml::{Path, Value};

use crate::material::{certificate, private_key, secret};

const SECRET: &str = "
apiVersion: v1
kind: Secret
type: Opaque
immutable: true
metadata:
  name: db
  namespace: shop
  labels: {app: shop}
  annotations: {team: web}
stringData:
  password: ref+vault://main/secret/shop#/password
";

fn value(yaml: &str) -> Value {
    narae_yaml::read_one(yaml).unwrap()
}

fn source(key: &str, version: u64) -> Option<Source> {
    let reference: Reference = format!("ref+vault://main/secret/shop#/{key}")
        .parse()
        .unwrap();
    Some(Source::new(
        &reference,
        Version::new(version).unwrap(),
        "written-once",
    ))
}

fn password(version: u64) -> Item {
    Item::new("password", secret("pa55"), source("password", version))
}

fn seal(yaml: &str, items: Vec<Item>, previous: Option<&Value>) -> SealedSecret {
    seal_for(yaml, items, previous, &certificate(2048))
}

fn seal_for(
    yaml: &str,
    items: Vec<Item>,
    previous: Option<&Value>,
    certificate: &Certificate,
) -> SealedSecret {
    SealRequest::new(&value(yaml), items)
        .with_previous(previous)
        .seal(certificate)
        .unwrap()
}

fn refused(yaml: &str, items: Vec<Item>) -> SealError {
    SealRequest::new(&value(yaml), items)
        .seal(&certificate(2048))
        .unwrap_err()
}

fn action(sealed: &SealedSecret) -> Action {
    let [ItemOutcome { action, .. }] = sealed.items.as_slice() else {
        panic!("{:?}", sealed.items)
    };
    *action
}

fn text<'a>(manifest: &'a Value, path: &str) -> &'a str {
    let path: Path = path.parse().unwrap();
    manifest
        .at(&path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("nothing at {path}"))
}

/// The manifest with the text at `path` changed.
fn edited(manifest: &Value, path: &str, change: impl FnOnce(&str) -> String) -> Value {
    let mut manifest = manifest.clone();
    let new = change(text(&manifest, path));
    *manifest.at_mut(&path.parse().unwrap()).unwrap() = Value::from(new);
    manifest
}

#[test]
fn the_manifest_has_the_format_and_no_plaintext() {
    let sealed = seal(SECRET, vec![password(3)], None);
    assert_eq!(action(&sealed), Action::Sealed);
    let manifest = &sealed.manifest;
    assert_eq!(text(manifest, "apiVersion"), "bitnami.com/v1alpha1");
    assert_eq!(text(manifest, "kind"), "SealedSecret");
    assert_eq!(text(manifest, "metadata.name"), "db");
    assert_eq!(text(manifest, "metadata.namespace"), "shop");
    let expected = value(
        "{metadata: {name: db, namespace: shop, labels: {app: shop}, annotations: {team: web}}, type: Opaque, immutable: true}",
    );
    assert_eq!(
        manifest.at(&"spec.template".parse().unwrap()),
        Some(&expected)
    );

    let item = SealedItem::from_canonical_base64(text(manifest, "spec.encryptedData.password"));
    let label = Label::new(Scope::Strict, "shop", "db").unwrap();
    assert_eq!(
        private_key(2048).open(&item.unwrap(), &label),
        Ok(secret("pa55"))
    );

    let yaml = narae_yaml::write(manifest);
    assert!(!yaml.contains("pa55"), "{yaml}");
    assert_eq!(narae_yaml::read_one(&yaml).unwrap(), *manifest);
    let line = text(manifest, &format!("metadata.annotations[\"{ANNOTATION}\"]"));
    assert!(
        line.starts_with("password sha256:")
            && line.ends_with(
                " strict:shop/db ref+vault://main/secret/shop?version=3#/password written-once\n"
            ),
        "{line}"
    );
}

#[test]
fn unchanged_items_keep_every_byte() {
    let user = || Item::new("user", secret("shop"), source("user", 3));
    let first = seal(SECRET, vec![password(3), user()], None);
    // The order of items does not matter, nor does the way the manifest was written.
    let stored = value(&narae_yaml::write(&first.manifest));
    let second = seal(SECRET, vec![user(), password(3)], Some(&stored));
    assert!(!second.has_changes());
    assert_eq!(
        narae_yaml::write(&second.manifest),
        narae_yaml::write(&first.manifest)
    );

    // One new version: one item and its line change.
    let third = seal(SECRET, vec![password(4), user()], Some(&stored));
    let actions: Vec<Action> = third.items.iter().map(|item| item.action).collect();
    assert_eq!(
        actions,
        [Action::Resealed(Reason::SourceChanged), Action::Kept]
    );
    let (before, after) = (
        narae_yaml::write(&first.manifest),
        narae_yaml::write(&third.manifest),
    );
    let changed = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(
        (changed, before.lines().count()),
        (2, after.lines().count())
    );
}

#[test]
fn anything_that_is_off_is_sealed_anew() {
    let first = seal(SECRET, vec![password(3)], None).manifest;
    let item = "spec.encryptedData.password";
    let record = format!("metadata.annotations[\"{ANNOTATION}\"]");
    let reason = |previous: &Value| action(&seal(SECRET, vec![password(3)], Some(previous)));

    let swapped = seal(SECRET, vec![password(3)], None).manifest;
    let swapped = edited(&first, item, |_| text(&swapped, item).to_owned());
    assert_eq!(reason(&swapped), Action::Resealed(Reason::CiphertextEdited));
    let broken = edited(&first, item, |text| format!("{text}\n"));
    assert_eq!(reason(&broken), Action::Resealed(Reason::CiphertextEdited));

    for (change, expected) in [
        ("password ", Reason::NotRecorded),
        ("", Reason::NotRecorded),
        ("password a b c d\n", Reason::NotRecorded),
        ("password a b c d e f\n", Reason::NotRecorded),
    ] {
        let previous = edited(&first, &record, |_| change.to_owned());
        assert_eq!(reason(&previous), Action::Resealed(expected), "{change:?}");
    }
    let other = edited(&first, &record, |line| {
        line.replace("version=3", "version=2")
    });
    assert_eq!(reason(&other), Action::Resealed(Reason::SourceChanged));
    let other = edited(&first, &record, |line| {
        line.replace("shop/db", "shop/other")
    });
    assert_eq!(reason(&other), Action::Resealed(Reason::LabelChanged));

    let renamed = SECRET.replace("name: db", "name: db2");
    let renamed = seal(&renamed, vec![password(3)], Some(&first));
    assert_eq!(action(&renamed), Action::Resealed(Reason::LabelChanged));
    let wide = "sealedsecrets.bitnami.com/namespace-wide: 'true'";
    let wide = SECRET.replace("team: web", wide);
    let widened = seal(&wide, vec![password(3)], Some(&first));
    assert_eq!(action(&widened), Action::Resealed(Reason::ScopeWidened));
    let narrowed = seal(SECRET, vec![password(3)], Some(&widened.manifest));
    assert_eq!(action(&narrowed), Action::Resealed(Reason::LabelChanged));
    let rotated = seal_for(SECRET, vec![password(3)], Some(&first), &certificate(3072));
    assert_eq!(
        action(&rotated),
        Action::Resealed(Reason::CertificateChanged)
    );
    let unversioned = vec![Item::new("password", secret("pa55"), None)];
    let unversioned = seal(SECRET, unversioned, Some(&first));
    assert_eq!(action(&unversioned), Action::Resealed(Reason::Unversioned));
    assert!(
        unversioned
            .manifest
            .get("metadata")
            .unwrap()
            .get("annotations")
            .is_none()
    );

    // What is no SealedSecret is as good as nothing.
    for previous in [
        "null",
        "[]",
        "{kind: SealedSecret, spec: 1}",
        "{kind: Secret}",
    ] {
        assert_eq!(reason(&value(previous)), Action::Sealed, "{previous}");
    }
}

#[test]
fn a_record_moved_to_the_template_by_the_controller_is_found() {
    let first = seal(SECRET, vec![password(3)], None).manifest;
    let line = text(&first, &format!("metadata.annotations[\"{ANNOTATION}\"]")).to_owned();
    let mut moved = first.clone();
    moved
        .at_mut(&"metadata".parse().unwrap())
        .unwrap()
        .as_mapping_mut()
        .unwrap()
        .remove("annotations");
    let annotations = moved
        .at_mut(&"spec.template.metadata.annotations".parse().unwrap())
        .unwrap();
    annotations
        .as_mapping_mut()
        .unwrap()
        .insert(ANNOTATION, line);
    let again = seal(SECRET, vec![password(3)], Some(&moved));
    assert_eq!(action(&again), Action::Kept);
    assert_eq!(again.manifest, first);
}

#[test]
fn scopes_come_from_annotations() {
    for (annotation, scope) in [
        (
            "sealedsecrets.bitnami.com/namespace-wide: 'true'",
            Scope::NamespaceWide,
        ),
        (
            "sealedsecrets.bitnami.com/cluster-wide: 'true'",
            Scope::ClusterWide,
        ),
        (
            "sealedsecrets.bitnami.com/cluster-wide: 'yes'",
            Scope::Strict,
        ),
        (
            "sealedsecrets.bitnami.com/cluster-wide: 'true', sealedsecrets.bitnami.com/namespace-wide: 'true'",
            Scope::ClusterWide,
        ),
    ] {
        let yaml = SECRET.replace("team: web", annotation);
        let sealed = seal(&yaml, vec![password(1)], None).manifest;
        let set = Scope::from_metadata(sealed.get("metadata"));
        assert_eq!(set, scope, "{annotation}");
        let item = SealedItem::from_base64(text(&sealed, "spec.encryptedData.password")).unwrap();
        let label = Label::new(scope, "shop", "db").unwrap();
        assert!(
            private_key(2048).open(&item, &label).is_ok(),
            "{annotation}"
        );
    }
}

/// The rule of kubeseal's `--raw`: which parts each scope needs.
#[test]
fn labels_need_what_their_scope_binds() {
    let label = |scope, namespace, name| {
        Label::new(scope, namespace, name)
            .map(|label| String::from_utf8(label.as_bytes().to_vec()).unwrap())
    };
    let ok = |text: &str| Ok(text.to_owned());
    for (scope, namespace, name, expected) in [
        (Scope::Strict, "ns", "n", ok("ns/n")),
        (
            Scope::Strict,
            "",
            "n",
            Err(LabelError::Namespace(Scope::Strict)),
        ),
        (Scope::Strict, "ns", "", Err(LabelError::Name)),
        (
            Scope::Strict,
            "",
            "",
            Err(LabelError::Namespace(Scope::Strict)),
        ),
        (Scope::NamespaceWide, "ns", "n", ok("ns")),
        (Scope::NamespaceWide, "ns", "", ok("ns")),
        (
            Scope::NamespaceWide,
            "",
            "n",
            Err(LabelError::Namespace(Scope::NamespaceWide)),
        ),
        (
            Scope::NamespaceWide,
            "",
            "",
            Err(LabelError::Namespace(Scope::NamespaceWide)),
        ),
        (Scope::ClusterWide, "ns", "n", ok("")),
        (Scope::ClusterWide, "ns", "", ok("")),
        (Scope::ClusterWide, "", "n", ok("")),
        (Scope::ClusterWide, "", "", ok("")),
        (
            Scope::Strict,
            "a/b",
            "c",
            Err(LabelError::Malformed("a/b".to_owned())),
        ),
        (
            Scope::Strict,
            "a",
            "b/c",
            Err(LabelError::Malformed("b/c".to_owned())),
        ),
    ] {
        assert_eq!(
            label(scope, namespace, name),
            expected,
            "{scope} {namespace:?} {name:?}"
        );
    }
}

#[test]
fn what_holds_plaintext_or_belongs_to_a_server_is_dropped() {
    let yaml = "
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  uid: 0b1c
  resourceVersion: '7'
  generation: 2
  creationTimestamp: null
  ownerReferences: [{kind: X}]
  managedFields: [{manager: kubectl}]
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\":{\"password\":\"pa55\"}}'
    narae.dev/sealed-items: old
data: {password: cGE1NQ==}
";
    let sealed = seal(yaml, vec![password(1)], None).manifest;
    assert_eq!(
        sealed.at(&"spec.template".parse().unwrap()),
        Some(&value("{metadata: {name: db, namespace: shop}}"))
    );
    let yaml = narae_yaml::write(&sealed);
    assert!(!yaml.contains("pa55") && !yaml.contains("cGE1NQ"), "{yaml}");
}

#[test]
fn what_cannot_be_sealed_is_said() {
    let one = || vec![password(1)];
    assert_eq!(
        refused("{apiVersion: v1, kind: ConfigMap}", one()),
        SealError::NotASecret
    );
    assert_eq!(refused("[]", one()), SealError::NotASecret);
    assert_eq!(
        refused("{apiVersion: v1, kind: Secret}", one()),
        SealError::NoName
    );
    assert_eq!(
        refused(
            "{apiVersion: v1, kind: Secret, metadata: {name: db}}",
            one()
        ),
        SealError::Label(LabelError::Namespace(Scope::Strict))
    );
    let bare = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    assert_eq!(refused(bare, vec![]), SealError::Empty);
    let empty = value(bare);
    assert!(
        SealRequest::new(&empty, vec![])
            .with_empty_allowed()
            .seal(&certificate(2048))
            .is_ok()
    );
    let missing = SealError::NoItemFor {
        field: "stringData",
        key: "password".to_owned(),
    };
    assert_eq!(
        refused(SECRET, vec![Item::new("other", secret("x"), None)]),
        missing
    );
    let twice = SealError::Repeated {
        name: "password".to_owned(),
    };
    assert_eq!(refused(SECRET, vec![password(1), password(2)]), twice);
    for name in ["", ".", "..x", "a b", "a/b", &"x".repeat(254), "é"] {
        let item = Item::new(name, secret("x"), None);
        assert!(
            matches!(refused(bare, vec![item]), SealError::ItemName { .. }),
            "{name:?}"
        );
    }
    for (more, said) in [
        (
            "metadata: {name: db, namespace: shop, labels: {version: 1.0}}",
            "metadata.labels[\"version\"]",
        ),
        (
            "metadata: {name: db, namespace: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: true}}",
            "metadata.annotations[\"sealedsecrets.bitnami.com/cluster-wide\"]",
        ),
        (
            "metadata: {name: db, namespace: shop, labels: [a]}",
            "metadata.labels",
        ),
        (
            "metadata: {name: db, namespace: shop}, immutable: \"true\"",
            "immutable",
        ),
        ("metadata: {name: db, namespace: shop}, type: 5", "type"),
        ("metadata: {name: 5, namespace: shop}", "metadata.name"),
        ("metadata: {name: db, namespace: 5}", "metadata.namespace"),
    ] {
        let error = refused(&format!("{{apiVersion: v1, kind: Secret, {more}}}"), one());
        assert!(
            matches!(&error, SealError::Field { field, .. } if field == said),
            "{error}"
        );
    }
    for field in ["stringdata", "Data", "IMMUTABLE", "Type"] {
        let text = format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: shop}}, {field}: x}}"
        );
        let error = refused(&text, one());
        assert!(matches!(&error, SealError::Misspelt { .. }), "{error}");
    }
    let half = || narae_secrets::SecretBytes::new(vec![0; 600 * 1024]);
    let items = vec![Item::new("a", half(), None), Item::new("b", half(), None)];
    assert_eq!(
        refused(bare, items),
        SealError::TooLarge { bytes: 1200 * 1024 }
    );
}

#[test]
fn another_writing_of_the_same_version_is_sealed_again() {
    let reference: narae_secrets::reference::Reference =
        "ref+vault://main/secret/shop#/password".parse().unwrap();
    let seal = |stamp: &str, previous: Option<&Value>| {
        let manifest = narae_yaml::read_one(
            "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}",
        )
        .unwrap();
        let source = Source::new(&reference, Version::new(1).unwrap(), stamp);
        let item = Item::new("password", secret("pa55"), Some(source));
        SealRequest::new(&manifest, vec![item])
            .with_previous(previous)
            .seal(&certificate(2048))
            .unwrap()
    };
    let first = seal("here", None);
    let again = seal("here", Some(&first.manifest));
    assert_eq!(again.manifest, first.manifest);
    let elsewhere = seal("elsewhere", Some(&first.manifest));
    assert_eq!(
        elsewhere.items[0].action,
        Action::Resealed(Reason::SourceChanged)
    );
}

#[test]
fn what_grows_too_large_is_said() {
    let bare = value("{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}");
    let seal = |items: Vec<Item>| {
        SealRequest::new(&bare, items)
            .seal(&certificate(2048))
            .unwrap()
    };
    assert_eq!(seal(vec![password(1)]).warnings, []);
    let items = (0..750).map(|index| {
        let name = format!("item-{index}");
        Item::new(name.clone(), secret("x"), source(&name, 1))
    });
    let sealed = seal(items.collect());
    assert!(matches!(
        sealed.warnings.as_slice(),
        [
            Warning::RecordTooLarge { bytes: 131_073.. },
            Warning::ClientApply { .. }
        ]
    ));
    assert!(
        sealed
            .manifest
            .get("metadata")
            .unwrap()
            .get("annotations")
            .is_none()
    );
    let large = Item::new(
        "a",
        narae_secrets::SecretBytes::new(vec![0; 256 * 1024]),
        None,
    );
    assert!(matches!(
        seal(vec![large]).warnings.as_slice(),
        [Warning::ClientApply { .. }]
    ));
}
