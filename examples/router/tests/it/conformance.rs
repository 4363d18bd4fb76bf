//! The cases of the Gateway API's own conformance suite, asked of `router explain` and judged as the suite judges what
//! comes back (`CompareRoundTrip`). `gateway-api-cases`, of `.ci/servers`, reads them from the suite's source.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use narae_testservers::{is_missing, program};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::explain::explain;

/// Beginnings of names of tests that are about what is not here.
const NOT_HERE: [&str; 5] = [
    "BackendTLSPolicy",
    "ListenerSet",
    "TCPRoute",
    "TLSRoute",
    "UDPRoute",
];

/// How many cases are asked at least: when fewer are, the suite is no longer read as it is written.
const CASES: usize = 250;

/// The address that clients reach a gateway by.
const ADDRESS: &str = "192.0.2.1";

#[derive(Deserialize)]
struct Suite {
    base: String,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    name: String,
    manifests: Option<Vec<String>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    gateway: String,
    expected: Expected,
}

/// The suite's `ExpectedResponse`, for HTTP and for gRPC.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Expected {
    request: Request,
    expected_request: Option<Request>,
    redirect_request: Option<Redirect>,
    backend_set_response_headers: BTreeMap<String, String>,
    response: Response,
    backend: String,
    namespace: String,
    mirrored_to: Vec<Mirror>,
    echo_two_request: Option<Value>,
    echo_three_request: Option<Value>,
    echo_request: Option<Value>,
    request_metadata: Metadata,
}

#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    host: String,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    absent_headers: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Metadata {
    authority: String,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Redirect {
    scheme: String,
    host: String,
    port: String,
    path: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Response {
    code: String,
    status_code: u16,
    status_codes: Vec<u16>,
    headers: BTreeMap<String, String>,
    valid_header_values: BTreeMap<String, Vec<String>>,
    absent_headers: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Mirror {
    name: String,
    namespace: String,
}

#[test]
fn the_suites_cases() {
    if is_missing(
        &["gateway-api-cases"],
        "the Gateway API's conformance cases",
    ) {
        return;
    }
    let output = Command::new(program("gateway-api-cases").unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let suite: Suite = serde_json::from_slice(&output.stdout).unwrap();
    let (mut asked, mut wrong) = (0, String::new());
    for mut test in suite.tests {
        test.cases.retain(|case| is_answerable(&test.name, case));
        if test.cases.is_empty() {
            continue;
        }
        asked += test.cases.len();
        for (case, answer) in test.cases.iter().zip(test.answers(&suite.base)) {
            if let Err(problem) = case.expected.judge(&answer) {
                let line = case.line(&test.name);
                writeln!(wrong, "{}: {line}: {problem}\n    {answer}", test.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}of {asked} cases");
    assert!(asked >= CASES, "only {asked} cases");
}

/// Whether a case is about the objects as they are in the test's files, and about a decision.
fn is_answerable(test: &str, case: &Case) -> bool {
    let statuses = case.expected.statuses();
    let not_here = NOT_HERE.iter().any(|name| test.starts_with(name));
    // What takes too long is said by a backend that takes long.
    let takes_long = statuses.contains(&504);
    // The grant is deleted before.
    let changed = test == "HTTPRouteReferenceGrant" && statuses == [500];
    !(not_here || takes_long || changed)
}

impl Test {
    fn answers(&self, base: &str) -> Vec<Value> {
        let mut file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        file.write_all(base.as_bytes()).unwrap();
        for manifest in self.manifests.iter().flatten() {
            write!(file, "\n---\n{manifest}").unwrap();
        }
        let requests: String = self
            .cases
            .iter()
            .map(|case| format!("{}\n", case.line(&self.name)))
            .collect();
        let output = explain(file.path().to_str().unwrap(), true, &requests);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", self.name);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Case {
    fn line(&self, test: &str) -> Value {
        let asked = self.expected.asked();
        let port = asked
            .host
            .split_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        json!({
            "method": if asked.method.is_empty() { "GET" } else { &asked.method },
            "host": or(&asked.host, ADDRESS),
            "path": asked.path, "headers": asked.headers, "gateway": self.gateway,
            "port": port.filter(|_| test == "HTTPRouteListenerPortMatching"),
        })
    }
}

impl Expected {
    fn asked(&self) -> Request {
        let service = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho";
        let method = match self {
            Self {
                echo_request: Some(_),
                ..
            } => "Echo",
            Self {
                echo_two_request: Some(_),
                ..
            } => "EchoTwo",
            Self {
                echo_three_request: Some(_),
                ..
            } => "EchoThree",
            _ => return self.request.clone(),
        };
        let mut headers = self.request_metadata.metadata.clone();
        headers.insert("content-type".to_owned(), "application/grpc".to_owned());
        Request {
            host: self.request_metadata.authority.clone(),
            method: "POST".to_owned(),
            path: format!("{service}/{method}"),
            headers,
            ..Request::default()
        }
    }

    fn statuses(&self) -> Vec<u16> {
        let given = &self.response;
        let mut statuses = given.status_codes.clone();
        statuses.extend((given.status_code != 0).then_some(given.status_code));
        // What clients take 404 for, by gRPC's mapping of HTTP statuses.
        statuses.extend((given.code == "Unimplemented").then_some(404));
        if statuses.is_empty() {
            statuses.push(200);
        }
        statuses
    }

    fn judge(&self, answer: &Value) -> Result<(), String> {
        let status = answer["status"].as_u64().unwrap_or_default();
        if !self.statuses().iter().any(|s| u64::from(*s) == status) {
            return Err(format!("status {status}, not {:?}", self.statuses()));
        }
        match (&self.redirect_request, status) {
            (Some(redirect), 300..400) => redirect.judge(&self.asked(), answer),
            (_, 200 | 204) => {
                self.judge_request(answer)?;
                self.judge_response(answer)
            }
            _ => Ok(()),
        }
    }

    fn judge_request(&self, answer: &Value) -> Result<(), String> {
        if answer["backend"].is_null() {
            return Ok(());
        }
        let asked = self.asked();
        let sent = self.expected_request.as_ref().unwrap_or(&asked);
        let same = |name: &str, expected: &str, optional: bool| {
            let is = answer[name].as_str().unwrap_or_default();
            let fits = is == expected || optional && expected.is_empty();
            fits.then_some(())
                .ok_or(format!("{name} `{is}`, not `{expected}`"))
        };
        same("backend", &self.backend, true)?;
        same("namespace", &self.namespace, false)?;
        same("path", &sent.path, false)?;
        same("host", &sent.host, true)?;
        let headers = lower_case(&answer["headers"]);
        for (name, expected) in &sent.headers {
            let is = headers.get(&name.to_lowercase()).cloned().flatten();
            if is.as_deref() != Some(expected) {
                return Err(format!("header {name} is {is:?}, not `{expected}`"));
            }
        }
        let absent = sent.absent_headers.iter();
        if let Some(name) = absent
            .into_iter()
            .find(|name| headers.contains_key(&name.to_lowercase()))
        {
            return Err(format!("header {name} is there"));
        }
        let copies = answer["mirrors"].as_array().map_or(0, Vec::len);
        for mirror in &self.mirrored_to {
            let copy =
                json!({ "backend": mirror.name, "namespace": mirror.namespace, "port": 8080 });
            if copies > 0 && !answer["mirrors"].as_array().unwrap().contains(&copy) {
                return Err(format!("no copy for {}", mirror.name));
            }
        }
        Ok(())
    }

    fn judge_response(&self, answer: &Value) -> Result<(), String> {
        let changes = lower_case(&answer["response_headers"]);
        let set: BTreeMap<String, &String> = self
            .backend_set_response_headers
            .iter()
            .map(|(n, v)| (n.to_lowercase(), v))
            .collect();
        // Both what a change sets, and what one adds.
        let may_be = |name: &str| match (set.get(name), changes.get(name)) {
            (Some(set), None) => vec![(*set).clone()],
            (None, Some(Some(change))) => vec![change.clone()],
            (Some(set), Some(Some(change))) => vec![change.clone(), format!("{set},{change}")],
            (_, Some(None)) | (None, None) => Vec::new(),
        };
        let valid = self.response.valid_header_values.clone().into_iter();
        let fixed = self.response.headers.clone().into_iter();
        let fixed = fixed.map(|(name, value)| (name, vec![value]));
        for (name, expected) in fixed.chain(valid) {
            let is = may_be(&name.to_lowercase());
            let plain = |text: &String| text.replace(' ', "");
            if !is
                .iter()
                .any(|is| expected.iter().any(|e| plain(e) == plain(is)))
            {
                return Err(format!(
                    "response header {name} is {is:?}, not {expected:?}"
                ));
            }
        }
        for name in &self.response.absent_headers {
            if !may_be(&name.to_lowercase()).is_empty() {
                return Err(format!("response header {name} is there"));
            }
        }
        Ok(())
    }
}

impl Redirect {
    fn judge(&self, asked: &Request, answer: &Value) -> Result<(), String> {
        let location = answer["location"].as_str().unwrap_or_default();
        let scheme = or(&self.scheme, "http");
        let host = or(&self.host, or(&asked.host, ADDRESS));
        let path = or(&self.path, &asked.path);
        let ports = match (self.port.as_str(), scheme) {
            ("", "http") => vec![String::new(), ":80".to_owned()],
            ("", _) => vec![String::new(), ":443".to_owned()],
            (port, _) => vec![format!(":{port}")],
        };
        let mut fits = ports
            .iter()
            .map(|port| format!("{scheme}://{host}{port}{path}"));
        if fits.any(|expected| expected == location) {
            return Ok(());
        }
        Err(format!(
            "it leads to {location}, not to {scheme}://{host}{ports:?}{path}"
        ))
    }
}

fn lower_case(headers: &Value) -> BTreeMap<String, Option<String>> {
    let named = headers.as_object().into_iter().flatten();
    named
        .map(|(name, value)| (name.to_lowercase(), value.as_str().map(str::to_owned)))
        .collect()
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
