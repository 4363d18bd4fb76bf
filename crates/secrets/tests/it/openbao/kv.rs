//! The KV engines of a real server.

use std::collections::BTreeMap;

use narae_secrets::SecretBytes;
use narae_secrets::store::openbao::{Changes, Entry, KvVersion, OpenBao, Options};
use narae_secrets::store::{Cas, Store as _, StoreErrorKind as K, VersionState};
use narae_testservers::OpenBao as Server;

use super::{denied, kind, path, policy, store, store_of, token_of, version};
use crate::material::{secret, values};

#[test]
fn versions_are_read_and_told_apart() {
    let Some(server) = Server::start("KV versions") else {
        return;
    };
    server.mount_kv("kv", 2);
    let values =
        r#"{"data":{"password":"tw\u00f6\n","port":5432,"tls":true,"more":{"a":[1.5,null]}}}"#;
    server.must("POST", "kv/data/shop/db", r#"{"data":{"password":"one"}}"#);
    server.must("POST", "kv/data/shop/db", values);
    for _ in 0..2 {
        server.must("POST", "kv/data/shop/db", r#"{"data":{"k":"v"}}"#);
    }
    let store = store(&server);
    let at = path("kv/shop/db");
    store.delete(&at, &[version(3)]).unwrap();
    store.destroy(&at, &[version(4)]).unwrap();

    server.must("POST", "kv/data/nulls", r#"{"data":{"gone":null,"k":"v"}}"#);
    let nulls = store.read(&path("kv/nulls"), None).unwrap();
    let keys: Vec<&String> = nulls.data.keys().collect();
    assert_eq!(keys, ["k"], "a null is no value");

    let one = store.read(&at, Some(version(1))).unwrap();
    assert_eq!(
        (one.version, &one.data["password"]),
        (Some(version(1)), &secret("one"))
    );
    let two = store.read(&at, Some(version(2))).unwrap();
    let text = |key: &str| str::from_utf8(two.data[key].expose()).unwrap().to_owned();
    assert_eq!(text("password"), "twö\n");
    assert_eq!(text("port"), "5432");
    assert_eq!(text("tls"), "true");
    assert_eq!(text("more").replace(' ', ""), r#"{"a":[1.5,null]}"#);
    assert!(one.stamp.is_some() && one.stamp != two.stamp);

    let deleted = kind(&store, "kv/shop/db", Some(3));
    let K::Deleted {
        version: three,
        at: Some(when),
    } = &deleted
    else {
        panic!("{deleted:?}");
    };
    assert_eq!(*three, version(3));
    assert!(when.starts_with("20") && when.ends_with('Z'), "{when}");
    let destroyed = K::Destroyed {
        version: version(4),
    };
    assert_eq!(kind(&store, "kv/shop/db", Some(4)), destroyed);
    assert_eq!(kind(&store, "kv/shop/db", None), destroyed);
    let missing = K::VersionNotFound {
        version: version(5),
    };
    assert_eq!(kind(&store, "kv/shop/db", Some(5)), missing);
    assert_eq!(kind(&store, "kv/nothing", None), K::NotFound);
    assert_eq!(kind(&store, "kv/nothing", Some(1)), K::NotFound);
    let mount = "no-mount".to_owned();
    assert_eq!(kind(&store, "no-mount/x", None), K::MountNotFound { mount });
    assert_eq!(kind(&store, "kv", None), K::NotFound);

    let metadata = store.metadata(&at).unwrap();
    assert_eq!(metadata.current, version(4));
    let states: Vec<_> = metadata.versions.iter().map(|(_, state)| *state).collect();
    assert_eq!(
        states,
        [
            VersionState::Live,
            VersionState::Live,
            VersionState::Deleted,
            VersionState::Destroyed
        ]
    );
    store.undelete(&at, &[version(3)]).unwrap();
    assert!(store.read(&at, Some(version(3))).is_ok());
    let notes = BTreeMap::from([("owner".to_owned(), "shop".to_owned())]);
    store.write_custom_metadata(&at, &notes).unwrap();
    assert_eq!(store.metadata(&at).unwrap().custom, notes);
    store.remove(&at).unwrap();
    assert_eq!(kind(&store, "kv/shop/db", None), K::NotFound);
    assert_eq!(store.metadata(&at).unwrap_err().kind(), &K::NotFound);
}

#[test]
fn writes_expect_what_they_replace() {
    let Some(server) = Server::start("KV check-and-set") else {
        return;
    };
    let store = store(&server);
    let at = path("secret/shop/db");
    let write = |value: &str, cas| store.write(&at, &values([("k", value), ("other", "o")]), cas);
    assert_eq!(write("one", Cas::Absent).unwrap(), version(1));
    let mismatch = |current: u64, expected: Option<u64>| K::CasMismatch {
        current: Some(version(current)),
        expected: expected.map(version),
    };
    assert_eq!(
        write("x", Cas::Absent).unwrap_err().kind(),
        &mismatch(1, None)
    );
    assert_eq!(write("two", Cas::Version(version(1))).unwrap(), version(2));
    let late = write("x", Cas::Version(version(1))).unwrap_err();
    assert_eq!(late.kind(), &mismatch(2, Some(1)));
    assert_eq!(write("three", Cas::Any).unwrap(), version(3));

    let changes = Changes::from([
        ("k".to_owned(), Some(secret("four"))),
        ("other".to_owned(), None),
    ]);
    assert_eq!(
        store
            .patch(&at, &changes, Cas::Version(version(3)))
            .unwrap(),
        version(4)
    );
    let four = store.read(&at, None).unwrap();
    assert_eq!(four.data, values([("k", "four")]));
    let late = store
        .patch(&at, &changes, Cas::Version(version(3)))
        .unwrap_err();
    assert_eq!(late.kind(), &mismatch(4, Some(3)));
    let nothing = store.patch(&path("secret/nothing"), &changes, Cas::Any);
    assert_eq!(nothing.unwrap_err().kind(), &K::NotFound);

    // Every text that JSON knows, and what it does not.
    let odd = values([("a \"b\"\n", "\u{0}\u{1f}\"\\한글\u{10ffff}"), ("", "")]);
    store.write(&at, &odd, Cas::Any).unwrap();
    assert_eq!(store.read(&at, None).unwrap().data, odd);
    let binary = [("k".to_owned(), SecretBytes::new(vec![0xff, 0xfe]))].into();
    let refused = store.write(&at, &binary, Cas::Any).unwrap_err();
    assert!(matches!(refused.kind(), K::Refused { .. }), "{refused}");

    // An engine that wants to know.
    server.must("POST", "secret/config", r#"{"cas_required":true}"#);
    let blind = write("x", Cas::Any).unwrap_err();
    assert!(matches!(blind.kind(), K::Refused { .. }), "{blind}");
    assert_eq!(write("six", Cas::Version(version(5))).unwrap(), version(6));

    // A writer that may not look is not told what is there.
    policy(
        &server,
        "blind",
        r#"path "secret/data/*" { capabilities = ["create", "update"] }"#,
    );
    let blind = store_of(&server, &token_of(&server, r#"{"policies":["blind"]}"#));
    let unknown = K::CasMismatch {
        current: None,
        expected: None,
    };
    let refused = blind
        .write(&at, &values([("k", "v")]), Cas::Absent)
        .unwrap_err();
    assert_eq!(refused.kind(), &unknown);
    assert_eq!(
        kind(&blind, "secret/shop/db", None),
        denied("read", "secret/data/shop/db")
    );
}

#[test]
fn the_first_version_has_no_versions() {
    let Some(server) = Server::start("KV version 1") else {
        return;
    };
    server.mount_kv("team/old", 1);
    server.mount_kv("team/new", 2);
    let store = store(&server);
    let at = path("team/old/shop/db");
    let data = values([("k", "v"), ("more", "w")]);
    assert!(store.write(&at, &data, Cas::Any).is_ok());
    let found = store.read(&at, None).unwrap();
    assert_eq!((&found.data, found.version), (&data, None));
    assert!(
        server
            .must("GET", "team/old/shop/db", "")
            .contains("\"k\":\"v\"")
    );
    let unsupported = |error: narae_secrets::store::StoreError| {
        assert!(matches!(error.kind(), K::Unsupported { .. }), "{error}");
    };
    unsupported(store.read(&at, Some(version(1))).unwrap_err());
    unsupported(store.write(&at, &data, Cas::Absent).unwrap_err());
    unsupported(store.metadata(&at).unwrap_err());
    unsupported(store.patch(&at, &Changes::new(), Cas::Any).unwrap_err());
    assert_eq!(kind(&store, "team/old/nothing", None), K::NotFound);
    assert_eq!(
        store.list(Some(&path("team/old"))).unwrap(),
        vec![at.clone()]
    );

    let beside = path("team/new/other");
    assert_eq!(
        store.write(&beside, &data, Cas::Absent).unwrap(),
        version(1)
    );
    assert_eq!(store.list(None).unwrap(), [beside.clone(), at.clone()]);
    // As configured, without asking.
    let options = Options::new(server.address(), secret(server.token()))
        .with_mount("team/old".parse().unwrap(), KvVersion::V1)
        .with_mount("team/new".parse().unwrap(), KvVersion::V2);
    let told = OpenBao::connect("main", options).unwrap();
    assert_eq!(told.read(&at, None).unwrap().data, data);
    assert_eq!(told.read(&beside, None).unwrap().version, Some(version(1)));
    store.delete(&at, &[]).unwrap();
    assert_eq!(kind(&store, "team/old/shop/db", None), K::NotFound);
}

#[test]
fn no_other_engine_is_read_as_one_of_secrets() {
    let Some(server) = Server::start("engines that are not KV") else {
        return;
    };
    let store = store(&server);
    // As root, which could read them all: a reference to one's own token would be a way to get it out.
    for at in [
        "sys/mounts",
        "auth/token/lookup-self",
        "cubbyhole/x",
        "identity/entity",
    ] {
        let kind = kind(&store, at, None);
        let harmless = matches!(kind, K::Unsupported { .. } | K::MountNotFound { .. });
        assert!(harmless, "{at}: {kind:?}");
    }
}

#[test]
fn names_that_urls_treat_specially_arrive_as_they_are() {
    let Some(server) = Server::start("odd names") else {
        return;
    };
    let store = store(&server);
    let names = [
        "a b",
        "a?version=1",
        "a#b",
        "a%2fb",
        "%2e%2e",
        "한글",
        "a+b&c",
        "a;b",
        "x=y",
        "…",
        "a:b@c",
    ];
    for name in names {
        let at = path(&format!("secret/odd/{name}"));
        let data = values([("k", name)]);
        store.write(&at, &data, Cas::Absent).unwrap();
        assert_eq!(store.read(&at, None).unwrap().data, data, "{name}");
    }
    let listed = store.list(Some(&path("secret/odd"))).unwrap();
    assert_eq!(listed.len(), names.len(), "{listed:?}");
    for name in names {
        assert!(
            listed.contains(&path(&format!("secret/odd/{name}"))),
            "{name}"
        );
    }
}

#[test]
fn folders_are_listed_whole_and_by_page() {
    let Some(server) = Server::start("listing") else {
        return;
    };
    let store = store(&server);
    for at in ["z", "a", "a/b", "a/c", "a/d/e", "a/d/f/g", "ab"] {
        let at = path(&format!("secret/{at}"));
        store
            .write(&at, &values([("k", "v")]), Cas::Absent)
            .unwrap();
    }
    let below_a = [
        "secret/a",
        "secret/a/b",
        "secret/a/c",
        "secret/a/d/e",
        "secret/a/d/f/g",
    ];
    let all: Vec<_> = below_a
        .into_iter()
        .chain(["secret/ab", "secret/z"])
        .map(path)
        .collect();
    let list = |store: &OpenBao, at: &str| store.list(Some(&path(at))).unwrap();
    assert_eq!(list(&store, "secret"), all);
    assert_eq!(list(&store, "secret/a"), below_a.map(path));
    assert_eq!(list(&store, "secret/a/d/e"), [path("secret/a/d/e")]);
    assert_eq!(list(&store, "secret/nothing"), []);
    assert_eq!(store.list(None).unwrap(), all);

    // Who may not scan, as on a server that cannot, is given the same.
    policy(
        &server,
        "lister",
        r#"path "secret/*" { capabilities = ["list"] }"#,
    );
    let lister = store_of(&server, &token_of(&server, r#"{"policies":["lister"]}"#));
    assert_eq!(list(&lister, "secret"), all);
    assert_eq!(list(&lister, "secret/a"), below_a.map(path));
    assert_eq!(
        lister.read(&path("secret/a"), None).unwrap_err().kind(),
        &denied("read", "secret/data/a")
    );

    let page = |after, limit| store.page(&path("secret/a"), after, limit).unwrap();
    let secret = |name: &str| Entry::Secret(name.to_owned());
    assert_eq!(page(None, 2), [secret("b"), secret("c")]);
    assert_eq!(page(Some("c"), 2), [Entry::Folder("d".to_owned())]);
    assert_eq!(page(Some("d/"), 2), []);
    assert_eq!(store.page(&path("secret"), None, 1).unwrap(), [secret("a")]);

    // More than a page of those who list.
    for number in 0..1001 {
        let body = r#"{"data":{"k":"v"}}"#;
        server.must("POST", &format!("secret/data/many/{number:04}"), body);
    }
    assert_eq!(list(&lister, "secret/many").len(), 1001);
    assert_eq!(list(&store, "secret/many").len(), 1001);
}

#[test]
fn namespaces_are_worlds_of_their_own() {
    let Some(server) = Server::start("namespaces") else {
        return;
    };
    let root = store(&server);
    root.create_namespace("team").unwrap();
    let team = root.in_namespace("team").unwrap();
    team.create_namespace("dev").unwrap();
    assert_eq!(root.namespaces().unwrap(), ["team"]);
    assert_eq!(team.namespaces().unwrap(), ["dev"]);
    server.must(
        "POST",
        "team/sys/mounts/kv",
        r#"{"type":"kv","options":{"version":"2"}}"#,
    );
    let at = path("kv/x");
    let data = values([("k", "team")]);
    team.write(&at, &data, Cas::Absent).unwrap();
    assert_eq!(team.read(&at, None).unwrap().data, data);
    let mount = "kv".to_owned();
    assert_eq!(kind(&root, "kv/x", None), K::MountNotFound { mount });
    // By its path, from the outside.
    assert_eq!(root.read(&path("team/kv/x"), None).unwrap().data, data);

    let nowhere = root.in_namespace("nowhere").unwrap();
    let namespace = "nowhere".to_owned();
    assert_eq!(
        kind(&nowhere, "kv/x", None),
        K::NamespaceNotFound { namespace }
    );
    for odd in ["", "a b", "../x", "a\nb", "ü"] {
        assert!(root.in_namespace(odd).is_err(), "{odd:?}");
    }
    team.delete_namespace("dev").unwrap();
    server.until("the namespace to be gone", || {
        team.namespaces().unwrap().is_empty()
    });
}
