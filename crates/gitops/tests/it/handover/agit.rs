//! What to push with.

use narae_gitops::handover::ErrorKind;
use narae_gitops::handover::forge::MergeRequest;

fn wanted() -> MergeRequest {
    MergeRequest::new("promote/shop", "main", "shop: to prod").unwrap()
}

#[test]
fn gitlab_takes_push_options() {
    let request = wanted()
        .with_description("one\r\ntwo")
        .with_label("deploy")
        .unwrap()
        .removing_source();
    assert_eq!(
        request.gitlab_push_options().unwrap(),
        [
            "merge_request.create",
            "merge_request.target=main",
            "merge_request.title=shop: to prod",
            "merge_request.description=one\\ntwo",
            "merge_request.label=deploy",
            "merge_request.remove_source_branch",
        ]
    );
}

#[test]
fn gitea_takes_a_push_for_a_branch() {
    let push = wanted().with_description("one line").agit().unwrap();
    assert_eq!(push.reference, "refs/for/main");
    assert_eq!(
        push.options,
        [
            "topic=promote/shop",
            "title=shop: to prod",
            "force-push=true",
            "description=one line"
        ]
    );
    let push = wanted().with_description("one\ntwo").agit().unwrap();
    assert_eq!(push.options[3], "description={base64}b25lCnR3bw==");
}

#[test]
fn an_option_is_one_line_of_bounded_length() {
    let request = wanted().with_description("a\u{0}b\rc");
    for option in request.gitlab_push_options().unwrap() {
        assert!(!option.chars().any(char::is_control), "{option:?}");
    }
    let error = wanted()
        .with_description("x".repeat(65_000))
        .agit()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}
