//! Plans as data: several in one fetch and one push, each with its own commit and outcome.

use std::sync::{Arc, Mutex};
use std::thread;

use narae_gitops::edit::Setting;
use narae_gitops::image::ImageReference;
use narae_gitops::plan::{Action, Applied, Condition, Edit, Intent, Plan, PlanError, TagRule};
use narae_gitops::remote::{
    Error, ErrorKind, Event, LandedPlan, LandedPlans, Outcome, Queue, Remote, Snapshot,
};
use narae_gitops::repository::{Commit, Repository};

use super::fixture::{Served, cache, objects, remote};
use crate::fixture::{advance, fsck, git, path, signature};

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the gate of {0} is closed")]
    Gate(String),
    #[error(transparent)]
    Remote(#[from] Error),
    #[error(transparent)]
    Plan(#[from] PlanError<Error>),
}

/// Sets an application's tag from 1, in a file of its own or in one that all share.
fn plan(app: &str, file: &str, to: &str) -> Plan {
    let select = match file {
        "images.yaml" => format!("value:{app}"),
        _ => "value:tag".to_owned(),
    };
    let edit = Edit::set(
        path(file),
        select.parse().unwrap(),
        Setting::Value(to.into()),
    );
    let intent = Intent::new(app, "prod", Action::Deliver, to);
    let edits = vec![edit.when(Condition::Expect("1".to_owned()))];
    let nothing = |_: &_| Ok::<_, Error>(Some(b"tag: 1\nshop: 1\ncart: 1\n".to_vec()));
    Plan::make("main", None, intent, edits, nothing).unwrap()
}

fn own(app: &str, to: &str) -> Plan {
    plan(app, &format!("apps/{app}/values.yaml"), to)
}

fn commit(plan: &Plan, applied: &Applied, _: &Snapshot<'_>) -> Result<Commit, Failed> {
    Ok(plan.commit(applied, signature()).unwrap())
}

fn land(remote: &Remote, here: &Repository, plans: &[Plan]) -> LandedPlans<Failed> {
    remote.land_plans(here, 3, plans, commit, |_| {}).unwrap()
}

/// What each came to, and how many commits it has.
fn ended(landed: &LandedPlans<Failed>) -> Vec<(&'static str, usize)> {
    let one = |plan: &Result<LandedPlan, Failed>| {
        let plan = plan.as_ref().unwrap();
        let commits = match &plan.outcome {
            Outcome::Committed(commits) => commits.len(),
            _ => 0,
        };
        (plan.applied.outcome(), commits)
    };
    landed.plans.iter().map(one).collect()
}

/// A remote, and how much was asked for, received and sent.
fn counting(served: &Served) -> (Remote, Arc<Mutex<[usize; 3]>>) {
    let counts = Arc::new(Mutex::new([0; 3]));
    let heard = Arc::clone(&counts);
    let remote = remote(served.path().to_str().unwrap()).with_listener(move |event| {
        let [asked, received, sent] = &mut *heard.lock().unwrap();
        match event {
            Event::Asking { .. } => *asked += 1,
            Event::Received { .. } => *received += 1,
            Event::Sending { .. } => *sent += 1,
            _ => {}
        }
    });
    (remote, counts)
}

#[test]
fn each_has_its_commit_and_its_outcome_in_one_fetch_and_one_push() {
    let served = Served::new();
    let theirs = Repository::open(served.path()).unwrap();
    let images = "shop: 1\ncart: 1\n";
    advance(
        &theirs,
        &[
            ("images.yaml", Some(images)),
            ("apps/done/values.yaml", Some("tag: '2'\n")),
        ],
    );
    let before = served.tip();
    let made = "image: web:1.4.0\n";
    let edit = Edit::set(
        path("apps/new/values.yaml"),
        "image:image".parse().unwrap(),
        Setting::Image((&"web:1.5.0".parse::<ImageReference>().unwrap()).into()),
    )
    .when(Condition::Newer(TagRule::new("semver: *".parse().unwrap())));
    let intent = Intent::new("new", "prod", Action::Deliver, "1.5.0");
    let read = |_: &_| Ok::<_, Error>(Some(made.as_bytes().to_vec()));
    let superseded = Plan::make("main", None, intent, vec![edit], read).unwrap();
    advance(
        &theirs,
        &[("apps/new/values.yaml", Some("image: web:1.9.0\n"))],
    );
    let plans = [
        own("shop", "2"),
        own("done", "2"),
        plan("cart", "images.yaml", "2"),
        superseded,
        // Adjacent lines, decided on what the one before made of the file.
        plan("shop", "images.yaml", "2"),
        // What the first left is not what it expects.
        own("shop", "3"),
        own("cart", "2"),
    ];
    let (_directory, here) = cache();
    let (remote, counts) = counting(&served);
    let landed = land(&remote, &here, &plans);
    assert_eq!(
        ended(&landed),
        [
            ("applied", 1),
            ("already-applied", 0),
            ("applied", 1),
            ("superseded", 0),
            ("applied", 1),
            ("conflict", 0),
            ("applied", 1),
        ]
    );
    // A conversation to fetch in and one to push in; commit and root, two levels of directories, files.
    assert_eq!(*counts.lock().unwrap(), [2, 4, 1]);
    let log = git(
        &served.path(),
        &["log", "--format=%s", &format!("{before}..main")],
    );
    assert_eq!(
        log,
        "cart: deliver 2 to prod\nshop: deliver 2 to prod\ncart: deliver 2 to prod\nshop: deliver 2 to prod\nchange\n"
    );
    assert_eq!(served.file("images.yaml"), "shop: \"2\"\ncart: \"2\"\n");
    // Each can be undone by itself: its commit has its files and no other.
    let files = git(
        &served.path(),
        &["show", "--format=", "--name-only", "main^"],
    );
    assert_eq!(files, "images.yaml\n");
    fsck(&served.path());
    // The same again finds it done, and sends nothing.
    let again = land(&remote, &here, &plans[..3]);
    assert!(ended(&again).iter().all(|(_, commits)| *commits == 0));
    assert_eq!(counts.lock().unwrap()[2], 1);
    assert!(objects(here.path()) > 0);
}

#[test]
fn a_plan_that_fails_is_told_and_the_others_land() {
    let served = Served::new();
    let (_directory, here) = cache();
    let plans = [own("shop", "2"), own("none", "2"), own("cart", "2")];
    let gated =
        |plan: &Plan, applied: &Applied, tip: &Snapshot<'_>| match plan.intent.application.as_str()
        {
            "shop" => Err(Failed::Gate("shop".to_owned())),
            _ => commit(plan, applied, tip),
        };
    let remote = counting(&served).0;
    let landed = remote.land_plans(&here, 1, &plans, gated, |_| {}).unwrap();
    let [Err(shop), Err(none), Ok(_)] = landed.plans.as_slice() else {
        panic!("{landed:?}")
    };
    assert_eq!(shop.to_string(), "the gate of shop is closed");
    assert_eq!(none.to_string(), "there is no file `apps/none/values.yaml`");
    assert_eq!(served.commits(), 2);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 1\n");
}

#[test]
fn a_lost_race_decides_each_plan_again() {
    let served = Served::new();
    let (_directory, here) = cache();
    let theirs = Repository::open(served.path()).unwrap();
    let lost = Mutex::new(false);
    let overtaken = |plan: &Plan, applied: &Applied, tip: &Snapshot<'_>| {
        if !std::mem::replace(&mut *lost.lock().unwrap(), true) {
            advance(&theirs, &[("apps/cart/values.yaml", Some("tag: 7\n"))]);
        }
        commit(plan, applied, tip)
    };
    let plans = [own("shop", "2"), own("cart", "2")];
    let remote = counting(&served).0;
    let landed = remote
        .land_plans(&here, 3, &plans, overtaken, |_| {})
        .unwrap();
    assert_eq!(landed.attempts, 2);
    assert_eq!(ended(&landed), [("applied", 1), ("conflict", 0)]);
    assert_eq!(served.file("apps/cart/values.yaml"), "tag: 7\n");
}

#[test]
fn plans_of_several_branches_move_them_as_one() {
    let served = Served::new();
    for branch in ["idc", "aws"] {
        git(&served.path(), &["branch", branch, "main"]);
    }
    let on = |branch: &str, app| own(app, "2").on(branch);
    let plans = [on("idc", "shop"), on("aws", "shop"), on("idc", "cart")];
    let (_directory, here) = cache();
    let (remote, counts) = counting(&served);
    served.hook("update", "test $1 != refs/heads/aws");
    let error = remote
        .land_plans(&here, 3, &plans, commit, |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let commits = |branch| git(&served.path(), &["rev-list", "--count", branch]);
    assert_eq!(commits("idc"), "1\n");
    std::fs::remove_file(served.path().join("hooks/update")).unwrap();
    assert_eq!(ended(&land(&remote, &here, &plans)), [("applied", 1); 3]);
    assert_eq!(
        (commits("idc"), commits("aws")),
        ("3\n".to_owned(), "2\n".to_owned())
    );
    assert_eq!(counts.lock().unwrap()[2], 2);
    fsck(&served.path());
}

trait On {
    fn on(self, branch: &str) -> Self;
}

impl On for Plan {
    fn on(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.branch);
        self
    }
}

#[test]
fn writers_with_plans_share_the_pushes_of_a_queue() {
    let served = Served::new();
    let (_directory, here) = cache();
    let (remote, _) = counting(&served);
    let queue: Queue<'_, Failed> = Queue::new(&remote, &here, "main", 5, |_| {});
    let ended: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = ["shop", "cart", "shop"]
            .map(|app| {
                let queue = &queue;
                scope.spawn(move || queue.land_plan(own(app, "2"), commit).unwrap())
            })
            .into_iter()
            .collect();
        let join = |writer: thread::ScopedJoinHandle<'_, LandedPlan>| writer.join().unwrap();
        writers.into_iter().map(join).collect()
    });
    let mut words: Vec<_> = ended.iter().map(|plan| plan.applied.outcome()).collect();
    words.sort_unstable();
    assert_eq!(words, ["already-applied", "applied", "applied"]);
    assert_eq!(served.commits(), 3);
    let error = queue
        .land_plan(own("shop", "3").on("aws"), commit)
        .unwrap_err();
    assert_eq!(error.to_string(), "a plan for `aws` in the queue of `main`");
}

#[test]
fn a_list_of_plans_is_read_back() {
    let plans = vec![own("shop", "2"), own("cart", "2")];
    let json = serde_json::to_string(&plans).unwrap();
    assert_eq!(Plan::read_all("plans.json", &json).unwrap(), plans);
    let one = serde_json::to_string(&plans[0]).unwrap();
    assert_eq!(Plan::read_all("plan.json", &one).unwrap(), plans[..1]);
    assert_eq!(Plan::read_all("none.json", "[]").unwrap(), []);
    let error = Plan::read_all("plans.json", "[\n{branch: 1}]").unwrap_err();
    assert!(error.to_string().starts_with("plans.json:2:"), "{error}");
}
