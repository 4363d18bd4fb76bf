//! A plan that is applied later: everything is asked again, of the configuration and the tip as they are then.

use narae_gitops::edit::{Image, Setting};
use narae_gitops::plan::{Action, Edit, ImagePlace, Plan, Target};
use narae_gitops::promote::{self, Config, PromoteError, Snapshot};
use narae_gitops::repository::Repository;

use crate::fixture::path;
use crate::promote::{CONFIG, approved, at, image, land, repository, request};

const MASTER: &str = "environments/master/idc/shop/kustomization.yaml";

fn verify(repository: &Repository, config: &Config, plan: &Plan) -> Result<(), PromoteError> {
    promote::verify(config, plan, &Snapshot::new(repository))
}

/// dev and rc at idc run 1111bbb, and a plan is to bring it to master.
fn planned() -> (tempfile::TempDir, Repository, Config, Plan) {
    let (directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    let to_dev = at(request("dev"), "idc");
    let plan = promote::set_image(&config, &to_dev, &image("1111bbb"), &view()).unwrap();
    land(&repository, &plan, 1000);
    let to_rc = at(request("rc"), "idc");
    let plan = promote::promote(&config, &to_rc, "dev", &view()).unwrap();
    land(&repository, &plan, 2000);
    let to_master = at(approved("master"), "idc");
    let plan = promote::promote(&config, &to_master, "rc", &view()).unwrap();
    (directory, repository, config, plan)
}

#[test]
fn what_still_holds_may_be_applied() {
    let (_directory, repository, config, plan) = planned();
    verify(&repository, &config, &plan).unwrap();
    land(&repository, &plan, 3000);
    // What is there already is asked for nothing more.
    verify(&repository, &config, &plan).unwrap();
}

#[test]
fn what_the_configuration_says_now_counts() {
    let (_directory, repository, _, plan) = planned();
    let mut faults = Vec::new();
    for (from, to, words) in [
        ("from: rc, approval", "from: dev, approval", ""),
        (
            "approval: manual",
            "approval: manual, digest: required",
            "has no digest",
        ),
        (
            "approval: manual",
            "approval: manual, branch: live",
            "`master` is on branch `live`",
        ),
        (
            "repository: shop/web",
            "repository: shop/api",
            "is not of `shop/api`",
        ),
        (
            "kustomize:web",
            "kustomize:api",
            "has no `kustomize:web` in environments/master/idc",
        ),
        (
            "replicas:web",
            "replicas:api",
            "has no `replicas:web` in environments/master/idc",
        ),
        ("  shop:\n", "  cart:\n", "unknown application `shop`"),
        ("  master:", "  live:", "unknown environment `master`"),
        ("[idc, aws]", "[aws]", "unknown site `idc`"),
        (
            "environments/rc, from: dev}",
            "environments/rc, from: dev}\n  qa: {directory: qa, from: rc}",
            "",
        ),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        let config = Config::read("narae.yaml", &CONFIG.replace(from, to), "main").unwrap();
        let answer = match verify(&repository, &config, &plan) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        if answer.is_empty() != words.is_empty() || !answer.contains(words) {
            faults.push(format!("{to}: {answer:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A gate that was not there yesterday: nothing has been in qa.
    let gated = CONFIG.replace(
        "  master: {directory: environments/master, from: rc,",
        "  qa: {directory: environments/rc/qa, from: rc}\n  master: {directory: environments/master, from: qa,",
    );
    let config = Config::read("narae.yaml", &gated, "main").unwrap();
    let error = verify(&repository, &config, &plan).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "`idc.example.com/shop/web:1111bbb` has not been in `qa` at idc: deliver it there first"
    );
    // And who agrees is asked of a plan in which nobody did.
    let mut plan = plan;
    plan.intent.approved_by = None;
    let config = Config::read("narae.yaml", CONFIG, "main").unwrap();
    let error = verify(&repository, &config, &plan).unwrap_err();
    assert!(matches!(error, PromoteError::Approval { .. }), "{error}");
}

#[test]
fn what_happened_since_counts() {
    let (_directory, repository, config, plan) = planned();
    let view = || Snapshot::new(&repository);
    // It is rolled back where it came from: neither the plan nor anybody else takes it further.
    let back = promote::roll_back(&config, &request("rc"), None, &view()).unwrap();
    let (_, rollback) = land(&repository, &back, 3000);
    let to_master = at(approved("master"), "idc");
    let error = verify(&repository, &config, &plan).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        format!(
            "`idc.example.com/shop/web:1111bbb` was rolled back in `rc` at idc by {rollback:.12}: deliver it there again first"
        )
    );
    let anew = promote::set_image(&config, &to_master, &image("1111bbb"), &view());
    assert!(
        matches!(anew, Err(PromoteError::RolledBack { .. })),
        "{anew:?}"
    );
    // It comes to rc again, and may.
    let mut again = at(request("rc"), "idc");
    again.is_again = true;
    let plan_again = promote::promote(&config, &again, "dev", &view()).unwrap();
    verify(&repository, &config, &plan_again).unwrap();
    land(&repository, &plan_again, 4000);
    verify(&repository, &config, &plan).unwrap();

    // It is applied, and rolled back in its own place: it does not come a second time.
    land(&repository, &plan, 5000);
    let back = promote::roll_back(&config, &at(request("master"), "idc"), None, &view()).unwrap();
    verify(&repository, &config, &back).unwrap();
    land(&repository, &back, 6000);
    let error = verify(&repository, &config, &plan).unwrap_err();
    assert!(matches!(error, PromoteError::GoesBack { .. }), "{error}");
    // Unless it was said that it may; which the plan's file keeps.
    let mut again = to_master;
    again.is_again = true;
    let plan = promote::promote(&config, &again, "rc", &view()).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    let plan = Plan::read("plan.json", &text).unwrap();
    verify(&repository, &config, &plan).unwrap();
}

#[test]
fn what_somebody_wrote_into_a_plan_is_not_believed() {
    let (_directory, repository, config, plan) = planned();
    let refused = |change: &dyn Fn(&mut Plan), words: &str| {
        let mut plan = plan.clone();
        change(&mut plan);
        let error = verify(&repository, &config, &plan).unwrap_err();
        assert!(
            error.is_refusal() && error.to_string().contains(words),
            "{words}: {error}"
        );
    };
    let set = |plan: &mut Plan, image: &str| {
        let image = Setting::Image(Image::from(&image.parse().unwrap()));
        let Target::Set { to, .. } = &mut plan.edits[0].target else {
            panic!("{plan:?}")
        };
        *to = image;
    };
    refused(
        &|plan| set(plan, "idc.example.com/shop/web:latest"),
        "moves from build to build",
    );
    refused(
        &|plan| set(plan, "idc.example.com/shop/web:2222ccc"),
        "has not been in `rc` at idc",
    );
    refused(
        &|plan| set(plan, "idc.example.com/other/web:1111bbb"),
        "is not of `shop/web`",
    );
    // Parts that make no reference are not waved through: nothing could be asked about them.
    let parts = |plan: &mut Plan, name: &str, tag: &str, digest: Option<&str>| {
        let mut image = Image::default();
        (image.name, image.tag) = (Some(name.to_owned()), Some(tag.to_owned()));
        image.digest = digest.map(str::to_owned);
        let Target::Set { to, .. } = &mut plan.edits[0].target else {
            panic!("{plan:?}")
        };
        *to = Setting::Image(image);
    };
    for (name, tag, digest) in [
        ("evil.example.com/x/y", "!", None),
        ("idc.example.com/shop/web", "1111bbb", Some("garbage")),
        ("idc.example.com/shop/web", "1111bbb\n", None),
        ("", "1111bbb", None),
    ] {
        refused(&|plan| parts(plan, name, tag, digest), "is no image");
    }
    refused(
        &|plan| plan.edits.truncate(0),
        "it does not set `kustomize:web`",
    );
    refused(
        &|plan| plan.edits[0].file = path(&MASTER.replace("idc", "aws")),
        "has no `kustomize:web` in environments/master/aws",
    );
    refused(
        &|plan| {
            let select = "value:namePrefix".parse().unwrap();
            let edit = Edit::set(path(MASTER), select, Setting::Value("x-".into()));
            plan.edits.push(edit);
        },
        "has no `value:namePrefix`",
    );
    refused(
        &|plan| {
            let select = "kustomize:other".parse().unwrap();
            plan.images.push(ImagePlace::new(path(MASTER), select));
        },
        "has no `kustomize:other`",
    );
    refused(
        &|plan| {
            let change = plan.edits[0].changes[0].inverse();
            plan.edits[0] = Edit::undo(path(MASTER), &change);
        },
        "only a rollback undoes",
    );
    refused(
        &|plan| plan.branch = "live".to_owned(),
        "is on branch `main`",
    );

    // A rollback undoes what its commit recorded, and nothing else.
    let (_, delivered) = land(&repository, &plan, 3000);
    refused(
        &|plan| plan.intent.action = Action::RollBack { reverts: delivered },
        "did not record what it undoes",
    );
    let whole = promote::roll_back(
        &config,
        &request("master"),
        None,
        &Snapshot::new(&repository),
    );
    let mut part = whole.unwrap();
    part.edits.remove(0);
    verify(&repository, &config, &part).unwrap();
    let change = part.edits[0].changes[0].clone();
    part.edits[0] = Edit::undo(path(MASTER), &change);
    let error = verify(&repository, &config, &part).unwrap_err();
    assert!(matches!(error, PromoteError::Outdated { .. }), "{error}");
}

#[test]
fn values_are_what_the_environment_they_come_from_has() {
    let (_directory, repository, config, plan) = planned();
    let with = |count: i64| {
        let mut plan = plan.clone();
        for edit in &mut plan.edits {
            if let Target::Set {
                to: Setting::Value(value),
                ..
            } = &mut edit.target
            {
                *value = count.into();
            }
        }
        plan
    };
    assert_ne!(with(0), plan, "replicas are promoted");
    verify(&repository, &config, &with(1)).unwrap();
    let error = verify(&repository, &config, &with(0)).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "the plan does not fit: `replicas:web` is 1 where it comes from, and 0 in the plan: make it again"
    );
    // It moved there since.
    let name = "environments/rc/idc/shop/kustomization.yaml";
    let tip = repository.tip("main").unwrap().unwrap();
    let there = repository.read(tip, &path(name)).unwrap().unwrap();
    let there = String::from_utf8(there)
        .unwrap()
        .replace("count: 1", "count: 5");
    crate::fixture::advance(&repository, &[(name, Some(&there))]);
    let error = verify(&repository, &config, &plan).unwrap_err();
    assert!(
        error.to_string().contains("is 5 where it comes from"),
        "{error}"
    );
    // And what delivers an image sets nothing else.
    let mut delivered = with(5);
    delivered.intent.action = Action::Deliver;
    let error = verify(&repository, &config, &delivered).unwrap_err();
    assert!(
        error.to_string().contains("only images are delivered"),
        "{error}"
    );
}
