//! What stands where a value should is something else: told in one line, with nothing written.

use crate::sandbox::{IMAGE, Sandbox};

const FILE: &str = "environments/dev/idc/shop/values.yaml";
const MARKER: &str = "# {\"$imagepolicy\": \"flux-system:shop\"}";

/// `main` gets something at FILE, in fast-import's words; nothing when they are empty.
fn put(sandbox: &Sandbox, what: &str) {
    let stream = format!(
        "commit refs/heads/main\ncommitter Other <other@example.com> 1790000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nD {FILE}\n{what}"
    );
    let import = ["--git-dir", "gitops.git", "fast-import", "--quiet"];
    sandbox.git(&import, &stream);
}

fn text(content: &str) -> String {
    format!(
        "M 100644 inline {FILE}\ndata {}\n{content}\n",
        content.len()
    )
}

fn set(sandbox: &Sandbox, image: &str) -> crate::sandbox::Run {
    sandbox.run(&["set-image", "shop", image, "--env", "dev", "--site", "idc"])
}

#[test]
fn a_place_that_is_none_is_told_in_one_line() {
    let sandbox = Sandbox::new();
    let missing = format!("there is no file `{FILE}` on branch `main`");
    let not_there = format!("{FILE}: `marker:flux-system:shop` is not there");
    let at = |words: &str| format!("{FILE}:{words}");
    let detached = "this marker stands behind no scalar; put it on the line of the value";
    let block = format!("image: >- {MARKER}\n  {IMAGE}:0000aaa\n");
    let above = format!("{MARKER}\nimage: {IMAGE}:0000aaa");
    let brace = format!("web: {{image: {IMAGE}:0000aaa}} {MARKER}\n");
    let template = format!("image: {{{{ .Values.image }}}} {MARKER}\n");
    let two = format!("a: {IMAGE}:0000aaa {MARKER}\nb: {IMAGE}:0000bbb {MARKER}\n");
    for (what, words) in [
        (String::new(), missing.clone()),
        (
            format!("M 120000 inline {FILE}\ndata 7\nv2.yaml\n"),
            format!("`{FILE}` is a symbolic link to `v2.yaml`, not a file"),
        ),
        (
            format!("M 160000 {} {FILE}\n", "1".repeat(40)),
            missing.clone(),
        ),
        (
            format!("M 100644 inline {FILE}/below\ndata 1\nx\n"),
            missing,
        ),
        (text(""), not_there.clone()),
        (text(&"a".repeat(1_000_000)), not_there),
        (text(&block), at(&format!("1:11: {detached}"))),
        (text(&above), at(&format!("1:1: {detached}"))),
        (text(&brace), at(&format!("1:51: {detached}"))),
        (
            text(&template),
            at("1:9: `{{` makes this a template; edit the values it takes instead"),
        ),
        (
            text(&two),
            at(
                "2:4: the tag is `0000bbb` here and `0000aaa` elsewhere under `marker:flux-system:shop`",
            ),
        ),
        (text("a: 1\n\tb: 2\n"), at("1:4: ")),
    ] {
        put(&sandbox, &what);
        let before = sandbox.branches();
        let run = set(&sandbox, &format!("{IMAGE}:8c1d2e3"));
        assert_eq!(run.code, Some(1), "{what}: {run:#?}");
        assert!(run.stderr.contains(&words), "{what}: {run:#?}");
        assert_eq!(run.stderr.lines().count(), 1, "{what}: {run:#?}");
        assert_eq!(sandbox.branches(), before);
    }
    sandbox.fsck();
}

#[test]
fn odd_files_keep_every_other_byte() {
    let sandbox = Sandbox::new();
    let old = "localhost:5000/shop/web:0000aaa";
    let odd = |image: &str| {
        format!(
            "\u{feff}%YAML 1.1\r\n---\r\na: &x 'it''s' # x\r\nweb: {{image: &i {image}, {MARKER}\r\n  n: 1}}\r\nlist: [\"{image}\", {MARKER}\r\n  2]\r\nb: [*x, *i]"
        )
    };
    put(&sandbox, &text(&odd(old)));
    let digest = format!("sha256:{:064}", 9);
    let new = format!("localhost:5000/shop/web:12e4567@{digest}");
    let run = set(&sandbox, &new);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(sandbox.file("dev", "idc", "shop/values.yaml"), odd(&new));
    // A table is not as wide as digests are; programs get all of it.
    let out = sandbox.done(&["history", "shop"]);
    assert!(
        out.contains(":12e4567@sha256:000000000000…  deliver"),
        "{out}"
    );
    let (_, json) = sandbox.json(&["history", "shop"]);
    assert_eq!(json.pointer("/deliveries/0/image/0").unwrap(), &new);

    let before = sandbox.branches();
    for (image, code, words) in [
        (format!("{IMAGE}@{digest}"), 3, "has a digest and no tag"),
        (IMAGE.to_owned(), 3, "has no tag, which means `latest`"),
        (format!("{IMAGE}:latest"), 3, "moves from build to build"),
        (format!("{IMAGE}:v1.2"), 3, "is not a commit hash"),
        (
            "harbor.example.com/shop/cart:8c1d2e3".to_owned(),
            3,
            "is not of `shop/web`",
        ),
        ("Harbor/Shop:8c1d2e3".to_owned(), 2, "invalid value"),
        (format!("{IMAGE}:8c1d2e3@sha256:12"), 2, "invalid value"),
        (String::new(), 2, "invalid value"),
    ] {
        let run = set(&sandbox, &image);
        assert_eq!(run.code, Some(code), "{image}: {run:#?}");
        assert!(run.stderr.contains(words), "{image}: {run:#?}");
        assert_eq!(sandbox.branches(), before);
    }
    sandbox.fsck();
}
