//! What a plan says has changed.

use narae_manifest::plan::compare;
use narae_yaml::Value;
use proptest::prelude::*;

use super::yaml;

/// `path: old -> new` of each change.
fn changes(old: &str, new: &str) -> Vec<String> {
    let side = |value: &Option<Value>| {
        value.as_ref().map_or("·".to_owned(), |value| {
            narae_yaml::write(value).trim_end().to_owned()
        })
    };
    let line = |change: &narae_manifest::FieldChange| {
        format!(
            "{}: {} -> {}",
            change.path,
            side(&change.old),
            side(&change.new)
        )
    };
    compare(Some(&yaml(old)), Some(&yaml(new)))
        .iter()
        .map(line)
        .collect()
}

#[test]
fn changes_are_the_leaves_that_differ() {
    for (old, new, expected) in [
        ("{a: 1}", "{a: 1}", &[][..]),
        ("{a: 1, b: 2}", "{b: 2, a: 1}", &[]),
        ("{a: 1}", "{a: 2}", &["a: 1 -> 2"]),
        (
            "{a: 1}",
            "{b: {c: 2, d: {}}}",
            &["b.c: · -> 2", "b.d: · -> {}", "a: 1 -> ·"],
        ),
        ("{a: {b: 1}}", "{a: 1}", &["a: b: 1 -> 1"]),
        // An element put in front is one change.
        (
            "{env: [{name: A, value: x}]}",
            "{env: [{name: M, value: w}, {name: A, value: x}]}",
            &["env[0].name: · -> M", "env[0].value: · -> w"],
        ),
        (
            "{env: [{name: A, value: x}, {name: B, value: w}]}",
            "{env: [{name: B, value: z}]}",
            &[
                "env[0].value: w -> z",
                "env[0].name: A -> ·",
                "env[0].value: x -> ·",
            ],
        ),
        (
            "{p: [{port: 53, protocol: TCP}]}",
            "{p: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]}",
            &["p[0].port: · -> 53", "p[0].protocol: · -> UDP"],
        ),
        (
            "{t: [{key: a, e: 1}, {key: b, e: 2}]}",
            "{t: [{key: a, e: 1}, {key: b, e: 3}]}",
            &["t[1].e: 2 -> 3"],
        ),
        // Order can matter: when elements change places, no key is used, only the index …
        (
            "{l: [{name: a}, {name: b}]}",
            "{l: [{name: b}, {name: a}]}",
            &["l[0].name: a -> b", "l[1].name: b -> a"],
        ),
        // … and without as many elements as before, the list is one change.
        (
            "{l: [{name: a}, {name: b}]}",
            "{l: [{name: b}, {name: a}, {name: c}]}",
            &["l: - name: a\n- name: b -> - name: b\n- name: a\n- name: c"],
        ),
        ("{l: [a, b]}", "{l: [a, c]}", &["l[1]: b -> c"]),
        ("{l: [a]}", "{l: [a, c]}", &["l: - a -> - a\n- c"]),
        // Two elements of one name cannot be told apart.
        (
            "{l: [{name: a, v: 1}, {name: a, v: 2}]}",
            "{l: [{name: a, v: 1}, {name: a, v: 3}]}",
            &["l[1].v: 2 -> 3"],
        ),
    ] {
        assert_eq!(changes(old, new), expected, "for {old} -> {new}");
    }
}

#[test]
fn a_new_object_and_a_deleted_one_are_all_their_leaves() {
    let object = yaml("{kind: X, l: [{a: 1}], e: []}");
    let paths = |changes: Vec<narae_manifest::FieldChange>| -> Vec<String> {
        changes
            .iter()
            .map(|change| format!("{} {}", change.path, change.new.is_some()))
            .collect()
    };
    assert_eq!(
        paths(compare(None, Some(&object))),
        ["kind true", "l[0].a true", "e true"]
    );
    assert_eq!(
        paths(compare(Some(&object), None)),
        ["kind false", "l[0].a false", "e false"]
    );
    assert_eq!(compare(None, None), []);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        "[ab]".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Sequence),
            prop::collection::vec((prop_oneof!["name", "key", "a", "b"], inner), 0..4)
                .prop_map(|entries| Value::Mapping(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Nothing is lost and nothing invented: no change means equal, and equal means no change.
    #[test]
    fn there_are_changes_exactly_when_the_objects_differ(old in value(), new in value()) {
        prop_assert_eq!(compare(Some(&old), Some(&new)).is_empty(), old == new);
        prop_assert!(compare(Some(&old), Some(&old)).is_empty());
    }

    /// What a change says is there, is there.
    #[test]
    fn changes_quote_the_objects(old in value(), new in value()) {
        for change in compare(Some(&old), Some(&new)) {
            if let Some(value) = &change.new {
                prop_assert_eq!(new.at(&change.path), Some(value));
            } else {
                prop_assert_eq!(old.at(&change.path), change.old.as_ref());
            }
        }
    }
}
