//! TLS of listeners: certificates, which of them a client gets, and which listener it came to.

use std::fmt;
use std::sync::Arc;

use narae_routing::matching::Hostname;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureScheme, version};

/// A certificate with its chain and key, checked to belong together.
#[derive(Clone)]
pub(crate) struct Certificate {
    certified: Arc<CertifiedKey>,
    /// The DNS names it is for, in lower case; `*.` in front stands for one label (RFC 6125, 6.4.3).
    names: Arc<[String]>,
}

impl Certificate {
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(|_| CertificateError::Chain)?;
        if chain.is_empty() {
            return Err(CertificateError::Chain);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::Key)?;
        let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|_| CertificateError::Key)?;
        let names = chain.first().map(names).transpose()?.unwrap_or_default();
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Self {
                certified: Arc::new(certified),
                names,
            }),
            Err(_) => Err(CertificateError::Mismatch),
        }
    }

    /// How well it fits a name in lower case, the best first.
    fn fit(&self, name: Option<&str>) -> Fit {
        let Some(name) = name else {
            return Fit::Other;
        };
        if self.names.iter().any(|own| own == name) {
            return Fit::Exact;
        }
        let below = name.split_once('.').map(|(_, domain)| domain);
        let wildcard = |own: &String| own.strip_prefix("*.").is_some_and(|d| Some(d) == below);
        if self.names.iter().any(wildcard) {
            Fit::Wildcard
        } else {
            Fit::Other
        }
    }
}

/// How a certificate fits the name that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    Wildcard,
    Other,
}

fn names(certificate: &CertificateDer<'_>) -> Result<Arc<[String]>, CertificateError> {
    let read = webpki::EndEntityCert::try_from(certificate);
    let read = read.map_err(|_| CertificateError::Chain)?;
    Ok(read
        .valid_dns_names()
        .map(str::to_ascii_lowercase)
        .collect())
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Why a certificate cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error(
        "a secret of type kubernetes.io/tls has tls.crt and tls.key, in base64 or as stringData"
    )]
    Shape,
    #[error("tls.crt is not a chain of certificates in PEM")]
    Chain,
    #[error("tls.key is not a private key in PEM of a kind that TLS uses")]
    Key,
    #[error("tls.key is not the key of the certificate in tls.crt")]
    Mismatch,
}

/// The HTTPS listeners of one port.
#[derive(Debug)]
pub(crate) struct Port {
    /// The most specific hostname first.
    listeners: Vec<TlsListener>,
}

/// A listener that speaks TLS.
#[derive(Debug)]
pub(crate) struct TlsListener {
    pub(crate) name: String,
    pub(crate) hostname: Hostname,
    /// The first is for whoever asks for another name, or for none.
    pub(crate) certificates: Vec<Certificate>,
}

impl TlsListener {
    /// The certificate for a name: of those whose key the client can verify the one that is for exactly this name, or
    /// for all names beside it, or the first.
    fn certificate(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<&Certificate> {
        let name = name.map(str::to_ascii_lowercase);
        self.certificates.iter().min_by_key(|certificate| {
            let verifiable = certificate.certified.key.choose_scheme(schemes).is_some();
            (!verifiable, certificate.fit(name.as_deref()))
        })
    }
}

impl Port {
    pub(crate) fn new(mut listeners: Vec<TlsListener>) -> Self {
        listeners.sort_by_key(|listener| match &listener.hostname {
            Hostname::Exact(_) => (0, 0),
            Hostname::Below(domain) => (1, usize::MAX - domain.len()),
            Hostname::Any => (2, 0),
        });
        Self { listeners }
    }

    /// The listener for a name; without one, the first that takes every host, or else the first.
    pub(crate) fn listener(&self, name: Option<&str>) -> Option<&TlsListener> {
        match name {
            Some(name) => {
                let name = name.to_ascii_lowercase();
                self.listeners.iter().find(|l| l.hostname.matches(&name))
            }
            None => {
                let any = self.listeners.iter().find(|l| l.hostname == Hostname::Any);
                any.or(self.listeners.first())
            }
        }
    }

    pub(crate) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(Arc::clone(self))));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

#[derive(Debug)]
struct Resolver(Arc<Port>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        let listener = self.0.listener(name)?;
        let certificate = listener.certificate(name, hello.signature_schemes())?;
        Some(Arc::clone(&certificate.certified))
    }
}
