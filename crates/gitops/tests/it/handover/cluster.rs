//! A real Argo CD, and an application that is synced by hand: what it is told to sync runs, and what GitLab's webhook tells
//! it makes it look. What it does by itself is tried with the program, in `examples/promote`.

use std::time::{Duration, Instant};

use narae_gitops::handover::argocd::{Application, ApplicationName, ArgoCd, Refresh, Wait};
use narae_gitops::handover::notify::{self, PushEvent, Style};
use narae_gitops::handover::{Address, Client, ErrorKind, SystemClock, Token};
use narae_gitops::repository::{CommitId, Repository};
use narae_testservers::{self as servers, GitHttp, GitHttpOptions};

use crate::fixture::{advance, imported};

const WHAT: &str = "syncing by the real Argo CD";

const APPLICATION: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: by-hand, namespace: argocd}
spec:
  project: default
  source: {repoURL: REPOSITORY, targetRevision: main, path: shop}
  destination: {name: here, namespace: default}
";

fn manifest(tag: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shop}}\ndata: {{tag: '{tag}'}}\n")
}

struct Place {
    argocd: servers::ArgoCd,
    git: GitHttp,
    client: ArgoCd,
    name: ApplicationName,
}

impl Place {
    fn start(folder: &std::path::Path) -> Option<Self> {
        let argocd = servers::ArgoCd::start(WHAT)?;
        let git = GitHttp::start(folder, GitHttpOptions::new(), WHAT)?;
        let application = APPLICATION.replace("REPOSITORY", &git.address("imported.git"));
        let plane = &argocd.cluster.plane;
        plane.kubectl_with(&["apply", "--server-side", "-f", "-"], &application);
        let address = Address::parse(&argocd.address()).unwrap();
        let client = ArgoCd::new(address).with_token(Token::new(argocd.token()));
        let name = ApplicationName::new("by-hand").unwrap();
        let place = Self {
            argocd,
            git,
            client,
            name,
        };
        // Its server hears of the application in its own time.
        let knows = || place.client.application(&place.name).is_ok();
        place.argocd.cluster.plane.until("the application", knows);
        Some(place)
    }

    fn waits_for(&self, commit: CommitId) {
        let wait = Wait::new(commit).without_refresh();
        let wait = wait.with_limit(Duration::from_secs(120));
        let waited = self.client.wait(&self.name, &wait, &SystemClock::new());
        waited.unwrap_or_else(|error| panic!("{error}\n{}", self.argocd.output()));
    }

    fn tag(&self) -> String {
        let output = ["-o", "jsonpath={.data.tag}"];
        let get = ["get", "configmap", "shop", "-n", "default"];
        self.argocd
            .cluster
            .plane
            .kubectl(&[&get[..], &output].concat())
    }

    /// Tells it of `after` as GitLab does.
    fn tell(
        &self,
        repository: &Repository,
        before: CommitId,
        after: CommitId,
        token: &str,
    ) -> bool {
        let event = PushEvent::new(&self.git.address("imported.git"), "main", after).unwrap();
        let changed = repository.changed_files(Some(before), after).unwrap();
        let hook = Address::parse(&self.argocd.address()).unwrap();
        let request = event.with_changes(Some(before), changed).request(
            Style::GitLab,
            &hook.join("/api/webhook"),
            Some(&Token::new(token)),
        );
        notify::send(&Client::new(), &SystemClock::new(), &request).is_ok()
    }
}

#[test]
fn what_argocd_is_told_to_sync_runs_and_a_webhook_of_gitlabs_makes_it_look() {
    let (directory, bare) = imported(&[("100644", "shop/config.yaml", &manifest("1"))]);
    let Some(place) = Place::start(directory.path()) else {
        return;
    };
    let repository = Repository::open(bare).unwrap();
    let first = repository.tip("main").unwrap().unwrap();
    let is_at = |state: &Application, commit: CommitId, status: &str| {
        state.sync.revision == commit.to_string() && state.sync.status == status
    };
    let state = place.client.refresh(&place.name, Refresh::Normal).unwrap();
    assert!(is_at(&state, first, "OutOfSync"), "{state:?}");
    let synced = place.client.sync(&place.name, Some(first)).unwrap();
    assert!(
        synced.is_requested || synced.operation.is_some(),
        "{synced:?}"
    );
    place.waits_for(first);
    assert_eq!(place.tag(), "1");

    let second = advance(&repository, &[("shop/config.yaml", Some(&manifest("2")))]);
    assert!(!place.tell(&repository, first, second, "another"));
    assert!(place.tell(&repository, first, second, servers::ArgoCd::WEBHOOK_SECRET));
    // Nobody else makes it look: asking what it knows does not.
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let state = place.client.application(&place.name).unwrap();
        if is_at(&state, second, "OutOfSync") {
            break;
        }
        assert!(Instant::now() < patience, "{state:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(place.tag(), "1");
    let _ = place.client.sync(&place.name, None).unwrap();
    place.waits_for(second);
    assert_eq!(place.tag(), "2");

    let nobody = ApplicationName::new("others").unwrap();
    let error = place.client.sync(&nobody, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
}
