//! The values of `tests/data/platform`, for any number of applications, and where the files are.
//! Deterministic; `benches/` uses it as well.

use std::path::PathBuf;

use narae_yaml::{Mapping, Value};

/// What goes wrong in templates that write text: words that YAML takes for something else, and
/// signs that it takes for its own.
const NASTY: &[&str] = &[
    "true",
    "8080",
    "http://api.shop.svc:8080/path?a=b&c=d",
    "no",
    "-Xmx512m -XX:+UseG1GC",
    "a: b # c",
    "0755",
    "say \"hi\"",
    "1e3",
    "",
];

/// The folder of the chart and of the templates.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/render/tests/data/platform"
    ))
    .canonicalize()
    .or_else(|_| {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/platform")).canonicalize()
    })
    .expect("it is in the repository")
}

/// Values for so many applications, as a file.
pub fn values(applications: usize) -> String {
    let apps = (0..applications).map(application);
    let values = Mapping::from([
        ("environment", Value::from("prod")),
        ("site", Value::from("idc")),
        ("namespace", Value::from("platform")),
        ("apps", Value::from_iter(apps)),
    ]);
    narae_yaml::write(&Value::Mapping(values))
}

fn application(number: usize) -> Value {
    let (team, name) = (format!("team-{}", number % 7), format!("app-{number:03}"));
    let image = Mapping::from([
        (
            "repository",
            Value::from(format!("registry.example.org/{team}/{name}")),
        ),
        (
            "tag",
            Value::from(format!("1.{}.{}", number % 20, number % 7)),
        ),
    ]);
    let variable = |(index, text): (usize, &&str)| {
        let name = Value::from(format!("VARIABLE_{index}"));
        Value::Mapping(Mapping::from([
            ("name", name),
            ("value", Value::from(*text)),
        ]))
    };
    let amounts = |cpu: Option<usize>, memory: usize| {
        let cpu = cpu.map(|cpu| ("cpu", Value::from(format!("{cpu}m"))));
        let memory = ("memory", Value::from(format!("{memory}Mi")));
        Value::Mapping(cpu.into_iter().chain([memory]).collect())
    };
    let resources = Mapping::from([
        (
            "requests",
            amounts(Some(100 + number % 9 * 50), 128 * (1 + number % 6)),
        ),
        ("limits", amounts(None, 256 * (1 + number % 6))),
    ]);
    let lines: String = (0..20)
        .map(|line| format!("server.{line}.name=value-{line}\n"))
        .collect();
    let config = Mapping::from([
        ("LOG_LEVEL", Value::from("info")),
        ("FEATURE_X", Value::from("off")),
        ("application.properties", Value::from(lines)),
    ]);
    let scale = Mapping::from([
        ("min", Value::from(2_u64)),
        ("max", Value::from(10_u64)),
        ("cpu", Value::from(70_u64)),
    ]);
    Value::Mapping(Mapping::from([
        ("name", Value::from(name)),
        ("team", Value::from(team)),
        ("replicas", Value::from(2 + number % 4)),
        ("port", Value::from(8080 + number % 10)),
        ("image", Value::Mapping(image)),
        ("env", NASTY.iter().enumerate().map(variable).collect()),
        ("resources", Value::Mapping(resources)),
        ("config", Value::Mapping(config)),
        ("scale", Value::Mapping(scale)),
    ]))
}
