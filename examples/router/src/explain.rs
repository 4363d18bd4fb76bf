//! `router explain`: requests in, decisions out, one per line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _, Write};
use std::time::{Duration, SystemTime};

use narae_routing::gateway::ObjectName;
use narae_routing::matching::{
    Arrival, Claims, Decision, Forward, HeaderChange, Identity, Outcome, Presented, Request, Table,
};
use serde::{Deserialize, Serialize};

use crate::arguments::{Client, Explain};
use crate::identity::{AccessError, Gatekeeper, Verified};
use crate::objects::{FileError, Files};
use crate::weighed::{self, Line};

/// The longest line read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Reads the files, then answers line by line; true if every line could be read.
pub(crate) fn run(explain: &Explain) -> Result<bool, ExplainError> {
    let files = Files::of(&explain.config)?;
    let (table, findings) = Table::compile(&files.objects);
    let notes = files.notes().into_iter();
    let mut complaints = io::stderr().lock();
    for line in notes.chain(findings.iter().map(ToString::to_string)) {
        writeln!(complaints, "router: {line}").map_err(ExplainError::Io)?;
    }
    if let Some(request) = &explain.request {
        let line = Line::parse(request, &explain.header)?;
        let verified = verified(explain, &files, &table, &line)?;
        let asked = line.request().presenting(verified.presented());
        let mut out = io::stdout().lock();
        return weighed::write(&files.objects, &table, &asked, &mut out);
    }
    answer(
        &table,
        explain.json,
        &mut io::stdin().lock(),
        &mut io::stdout().lock(),
    )
    .map_err(ExplainError::Io)
}

/// Who sends the request: whom `--as` says, or whoever its credentials are of.
fn verified(
    explain: &Explain,
    files: &Files,
    table: &Table,
    line: &Line<'_>,
) -> Result<Verified, ExplainError> {
    let authorization = line.authorization();
    if let Some(who) = &explain.client {
        if !authorization.is_empty() {
            return Err(ExplainError::Twice);
        }
        return Ok(Verified::Identity(who.identity()?));
    }
    if authorization.is_empty() {
        return Ok(Verified::Nothing);
    }
    let gatekeeper = Gatekeeper::new(files, &Gatekeeper::default())?;
    let policies = table.authenticators(&Arrival::ANYWHERE, &line.request());
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let verified = gatekeeper.verify(
        &policies,
        &authorization,
        Duration::ZERO,
        wall.unwrap_or_default(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let verified = runtime.map_err(ExplainError::Io)?.block_on(verified);
    let said = match &verified {
        Verified::Nothing => "no AccessPolicy there asks for such credentials".to_owned(),
        Verified::Identity(identity) => match identity.policy() {
            Some(policy) => format!("its credentials are valid, by AccessPolicy {policy}"),
            None => "its credentials are valid".to_owned(),
        },
        Verified::Invalid(_) => "its credentials are not valid".to_owned(),
        Verified::Unverifiable => "its credentials cannot be verified now".to_owned(),
    };
    crate::say(&said);
    Ok(verified)
}

impl Client {
    fn identity(&self) -> Result<Identity, ExplainError> {
        let file = match self {
            Self::User(user) => return Ok(Identity::of_user(user)),
            Self::Claims(file) => file,
        };
        let text = std::fs::read_to_string(file);
        let wrong = |cause: String| ExplainError::Claims {
            file: file.display().to_string(),
            cause,
        };
        let text = text.map_err(|error| wrong(error.to_string()))?;
        let claims = serde_json::from_str::<Claims>(&text);
        let claims = claims.map_err(|error| wrong(error.to_string()))?;
        Ok(Identity::of_claims(claims))
    }
}

fn answer(
    table: &Table,
    json: bool,
    requests: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<bool> {
    let mut all_read = true;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = requests
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Asked>(&line) {
            Ok(asked) => write_decision(table, json, &asked, out)?,
            Err(error) => {
                all_read = false;
                let error = format!("line {number}: {error}");
                if json {
                    writeln!(out, "{}", serde_json::json!({ "error": error }))?;
                } else {
                    writeln!(out, "{error}")?;
                }
            }
        }
        out.flush()?;
    }
    Ok(all_read)
}

fn write_decision(
    table: &Table,
    json: bool,
    asked: &Asked,
    out: &mut impl Write,
) -> io::Result<()> {
    let headers: Vec<(&str, &str)> = asked
        .headers
        .iter()
        .flat_map(|(name, values)| values.all().map(move |value| (name.as_str(), value)))
        .collect();
    let identity = asked.identity();
    let presented = identity
        .as_ref()
        .map_or(Presented::Nothing, Presented::Identity);
    let request =
        Request::new(&asked.method, &asked.host, &asked.path, &headers).presenting(presented);
    let decision = table.decide(&asked.arrival(), &request);
    let answer = Answer::of(&decision, &request);
    if json {
        writeln!(out, "{}", serde_json::to_string(&answer)?)
    } else {
        writeln!(
            out,
            "{} {}{}: {answer}",
            asked.method, asked.host, asked.path
        )
    }
}

/// A request to explain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    host: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    gateway: Option<GatewayName>,
    #[serde(default)]
    listener: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    /// Who the client was verified to be.
    #[serde(default)]
    identity: Option<Known>,
    /// The same for `identity: { claims: … }`.
    #[serde(default)]
    claims: Option<Claims>,
}

/// A client that was verified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// With a password …
    #[serde(default)]
    user: Option<String>,
    /// … or with a token.
    #[serde(default)]
    claims: Option<Claims>,
    /// The policy that verified it; the listener's first if absent.
    #[serde(default)]
    policy: Option<GatewayName>,
}

fn get() -> String {
    "GET".to_owned()
}

/// `namespace/name`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct GatewayName(ObjectName);

impl TryFrom<String> for GatewayName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let (namespace, name) = text.split_once('/').unwrap_or(("default", &text));
        if name.is_empty() || name.contains('/') {
            return Err("a gateway is NAMESPACE/NAME");
        }
        Ok(Self(ObjectName::new(namespace, name)))
    }
}

/// One value of a header, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    fn all(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Self::One(one) => (Some(one), &[][..]),
            Self::Several(several) => (None, several.as_slice()),
        };
        one.into_iter().chain(several).map(String::as_str)
    }
}

impl Asked {
    fn identity(&self) -> Option<Identity> {
        let known = self.identity.as_ref();
        let user = known.and_then(|known| known.user.as_ref());
        let claims = known
            .and_then(|known| known.claims.as_ref())
            .or(self.claims.as_ref());
        let identity = match (user, claims) {
            (Some(user), _) => Identity::of_user(user),
            (None, claims) => Identity::of_claims(claims?.clone()),
        };
        Some(match known.and_then(|known| known.policy.as_ref()) {
            Some(GatewayName(policy)) => identity.verified_by(policy.clone()),
            None => identity,
        })
    }

    fn arrival(&self) -> Arrival {
        let mut arrival = Arrival::ANYWHERE;
        if let Some(GatewayName(name)) = &self.gateway {
            arrival = arrival.at_gateway(name.clone());
        }
        if let Some(listener) = &self.listener {
            arrival = arrival.at_listener(listener);
        }
        if let Some(port) = self.port {
            arrival = arrival.at_port(port);
        }
        arrival
    }
}

/// A decision as it is printed.
#[derive(Debug, Default, Serialize)]
struct Answer {
    status: u16,
    backend: Option<String>,
    namespace: Option<String>,
    port: Option<u16>,
    path: Option<String>,
    host: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    response_headers: BTreeMap<String, Option<String>>,
    location: Option<String>,
    mirrors: Vec<Copy>,
    gateway: Option<String>,
    listener: Option<String>,
    rule: Option<String>,
    reason: Option<String>,
}

/// Who else gets the request.
#[derive(Debug, Serialize)]
struct Copy {
    backend: String,
    namespace: String,
    port: u16,
}

impl Answer {
    fn of(decision: &Decision<'_>, request: &Request<'_>) -> Self {
        let mut answer = Self {
            status: decision.status().unwrap_or(200),
            gateway: decision.listener.map(|l| l.gateway.to_string()),
            listener: decision.listener.map(|l| l.listener.to_owned()),
            rule: decision.rule.map(|rule| rule.to_string()),
            ..Self::default()
        };
        for change in &decision.response_headers {
            answer.change(change);
        }
        match &decision.outcome {
            Outcome::Forward(forward) => answer.forward(forward, request),
            Outcome::Redirect { location, .. } => answer.location = Some(location.clone()),
            Outcome::Respond { .. } => {}
            Outcome::Refuse(refusal) => {
                answer.reason = Some(match &decision.denied {
                    Some(denied) => format!("{refusal}: {denied}"),
                    None => refusal.to_string(),
                });
            }
        }
        answer
    }

    fn change(&mut self, change: &HeaderChange<'_>) {
        let value = change.value().map(str::to_owned);
        let values = self.response_headers.entry(change.name().to_owned());
        values
            .and_modify(|all| match (all, &value, change) {
                (Some(all), Some(value), HeaderChange::Add(..)) => {
                    all.push(',');
                    all.push_str(value);
                }
                (all, ..) => all.clone_from(&value),
            })
            .or_insert(value);
    }

    fn forward(&mut self, forward: &Forward<'_>, request: &Request<'_>) {
        let backend = forward.backend;
        self.backend = Some(backend.service.name().to_owned());
        self.namespace = Some(backend.service.namespace().to_owned());
        self.port = Some(backend.port);
        self.path = Some(forward.target.to_string());
        self.host = Some(forward.host.to_string());
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in forward.headers(request) {
            // Names in any letter case are one header; the first spelling stands for all.
            let known = headers
                .keys()
                .find(|k| k.eq_ignore_ascii_case(&name))
                .cloned();
            let values = headers.entry(known.unwrap_or(name));
            values
                .and_modify(|all| {
                    all.push(',');
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        self.headers = Some(headers);
        self.mirrors = forward
            .mirrors
            .iter()
            .map(|mirror| Copy {
                backend: mirror.service.name().to_owned(),
                namespace: mirror.service.namespace().to_owned(),
                port: mirror.port,
            })
            .collect();
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.backend, &self.location) {
            (Some(backend), _) => {
                let namespace = self.namespace.as_deref().unwrap_or_default();
                let host = self.host.as_deref().unwrap_or_default();
                let path = self.path.as_deref().unwrap_or_default();
                write!(f, "goes to {namespace}/{backend} as {host}{path}")?;
            }
            (None, Some(location)) => write!(f, "{} to {location}", self.status)?,
            (None, None) => write!(f, "{}", self.status)?,
        }
        if let Some(reason) = &self.reason {
            write!(f, ", {reason}")?;
        }
        match &self.rule {
            Some(rule) => write!(f, " ({rule})"),
            None => Ok(()),
        }
    }
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExplainError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{0}`: write a request as 'GET http://host/path', a header as 'name: value'")]
    Request(String),
    #[error("{file}: {cause}; --as takes a JSON object of claims, or user:NAME")]
    Claims { file: String, cause: String },
    #[error("--as says who sends the request, and so does its Authorization: leave one out")]
    Twice,
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("cannot read the requests or write the answers: {0}")]
    Io(io::Error),
}
