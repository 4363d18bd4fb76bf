//! The controller's certificate and keys, through the API server the kubeconfig names.

use anyhow::{Context as _, Result};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use narae_secrets::sealed::{Backup, Certificate, Controller};

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
        let client = kube::Client::try_from(config(cluster).await?)?;
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
    Ok(match (&cluster.kubeconfig, &cluster.context) {
        (Some(file), _) => {
            let kubeconfig = Kubeconfig::read_from(file)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await?
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await?,
        // Within a pod it is the pod's own account.
        (None, None) => Config::infer().await?,
    })
}
