//! A control plane in which Deployments really roll out: kube-controller-manager, kube-scheduler, and kwok in the
//! place of kubelets.
//!
//! There is one node. A pod on it is ready at once, except that an image whose tag begins with `bad` cannot be
//! pulled. No container runs.

use std::fs;
use std::path::Path;

use crate::control_plane::ControlPlane;
use crate::process::Process;
use crate::program::{is_missing, program, skip};

/// What kwok plays, in its module's words: what a node and a pod go through.
const STAGES: [&str; 5] = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

const CANNOT_BE_PULLED: &str = include_str!("../data/image-cannot-be-pulled.yaml");

const NODE: &str = "
apiVersion: v1
kind: Node
metadata: {name: node, labels: {kubernetes.io/hostname: node}}
";

/// A cluster of one node.
#[derive(Debug)]
pub struct Cluster {
    // INVARIANT: dropped before the API server they talk to.
    kwok: Process,
    _scheduler: Process,
    _controllers: Process,
    /// The API server.
    pub plane: ControlPlane,
}

impl Cluster {
    /// Starts all of it and waits until the node is ready; `None` where something is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["kube-controller-manager", "kube-scheduler", "kwok"], what) {
            return None;
        }
        // Which the script that built it put beside it.
        let kwok = program("kwok")?.canonicalize().unwrap();
        let stages = kwok.parent().unwrap().join("stage");
        if !stages.is_dir() {
            skip("`stage` beside `kwok`", what);
            return None;
        }
        let plane = ControlPlane::start(what)?;
        let flag = |name: &str, file: &Path| format!("--{name}={}", file.display());
        let kubeconfig = flag("kubeconfig", &plane.kubeconfig());
        let start = |program: &Path, arguments: &[String]| {
            let name = program.file_name().unwrap().to_string_lossy();
            let mut command = plane.command(program);
            command.arg(&kubeconfig).args(arguments);
            Process::start(&mut command, &plane.path(&format!("{name}.log")))
        };
        let alone = [
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        let accounts = [
            flag("service-account-private-key-file", &plane.path("sa.key")),
            "--use-service-account-credentials=true".to_owned(),
            // A busy machine is no lost node: its pods would be marked as not ready, and kwok makes no pod ready twice.
            "--node-monitor-grace-period=1h".to_owned(),
        ];
        let controllers = start(
            &program("kube-controller-manager")?,
            &[&alone[..], &accounts].concat(),
        );
        let scheduler = start(&program("kube-scheduler")?, &alone);
        let own = plane.path("image-cannot-be-pulled.yaml");
        fs::write(&own, CANNOT_BE_PULLED).unwrap();
        let mut arguments = vec!["--manage-all-nodes=true".to_owned(), flag("config", &own)];
        arguments.extend(STAGES.map(|stage| flag("config", &stages.join(stage))));
        let kwok = start(&kwok, &arguments);
        plane.kubectl_with(&["apply", "--server-side", "-f", "-"], NODE);
        let cluster = Self {
            kwok,
            _scheduler: scheduler,
            _controllers: controllers,
            plane,
        };
        // Until the node's taint is gone, nothing is scheduled.
        cluster.plane.until("a node", || {
            let node = cluster.plane.kubectl(&[
                "get",
                "node",
                "node",
                "-o",
                "jsonpath={.spec.taints}{.status.conditions[?(@.type=='Ready')].status}",
            ]);
            node == "True"
        });
        Some(cluster)
    }

    /// What kwok printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.kwok.output()
    }
}
