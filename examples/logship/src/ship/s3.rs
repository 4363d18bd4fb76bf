//! A bucket of compressed NDJSON: `PREFIX/date=2026-11-21/hour=04/ID.ndjson.gz`, by the hour of the events and the id of the first of them.
//!
//! A batch arrives whole or is sent again whole, to the same names. Names are in the state before anything is sent under them, until the
//! state says that what is in them was settled: those that a kill left there are removed at the next start, and their lines read and sent again. So each line is
//! there once.
//!
//! Requests are signed in their address (AWS Signature Version 4, presigned), which therefore is in no message.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Outcome};
use narae_logparse::encode::{Item, Origin, bulk};
use reqwest::{Method, RequestBuilder};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

use super::client::Client;
use super::files::hour;
use super::http::gzip;
use super::{Sink, State};

/// How long a signature is good for: a request and a clock that is wrong.
const VALID: Duration = Duration::from_secs(600);
/// What is looked at of an error.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A bucket being written to.
pub(crate) struct S3 {
    /// What it is called in the state.
    name: String,
    bucket: Bucket,
    prefix: String,
    credentials: Credentials,
    client: Client,
    /// Objects that were written or may have been, and are not known to be settled.
    open: BTreeSet<String>,
    /// Those of the batch that is being sent.
    sending: Vec<String>,
}

impl S3 {
    /// Of `s3://BUCKET/PREFIX`, with what AWS' own tools read from the environment: credentials, region, another endpoint. Removes what a kill
    /// left unsettled.
    pub(crate) fn open(place: &str, ca: Option<&Path>, state: &State) -> anyhow::Result<Self> {
        let rest = place.strip_prefix("s3://");
        let rest = rest.with_context(|| format!("{place:?}: expected s3://BUCKET/PREFIX"))?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let odd = |part: &str| matches!(part, "." | "..");
        ensure!(
            !name.is_empty() && !prefix.split('/').any(odd),
            "{place:?}: expected s3://BUCKET/PREFIX"
        );
        let variable = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
            values.find(|value| !value.is_empty())
        };
        let region = variable(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let (endpoint, style) = match variable(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]) {
            Some(endpoint) => (endpoint, UrlStyle::Path),
            None => (
                format!("https://s3.{region}.amazonaws.com"),
                // A certificate's `*` is one label.
                match name.contains('.') {
                    true => UrlStyle::Path,
                    false => UrlStyle::VirtualHost,
                },
            ),
        };
        let scheme = match endpoint.starts_with("http:") {
            true => "http",
            false => "https",
        };
        let endpoint = endpoint.parse().context("AWS_ENDPOINT_URL is no URL")?;
        let bucket = Bucket::new(endpoint, style, name.to_owned(), region)
            .with_context(|| format!("{name:?} is no bucket"))?;
        let credentials = Credentials::from_env()
            .context("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")?;
        let s3 = Self {
            name: format!("s3 {place}"),
            bucket,
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            credentials,
            client: Client::new(scheme, ca)?,
            open: BTreeSet::new(),
            sending: Vec::new(),
        };
        for name in state.written(&s3.name).keys() {
            s3.remove(name)
                .with_context(|| format!("cannot remove {name}, which a kill left"))?;
        }
        Ok(s3)
    }

    fn remove(&self, name: &str) -> anyhow::Result<()> {
        let action = self.bucket.delete_object(Some(&self.credentials), name);
        let url = action.sign(VALID);
        self.ask(self.client.request(Method::DELETE, url.as_str()), &[404])
    }

    fn put(&self, name: &str, lines: &[u8]) -> anyhow::Result<()> {
        let action = self.bucket.put_object(Some(&self.credentials), name);
        let request = self
            .client
            .request(Method::PUT, action.sign(VALID).as_str());
        let request = request.header("content-type", "application/gzip");
        self.ask(request.body(gzip(lines)?), &[])
    }

    /// Success, one of these statuses, or the reason.
    fn ask(&self, request: RequestBuilder, fine: &[u16]) -> anyhow::Result<()> {
        let answer = self.client.send(request, MAX_ERROR_BYTES)?;
        if matches!(answer.status, 200..300) || fine.contains(&answer.status) {
            return Ok(());
        }
        // Nothing but the code: what comes with it can repeat what was signed.
        let body = String::from_utf8_lossy(&answer.body);
        let code = body
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"));
        let legal: String = code
            .map_or("", |(code, _)| code)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(60)
            .collect();
        bail!("answered {} {legal}", answer.status)
    }

    /// Names and positions of a batch's objects.
    fn objects(&self, items: &[&Item]) -> Vec<(String, Vec<usize>)> {
        let mut hours: BTreeMap<&[u8], (String, Vec<usize>)> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let object = hours.entry(item.group()).or_insert_with(|| {
                let hour = String::from_utf8_lossy(item.group());
                let (date, hour) = hour.split_once('T').unwrap_or((&hour, "00"));
                let name = item.id();
                let name = format!("{}date={date}/hour={hour}/{name}.ndjson.gz", self.prefix);
                (name, Vec::new())
            });
            object.1.push(at);
        }
        hours.into_values().collect()
    }
}

impl Sink for S3 {
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        let document = bulk::document(event, origin);
        let mut line = document.body().to_vec();
        line.push(b'\n');
        Item::new(
            document.id().to_owned(),
            hour(event, origin).into_bytes(),
            line,
        )
    }

    fn announce(&mut self, items: &[&Item]) -> bool {
        let objects = self.objects(items).into_iter();
        self.sending = objects.map(|(name, _)| name).collect();
        self.open.extend(self.sending.iter().cloned());
        true
    }

    fn send(&mut self, items: &[&Item]) -> Answer {
        for (name, positions) in self.objects(items) {
            let lines: Vec<&[u8]> = positions
                .iter()
                .filter_map(|at| items.get(*at).map(|item| item.body()))
                .collect();
            if let Err(error) = self.put(&name, &lines.concat()) {
                return Answer::unknown(format!("{error:#}"));
            }
        }
        for name in self.sending.drain(..) {
            self.open.remove(&name);
        }
        Answer::Each(vec![Outcome::Done; items.len()])
    }

    fn remember(&self, state: &mut State) {
        let open = self.open.iter().map(|name| (name.clone(), 0));
        state.set_written(&self.name, &open.collect());
    }
}
