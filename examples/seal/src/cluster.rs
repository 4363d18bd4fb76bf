//! The controller's certificate and keys, through the API server the kubeconfig names.
//!
//! A kubeconfig holds credentials, and errors about one may quote its lines or what a credential helper printed. So they are
//! told in words of our own: where it is broken, not what stands there.

use std::error::Error as StdError;

use anyhow::{Context as _, Result, anyhow, bail};
use http::HeaderValue;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use narae_secrets::sealed::{Backup, Certificate, Controller};
use secrecy::ExposeSecret as _;

use crate::cli::Cluster;

/// The certificate the controller seals with, and its PEM.
pub(crate) fn certificate(cluster: &Cluster) -> Result<(Certificate, String)> {
    ask(cluster, async |controller| {
        Ok(controller.certificate().await?)
    })
    .context("no --cert, and the controller's certificate cannot be had")
}

/// Its keys.
pub(crate) fn keys(cluster: &Cluster) -> Result<Backup> {
    ask(cluster, async |controller| Ok(controller.keys().await?))
        .context("no --recovery-private-key, and the controller's keys cannot be had")
}

fn ask<T>(cluster: &Cluster, call: impl AsyncFnOnce(Controller) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = config(cluster).await?;
        let token = config.auth_info.token.as_ref();
        // kube would panic.
        if token.is_some_and(|token| HeaderValue::from_str(token.expose_secret()).is_err()) {
            bail!("the user's token in the kubeconfig has characters that cannot be sent");
        }
        let client = kube::Client::try_from(config).map_err(|error| anyhow!(unusable(&error)))?;
        let mut controller = Controller::new(client);
        if let Some(namespace) = cluster.controller_namespace.as_ref() {
            controller = controller.with_namespace(namespace);
        }
        if let Some(service) = cluster.controller_name.as_ref() {
            controller = controller.with_service(service);
        }
        call(controller).await
    })
}

async fn config(cluster: &Cluster) -> Result<Config> {
    let options = KubeConfigOptions {
        context: cluster.context.clone(),
        ..KubeConfigOptions::default()
    };
    match (&cluster.kubeconfig, &cluster.context) {
        (Some(file), _) => match Kubeconfig::read_from(file) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
            Err(error) => Err(error),
        }
        .map_err(|error| anyhow!(broken(&error)).context(file.display().to_string())),
        (None, Some(_)) => Config::from_kubeconfig(&options)
            .await
            .map_err(|error| anyhow!(broken(&error))),
        // Within a pod it is the pod's own account.
        (None, None) => Config::infer().await.map_err(|error| {
            let cause = error.source().and_then(|cause| cause.downcast_ref());
            anyhow!(cause.map_or_else(|| "no cluster is known".to_owned(), broken))
        }),
    }
}

fn broken(error: &KubeconfigError) -> String {
    use KubeconfigError as E;
    match error {
        E::Parse(cause) => match cause.location() {
            Some(at) => format!(
                "line {}, column {}: not the YAML of a kubeconfig",
                at.line(),
                at.column()
            ),
            None => "not the YAML of a kubeconfig".to_owned(),
        },
        // Names of files, contexts and clusters, and the operating system's words.
        E::CurrentContextNotSet
        | E::KindMismatch
        | E::ApiVersionMismatch
        | E::LoadContext(_)
        | E::LoadClusterOfContext(_)
        | E::FindPath
        | E::ReadConfig(..)
        | E::MissingClusterUrl => error.to_string(),
        E::ParseClusterUrl(_) => "the cluster's `server` is not a URL".to_owned(),
        E::ParseProxyUrl(_) => "the cluster's `proxy-url` is not a URL".to_owned(),
        E::LoadCertificateAuthority(_) | E::ParseCertificates(_) => {
            "the cluster's certificate authority cannot be read".to_owned()
        }
        E::LoadClientCertificate(_) => "the user's client certificate cannot be read".to_owned(),
        E::LoadClientKey(_) => "the user's client key cannot be read".to_owned(),
    }
}

fn unusable(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::Auth(_) => {
            "the user's credentials in the kubeconfig cannot be used, or its credential helper fails"
        }
        kube::Error::RustlsTls(_) => "the certificates or the key in the kubeconfig cannot be used",
        _ => "no client can be made of the kubeconfig",
    }
}
