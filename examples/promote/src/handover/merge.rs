//! A merge request in the place of a commit on the environment's branch: by the forge's API, or by what a push says.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use narae_gitops::handover::forge::{Forge, Kind, MergeRequest};
use narae_gitops::handover::{Address, Clock, Error, ErrorKind, SystemClock, Token};
use narae_gitops::plan::{Applied, Plan};
use narae_gitops::promote::Config;
use narae_gitops::remote::{Proposal, PushOutcome, Remote};
use narae_gitops::repository::CommitId;

use crate::cli::{self, By, UsageError};
use crate::place::Place;

/// Most edits that a description lists.
const MAX_LISTED: usize = 100;

/// How merge requests are asked for.
pub(crate) struct MergeRequests {
    by: By,
    source: Option<String>,
    labels: Vec<String>,
    forge: Option<Forge>,
}

/// A merge request that is open.
pub(crate) struct Proposed {
    /// What is to be merged: the one that stood there already, if it says the same.
    pub(crate) commit: CommitId,
    /// The branch that is to be merged, or the topic.
    pub(crate) source: String,
    /// Where people see it; what a push asked for may not say.
    pub(crate) url: Option<String>,
    /// Whether it was open before and has another commit now; only an API says.
    pub(crate) was_open: Option<bool>,
    /// Why it has not got its labels.
    pub(crate) warning: Option<String>,
}

impl MergeRequests {
    /// `None` when nobody asked for one. Looks only at the command line, before anything is changed.
    pub(crate) fn wanted(wanted: &cli::MergeRequest, place: &Place) -> Result<Option<Self>> {
        let Some(by) = wanted.merge_request else {
            return Ok(None);
        };
        if by == By::Agit && !wanted.labels.is_empty() {
            let what =
                "--label: a push for a branch cannot ask for labels\n  try: --merge-request gitea";
            return Err(UsageError(what.to_owned()).into());
        }
        let kind = match by {
            By::Gitlab => Some(Kind::GitLab),
            By::Github => Some(Kind::GitHub),
            By::Gitea => Some(Kind::Gitea),
            By::GitlabPush | By::Agit => None,
        };
        Ok(Some(Self {
            by,
            source: wanted.source_branch.clone(),
            labels: wanted.labels.clone(),
            forge: kind.map(|kind| forge(kind, wanted, place)).transpose()?,
        }))
    }

    /// Refuses a branch that somebody works with: what a proposal's branch held is replaced.
    pub(crate) fn check(&self, place: &Place, config: &Config, plan: &Plan) -> Result<()> {
        let Some(source) = self.source.as_ref().filter(|_| self.by != By::Agit) else {
            return Ok(());
        };
        let mut branches = config.environments().map(|(_, at)| at.branch.as_str());
        if branches.any(|branch| branch == source)
            || [place.branch(), &plan.branch].contains(&source.as_str())
        {
            let what = format!(
                "--source-branch: `{source}` is a branch that environments are on, and what it holds would be replaced\n  try: leave it out, or a name of its own"
            );
            return Err(UsageError(what).into());
        }
        Ok(())
    }

    /// Puts `commit`, made on `base`, where `branch` can be asked to take it, and asks.
    pub(crate) fn open(
        &self,
        place: &Place,
        (plan, applied): (&Plan, &Applied),
        base: Option<CommitId>,
        commit: CommitId,
    ) -> Result<Proposed> {
        let branch = &plan.branch;
        let source = self.source.clone().unwrap_or_else(|| source(plan));
        let title = plan.intent.message(applied)?.subject().to_owned();
        let mut request =
            MergeRequest::new(&source, branch, &title)?.with_description(description(applied));
        for label in &self.labels {
            request = request.with_label(label)?;
        }
        let (to, options) = match self.by {
            By::Agit => (Proposal::For(branch), request.agit()?.options),
            By::GitlabPush => (Proposal::Branch(&source), request.gitlab_push_options()?),
            _ => (Proposal::Branch(&source), Vec::new()),
        };
        let remote = place.connect()?.with_push_options(options);
        // What a push asks for has to be pushed.
        let standing = self
            .forge
            .as_ref()
            .and_then(|_| standing(place, &remote, &source, commit));
        let commit = match standing {
            Some(standing) => standing,
            None => match remote.propose(place.objects(), to, base, commit)? {
                PushOutcome::Pushed | PushOutcome::AlreadyThere => commit,
                _ => bail!("somebody else moved `{source}` meanwhile\n  try: again"),
            },
        };
        let Some(forge) = &self.forge else {
            return Ok(Proposed {
                commit,
                source,
                url: place.heard().said().iter().find_map(|line| address(line)),
                was_open: None,
                warning: None,
            });
        };
        let opened = found(&SystemClock::new(), || forge.open(&request));
        let opened = opened.with_context(|| {
            format!("commit {commit} is on `{source}`, and no merge request is open for it")
        })?;
        Ok(Proposed {
            commit,
            source,
            url: Some(opened.url),
            was_open: Some(opened.was_open),
            warning: opened.unlabelled.map(|error| error.to_string()),
        })
    }
}

/// A forge hears of a branch a moment after the push that made it has ended, and until then there is none to merge.
fn found<T>(clock: &impl Clock, ask: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for wait in [250, 500, 1000, 2000].map(Duration::from_millis) {
        match ask() {
            Err(error) if error.kind() == ErrorKind::NotFound => clock.sleep(wait),
            answer => return answer,
        }
    }
    ask()
}

/// What a branch holds already, if it says what `commit` says: who has agreed to it has agreed.
fn standing(place: &Place, remote: &Remote, branch: &str, commit: CommitId) -> Option<CommitId> {
    let objects = place.objects();
    let tip = remote.fetch(objects, branch).ok()?.tip()?;
    let differ = objects.changed_files(Some(tip), commit).ok()?;
    differ.is_empty().then_some(tip)
}

fn forge(kind: Kind, wanted: &cli::MergeRequest, place: &Place) -> Result<Forge> {
    let usage = |what: &str| UsageError(format!("--merge-request: {what}"));
    let web_url = place.web_url().ok_or_else(|| {
        usage("--repo is not the URL of a repository of a forge\n  try: https://… or ssh://…")
    })?;
    let origin = wanted
        .forge_url
        .clone()
        .map_or_else(|| default_api(kind, &web_url), Ok)?;
    let address = Address::parse(&origin).map_err(|error| usage(&error.to_string()))?;
    // What the forge's own path is, is not the repository's.
    let repository = match web_url.strip_prefix(origin.trim_end_matches('/')) {
        Some(path) => path,
        None => web_url.splitn(4, '/').nth(3).unwrap_or_default(),
    };
    let repository = repository.trim_matches('/');
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    let token = wanted.forge_token.as_ref().ok_or_else(|| {
        usage("NARAE_FORGE_TOKEN is not set\n  try: `gitlab-push` or `agit`, which need no token for the API")
    })?;
    let forge = Forge::new(kind, address, repository, Token::new(token.0.clone()));
    Ok(forge.map_err(|error| usage(&error.to_string()))?)
}

/// Where the API is of the forge that has a repository at `web_url`.
fn default_api(kind: Kind, web_url: &str) -> Result<String, UsageError> {
    let origin: Vec<&str> = web_url.splitn(4, '/').take(3).collect();
    let origin = origin.join("/");
    Ok(match kind {
        Kind::GitHub if origin == "https://github.com" => "https://api.github.com".to_owned(),
        Kind::GitHub => format!("{origin}/api/v3"),
        _ => origin,
    })
}

/// `promote/shop.rc`, with the sites where they were named: no label has a dot, so that no two changes share a branch.
fn source(plan: &Plan) -> String {
    let intent = &plan.intent;
    let sites = intent.sites.iter().map(|site| format!(".{site}"));
    let sites: String = sites.collect();
    format!(
        "promote/{}.{}{sites}",
        intent.application, intent.environment
    )
}

/// Markdown: every edit, old and new.
fn description(applied: &Applied) -> String {
    let edit = |edit: &narae_gitops::plan::Decided| {
        let plain = |text: &str| text.replace(['`', '\n', '\r'], " ");
        let (place, old, new) = (plain(&edit.place), plain(&edit.old), plain(&edit.new));
        format!("- {} `{place}`: `{old}` → `{new}`\n", edit.file)
    };
    applied.edits.iter().take(MAX_LISTED).map(edit).collect()
}

/// The first address in what a server says to a push.
fn address(line: &str) -> Option<String> {
    let is_address = |word: &&str| word.starts_with("https://") || word.starts_with("http://");
    line.split_whitespace().find(is_address).map(str::to_owned)
}
