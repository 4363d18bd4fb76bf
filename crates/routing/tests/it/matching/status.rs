//! Runs `tests/data/status`; its README says how the files are read.

use std::path::Path;

use narae_routing::gateway::{ObjectName, Objects};
use narae_routing::matching::status::{Condition, Ground, Statuses};
use serde::Deserialize;
use yaml_serde::Value;

use super::cases::{add, to};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(rename = "kind")]
    _kind: String,
    ports: Vec<u16>,
    #[serde(default)]
    certificates: Vec<String>,
    gateways: Vec<String>,
    routes: Vec<String>,
    serving: Vec<String>,
}

fn said(conditions: &[Condition]) -> String {
    let conditions = conditions.iter().map(|condition| {
        let Condition {
            kind,
            holds,
            reason,
            message,
            ..
        } = condition;
        // What is not well says why.
        let well = (*kind == "Conflicted") != *holds && *reason != "ListenersNotValid";
        assert_eq!(message.is_empty(), well, "{condition:?}");
        let status = if *holds { "True" } else { "False" };
        format!("{kind}={status}/{reason}")
    });
    conditions.collect::<Vec<_>>().join(" ")
}

fn check(name: &str, objects: &mut Objects, expected: &Expected) {
    let certificates = expected.certificates.iter().map(|certificate| {
        let (namespace, name) = certificate.split_once('/').unwrap();
        ObjectName::new(namespace, name)
    });
    let ground = Ground::new(certificates, expected.ports.iter().copied());
    let statuses = Statuses::of(objects, &ground);
    let mut gateways = Vec::new();
    for status in &statuses.gateways {
        gateways.push(format!("{}: {}", status.gateway, said(&status.conditions)));
        for listener in &status.listeners {
            let kinds: Vec<&str> = listener.supported_kinds.iter().map(|k| k.name()).collect();
            gateways.push(format!(
                "{} {}: {} {} {}",
                status.gateway,
                listener.name,
                listener.attached_routes,
                kinds.join(","),
                said(&listener.conditions)
            ));
        }
    }
    assert_eq!(gateways, expected.gateways, "{name}");
    let routes = statuses.routes.iter().flat_map(|status| {
        status.parents.iter().map(move |parent| {
            let conditions = said(&parent.conditions);
            format!(
                "{} {} {}: {conditions}",
                status.kind, status.route, parent.parent
            )
        })
    });
    assert_eq!(routes.collect::<Vec<_>>(), expected.routes, "{name}");

    ground.keep_programmed(objects);
    let serving = objects.gateways.iter().flat_map(|gateway| {
        gateway.spec.listeners.iter().map(|listener| {
            let certificates = listener.tls.certificate_refs.iter();
            let certificates = certificates.map(|c| format!(" {}", c.name));
            let certificates: String = certificates.collect();
            let gateway = gateway.metadata.object_name();
            format!("{gateway} {}{certificates}", listener.name)
        })
    });
    assert_eq!(serving.collect::<Vec<_>>(), expected.serving, "{name}");
}

#[test]
fn statuses_have_the_reasons_of_the_api() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/status");
    let mut ran = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut objects, mut expected) = (Objects::default(), None);
        for document in yaml_serde::Deserializer::from_str(&text) {
            let value = Value::deserialize(document).unwrap();
            if value["kind"] == "Statuses" {
                expected = Some(to::<Expected>(&name, value));
            } else {
                add(&name, value, &mut objects);
            }
        }
        check(&name, &mut objects, &expected.unwrap());
        ran += 1;
    }
    assert!(ran > 1);
}
