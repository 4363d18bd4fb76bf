//! How long does one image bump take in a repository of 10,000 files: three scalars in three
//! files, one commit, landed in a bare repository on the same machine?
//!
//! The peers are what CI scripts do with the `git` program: a shallow clone, and the fastest way
//! git itself has (blobless and sparse). Their files are edited by plain text replacement, which
//! is kinder to them than `sed` or `yq`, and removing their clones is not counted. On tmpfs where
//! there is one, so that nobody is measured by the disk.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use narae_gitops::change::ChangeSet;
use narae_gitops::message::Message;
use narae_gitops::repository::{Commit, Outcome, Repository, Signature, Timestamp};

use crate::report::Report;

const APPS: usize = 2_000;
const FILES_PER_APP: usize = 5;
const ROUNDS: usize = 5;
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
    measure(report, &base);
    fs::remove_dir_all(&base).expect("the directory is ours");
}

fn measure(report: &mut Report, base: &Path) {
    let stream = import_stream();
    let [ours, shallow, sparse] =
        ["ours.git", "shallow.git", "sparse.git"].map(|name| bare(base, name, &stream));
    let note = format!(
        "{} files, 3 scalars in 3 files, {}",
        APPS * FILES_PER_APP,
        base.parent().unwrap_or(base).display()
    );
    // What stands in each repository now; every bump replaces it.
    let mut count = 0;
    let mut next = move || {
        count += 1;
        format!("{count:07x}")
    };
    let (mut first, mut second) = (Tags::new(), Tags::new());
    let mut bump = || commit_without_checkout(&ours, &next());
    report.compare(
        "gitops.bump_shallow_clone",
        "git clone --depth 1, commit, push",
        &note,
        ROUNDS,
        &mut bump,
        || {
            first.advance();
            clone_and_push(base, &shallow, &first, &["--depth", "1"], false);
        },
    );
    report.compare(
        "gitops.bump_sparse_clone",
        "git clone blobless sparse, commit, push",
        &note,
        ROUNDS,
        &mut bump,
        || {
            second.advance();
            let arguments = ["--depth", "1", "--filter=blob:none", "--sparse"];
            clone_and_push(base, &sparse, &second, &arguments, true);
        },
    );
}

fn commit_without_checkout(at: &Path, tag: &str) {
    let repository = Repository::open(at).expect("the repository is there");
    let tip = repository.tip("main").expect("a branch").expect("imported");
    let changes: ChangeSet = EDITS
        .iter()
        .map(|(file, selector)| {
            let path = format!("{APP}/{file}").parse().expect("a path");
            let value = if file.starts_with("deployment") {
                image(tag)
            } else {
                tag.to_owned()
            };
            let selector = selector.parse().expect("a selector");
            repository
                .set_scalar(tip, &path, 0, &selector, &value.into())
                .expect("a plain scalar")
        })
        .collect();
    let message = Message::new(&format!("bump to {tag}")).expect("a subject");
    let who = Signature::new(
        "Bench",
        "bench@example.com",
        Timestamp::new(1_795_000_000, 0).expect("a time"),
    );
    let commit = Commit::new(changes, message, who.expect("a signature"));
    let outcome = repository
        .commit("main", Some(tip), &commit)
        .expect("a commit");
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
}

/// The tag a peer's repository has, and the one it gets.
struct Tags {
    count: usize,
}

impl Tags {
    fn new() -> Self {
        Self { count: 0 }
    }

    fn advance(&mut self) {
        self.count += 1;
    }

    fn old(&self) -> String {
        format!("b{:06x}", self.count - 1)
    }

    fn new_tag(&self) -> String {
        format!("b{:06x}", self.count)
    }
}

fn clone_and_push(base: &Path, origin: &Path, tags: &Tags, arguments: &[&str], sparse: bool) {
    let work = base.join(format!("work-{sparse}-{}", tags.count));
    let url = format!("file://{}", origin.display());
    let clone = [
        &["clone", "--quiet"],
        arguments,
        &[&url, work.to_str().expect("UTF-8")],
    ]
    .concat();
    git(base, &clone, None);
    if sparse {
        git(&work, &["sparse-checkout", "set", APP], None);
    }
    for (file, _) in EDITS {
        let file = work.join(APP).join(file);
        let text = fs::read_to_string(&file).expect("checked out");
        let edited = text.replace(&tags.old(), &tags.new_tag());
        assert_ne!(text, edited, "nothing to replace in {}", file.display());
        fs::write(file, edited).expect("a file");
    }
    git(
        &work,
        &["commit", "--quiet", "--all", "--message", "bump"],
        None,
    );
    git(&work, &["push", "--quiet", "origin", "main"], None);
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

/// One commit of [`APPS`] directories of [`FILES_PER_APP`] files.
fn import_stream() -> String {
    let mut stream = "commit refs/heads/main\ncommitter Bench <bench@example.com> 1790000000 +0000\ndata 6\nimport\n".to_owned();
    for app in 0..APPS {
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
