//! Callers' own types.

use std::collections::BTreeMap;

use narae_yaml::{Reader, Value};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Container {
    name: String,
    #[serde(default)]
    ports: Vec<u16>,
    probe: Option<Probe>,
    #[serde(default)]
    codes: BTreeMap<u16, bool>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Probe {
    None,
    Exec(Vec<String>),
    HttpGet { path: String, port: u16 },
    Pair(u8, f64),
}

fn container() -> Container {
    Container {
        name: "on".to_owned(),
        ports: vec![80, 443],
        probe: Some(Probe::HttpGet {
            path: "/".to_owned(),
            port: 80,
        }),
        codes: BTreeMap::from([(200, true), (500, false)]),
    }
}

#[test]
fn types_go_out_and_come_back() {
    for probe in [
        None,
        Some(Probe::None),
        Some(Probe::Exec(vec!["true".to_owned()])),
        Some(Probe::HttpGet {
            path: "/".to_owned(),
            port: 80,
        }),
        Some(Probe::Pair(1, 0.5)),
    ] {
        let container = Container {
            probe,
            ..container()
        };
        let text = narae_yaml::to_string(&container).unwrap();
        assert_eq!(
            narae_yaml::from_str::<Container>(&text).unwrap(),
            container,
            "{text}"
        );
        let value = narae_yaml::to_value(&container).unwrap();
        assert_eq!(
            narae_yaml::from_value::<Container>(value).unwrap(),
            container
        );
    }
    assert_eq!(
        narae_yaml::to_string(&container()).unwrap(),
        "name: \"on\"\nports:\n- 80\n- 443\nprobe:\n  httpGet:\n    path: /\n    port: 80\ncodes:\n  \"200\": true\n  \"500\": false\n"
    );
}

#[test]
fn what_does_not_fit_has_a_place_and_stays_unsaid() {
    for (source, expected) in [
        (
            "name: a\nports: [80, hunter2]\n",
            "c.yaml:2:13: invalid type: string, expected u16",
        ),
        (
            "name: a\nports: [80, 99999]\n",
            "c.yaml:2:13: invalid value: number, expected u16",
        ),
        (
            "name: a\nprobe: hunter2\n",
            "c.yaml:2:8: unknown variant, expected one of `none`, `exec`, `httpGet`, `pair`",
        ),
        (
            "name: a\nprobe: {pair: [1, 2, 3]}\n",
            "c.yaml:2:22: more elements than expected",
        ),
        (
            "name: a\nprobe: {httpGet: {path: /}}\n",
            "c.yaml:2:18: missing field `port`",
        ),
        ("ports: []\n", "c.yaml:1:1: missing field `name`"),
        (
            "name: a\nprot: []\n",
            "c.yaml:2:1: unknown field `prot`, expected one of `name`, `ports`, `probe`, `codes`",
        ),
        (
            "name: a\ncodes: {x: true}\n",
            "c.yaml:2:9: invalid type: string, expected u16",
        ),
    ] {
        let error = Reader::new()
            .named("c.yaml")
            .read_into::<Container>(source)
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn json_text_is_what_kubernetes_would_have() {
    let value = narae_yaml::read_one("a: 1.0\nb: 0x10\nc: yes\nd: 1e-3\n").unwrap();
    assert_eq!(
        serde_json::to_string(&value).unwrap(),
        r#"{"a":1,"b":16,"c":true,"d":0.001}"#
    );
}

#[test]
fn values_are_made_by_hand_too() {
    let mut value: Value = [1, 2].into_iter().collect();
    value.as_sequence_mut().unwrap().push("x".into());
    assert_eq!(
        value,
        vec![Value::from(1), Value::from(2u8), "x".into()].into()
    );
    assert_eq!(narae_yaml::write(&value), "- 1\n- 2\n- x\n");
    let path = "[2]".parse().unwrap();
    *value.at_mut(&path).unwrap() = Value::Null;
    assert!(value.get_index(2).unwrap().is_null());
}

#[test]
fn pointers_find_what_paths_find() {
    let value = narae_yaml::read_one("{a: [{'x/y~z': 1}, 2], '': {'0': 3}}").unwrap();
    for (pointer, expected) in [
        ("/a/0/x~1y~0z", Some(1)),
        ("/a/1", Some(2)),
        ("//0", Some(3)),
        ("/a/01", None),
        ("/a/+1", None),
        ("/a/2", None),
        ("/a/-", None),
        ("/a/1/b", None),
        ("a", None),
    ] {
        let found = value.pointer(pointer).and_then(Value::as_i64);
        assert_eq!(found, expected, "{pointer}");
    }
    assert_eq!(value.pointer(""), Some(&value));
    let path: narae_yaml::Path = "a[0][\"x/y~z\"]".parse().unwrap();
    assert_eq!(value.pointer(&path.to_pointer()), value.at(&path));
    let mut taken = value.clone();
    assert_eq!(taken.take(), value);
    assert!(taken.is_null());
}

#[test]
fn what_a_type_refuses_after_reading_has_the_place_of_its_part() {
    #[derive(Debug)]
    struct Even;
    impl<'de> serde::Deserialize<'de> for Even {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            match u8::deserialize(from)? % 2 {
                0 => Ok(Self),
                _ => Err(serde::de::Error::custom("odd")),
            }
        }
    }
    let error =
        narae_yaml::from_str::<Vec<std::collections::BTreeMap<String, Even>>>("- a: 2\n  b: 3\n");
    assert_eq!(error.unwrap_err().to_string(), "2:6: odd");
    let error = narae_yaml::from_str::<Vec<Even>>("[2,\n 3]\n");
    assert_eq!(error.unwrap_err().to_string(), "2:2: odd");
}
