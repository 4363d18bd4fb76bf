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

#[test]
fn a_tag_says_how_a_value_meets_the_one_before() {
    for (layers, expected) in [
        (&["a: [1]", "a: !append [2, 3]"][..], "{a: [1, 2, 3]}"),
        (&["a: !append [1]", "{}", "a: !append [2]"], "{a: [1, 2]}"),
        (&["a: [1]", "a: null", "a: !append [2]"], "{a: [2]}"),
        (&["a: [1]", "a: !append []"], "{a: [1]}"),
        (&["a: {b: 1, c: 2}", "a: !replace {c: 3}"], "{a: {c: 3}}"),
        (&["a: {b: 1}", "a: !replace text"], "{a: text}"),
        (&["a: [1]", "a: !replace {b: 1}"], "{a: {b: 1}}"),
        // The tag changes how a scalar meets the one before, not what it is.
        (
            &[
                "a: true\nb: {c: 1}\nd: [1]",
                "a: !replace false\nb: !replace 5\nd: !replace ~",
            ],
            "{a: false, b: 5}",
        ),
        (&["a: [1]", "a: !replace '5'"], "{a: '5'}"),
        (
            &["a:\n- !replace 5\n- !replace ~\n- !replace yes\n- !replace |-\n  5\n"],
            "{a: [5, null, true, '5']}",
        ),
        (
            &[
                "e: [{port: 80, v: 1}]",
                "e: !merge:port [{port: !replace 80, v: 2}]",
            ],
            "{e: [{port: 80, v: 2}]}",
        ),
        (
            &[
                "e: [{name: a, v: 1}, {name: b, v: 2, w: {x: 1}}]",
                "e: !merge:name [{name: c, v: 3}, {name: b, v: null, w: {y: 2}}]",
            ],
            "{e: [{name: a, v: 1}, {name: b, w: {x: 1, y: 2}}, {name: c, v: 3}]}",
        ),
        (
            &[
                "e: [{name: a}, {name: b}, x]",
                "e: !merge:name [!delete {name: a}, !delete {name: z}]",
            ],
            "{e: [{name: b}, x]}",
        ),
        // The scalar's type counts, and a base may already be written to be merged.
        (
            &[
                "e: !merge:port [{port: 80, v: 1}, !delete {port: 1}]",
                "e: !merge:port [{port: '80', v: 2}, {port: 80, v: 3}, {port: 1}]",
            ],
            "{e: [{port: 80, v: 3}, {port: '80', v: 2}, {port: 1}]}",
        ),
        (
            &[
                "e: [{id: a, l: [{k: 1, v: 1}]}]",
                "e: !merge:id [{id: a, l: !merge:k [{k: 1, v: 2}]}]",
            ],
            "{e: [{id: a, l: [{k: 1, v: 2}]}]}",
        ),
    ] {
        assert_eq!(merge(layers).as_value(), &yaml(expected), "for {layers:?}");
    }
    let values = merge(&[
        "e: [{name: a, v: 1}]",
        "e: !merge:name [{name: a, v: 2}, {name: b}]",
    ]);
    let origin = |at: &str| values.origin(&path(at)).unwrap().to_string();
    assert_eq!(origin("e[0].v"), "1.yaml:1:30");
    assert_eq!(
        values.overridden(&path("e[0].v"))[0].to_string(),
        "0.yaml:1:18"
    );
    assert_eq!(origin("e[1].name"), "1.yaml:1:41");
}

#[test]
fn an_index_counts_the_elements_that_a_list_shows() {
    let first = "env: !merge:name [!delete {name: A}, {name: B, value: b}]\nl: [{m: {e: !merge:id [!delete {id: 1}, {id: 2}]}}]";
    for (assignment, expected) in [
        (
            "env[0].value=x",
            "{env: [{name: B, value: x}], l: [{m: {e: [{id: 2}]}}]}",
        ),
        (
            "env[1].name=C",
            "{env: [{name: B, value: b}, {name: C}], l: [{m: {e: [{id: 2}]}}]}",
        ),
        (
            "l[0].m.e[0].id=3",
            "{env: [{name: B, value: b}], l: [{m: {e: [{id: 3}]}}]}",
        ),
    ] {
        let set = Layer::set("--set", assignment).unwrap();
        let values = Values::merge([Layer::read("v.yaml", first).unwrap(), set]).unwrap();
        assert_eq!(values.as_value(), &yaml(expected), "for {assignment}");
    }
}

#[test]
fn a_tag_that_means_nothing_is_refused() {
    for (text, expected) in [
        (
            "a: !apend [1]",
            "v.yaml:1:11: the tag `!apend` has no meaning here\n  = did you mean `!append`",
        ),
        (
            "a: !append {b: 1}",
            "v.yaml:1:12: the tag `!append` has no meaning here\n  = `!replace` stands",
        ),
        (
            "a: !vault x",
            "v.yaml:1:11: the tag `!vault` has no meaning here",
        ),
        (
            "a: [!delete {name: x}]",
            "v.yaml:1:13: the tag `!delete` has no meaning here",
        ),
        (
            "a: !replace .inf",
            "v.yaml:1:13: a number that is not finite cannot be read by Kubernetes\n  = quote it",
        ),
        (
            "a: !merge:name [{nam: x}]",
            "v.yaml:1:17: an element of `!merge:name` must be a mapping with a scalar `name`",
        ),
        (
            "a: !merge:name [{name: x}, {name: x}]",
            "v.yaml:1:28: two elements have the same `name`\n  = first at v.yaml:1:17",
        ),
    ] {
        let error = Layer::read("v.yaml", text).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let later = Layer::read("l.yaml", "e: !merge:name [{name: a}]").unwrap();
    let base = Layer::read("b.yaml", "e: [{name: a}, {name: a}]").unwrap();
    let error = Values::merge([base, later]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "l.yaml:1:17: more than one element has the `name` of this one"
    );
}

#[test]
fn assignments_are_written_and_typed_as_for_helm() {
    for (text, expected) in [
        ("", "{}"),
        ("a=1", "{a: 1}"),
        ("a=1,b=x,", "{a: 1, b: x}"),
        ("a.b.c=1,a.d=2", "{a: {b: {c: 1}, d: 2}}"),
        (
            "a=true,b=FALSE,c=null,d=Null,e=",
            "{a: true, b: false, e: ''}",
        ),
        (
            "a=0,b=-1,c=007,d=1.5,e=1e3,f=9223372036854775807,g=9223372036854775808",
            "{a: 0, b: -1, c: '007', d: '1.5', e: '1e3', f: 9223372036854775807, g: '9223372036854775808'}",
        ),
        (
            "a={x,1,true},b={},c={ x , y }",
            "{a: [x, 1, true], b: [], c: [' x ', ' y ']}",
        ),
        (
            "a[0]=x,a[1].b=1,a[1].c=2,d[0][0]=1",
            "{a: [x, {b: 1, c: 2}], d: [[1]]}",
        ),
        (
            r"a\.b=1,c=x\,y,d\=e=2,f={x\,y,z},g=\\",
            r"{a.b: 1, c: 'x,y', d=e: 2, f: ['x,y', z], g: \}",
        ),
        ("a=b=c,d=a.b[0],한글=글", "{a: b=c, d: 'a.b[0]', 한글: 글}"),
        ("a=x: y\nz,b= 1", "{a: \"x: y\\nz\", b: ' 1'}"),
    ] {
        let values = Values::merge([Layer::set("--set", text).unwrap()]).unwrap();
        assert_eq!(values.as_value(), &yaml(expected), "for {text:?}");
    }
    let strings = Layer::set_string("--set-string", "a=1,b=null,c={1,true}").unwrap();
    let values = Values::merge([strings]).unwrap();
    assert_eq!(
        values.as_value(),
        &yaml("{a: '1', b: 'null', c: ['1', 'true']}")
    );

    let base = Layer::read("base.yaml", "l: [{a: 1, b: 2}]\nm: {n: 1}").unwrap();
    let set = Layer::set("--set", "l[0].a=3,l[1].a=4,m=null").unwrap();
    let values = Values::merge([base, set]).unwrap();
    assert_eq!(values.as_value(), &yaml("l: [{a: 3, b: 2}, {a: 4}]"));
    let origin = values.origin(&path("l[0].a")).unwrap();
    assert_eq!(origin.to_string(), "--set l[0].a");
    assert_eq!(
        values.overridden(&path("l[0].a"))[0].to_string(),
        "base.yaml:1:9"
    );
}

#[test]
fn a_bad_assignment_is_refused_with_its_column_and_without_its_value() {
    for (text, expected) in [
        ("a", "--set:1:2: expected `=` and a value behind the key"),
        (
            "a,b=1",
            "--set:1:2: expected `=` and a value behind the key",
        ),
        ("=secret", "--set:1:1: expected a name"),
        ("a=secret,.b=1", "--set:1:10: expected a name"),
        ("a..b=1", "--set:1:3: expected a name"),
        ("[0]=1", "--set:1:1: expected a name"),
        ("a[x]=1", "--set:1:3: expected an index such as `0`"),
        ("a[-1]=1", "--set:1:3: expected an index such as `0`"),
        ("a[0=1", "--set:1:3: expected an index such as `0`"),
        ("a[0", "--set:1:4: expected `]`"),
        ("a={secret", "--set:1:10: expected `}`"),
        (
            "a={secret}b",
            "--set:1:11: expected `,` or the end behind `}`",
        ),
        (
            r"가=secret\",
            "--set:1:10: expected a character behind `\\`",
        ),
    ] {
        let error = Layer::set("--set", text).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{text:?}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let deep = format!("a{}=1", ".a".repeat(1_000));
    let error = Layer::set("--set", &deep).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let deep: Path = std::iter::repeat_n("a", 100_000).collect();
    let layer = Layer::assignment("--set", &deep, Value::from(1_u64));
    assert_eq!(Values::merge([layer]).unwrap_err().kind(), ErrorKind::Limit);
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

/// A layer of values with tags; two of them may not merge.
fn tagged() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "null",
        "[1]",
        "[]",
        "{}",
        "{a: 1, b: 2}",
        "{a: null, b: {c: 1}}",
        "!append [2]",
        "!append [{a: 1}]",
        "!replace [3]",
        "!replace {c: 1}",
        "!replace x",
        "!replace 1",
        "!replace '1'",
        "!replace false",
        "!replace null",
        "!merge:a [{a: 1, b: 2}]",
        "!merge:a [{a: 1, b: null}, {a: x}]",
        "!merge:a [!delete {a: 1}, {a: 2}]",
        "!merge:a [{a: 1, c: !append [4]}]",
        "[{a: 1, c: [null]}]",
    ]);
    prop::collection::vec(value, 0..3).prop_map(|values| {
        let entries = values.iter().zip(["p", "q", "r"]);
        entries
            .map(|(value, key)| format!("{key}: {value}\n"))
            .collect()
    })
}

/// Writes a text so that `--set` reads it as it is.
fn escaped(text: &str) -> String {
    let escape = |c: char| {
        let special = matches!(c, '\\' | ',' | '.' | '=' | '[' | ']' | '{' | '}');
        let escape = special.then_some('\\');
        escape.into_iter().chain([c])
    };
    text.chars().flat_map(escape).collect()
}

proptest! {
    #[test]
    fn any_key_and_text_can_be_assigned(key in ".{1,8}", text in ".{0,8}", inner in ".{1,4}") {
        let assignment = format!("{}.{}={}", escaped(&key), escaped(&inner), escaped(&text));
        let values = Values::merge([Layer::set_string("--set-string", &assignment).unwrap()]).unwrap();
        let at = Path::root().child(key).child(inner);
        prop_assert_eq!(values.get(&at), Some(&Value::from(text)));
    }

    #[test]
    fn layers_group_from_the_left(a in layer(), b in layer(), c in layer()) {
        let first = narae_yaml::write(merge(&[&a, &b]).as_value());
        let (grouped, all) = (merge(&[&first, &c]), merge(&[&a, &b, &c]));
        prop_assert_eq!(grouped.as_value(), all.as_value());
    }

    #[test]
    fn layers_with_tags_group_from_the_left(layers in prop::collection::vec(tagged(), 1..4)) {
        let read = |text: &String| Layer::read("v.yaml", text).unwrap();
        let Ok(all) = Values::merge(layers.iter().map(read)) else {
            return Ok(());
        };
        for middle in 0..layers.len() {
            let (first, rest) = layers.split_at(middle);
            let first = Values::merge(first.iter().map(read)).unwrap();
            let first = narae_yaml::write(first.as_value());
            let grouped = Values::merge([read(&first)].into_iter().chain(rest.iter().map(read)));
            let grouped = grouped.unwrap();
            prop_assert_eq!(grouped.as_value(), all.as_value());
        }
    }

    #[test]
    fn layers_without_null_group_from_the_right(a in layer(), b in layer(), c in layer()) {
        let set = |text: &str| text.replace("null", "3");
        let (b, c) = (set(&b), set(&c));
        let last = narae_yaml::write(merge(&[&b, &c]).as_value());
        let (grouped, all) = (merge(&[&a, &last]), merge(&[&a, &b, &c]));
        prop_assert_eq!(grouped.as_value(), all.as_value());
    }

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

/// Of a mapping that several layers make, the first has the key; of a value, the last that set it.
#[test]
fn the_place_of_a_key_is_that_of_who_set_its_value() {
    let values = Values::merge([
        Layer::read("base.yaml", "a:\n  b:\n    1\n  c: 2\nlist:\n- d: 3\n").unwrap(),
        Layer::read("prod.yaml", "a:\n  b:\n    4\n  e: 5\n").unwrap(),
        Layer::set("--set", "a.c=6").unwrap(),
    ])
    .unwrap();
    for (path, key) in [
        ("a", "base.yaml:1:1"),
        ("a.b", "prod.yaml:2:3"),
        ("a.c", "--set a.c"),
        ("a.e", "prod.yaml:4:3"),
        ("list[0]", "base.yaml:6:3"),
        ("list[0].d", "base.yaml:6:3"),
    ] {
        let found = values.key_origin(&path.parse().unwrap()).unwrap();
        assert_eq!(found.to_string(), key, "for {path}");
    }
    assert_eq!(values.key_origin(&"a.x".parse().unwrap()), None);
}

#[test]
fn a_duplicate_key_in_values_says_what_to_do() {
    let error = Layer::read("values.yaml", "a: 1\nb: 2\na: 3\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "values.yaml:3:1: duplicate key `a` (first at 1:1)\n  = remove one of them, or give them different names"
    );
}
