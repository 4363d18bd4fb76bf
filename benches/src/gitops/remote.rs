//! The same bump over HTTP, as whole processes: from the start of one that knows only the address, with
//! nothing fetched before, to its end, when the branch has moved.
//!
//! Processor time is the client's, with that of the programs it runs; the server's is not in it, and is
//! the same `git http-backend` for all. Removing clones is not counted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use narae_gitops::change::ChangeSet;
use narae_gitops::remote::{Error, Outcome, Remote, Snapshot};
use narae_gitops::repository::{Repository, TreePath};
use narae_testservers::{GitHttp, GitHttpOptions};

use super::{APP, APPS, EDITS, FILES_PER_APP, bare, commit, import_stream, value};
use crate::process::{self, Cost, cost};
use crate::report::Report;

/// The argument with which this program only lands one bump: `ADDRESS FOLDER TAG`.
pub const LAND: &str = "--land";

const ROUNDS: usize = 7;
/// What a push may send.
const MAX_PUSH_BYTES: usize = 2_000;

/// The questions over HTTP.
pub fn run(report: &mut Report, base: &Path) {
    let Some(small) = Served::start(base, "small", APPS) else {
        report.skip("git over HTTP", "there is no git http-backend");
        return;
    };
    let files = APPS * FILES_PER_APP;
    let (mut fresh, mut shallow, mut sparse) = (MOST, MOST, MOST);
    for round in 0..ROUNDS {
        fresh = better(fresh, small.narae(&format!("fresh-{round}"), round * 3));
        shallow = better(shallow, small.script(SHALLOW, round * 3 + 1));
        sparse = better(sparse, small.script(SPARSE, round * 3 + 2));
    }
    let mut warm = small.narae("warm", 100);
    for round in 1..ROUNDS {
        warm = better(warm, small.narae("warm", 100 + round));
    }
    let pushed = small.pushed();
    assert!(pushed < MAX_PUSH_BYTES, "a push sent {pushed} bytes");
    let note = format!("{files} files, nothing cached, a push of {pushed} bytes");
    let clone = "git clone --depth 1, sed, commit, push";
    let least = "git clone blobless sparse, sed, commit, push";
    report.record(
        "gitops.http_shallow_clone",
        clone,
        &note,
        fresh.cost.wall,
        shallow.cost.wall,
    );
    report.record(
        "gitops.http_sparse_clone",
        least,
        &note,
        fresh.cost.wall,
        sparse.cost.wall,
    );
    let note = format!("{files} files, processor time");
    report.record(
        "gitops.http_shallow_clone_cpu",
        clone,
        &note,
        fresh.cost.cpu,
        shallow.cost.cpu,
    );
    report.record(
        "gitops.http_sparse_clone_cpu",
        least,
        &note,
        fresh.cost.cpu,
        sparse.cost.cpu,
    );
    let note = format!("{files} files, objects of the last bump kept");
    report.record(
        "gitops.http_sparse_clone_warm",
        least,
        &note,
        warm.cost.wall,
        sparse.cost.wall,
    );
    drop(small);

    let Some(large) = Served::start(base, "large", APPS * 10) else {
        return;
    };
    let (mut grown, mut scripted) = (MOST, MOST);
    for round in 0..ROUNDS {
        let number = 200 + 2 * round;
        grown = better(grown, large.narae(&format!("large-{round}"), number));
        scripted = better(scripted, large.script(SPARSE, number + 1));
    }
    let note = format!(
        "{} files against {files}: below 1, as more is more",
        files * 10
    );
    let itself = "narae with a tenth of the files";
    report.record(
        "gitops.http_ten_times_the_files",
        itself,
        &note,
        grown.cost.wall,
        fresh.cost.wall,
    );
    report.record(
        "gitops.http_ten_times_the_files_cpu",
        itself,
        &note,
        grown.cost.cpu,
        fresh.cost.cpu,
    );
    report.record(
        "gitops.http_ten_times_the_files_ours",
        itself,
        &format!("{note}; the time git worked on the server is taken off"),
        grown.own,
        fresh.own,
    );
    report.record(
        "gitops.http_sparse_clone_large",
        least,
        &format!("{} files, nothing cached", files * 10),
        grown.cost.wall,
        scripted.cost.wall,
    );
}

/// Lands one bump and ends.
pub fn land(arguments: &[String]) {
    let [address, folder, tag] = arguments else {
        std::process::exit(2);
    };
    let remote = Remote::new(address).expect("an address");
    let repository = Repository::open(folder)
        .or_else(|_| Repository::init_bare(folder, "main"))
        .expect("a place for objects");
    let landed = remote.land(
        &repository,
        "main",
        1,
        |snapshot| Ok::<_, Error>(vec![commit(bump(snapshot, tag), tag)]),
        |_| {},
    );
    let landed = landed.expect("it lands");
    assert!(
        matches!(landed.outcome, Outcome::Committed(_)),
        "{landed:?}"
    );
}

fn bump(snapshot: &Snapshot<'_>, tag: &str) -> ChangeSet {
    let tip = snapshot.tip().expect("imported");
    let paths: Vec<TreePath> = EDITS
        .iter()
        .map(|(file, _)| format!("{APP}/{file}").parse().expect("a path"))
        .collect();
    snapshot.need(&paths).expect("they are there");
    EDITS
        .iter()
        .zip(&paths)
        .map(|((file, selector), path)| {
            let selector = selector.parse().expect("a selector");
            let value = value(file, tag);
            snapshot
                .repository()
                .set_scalar(tip, path, 0, &selector, &value.into())
                .expect("a plain scalar")
        })
        .collect()
}

/// What a bump took.
#[derive(Clone, Copy)]
struct Bump {
    cost: Cost,
    /// Of the clock, while git did not work on the server.
    own: Duration,
}

const MOST: Bump = Bump {
    cost: Cost {
        cpu: Duration::MAX,
        bytes: 0,
        wall: Duration::MAX,
    },
    own: Duration::MAX,
};

fn better(a: Bump, b: Bump) -> Bump {
    Bump {
        cost: process::better(a.cost, b.cost),
        own: a.own.min(b.own),
    }
}

/// `$1` is the address, `$2` a folder to make, `$3` the new tag.
const SHALLOW: &str = "set -e; git clone -q --depth 1 \"$1\" \"$2\"; cd \"$2\"; EDIT; PUSH";
const SPARSE: &str = "set -e; git clone -q --depth 1 --filter=blob:none --sparse \"$1\" \"$2\"; cd \"$2\"; \
                      git sparse-checkout set APP; EDIT; PUSH";

/// A repository of many applications behind HTTP.
struct Served {
    server: GitHttp,
    base: PathBuf,
    name: String,
}

impl Served {
    fn start(base: &Path, name: &str, apps: usize) -> Option<Self> {
        let name = format!("{name}.git");
        bare(base, &name, &import_stream(apps));
        Some(Self {
            server: GitHttp::start(base, GitHttpOptions::new(), "bumps over HTTP")?,
            base: base.to_owned(),
            name,
        })
    }

    /// A bump of ours, with the objects in `folder`.
    fn narae(&self, folder: &str, count: usize) -> Bump {
        let own = std::env::current_exe().expect("this program is a file");
        self.bump(&[
            own.display().to_string(),
            LAND.to_owned(),
            self.server.address(&self.name),
            self.base.join(folder).display().to_string(),
            tag(count),
        ])
    }

    /// A bump of a script's.
    fn script(&self, script: &str, count: usize) -> Bump {
        let edit = format!(
            "sed -i -E \"s/b[0-9a-f]{{6}}/$3/\" {APP}/deployment.yaml {APP}/kustomization.yaml {APP}/values.yaml"
        );
        let git = "git -c user.name=Bench -c user.email=bench@example.com";
        let push = format!("{git} commit -q -a -m bump; git push -q origin main");
        let script = script
            .replace("EDIT", &edit)
            .replace("PUSH", &push)
            .replace("APP", APP);
        let work = self.base.join(format!("work-{count}"));
        let spent = self.bump(&[
            "env".to_owned(),
            "GIT_CONFIG_GLOBAL=/dev/null".to_owned(),
            "GIT_CONFIG_SYSTEM=/dev/null".to_owned(),
            "GIT_TERMINAL_PROMPT=0".to_owned(),
            "sh".to_owned(),
            "-c".to_owned(),
            script,
            "sh".to_owned(),
            self.server.address(&self.name),
            work.display().to_string(),
            tag(count),
        ]);
        std::fs::remove_dir_all(work).expect("it is ours");
        spent
    }

    fn bump(&self, command: &[String]) -> Bump {
        let before = self.server.seen().len();
        let cost = cost(command);
        let git = self
            .server
            .seen()
            .iter()
            .skip(before)
            .map(|seen| seen.git)
            .sum();
        Bump {
            cost,
            own: cost.wall.saturating_sub(git),
        }
    }

    /// The bytes of the last push.
    fn pushed(&self) -> usize {
        let seen = self.server.seen();
        let is_push =
            |method: &str, target: &str| method == "POST" && target.ends_with("/git-receive-pack");
        let last = seen
            .iter()
            .rfind(|seen| is_push(&seen.method, &seen.target));
        last.expect("there was one").body_bytes
    }
}

fn tag(count: usize) -> String {
    format!("b{:06x}", count + 1)
}
