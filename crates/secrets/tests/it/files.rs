//! SealedSecrets in files: read, unsealed, sealed anew and merged into, with every other byte kept.

use narae_secrets::sealed::provenance::ANNOTATION;
use narae_secrets::sealed::{
    Item, ItemError, Label, MergeError, PatchError, PlaintextError, PrivateKeys, ResealFailure,
    ResealOutcome, Scope, SealRequest, SealedFile, SealedItem, SealedSecret, Source,
    UnsealErrorKind, Validator,
};
use narae_secrets::store::Version;
use narae_yaml::Value;

use crate::material::{certificate, label, private_key, secret};

pub(crate) fn read(text: &str) -> SealedFile {
    SealedFile::read("db.yaml", text).unwrap()
}

pub(crate) fn keys(bits: &[u64]) -> PrivateKeys {
    bits.iter().map(|bits| private_key(*bits)).collect()
}

/// `text` sealed for the 2048-bit key as shop/db.
fn sealed(scope: Scope, text: &str) -> String {
    let item = SealedItem::seal(&secret(text), &label(scope), &certificate(2048));
    item.unwrap().to_base64()
}

/// A file as people keep it: comments, all styles, an order of their own.
fn styles() -> String {
    let item = |text| sealed(Scope::Strict, text);
    let (a, b, c, d) = (item("a"), item("b"), item("c"), item("d"));
    let folded = d
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap());
    let folded: Vec<&str> = folded.collect();
    let folded = folded.join("\n      ");
    format!(
        "# the database of the shop\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  namespace: shop   # one for all stages\n  name: db\nspec:\n  \
         template:\n    data: {{plain: 'x: {{{{ .zoo }}}}', gone: null}}  # opaque\n  encryptedData:\n    zoo: {a}  # last letter\n\n    \"quoted\": \"{b}\"\n    single: '{c}'\n    \
         # wrapped by hand\n    literal: |\n      {folded}\n    # the end\n"
    )
}

fn open(file: &SealedFile, name: &str, bits: u64) -> Option<String> {
    let manifest = &file.secrets()[0];
    let item = manifest.item(name).unwrap().parse().unwrap();
    let value = private_key(bits)
        .open(&item, &manifest.label().unwrap())
        .ok()?;
    Some(String::from_utf8(value.expose().to_vec()).unwrap())
}

#[test]
fn a_sealed_secret_unseals_to_the_secret_it_was() {
    let yaml = "
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  labels: {app: shop}
  annotations: {team: web}
type: Opaque
immutable: true
data:
  both: bm90IHRoaXM=
  'true': AP8=
  empty:
  user: c2hvcA==
stringData:
  both: text wins
";
    let mut manifest = narae_yaml::read_one(yaml).unwrap();
    let items = Item::take_from(&mut manifest).unwrap();
    assert!(manifest.get("data").is_none() && manifest.get("stringData").is_none());
    let made = SealRequest::new(&manifest, items)
        .seal(&certificate(2048))
        .unwrap();
    for text in [
        narae_yaml::write(&made.manifest),
        serde_json::to_string(&made.manifest).unwrap(),
    ] {
        let file = read(&text);
        let unsealed = file.secrets()[0].unseal(&keys(&[3072, 2048])).unwrap();
        let expected = yaml
            .replace("bm90IHRoaXM=", "dGV4dCB3aW5z")
            .replace("empty:", "empty: \"\"")
            .replace("stringData:\n  both: text wins\n", "");
        let expected = narae_yaml::read_one(&expected).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let as_yaml = text(unsealed.to_yaml().expose());
        assert_eq!(
            narae_yaml::read_one(&as_yaml).unwrap(),
            expected,
            "{as_yaml}"
        );
        let as_json = text(unsealed.to_json().expose());
        assert_eq!(
            narae_yaml::read_one(&as_json).unwrap(),
            expected,
            "{as_json}"
        );
        serde_json::from_str::<serde_json::Value>(&as_json).unwrap();

        // And back again, without the plaintext ever being a manifest.
        let (manifest, items) = unsealed.into_items();
        let again = SealRequest::new(&manifest, items)
            .seal(&certificate(3072))
            .unwrap();
        let again = read(&narae_yaml::write(&again.manifest));
        assert_eq!(open(&again, "both", 3072).as_deref(), Some("text wins"));
    }
}

#[test]
fn an_empty_secret_unseals_to_one() {
    let file = read(
        "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: db, namespace: shop}, spec: {encryptedData: {}}}",
    );
    let unsealed = file.secrets()[0].unseal(&keys(&[2048])).unwrap();
    let expected = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let expected = narae_yaml::read_one(expected).unwrap();
    for text in [unsealed.to_yaml(), unsealed.to_json()] {
        let text = std::str::from_utf8(text.expose()).unwrap();
        assert_eq!(narae_yaml::read_one(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_is_no_plaintext_is_said_without_saying_it() {
    for (yaml, expected) in [
        (
            "{data: [1]}",
            "data of the Secret is a sequence, expected a mapping",
        ),
        (
            "{stringData: c4n4ry}",
            "stringData of the Secret is a string, expected a mapping",
        ),
        (
            "{data: {a: 1}}",
            "data.a of the Secret is a number; put it in quotes",
        ),
        (
            "{stringData: {a: true}}",
            "stringData.a of the Secret is a boolean; put it in quotes",
        ),
        (
            "{data: {a: c4n4ry!}}",
            "data.a of the Secret is not base64 (standard alphabet, padded); plain text belongs in stringData",
        ),
    ] {
        let mut manifest = narae_yaml::read_one(yaml).unwrap();
        let refused: PlaintextError = Item::take_from(&mut manifest).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{yaml}");
        assert_eq!(manifest, narae_yaml::read_one("{}").unwrap(), "{yaml}");
    }
    let mut wrapped = narae_yaml::read_one("{data: {a: \"cGE1\\r\\nNQ==\\n\"}}").unwrap();
    let items = Item::take_from(&mut wrapped).unwrap();
    assert_eq!(items[0].value(), &secret("pa55"), "as Go reads base64");
}

#[test]
fn streams_and_lists_are_searched() {
    let one = |name: &str| {
        format!(
            "{{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {{name: {name}, namespace: shop}}, spec: {{encryptedData: {{k: '{}'}}}}}}",
            sealed(Scope::Strict, "x")
        )
    };
    let text = format!(
        "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: other}}}}\n---\n{}\n---\napiVersion: v1\nkind: List\nitems:\n- {}\n- {{kind: SealedSecret, apiVersion: other/v1}}\n- {}\n",
        one("db"),
        one("db2"),
        one("db3")
    );
    let file = read(&text);
    let titles: Vec<String> = file.secrets().iter().map(|secret| secret.title()).collect();
    assert_eq!(titles, ["shop/db", "shop/db2", "shop/db3"]);
    let last = &file.secrets()[2];
    assert_eq!(last.place(last.position()), "db.yaml:11:3");
    // Only the first was sealed under its name, so the file as a whole stays as it is.
    let outcome = file.reseal(&keys(&[2048]), &certificate(3072));
    let failed = |index: usize| matches!(outcome.items[index].outcome, ResealOutcome::Failed(_));
    assert!(outcome.text.is_none() && !failed(0) && failed(1) && failed(2));
    let error = last.unseal(&keys(&[2048])).unwrap_err();
    assert_eq!(
        error.kind(),
        &UnsealErrorKind::Open {
            name: "k".to_owned()
        }
    );
    assert!(error.place().starts_with("db.yaml:11:"), "{error}");

    let error = SealedFile::read("twice.yaml", "a: 1\na: 2\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "twice.yaml:2:1: duplicate key `a` (first at 1:1)"
    );
}

#[test]
fn the_template_is_opaque() {
    let file = read(&styles());
    let unsealed = file.secrets()[0].unseal(&keys(&[2048])).unwrap();
    assert_eq!(unsealed.template_keys(), ["plain", "gone"]);
    assert!(!unsealed.data().contains_key("plain"));
    let data = |file: &SealedFile| file.secrets()[0].template().unwrap().get("data").cloned();
    let kept = narae_yaml::read_one("{plain: 'x: {{ .zoo }}', gone: null}").unwrap();
    assert_eq!(data(&file), Some(kept));
    let text = file
        .reseal(&keys(&[2048]), &certificate(3072))
        .text
        .unwrap();
    assert_eq!(data(&read(&text)), data(&file));
}

/// `spec.data`: a whole Secret as JSON, sealed as one item, as kubeseal made it before 0.7.
fn v1(json: &str, more: &str) -> SealedFile {
    read(&format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, namespace: shop}}\nspec:\n  data: {}\n{more}",
        sealed(Scope::Strict, json)
    ))
}

#[test]
fn the_v1_form_is_read() {
    let json = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"shop","labels":{"a":"b"},"creationTimestamp":null},
        "type":"Opaque","data":{"password":"cGE1NQ==","none":null},"stringData":{"text":"l\u00e9"}}"#;
    let file = v1(json, "");
    let unsealed = file.secrets()[0].unseal(&keys(&[2048])).unwrap();
    let found: Vec<(&str, &[u8])> = unsealed
        .data()
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(
        found,
        [
            ("none", &b""[..]),
            ("password", b"pa55"),
            ("text", "lé".as_bytes())
        ]
    );
    assert_eq!(
        unsealed.manifest().get("type"),
        Some(&Value::from("Opaque"))
    );

    let kind = |file: &SealedFile| {
        file.secrets()[0]
            .unseal(&keys(&[2048]))
            .unwrap_err()
            .kind()
            .clone()
    };
    assert_eq!(
        kind(&v1(json, "  encryptedData: {a: AAAA}\n")),
        UnsealErrorKind::BothForms
    );
    for json in [
        "",
        "[]",
        "{\"data\": {\"a\": 1}}",
        "{\"data\": {\"a\": \"c4n4ry!\"}}",
    ] {
        assert_eq!(kind(&v1(json, "")), UnsealErrorKind::V1Content, "{json:?}");
    }
    let outcome = file.reseal(&keys(&[2048]), &certificate(3072));
    assert_eq!(
        outcome.items[0].outcome,
        ResealOutcome::Failed(ResealFailure::V1)
    );
    assert!(outcome.text.is_none());
}

#[test]
fn unsealing_says_what_is_wrong_and_where() {
    let file = |spec: &str, name: &str| {
        read(&format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  encryptedData:\n    k: {spec}\n"
        ))
    };
    let error = |file: SealedFile| {
        file.secrets()[0]
            .unseal(&keys(&[2048]))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(file("12", "db")),
        "db.yaml:6:8: item `k`: a number, expected base64 text"
    );
    assert_eq!(
        error(file("AAAA", "db")),
        "db.yaml:6:8: item `k`: truncated: 3 bytes, at least 18 are needed"
    );
    assert!(
        error(file(&sealed(Scope::Strict, "x"), "db2"))
            .starts_with("db.yaml:6:8: item `k`: no key opens this item")
    );
    assert_eq!(
        error(file("AAAA", "''")),
        "db.yaml:1:1: scope strict needs a name; set metadata.name"
    );
    assert_eq!(
        SealedItem::from_base64("AAAA"),
        Err(ItemError::Truncated {
            actual: 3,
            needed: 18
        })
    );
}

#[test]
fn resealing_keeps_every_other_byte() {
    for text in [
        styles(),
        styles().replace('\n', "\r\n"),
        format!("\u{feff}{}", styles()),
    ] {
        let file = read(&text);
        let (old, new) = (keys(&[4096, 2048]), certificate(3072));
        let outcome = file.reseal(&old, &new);
        let after = outcome.text.unwrap();
        assert_eq!(outcome.items.len(), 4);
        for item in &outcome.items {
            assert_eq!(item.outcome, ResealOutcome::Resealed);
            assert_eq!(item.old.as_ref(), Some(private_key(2048).fingerprint()));
        }
        let again = read(&after);
        for (name, value) in [
            ("zoo", "a"),
            ("quoted", "b"),
            ("single", "c"),
            ("literal", "d"),
        ] {
            assert_eq!(open(&again, name, 3072).as_deref(), Some(value));
            assert_eq!(open(&again, name, 2048), None);
        }
        // Base64 of that length is found nowhere else, so without it both must be the same.
        assert_eq!(without_ciphertext(&after), without_ciphertext(&text));
        // Again, nothing changes.
        let outcome = again.reseal(&keys(&[2048, 3072]), &new);
        assert!(outcome.text.is_none());
        assert!(
            outcome
                .items
                .iter()
                .all(|item| item.outcome == ResealOutcome::Kept)
        );
    }
}

/// The text with every run of base64 longer than a word gone, and the line breaks within one.
fn without_ciphertext(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        let words = line.split(' ').map(|word| {
            let quote: String = word.chars().filter(|c| "'\"".contains(*c)).collect();
            let long = word.len() > 30 || word.ends_with('=');
            if long && word.trim_matches(['\'', '"']).chars().all(is_base64) {
                format!("{quote}…")
            } else {
                word.to_owned()
            }
        });
        let line: Vec<String> = words.collect();
        let line = line.join(" ");
        let only = line.trim() == "…";
        if !(only && lines.last().is_some_and(|last| last.trim() == "…")) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn resealing_never_widens_a_scope() {
    let file = |scope: &str| {
        let item = sealed(Scope::Strict, "x");
        read(&format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  annotations: {{sealedsecrets.bitnami.com/{scope}: 'true'}}\nspec:\n  encryptedData:\n    k: {item}\n"
        ))
    };
    for scope in ["namespace-wide", "cluster-wide"] {
        let file = file(scope);
        let outcome = file.reseal(&keys(&[2048]), &certificate(3072));
        assert!(outcome.text.is_none(), "{scope}");
        let [item] = outcome.items.as_slice() else {
            panic!("one item")
        };
        assert!(
            matches!(item.outcome, ResealOutcome::Failed(ResealFailure::Open(_))),
            "{scope}"
        );
    }
    // What the template's annotations say does not count (CVE-2026-22728).
    let text = styles().replace(
        "    data: {plain",
        "    metadata: {annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}\n    data: {plain",
    );
    let text = read(&text)
        .reseal(&keys(&[2048]), &certificate(3072))
        .text
        .unwrap();
    assert_eq!(read(&text).secrets()[0].scope(), Scope::Strict);
    assert_eq!(open(&read(&text), "zoo", 3072).as_deref(), Some("a"));
}

#[test]
fn what_is_shared_by_aliases_is_left_alone() {
    let item = sealed(Scope::Strict, "x");
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec:\n";
    for (spec, shared) in [
        (
            format!("  encryptedData:\n    a: &x {item}\n    b: *x\n"),
            true,
        ),
        (
            format!("  template: &t {{a: {item}}}\n  encryptedData: *t\n"),
            true,
        ),
        (
            format!("  template: &t {{a: {item}}}\n  encryptedData: {{<<: *t}}\n"),
            true,
        ),
        (
            format!("  encryptedData:\n    a: >-\n      {item}\n"),
            false,
        ),
    ] {
        let outcome = read(&format!("{head}{spec}")).reseal(&keys(&[2048]), &certificate(3072));
        assert!(outcome.text.is_none(), "{spec}");
        let refused = outcome.items.iter().any(|item| match &item.outcome {
            ResealOutcome::Failed(ResealFailure::Patch(refused)) => match refused {
                PatchError::Shared { .. } => shared,
                PatchError::Style { .. } => !shared,
                _ => false,
            },
            _ => false,
        });
        assert!(refused, "{spec} {:?}", outcome.items);
    }
}

pub(crate) fn source(version: u64) -> Option<Source> {
    let reference = "ref+vault://main/secret/shop#/k".parse().unwrap();
    Some(Source::new(
        &reference,
        Version::new(version).unwrap(),
        "once",
    ))
}

pub(crate) fn seal(items: Vec<Item>, previous: Option<&Value>) -> SealedSecret {
    let manifest = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let manifest = narae_yaml::read_one(manifest).unwrap();
    let request = SealRequest::new(&manifest, items).with_previous(previous);
    request.seal(&certificate(2048)).unwrap()
}

/// Lines of `after` that `before` does not have at the same place.
pub(crate) fn changed(before: &str, after: &str) -> Vec<usize> {
    assert_eq!(before.lines().count(), after.lines().count());
    let lines = before.lines().zip(after.lines()).enumerate();
    lines
        .filter(|(_, (a, b))| a != b)
        .map(|(line, _)| line + 1)
        .collect()
}

#[test]
fn of_one_changed_item_one_line_changes() {
    let text = styles();
    let file = read(&text);
    let zoo = seal(vec![Item::new("zoo", secret("new"), None)], None);
    let merged = file.merge(&zoo).unwrap();
    assert_eq!(changed(&text, &merged), [11]);
    assert!(merged.contains("  # last letter\n"));
    assert_eq!(open(&read(&merged), "zoo", 2048).as_deref(), Some("new"));
    assert_eq!(open(&read(&merged), "single", 2048).as_deref(), Some("c"));
}

#[test]
fn what_is_new_is_added_and_nothing_else_moves() {
    let manifest = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop, labels: {app: shop}, annotations: {team: web}}}";
    let manifest = narae_yaml::read_one(manifest).unwrap();
    let items = || {
        vec![
            Item::new("new", secret("n"), source(1)),
            Item::new("zoo", secret("z"), source(2)),
        ]
    };
    let sealed = SealRequest::new(&manifest, items());
    let sealed = sealed.seal(&certificate(2048)).unwrap();
    let json = r#"{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
  "metadata": {"name": "db", "namespace": "shop"}, "spec": {"encryptedData": {}}}"#;
    for text in [styles(), json.to_owned()] {
        let merged = read(&text).merge(&sealed).unwrap();
        let file = read(&merged);
        assert_eq!(open(&file, "new", 2048).as_deref(), Some("n"));
        assert_eq!(open(&file, "zoo", 2048).as_deref(), Some("z"));
        let template = file.secrets()[0]
            .template()
            .unwrap()
            .get("metadata")
            .unwrap();
        let expected =
            narae_yaml::read_one("{labels: {app: shop}, annotations: {team: web}}").unwrap();
        assert_eq!(template, &expected);
        // Every line that was there is there, in the same order, but for the ciphertext of one.
        let mut lines = merged.lines();
        for line in text
            .lines()
            .filter(|line| !line.contains("zoo: A") && !line.contains('{'))
        {
            assert!(
                lines.any(|merged| merged == line),
                "{line} is gone from {merged}"
            );
        }
        // The record is there now: nothing is sealed anew any more, and merging changes nothing.
        let again =
            SealRequest::new(&manifest, items()).with_previous(Some(file.secrets()[0].value()));
        let again = again.seal(&certificate(2048)).unwrap();
        assert!(!again.has_changes(), "{:?} {merged}", again.items);
        assert_eq!(file.merge(&again).unwrap(), merged);
    }
}

/// What is sealed without a source is no longer what the record says; with its last line the record goes, too.
#[test]
fn of_an_item_without_a_source_nothing_stays_in_the_record() {
    let recorded = |names: &[&str]| {
        let items = names.iter();
        let items = items.map(|name| Item::new(*name, secret("1"), source(1)));
        narae_yaml::write(&seal(items.collect(), None).manifest)
    };
    let plain = seal(vec![Item::new("a", secret("2"), None)], None);
    for names in [&["a", "b"][..], &["a"]] {
        let merged = read(&recorded(names)).merge(&plain).unwrap();
        let file = read(&merged);
        assert_eq!(open(&file, "a", 2048).as_deref(), Some("2"));
        assert!(file.secrets()[0].recorded("a").is_none());
        assert_eq!(file.secrets()[0].recorded("b").is_some(), names.len() == 2);
        assert_eq!(merged.contains(ANNOTATION), names.len() == 2, "{merged}");
        assert_eq!(Validator::new(0).check(&file), []);
    }
}

#[test]
fn a_record_in_quotes_is_kept_in_quotes() {
    let first = seal(vec![Item::new("a", secret("1"), source(1))], None).manifest;
    let json = serde_json::to_string_pretty(&first).unwrap();
    let file = read(&json);
    let moved = file
        .reseal(&keys(&[2048]), &certificate(3072))
        .text
        .unwrap();
    assert_eq!(changed(&json, &moved).len(), 2);
    serde_json::from_str::<serde_json::Value>(&moved).unwrap();
    let back = read(&moved)
        .reseal(&keys(&[3072]), &certificate(2048))
        .text
        .unwrap();
    let again = seal(
        vec![Item::new("a", secret("1"), source(1))],
        Some(read(&back).secrets()[0].value()),
    );
    assert!(!again.has_changes());
}

#[test]
fn merging_is_for_the_same_secret_and_scope_only() {
    let zoo = seal(vec![Item::new("zoo", secret("new"), None)], None);
    let refused = |text: &str| read(text).merge(&zoo).unwrap_err();
    let text = styles();
    assert!(matches!(
        refused(&text.replace("name: db", "name: db2")),
        MergeError::NotThere { .. }
    ));
    assert!(matches!(
        refused(&format!("{text}---\n{text}")),
        MergeError::Twice { .. }
    ));
    let wide = text.replace(
        "  name: db\n",
        "  name: db\n  annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}\n",
    );
    assert_eq!(
        refused(&wide).to_string(),
        "db.yaml:2:1: the SealedSecret's scope is cluster-wide, the items' strict; seal them for cluster-wide"
    );
    assert!(matches!(
        v1("{}", "").merge(&zoo).unwrap_err(),
        MergeError::V1 { .. }
    ));
    assert!(!text.contains(ANNOTATION));
}

#[test]
fn a_scope_is_set_by_annotation() {
    for (scope, name) in [
        (Scope::Strict, "strict"),
        (Scope::NamespaceWide, "namespace-wide"),
        (Scope::ClusterWide, "cluster-wide"),
    ] {
        assert_eq!(name.parse::<Scope>(), Ok(scope));
        for before in [
            "{}",
            "{metadata: {}}",
            "{metadata: {annotations: null}}",
            "{metadata: {annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true', sealedsecrets.bitnami.com/namespace-wide: 'true'}}}",
        ] {
            let mut object = narae_yaml::read_one(before).unwrap();
            scope.annotate(&mut object);
            assert_eq!(
                Scope::from_metadata(object.get("metadata")),
                scope,
                "{before}"
            );
            assert!(scope != Scope::Strict || !narae_yaml::write(&object).contains("annotations"));
        }
    }
    assert_eq!("".parse::<Scope>(), Ok(Scope::Strict));
    assert!("wide".parse::<Scope>().is_err());
    assert!(Label::new(Scope::Strict, "", "").is_err());
}

/// However an item is laid out, merging another value changes that item alone, or is refused.
#[test]
fn odd_layouts_change_at_the_item_only() {
    let item = seal(vec![Item::new("a", secret("new"), None)], None);
    let items = "spec.encryptedData".parse().unwrap();
    let path = "spec.encryptedData.a".parse().unwrap();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\n";
    for (body, refused) in [
        ("spec: {encryptedData: {}}", false),
        ("spec: {encryptedData: {a: 'x', b: 1}} # c", false),
        ("spec: {encryptedData: {? a : x}}", false),
        ("spec:\n  encryptedData:\n    a: !!str x # c\n", false),
        (
            "spec:\n  encryptedData:\n    a: plain\n      folded\n    b: 1\n",
            false,
        ),
        (
            "spec:\n  encryptedData:\n    a: |\n      x\n      y\n    b: 1\n",
            false,
        ),
        (
            "spec:\n  encryptedData:\n    a: |+\n      x\n\n\n    # c\n    b: 1\n",
            false,
        ),
        (
            "spec:\n  encryptedData:\n    a: |2\n       x\n    b: 1\n",
            false,
        ),
        (
            "spec:\r\n  encryptedData:\r\n    a: \"x\"\r\n    b: 1\r\n",
            false,
        ),
        (
            "spec:\n  encryptedData:\n    b: 2\n---\nspec: {encryptedData: {a: 1}}\n",
            false,
        ),
        ("spec:\n  encryptedData:\n    a: >\n      x\n", true),
        ("spec:\n  encryptedData:\n    a:\n    b: 1\n", true),
        ("spec:\n  encryptedData:\n    a: [x]\n", true),
        ("spec:\n  encryptedData: {a: &x y, b: *x}\n", true),
    ] {
        let text = format!("{head}{body}");
        let merged = match read(&text).merge(&item) {
            Ok(merged) => merged,
            Err(error) => {
                assert!(refused, "{error}: {text}");
                continue;
            }
        };
        assert!(!refused, "{merged}");
        let (mut before, after) = (
            narae_yaml::read(&text).unwrap(),
            narae_yaml::read(&merged).unwrap(),
        );
        let new = after[0].at(&path).unwrap().clone();
        assert_eq!(
            new.as_str().map(str::trim_end),
            item.manifest.at(&path).unwrap().as_str()
        );
        let items = before[0].at_mut(&items).and_then(Value::as_mapping_mut);
        items.unwrap().insert("a", new);
        assert_eq!(before, after, "{merged}");
        assert_eq!(text.matches('#').count(), merged.matches('#').count());
    }
}
