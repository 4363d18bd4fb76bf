//! A folder sealed anew: a thousand items, what fails, and what must not be touched.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use narae_secrets::sealed::folder::{
    FileOutcome, FileReport, MAX_DEPTH, MAX_FILE_BYTES, Rotation, manifests,
};
use narae_secrets::sealed::{Label, PrivateKeys, ResealOutcome, Scope, SealedFile, SealedItem};

use crate::material::{certificate, private_key, secret};

fn keys(bits: &[u64]) -> PrivateKeys {
    bits.iter().map(|bits| private_key(*bits)).collect()
}

/// One item in ten was sealed for another key.
fn bits(index: u64) -> u64 {
    if index == 0 { 4096 } else { 2048 }
}

/// A file of ten items as people keep it: a comment on each, three styles, items out of order.
fn file(name: &str, sealed_for: &str, scope: Scope) -> String {
    let annotations = match scope.annotation() {
        Some(annotation) => format!("\n  annotations: {{{annotation}: \"true\"}}"),
        None => String::new(),
    };
    let mut text = format!(
        "# {name}: do not edit by hand\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: {name}{annotations}\n  namespace: shop # and nowhere else\nspec:\n  encryptedData:\n"
    );
    let label = Label::new(scope, "shop", sealed_for).unwrap();
    for index in (0..10).rev() {
        let value = secret(&format!("{name}/{index}"));
        let item = SealedItem::seal(&value, &label, &certificate(bits(index))).unwrap();
        let item = match index % 3 {
            0 => format!("{item}"),
            1 => format!("\"{item}\""),
            _ => format!("'{item}'"),
        };
        text.push_str(&format!("    item-{index}: {item} # number {index}\n"));
    }
    text + "  template:\n    type: Opaque   # the end\n"
}

/// Everything but the ciphertexts.
fn around(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        line.split(' ')
            .map(|word| if word.len() > 100 { &word[..1] } else { word })
            .map(|word| if word == "A" { "…" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    });
    lines.collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn run(rotation: &Rotation<'_>, folder: &Path) -> Vec<FileReport> {
    rotation.run(folder, &|_| {}).unwrap()
}

#[test]
fn a_thousand_items_in_a_hundred_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for index in 0..100 {
        let name = format!("db-{index}");
        let text = file(&name, &name, Scope::Strict);
        write(folder, &format!("site-{}/{name}.yaml", index % 7), &text);
    }
    let before: Vec<(std::path::PathBuf, String)> = walk(folder);
    assert_eq!(before.len(), 100);

    let (old, new) = (keys(&[4096, 2048]), certificate(3072));
    let dry = Rotation::new(&old, &new).with_dry_run();
    let reports = run(&dry, &folder.join("site-0"));
    assert_eq!(reports.len(), 15);
    assert_eq!(walk(folder), before, "a dry run writes nothing");

    let (calls, items) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reports = Rotation::new(&old, &new)
        .run(folder, &|progress| {
            calls.fetch_add(1, Ordering::Relaxed);
            items.fetch_max(progress.items_done, Ordering::Relaxed);
            assert_eq!(progress.files, 100);
            assert!(progress.files_done <= 100);
        })
        .unwrap();
    assert_eq!((calls.into_inner(), items.into_inner()), (100, 1000));

    let after = walk(folder);
    let new_key = keys(&[3072]);
    let mut opened = 0;
    for (((path, before), (_, after)), report) in before.iter().zip(&after).zip(&reports) {
        assert_eq!(&report.file, path);
        assert!(matches!(report.outcome, FileOutcome::Written), "{report:?}");
        assert_eq!(around(before), around(after));
        let sealed = SealedFile::read("x", after).unwrap();
        let manifest = &sealed.secrets()[0];
        let label = manifest.label().unwrap();
        for (item, reported) in manifest.items().zip(&report.items) {
            let sealed = item.parse().unwrap();
            let value = new_key.open(&sealed, &label).unwrap();
            let index = item.name().strip_prefix("item-").unwrap();
            assert_eq!(value, secret(&format!("{}/{index}", manifest.name())));
            assert!(old.open(&sealed, &label).is_err());
            assert_eq!(reported.outcome, ResealOutcome::Resealed);
            let old = certificate(bits(index.parse().unwrap()));
            assert_eq!(reported.old.as_ref(), Some(old.fingerprint()));
            opened += 1;
        }
    }
    assert_eq!(opened, 1000);
    // Nothing is left behind, and a second run has nothing to do.
    let again = keys(&[2048, 3072, 4096]);
    for report in run(&Rotation::new(&again, &new), folder) {
        assert!(matches!(report.outcome, FileOutcome::Kept));
    }
    assert_eq!(walk(folder), after);
}

/// Every file below `folder`, hidden ones too, with its text, in order.
fn walk(folder: &Path) -> Vec<(std::path::PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            files.push((path, text));
        }
    }
    files.sort();
    files
}

#[test]
fn one_item_that_fails_keeps_its_file_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "good.yaml", &file("db", "db", Scope::Strict));
    write(folder, "copied.yaml", &file("db2", "db", Scope::Strict));
    // Sealed for one name, and now said to be for the whole namespace: that would widen it.
    let narrow = file("db", "db", Scope::Strict).replace(
        "  name: db\n",
        "  name: db\n  annotations: {sealedsecrets.bitnami.com/namespace-wide: \"true\"}\n",
    );
    write(folder, "widened.yaml", &narrow);
    write(
        folder,
        "broken.yaml",
        "kind: SealedSecret\nkind: SealedSecret\n",
    );
    write(folder, "bytes.yaml", "kind: SealedSecret\n");
    fs::write(folder.join("bytes.yaml"), b"kind: SealedSecret # \xff\n").unwrap();
    write(
        folder,
        "other.yaml",
        "# SealedSecret is only mentioned here\na: 1\n",
    );
    write(folder, "template.yaml", "{{ not yaml }}: [\n");
    write(folder, ".hidden/db.yaml", &file("db", "db", Scope::Strict));
    write(folder, "db.yaml.bak", &file("db", "db", Scope::Strict));
    let before = walk(folder);
    let reports = run(
        &Rotation::new(&keys(&[2048, 4096]), &certificate(3072)),
        folder,
    );
    let outcomes: Vec<String> = reports
        .iter()
        .map(|report| {
            let name = report.file.file_name().unwrap().to_string_lossy();
            let outcome = format!("{:?}", report.outcome);
            format!("{name} {}", outcome.split('(').next().unwrap())
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            "broken.yaml Unreadable",
            "bytes.yaml Unreadable",
            "copied.yaml Failed",
            "good.yaml Written",
            "widened.yaml Failed"
        ]
    );
    for ((path, before), (_, after)) in before.iter().zip(walk(folder)) {
        assert_eq!(
            *before != after,
            path.ends_with("good.yaml"),
            "{}",
            path.display()
        );
    }
    let missing = folder.join("missing");
    let error = Rotation::new(&keys(&[2048]), &certificate(4096)).run(&missing, &|_| {});
    assert!(error.unwrap_err().to_string().starts_with("cannot search "));
}

#[cfg(unix)]
#[test]
fn modes_are_kept_and_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let outside = tempfile::tempdir().unwrap();
    let text = file("db", "db", Scope::NamespaceWide);
    write(outside.path(), "db.yaml", &text);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    symlink(outside.path(), folder.join("folder")).unwrap();
    symlink(outside.path().join("db.yaml"), folder.join("link.yaml")).unwrap();
    for mode in [0o600, 0o640, 0o644, 0o755] {
        let path = folder.join(format!("{mode:o}.yaml"));
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let reports = run(
        &Rotation::new(&keys(&[2048, 4096]), &certificate(3072)),
        folder,
    );
    assert_eq!(reports.len(), 4);
    for mode in [0o600, 0o640, 0o644, 0o755] {
        let path = folder.join(format!("{mode:o}.yaml"));
        let now = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(now, mode);
        assert_ne!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(
        fs::read_to_string(outside.path().join("db.yaml")).unwrap(),
        text
    );
}

#[test]
fn size_and_depth_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "good.yaml", &file("db", "db", Scope::Strict));
    // Sparse: nothing of it is on the disk.
    for (name, more) in [("most.yaml", 0), ("more.yaml", 1)] {
        let file = fs::File::create(folder.join(name)).unwrap();
        file.set_len(MAX_FILE_BYTES + more).unwrap();
    }
    let (old, new) = (keys(&[2048, 4096]), certificate(3072));
    let reports = run(&Rotation::new(&old, &new), folder);
    let [good, more] = reports.as_slice() else {
        panic!("{reports:?}");
    };
    assert!(matches!(good.outcome, FileOutcome::Written));
    assert!(
        matches!(&more.outcome, FileOutcome::Disk(cause) if cause.kind() == std::io::ErrorKind::FileTooLarge),
        "{more:?}"
    );
    assert!(more.file.ends_with("more.yaml"));

    let mut deepest = folder.to_owned();
    // The folder itself is the first.
    deepest.extend((1..MAX_DEPTH).map(|depth| format!("d{depth}")));
    fs::create_dir_all(&deepest).unwrap();
    fs::write(deepest.join("db.yaml"), "").unwrap();
    assert_eq!(manifests(folder).unwrap().len(), 4);
    fs::create_dir(deepest.join("one-more")).unwrap();
    let refused = manifests(folder).unwrap_err().to_string();
    assert!(
        refused.ends_with("nested deeper than 64 folders"),
        "{refused}"
    );
}
