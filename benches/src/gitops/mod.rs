//! What a delivery does to a GitOps repository, against what CI scripts do with the `git` program: on this machine
//! (`local`) and over HTTP (`remote`). On tmpfs where there is one, so that nobody is measured by the disk.

mod local;
mod remote;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use narae_gitops::change::ChangeSet;
use narae_gitops::message::Message;
use narae_gitops::repository::{Commit, Signature, Timestamp};

use crate::report::Report;

pub use remote::{LAND, land};

const APPS: usize = 2_000;
const FILES_PER_APP: usize = 5;
/// The app that is bumped: file, path of the scalar, its old value in the text.
const EDITS: [(&str, &str); 3] = [
    ("deployment.yaml", "spec.template.spec.containers[0].image"),
    ("kustomization.yaml", "images[0].newTag"),
    ("values.yaml", "image.tag"),
];
const APP: &str = "apps/app-0777";

pub fn run(report: &mut Report) {
    if !Command::new("git")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        report.skip(
            "git clone + commit + push",
            "there is no git program, which also makes the repository",
        );
        return;
    }
    let shared = Path::new("/dev/shm");
    let base = if shared.is_dir() {
        shared.to_owned()
    } else {
        env::temp_dir()
    };
    let base = base.join(format!("narae-benches-{}", std::process::id()));
    fs::create_dir_all(&base).expect("a directory to work in");
    local::run(report, &base);
    remote::run(report, &base);
    fs::remove_dir_all(&base).expect("the directory is ours");
}

/// What the scalar of `file` becomes.
fn value(file: &str, tag: &str) -> String {
    if file.starts_with("deployment") {
        image(tag)
    } else {
        tag.to_owned()
    }
}

fn commit(changes: ChangeSet, tag: &str) -> Commit {
    let message = Message::new(&format!("bump to {tag}")).expect("a subject");
    let who = Signature::new(
        "Bench",
        "bench@example.com",
        Timestamp::new(1_795_000_000, 0).expect("a time"),
    );
    Commit::new(changes, message, who.expect("a signature"))
}

fn bare(base: &Path, name: &str, stream: &str) -> PathBuf {
    git(
        base,
        &["init", "--quiet", "--bare", "--initial-branch=main", name],
        None,
    );
    let path = base.join(name);
    git(&path, &["config", "uploadpack.allowFilter", "true"], None);
    git(&path, &["fast-import", "--quiet"], Some(stream));
    path
}

fn git(directory: &Path, arguments: &[&str], input: Option<&str>) {
    let mut child = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ])
        .envs([
            ("GIT_AUTHOR_NAME", "Bench"),
            ("GIT_AUTHOR_EMAIL", "bench@example.com"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "Bench"),
            ("GIT_COMMITTER_EMAIL", "bench@example.com"),
        ])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git was there a moment ago");
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(input.unwrap_or_default().as_bytes())
        .expect("git reads");
    drop(stdin);
    assert!(
        child.wait().expect("a status").success(),
        "git {arguments:?}"
    );
}

fn image(tag: &str) -> String {
    format!("harbor.example.com/team/app:{tag}")
}

/// One commit of `apps` directories of [`FILES_PER_APP`] files.
fn import_stream(apps: usize) -> String {
    let mut stream = "commit refs/heads/main\ncommitter Bench <bench@example.com> 1790000000 +0000\ndata 6\nimport\n".to_owned();
    for app in 0..apps {
        let name = format!("app-{app:04}");
        let tag = "b000000";
        let files = [
            ("deployment.yaml", deployment(&name, tag)),
            (
                "kustomization.yaml",
                format!(
                    "resources:\n  - deployment.yaml\n  - service.yaml\nimages:\n  - name: app\n    newTag: {tag}\n"
                ),
            ),
            (
                "values.yaml",
                format!(
                    "# {name}\nimage:\n  repository: team/app\n  tag: {tag} # set by delivery\nreplicas: {}\n",
                    app % 7 + 1
                ),
            ),
            (
                "service.yaml",
                format!(
                    "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  ports:\n    - port: {}\n",
                    8000 + app
                ),
            ),
            (
                "config.yaml",
                format!(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  seed: \"{}\"\n",
                    app * 7919
                ),
            ),
        ];
        for (file, text) in files {
            let _ = writeln!(
                stream,
                "M 100644 inline apps/{name}/{file}\ndata {}\n{text}",
                text.len()
            );
        }
    }
    stream
}

fn deployment(name: &str, tag: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels: {{app: {name}}}\nspec:\n  replicas: 2\n  \
         template:\n    spec:\n      containers:\n        - name: app\n          image: {}\n          ports:\n            - containerPort: 8080\n",
        image(tag)
    )
}
