//! Paths and tags as the kubelet and collectors make them.

use narae_logparse::kubernetes::{Metadata, OwnerKind, Source, UnknownSource};
use proptest::prelude::*;

const UID: &str = "0a7c2b9e-8f3d-4c55-9e21-6b1f0d2a3c44";

#[test]
fn paths_of_pods_say_all_but_the_id() {
    for (file, restart) in [
        ("0.log", 0),
        ("12.log", 12),
        ("3.log.20261121-044444", 3),
        ("3.log.20261121-044444.gz", 3),
    ] {
        for root in ["/var/log/pods/", "/host/logs/", "", r"C:\var\log\pods\"] {
            let source =
                Source::from_path(&format!("{root}kube-system_etcd-n1_{UID}/etcd/{file}")).unwrap();
            assert_eq!(source.namespace(), "kube-system");
            assert_eq!(source.pod(), "etcd-n1");
            assert_eq!(source.uid(), Some(UID));
            assert_eq!(source.container(), "etcd");
            assert_eq!(source.restart(), Some(restart));
            assert_eq!(source.container_id(), None);
        }
    }
    let of_a_file =
        "/var/log/pods/kube-system_kube-proxy-n1_d2b3a5d1e6f708192a3b4c5d6e7f8091/kube-proxy/0.log";
    let source = Source::from_path(of_a_file).unwrap();
    assert_eq!(source.uid(), Some("d2b3a5d1e6f708192a3b4c5d6e7f8091"));
}

#[test]
fn links_and_tags_say_the_id() {
    let id = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";
    let name = format!("web.v2-0_shop_side-car-{id}.log");
    for source in [
        Source::from_path(&format!("/var/log/containers/{name}")).unwrap(),
        Source::from_tag(&format!("kube.var.log.containers.{name}")).unwrap(),
    ] {
        assert_eq!(
            (source.namespace(), source.pod(), source.container()),
            ("shop", "web.v2-0", "side-car")
        );
        assert_eq!(source.container_id(), Some(id));
        assert_eq!((source.uid(), source.restart()), (None, None));
    }
}

#[test]
fn a_cut_name_is_read_as_far_as_it_is_sure() {
    let cut = |pod: usize| {
        let whole = format!("{}_shop_web-{}", "p".repeat(pod), "a1".repeat(32));
        format!("/var/log/containers/{}.log", &whole[..251.min(whole.len())])
    };
    assert_eq!(
        Source::from_path(&cut(200)).unwrap().container_id(),
        Some(&"a1".repeat(32)[..251 - 210])
    );
    assert_eq!(Source::from_path(&cut(238)), Err(UnknownSource::Truncated));
    assert_eq!(Source::from_path(&cut(248)), Err(UnknownSource::Truncated));
    assert_eq!(Source::from_path(&cut(253)), Err(UnknownSource::Truncated));
}

#[test]
fn what_no_kubelet_makes_is_refused() {
    for path in [
        "/var/log/nginx/access.log",
        "/var/log/pods/shop_web/web/0.log",
        &format!("/var/log/pods/shop_web_{UID}/web/0.txt"),
        &format!("/var/log/pods/shop_web_{UID}/web/x.log"),
        &format!("/var/log/pods/Shop_web_{UID}/web/0.log"),
        &format!("/var/log/pods/shop_web_{UID}_more/web/0.log"),
        &format!("/var/log/pods/shop_web_{UID}/we b/0.log"),
        &format!("/var/log/pods/shop_web_{UID}/web/0.logger"),
        &format!("/var/log/pods/shop_web_{UID}/web/99999999999.log"),
        "/var/log/containers/web_shop_web.log",
        "/var/log/containers/web_shop_web-xyz.log",
        "",
    ] {
        assert_eq!(
            Source::from_path(path),
            Err(UnknownSource::NotAContainerLog),
            "{path}"
        );
    }
    assert!(Source::from_tag("app.log").is_err());
}

#[test]
fn owners_are_guessed_by_shape() {
    use OwnerKind::{CronJob, DaemonSet, Deployment, Job, StatefulSet};
    for (pod, kind, name) in [
        ("web-5d78c9869d-x7k2p", Some(Deployment), "web"),
        ("coredns-74ff55c5b-9zx5w", Some(Deployment), "coredns"),
        ("shop-web-6b474476c4-bcdfg", Some(Deployment), "shop-web"),
        ("backup-29403480-x7k2p", Some(CronJob), "backup"),
        ("render-7-x7k2p", Some(Job), "render"),
        ("kube-proxy-x7k2p", Some(DaemonSet), "kube-proxy"),
        ("db-0", Some(StatefulSet), "db"),
        ("db-shard-12", Some(StatefulSet), "db-shard"),
        // A vowel or 0, 1, 3 is in none of these.
        ("web-aeiou", None, ""),
        // The hash has a letter that hashes have not.
        ("web-5d78c9869z-x7k2p", Some(DaemonSet), "web-5d78c9869z"),
        ("solo", None, ""),
    ] {
        let path = format!("/var/log/pods/shop_{pod}_{UID}/web/0.log");
        let source = Source::from_path(&path).unwrap();
        let owner = source.owner();
        assert_eq!(owner.map(|owner| owner.kind()), kind, "{pod}");
        assert_eq!(owner.map_or("", |owner| owner.name()), name, "{pod}");
    }
}

#[test]
fn a_lookup_goes_before_the_guess() {
    let path = format!("/var/log/pods/shop_web-x7k2p_{UID}/web/4.log");
    let source = Source::from_path(&path).unwrap();
    let shown = |fields: Vec<narae_logparse::record::Field<'_>>| -> Vec<String> {
        let shown = fields.iter().map(|field| match field.value() {
            narae_logparse::Value::Number(number) => format!("{}={number}", field.name()),
            value => format!("{}={}", field.name(), value.to_str().unwrap()),
        });
        shown.collect()
    };
    let alone = [
        "k8s.namespace.name=shop",
        "k8s.pod.name=web-x7k2p",
        "k8s.container.name=web",
        &format!("k8s.pod.uid={UID}"),
        "k8s.container.restart_count=4",
        "k8s.daemonset.name=web",
    ];
    assert_eq!(shown(source.describe(|_| None)), alone);
    let found = Metadata::default()
        .with_owner(OwnerKind::Job, "web-job")
        .with_annotation("team", "a");
    let fields = shown(source.describe(|asked| {
        assert_eq!(asked.uid(), Some(UID));
        Some(found)
    }));
    assert_eq!(
        fields[5..],
        ["k8s.job.name=web-job", "k8s.pod.annotation.team=a"]
    );
    // Known, and nothing made it: what its name looks like is no owner.
    let found = Metadata::default().with_node("n1");
    let fields = shown(source.describe(|_| Some(found)));
    assert_eq!(fields[5..], ["k8s.node.name=n1"]);
}

proptest! {
    #[test]
    fn names_come_back_whole(
        pod in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,9})?",
        namespace in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        container in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        restart in any::<u32>(),
        id in "[0-9a-f]{64}",
    ) {
        let source = Source::from_path(&format!("/var/log/pods/{namespace}_{pod}_{UID}/{container}/{restart}.log")).unwrap();
        prop_assert_eq!((source.namespace(), source.pod(), source.container(), source.restart()), (&namespace[..], &pod[..], &container[..], Some(restart)));
        let source = Source::from_path(&format!("/var/log/containers/{pod}_{namespace}_{container}-{id}.log")).unwrap();
        prop_assert_eq!((source.namespace(), source.pod(), source.container(), source.container_id()), (&namespace[..], &pod[..], &container[..], Some(&id[..])));
    }

    #[test]
    fn anything_is_read_or_refused(text in any::<String>()) {
        let _ = (Source::from_path(&text).map(|source| source.describe(|_| None)), Source::from_tag(&text));
    }
}
