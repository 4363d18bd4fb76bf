//! Image references and the tags that may be delivered.

use narae_gitops::image::{
    Candidate, ImagePolicy, ImageReference, Refusal, TagOrder, TagPolicy, TagSelection,
};
use proptest::prelude::*;

const SHA256: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_parts_of_a_reference() {
    type Parts<'a> = (Option<&'a str>, &'a str, Option<&'a str>, Option<&'a str>);
    let cases: &[(&str, Parts<'_>)] = &[
        ("nginx", (None, "nginx", None, None)),
        ("nginx:1.29", (None, "nginx", Some("1.29"), None)),
        ("library/nginx", (None, "library/nginx", None, None)),
        ("localhost/shop", (Some("localhost"), "shop", None, None)),
        (
            "localhost:5000/shop:x",
            (Some("localhost:5000"), "shop", Some("x"), None),
        ),
        (
            "harbor.example.com/team/shop/web:3f2a9c1",
            (
                Some("harbor.example.com"),
                "team/shop/web",
                Some("3f2a9c1"),
                None,
            ),
        ),
        (
            "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop:1",
            (
                Some("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"),
                "shop",
                Some("1"),
                None,
            ),
        ),
        (
            "10.0.0.1:443/a__b/c-d--e.f_g",
            (Some("10.0.0.1:443"), "a__b/c-d--e.f_g", None, None),
        ),
        (
            "[2001:db8::1]:5000/shop:t",
            (Some("[2001:db8::1]:5000"), "shop", Some("t"), None),
        ),
        ("Registry/shop", (Some("Registry"), "shop", None, None)),
        ("a:_x.Y-z", (None, "a", Some("_x.Y-z"), None)),
        // Without a slash there is no registry, whatever it looks like.
        ("host:5000", (None, "host", Some("5000"), None)),
    ];
    for (text, (registry, repository, tag, digest)) in cases {
        let read: ImageReference = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (
                read.registry(),
                read.repository(),
                read.tag(),
                read.digest()
            ),
            (*registry, *repository, *tag, *digest)
        );
        assert_eq!(read.to_string(), *text);
    }
    let both: ImageReference = format!("a.io/b:t@{SHA256}").parse().unwrap();
    assert_eq!(
        (both.tag(), both.digest(), both.name().as_str()),
        (Some("t"), Some(SHA256), "a.io/b")
    );
}

#[test]
fn what_is_not_a_reference_names_the_part() {
    let long_tag = format!("a:{}", "x".repeat(129));
    let long_name = format!("{}/b", "a".repeat(260));
    let cases = [
        ("", "repository"),
        ("Shop", "repository"),
        ("a//b", "repository"),
        ("a/", "repository"),
        ("/a", "repository"),
        ("a_-b", "repository"),
        ("a..b/c", "registry"),
        ("a___b", "repository"),
        ("-a", "repository"),
        ("a-", "repository"),
        ("a b", "repository"),
        ("a\nb", "repository"),
        ("a:", "tag"),
        ("a:.x", "tag"),
        ("a:b:c", "tag"),
        ("a:b c", "tag"),
        (long_tag.as_str(), "tag"),
        (long_name.as_str(), "name"),
        ("a:b@", "digest"),
        ("a@sha256:00", "digest"),
        (
            "a@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "digest",
        ),
        ("a@b@c", "digest"),
        ("host:port/a", "registry"),
        ("host:99999/a", "registry"),
        ("host:/a", "registry"),
        ("h-.io/a", "registry"),
        ("[::1/a", "registry"),
        ("https://x/a", "registry"),
        ("a.io/", "repository"),
        ("{{ image }}", "repository"),
        ("나래:1", "repository"),
    ];
    for (text, part) in cases {
        let error = text.parse::<ImageReference>().expect_err(text);
        assert_eq!(error.part(), part, "{text}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn a_part_is_changed_and_nothing_else() {
    let image: ImageReference = format!("a.io:1/b:t@{SHA256}").parse().unwrap();
    assert_eq!(image.with_tag("u").unwrap().to_string(), "a.io:1/b:u");
    assert_eq!(image.without_digest().to_string(), "a.io:1/b:t");
    assert_eq!(image.without_digest().with_digest(SHA256).unwrap(), image);
    for tag in ["", "u@x", "u/v", &format!("u@{SHA256}"), "u:v"] {
        assert_eq!(image.with_tag(tag).unwrap_err().part(), "tag", "{tag}");
    }
    assert_eq!(image.with_digest("sha256:1").unwrap_err().part(), "digest");
}

#[test]
fn only_what_cannot_move_is_delivered() {
    let check = |policy: TagPolicy, text: &str| policy.check(&text.parse().unwrap());
    for policy in [TagPolicy::CommitHash, TagPolicy::Immutable] {
        for tag in [
            "latest",
            "LATEST",
            "stable",
            "main",
            "master",
            "prod",
            "latest-alpine",
            "1.2-SNAPSHOT",
            "app-latest",
        ] {
            let refused = check(policy, &format!("a/b:{tag}")).unwrap_err();
            assert!(
                matches!(&refused, Refusal::MovingTag { tag: found, .. } if found == tag),
                "{refused}"
            );
            assert!(
                refused.to_string().contains(&format!("a/b:{tag}")),
                "{refused}"
            );
        }
        assert!(matches!(check(policy, "a/b"), Err(Refusal::NoTag { .. })));
        assert_eq!(check(policy, "a/b:3f2a9c1"), Ok(()));
        assert_eq!(check(policy, &format!("a/b:3f2a9c1@{SHA256}")), Ok(()));
    }
    for tag in ["v1.4.2", "3f2a9c", "3F2A9C1", "3f2a9c1g", &"a".repeat(41)] {
        assert!(
            matches!(
                check(TagPolicy::CommitHash, &format!("a/b:{tag}")),
                Err(Refusal::NotCommitHash { .. })
            ),
            "{tag}"
        );
        assert_eq!(check(TagPolicy::Immutable, &format!("a/b:{tag}")), Ok(()));
    }
    // A digest says which image, but not which commit.
    assert_eq!(
        check(TagPolicy::Immutable, &format!("a/b@{SHA256}")),
        Ok(())
    );
    assert_eq!(
        check(TagPolicy::Immutable, &format!("a/b:latest@{SHA256}")),
        Ok(())
    );
    assert!(matches!(
        check(TagPolicy::CommitHash, &format!("a/b@{SHA256}")),
        Err(Refusal::OnlyDigest { .. })
    ));
}

proptest! {
    #[test]
    fn every_reference_of_the_grammar_is_read_and_printed_as_it_was(
        registry in prop::option::of("([a-z0-9]{1,5}\\.[a-z]{2,3}|localhost|\\[[0-9a-f]{0,3}::[0-9a-f]{1,3}\\])(:[1-9][0-9]{0,3})?"),
        repository in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,6}){0,2}",
        tag in prop::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}"),
        digest in prop::option::of("sha256:[0-9a-f]{64}|x\\+y:[0-9a-fA-F]{32,40}"),
    ) {
        // `a.b/c` without a registry would name one.
        prop_assume!(registry.is_some() || !repository.split('/').next().unwrap().contains('.') || !repository.contains('/'));
        let name = registry.as_ref().map_or(repository.clone(), |registry| format!("{registry}/{repository}"));
        let tagged = tag.as_ref().map_or(name.clone(), |tag| format!("{name}:{tag}"));
        let text = digest.as_ref().map_or(tagged.clone(), |digest| format!("{tagged}@{digest}"));
        let read = ImageReference::parse(&text).unwrap();
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(read.name(), name);
        prop_assert_eq!(read.tag(), tag.as_deref());
        prop_assert_eq!(read.digest(), digest.as_deref());
        prop_assert_eq!(read.registry(), registry.as_deref());
    }

    #[test]
    fn whatever_is_read_prints_the_same(text in "[a-zA-Z0-9.:/@_\\[\\]-]{0,40}") {
        if let Ok(read) = ImageReference::parse(&text) {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}

#[test]
fn a_digest_is_there_where_one_is_required() {
    let policy = ImagePolicy::new(TagPolicy::CommitHash).requiring_digest();
    let tagged: ImageReference = "shop/web:3f2a9c1".parse().unwrap();
    assert_eq!(ImagePolicy::default().check(&tagged), Ok(()));
    assert!(matches!(
        policy.check(&tagged),
        Err(Refusal::NoDigest { .. })
    ));
    let digest = format!("sha256:{}", "a".repeat(64));
    assert_eq!(policy.check(&tagged.with_digest(&digest).unwrap()), Ok(()));
    let moving = tagged
        .with_tag("latest")
        .unwrap()
        .with_digest(&digest)
        .unwrap();
    assert!(matches!(
        policy.check(&moving),
        Err(Refusal::MovingTag { .. })
    ));
}

#[test]
fn the_tag_that_is_selected() {
    let cases: &[(&str, &[&str], Option<&str>)] = &[
        (
            "semver: *",
            &["v1.2.3", "1.10.0", "latest", "1.9"],
            Some("1.10.0"),
        ),
        ("semver: 1.2", &["1.2.0", "1.2.9", "1.3.0"], Some("1.2.9")),
        ("semver: 1.2.x", &["1.2.0", "1.2.9", "1.3.0"], Some("1.2.9")),
        ("semver: 1.2.3", &["1.2.3", "1.2.9"], Some("1.2.3")),
        ("semver: ^1.2", &["1.1.0", "1.9.0", "2.0.0"], Some("1.9.0")),
        ("semver: ~1.2", &["1.2.7", "1.9.0"], Some("1.2.7")),
        (
            "semver: >= 1.2 <2.0.0",
            &["1.1.0", "1.9.0", "2.0.0"],
            Some("1.9.0"),
        ),
        (
            "semver: >=v1.2.0, <1.5",
            &["v1.4.0", "v1.5.0"],
            Some("v1.4.0"),
        ),
        (
            "semver: <1.0.0 || ^3",
            &["0.9.0", "2.0.0", "3.1.0", "4.0.0"],
            Some("3.1.0"),
        ),
        // Pre-releases count only where the range names one.
        ("semver: >=1.0.0", &["1.0.0", "2.0.0-rc.1"], Some("1.0.0")),
        (
            "semver: >=1.0.0-0",
            &["1.0.0", "2.0.0-rc.1"],
            Some("2.0.0-rc.1"),
        ),
        (
            "semver: >=1.0.0-0 <2.0.0",
            &["1.5.0-rc.2", "2.0.0", "1.4.0"],
            Some("1.5.0-rc.2"),
        ),
        ("semver: >=5", &["1.0.0"], None),
        ("numeric", &["9", "10", "010", "x", "", "1.5"], Some("10")),
        (
            "numeric",
            &["18446744073709551616", "18446744073709551615"],
            Some("18446744073709551616"),
        ),
        ("alphabetical", &["a", "c", "b"], Some("c")),
        ("newest", &["a"], None),
    ];
    for (order, tags, expected) in cases {
        let selection = TagSelection::new(order.parse().unwrap_or_else(|e| panic!("{order}: {e}")));
        assert_eq!(
            selection.newest(tags.iter().copied()),
            *expected,
            "{order} of {tags:?}"
        );
    }
}

#[test]
fn a_pattern_filters_and_extracts() {
    let selection = TagSelection::new(TagOrder::Numeric)
        .with_pattern(r"^main-[0-9a-f]{7}-(?P<time>\d+)$", "${time}")
        .unwrap();
    assert_eq!(
        selection.newest([
            "main-ffffffff-9",
            "main-3f2a9c1-8",
            "main-8c1d2e3-10",
            "dev-1-99"
        ]),
        Some("main-8c1d2e3-10")
    );
    let whole = TagSelection::new(TagOrder::Alphabetical)
        .with_pattern("^r", "")
        .unwrap();
    assert_eq!(whole.newest(["r1", "r2", "s9"]), Some("r2"));
    assert!(
        TagSelection::new(TagOrder::Numeric)
            .with_pattern("(", "")
            .is_err()
    );
    for order in ["", "semver", "semver: what", "date", "numeric: asc"] {
        assert!(order.parse::<TagOrder>().is_err(), "{order:?}");
    }
}

#[test]
fn the_newest_is_the_one_built_last_and_the_order_of_listing_is_no_matter() {
    let selection = TagSelection::new(TagOrder::Newest);
    let tag = |tag, built| Candidate { tag, built };
    let mut tags = [
        tag("b", Some(5)),
        tag("a", Some(9)),
        tag("c", None),
        tag("d", Some(9)),
    ];
    for _ in 0..tags.len() {
        tags.rotate_left(1);
        assert_eq!(selection.select(tags.iter().copied()), Some("d"));
    }
    let compare = |ours, theirs| selection.compare(tag("x", ours), tag("y", theirs));
    assert_eq!(compare(Some(1), Some(2)), Some(std::cmp::Ordering::Less));
    assert_eq!(compare(Some(1), None), None);
}
