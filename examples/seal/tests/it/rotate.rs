//! `seal rotate`: a folder of a thousand items, and what stands in its way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use narae_secrets::sealed::{PrivateKey, SealedFile};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, Run, certificate, key};

const FILES: usize = 100;
const ITEMS: usize = 10;

/// A repository of SealedSecrets in the styles people write, with other things between them.
struct Repository(TempDir);

impl Repository {
    fn new(files: usize) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let folder = repository.path().join("apps");
        fs::create_dir(&folder).unwrap();
        for number in 0..files {
            let mut secret = format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}, namespace: shop}}\nstringData:\n"
            );
            for item in 0..ITEMS {
                secret.push_str(&format!("  item-{item}: value {number} {item}\n"));
            }
            let json = number % 10 == 9;
            let (certificate, digest_key) = (certificate(2048), repository.path().join(".digest"));
            let form = if json { "json" } else { "yaml" };
            let mut arguments = vec!["--cert", &certificate, "-o", form];
            if number % 3 == 0 {
                // With a record, in comments or in an annotation.
                arguments.extend(["--digest-key", digest_key.to_str().unwrap()]);
            }
            let sealed = Program::Seal.must(&arguments, secret.as_bytes());
            let (name, text) = if json {
                ("json", sealed)
            } else {
                let commented =
                    sealed.replace("\n    item-3:", "\n    # mind this one\n    item-3:");
                (
                    "yaml",
                    format!("# file {number}\n{commented}# the end\n---\nkind: ConfigMap\n"),
                )
            };
            fs::write(folder.join(format!("s{number}.{name}")), text).unwrap();
        }
        fs::write(folder.join("template.yaml"), "{{ no: yaml }} at all").unwrap();
        fs::create_dir(repository.path().join(".git")).unwrap();
        fs::write(
            repository.path().join(".git/x.yaml"),
            "kind: SealedSecret: broken",
        )
        .unwrap();
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Everything that is there, hidden or not.
    fn entries(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("apps")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.entries();
        files.retain(|file| !name(file).starts_with('.'));
        files
    }

    fn texts(&self) -> Vec<String> {
        let files = self.files().into_iter();
        files
            .map(|file| fs::read_to_string(file).unwrap())
            .collect()
    }

    fn rotate(&self, more: &[&str]) -> Run {
        let (old, new) = (key(2048), certificate(3072));
        let path = self.path().to_str().unwrap();
        let arguments = ["rotate", path, "--keys", &old, "--cert", &new];
        Program::Seal.run(&[&arguments, more].concat(), b"")
    }
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

/// How many items a key opens, of how many.
fn opened_by(texts: &[String], bits: u64) -> (usize, usize) {
    let key = PrivateKey::from_pem(&fs::read(key(bits)).unwrap()).unwrap();
    let (mut opened, mut all) = (0, 0);
    for text in texts.iter().filter(|text| text.contains("SealedSecret")) {
        let file = SealedFile::read("", text.as_str()).unwrap();
        for secret in file.secrets() {
            for item in secret.items() {
                all += 1;
                let item = item.parse().unwrap();
                opened += usize::from(key.open(&item, &secret.label().unwrap()).is_ok());
            }
        }
    }
    (opened, all)
}

/// The text without its ciphertexts, their digests and keys.
fn skeleton(text: &str) -> String {
    let is_new =
        |word: &str| word.len() > 300 || word.starts_with("sha256:") || word.starts_with("SHA256:");
    let cut = |word: &str| if is_new(word) { "…" } else { word }.to_owned();
    let words = text.split_inclusive([' ', '"', '\n']).map(cut);
    words.collect()
}

#[test]
fn a_thousand_items_open_with_the_new_key_only_and_no_comment_is_lost() {
    let repository = Repository::new(FILES);
    let before = repository.texts();
    assert_eq!(opened_by(&before, 2048), (FILES * ITEMS, FILES * ITEMS));

    let dry = repository.rotate(&["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert_eq!(repository.texts(), before);

    let run = repository.rotate(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(
        last,
        "1000 items in 100 files: 1000 sealed anew, 0 as they were, 0 failed"
    );
    assert_eq!(run.stdout.lines().count(), FILES * ITEMS + 1);
    assert_eq!(run.stderr, "", "no bar where nobody looks");

    let after = repository.texts();
    assert_eq!(opened_by(&after, 3072), (FILES * ITEMS, FILES * ITEMS));
    assert_eq!(opened_by(&after, 2048), (0, FILES * ITEMS));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(skeleton(before), skeleton(after));
    }
    // What is recorded is recorded of the new items.
    let recorded: usize = after
        .iter()
        .map(|text| text.matches(" strict:shop/s").count())
        .sum();
    assert_eq!(recorded, 34 * ITEMS);
    let path = repository.path().to_str().unwrap();
    let status = Program::Seal.run(&["status", path, "--cert", &certificate(3072)], b"");
    assert_eq!(status.code, Some(0), "{}", status.stdout);
    // No temporary file stays, and what is hidden was not touched.
    assert_eq!(repository.entries().len(), FILES + 1);

    let again = repository.rotate(&["--keys", &key(3072)]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again
            .stdout
            .ends_with("0 sealed anew, 1000 as they were, 0 failed\n")
    );
    assert_eq!(repository.texts(), after);
}

#[test]
fn a_file_with_one_item_that_fails_stays_as_it_was() {
    let repository = Repository::new(3);
    let file = &repository.files()[1];
    // The third item is edited: it opens with no key.
    let text = fs::read_to_string(file).unwrap();
    let at = text.find("item-2: AQ").unwrap() + 100;
    let swapped = if &text[at..=at] == "A" { "B" } else { "A" };
    fs::write(file, format!("{}{swapped}{}", &text[..at], &text[at + 1..])).unwrap();
    let before = repository.texts();

    let run = repository.rotate(&["--json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr
            .starts_with("error: not everything was done (1 item failed, "),
        "{}",
        run.stderr
    );
    let after = repository.texts();
    assert_eq!(before[1], after[1]);
    assert_eq!(opened_by(&after[..1], 3072), (ITEMS, ITEMS));
    assert_eq!(opened_by(&after[2..3], 3072), (ITEMS, ITEMS));

    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let files = report["files"].as_array().unwrap();
    assert_eq!(files.len(), 3);
    assert_eq!(files[1]["changed"], false);
    let item = &files[1]["items"][2];
    assert_eq!(item["outcome"], "failed");
    assert!(
        item["place"].as_str().unwrap().ends_with(".yaml:12:13"),
        "{item}"
    );
    let old = files[0]["items"][0]["old"].as_str().unwrap();
    assert!(old.starts_with("SHA256:") && report["new"] != old);
}

#[test]
fn what_cannot_be_worked_on_is_said_and_the_rest_is_done() {
    let repository = Repository::new(2);
    let broken = repository.path().join("apps/broken.yaml");
    fs::write(&broken, "kind: SealedSecret\nkind: SealedSecret\n").unwrap();
    let run = repository.rotate(&[]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("broken.yaml") && run.stdout.contains("20 sealed anew"),
        "{}",
        run.stdout
    );

    let missing = Program::Seal.run(
        &[
            "rotate",
            "/nowhere",
            "--keys",
            &key(2048),
            "--cert",
            &certificate(3072),
        ],
        b"",
    );
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("/nowhere"), "{}", missing.stderr);
}

#[cfg(unix)]
#[test]
fn modes_and_links_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let repository = Repository::new(1);
    let file = repository.files()[0].clone();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = repository.path().join("link.yaml");
    symlink(&file, &link).unwrap();
    let one = |path: &Path| {
        let (old, new) = (key(2048), certificate(3072));
        let path = path.to_str().unwrap();
        Program::Seal.must(&["rotate", path, "--keys", &old, "--cert", &new], b"")
    };
    one(&link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        opened_by(&[fs::read_to_string(&file).unwrap()], 3072),
        (ITEMS, ITEMS)
    );
}

/// Killed at any moment, each file is the old one or the new one, and another run finishes.
#[test]
fn killed_midway_every_file_is_whole_and_the_next_run_finishes() {
    let repository = Repository::new(40);
    let before = repository.texts();
    let keys = format!("{},{}", key(2048), key(3072));
    let (path, new) = (repository.path().to_str().unwrap(), certificate(3072));
    let arguments = ["rotate", path, "--keys", &keys, "--cert", &new];
    let changed = || {
        let texts = repository.texts().into_iter().zip(&before);
        texts.filter(|(now, before)| now != *before).count()
    };
    let mut killed = 0;
    for done in [1, 8, 16] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seal"))
            .args(arguments)
            .args(["--jobs", "2"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Reading all files each time takes long enough for this not to be a busy loop.
        while changed() < done && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        // A slow poll may find the work done.
        killed += usize::from(child.wait().unwrap().code().is_none() && changed() < 40);
        for (now, before) in repository.texts().iter().zip(&before) {
            assert_eq!(skeleton(now), skeleton(before));
            if now != before {
                let texts = std::slice::from_ref(now);
                assert_eq!(opened_by(texts, 3072), (ITEMS, ITEMS), "half of a file");
            }
        }
    }
    assert!(killed > 0, "it was never killed midway");
    let run = Program::Seal.run(&arguments, b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(opened_by(&repository.texts(), 3072), (400, 400));
    // What was being written when it was killed: at most one for each job, and nothing that looks like a manifest.
    let files = repository.files();
    let mut left = repository.entries();
    left.retain(|file| !files.contains(file));
    assert!(
        left.len() <= 3 * 2 && left.iter().all(|file| name(file).ends_with(".tmp")),
        "{left:?}"
    );
}

#[test]
fn jobs_change_nothing_but_the_time() {
    let report = |jobs: &str| {
        let repository = Repository::new(5);
        let run = repository.rotate(&["--jobs", jobs]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(opened_by(&repository.texts(), 3072), (50, 50));
        run.stdout.replace(repository.path().to_str().unwrap(), "")
    };
    let one = report("1");
    assert!(one.ends_with("50 items in 5 files: 50 sealed anew, 0 as they were, 0 failed\n"));
    assert_eq!(report("4"), one);
    assert_eq!(report("256"), one);
    for refused in ["0", "257", "-1", "two", ""] {
        let run = Repository::new(0).rotate(&[&format!("--jobs={refused}")]);
        assert_eq!(run.code, Some(2), "{refused}");
    }
}

/// What a rotation without the new key cannot tell apart, it says.
#[test]
fn what_no_key_opens_may_have_been_done_before() {
    let repository = Repository::new(2);
    assert_eq!(repository.rotate(&[]).code, Some(0));
    let run = repository.rotate(&[]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("add the key of the new certificate to --keys"),
        "{}",
        run.stderr
    );
    let run = repository.rotate(&["--keys", &key(3072)]);
    assert!(
        run.stdout.ends_with("20 as they were, 0 failed\n"),
        "{}",
        run.stdout
    );
}
