//! Asks until a commit is what runs, or cannot be.

use std::fmt;
use std::time::Duration;

use super::application::{Application, ApplicationName};
use super::judge::{Verdict, judge};
use super::{ArgoCd, Refresh};
use crate::handover::clock::Clock;
use crate::handover::error::{Error, ErrorKind, shown};
use crate::handover::request::Transport;
use crate::repository::CommitId;

/// How long a commit is waited for, unless it is told otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(300);
/// How long what may pass (`Degraded`, a repository that cannot be read) is put up with.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait between two questions.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

type IsLater<'a> = Box<dyn Fn(&str) -> bool + 'a>;

/// What is waited for, and how.
pub struct Wait<'a> {
    commit: CommitId,
    is_later: Option<IsLater<'a>>,
    limit: Duration,
    patience: Duration,
    is_refreshing: bool,
    is_syncing: bool,
}

impl<'a> Wait<'a> {
    /// Until `commit` is Synced and Healthy. Argo CD is asked to look at the repository first.
    #[must_use]
    pub fn new(commit: CommitId) -> Self {
        Self {
            commit,
            is_later: None,
            limit: DEFAULT_WAIT,
            patience: DEFAULT_PATIENCE,
            is_refreshing: true,
            is_syncing: false,
        }
    }

    /// How long at most.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// How long `Degraded`, or a repository that cannot be read, may last before it is a failure.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// A later commit will do, too: where many deliver, Argo CD may never look at each of them. `is_later`
    /// says of 40 hexadecimal digits whether they are a commit that has this one among its ancestors.
    #[must_use]
    pub fn or_later(self, is_later: impl Fn(&str) -> bool + 'a) -> Self {
        Self {
            is_later: Some(Box::new(is_later)),
            ..self
        }
    }

    /// Does not ask Argo CD to look: a webhook told it.
    #[must_use]
    pub fn without_refresh(self) -> Self {
        Self {
            is_refreshing: false,
            ..self
        }
    }

    /// Asks Argo CD to sync the commit: for applications that are not synced automatically.
    #[must_use]
    pub fn with_sync(self) -> Self {
        Self {
            is_syncing: true,
            ..self
        }
    }

    fn judge(&self, application: &Application) -> Verdict {
        let commit = self.commit.to_string();
        judge(application, |revision| {
            revision == commit || self.is_later.as_ref().is_some_and(|later| later(revision))
        })
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("commit", &self.commit)
            .field("limit", &self.limit)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> ArgoCd<T> {
    /// Waits until the commit is Synced and Healthy, and returns what Argo CD says then.
    ///
    /// A server that cannot be reached for a while, or is busy, is asked again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SyncFailed`] and [`ErrorKind::Degraded`] in Argo CD's own words; [`ErrorKind::TimedOut`] with where it
    /// stands; those of [`application`](Self::application).
    pub fn wait(
        &self,
        name: &ApplicationName,
        wait: &Wait<'_>,
        clock: &dyn Clock,
    ) -> Result<Application, Error> {
        let mut watch = Watch {
            argocd: self,
            name,
            wait,
            clock,
            start: clock.now(),
            bad_since: None,
            must_refresh: wait.is_refreshing.then_some(Refresh::Normal),
            must_sync: wait.is_syncing,
            stands: String::new(),
            is_rolling_out: false,
        };
        loop {
            if let Some(application) = watch.look()? {
                return Ok(application);
            }
            watch.pause()?;
        }
    }
}

struct Watch<'a, T> {
    argocd: &'a ArgoCd<T>,
    name: &'a ApplicationName,
    wait: &'a Wait<'a>,
    clock: &'a dyn Clock,
    start: Duration,
    /// Since when it is something that may pass.
    bad_since: Option<Duration>,
    must_refresh: Option<Refresh>,
    must_sync: bool,
    /// Where it stood last.
    stands: String,
    /// Whether its objects say more about that.
    is_rolling_out: bool,
}

impl<T: Transport> Watch<'_, T> {
    /// The application when all is done.
    fn look(&mut self) -> Result<Option<Application>, Error> {
        let application = match self.must_refresh {
            Some(how) => self.argocd.refresh(self.name, how),
            None => self.argocd.application(self.name),
        };
        self.is_rolling_out = false;
        let application = match application {
            Ok(application) => application,
            Err(error) if error.is_temporary() => {
                self.stands = error.to_string();
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.must_refresh = None;
        self.is_rolling_out = matches!(
            application.health.status.as_str(),
            "Progressing" | "Degraded"
        );
        let verdict = self.wait.judge(&application);
        if !matches!(verdict, Verdict::Degraded(_) | Verdict::Unclear(_)) {
            self.bad_since = None;
        }
        match verdict {
            Verdict::Done => return Ok(Some(application)),
            Verdict::Waiting(stands) => self.stands = stands,
            Verdict::OutOfSync(stands) => {
                self.stands = stands;
                self.sync()?;
            }
            Verdict::SyncFailed(words) => return Err(self.failed(ErrorKind::SyncFailed, &words)),
            Verdict::Unclear(words) => {
                if self.is_out_of_patience() {
                    return Err(self.failed(ErrorKind::SyncFailed, &words));
                }
                // What it says may be from its cache, or about the commit before.
                self.must_refresh = Some(Refresh::Hard);
                self.stands = words;
            }
            Verdict::Degraded(words) => {
                if self.is_out_of_patience() {
                    return Err(self.failed(ErrorKind::Degraded, &self.with_objects(words)));
                }
                self.stands = format!("Degraded {words}");
            }
        }
        Ok(None)
    }

    fn sync(&mut self) -> Result<(), Error> {
        if !self.must_sync {
            return Ok(());
        }
        match self.argocd.sync(self.name, Some(self.wait.commit)) {
            Ok(_) => self.must_sync = false,
            Err(error) if error.is_temporary() => self.stands = error.to_string(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn is_out_of_patience(&mut self) -> bool {
        let now = self.clock.now();
        let since = *self.bad_since.get_or_insert(now);
        // At least two looks: the first may be at what was.
        since != now && now.saturating_sub(since) >= self.wait.patience
    }

    /// With what Argo CD says of the objects that are not healthy. Without them it is true all the same.
    fn with_objects(&self, words: String) -> String {
        let mut said = vec![words];
        said.extend(self.argocd.unhealthy(self.name).unwrap_or_default());
        said.retain(|text| !text.is_empty());
        said.join("; ")
    }

    fn pause(&self) -> Result<(), Error> {
        let waited = self.clock.now().saturating_sub(self.start);
        let left = self.wait.limit.saturating_sub(waited);
        if left.is_zero() {
            let mut stands = self.stands.clone();
            if self.is_rolling_out {
                stands = self.with_objects(stands);
            }
            let (name, commit) = (self.name, self.wait.commit);
            let seconds = self.wait.limit.as_secs_f64().ceil();
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!(
                    "Argo CD application `{name}`: not Synced and Healthy at {commit:.7} within {seconds} s: {}",
                    shown(&stands)
                ),
            ));
        }
        self.clock.sleep(POLL_INTERVAL.min(left));
        Ok(())
    }

    fn failed(&self, kind: ErrorKind, words: &str) -> Error {
        let what = match kind {
            ErrorKind::Degraded => "is applied and Degraded",
            _ => "cannot be synced",
        };
        let (name, commit) = (self.name, self.wait.commit);
        let words = shown(words);
        Error::new(
            kind,
            format!("Argo CD application `{name}`: {commit:.7} {what}: {words}"),
        )
    }
}
