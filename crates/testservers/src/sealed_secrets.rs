//! The sealed-secrets controller, on an API server in a network of its own.
//!
//! It takes its configuration only from where a pod has it, `/var/run/secrets`; the namespace has a `/run` of
//! its own. A Service and its Endpoints lead the API server's proxy to it: the proxy looks at no EndpointSlice,
//! refuses loopback, and follows an address only to a Pod that says it has it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::control_plane::ControlPlane;
use crate::network::Network;
use crate::process::Process;
use crate::program::{is_missing, program};

/// As published by the project for this version.
const CRD: &str = include_str!("../data/sealedsecrets.yaml");

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: sealed-secrets-controller, namespace: kube-system}
spec: {ports: [{port: 8080}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: sealed-secrets-controller, namespace: kube-system}
subsets:
- ports: [{port: 8080}]
  addresses: [{ip: ADDRESS, targetRef: {kind: Pod, name: sealed-secrets-controller, namespace: kube-system}}]
---
apiVersion: v1
kind: Pod
metadata: {name: sealed-secrets-controller, namespace: kube-system}
spec: {containers: [{name: controller, image: controller}]}
";

/// A cluster with the controller in `kube-system` under its usual name.
#[derive(Debug)]
pub struct SealedSecrets {
    // INVARIANT: dropped before the API server it talks to.
    controller: Process,
    /// The API server.
    pub cluster: ControlPlane,
}

impl SealedSecrets {
    /// The path of the controller's API behind the API server's proxy.
    pub const PROXY: &str =
        "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:/proxy";

    /// Starts a control plane and the controller, which makes a key of 2048 bits; `None` where they are not
    /// installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["sealed-secrets-controller"], what) {
            return None;
        }
        let cluster = ControlPlane::start_isolated(what)?;
        let apply = ["apply", "--server-side", "-f", "-"];
        cluster.kubectl_with(&apply, CRD);
        cluster.wait_for(&["get", "namespace", "kube-system"]);
        cluster.kubectl_with(&apply, &SERVICE.replace("ADDRESS", Network::ADDRESS));
        let running = format!(
            r#"{{"status":{{"podIP":"{0}","podIPs":[{{"ip":"{0}"}}]}}}}"#,
            Network::ADDRESS
        );
        let pod = [
            "patch",
            "pod",
            "-n",
            "kube-system",
            "sealed-secrets-controller",
        ];
        let status = ["--subresource=status", "--type=merge", "-p", &running];
        cluster.kubectl(&[&pod[..], &status].concat());
        let crd = "customresourcedefinition/sealedsecrets.bitnami.com";
        cluster.wait_for(&["wait", "--for=condition=Established", "--timeout=60s", crd]);

        fs::write(cluster.path("token"), ControlPlane::TOKEN).unwrap();
        let account = "/run/secrets/kubernetes.io/serviceaccount";
        let script = format!(
            "mkdir -p {account} && cp {token} {account}/token && cp {ca} {account}/ca.crt && printf kube-system >{account}/namespace",
            token = cluster.path("token").display(),
            ca = cluster.certificate().display(),
        );
        let made = cluster.command("sh").args(["-c", &script]).status();
        assert!(
            made.unwrap().success(),
            "no service account for the controller"
        );
        let mut command = cluster.command(program("sealed-secrets-controller").unwrap());
        command
            .args(["--key-size", "2048"])
            .args(["--listen-addr", &format!("{}:8080", Network::ADDRESS)])
            .args(["--listen-metrics-addr", "127.0.0.1:8081"])
            .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            .env("KUBERNETES_SERVICE_PORT", cluster.port().to_string());
        let log = cluster.path("controller.log");
        let controller = Process::start(&mut command, &log);
        let started = Self {
            controller,
            cluster,
        };
        let health = format!("{}/healthz", Self::PROXY);
        started.cluster.wait_for(&["get", "--raw", &health]);
        Some(started)
    }

    /// Asks the controller for a new key now, and waits until it has one more.
    pub fn renew_key(&self) {
        let keys = || {
            let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
            let arguments = [
                "get",
                "secret",
                "-n",
                "kube-system",
                "-l",
                label,
                "-o",
                "name",
            ];
            self.cluster.kubectl(&arguments).lines().count()
        };
        let before = keys();
        // Certificates begin at whole seconds, and of two of one second neither is the newer.
        std::thread::sleep(Duration::from_millis(1100));
        let id = self.controller.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-USR1", &id])
                .status()
                .unwrap()
                .success()
        );
        self.cluster.until("a new key", || keys() > before);
    }

    /// What the controller said so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.controller.output()
    }
}
