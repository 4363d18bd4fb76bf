//! What an application's state means, and how long it is waited for: with answers as Argo CD 3.2 gives them, and a
//! clock that only moves when somebody sleeps.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON is made field by field; what is missing fails the test"
)]

use std::time::Duration;

use narae_gitops::handover::argocd::{ApplicationName, ArgoCd, Refresh, Wait};
use narae_gitops::handover::{Address, Answer, Clock as _, Error, ErrorKind, Token};
use narae_gitops::repository::CommitId;
use serde_json::{Value, json};

use super::fake::{FakeClock, Script};

const OURS: &str = "3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d";
const OTHER: &str = "1111111111111111111111111111111111111111";

fn commit() -> CommitId {
    OURS.parse().unwrap()
}

fn name() -> ApplicationName {
    ApplicationName::new("shop").unwrap()
}

fn argocd(script: &Script) -> ArgoCd<&Script> {
    let address = Address::parse("https://argocd.example.com/argo").unwrap();
    ArgoCd::with_transport(address, script).with_token(Token::new("s3cret"))
}

fn state(sync: &str, revision: &str, health: &str) -> Value {
    json!({
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "default"},
        "status": {
            "sync": {"status": sync, "revision": revision, "comparedTo": {}},
            "health": {"status": health},
            "conditions": null,
        },
    })
}

fn with_operation(mut state: Value, phase: &str, revision: &str, message: &str) -> Value {
    state["status"]["operationState"] = json!({
        "phase": phase,
        "message": message,
        "operation": {"sync": {"revision": revision}},
        "syncResult": {"revision": revision, "resources": [
            {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "SyncFailed",
             "message": "Deployment.apps \"web\" is invalid", "hookPhase": "Failed"},
            {"group": "", "kind": "Service", "namespace": "shop", "name": "web", "status": "Synced",
             "message": "service/web unchanged", "hookPhase": "Running"},
        ]},
    });
    state
}

fn with_condition(mut state: Value, kind: &str, message: &str) -> Value {
    state["status"]["conditions"] = json!([{"type": kind, "message": message}]);
    state
}

fn answers(states: Vec<Value>) -> Script {
    let answer = |state: Value| Ok(Answer::new(200, state.to_string()));
    Script::new(states.into_iter().map(answer).collect())
}

/// What comes of waiting, and after how many seconds.
fn waited(script: &Script, wait: &Wait<'_>) -> (Result<(), Error>, u64) {
    let clock = FakeClock::default();
    let result = argocd(script).wait(&name(), wait, &clock).map(drop);
    (result, clock.now().as_secs())
}

#[test]
fn done_is_this_very_commit_synced_and_healthy_with_nothing_under_way() {
    let requested = {
        let mut state = state("Synced", OURS, "Healthy");
        state["operation"] = json!({"sync": {}});
        state
    };
    let script = answers(vec![
        state("Synced", OTHER, "Healthy"),
        state("OutOfSync", OURS, "Healthy"),
        requested,
        with_operation(
            state("Synced", OURS, "Healthy"),
            "Running",
            OURS,
            "waiting for hooks",
        ),
        with_operation(state("Synced", OURS, "Progressing"), "Succeeded", OURS, ""),
        state("Synced", OURS, "Missing"),
        with_operation(
            state("Synced", OURS, "Healthy"),
            "Succeeded",
            OURS,
            "successfully synced",
        ),
    ]);
    let (result, seconds) = waited(&script, &Wait::new(commit()));
    result.unwrap();
    assert_eq!(seconds, 6);
    let lines = script.lines();
    assert_eq!(
        lines[0],
        "GET /argo/api/v1/applications/shop?refresh=normal"
    );
    assert!(
        lines[1..]
            .iter()
            .all(|line| line == "GET /argo/api/v1/applications/shop")
    );
    // It is synced though nothing had to be applied, or an earlier operation failed.
    let script = answers(vec![with_operation(
        state("Synced", OURS, "Healthy"),
        "Failed",
        OTHER,
        "",
    )]);
    waited(&script, &Wait::new(commit()).without_refresh())
        .0
        .unwrap();
    assert_eq!(script.lines(), ["GET /argo/api/v1/applications/shop"]);
}

#[test]
fn one_of_several_sources_or_a_later_commit_will_do() {
    let mut several = state("Synced", "", "Healthy");
    several["status"]["sync"]["revisions"] = json!([OTHER, OURS]);
    waited(&answers(vec![several]), &Wait::new(commit()))
        .0
        .unwrap();
    let script = answers(vec![state("Synced", OTHER, "Healthy")]);
    let wait = Wait::new(commit()).or_later(|revision| revision == OTHER);
    waited(&script, &wait).0.unwrap();
}

#[test]
fn a_failed_operation_counts_for_the_commit_that_it_came_to_apply() {
    // What it was asked for, what it came to apply (none: it had no result), and whether that is our failure.
    for (asked, applied, is_ours) in [
        (OURS, Some(OURS), true),
        ("main", Some(OURS), true),
        (OURS, Some(OTHER), false),
        ("main", Some(OTHER), false),
        (OURS, Some(""), true),
        (OTHER, Some(""), false),
        (OURS, None, true),
        (OTHER, None, false),
        ("main", None, false),
    ] {
        for phase in ["Failed", "Error"] {
            // As it is after a `PostSync` hook has failed: all there is to compare is as it should be.
            let mut state = with_operation(state("Synced", OURS, "Healthy"), phase, OURS, "no");
            let operation = &mut state["status"]["operationState"];
            operation["operation"]["sync"]["revision"] = asked.into();
            operation["syncResult"] = match applied {
                None => Value::Null,
                Some(revision) => json!({"revision": revision, "resources": [
                    {"group": "batch", "kind": "Job", "namespace": "shop", "name": "smoke", "status": "",
                     "message": "Job has reached the specified backoff limit", "hookPhase": "Failed"},
                ]}),
            };
            let result = waited(
                &answers(vec![state]),
                &Wait::new(commit()).without_refresh(),
            )
            .0;
            let case = format!("{phase} {asked} {applied:?}: {result:?}");
            let Err(error) = result else {
                assert!(!is_ours, "{case}");
                continue;
            };
            assert!(is_ours && error.kind() == ErrorKind::SyncFailed, "{case}");
            let hook = "Job shop/smoke: Job has reached the specified backoff limit";
            assert_eq!(
                error.to_string().contains(hook),
                applied.is_some(),
                "{case}"
            );
        }
    }
}

#[test]
fn a_failed_sync_says_what_argocd_says() {
    let failed = with_operation(
        state("OutOfSync", OURS, "Healthy"),
        "Failed",
        OURS,
        "one or more objects failed to apply",
    );
    let script = answers(vec![state("OutOfSync", OURS, "Healthy"), failed]);
    let (result, seconds) = waited(&script, &Wait::new(commit()));
    let error = result.unwrap_err();
    assert_eq!((error.kind(), seconds), (ErrorKind::SyncFailed, 1));
    assert_eq!(
        error.to_string(),
        "Argo CD application `shop`: 3f2a9c1 cannot be synced: one or more objects failed to apply; \
         Deployment shop/web: Deployment.apps \"web\" is invalid"
    );
    // One that failed before it applied anything.
    let mut early = with_operation(
        state("OutOfSync", OURS, "Healthy"),
        "Error",
        OURS,
        "no access",
    );
    early["status"]["operationState"]["syncResult"] = Value::Null;
    let error = waited(&answers(vec![early]), &Wait::new(commit()))
        .0
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SyncFailed);
    assert!(error.to_string().ends_with("no access"));
    // Argo CD stopped trying.
    let stopped = with_condition(
        state("OutOfSync", OURS, "Healthy"),
        "SyncError",
        "attempt failed",
    );
    let error = waited(&answers(vec![stopped]), &Wait::new(commit()))
        .0
        .unwrap_err();
    assert!(
        error.to_string().ends_with("SyncError: attempt failed"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_compared_is_looked_at_again_before_it_is_a_failure() {
    let unclear = || {
        with_condition(
            state("Unknown", "", "Healthy"),
            "ComparisonError",
            "yaml: line 3",
        )
    };
    let script = answers(vec![unclear(), unclear(), state("Synced", OURS, "Healthy")]);
    waited(&script, &Wait::new(commit())).0.unwrap();
    assert_eq!(
        script.lines()[1],
        "GET /argo/api/v1/applications/shop?refresh=hard"
    );

    let (result, seconds) = waited(&answers(vec![unclear()]), &Wait::new(commit()));
    let error = result.unwrap_err();
    assert_eq!((error.kind(), seconds), (ErrorKind::SyncFailed, 10));
    assert!(
        error
            .to_string()
            .ends_with("cannot be synced: ComparisonError: yaml: line 3"),
        "{error}"
    );
    // No patience is still two looks.
    let wait = Wait::new(commit()).with_patience(Duration::ZERO);
    assert_eq!(waited(&answers(vec![unclear()]), &wait).1, 1);
}

#[test]
fn degraded_may_pass_and_else_says_which_object_and_why() {
    let degraded = || state("Synced", OURS, "Degraded");
    let script = answers(vec![
        degraded(),
        degraded(),
        state("Synced", OURS, "Healthy"),
    ]);
    waited(&script, &Wait::new(commit())).0.unwrap();

    let tree = json!({"nodes": [
        {"kind": "Deployment", "namespace": "shop", "name": "web",
         "health": {"status": "Degraded", "message": "Deployment \"web\" exceeded its progress deadline"}},
        {"kind": "Service", "namespace": "shop", "name": "web", "health": {"status": "Healthy"}},
        {"kind": "ConfigMap", "name": "web"},
    ]});
    let script = answers(vec![degraded(), degraded(), tree]);
    let wait = Wait::new(commit()).with_patience(Duration::from_secs(1));
    let error = waited(&script, &wait).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Degraded);
    assert_eq!(
        error.to_string(),
        "Argo CD application `shop`: 3f2a9c1 is applied and Degraded: Deployment shop/web: \
         Deployment \"web\" exceeded its progress deadline"
    );
    // Degraded before the commit is there is about what was.
    let script = answers(vec![
        state("Synced", OTHER, "Degraded"),
        state("OutOfSync", OURS, "Degraded"),
        state("Synced", OURS, "Healthy"),
    ]);
    waited(&script, &wait).0.unwrap();
}

#[test]
fn the_time_is_up_with_where_it_stands() {
    // Of an answer that is an application and a tree at once.
    let mut applied = with_operation(
        state("OutOfSync", OTHER, "Progressing"),
        "Running",
        OTHER,
        "waiting for healthy state of apps/Deployment/web",
    );
    applied["nodes"] = json!([
        {"kind": "Deployment", "namespace": "shop", "name": "web",
         "health": {"status": "Progressing", "message": "1 out of 2 new replicas have been updated"}},
        {"kind": "Pod", "namespace": "shop", "name": "web-2", "health": {"status": "Progressing"}},
        {"kind": "Pod", "namespace": "shop", "name": "web-1",
         "health": {"status": "Degraded", "message": "Back-off pulling image"}},
    ]);
    let script = answers(vec![applied]);
    let wait = Wait::new(commit()).with_limit(Duration::from_millis(89_500));
    let (result, seconds) = waited(&script, &wait);
    let error = result.unwrap_err();
    assert_eq!((error.kind(), seconds), (ErrorKind::TimedOut, 89));
    assert_eq!(
        error.to_string(),
        "Argo CD application `shop`: not Synced and Healthy at 3f2a9c1 within 90 s: OutOfSync at 1111111, \
         Progressing, operation Running: waiting for healthy state of apps/Deployment/web; \
         Pod shop/web-1: Back-off pulling image; Deployment shop/web: 1 out of 2 new replicas have been updated"
    );
}

#[test]
fn a_server_that_is_away_is_waited_for_and_one_that_says_no_is_not() {
    let away = || Err(Error::new(ErrorKind::Unreachable, "connection refused"));
    let done = || {
        Ok(Answer::new(
            200,
            state("Synced", OURS, "Healthy").to_string(),
        ))
    };
    let script = Script::new(vec![away(), Ok(Answer::new(503, "")), done()]);
    waited(&script, &Wait::new(commit())).0.unwrap();
    // The refresh it did not hear is asked for again.
    assert!(
        script
            .lines()
            .iter()
            .all(|line| line.ends_with("?refresh=normal"))
    );

    for (status, kind) in [
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
    ] {
        let body = r#"{"error": "permission denied", "code": 7, "message": "permission denied"}"#;
        let script = Script::new(vec![Ok(Answer::new(status, body))]);
        let (result, seconds) = waited(&script, &Wait::new(commit()));
        let error = result.unwrap_err();
        assert_eq!((error.kind(), seconds), (kind, 0));
        assert!(
            error
                .to_string()
                .ends_with(&format!("HTTP status {status}: permission denied"))
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    let script = Script::new(vec![Ok(Answer::new(200, "{\"ok\": true}"))]);
    let error = waited(&script, &Wait::new(commit())).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn a_sync_is_asked_for_once_when_nobody_else_does_it() {
    let out = || {
        Ok(Answer::new(
            200,
            state("OutOfSync", OURS, "Healthy").to_string(),
        ))
    };
    let busy = r#"{"error": "another operation is already in progress", "code": 9}"#;
    let script = Script::new(vec![
        out(),
        Ok(Answer::new(400, busy)),
        out(),
        Ok(Answer::new(200, "{\"metadata\": {}}")),
        out(),
        Ok(Answer::new(
            200,
            state("Synced", OURS, "Healthy").to_string(),
        )),
    ]);
    waited(&script, &Wait::new(commit()).with_sync()).0.unwrap();
    let posts = script
        .lines()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(posts, 2);
}

#[test]
fn requests_are_those_of_the_api() {
    let script = answers(vec![json!({"metadata": {}})]);
    let name = name()
        .in_namespace("teams")
        .unwrap()
        .of_project("web.shop")
        .unwrap();
    let argocd = argocd(&script);
    argocd.application(&name).unwrap();
    argocd.refresh(&name, Refresh::Hard).unwrap();
    argocd.sync(&name, Some(commit())).unwrap();
    let query = "appNamespace=teams&project=web.shop";
    let path = "/argo/api/v1/applications/shop";
    assert_eq!(
        script.lines(),
        [
            format!("GET {path}?{query}"),
            format!("GET {path}?refresh=hard&{query}"),
            format!("POST {path}/sync"),
        ]
    );
    let last = script.last();
    let body: Value = serde_json::from_slice(last.body()).unwrap();
    assert_eq!(
        body,
        json!({"name": "shop", "revision": OURS, "appNamespace": "teams", "project": "web.shop"})
    );
    let token = last.headers().find(|(name, _)| *name == "authorization");
    assert_eq!(token, Some(("authorization", "Bearer s3cret")));
    assert!(!format!("{argocd:?} {last:?}").contains("s3cret"));
    for wrong in ["", "a/b", "../x", "A", "a?x", "-a", &"x".repeat(254)] {
        assert!(ApplicationName::new(wrong).is_err(), "{wrong}");
    }
}
