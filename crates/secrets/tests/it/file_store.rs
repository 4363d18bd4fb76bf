//! The file store: versions, permissions, damage, wrong keys, writers that are killed.

use std::fs;
use std::path::Path;

use narae_secrets::SecretBytes;
use narae_secrets::store::contents::Contents;
use narae_secrets::store::file::frame::{self, FrameError, SALT_BYTES, StoreKey};
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{
    Cas, SecretData, SecretPath, Store, StoreErrorKind, Version, VersionState,
};
use proptest::prelude::*;

use crate::material::{secret, values};

fn create(directory: &Path) -> FileStore {
    let key = KeyFile::create(directory.join("key")).unwrap();
    FileStore::create("main", directory.join("store"), key).unwrap()
}

fn open(directory: &Path) -> Result<FileStore, narae_secrets::store::StoreError> {
    FileStore::open(
        "main",
        directory.join("store"),
        KeyFile::read(directory.join("key"))?,
    )
}

fn path(text: &str) -> SecretPath {
    text.parse().unwrap()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// The rules of versions, the same for every store that keeps them itself.
fn behaves(
    store: &dyn Store,
    delete: &dyn Fn(&SecretPath, Version),
    destroy: &dyn Fn(&SecretPath, Version),
) {
    use StoreErrorKind as K;
    let kind = |path: &SecretPath, version| store.read(path, version).unwrap_err().kind().clone();
    let at = path("secret/shop");
    assert_eq!(kind(&at, None), K::NotFound);
    assert_eq!(store.metadata(&at).unwrap_err().kind(), &K::NotFound);

    let one = values([("k", "one")]);
    let stale = store
        .write(&at, &one, Cas::Version(version(1)))
        .unwrap_err();
    let mismatch = K::CasMismatch {
        current: None,
        expected: Some(version(1)),
    };
    assert_eq!(stale.kind(), &mismatch);
    assert_eq!(store.write(&at, &one, Cas::Absent).unwrap(), version(1));
    let twice = store.write(&at, &one, Cas::Absent).unwrap_err();
    assert_eq!(
        twice.kind(),
        &K::CasMismatch {
            current: Some(version(1)),
            expected: None
        }
    );
    assert_eq!(
        store
            .write(&at, &values([("k", "two")]), Cas::Version(version(1)))
            .unwrap(),
        version(2)
    );
    assert_eq!(store.write(&at, &values([]), Cas::Any).unwrap(), version(3));

    assert_eq!(
        store.read(&at, Some(version(1))).unwrap().data["k"],
        secret("one")
    );
    let newest = store.read(&at, None).unwrap();
    assert_eq!((newest.data.len(), newest.version), (0, Some(version(3))));
    assert_eq!(
        kind(&at, Some(version(4))),
        K::VersionNotFound {
            version: version(4)
        }
    );

    delete(&at, version(3));
    assert_eq!(
        kind(&at, None),
        K::Deleted {
            at: None,
            version: version(3)
        }
    );
    destroy(&at, version(2));
    assert_eq!(
        kind(&at, Some(version(2))),
        K::Destroyed {
            version: version(2)
        }
    );
    let states = store.metadata(&at).unwrap().versions;
    let expected = [
        VersionState::Live,
        VersionState::Destroyed,
        VersionState::Deleted,
    ];
    assert_eq!(
        states.iter().map(|(_, state)| *state).collect::<Vec<_>>(),
        expected
    );

    // Ten versions are kept; numbers go on.
    for number in 4..=12 {
        assert_eq!(store.write(&at, &one, Cas::Any).unwrap(), version(number));
    }
    assert_eq!(
        kind(&at, Some(version(2))),
        K::VersionNotFound {
            version: version(2)
        }
    );
    assert_eq!(store.metadata(&at).unwrap().versions.len(), 10);

    store
        .write(&path("secret/shop/db"), &one, Cas::Any)
        .unwrap();
    store
        .write(&path("secret/shopping"), &one, Cas::Any)
        .unwrap();
    let listed = store.list(Some(&at)).unwrap();
    assert_eq!(listed, [path("secret/shop"), path("secret/shop/db")]);
    assert_eq!(store.list(None).unwrap().len(), 3);
    assert_eq!(store.list(Some(&path("nothing"))).unwrap(), []);

    for (data, why) in [
        (values([("", "x")]), "an empty key"),
        ([("k".repeat(254), secret("x"))].into(), "a long key"),
        (
            [("k".to_owned(), SecretBytes::new(vec![0; 1024 * 1024 + 1]))].into(),
            "a long value",
        ),
    ] {
        let refused = store.write(&at, &data, Cas::Any).unwrap_err();
        assert!(
            matches!(refused.kind(), K::Refused { .. }),
            "{why}: {refused}"
        );
    }
}

#[test]
fn both_local_stores_behave_alike() {
    let memory = MemoryStore::new("main");
    behaves(
        &memory,
        &|path, version| memory.delete(path, version).unwrap(),
        &|path, version| memory.destroy(path, version).unwrap(),
    );
    let directory = tempfile::tempdir().unwrap();
    let file = create(directory.path());
    behaves(
        &file,
        &|path, version| file.delete(path, version).unwrap(),
        &|path, version| file.destroy(path, version).unwrap(),
    );
    // What was written is there for the next process.
    let again = open(directory.path()).unwrap();
    assert_eq!(
        again.read(&path("secret/shop"), None).unwrap().version,
        Some(version(12))
    );
}

#[test]
fn nothing_is_overwritten_by_making_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store
        .write(&path("a/b"), &values([("k", "v")]), Cas::Any)
        .unwrap();
    let key = KeyFile::create(directory.path().join("key")).unwrap_err();
    assert!(
        matches!(key.kind(), StoreErrorKind::AlreadyExists { .. }),
        "{key}"
    );
    let key = KeyFile::read(directory.path().join("key")).unwrap();
    let again = FileStore::create("main", directory.path().join("store"), key).unwrap_err();
    assert!(
        matches!(again.kind(), StoreErrorKind::AlreadyExists { .. }),
        "{again}"
    );
    assert!(
        open(directory.path())
            .unwrap()
            .read(&path("a/b"), None)
            .is_ok()
    );
}

#[test]
fn a_wrong_key_is_named_with_its_store() {
    let directory = tempfile::tempdir().unwrap();
    create(directory.path());
    let other = KeyFile::create(directory.path().join("other")).unwrap();
    let error = FileStore::open("main", directory.path().join("store"), other).unwrap_err();
    let (key, store) = (
        directory.path().join("other"),
        directory.path().join("store"),
    );
    assert_eq!(
        error.to_string(),
        format!(
            "store `main`: the key in {} is not the key of {}; give the key file this store was created with",
            key.display(),
            store.display()
        )
    );
}

#[test]
fn what_is_not_there_or_not_a_store_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let missing = KeyFile::read(directory.path().join("key")).unwrap_err();
    assert!(
        matches!(missing.kind(), StoreErrorKind::Io { action: "read", .. }),
        "{missing}"
    );
    create(directory.path());
    let store = directory.path().join("store");
    for (bytes, expected) in [
        (&b""[..], "is not a store file"),
        (b"hello, world", "is not a store file"),
        (
            b"NARAESEC\0\x03",
            "has format version 3; this program knows versions 1 and 2",
        ),
        (b"NARAESEC\0\x01\0\0", "has 12 bytes, its header says 68"),
    ] {
        fs::write(&store, bytes).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    fs::write(
        directory.path().join("key"),
        "-----BEGIN NARAE STORE KEY-----\nAAAA\n-----END NARAE STORE KEY-----\n",
    )
    .unwrap();
    let error = open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("is not a key file"), "{error}");
}

#[cfg(unix)]
#[test]
fn files_are_private_and_open_ones_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    create(directory.path());
    for name in ["key", "store"] {
        let file = directory.path().join(name);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let error = open(directory.path()).unwrap_err();
            let expected = StoreErrorKind::OpenPermissions {
                file: file.display().to_string(),
                mode,
            };
            assert_eq!(error.kind(), &expected);
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(open(directory.path()).is_ok());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_temporary_file_left_behind_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    fs::write(directory.path().join(".store.tmp"), "half").unwrap();
    store
        .write(&path("a/b"), &values([("k", "v")]), Cas::Any)
        .unwrap();
    assert!(!directory.path().join(".store.tmp").exists());
    assert!(store.read(&path("a/b"), None).is_ok());
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    create(directory.path());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let directory = directory.path();
            scope.spawn(move || {
                let store = open(directory).unwrap();
                for number in 0..10 {
                    let path = path(&format!("w{writer}/p{number}"));
                    store
                        .write(&path, &values([("k", "v")]), Cas::Absent)
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(
        open(directory.path()).unwrap().list(None).unwrap().len(),
        40
    );
}

/// Kills a writing process at 12 moments. What it said it had written must be there, whole.
#[cfg(unix)]
#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    create(directory.path());
    let mut last = 0;
    for round in 0..12 {
        // This test binary again, running the writer below only.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file_store::writer_to_be_killed", "--nocapture"])
            .env("NARAE_TEST_WRITER", directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The moment of the kill drifts over the writer's loop without a clock: after so many
        // acknowledgements, plus a spin of another length each round.
        let mut acknowledged = lines.by_ref().filter_map(|line| {
            line.unwrap()
                .strip_prefix("wrote ")
                .map(|n| n.parse().unwrap())
        });
        let mut seen: u64 = acknowledged.by_ref().take(1 + round % 3).last().unwrap();
        for turn in 0..round * 100_000 {
            std::hint::black_box(turn);
        }
        child.kill().unwrap();
        // Whatever it still said before it died counts, too; its last line may be cut.
        for line in lines.map_while(Result::ok) {
            if let Some(Ok(number)) = line.strip_prefix("wrote ").map(str::parse) {
                seen = seen.max(number);
            }
        }
        child.wait().unwrap();

        let store = open(directory.path()).unwrap();
        let secret = store.read(&path("a/b"), None).unwrap();
        let found = secret.version.unwrap().get();
        // One more may have reached the disk than was acknowledged.
        assert!(
            found == seen || found == seen + 1,
            "acknowledged {seen}, found {found}"
        );
        assert_eq!(secret.data["k"].expose(), content(found).as_slice());
        assert!(found > last);
        last = found;
    }
}

fn content(number: u64) -> Vec<u8> {
    format!("{number} ").repeat(5000).into_bytes()
}

/// Does nothing unless started by the test above.
#[test]
fn writer_to_be_killed() {
    let Some(directory) = std::env::var_os("NARAE_TEST_WRITER") else {
        return;
    };
    let store = open(Path::new(&directory)).unwrap();
    let mut next = store
        .metadata(&path("a/b"))
        .map_or(1, |found| found.current.get() + 1);
    loop {
        let data: SecretData = [("k".to_owned(), SecretBytes::new(content(next)))].into();
        let written = store.write(&path("a/b"), &data, Cas::Any).unwrap();
        println!("wrote {written}");
        next = written.get() + 1;
    }
}

fn contents() -> impl Strategy<Value = Contents> {
    let data = prop::collection::btree_map("[a-z.]{1,8}", any::<Vec<u8>>(), 0..4);
    let write = ("[a-c]/[a-c]", data, 0u8..6);
    prop::collection::vec(write, 0..40).prop_map(|writes| {
        let mut contents = Contents::new();
        for (at, data, then) in writes {
            let at = path(&at);
            let data = data
                .into_iter()
                .map(|(key, value)| (key, SecretBytes::new(value)))
                .collect();
            let version = contents.write(&at, &data, Cas::Any).unwrap();
            match then {
                0 => contents.delete(&at, version).unwrap(),
                1 => contents.destroy(&at, version).unwrap(),
                _ => {}
            }
        }
        contents
    })
}

fn key() -> StoreKey {
    StoreKey::new(&[7; 32])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_framed_is_read(contents in contents(), salt: [u8; SALT_BYTES]) {
        let frame = frame::seal(&contents, &key(), salt).unwrap();
        prop_assert_eq!(frame::open(&frame, &key()).unwrap(), contents);
        prop_assert_eq!(frame::open(&frame, &StoreKey::new(&[8; 32])), Err(FrameError::WrongKey));
    }

    #[test]
    fn a_flipped_bit_is_refused(contents in contents(), at: prop::sample::Index, bit in 0u8..8) {
        let mut frame = frame::seal(&contents, &key(), [1; SALT_BYTES]).unwrap();
        let at = at.index(frame.len());
        frame[at] ^= 1 << bit;
        prop_assert!(frame::open(&frame, &key()).is_err());
    }

    #[test]
    fn a_cut_or_longer_frame_is_refused(contents in contents(), at: prop::sample::Index) {
        let mut frame = frame::seal(&contents, &key(), [1; SALT_BYTES]).unwrap();
        prop_assert!(frame::open(&frame[..at.index(frame.len())], &key()).is_err());
        frame.push(0);
        prop_assert!(frame::open(&frame, &key()).is_err());
    }
}

/// A store written by this version, to be read by every later one.
#[test]
fn a_store_of_format_version_one_opens() {
    let contents = frame::open(include_bytes!("../data/store/v1.store"), &key()).unwrap();
    let read = |at: &str, number| contents.read(&path(at), Version::new(number));
    assert_eq!(
        read("secret/shop", 2).unwrap().data["password"],
        secret("pa55")
    );
    assert_eq!(
        read("secret/shop", 1).unwrap_err(),
        StoreErrorKind::Destroyed {
            version: version(1)
        }
    );
    assert_eq!(
        read("secret/old", 1).unwrap_err(),
        StoreErrorKind::Deleted {
            at: None,
            version: version(1)
        }
    );
    assert_eq!(
        frame::seal(&contents, &key(), [9; 32]).unwrap(),
        include_bytes!("../data/store/v1.store")
    );
}

#[test]
fn a_store_is_made_with_its_content_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path: SecretPath = "kv/shop".parse().unwrap();
    let data = || SecretData::from([("a".to_owned(), SecretBytes::from("1".to_owned()))]);
    let make = |content: Vec<(SecretPath, SecretData)>| {
        let key = directory.path().join("key");
        let key = KeyFile::read(&key)
            .or_else(|_| KeyFile::create(&key))
            .unwrap();
        FileStore::create_with("main", directory.path().join("store"), key, content)
    };
    let twice = make(vec![(path.clone(), data()), (path.clone(), data())]).unwrap_err();
    assert!(
        matches!(twice.kind(), StoreErrorKind::CasMismatch { .. }),
        "{twice}"
    );
    assert!(!directory.path().join("store").exists());
    let store = make(vec![(path.clone(), data())]).unwrap();
    let secret = store.read(&path, None).unwrap();
    assert_eq!(secret.version, Some(Version::FIRST));
    assert_eq!(secret.data["a"].expose(), b"1");
    let left: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_writing_has_a_stamp_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path: SecretPath = "kv/shop".parse().unwrap();
    let data = SecretData::from([("a".to_owned(), SecretBytes::from("1".to_owned()))]);
    let key = KeyFile::create(directory.path().join("key")).unwrap();
    let store = FileStore::create("main", directory.path().join("store"), key).unwrap();
    let stamp = |store: &FileStore| store.read(&path, None).unwrap().stamp.unwrap();
    store.write(&path, &data, Cas::Any).unwrap();
    let first = stamp(&store);
    assert_eq!(stamp(&store), first, "reading changes nothing");
    // The same path, version and value, in a store that was made anew under the same name and key.
    fs::remove_file(store.file()).unwrap();
    let key = KeyFile::read(directory.path().join("key")).unwrap();
    let store = FileStore::create("main", store.file(), key).unwrap();
    store.write(&path, &data, Cas::Any).unwrap();
    assert_ne!(stamp(&store), first);
}

#[test]
fn a_passphrase_opens_what_it_made() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store");
    let create = |text: &str| FileStore::create_with_passphrase("main", &file, &secret(text));
    let open = |text: &str| FileStore::open_with_passphrase("main", &file, &secret(text));
    let empty = create("").unwrap_err();
    assert!(matches!(empty.kind(), StoreErrorKind::Configuration { .. }));
    let store = create("correct horse").unwrap();
    let data = values([("k", "c4n4ry-value")]);
    store.write(&path("s/a"), &data, Cas::Absent).unwrap();
    assert_eq!(
        open("correct horse")
            .unwrap()
            .read(&path("s/a"), None)
            .unwrap()
            .data,
        data
    );
    let wrong = open("correct house").unwrap_err();
    assert!(
        matches!(wrong.kind(), StoreErrorKind::WrongPassphrase { .. }),
        "{wrong}"
    );
    let there = create("correct horse").unwrap_err();
    assert!(matches!(there.kind(), StoreErrorKind::AlreadyExists { .. }));
    // Nor does a key file open it.
    let key = KeyFile::create(directory.path().join("key")).unwrap();
    let wrong = FileStore::open("main", &file, key).unwrap_err();
    assert!(
        matches!(wrong.kind(), StoreErrorKind::WrongKey { .. }),
        "{wrong}"
    );
    // Nor a passphrase what has a key file.
    let other = directory.path().join("other");
    FileStore::create(
        "main",
        &other,
        KeyFile::read(directory.path().join("key")).unwrap(),
    )
    .unwrap();
    let wrong = FileStore::open_with_passphrase("main", &other, &secret("x")).unwrap_err();
    assert!(
        matches!(wrong.kind(), StoreErrorKind::WrongPassphrase { .. }),
        "{wrong}"
    );

    // Every byte of the header counts, and none decides how much memory is taken.
    let sound = std::fs::read(&file).unwrap();
    for at in [12, 27, 28, 31, 32, 36, 40, 60, 90] {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x80;
        std::fs::write(&file, &bytes).unwrap();
        let error = open("correct horse").unwrap_err();
        let known = matches!(
            error.kind(),
            StoreErrorKind::WrongPassphrase { .. } | StoreErrorKind::Damaged { .. }
        );
        assert!(known, "byte {at}: {error}");
    }
}

/// Argon2id's second parameter choice, as Python's `cryptography` computes it too.
#[test]
fn a_passphrase_becomes_the_same_key_everywhere() {
    use frame::Stretch;
    let mut stretch = Stretch::new(*b"salt of 16 bytes");
    assert_eq!(
        (stretch.memory_kib, stretch.passes, stretch.lanes),
        (65536, 3, 4)
    );
    stretch.memory_kib = 19 * 1024;
    stretch.passes = 2;
    stretch.lanes = 1;
    let passphrase = secret("correct horse");
    let stretched = StoreKey::from_passphrase(&passphrase, stretch).unwrap();
    let frame = frame::seal(&Contents::new(), &stretched, [1; 32]).unwrap();
    let id: String = frame[40..56]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(id, "0e5d91887b054ee579f5c706f8d6c3d3");
}

/// A link and the file it points to are one store, which whoever writes it leaves to its owner.
#[cfg(unix)]
#[test]
fn links_lead_to_one_store_and_its_owner_stays() {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let key = || KeyFile::read(at("k")).unwrap();
    let key_file = KeyFile::create(at("k")).unwrap();
    fs::create_dir(at("real")).unwrap();
    FileStore::create("main", at("real/s"), key_file).unwrap();
    symlink("real/s", at("link")).unwrap();
    let owner = fs::metadata(at("real/s")).unwrap().uid();
    // Only root may give files away.
    let owner = match chown(at("real/s"), Some(12_345), None) {
        Ok(()) => 12_345,
        Err(_) => owner,
    };
    let linked = FileStore::open("main", at("link"), key()).unwrap();
    let path: SecretPath = "s/a".parse().unwrap();
    let data = || values([("k", "v")]);
    linked.write(&path, &data(), Cas::Absent).unwrap();
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    assert!(at("real/s.lock").exists() && !at("link.lock").exists());
    assert_eq!(fs::metadata(at("real/s")).unwrap().uid(), owner);
    let real = FileStore::open("main", at("real/s"), key()).unwrap();
    assert!(real.read(&path, None).is_ok());
    let refused = linked.write(&path, &data(), Cas::Absent).unwrap_err();
    assert!(matches!(refused.kind(), StoreErrorKind::CasMismatch { .. }));

    // A link to nothing is not written over.
    symlink("nowhere", at("dangling")).unwrap();
    let refused = FileStore::create("main", at("dangling"), key()).unwrap_err();
    assert!(matches!(
        refused.kind(),
        StoreErrorKind::AlreadyExists { .. }
    ));
}
