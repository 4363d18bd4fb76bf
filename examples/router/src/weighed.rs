//! `router explain 'GET http://host/path'`: one request and everything that was weighed, for people.

use std::io::Write;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use narae_routing::gateway::Objects;
use narae_routing::matching::{Arrival, Contest, Forward, Outcome, Request, Table, normal_target};
use narae_routing::pool::{Change, Policy, Pool, what_if};

use crate::explain::ExplainError;

/// How many matches are written out; those of other paths are rarely what somebody asks about.
const MOST_CONTENDERS: usize = 50;

/// The request of a command line.
pub(crate) struct Line<'a> {
    method: &'a str,
    uri: Uri,
    /// As it is decided about when it is served.
    target: String,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    /// Reads 'METHOD URL' and each 'NAME: VALUE'.
    pub(crate) fn parse(request: &'a str, headers: &'a [String]) -> Result<Self, ExplainError> {
        let unreadable = |text: &str| ExplainError::Request(text.to_owned());
        let (method, url) = request.split_once(' ').ok_or_else(|| unreadable(request))?;
        let uri: Uri = url.trim().parse().map_err(|_| unreadable(request))?;
        if uri.authority().is_none() {
            return Err(unreadable(request));
        }
        let headers: Option<Vec<(&str, &str)>> = headers
            .iter()
            .map(|header| header.split_once(':').map(|(n, v)| (n.trim(), v.trim())))
            .collect();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            method,
            target: normal_target(target).into_owned(),
            uri,
            headers: headers.ok_or_else(|| unreadable("-H"))?,
        })
    }

    pub(crate) fn request(&self) -> Request<'_> {
        let host = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        Request::new(self.method, host, &self.target, &self.headers)
    }

    /// The credentials it carries.
    pub(crate) fn authorization(&self) -> HeaderMap {
        let sent = self.headers.iter();
        let sent = sent.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let values = sent.filter_map(|(_, value)| HeaderValue::from_str(value).ok());
        values.map(|value| (AUTHORIZATION, value)).collect()
    }
}

/// Writes the decision, the contest, and the sites of the service; true if the request goes somewhere.
pub(crate) fn write(
    objects: &Objects,
    table: &Table,
    asked: &Request<'_>,
    out: &mut impl Write,
) -> Result<bool, ExplainError> {
    let contest = table.contest(&Arrival::ANYWHERE, asked);
    let decision = table.decide(&Arrival::ANYWHERE, asked);
    let mut text = String::new();
    match &decision.outcome {
        Outcome::Forward(forward) => forwarded(objects, forward, asked, &mut text),
        Outcome::Redirect { status, location } => text = format!("{status} to {location}\n"),
        Outcome::Respond { status, .. } => text = format!("{status}, answered by the route\n"),
        Outcome::Refuse(refusal) => {
            text = format!("{}, {refusal}\n", refusal.status());
            if let Some(denied) = &decision.denied {
                text.push_str(&format!("  {denied}\n"));
            }
        }
    }
    contenders(&contest, &mut text);
    out.write_all(text.as_bytes()).map_err(ExplainError::Io)?;
    Ok(decision.status().is_none_or(|status| status < 400))
}

fn forwarded(objects: &Objects, forward: &Forward<'_>, asked: &Request<'_>, text: &mut String) {
    let backend = forward.backend;
    text.push_str(&format!(
        "goes to {backend} as {}{}\n",
        forward.host, forward.target
    ));
    for (name, value) in forward.headers(asked) {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    for mirror in &forward.mirrors {
        text.push_str(&format!("  copied to {mirror}\n"));
    }
    let policy = objects.pool(&backend.service, backend.port);
    match Pool::new(policy.clone()) {
        Ok(pool) => sites(&policy, &pool, text),
        Err(error) => text.push_str(&format!("its policy makes no pool: {error}\n")),
    }
}

/// As the files have it: nothing has happened to anybody yet. What is so in a running router, its admin port says.
fn sites(policy: &Policy, pool: &Pool, text: &mut String) {
    text.push_str("sites and endpoints, before anything has happened:\n");
    let now = what_if(policy, &Change::default(), 0.0);
    for (site, forecast) in pool.standing(Duration::ZERO).iter().zip(&now.sites) {
        let (part, whole) = forecast.share;
        text.push_str(&format!(
            "  {}: priority {}, weight {}, {part}/{whole} of requests, lag {:+.2}, {:?}\n",
            site.name, site.priority, site.weight, site.lag, site.phase
        ));
        for (endpoint, forecast) in site.endpoints.iter().zip(&forecast.endpoints) {
            let (part, whole) = forecast.share;
            let up = match endpoint.up {
                Some(true) => "up",
                Some(false) => "down",
                None => "not asked yet",
            };
            let breaker = endpoint
                .breaker
                .map_or("no breaker".to_owned(), |s| format!("breaker {s}"));
            text.push_str(&format!(
                "    {}: weight {}, {part}/{whole} of requests, lag {:+.2}, {up}, {breaker}\n",
                endpoint.address, endpoint.weight, endpoint.lag
            ));
        }
    }
}

fn contenders(contest: &Contest<'_>, text: &mut String) {
    match contest.listener {
        Some(listener) => text.push_str(&format!(
            "matches for its host at {}/{}, in order of precedence:\n",
            listener.gateway, listener.listener
        )),
        None => text.push_str("no listener is for it\n"),
    }
    for contender in contest.contenders.iter().take(MOST_CONTENDERS) {
        let (rule, entry, verdict) = (contender.rule, contender.entry, &contender.verdict);
        text.push_str(&format!("  {rule}, match {entry}: {verdict}\n"));
    }
    let more = contest.contenders.len().saturating_sub(MOST_CONTENDERS);
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text.push_str(&format!(
        "matches for other hosts or listeners: {}\n",
        contest.elsewhere
    ));
}
