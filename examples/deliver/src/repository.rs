//! The stage's place in the GitOps repository: what stands there, and landing a change.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use narae_gitops::change::ChangeSet;
use narae_gitops::message::Message;
use narae_gitops::repository::{
    self, Commit, CommitId, EntryKind, Landed, Repository, Signature, Timestamp, TreePath,
};

use crate::cli::Arguments;
use crate::guard::Outputs;
use crate::paths;
use crate::plan::Current;
use narae_cli::UsageError;
use narae_cli::application::{Application, Target};

/// How often a delivery is decided again on a tip that moved before it gives up.
const ATTEMPTS: u32 = 32;
/// Who commits when nobody is named.
const AUTHOR: &str = "Narae deliver <deliver@narae.invalid>";

/// `environments/STAGE/SITE/APPLICATION` on one branch of one repository.
#[derive(Debug)]
pub(crate) struct Place {
    repository: Option<Repository>,
    path: PathBuf,
    branch: String,
    directory: TreePath,
    author: (String, String),
    outputs: Outputs,
}

impl Place {
    /// Finds the place. The default repository need not exist yet; a named one must. Nothing is committed there that
    /// `outputs` would not let out.
    pub(crate) fn find(
        arguments: &Arguments,
        application: &Application,
        target: &Target,
        outputs: &Outputs,
    ) -> Result<Self> {
        let Target { site, stage } = target;
        let directory = format!("environments/{stage}/{site}/{}", application.name());
        let path = arguments
            .repo
            .clone()
            .unwrap_or_else(paths::default_repository);
        let repository = match &arguments.repo {
            Some(path) if !path.exists() => bail!(
                "there is no repository at {}: has it moved?\n  try: --repo with its path, or make one with `git init --bare {}`",
                path.display(),
                path.display()
            ),
            None if !path.exists() => None,
            _ => Some(guarded(Repository::open(&path)?, outputs)),
        };
        if let Some(repository) = &repository {
            repository.tip(&arguments.branch).map_err(usage)?;
        }
        Ok(Self {
            repository,
            path,
            branch: arguments.branch.clone(),
            directory: directory
                .parse()
                .with_context(|| format!("{directory} cannot be a path in a repository"))?,
            author: author(arguments.author.as_ref().map_or(AUTHOR, String::as_str))?,
            outputs: outputs.clone(),
        })
    }

    /// The repository as a person would type it.
    pub(crate) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// The folder of the stage's files.
    pub(crate) fn directory(&self) -> &TreePath {
        &self.directory
    }

    /// Where the branch stands.
    pub(crate) fn tip(&self) -> Result<Option<CommitId>> {
        let Some(repository) = &self.repository else {
            return Ok(None);
        };
        Ok(repository.tip(&self.branch)?)
    }

    /// The YAML files that stand in the folder at `tip`.
    pub(crate) fn current(&self, tip: Option<CommitId>) -> Result<Current> {
        let (Some(repository), Some(tip)) = (&self.repository, tip) else {
            return Ok(Current::new());
        };
        let mut current = Current::new();
        for entry in repository.list(tip, &self.directory)? {
            let name = entry.path().file_name();
            if matches!(entry.kind(), EntryKind::File | EntryKind::Executable)
                && (name.ends_with(".yaml") || name.ends_with(".yml"))
                && let Some(bytes) = repository.read(tip, entry.path())?
            {
                current.insert(entry.path().clone(), bytes);
            }
        }
        Ok(current)
    }

    /// Makes the default repository when it is not there yet, and says so.
    pub(crate) fn make(&mut self) -> Result<Option<String>> {
        if self.repository.is_some() {
            return Ok(None);
        }
        let made = Repository::init_bare(&self.path, &self.branch);
        // Another first run may have been faster.
        let made = made.or_else(|error| Repository::open(&self.path).map_err(|_| error));
        let repository = made.map_err(usage)?;
        self.repository = Some(guarded(repository, &self.outputs));
        Ok(Some(format!("repository {}", self.shown())))
    }

    /// Refuses what landing this on `tip` would refuse.
    pub(crate) fn examine(
        &self,
        now: i64,
        tip: Option<CommitId>,
        changes: ChangeSet,
        message: Message,
    ) -> Result<()> {
        let commit = Commit::new(changes, message, self.signature(now)?);
        match &self.repository {
            Some(repository) => Ok(repository.examine(tip, &commit)?),
            // One that is not made yet has nothing that could be in the way.
            None => Ok(commit.check(|what, bytes| self.outputs.check(what, bytes))?),
        }
    }

    fn signature(&self, now: i64) -> Result<Signature> {
        let (name, mail) = &self.author;
        Ok(Signature::new(name, mail, Timestamp::new(now, 0)?)?)
    }

    /// Lands what `decide` says about the tip; asks again when another writer was faster.
    pub(crate) fn land(
        &self,
        now: i64,
        mut decide: impl FnMut(Option<CommitId>) -> Result<(ChangeSet, Message)>,
    ) -> Result<Landed> {
        let repository = self
            .repository
            .as_ref()
            .context("the repository is not there")?;
        let signature = self.signature(now)?;
        let decide = |tip| {
            let (changes, message) = decide(tip)?;
            anyhow::Ok(Commit::new(changes, message, signature.clone()))
        };
        repository.land(&self.branch, ATTEMPTS, decide, |lost| {
            // Spread writers that lost to the same winner. Not by the process id: in containers that is the same for all.
            let spread = RandomState::new().hash_one(()) % 17;
            std::thread::sleep(Duration::from_millis(spread * u64::from(lost.min(8))));
        })
    }

    /// The branch has moved at every attempt.
    pub(crate) fn kept_moving(&self) -> anyhow::Error {
        anyhow::anyhow!(
            "{} of {} moved {ATTEMPTS} times while this was being committed; nothing was written\n  try: run it again, it decides anew on what is there then",
            self.branch,
            self.shown()
        )
    }
}

fn guarded(repository: Repository, outputs: &Outputs) -> Repository {
    let outputs = outputs.clone();
    repository.checked_by(move |what, bytes| outputs.check(what, bytes))
}

/// Of what a repository refuses, the name of the branch comes from the command line.
fn usage(error: repository::Error) -> anyhow::Error {
    match error.kind() {
        repository::ErrorKind::InvalidBranch => UsageError(format!("--branch: {error}")).into(),
        _ => error.into(),
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
