//! Runs `tests/data/matching`; its README says how the files are read.

use std::collections::BTreeMap;
use std::path::Path;

use narae_routing::gateway::{ObjectName, Objects};
use narae_routing::matching::{
    Arrival, Claims, Decision, Forward, HeaderChange, Identity, Outcome, Presented, Request,
    Scheme, Table,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use yaml_serde::Value;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(default)]
    findings: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    is: String,
    request: String,
    /// Headers the client sends.
    #[serde(default)]
    with: BTreeMap<String, Value>,
    at: Option<String>,
    /// Who the client was verified to be: `user`, `claims` or `invalid`, and by which policy.
    #[serde(default)]
    who: Option<Who>,
    /// What is said of a client that may not pass.
    denied: Option<String>,
    times: Option<usize>,
    gets: Value,
    path: Option<String>,
    host: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    response: Option<BTreeMap<String, Option<String>>>,
    mirrors: Option<Vec<String>>,
    copies: Option<BTreeMap<String, usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    user: Option<String>,
    claims: Option<Claims>,
    invalid: Option<String>,
    by: Option<String>,
}

impl Who {
    fn identity(&self) -> Option<Identity> {
        let identity = match (&self.user, &self.claims) {
            (Some(user), None) => Identity::of_user(user),
            (None, claims) => Identity::of_claims(claims.clone()?),
            _ => panic!("user or claims"),
        };
        Some(match &self.by {
            Some(policy) => identity.verified_by(ObjectName::new("infra", policy)),
            None => identity,
        })
    }
}

fn read(name: &str, objects: &mut Objects) -> Option<Cases> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/matching")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut cases = None;
    for document in yaml_serde::Deserializer::from_str(&text) {
        let value = Value::deserialize(document).unwrap_or_else(|e| panic!("{name}: {e}"));
        if value["kind"] == "Cases" {
            cases = Some(to(name, value));
        } else {
            add(name, value, objects);
        }
    }
    cases
}

pub(super) fn add(name: &str, value: Value, objects: &mut Objects) {
    match value["kind"].as_str().unwrap() {
        "List" => {
            for item in value["items"].as_sequence().unwrap() {
                add(name, item.clone(), objects);
            }
        }
        "Gateway" => objects.gateways.push(to(name, value)),
        "HTTPRoute" => objects.http_routes.push(to(name, value)),
        "GRPCRoute" => objects.grpc_routes.push(to(name, value)),
        "Service" => objects.services.push(to(name, value)),
        "Namespace" => objects.namespaces.push(to(name, value)),
        "ReferenceGrant" => objects.reference_grants.push(to(name, value)),
        "AccessPolicy" => objects.access_policies.push(to(name, value)),
        "TrafficPolicy" => objects.traffic_policies.push(to(name, value)),
        "EndpointSlice" => objects.endpoint_slices.push(to(name, value)),
        other => panic!("{name}: {other}"),
    }
}

pub(super) fn to<T: DeserializeOwned>(name: &str, value: Value) -> T {
    yaml_serde::from_value(value).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn requests_go_where_the_api_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/matching");
    let (mut ran, mut failures) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".yaml") || name == "base.yaml" {
            continue;
        }
        let mut objects = Objects::default();
        read("base.yaml", &mut objects);
        let cases = read(&name, &mut objects).unwrap_or_else(|| panic!("{name}: no Cases"));
        let (table, findings) = Table::compile(&objects);
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let expected = cases.findings.iter();
        if findings.len() != cases.findings.len()
            || !findings
                .iter()
                .zip(expected)
                .all(|(is, should)| is.starts_with(should))
        {
            failures.push(format!("{name}: findings are {findings:#?}"));
        }
        for case in &cases.cases {
            ran += 1;
            if let Err(failure) = check(&table, case) {
                failures.push(format!("{name}: {}: {}: {failure}", case.is, case.request));
            }
        }
    }
    assert!(ran > 150, "only {ran} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(table: &Table, case: &Case) -> Result<(), String> {
    let words: Vec<&str> = case.request.split(' ').collect();
    let (method, host, target) = match words[..] {
        [method, host, target] => (method, host, target),
        [method, url] => {
            let at = url.find('/').unwrap_or(url.len());
            (method, &url[..at], &url[at..])
        }
        _ => panic!("{}", case.request),
    };
    let lists: Vec<(&str, Vec<&str>)> = case
        .with
        .iter()
        .map(|(name, value)| match value {
            Value::Sequence(values) => (
                name.as_str(),
                values.iter().map(|v| v.as_str().unwrap()).collect(),
            ),
            value => (name.as_str(), value.as_str().into_iter().collect()),
        })
        .collect();
    let headers: Vec<(&str, &str)> = lists
        .iter()
        .flat_map(|(name, values)| values.iter().map(|value| (*name, *value)))
        .collect();
    let identity = case.who.as_ref().and_then(Who::identity);
    let presented = match case.who.as_ref().and_then(|who| who.invalid.as_deref()) {
        Some("Bearer") => Presented::Invalid(Scheme::Bearer),
        Some("Basic") => Presented::Invalid(Scheme::Basic),
        Some(_) => Presented::Unverifiable,
        None => identity
            .as_ref()
            .map_or(Presented::Nothing, Presented::Identity),
    };
    let request = Request::new(method, host, target, &headers).presenting(presented);
    let arrival = case.at.as_deref().map_or(Arrival::ANYWHERE, arrival);

    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    let times = case.times.unwrap_or(1);
    for _ in 0..times {
        let decision = table.decide(&arrival, &request);
        *outcomes.entry(short(&decision)).or_default() += 1;
        if let Outcome::Forward(forward) = &decision.outcome {
            for mirror in &forward.mirrors {
                *copies.entry(mirror.service.name().to_owned()).or_default() += 1;
            }
            if times == 1 {
                sent(case, forward, &request)?;
            }
        } else if case.path.is_some() || case.host.is_some() {
            return Err(format!("gets {}", short(&decision)));
        }
        let denied = decision.denied.as_ref().map(ToString::to_string);
        if case.denied.is_some() || case.who.is_some() {
            same("denied", &denied, &case.denied)?;
        }
        if let Some(expected) = &case.response {
            let changes: BTreeMap<String, Option<String>> =
                decision.response_headers.iter().map(change).collect();
            same("response", &changes, expected)?;
        }
    }
    let expected: BTreeMap<String, usize> = match &case.gets {
        Value::String(one) => [(one.clone(), times)].into(),
        many => yaml_serde::from_value(many.clone()).unwrap(),
    };
    same("outcome", &outcomes, &expected)?;
    match &case.copies {
        Some(expected) => same("copies", &copies, expected),
        None => Ok(()),
    }
}

/// `GATEWAY`, `GATEWAY/LISTENER` or `GATEWAY#PORT`.
fn arrival(text: &str) -> Arrival {
    let gateway = text.split(['/', '#']).next().unwrap();
    let arrival = Arrival::ANYWHERE.at_gateway(ObjectName::new("infra", gateway));
    match (text.split_once('/'), text.split_once('#')) {
        (Some((_, listener)), _) => arrival.at_listener(listener),
        (_, Some((_, port))) => arrival.at_port(port.parse().unwrap()),
        _ => arrival,
    }
}

fn short(decision: &Decision<'_>) -> String {
    match (&decision.outcome, decision.status()) {
        (Outcome::Forward(forward), _) => forward.backend.service.name().to_owned(),
        (Outcome::Redirect { location, .. }, Some(status)) => format!("{status} {location}"),
        (_, status) => status.map_or(String::new(), |status| status.to_string()),
    }
}

fn sent(case: &Case, forward: &Forward<'_>, request: &Request<'_>) -> Result<(), String> {
    if let Some(path) = &case.path {
        same("path", &forward.target.as_ref(), &path.as_str())?;
    }
    if let Some(host) = &case.host {
        same("host", &forward.host.as_ref(), &host.as_str())?;
    }
    let headers = forward.headers(request);
    for (name, expected) in &case.headers {
        let values: Vec<&str> = headers
            .iter()
            .filter(|(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        let joined = (!values.is_empty()).then(|| values.join(","));
        if let Value::String(_) | Value::Null = expected {
            same(name, &joined.as_deref(), &expected.as_str())?;
        }
    }
    if let Some(mirrors) = &case.mirrors {
        let got: Vec<&str> = forward.mirrors.iter().map(|m| m.service.name()).collect();
        same(
            "mirrors",
            &got,
            &mirrors.iter().map(String::as_str).collect(),
        )?;
    }
    Ok(())
}

fn change(change: &HeaderChange<'_>) -> (String, Option<String>) {
    let value = match change {
        HeaderChange::Set(_, value) => Some(format!("={value}")),
        HeaderChange::Add(_, value) => Some(format!("+{value}")),
        HeaderChange::Remove(_) => None,
    };
    (change.name().to_owned(), value)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Result<(), String> {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what} is {is:?}, not {should:?}"))
    }
}
