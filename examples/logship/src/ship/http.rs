//! Sends batches over HTTP.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Protocol, Response};
use narae_logparse::encode::otlp::Encoding;
use narae_logparse::encode::{Item, Origin, bulk, loki, otlp};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Sink;

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
    authorization: Option<String>,
    agent: Agent,
    compress: bool,
}

impl Http {
    /// A URL without a path gets the protocol's.
    pub(crate) fn new(protocol: Protocol, url: &str, options: HttpOptions) -> anyhow::Result<Self> {
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let Some(rest) = rest else {
            bail!("{url:?} is no URL: expected http://… or https://…");
        };
        if rest
            .split('/')
            .next()
            .is_some_and(|host| host.contains('@'))
        {
            bail!("credentials belong into LOGSHIP_AUTHORIZATION, not into the URL");
        }
        let has_path = rest.trim_end_matches('/').contains('/');
        let url = match has_path {
            true => url.to_owned(),
            false => format!("{}{}", url.trim_end_matches('/'), protocol.path()),
        };
        Ok(Self {
            protocol,
            url,
            name: options.name,
            authorization: options.authorization,
            agent: agent(options.ca.as_deref())?,
            compress: options.compress,
        })
    }

    fn post(&self, body: &[u8]) -> Result<(u16, Option<String>, Vec<u8>), ureq::Error> {
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", self.protocol.content_type());
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut response = if self.compress {
            request = request.header("content-encoding", "gzip");
            request.send(&gzip(body)?)?
        } else {
            request.send(body)?
        };
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let status = response.status().as_u16();
        let limit = Response::MAX_BODY_BYTES as u64;
        let body = response.body_mut().with_config().limit(limit);
        Ok((status, retry_after, body.read_to_vec()?))
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
        match self.post(&body) {
            Err(error) => Answer::unknown(error.to_string()),
            Ok((status, retry_after, body)) => {
                let response = Response::new(status, &body);
                let response = match &retry_after {
                    Some(header) => response.with_retry_after(header),
                    None => response,
                };
                self.protocol.answer(&response, items.iter().copied())
            }
        }
    }
}

/// What sends requests: with time limits and without redirects. `ca` has the certificates to trust instead of the public ones.
pub(super) fn agent(ca: Option<&Path>) -> anyhow::Result<Agent> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    let tls = match ca {
        None => tls,
        Some(path) => {
            let about = || format!("cannot read certificates from {}", path.display());
            let pem = fs::read(path).with_context(about)?;
            let items = ureq::tls::parse_pem(&pem).collect::<Result<Vec<_>, _>>();
            let certificates: Vec<Certificate<'static>> = items
                .with_context(about)?
                .into_iter()
                .filter_map(|item| match item {
                    ureq::tls::PemItem::Certificate(certificate) => Some(certificate),
                    _ => None,
                })
                .collect();
            tls.root_certs(RootCerts::new_with_certs(&certificates))
        }
    };
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        // A redirect would take the records and the credentials elsewhere.
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    Ok(config.new_agent())
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
