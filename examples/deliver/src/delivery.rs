//! The job itself, step by step: read, render, check, resolve, seal, plan, commit.

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use narae_gitops::change::ChangeSet;
use narae_gitops::image::{ImageReference, is_commit_hash};
use narae_gitops::message::{MAX_SUBJECT_CHARS, Message, key};
use narae_gitops::repository::{CommitId, Outcome as Landing, TreePath};
use narae_manifest::object::{self, ObjectId};
use narae_manifest::template::{Rendered, Rendering};
use narae_manifest::values::Values;
use narae_secrets::resolve::Resolved;
use narae_secrets::sealed::{Certificate, DigestKey, SealedFile};
use narae_secrets::store::Store;
use narae_yaml::Value;

use crate::cli::Arguments;
use crate::guard::Outputs;
use crate::lock::LockFile;
use crate::manifest::{self, FileNames, Manifest};
use crate::outcome::{Outcome, SealedItem, Sync, Verdict};
use crate::plan::{Action, Current, FileChange, Plan};
use crate::repository::Place;
use crate::secrets::Found;
use crate::{certificate, digest, image, paths, policy, report, secrets, store};
use narae_cli::application::{Application, Target};

/// Objects named in a commit's body; the commit itself has them all.
const LISTED: usize = 200;

/// One delivery.
pub(crate) fn run(arguments: &Arguments, outputs: &Outputs) -> Result<Outcome> {
    let folder = arguments
        .app
        .clone()
        .unwrap_or_else(paths::bundled_application);
    let application = Application::read(&folder)?;
    let target = application.target(&arguments.site, &arguments.stage)?;
    let mut values = application.values(&target, Vec::new())?;
    if let Some(image) = &arguments.image {
        values = application.values(&target, image::layers(image, &values)?)?;
    }
    policy::check_values(&application, &values)?;
    let rendering = application.templates()?.render(&values)?;
    if let Some(image) = &arguments.image {
        image::check_used(image, &rendering, &values)?;
    }

    let mut place = Place::find(arguments, &application, &target, outputs)?;
    let mut outcome = Outcome {
        application: application.name().to_owned(),
        description: application.description().map(str::to_owned),
        site: target.site.clone(),
        stage: target.stage.clone(),
        repository: place.shown(),
        branch: arguments.branch.clone(),
        images: images(&rendering.objects),
        made: Vec::new(),
        warnings: warnings(&rendering, &values),
        notes: Vec::new(),
        secrets: Vec::new(),
        plan: None,
        result: Verdict::Planned,
    };

    for rendered in &rendering.objects {
        ObjectId::of(&rendered.value)
            .with_context(|| format!("{}: not an object", rendered.origin()))?;
    }
    // Before the policies: their messages may quote what stands in an object.
    let found = secrets::find(&rendering.objects)?;
    let mut violations = found.refusals.clone();
    if violations.is_empty() {
        let (wrong, warnings) = policy::check_schemas(&application, &rendering.objects)?;
        outcome.warnings.extend(warnings);
        let policies = application.policies()?;
        let (denied, warnings) = policy::check(&policies, &rendering.objects)?;
        outcome.warnings.extend(warnings);
        outcome.notes = policy::idle(&policies, &rendering.objects)?;
        violations = [denied, wrong].concat();
    }
    if !violations.is_empty() {
        outcome.result = Verdict::Refused { violations };
        return Ok(outcome);
    }

    let now = now();
    let (mut resolved, mut certificate, mut digest_key) = (Resolved::default(), None, None);
    // An application without secrets needs neither store nor certificate.
    if !found.secrets.is_empty() {
        let stores = store::open(arguments, &application, &mut outcome.made)?;
        let stores: Vec<&dyn Store> = stores.iter().map(AsRef::as_ref).collect();
        let lock = LockFile::read(arguments)?;
        resolved = secrets::read(&found, &stores, &lock.lock(), arguments.store)?;
        outputs.know(&resolved, &arguments.not_secret);
        outcome.notes.extend(lock.outdated(&resolved, &stores));
        if !arguments.dry_run {
            // Before the commit: what is committed can be read again.
            outcome.made.extend(lock.write(&resolved, outputs)?);
        }
        certificate = Some(certificate::load(arguments, now, &mut outcome.made)?);
        digest_key = digest::key(arguments, &resolved, &mut outcome.made)?;
    }
    if !arguments.dry_run {
        outcome.made.extend(place.make()?);
    }
    let decision = Decision {
        found,
        objects: &rendering.objects,
        resolved,
        certificate,
        digest_key,
        place: &place,
    };
    if arguments.dry_run {
        let tip = place.tip()?;
        let (plan, sealed) = decision.plan(tip)?;
        // What would be refused is refused now.
        let message = message(&target, &outcome, &plan)?;
        place.examine(now, tip, plan.changes.iter().cloned().collect(), message)?;
        (outcome.plan, outcome.secrets) = (Some(plan), sealed);
    } else {
        land(&target, &decision, now, &mut outcome)?;
    }
    if let Some(plan) = &mut outcome.plan {
        plan.mask_old(|text| outputs.check("what stood there", text.as_bytes()).is_err());
    }
    Ok(outcome)
}

/// Plans on the tip and commits there; on a tip that moved, decides again.
fn land(target: &Target, decision: &Decision<'_>, now: i64, outcome: &mut Outcome) -> Result<()> {
    // What the last attempt decided, and on which tip.
    let mut decided = None;
    let landed = decision.place.land(now, |tip| {
        let (plan, sealed) = decision.plan(tip)?;
        let message = message(target, outcome, &plan)?;
        let changes: ChangeSet = plan.changes.iter().cloned().collect();
        decided = Some((tip, plan, sealed, message.clone()));
        Ok((changes, message))
    })?;
    let (tip, plan, sealed, message) = decided.context("nothing was decided")?;
    let tip = tip.map(|tip| tip.to_string());
    outcome.result = match landed.outcome {
        Landing::Committed(id) => Verdict::Committed {
            argocd: sync(outcome, &plan, &id.to_string()),
            commit: id.to_string(),
            parent: tip,
            message: message.to_string(),
        },
        Landing::NothingToDo => Verdict::Unchanged { commit: tip },
        _ => return Err(decision.place.kept_moving()),
    };
    (outcome.plan, outcome.secrets) = (Some(plan), sealed);
    Ok(())
}

/// Everything the plan follows from, except what the branch holds.
struct Decision<'a> {
    found: Found<'a>,
    objects: &'a [Rendered],
    resolved: Resolved,
    certificate: Option<Certificate>,
    digest_key: Option<DigestKey>,
    place: &'a Place,
}

impl Decision<'_> {
    fn plan(&self, tip: Option<CommitId>) -> Result<(Plan, Vec<SealedItem>)> {
        let directory = self.place.directory();
        let current = &self.place.current(tip)?;
        let secret_of = |rendered: &Rendered| {
            let mut secrets = self.found.secrets.iter();
            secrets.find(|secret| std::ptr::eq(secret.rendered, rendered))
        };
        let mut ids = Vec::with_capacity(self.objects.len());
        for rendered in self.objects {
            let mut id = ObjectId::of(&rendered.value)?;
            if secret_of(rendered).is_some() {
                "SealedSecret".clone_into(&mut id.kind);
            }
            ids.push(id);
        }
        let files = FileNames::new(directory, ids.iter().cloned());
        let (mut manifests, mut outcomes) = (Vec::new(), Vec::new());
        for (rendered, id) in self.objects.iter().zip(&ids) {
            manifests.push(match secret_of(rendered).zip(self.certificate.as_ref()) {
                None => Manifest::new(&files, rendered)?,
                Some((secret, certificate)) => {
                    let previous = previous(&files, id, current)?;
                    let with = (certificate, self.digest_key.as_ref());
                    let (text, sources, sealed) =
                        secret.seal(&self.resolved, with, previous.as_ref())?;
                    outcomes.extend(sealed);
                    Manifest::of(&files, &text, rendered, sources)?
                }
            });
        }
        manifests.sort_by_key(|manifest| object::apply_rank(&manifest.object.kind));
        manifest::check_distinct(&manifests)?;
        Ok((Plan::new(directory, &manifests, current)?, outcomes))
    }
}

/// The SealedSecret that stands where this one will, or did before others of its name came or went.
fn previous(files: &FileNames<'_>, id: &ObjectId, current: &Current) -> Result<Option<Value>> {
    let read = |path: &TreePath| {
        // What does not read as YAML keeps nothing; the plan reports it.
        let file = SealedFile::read_bytes(path.to_string(), current.get(path)?).ok()?;
        Some(file.secrets().first()?.value().clone())
    };
    if let Some(value) = read(&files.of(id)?) {
        return Ok(Some(value));
    }
    let is_it =
        |value: &Value| ObjectId::of(value).is_ok_and(|there| there.namespace == id.namespace);
    let before = files.before(id)?;
    Ok(before.iter().filter_map(read).find(is_it))
}

/// Every image that the objects' pods run, in order, once.
fn images(objects: &[Rendered]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = objects
        .iter()
        .flat_map(|rendered| object::images(&rendered.value));
    all.map(|(_, image)| image.to_owned())
        .filter(|image| seen.insert(image.clone()))
        .collect()
}

/// Values nobody uses, most often a name that was misspelt, and those that read otherwise than they are written.
fn warnings(rendering: &Rendering, values: &Values) -> Vec<String> {
    let unused = rendering.unused(values).into_iter();
    let unused = unused
        // The command line's own values need not be used.
        .filter(|(path, _)| !["site", "stage"].contains(&path.to_string().as_str()))
        .map(|(path, origin)| {
            let hint = rendering.suggestion(&path);
            let hint = hint.map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
            format!("{origin}: value `{path}` is used by no template{hint}")
        });
    let respelled = rendering.respelled().into_iter().map(|found| {
        format!(
            "{}: value `{}` is not written as it reads in `{}`: write it in quotes",
            found.origin, found.value, found.field
        )
    });
    unused.chain(respelled).collect()
}

fn message(target: &Target, outcome: &Outcome, plan: &Plan) -> Result<Message> {
    let Target { site, stage } = target;
    let tags: Vec<String> = outcome
        .images
        .iter()
        .filter_map(|image| {
            image
                .parse::<ImageReference>()
                .ok()?
                .tag()
                .map(str::to_owned)
        })
        .collect();
    let name = tags
        .first()
        .map_or_else(String::new, |tag| format!(" {}", report::abbreviate(tag)));
    let listed = plan.files.iter().take(LISTED);
    let mut lines: Vec<String> = listed
        .map(|file| format!("{} {}", file.action.mark(), file.object))
        .collect();
    if plan.files.len() > LISTED {
        lines.push(format!("… and {} more", plan.files.len() - LISTED));
    }
    let subject = format!("Deliver {}{name} to {site}/{stage}", outcome.application);
    // The trailers have the names in full.
    let subject: String = subject.chars().take(MAX_SUBJECT_CHARS).collect();
    let mut message = Message::new(&subject)?
        .with_body(&lines.join("\n"))?
        .with_trailer(key::APP, &outcome.application)?
        .with_trailer(key::SITE, site)?
        .with_trailer(key::ENVIRONMENT, stage)?;
    for image in &outcome.images {
        message = message.with_trailer(key::IMAGE, image)?;
    }
    for tag in tags.iter().filter(|tag| is_commit_hash(tag)) {
        message = message.with_trailer(key::SOURCE_COMMIT, tag)?;
    }
    Ok(message)
}

fn sync(outcome: &Outcome, plan: &Plan, commit: &str) -> Sync {
    let line = |file: &FileChange| {
        let prune = if file.action == Action::Remove {
            " (when pruning is on)"
        } else {
            ""
        };
        format!("{} {}{prune}", file.action.mark(), file.object)
    };
    Sync {
        application: format!("{}-{}-{}", outcome.application, outcome.site, outcome.stage),
        repository: outcome.repository.clone(),
        path: plan.directory.clone(),
        revision: commit.to_owned(),
        objects: plan.files.iter().map(line).collect(),
    }
}

/// Now, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
