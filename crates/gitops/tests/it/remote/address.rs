//! Addresses: those that are taken, and those that are not.

use narae_gitops::remote::{ErrorKind, Remote};

#[test]
fn addresses_are_read_as_git_reads_them() {
    let cases = [
        (
            "https://git.example.com/shop/gitops.git",
            "https://git.example.com/shop/gitops.git",
        ),
        (
            "https://ci@git.example.com:8443/x/",
            "https://git.example.com:8443/x",
        ),
        (
            "https://ghp_C4naryC4naryC4nary@github.com/shop/gitops",
            "https://github.com/shop/gitops",
        ),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        (
            "ssh://git@git.example.com:2222/x.git",
            "ssh://git@git.example.com:2222/x.git",
        ),
        ("ssh://[fe80::1]/x", "ssh://[fe80::1]/x"),
        (
            "git@git.example.com:shop/gitops.git",
            "ssh://git@git.example.com/shop/gitops.git",
        ),
        ("host:/srv/x.git", "ssh://host/srv/x.git"),
        ("ssh://host/~/x", "ssh://host/~/x"),
        ("git://host/x", "git://host:9418/x"),
        ("git://host:99/x", "git://host:99/x"),
        ("file:///srv/x.git", "/srv/x.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("./a:b/x", "./a:b/x"),
    ];
    for (text, shown) in cases {
        match Remote::new(text) {
            Ok(remote) => assert_eq!(remote.address(), shown, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

#[test]
fn addresses_that_could_do_harm_are_refused_without_telling_secrets() {
    let cases = [
        "",
        "https://",
        "https://host",
        "https://host/",
        "https://ci:secret@host/x",
        "https://host/x?token=secret",
        "https://host:port/x",
        "https://host:/x",
        "https://@host/x",
        "https://ho st/x",
        "ssh://-oProxyCommand=id/x",
        "ssh://-l@host/x",
        "-oProxyCommand=id:x",
        "ssh://host/\nx",
        "host:-x",
        "host:",
        "git://me@host/x",
        "ext::sh -c id",
        "ftp://host/x",
        "file://host/x",
    ];
    for text in cases {
        let error = Remote::new(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
