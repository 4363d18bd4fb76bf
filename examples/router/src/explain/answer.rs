//! A decision as it is printed: as a line of JSON, or as a sentence.

use std::collections::BTreeMap;

use narae_routing::matching::{Decision, Forward, HeaderChange, Outcome, Request};
use serde::Serialize;

/// A decision as it is printed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
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
    pub(super) fn of(decision: &Decision<'_>, request: &Request<'_>) -> Self {
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
