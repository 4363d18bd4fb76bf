//! Going back: one delivery, at one site or all, and what was undone already.

use narae_gitops::promote::{self, PromoteError, Request, Snapshot};
use narae_gitops::repository::Repository;

use super::{at, everywhere, file, image, land, repository, request};

#[test]
fn a_rollback_is_refused_when_the_value_moved_since() {
    let (_directory, repository, config) = repository();
    for (tag, seconds) in [("1111bbb", 1), ("2222ccc", 2)] {
        let plan = promote::set_image(
            &config,
            &everywhere("dev"),
            &image(tag),
            &Snapshot::new(&repository),
        )
        .unwrap();
        land(&repository, &plan, seconds);
    }
    let name = "environments/dev/aws/shop/kustomization.yaml";
    let by_hand = file(&repository, "dev", "aws").replace("2222ccc", "3333ddd");
    crate::fixture::advance(&repository, &[(name, Some(&by_hand))]);
    let plan =
        promote::roll_back(&config, &request("dev"), None, &Snapshot::new(&repository)).unwrap();
    let tip = repository.tip("main").unwrap().unwrap();
    let applied = plan.apply(|file| repository.read(tip, file)).unwrap();
    assert_eq!(applied.outcome(), "conflict");
    assert_eq!(applied.refused().count(), 1);
    assert!(applied.files.is_empty());
    // At the other site alone nothing is in the way.
    let one = at(request("dev"), "idc");
    let plan = promote::roll_back(&config, &one, None, &Snapshot::new(&repository)).unwrap();
    land(&repository, &plan, 3);
    assert!(file(&repository, "dev", "idc").contains("1111bbb"));
    // And then the delivery before it.
    let plan = promote::roll_back(&config, &one, None, &Snapshot::new(&repository)).unwrap();
    land(&repository, &plan, 4);
    assert!(file(&repository, "dev", "idc").contains("0000aaa"));
}

/// What runs in dev at idc and at aws.
fn runs(repository: &Repository) -> [String; 2] {
    ["idc", "aws"].map(|site| {
        let text = file(repository, "dev", site);
        let tag = text.split("newTag: ").nth(1).unwrap();
        tag.chars().take(7).collect()
    })
}

#[test]
fn sites_go_back_one_by_one_and_together() {
    let (_directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    for (tag, seconds) in [("1111bbb", 1), ("2222ccc", 2)] {
        let plan = promote::set_image(&config, &everywhere("dev"), &image(tag), &view()).unwrap();
        land(&repository, &plan, seconds);
    }
    let back = |request: &Request, commit| promote::roll_back(&config, request, commit, &view());
    let idc = at(request("dev"), "idc");
    let (_, one) = land(&repository, &back(&idc, None).unwrap(), 3);
    assert_eq!(runs(&repository), ["1111bbb", "2222ccc"]);
    // Of both, what is still there goes back, and no further.
    let plan = back(&request("dev"), None).unwrap();
    assert_eq!(plan.intent.sites, ["aws"]);
    promote::verify(&config, &plan, &view()).unwrap();
    land(&repository, &plan, 4);
    assert_eq!(runs(&repository), ["1111bbb", "1111bbb"]);
    let plan = back(&request("dev"), None).unwrap();
    assert_eq!(plan.intent.sites, ["idc", "aws"]);
    land(&repository, &plan, 5);
    assert_eq!(runs(&repository), ["0000aaa", "0000aaa"]);
    let nothing = back(&request("dev"), None);
    assert!(
        matches!(nothing, Err(PromoteError::NothingToRollBack { .. })),
        "{nothing:?}"
    );
    // A rollback that is rolled back has undone nothing: what it undid stands again, at its site.
    let named = back(&request("dev"), Some(one));
    let tip = repository.tip("main").unwrap().unwrap();
    let moved = named
        .unwrap()
        .apply(|file| repository.read(tip, file))
        .unwrap();
    assert_eq!(moved.outcome(), "conflict", "0000aaa is not what it left");
}

#[test]
fn a_rollback_that_is_rolled_back_has_undone_nothing() {
    let (_directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    for (tag, seconds) in [("1111bbb", 1), ("2222ccc", 2)] {
        let plan = promote::set_image(&config, &everywhere("dev"), &image(tag), &view()).unwrap();
        land(&repository, &plan, seconds);
    }
    let back = |commit| promote::roll_back(&config, &request("dev"), commit, &view()).unwrap();
    let (_, rollback) = land(&repository, &back(None), 3);
    land(&repository, &back(Some(rollback)), 4);
    assert_eq!(runs(&repository), ["2222ccc", "2222ccc"]);
    land(&repository, &back(None), 5);
    assert_eq!(runs(&repository), ["1111bbb", "1111bbb"]);
    land(&repository, &back(None), 6);
    assert_eq!(runs(&repository), ["0000aaa", "0000aaa"]);
}

#[test]
fn a_delivery_that_is_named_goes_back_where_it_still_stands() {
    let (_directory, repository, config) = repository();
    let view = || Snapshot::new(&repository);
    let set = |request: &Request, tag, seconds| {
        let plan = promote::set_image(&config, request, &image(tag), &view()).unwrap();
        land(&repository, &plan, seconds).1
    };
    let idc = at(request("dev"), "idc");
    let first = set(&everywhere("dev"), "1111bbb", 1);
    land(
        &repository,
        &promote::roll_back(&config, &idc, None, &view()).unwrap(),
        2,
    );
    set(&idc, "3333ddd", 3);
    assert_eq!(runs(&repository), ["3333ddd", "1111bbb"]);
    // As when it was decided before and another writer was faster.
    let plan = promote::roll_back(&config, &request("dev"), Some(first), &view()).unwrap();
    land(&repository, &plan, 4);
    assert_eq!(runs(&repository), ["3333ddd", "0000aaa"]);
}
