//! Environments, gates, promotion, rollback, drift; directories and branches alike.

mod back;
mod config;

use narae_gitops::image::ImageReference;
use narae_gitops::plan::{Applied, Plan};
use narae_gitops::promote::{self, Config, PromoteError, Request, Snapshot};
use narae_gitops::repository::{Commit, CommitId, Outcome, Repository, Signature, Timestamp};

use crate::fixture::{bare, fsck, git, path};

pub(crate) const CONFIG: &str = r#"sites: [idc, aws]
environments:
  dev: {directory: environments/dev}
  rc: {directory: environments/rc, from: dev}
  master: {directory: environments/master, from: rc, approval: manual}
applications:
  shop:
    repository: shop/web
    images:
    - {file: "{site}/shop/kustomization.yaml", select: "kustomize:web"}
    values:
    - {file: "{site}/shop/kustomization.yaml", select: "replicas:web"}
"#;

fn kustomization(registry: &str, tag: &str, replicas: u32) -> String {
    format!(
        "# {registry}\nimages:\n- name: web\n  newName: {registry}/shop/web\n  newTag: {tag} # by delivery\nreplicas:\n- {{name: web, count: {replicas}}}\nnamePrefix: {registry}-\n"
    )
}

/// A repository with three environments at two sites; everything runs 0000aaa.
pub(crate) fn repository() -> (tempfile::TempDir, Repository, Config) {
    let (directory, repository) = bare();
    let mut files = Vec::new();
    for (environment, replicas) in [("dev", 1), ("rc", 2), ("master", 2)] {
        for site in ["idc", "aws"] {
            files.push((
                format!("environments/{environment}/{site}/shop/kustomization.yaml"),
                kustomization(&format!("{site}.example.com"), "0000aaa", replicas),
            ));
        }
    }
    let files: Vec<(&str, Option<&str>)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), Some(text.as_str())))
        .collect();
    crate::fixture::advance(&repository, &files);
    (
        directory,
        repository,
        Config::read("narae.yaml", CONFIG, "main").unwrap(),
    )
}

pub(crate) fn land(repository: &Repository, plan: &Plan, seconds: i64) -> (Applied, CommitId) {
    let tip = repository.tip(&plan.branch).unwrap().unwrap();
    let applied = plan.apply(|file| repository.read(tip, file)).unwrap();
    assert_eq!(applied.outcome(), "applied", "{applied:?}");
    let message = plan.intent.message(&applied).unwrap();
    let who = Signature::new(
        "Ada",
        "ada@example.com",
        Timestamp::new(seconds, 0).unwrap(),
    )
    .unwrap();
    let commit = Commit::new(applied.change_set(), message, who);
    match repository.commit(&plan.branch, Some(tip), &commit).unwrap() {
        Outcome::Committed(id) => (applied, id),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn request(environment: &str) -> Request {
    Request::new("shop", environment)
}

pub(crate) fn approved(environment: &str) -> Request {
    let mut request = request(environment);
    request.approved_by = Some("Grace".to_owned());
    request
}

/// At both sites, each with its registry.
pub(crate) fn everywhere(environment: &str) -> Request {
    let mut request = request(environment);
    request.keeps_registries = true;
    request
}

pub(crate) fn at(mut request: Request, site: &str) -> Request {
    request.sites.push(site.to_owned());
    request
}

pub(crate) fn image(tag: &str) -> ImageReference {
    format!("idc.example.com/shop/web:{tag}").parse().unwrap()
}

fn file(repository: &Repository, environment: &str, site: &str) -> String {
    let name = path(&format!(
        "environments/{environment}/{site}/shop/kustomization.yaml"
    ));
    let tip = repository.tip("main").unwrap().unwrap();
    String::from_utf8(repository.read(tip, &name).unwrap().unwrap()).unwrap()
}

#[test]
fn a_version_goes_from_dev_to_master_and_back() {
    let (_directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    let to_dev = at(request("dev"), "idc");
    let plan = promote::set_image(&config, &to_dev, &image("1111bbb"), &view()).unwrap();
    land(&repository, &plan, 1000);
    assert!(file(&repository, "dev", "idc").contains("newTag: 1111bbb # by delivery"));
    assert!(
        file(&repository, "dev", "aws").contains("0000aaa"),
        "another site"
    );

    // Not yet in rc, so not to master; and only where it was.
    let early = promote::set_image(
        &config,
        &at(approved("master"), "idc"),
        &image("1111bbb"),
        &view(),
    );
    assert!(
        matches!(early, Err(PromoteError::Gate { ref from, .. }) if from == "rc"),
        "{early:?}"
    );
    let other_site = promote::set_image(
        &config,
        &at(request("rc"), "aws"),
        &image("1111bbb"),
        &view(),
    );
    assert!(
        matches!(other_site, Err(PromoteError::Gate { .. })),
        "{other_site:?}"
    );

    let to_rc = promote::promote(&config, &at(request("rc"), "idc"), "dev", &view()).unwrap();
    let (applied, _) = land(&repository, &to_rc, 2000);
    let expected = kustomization("idc.example.com", "1111bbb", 1);
    assert_eq!(
        file(&repository, "rc", "idc"),
        expected,
        "tag and replicas are declared"
    );
    assert_eq!(applied.edits.len(), 2);

    let unapproved = promote::promote(&config, &at(request("master"), "idc"), "rc", &view());
    assert!(
        matches!(unapproved, Err(PromoteError::Approval { .. })),
        "{unapproved:?}"
    );
    let to_master =
        promote::promote(&config, &at(approved("master"), "idc"), "rc", &view()).unwrap();
    let (_, delivered) = land(&repository, &to_master, 3000);
    let log = git(
        repository.path(),
        &["log", "-1", "--format=%s%n%(trailers:only)", "main"],
    );
    for line in [
        "shop: promote 1111bbb from rc to master",
        "Narae-Site: idc",
        "Narae-Image: idc.example.com/shop/web:1111bbb",
        "Narae-Old: idc.example.com/shop/web:0000aaa",
        "Narae-From: rc",
        "Narae-Approved-By: Grace",
    ] {
        assert!(log.lines().any(|other| other == line), "{log}");
    }

    let back = promote::roll_back(&config, &request("master"), None, &view()).unwrap();
    let before = file(&repository, "rc", "idc");
    land(&repository, &back, 3600);
    assert_eq!(
        file(&repository, "master", "idc"),
        kustomization("idc.example.com", "0000aaa", 2)
    );
    assert_eq!(file(&repository, "rc", "idc"), before, "one environment");
    let log = git(repository.path(), &["log", "-1", "--format=%B", "main"]);
    assert!(
        log.starts_with(&format!(
            "shop: roll back master to 0000aaa\n\nThis reverts commit {delivered}.\n"
        )),
        "{log}"
    );

    // It was rolled back: it does not come again unasked, and there is nothing more to undo.
    let again = promote::promote(&config, &at(approved("master"), "idc"), "rc", &view());
    assert!(
        matches!(again, Err(PromoteError::GoesBack { .. })),
        "{again:?}"
    );
    let mut asked = at(approved("master"), "idc");
    asked.is_again = true;
    assert!(promote::promote(&config, &asked, "rc", &view()).is_ok());
    let nothing = promote::roll_back(&config, &request("master"), None, &view());
    assert!(
        matches!(nothing, Err(PromoteError::NothingToRollBack { .. })),
        "{nothing:?}"
    );
    fsck(repository.path());

    let deliveries = view().deliveries("main").unwrap().found;
    let measures = narae_gitops::history::measure(&deliveries, "master", 0, 86_400);
    assert_eq!((measures.deliveries, measures.rollbacks), (1, 1));
    assert_eq!(measures.lead_time.unwrap().median, 2000);
    assert_eq!(measures.time_to_restore.unwrap().median, 600);
    assert_eq!(measures.change_failure_rate, Some(1.0));
    assert!((measures.per_day - 1.0).abs() < 1e-9);
}

#[test]
fn what_a_rule_refuses() {
    let (_directory, repository, config) = repository();
    let set = |text: &str| {
        let image: ImageReference = text.parse().unwrap();
        promote::set_image(
            &config,
            &everywhere("dev"),
            &image,
            &Snapshot::new(&repository),
        )
        .unwrap_err()
    };
    for (image, words) in [
        (
            "idc.example.com/shop/web:latest",
            "moves from build to build",
        ),
        ("idc.example.com/shop/web:v1.2.3", "is not a commit hash"),
        ("idc.example.com/shop/api:1111bbb", "is not of `shop/web`"),
    ] {
        let error = set(image);
        assert!(
            error.is_refusal() && error.to_string().contains(words),
            "{error}"
        );
    }
    for (first, second) in [("1111bbb", "0000aaa"), ("2222ccc", "1111bbb")] {
        let view = Snapshot::new(&repository);
        let plan = promote::set_image(&config, &everywhere("dev"), &image(first), &view).unwrap();
        land(&repository, &plan, 1);
        let back = set(&format!("x.example.com/shop/web:{second}"));
        assert!(matches!(back, PromoteError::GoesBack { .. }), "{back}");
    }
    let strict = CONFIG.replace("environments/dev}", "environments/dev, digest: required}");
    let strict = Config::read("narae.yaml", &strict, "main").unwrap();
    let error = promote::set_image(
        &strict,
        &request("dev"),
        &image("9999eee"),
        &Snapshot::new(&repository),
    )
    .unwrap_err();
    assert!(error.to_string().contains("has no digest"), "{error}");
}

#[test]
fn drift_tells_declared_values_from_the_rest() {
    let (_directory, repository, config) = repository();
    let plan = promote::set_image(
        &config,
        &everywhere("dev"),
        &image("1111bbb"),
        &Snapshot::new(&repository),
    )
    .unwrap();
    land(&repository, &plan, 1);
    let name = "environments/rc/aws/shop/kustomization.yaml";
    let by_hand =
        file(&repository, "rc", "aws").replace("namePrefix: aws.example.com-", "nameSuffix: -x");
    crate::fixture::advance(&repository, &[(name, Some(&by_hand))]);
    let found = promote::drift(
        &config,
        "shop",
        ("dev", "rc"),
        &["aws".to_owned()],
        &Snapshot::new(&repository),
    )
    .unwrap();
    let shown: Vec<String> = found
        .iter()
        .map(|drift| {
            format!(
                "{} {:?} {:?} {}",
                drift.place,
                drift.from.as_deref(),
                drift.to.as_deref(),
                drift.is_declared
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "kustomize:web Some(\"aws.example.com/shop/web:1111bbb\") Some(\"aws.example.com/shop/web:0000aaa\") true",
            "replicas:web Some(\"1\") Some(\"2\") true",
            "namePrefix Some(\"aws.example.com-\") None false",
            "nameSuffix None Some(\"-x\") false",
        ]
    );
}

#[test]
fn environments_may_be_branches() {
    let (_directory, repository) = bare();
    let text = "image: shop/web:0000aaa\n";
    let tip = crate::fixture::advance(&repository, &[("deploy.yaml", Some(text))]);
    for branch in ["dev", "rc"] {
        git(repository.path(), &["branch", branch, &tip.to_string()]);
    }
    let config = "environments:\n  dev: {branch: dev}\n  rc: {branch: rc, from: dev}\n  master: {from: rc}\napplications:\n  shop:\n    images: [{file: deploy.yaml, select: \"image:image\"}]\n";
    let config = Config::read("narae.yaml", config, "main").unwrap();
    let view = || Snapshot::new(&repository);
    let image: ImageReference = "shop/web:1111bbb".parse().unwrap();
    land(
        &repository,
        &promote::set_image(&config, &everywhere("dev"), &image, &view()).unwrap(),
        1,
    );
    land(
        &repository,
        &promote::promote(&config, &request("rc"), "dev", &view()).unwrap(),
        2,
    );
    let plan = promote::promote(&config, &request("master"), "rc", &view()).unwrap();
    assert_eq!(plan.branch, "main");
    land(&repository, &plan, 3);
    for branch in ["dev", "rc", "main"] {
        assert_eq!(
            git(
                repository.path(),
                &["show", &format!("{branch}:deploy.yaml")]
            ),
            text.replace("0000aaa", "1111bbb")
        );
    }
    let missing = Config::read("n", "environments: {x: {branch: gone}}\napplications: {shop: {images: [{file: a, select: 'image:a'}]}}\n", "main").unwrap();
    let error = promote::set_image(&missing, &request("x"), &image, &view()).unwrap_err();
    assert!(
        matches!(error, PromoteError::NoBranch(ref branch) if branch == "gone"),
        "{error}"
    );
}

#[test]
fn where_sites_have_registries_of_their_own_an_image_is_not_written_to_all() {
    let (_directory, repository, config) = repository();
    let set = |request: &Request| {
        promote::set_image(
            &config,
            request,
            &image("1111bbb"),
            &Snapshot::new(&repository),
        )
    };
    let error = set(&request("dev")).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "`idc.example.com/shop/web:1111bbb` is of one registry, and sites have their own: aws.example.com at aws, idc.example.com at idc"
    );
    land(&repository, &set(&everywhere("dev")).unwrap(), 1);
    for site in ["idc", "aws"] {
        let expected = kustomization(&format!("{site}.example.com"), "1111bbb", 1);
        assert_eq!(file(&repository, "dev", site), expected);
    }
    // A site that is named takes the registry that is given: so all of them can move to one.
    land(&repository, &set(&at(request("dev"), "aws")).unwrap(), 2);
    assert!(file(&repository, "dev", "aws").contains("newName: idc.example.com/shop/web\n"));
    let elsewhere = "new.example.com/shop/web:2222ccc".parse().unwrap();
    let view = Snapshot::new(&repository);
    let plan = promote::set_image(&config, &request("dev"), &elsewhere, &view).unwrap();
    land(&repository, &plan, 3);
    assert!(file(&repository, "dev", "idc").contains("newName: new.example.com/shop/web\n"));
}

#[test]
fn what_came_to_one_site_has_not_been_at_the_other() {
    let (_directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    for (site, tag) in [("idc", "1111bbb"), ("aws", "2222ccc")] {
        let plan = promote::set_image(&config, &at(request("dev"), site), &image(tag), &view());
        land(&repository, &plan.unwrap(), 1);
    }
    // One delivery brings each site its own.
    let plan = promote::promote(&config, &request("rc"), "dev", &view()).unwrap();
    land(&repository, &plan, 2);
    // It runs there no longer: what is left is what commits say.
    let plan = promote::set_image(&config, &everywhere("dev"), &image("3333ddd"), &view()).unwrap();
    land(&repository, &plan, 3);
    let plan = promote::promote(&config, &request("rc"), "dev", &view()).unwrap();
    land(&repository, &plan, 4);
    let set = |site: &str, tag: &str| {
        promote::set_image(&config, &at(approved("master"), site), &image(tag), &view())
    };
    for (site, came, other) in [("idc", "1111bbb", "2222ccc"), ("aws", "2222ccc", "1111bbb")] {
        assert!(set(site, came).is_ok(), "{site}");
        let refused = set(site, other);
        assert!(
            matches!(refused, Err(PromoteError::Gate { .. })),
            "{refused:?}"
        );
    }
    // Nor does one go back at a site where it never was.
    let again = |site: &str, tag: &str| {
        promote::set_image(&config, &at(request("dev"), site), &image(tag), &view())
    };
    let refused = again("idc", "1111bbb");
    assert!(
        matches!(refused, Err(PromoteError::GoesBack { .. })),
        "{refused:?}"
    );
    assert!(again("idc", "2222ccc").is_ok());
}

#[test]
fn one_image_does_not_take_the_place_of_different_ones() {
    let (_directory, repository) = bare();
    let files = [(
        "a",
        Some(
            "web: {image: x.example.com/shop/web:0000aaa}\nworker: {image: x.example.com/shop/worker:0000aaa}\n",
        ),
    )];
    crate::fixture::advance(&repository, &files);
    let text = "environments: {dev: {}}\napplications: {shop: {images: [{file: a, select: 'image:web.image'}, {file: a, select: 'image:worker.image'}]}}\n";
    let config = Config::read("narae.yaml", text, "main").unwrap();
    let image = "x.example.com/shop/web:1111bbb".parse().unwrap();
    let refused = promote::set_image(
        &config,
        &request("dev"),
        &image,
        &Snapshot::new(&repository),
    )
    .unwrap_err();
    assert!(refused.is_refusal());
    assert_eq!(
        refused.to_string(),
        "`x.example.com/shop/web:1111bbb` would take the place of different images: shop/web, shop/worker"
    );
}
