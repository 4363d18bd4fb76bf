//! The repository, here or elsewhere: looking at it, and landing a commit on one of its branches.

mod together;

use std::cell::RefCell;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use narae_cli::file::text;
use narae_gitops::change::ChangeSet;
use narae_gitops::message::Message;
use narae_gitops::promote::{CONFIG_FILE, Config, RemoteSource, Snapshot, Source, SourceError};
use narae_gitops::remote::{self, Cache, CredentialHelper, HttpOptions, Remote, back_off};
use narae_gitops::repository::{
    self, Commit, CommitId, GpgKey, Repository, Signature, SshKey, Timestamp,
};

use crate::cli::{Common, UsageError};
use crate::guard::Outputs;
use crate::heard::Heard;

pub(crate) use together::Group;

/// How often a change is decided again on a tip that moved before it gives up.
const ATTEMPTS: u32 = 32;
/// Who commits when nobody is named.
const AUTHOR: &str = "Narae promote <promote@narae.invalid>";

/// One repository.
pub(crate) struct Place {
    repository: String,
    shown: String,
    branch: String,
    author: (String, String),
    depth: u32,
    timeout: Duration,
    kind: Kind,
    /// Of what is elsewhere; held, so that no other process begins it anew meanwhile.
    cache: Option<Cache>,
    heard: Heard,
}

enum Kind {
    Here(Repository),
    Elsewhere(Box<Remote>, Repository),
}

/// How a landing ended.
pub(crate) struct Landed<T> {
    /// The new commit; none when there was nothing to do.
    pub(crate) commit: Option<CommitId>,
    /// What it was put on.
    pub(crate) before: Option<CommitId>,
    pub(crate) attempts: u32,
    /// What the last decision came to.
    pub(crate) decision: T,
}

/// What a decision wants committed.
pub(crate) struct Wanted {
    pub(crate) changes: ChangeSet,
    pub(crate) message: Message,
}

impl Place {
    pub(crate) fn open(common: &Common) -> Result<Self> {
        let repo = common.repo.as_ref().map_or(".", String::as_str);
        let found = here(repo);
        let path = found.as_deref().unwrap_or(Path::new(repo));
        let heard = Heard::default();
        let timeout = Duration::from_secs(common.timeout);
        let (kind, cache) = match path.exists() {
            true if repo == "." && found.is_none() => bail!(
                "there is no repository in this folder, nor above it\n  try: --repo with its path or URL, or NARAE_REPO"
            ),
            true => (Kind::Here(prepared(Repository::open(path)?, common)), None),
            false if is_path(repo) => {
                bail!("there is no repository at {repo}\n  try: --repo with its path or URL")
            }
            false => {
                let remote = connected(repo, timeout, &heard)?;
                let folder = common.cache.clone().map_or_else(default_cache, Ok)?;
                let cache = Cache::open(folder, &remote)?;
                let objects = prepared(Repository::open(cache.repository().path())?, common);
                (Kind::Elsewhere(Box::new(remote), objects), Some(cache))
            }
        };
        let (shown, default) = match &kind {
            Kind::Here(repository) => (repo.to_owned(), repository.default_branch()?),
            Kind::Elsewhere(remote, _) if common.branch.is_none() => {
                (remote.address(), remote.default_branch()?)
            }
            Kind::Elsewhere(remote, _) => (remote.address(), None),
        };
        let branch = common.branch.clone().or(default);
        Ok(Self {
            repository: repo.to_owned(),
            shown,
            branch: branch.unwrap_or_else(|| "main".to_owned()),
            author: author(common.author.as_ref().map_or(AUTHOR, String::as_str))?,
            depth: common.depth,
            timeout,
            kind,
            cache,
            heard,
        })
    }

    /// The repository as a person would type it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The repository's address for people, as far as its own tells it: `https://host/path`.
    pub(crate) fn web_url(&self) -> Option<String> {
        match &self.kind {
            Kind::Here(_) => None,
            Kind::Elsewhere(..) => web_url(&self.shown),
        }
    }

    /// The branch that narae.yaml is read from.
    pub(crate) fn branch(&self) -> &str {
        &self.branch
    }

    /// What of it is on this machine.
    pub(crate) fn objects(&self) -> &Repository {
        match &self.kind {
            Kind::Here(repository) | Kind::Elsewhere(_, repository) => repository,
        }
    }

    /// A connection of its own, for a push that says more.
    pub(crate) fn connect(&self) -> Result<Remote> {
        connected(&self.repository, self.timeout, &self.heard)
    }

    /// What is heard while something lands.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Whether somebody deleted the folder of fetched objects meanwhile, which may be why it failed.
    pub(crate) fn has_lost_objects(&self, error: &anyhow::Error) -> bool {
        let is_told = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<remote::Error>())
            .any(|error| error.kind() == remote::ErrorKind::CacheLost);
        let cache = self.cache.as_ref();
        is_told || cache.is_some_and(|cache| !cache.repository().path().join("HEAD").exists())
    }

    /// The newest commits of a branch as it is now, newest first.
    pub(crate) fn newest(&self, branch: &str) -> Result<Vec<CommitId>, SourceError> {
        let newest = |source: &dyn Source| -> Result<Vec<CommitId>, SourceError> {
            let Some(tip) = source.tip(branch)? else {
                return Ok(Vec::new());
            };
            let commits = source.history(branch, tip)?.into_iter();
            Ok(commits.map(|record| record.id).collect())
        };
        match &self.kind {
            Kind::Here(repository) => newest(repository),
            Kind::Elsewhere(remote, objects) => {
                newest(&RemoteSource::new(remote, objects, self.depth))
            }
        }
    }

    /// Looks at the repository as it is now.
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&Config, &Snapshot<'_>) -> Result<T>,
    ) -> Result<T> {
        match &self.kind {
            Kind::Here(repository) => {
                let snapshot = Snapshot::new(repository);
                look(&self.config(&snapshot)?, &snapshot)
            }
            Kind::Elsewhere(remote, objects) => {
                let source = RemoteSource::new(remote, objects, self.depth);
                let snapshot = Snapshot::new(&source);
                look(&self.config(&snapshot)?, &snapshot)
            }
        }
    }

    /// Refuses what would be refused of a commit of this: a secret in it, a message that cannot be written.
    pub(crate) fn examine(&self, wanted: &Wanted) -> Result<()> {
        let (changes, message) = (wanted.changes.clone(), wanted.message.clone());
        let commit = Commit::new(changes, message, self.signature()?);
        // On nothing: the files are there, so no path is in another's way, and of a repository elsewhere no more is fetched.
        Ok(self.objects().examine(None, &commit)?)
    }

    /// Lands what `decide` says about the tip of `branch`; asks again when another writer was faster.
    pub(crate) fn land<T>(
        &self,
        branch: &str,
        decide: impl Fn(&Config, &Snapshot<'_>) -> Result<(Option<Wanted>, T)>,
    ) -> Result<Landed<T>> {
        let decision = RefCell::new(None);
        let commit = |snapshot: &Snapshot<'_>| -> Result<Option<Commit>> {
            let (wanted, decided) = decide(&self.config(snapshot)?, snapshot)?;
            let tip = snapshot.tip(branch).map_err(anyhow::Error::from_boxed)?;
            decision.replace(Some((tip, decided)));
            wanted.map(|wanted| self.commit(wanted)).transpose()
        };
        let (commit, attempts) = match &self.kind {
            Kind::Here(repository) => self.land_here(repository, branch, commit)?,
            Kind::Elsewhere(remote, objects) => {
                let decide = |landing: &remote::Snapshot<'_>| -> Result<Vec<Commit>> {
                    let source = RemoteSource::new(remote, objects, self.depth).on(landing);
                    Ok(commit(&Snapshot::new(&source))?.into_iter().collect())
                };
                let landed = remote.land(objects, branch, ATTEMPTS, decide, wait)?;
                match landed.outcome {
                    remote::Outcome::Committed(commits) => {
                        (commits.last().copied(), landed.attempts)
                    }
                    remote::Outcome::NothingToDo => (None, landed.attempts),
                    _ => return Err(self.kept_moving(branch)),
                }
            }
        };
        let (before, decision) = decision.into_inner().context("nothing was decided")?;
        Ok(Landed {
            commit,
            before,
            attempts,
            decision,
        })
    }

    /// Decides on the tip of `branch` and writes the commit, which no branch has yet.
    pub(crate) fn draft<T>(
        &self,
        branch: &str,
        decide: impl Fn(&Config, &Snapshot<'_>) -> Result<(Option<Wanted>, T)>,
    ) -> Result<Landed<T>> {
        let Kind::Elsewhere(remote, objects) = &self.kind else {
            bail!(UsageError(format!(
                "--merge-request: {} is no forge's\n  try: --repo with its URL",
                self.shown
            )));
        };
        let tip = remote.fetch(objects, branch)?;
        let source = RemoteSource::new(remote, objects, self.depth).on(&tip);
        let snapshot = Snapshot::new(&source);
        let (wanted, decision) = decide(&self.config(&snapshot)?, &snapshot)?;
        let mut commit = None;
        if let Some(wanted) = wanted {
            tip.need(wanted.changes.iter().map(|(path, _)| path))?;
            commit = objects.write(tip.tip(), &self.commit(wanted)?)?;
        }
        Ok(Landed {
            commit,
            before: tip.tip(),
            attempts: 1,
            decision,
        })
    }

    fn commit(&self, wanted: Wanted) -> Result<Commit> {
        let who = self.signature()?;
        Ok(Commit::new(wanted.changes, wanted.message, who))
    }

    fn land_here(
        &self,
        repository: &Repository,
        branch: &str,
        commit: impl Fn(&Snapshot<'_>) -> Result<Option<Commit>>,
    ) -> Result<(Option<CommitId>, u32)> {
        let decide = |tip| -> Result<Commit> {
            let snapshot = Snapshot::new(repository).with_tip(branch, tip);
            // No changes make no commit.
            let nothing = || -> Result<Commit> {
                Ok(Commit::new(
                    ChangeSet::new(),
                    Message::new("nothing")?,
                    self.signature()?,
                ))
            };
            commit(&snapshot)?.map_or_else(nothing, Ok)
        };
        let landed = repository.land(branch, ATTEMPTS, decide, |lost| {
            self.heard.lost(lost);
            wait(lost);
        })?;
        match landed.outcome {
            repository::Outcome::Committed(id) => Ok((Some(id), landed.attempts)),
            repository::Outcome::NothingToDo => Ok((None, landed.attempts)),
            _ => Err(self.kept_moving(branch)),
        }
    }

    fn config(&self, snapshot: &Snapshot<'_>) -> Result<Config> {
        let file = CONFIG_FILE.parse().context("a path")?;
        let bytes = snapshot
            .read(&self.branch, &file)
            .map_err(anyhow::Error::from_boxed)?;
        let Some(bytes) = bytes else {
            bail!(
                "there is no {CONFIG_FILE} on branch `{}` of {}\n  try: --branch with the one it is on, or write one: the README of promote shows how",
                self.branch,
                self.shown
            );
        };
        let text = text(CONFIG_FILE, bytes)?;
        Ok(Config::read(CONFIG_FILE, &text, &self.branch)?)
    }

    fn signature(&self) -> Result<Signature> {
        let now = Timestamp::new(now()?, 0)?;
        Ok(Signature::new(&self.author.0, &self.author.1, now)?)
    }

    fn kept_moving(&self, branch: &str) -> anyhow::Error {
        anyhow::anyhow!(
            "{branch} of {} moved {ATTEMPTS} times while this was being committed; nothing was written\n  try: run it again, it decides anew on what is there then",
            self.shown
        )
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.context("this machine's clock stands before 1970")?;
    Ok(i64::try_from(since.as_secs())?)
}

/// What git would ask, is asked: the person's own credential helpers.
fn connected(repository: &str, timeout: Duration, heard: &Heard) -> Result<Remote> {
    let http = HttpOptions::new().with_credentials(CredentialHelper::new());
    let heard = heard.clone();
    let remote = Remote::new(repository)?
        .with_http(http)
        .with_deadline(timeout);
    Ok(remote.with_listener(move |event| heard.listen(event)))
}

/// Spreads writers that lost to the same winner.
fn wait(lost: u32) {
    std::thread::sleep(back_off(lost, random()));
}

/// Any number, each as likely as the others. Not of the process id: in containers that is the same for all.
fn random() -> u64 {
    // Keyed by the operating system's randomness.
    RandomState::new().hash_one(())
}

/// The repository around the current folder, as git finds it; `None` when another one is named, or there is none.
fn here(repository: &str) -> Option<PathBuf> {
    let folder = std::env::current_dir().ok().filter(|_| repository == ".")?;
    let mut above = folder.ancestors().map(Path::to_owned);
    above.find(|folder| Repository::open(folder).is_ok())
}

fn is_path(text: &str) -> bool {
    text.starts_with(['/', '.']) || !text.contains(':')
}

/// Of `https://host/path`, `ssh://user@host:22/path` and `user@host:path`.
fn web_url(address: &str) -> Option<String> {
    if address.starts_with("https://") || address.starts_with("http://") {
        return Some(address.to_owned());
    }
    let (host, path) = match address.strip_prefix("ssh://") {
        Some(rest) => rest.split_once('/')?,
        None => address.split_once(':')?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_host = !host.is_empty() && !host.contains('/') && !path.starts_with("//");
    is_host.then(|| format!("https://{host}/{}", path.trim_start_matches('/')))
}

fn default_cache() -> Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or_else(|| {
        UsageError(
            "neither XDG_CACHE_HOME nor HOME is set\n  try: --cache with a folder".to_owned(),
        )
    })?;
    Ok(base.join("narae").join("objects"))
}

/// Signs what it commits, and commits nothing that looks like a secret.
fn prepared(repository: Repository, common: &Common) -> Repository {
    let outputs = Outputs::new(common);
    let repository = repository.checked_by(move |what, bytes| outputs.check(what, bytes));
    match common.sign_key.as_ref() {
        // A path is meant as one, also of a file that is not there.
        Some(key) if key.contains('/') || Path::new(key).is_file() => {
            repository.signing(SshKey::new(key))
        }
        Some(key) => repository.signing(GpgKey::new(key)),
        None => repository,
    }
}

/// `Name <mail>`.
fn author(text: &str) -> Result<(String, String)> {
    let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
    let (name, mail) = parts.ok_or_else(|| {
        UsageError(format!("--author {text:?} is not `Name <mail>`\n  try: --author 'Ada Lovelace <ada@example.com>'"))
    })?;
    Ok((name.trim().to_owned(), mail.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{back_off, random};

    #[test]
    fn waits_are_spread_over_the_whole_ceiling() {
        const DRAWN: usize = 2_000;
        for lost in [1, 3, 20] {
            let ceiling = back_off(lost, u64::MAX) + Duration::from_nanos(1);
            let mut quarters = [0_usize; 4];
            for _ in 0..DRAWN {
                let wait = back_off(lost, random());
                let quarter = wait.as_nanos() * 4 / ceiling.as_nanos();
                quarters[usize::try_from(quarter).unwrap()] += 1;
            }
            // A quarter each, give or take: some ten standard deviations.
            let is_even = quarters.iter().all(|&some| some > DRAWN / 4 - 200);
            assert!(is_even, "{lost} lost: {quarters:?}");
        }
    }
}
