//! Sends batches over HTTP.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Protocol, Response};
use narae_logparse::encode::otlp::Encoding;
use narae_logparse::encode::{Item, Origin, bulk, loki, otlp};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::Sink;
use super::client::{self, Client};

/// What all requests share.
pub(crate) struct HttpOptions {
    /// The value of the header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// Certificates to trust instead of the public ones, as PEM.
    pub(crate) ca: Option<PathBuf>,
    /// The index or data stream, and Loki's `job`.
    pub(crate) name: String,
    /// Whether bodies go out as gzip.
    pub(crate) compress: bool,
}

/// A server that takes requests of a protocol.
pub(crate) struct Http {
    protocol: Protocol,
    url: String,
    name: String,
    authorization: Option<HeaderValue>,
    client: Client,
    compress: bool,
}

impl Http {
    /// A URL without a path gets the protocol's.
    pub(crate) fn new(protocol: Protocol, url: &str, options: HttpOptions) -> anyhow::Result<Self> {
        let split = url.split_once("://");
        let Some((scheme @ ("http" | "https"), rest)) = split else {
            bail!("{url:?} is no URL: expected http://… or https://…");
        };
        let host = rest.split('/').next();
        if host.is_some_and(|host| host.contains('@')) {
            bail!("credentials belong into LOGSHIP_AUTHORIZATION, not into the URL");
        }
        let authorization = options.authorization.map(|text| {
            let value = HeaderValue::from_str(&text);
            let mut value = value.context("LOGSHIP_AUTHORIZATION cannot be a header's value")?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        let has_path = rest.trim_end_matches('/').contains('/');
        let url = match has_path {
            true => url.to_owned(),
            false => format!("{}{}", url.trim_end_matches('/'), protocol.path()),
        };
        Ok(Self {
            protocol,
            url,
            name: options.name,
            authorization: authorization.transpose()?,
            client: Client::new(scheme, options.ca.as_deref())?,
            compress: options.compress,
        })
    }

    fn post(&self, body: Vec<u8>) -> anyhow::Result<client::Answer> {
        let mut request = self
            .client
            .request(Method::POST, &self.url)
            .header(CONTENT_TYPE, self.protocol.content_type());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request = match self.compress {
            true => request.header(CONTENT_ENCODING, "gzip").body(gzip(&body)?),
            false => request.body(body),
        };
        self.client.send(request, Response::MAX_BODY_BYTES)
    }
}

impl Sink for Http {
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        match self.protocol {
            Protocol::Otlp(encoding) => otlp::item(event, origin, encoding),
            Protocol::Loki => loki::item(event, origin, &self.name),
            _ => bulk::item(event, origin, &self.name),
        }
    }

    fn send(&mut self, items: &[&Item]) -> Answer {
        let body = self.protocol.request(items.iter().copied());
        match self.post(body) {
            Err(error) => Answer::unknown(format!("{error:#}")),
            Ok(answer) => {
                let response = Response::new(answer.status, &answer.body);
                let response = match &answer.retry_after {
                    Some(header) => response.with_retry_after(header),
                    None => response,
                };
                self.protocol.answer(&response, items.iter().copied())
            }
        }
    }
}

/// In gzip (RFC 1952), fast rather than small.
pub(super) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The protocol of a destination's name.
pub(crate) fn protocol(kind: &str) -> Option<Protocol> {
    Some(match kind {
        "opensearch" => Protocol::Bulk,
        "otlp" => Protocol::Otlp(Encoding::Protobuf),
        "otlp-json" => Protocol::Otlp(Encoding::Json),
        "loki" => Protocol::Loki,
        _ => return None,
    })
}
