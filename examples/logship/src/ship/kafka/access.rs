//! How brokers are reached: as they are, or over TLS (rustls); as nobody, or with a name and a password (SASL, RFC 4422).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt as _;
use zeroize::Zeroizing;

use super::scram::Hash;

/// A connection's bytes, whatever carries them.
pub(super) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// How a password is shown to be known.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Mechanism {
    /// It is told (RFC 4616).
    Plain,
    #[value(name = "scram-sha-256")]
    ScramSha256,
    #[value(name = "scram-sha-512")]
    ScramSha512,
}

impl Mechanism {
    /// As it is registered with IANA.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    pub(super) const fn scram(self) -> Option<Hash> {
        match self {
            Self::Plain => None,
            Self::ScramSha256 => Some(Hash::Sha256),
            Self::ScramSha512 => Some(Hash::Sha512),
        }
    }
}

/// Who asks. Shows nothing of itself.
pub(crate) struct Login {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) password: Zeroizing<String>,
}

impl Login {
    pub(crate) fn new(
        mechanism: Mechanism,
        user: String,
        password: Zeroizing<String>,
    ) -> anyhow::Result<Self> {
        let has_zero = user.contains('\0') || password.contains('\0');
        ensure!(
            !has_zero && !user.is_empty() && !password.is_empty(),
            "a name or a password is empty or has a zero byte in it"
        );
        Ok(Self {
            mechanism,
            user,
            password,
        })
    }
}

/// Who asks, and over what.
pub(crate) struct Access {
    tls: Option<Arc<ClientConfig>>,
    login: Option<Login>,
}

impl Access {
    /// With `tls`, trusting the certificates in `ca` or those that the system trusts.
    pub(crate) fn new(tls: bool, ca: Option<&Path>, login: Option<Login>) -> anyhow::Result<Self> {
        let told = login
            .as_ref()
            .is_some_and(|login| login.mechanism == Mechanism::Plain);
        ensure!(
            tls || !told,
            "`--sasl plain` tells the password: it only goes over TLS, with `--tls`"
        );
        let tls = tls.then(|| config(ca)).transpose()?.map(Arc::new);
        Ok(Self { tls, login })
    }

    /// Begins TLS, if that is wanted, with whom `address` names.
    pub(super) fn over(&self, stream: TcpStream, address: &str) -> anyhow::Result<Box<dyn Stream>> {
        let Some(config) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned());
        let name = name.with_context(|| format!("{host:?} is no name to have a certificate"))?;
        let connection = ClientConnection::new(Arc::clone(config), name)?;
        Ok(Box::new(StreamOwned::new(connection, stream)))
    }

    pub(super) const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }
}

fn config(ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let Some(path) = ca else {
        return Ok(builder.with_platform_verifier()?.with_no_client_auth());
    };
    let about = || format!("cannot read certificates from {}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(about)? {
        let certificate = certificate.with_context(about)?;
        roots.add(certificate).with_context(about)?;
    }
    ensure!(!roots.is_empty(), "{}: there are none", about());
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
