//! How layers merge, and who set what.

use narae_manifest::{ErrorKind, Layer, Values};
use narae_yaml::{Path, Value};
use proptest::prelude::*;

use super::yaml;

fn merge(layers: &[&str]) -> Values {
    let read = |(i, text): (usize, &&str)| Layer::read(&format!("{i}.yaml"), text).unwrap();
    Values::merge(layers.iter().enumerate().map(read)).unwrap()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn layers_merge_as_json_merge_patch_does() {
    for (layers, expected) in [
        (&["a: 1", "b: 2"][..], "{a: 1, b: 2}"),
        (&["a: 1", "a: 2"], "{a: 2}"),
        (
            &["a: {b: 1, c: 2}", "a: {c: 3, d: 4}"],
            "{a: {b: 1, c: 3, d: 4}}",
        ),
        (&["a: [1, 2]", "a: [3]"], "{a: [3]}"),
        (&["a: 1", "a: null"], "{}"),
        (&["a: {b: 1}", "a: null", "a: {c: 2}"], "{a: {c: 2}}"),
        // Also in the first layer, and inside a mapping that is new.
        (&["a: null\nb: 1"], "{b: 1}"),
        (&["", "a: {b: null, c: 1}"], "{a: {c: 1}}"),
        (&["a: [null, {b: null}]"], "{a: [null, {b: null}]}"),
        (&["a: {b: 1}", "a: null", "a: text"], "{a: text}"),
        (&["a: 1", "a: text"], "{a: text}"),
        (&["# nothing\n", "", "---\n"], "{}"),
        (
            &["x: &d {a: 1, b: 2}\ny: {<<: *d, b: 3}"],
            "{x: {a: 1, b: 2}, y: {b: 3, a: 1}}",
        ),
    ] {
        assert_eq!(merge(layers).as_value(), &yaml(expected), "for {layers:?}");
    }
}

#[test]
fn every_value_knows_who_set_it_and_whom_that_overrode() {
    let values = merge(&[
        "a: 1\nm:\n  b: x\n  c: y\n",
        "m: {b: z}\na: null\n",
        "a: 3\nm: {d: w}\n",
    ]);
    for (at, origin, overridden) in [
        ("a", "2.yaml:1:4", &["0.yaml:1:4", "1.yaml:2:4"][..]),
        ("m", "0.yaml:3:3", &[]),
        ("m.b", "1.yaml:1:8", &["0.yaml:3:6"]),
        ("m.c", "0.yaml:4:6", &[]),
        ("m.d", "2.yaml:2:8", &[]),
    ] {
        assert_eq!(
            values.origin(&path(at)).unwrap().to_string(),
            origin,
            "for {at}"
        );
        let found: Vec<String> = values
            .overridden(&path(at))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, overridden, "for {at}");
    }
    assert_eq!(values.get(&path("m.b")), Some(&Value::from("z")));
    assert_eq!(values.origin(&path("m.x")), None);
    assert_eq!(values.get(&path("x")), None);
}

#[test]
fn an_assignment_is_a_layer() {
    let base = "image: {name: shop, tag: a}\nlist: [{a: 1}, {a: 2}]\n";
    for (at, value, expected) in [
        (
            "image.tag",
            "b",
            "{image: {name: shop, tag: b}, list: [{a: 1}, {a: 2}]}",
        ),
        (
            "new.deep",
            "1",
            "{image: {name: shop, tag: a}, list: [{a: 1}, {a: 2}], new: {deep: 1}}",
        ),
        (
            "list[1].a",
            "3",
            "{image: {name: shop, tag: a}, list: [{a: 1}, {a: 3}]}",
        ),
        (
            "image",
            "{tag: c}",
            "{image: {name: shop, tag: c}, list: [{a: 1}, {a: 2}]}",
        ),
        ("list", "null", "{image: {name: shop, tag: a}}"),
        (".", "{list: null}", "{image: {name: shop, tag: a}}"),
    ] {
        let layer = Layer::assignment("--set", &path(at), yaml(value));
        let values = Values::merge([Layer::read("base.yaml", base).unwrap(), layer]).unwrap();
        assert_eq!(values.as_value(), &yaml(expected), "for {at}");
    }
    let layer = Layer::assignment("--image", &path("image.tag"), Value::from("b"));
    let values = Values::merge([Layer::read("base.yaml", base).unwrap(), layer]).unwrap();
    assert_eq!(
        values.origin(&path("image.tag")).unwrap().to_string(),
        "--image"
    );
    assert_eq!(
        values.overridden(&path("image.tag"))[0].to_string(),
        "base.yaml:1:26"
    );
    let fresh =
        Values::merge([Layer::assignment("--set", &path("a.b"), Value::from(1_u64))]).unwrap();
    assert_eq!(fresh.overridden(&path("a.b")), []);
}

#[test]
fn what_cannot_hold_together_names_both_places() {
    let base = "a: {b: 1}\nl: [1]\ns: x\n";
    for (later, expected) in [
        (
            Layer::read("l.yaml", "a: 1"),
            "l.yaml:1:4: `a` is a number here, but a mapping in base.yaml:1:4",
        ),
        (
            Layer::read("l.yaml", "a: [1]"),
            "l.yaml:1:4: `a` is a sequence here, but a mapping in base.yaml:1:4",
        ),
        (
            Layer::read("l.yaml", "s: {c: 1}"),
            "l.yaml:1:4: `s` is a mapping here, but a string in base.yaml:3:4",
        ),
        (
            Layer::read("l.yaml", "l: text"),
            "l.yaml:1:4: `l` is a string here, but a sequence in base.yaml:2:4",
        ),
        (
            Ok(Layer::assignment("--set", &path("s.c"), Value::from(1_u64))),
            "--set: cannot assign `s.c`: `s` has no key `c`: it is a string in base.yaml:3:4",
        ),
        (
            Ok(Layer::assignment(
                "--set",
                &path("l[3]"),
                Value::from(1_u64),
            )),
            "--set: cannot assign `l[3]`: `l` has length 1",
        ),
        (
            Ok(Layer::assignment(
                "--set",
                &path("a[0]"),
                Value::from(1_u64),
            )),
            "--set: cannot assign `a[0]`: `a` has no element 0: it is a mapping in base.yaml:1:4",
        ),
        (
            Ok(Layer::assignment("--set", &path("l[0]"), Value::Null)),
            "--set: cannot assign `l[0]`: null deletes a key, not an element",
        ),
        (
            Ok(Layer::assignment("--set", &path("."), Value::from(1_u64))),
            "--set: `.` is a number here, but a mapping in values",
        ),
    ] {
        let layers = [Layer::read("base.yaml", base).unwrap(), later.unwrap()];
        let error = Values::merge(layers).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    for (text, kind, expected) in [
        (
            "- 1",
            ErrorKind::WrongType,
            "v.yaml:1:1: a values file must be one mapping, found a sequence",
        ),
        (
            "text",
            ErrorKind::WrongType,
            "v.yaml:1:1: a values file must be one mapping, found a string",
        ),
        (
            "a: 1\na: 2",
            ErrorKind::Syntax,
            "v.yaml:2:1: duplicate key `a` (first at 1:1)",
        ),
        ("a: [", ErrorKind::Syntax, "v.yaml:"),
    ] {
        let error = Layer::read("v.yaml", text).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// Values without a mapping against a scalar, so that any two merge.
fn layer() -> impl Strategy<Value = String> {
    let leaf = prop_oneof!["null", "1", "[2]", "x"].prop_map(String::from);
    let entry = |key: &'static str, value: String| format!("{key}: {value}");
    (leaf.clone(), leaf.clone(), leaf, 0..8_u8).prop_map(move |(a, b, c, mask)| {
        let inner = [("s", &a), ("t", &b)];
        let inner: Vec<String> = inner
            .iter()
            .enumerate()
            .filter(|(i, _)| mask & (1 << i) != 0)
            .map(|(_, (k, v))| entry(k, v.replace("[2]", "2")))
            .collect();
        let outer = if mask & 4 == 0 {
            String::new()
        } else {
            format!(", u: {}", c.replace("[2]", "3"))
        };
        format!("{{m: {{{}}}{outer}}}", inner.join(", "))
    })
}

proptest! {
    #[test]
    fn merging_values_again_changes_nothing(a in layer(), b in layer(), c in layer()) {
        let all = merge(&[&a, &b, &c]);
        let written = narae_yaml::write(all.as_value());
        let again = merge(&[&written, "{}"]);
        prop_assert_eq!(again.as_value(), all.as_value());
    }

    #[test]
    fn every_value_has_an_origin_that_a_layer_wrote(a in layer(), b in layer()) {
        let values = merge(&[&a, &b]);
        let mut open = vec![(Path::root(), values.as_value().clone())];
        while let Some((at, value)) = open.pop() {
            let origin = values.origin(&at).unwrap();
            prop_assert!(at.is_root() || ["0.yaml", "1.yaml"].contains(&origin.source()));
            for (key, value) in value.as_mapping().into_iter().flatten() {
                open.push((at.child(key), value.clone()));
            }
        }
    }
}
