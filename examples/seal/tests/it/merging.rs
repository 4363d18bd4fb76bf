//! `--merge-into` and `--digest-key`: what changes in a file that is there, and what does not.

use std::fs;
use std::path::PathBuf;

use narae_testservers::is_missing;
use tempfile::TempDir;

use crate::program::{Program, certificate, key, one, values};

/// A Secret with this password and two values that never change.
fn secret(password: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {{password: {password}, user: shop, host: db.shop}}\n"
    )
}

/// A folder with a file in it, as a person keeps it.
struct Sealed {
    folder: TempDir,
    file: PathBuf,
}

impl Sealed {
    fn new(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sealed.yaml");
        let key = folder
            .path()
            .join("digest.key")
            .to_str()
            .unwrap()
            .to_owned();
        let sealed = Self { folder, file };
        let flags: Vec<&str> = flags
            .iter()
            .map(|flag| if *flag == "KEY" { &key } else { *flag })
            .collect();
        let certificate = certificate(2048);
        let first = [&["--cert", &certificate, "-o", "yaml"], &flags[..]].concat();
        let text = Program::Seal.must(&first, secret("one").as_bytes());
        let text = text.replace(
            "\n    password:",
            "\n    # asked for by billing\n    password:",
        );
        fs::write(&sealed.file, format!("# of the shop\n{text}")).unwrap();
        sealed
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    fn merge(&self, program: Program, secret: &str, flags: &[&str]) -> crate::program::Run {
        let certificate = certificate(2048);
        let arguments = [
            "--cert",
            &certificate,
            "--merge-into",
            self.file.to_str().unwrap(),
        ];
        program.run(&[&arguments, flags].concat(), secret.as_bytes())
    }
}

/// The lines that differ, without their indentation, up to the first colon or space.
fn changed(before: &str, after: &str) -> Vec<String> {
    assert_eq!(before.lines().count(), after.lines().count(), "{after}");
    let lines = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
    let name = |line: &str| line.trim().split([':', ' ']).next().unwrap().to_owned();
    lines
        .map(|(a, b)| {
            assert_eq!(name(a), name(b));
            name(a)
        })
        .collect()
}

#[test]
fn of_one_item_merged_one_line_changes() {
    let sealed = Sealed::new(&[]);
    let before = sealed.text();
    let only = "{apiVersion: v1, kind: Secret, stringData: {password: two}}";
    let run = sealed.merge(Program::Seal, only, &[]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), ""),
        "{}",
        run.stderr
    );
    assert_eq!(changed(&before, &sealed.text()), ["password"]);
    let opened = values(&Program::Seal.open(&sealed.text(), 2048));
    assert_eq!(
        (&opened["password"][..], &opened["user"][..]),
        (&b"two"[..], &b"shop"[..])
    );
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(sealed.folder.path()).unwrap().count(), 1);
}

#[test]
fn of_a_whole_secret_only_what_changed_is_sealed_anew() {
    let sealed = Sealed::new(&["--digest-key", "KEY"]);
    let key = sealed.folder.path().join("digest.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let flags = ["--digest-key", key.to_str().unwrap()];
    let before = sealed.text();
    assert!(!before.contains("narae.dev") && before.matches(" # narae: ").count() == 3);
    assert_eq!(
        sealed.merge(Program::Seal, &secret("one"), &flags).code,
        Some(0)
    );
    assert_eq!(sealed.text(), before, "the same values, so the same bytes");

    assert_eq!(
        sealed.merge(Program::Seal, &secret("two"), &flags).code,
        Some(0)
    );
    assert_eq!(changed(&before, &sealed.text()), ["password"], "one line");
    assert_eq!(
        values(&Program::Seal.open(&sealed.text(), 2048))["password"],
        b"two"
    );

    // Written as a whole it is the same: what `-w` replaces is looked at first.
    let out = sealed.folder.path().join("again.yaml");
    let certificate = certificate(2048);
    let write = |password: &str| {
        let arguments = [
            "--cert",
            &certificate,
            "-w",
            out.to_str().unwrap(),
            flags[0],
            flags[1],
        ];
        Program::Seal.must(&arguments, secret(password).as_bytes());
        fs::read_to_string(&out).unwrap()
    };
    let first = write("one");
    assert_eq!(write("one"), first);
    assert_eq!(changed(&first, &write("two")), ["password"]);
}

/// A rotation needs no digest key: what was recorded goes on with the item.
#[test]
fn rotated_a_secret_is_unchanged() {
    let sealed = Sealed::new(&["--digest-key", "KEY"]);
    let digest_key = sealed.folder.path().join("digest.key");
    let flags = ["--digest-key", digest_key.to_str().unwrap()];
    let (file, old, new) = (sealed.file.to_str().unwrap(), key(2048), certificate(3072));
    let asked = "# asked again # narae: user ";
    let text = sealed.text().replace("# narae: user ", asked);
    fs::write(&sealed.file, &text).unwrap();
    let merge = |password: &str| {
        let arguments = ["--cert", &new, "--merge-into", file, flags[0], flags[1]];
        Program::Seal.must(&arguments, secret(password).as_bytes());
        sealed.text()
    };
    Program::Seal.must(&["rotate", file, "--keys", &old, "--cert", &new], b"");
    let rotated = sealed.text();
    assert_eq!(changed(&text, &rotated), ["host", "password", "user"]);
    assert_eq!(merge("one"), rotated);
    let two = merge("two");
    assert_eq!(changed(&rotated, &two), ["password"]);
    assert!(two.contains(asked) && two.contains("    # asked for by billing\n"));

    // The same in one file, by kubeseal's flag.
    let arguments = [
        "--re-encrypt",
        "--recovery-private-key",
        &key(3072),
        "--cert",
        &certificate(2048),
        "-o",
        "yaml",
    ];
    let text = Program::Seal.must(&arguments, sealed.text().as_bytes());
    fs::write(&sealed.file, &text).unwrap();
    let run = sealed.merge(Program::Seal, &secret("two"), &flags);
    assert_eq!(run.code, Some(0));
    assert_eq!(sealed.text(), text);
}

/// JSON has no comments: there the record is an annotation, and with one value two lines change.
#[test]
fn in_json_the_record_is_an_annotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, digest_key, certificate) =
        (path("sealed.json"), path("digest.key"), certificate(2048));
    let write = |password: &str| {
        let arguments = [
            "--cert",
            &certificate,
            "-w",
            &file,
            "--digest-key",
            &digest_key,
        ];
        Program::Seal.must(&arguments, secret(password).as_bytes());
        fs::read_to_string(&file).unwrap()
    };
    let first = write("one");
    assert_eq!(write("one"), first);
    let lines = changed(&first, &write("two"));
    assert_eq!(lines, ["\"narae.dev/sealed-items\"", "\"password\""]);
    one(&first);
}

/// What a formatter does to the file does not matter, and what is lost is only sealed anew.
#[test]
fn a_record_that_is_lost_means_sealing_anew() {
    let sealed = Sealed::new(&["--digest-key", "KEY"]);
    let digest_key = sealed.folder.path().join("digest.key");
    let flags = ["--digest-key", digest_key.to_str().unwrap()];
    let text = sealed
        .text()
        .replace(" # narae", "    # narae")
        .replace("    host: ", "    'host':  ");
    fs::write(&sealed.file, &text).unwrap();
    sealed.merge(Program::Seal, &secret("one"), &flags);
    assert_eq!(sealed.text(), text);
    let lost = text.replace("    # narae: user", "    # user");
    fs::write(&sealed.file, &lost).unwrap();
    sealed.merge(Program::Seal, &secret("one"), &flags);
    assert_eq!(changed(&lost, &sealed.text()), ["user"]);
}

#[test]
fn merging_gives_what_kubeseals_merging_gives() {
    if is_missing(&["kubeseal"], "merging as kubeseal does") {
        return;
    }
    let update = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: y, labels: {tier: db}, annotations: {note: new}}\nstringData: {password: two, added: three}\n";
    let start = Sealed::new(&[]);
    // kubeseal cannot merge into a template without labels and annotations.
    let text = start.text().replace(
        "      name: db\n      namespace: shop\n",
        "      name: db\n      namespace: shop\n      labels: {app: shop}\n      annotations: {note: old}\n",
    );
    assert!(text.contains("note: old"));
    let opened = |program: Program, flags: &[&str]| {
        fs::write(&start.file, &text).unwrap();
        let run = start.merge(program, update, flags);
        assert_eq!(run.code, Some(0), "{program:?}: {}", run.stderr);
        let mut sealed = one(&start.text());
        let opened = Program::Kubeseal.open(&start.text(), 2048);
        for item in sealed["spec"]["encryptedData"]
            .as_object_mut()
            .unwrap()
            .values_mut()
        {
            *item = serde_json::Value::Null;
        }
        (sealed, opened)
    };
    let ours = opened(Program::Seal, &[]);
    assert!(
        start.text().contains("# of the shop\n")
            && start.text().contains("# asked for by billing\n")
    );
    assert_eq!(ours, opened(Program::Kubeseal, &["-o", "yaml"]));
    assert!(
        !start.text().contains('#'),
        "kubeseal keeps comments now: say so in the README"
    );
}

#[test]
fn what_would_not_open_is_not_merged() {
    let sealed = Sealed::new(&[]);
    let before = sealed.text();
    let wide = sealed.merge(Program::Seal, &secret("two"), &["--scope", "cluster-wide"]);
    assert_eq!(wide.code, Some(1));
    assert!(wide.stderr.contains("scope is strict"), "{}", wide.stderr);
    let two = format!("{}---\n{}", secret("two"), secret("three"));
    assert_eq!(sealed.merge(Program::Seal, &two, &[]).code, Some(1));
    let other = sealed.merge(Program::Seal, &secret("two"), &["-n", "other"]);
    assert_eq!(other.code, Some(1));
    assert_eq!(sealed.text(), before);
}

/// Many that need a digest key at once make one, and go by that.
#[test]
fn a_digest_key_is_made_once_and_not_through_a_link_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (digest_key, certificate) = (path("digest.key"), certificate(2048));
    let seal = |file: &str| {
        let flags = [
            "--cert",
            &certificate,
            "--digest-key",
            &digest_key,
            "-w",
            file,
        ];
        Program::Seal.must(&flags, secret("one").as_bytes());
        fs::read_to_string(file).unwrap()
    };
    let files: Vec<String> = (0..8)
        .map(|number| path(&format!("{number}.json")))
        .collect();
    let seal = &seal;
    let first: Vec<String> = std::thread::scope(|scope| {
        let runs = files.iter().map(|file| scope.spawn(move || seal(file)));
        let runs: Vec<_> = runs.collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for (file, first) in files.iter().zip(first) {
        assert_eq!(seal(file), first, "not sealed for the key that stayed");
    }

    #[cfg(unix)]
    {
        let dangling = path("dangling");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        let flags = ["--cert", &certificate, "--digest-key", &dangling];
        let run = Program::Seal.run(&flags, secret("one").as_bytes());
        assert_eq!(run.code, Some(1));
        assert!(
            run.stderr.contains("a link to a file that is not there"),
            "{}",
            run.stderr
        );
        assert!(!folder.path().join("nowhere").exists());
    }
}

/// Each sees what the one before wrote.
#[test]
fn merges_at_once_lose_nothing() {
    let sealed = Sealed::new(&[]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let sealed = &sealed;
            scope.spawn(move || {
                let secret = format!(
                    "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {{k{number}: v}}\n"
                );
                let run = sealed.merge(Program::Seal, &secret, &[]);
                assert_eq!(run.code, Some(0), "{}", run.stderr);
            });
        }
    });
    let opened = values(&Program::Seal.open(&sealed.text(), 2048));
    assert_eq!(opened.len(), 3 + 8, "{:?}", opened.keys());
}
