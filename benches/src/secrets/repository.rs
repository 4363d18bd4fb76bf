//! Repositories of SealedSecrets of 10 items each, RSA-4096: sealed, and sealed anew for another key.
//! kubeseal does it as its users script it, one process for each step of each file.
//!
//! Sealing anew is asked three times. With a backup of one key both sides spend their time in the one RSA operation
//! that opens an item. With a year's backup, 12 keys of which each sealed the files of its month, kubeseal tries
//! the keys one after the other, in random order, for each item; ours tries what the file's record names or the
//! file's last item was opened with. The files are as kubeseal makes them (without a record) and as ours does; neighbours
//! are of different months, so that of a file without a record the first item costs some tries.
//!
//! Besides the wall clock, which a machine with more cores shortens for both, the processor time each side
//! used is compared: ours on one thread, theirs by the processes of the loop.

use std::fs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_secrets::sealed::folder::Rotation;
use narae_secrets::sealed::{
    Backup, Certificate, Generate, Generated, Item, KeyBits, SealRequest, SealedFile, Source,
};
use narae_secrets::store::Version;

use super::NOW;
use crate::report::Report;

const FILES: usize = 100;
const ITEMS: usize = 10;
const ROUNDS: usize = 3;
const MONTHS: usize = 12;
/// For the year, where a round of the peer's takes minutes.
const YEAR_ROUNDS: usize = 2;

/// A key with its files.
struct Key {
    certificate: Certificate,
    certificate_file: PathBuf,
    key_file: PathBuf,
    pem: Generated,
}

impl Key {
    fn new(folder: &Path, name: &str) -> Self {
        let pem = Generate::new(NOW)
            .with_bits(KeyBits::Rsa4096)
            .run()
            .expect("a key can be made");
        let certificate = Certificate::from_pem(pem.certificate_pem.as_bytes()).expect("ours");
        let (certificate_file, key_file) = (
            folder.join(format!("{name}.crt")),
            folder.join(format!("{name}.key")),
        );
        fs::write(&certificate_file, &pem.certificate_pem).expect("written");
        fs::write(&key_file, pem.private_key_pem.expose()).expect("written");
        Self {
            certificate,
            certificate_file,
            key_file,
            pem,
        }
    }

    /// As the controller keeps it.
    fn secret(&self) -> serde_json::Value {
        let name = self.key_file.file_stem().expect("a name").to_string_lossy();
        serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {
                "name": name, "namespace": "kube-system",
                "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
            },
            "data": {
                "tls.crt": STANDARD.encode(&self.pem.certificate_pem),
                "tls.key": STANDARD.encode(self.pem.private_key_pem.expose()),
            },
        })
    }
}

pub(super) fn run(report: &mut Report) {
    let kubeseal = Command::new("kubeseal").arg("--version").output();
    if !kubeseal.is_ok_and(|output| output.status.success()) {
        report.skip("kubeseal", "not on PATH; .ci/servers builds it");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (old, new) = (
        Key::new(folder.path(), "old"),
        Key::new(folder.path(), "new"),
    );
    let (plain, ours, theirs) = (path("plain"), path("ours"), path("theirs"));
    for folder in [&plain, &ours, &theirs] {
        fs::create_dir(folder).expect("made");
    }
    for number in 0..FILES {
        fs::write(plain.join(format!("{number}.yaml")), secret(number)).expect("written");
    }

    let mut seal = Race::default();
    let mut rotate = Race::default();
    for round in 1..=ROUNDS {
        eprintln!("  one key, round {round} of {ROUNDS}");
        seal.ours(|| each(&plain, |file| seal_ours(file, &ours, &old)));
        seal.theirs(|| each(&plain, |file| seal_theirs(file, &theirs, &old)));
        rotate.ours(|| rotate_ours(&ours, &old.key_file, &new));
        rotate.theirs(|| each(&theirs, |file| rotate_theirs(file, &old.key_file, &new)));
        // Both must have done the same before their times are compared.
        for folder in [&ours, &theirs] {
            assert_eq!(opened(folder, &new), FILES * ITEMS);
        }
    }
    let note = format!("{} items in {FILES} files, RSA-4096", FILES * ITEMS);
    seal.report(
        report,
        "secrets.seal-repository",
        "kubeseal, per file",
        &note,
    );
    rotate.report(
        report,
        "secrets.rotate-repository",
        "kubeseal | kubeseal, per file",
        &note,
    );
    year(report, folder.path(), &new);
}

/// A repository and a backup in which a year has passed.
fn year(report: &mut Report, folder: &Path, new: &Key) {
    let path = |name: &str| folder.join(name);
    eprintln!("  making {MONTHS} keys and sealing with them");
    let months: Vec<Key> = (0..MONTHS)
        .map(|month| Key::new(folder, &format!("month-{month}")))
        .collect();
    let backup = path("backup.json");
    let secrets: Vec<_> = months.iter().map(Key::secret).collect();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": secrets});
    fs::write(&backup, list.to_string()).expect("written");

    let (plain, made, recorded) = (path("year"), path("year-made"), path("year-recorded"));
    for folder in [&plain, &made, &recorded] {
        fs::create_dir(folder).expect("made");
    }
    for number in 0..FILES {
        let (file, month) = (
            plain.join(format!("{number}.yaml")),
            &months[number % MONTHS],
        );
        fs::write(&file, secret(number)).expect("written");
        seal_theirs(&file, &made, month);
        seal_recorded(&file, &recorded, month);
    }
    let (mut unrecorded, mut with_record) = (Race::default(), Race::default());
    let copy = path("year-copy");
    let copy_of = |folder: &Path| {
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).expect("made");
        each(folder, |file| {
            let name = file.file_name().expect("a name");
            fs::copy(file, copy.join(name)).expect("copied");
        });
    };
    let all = |key| assert_eq!(opened(&copy, key), FILES * ITEMS);
    for round in 1..=YEAR_ROUNDS {
        eprintln!("  {MONTHS} keys, round {round} of {YEAR_ROUNDS}");
        copy_of(&made);
        unrecorded.ours(|| rotate_ours(&copy, &backup, new));
        all(new);
        copy_of(&recorded);
        with_record.ours(|| rotate_ours(&copy, &backup, new));
        all(new);
        copy_of(&made);
        // The record means nothing to it: both are raced against one run.
        let theirs = measure(|| each(&copy, |file| rotate_theirs(file, &backup, new)));
        all(new);
        unrecorded.theirs = Some(fastest(unrecorded.theirs, theirs));
        with_record.theirs = unrecorded.theirs;
    }
    let note = format!(
        "{} items in {FILES} files, RSA-4096, 12 keys",
        FILES * ITEMS
    );
    let peer = "kubeseal | kubeseal, per file";
    unrecorded.report(report, "secrets.rotate-year", peer, &note);
    let note = format!("{note}, with records");
    with_record.report(report, "secrets.rotate-year-recorded", peer, &note);
}

fn secret(number: usize) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}, namespace: shop}}\nstringData:\n"
    );
    for item in 0..ITEMS {
        text.push_str(&format!("  item-{item}: the value {item} of {number}\n"));
    }
    text
}

fn each(folder: &Path, mut work: impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("listed") {
        work(&entry.expect("listed").path());
    }
}

fn seal_ours(file: &Path, into: &Path, key: &Key) {
    seal_items(file, into, key, |item| item);
}

/// As if the values had come from a store.
fn seal_recorded(file: &Path, into: &Path, key: &Key) {
    seal_items(file, into, key, |item| {
        let reference = format!("ref+vault://main/secret/shop#/{}", item.name());
        let source = Source::new(
            &reference.parse().expect("a reference"),
            Version::FIRST,
            "x",
        );
        Item::new(item.name(), item.value().duplicate(), Some(source))
    });
}

fn seal_items(file: &Path, into: &Path, key: &Key, from: impl Fn(Item) -> Item) {
    let text = fs::read_to_string(file).expect("read");
    let mut secret = narae_yaml::read_one(&text).expect("YAML");
    let items = Item::take_from(&mut secret).expect("a Secret");
    let items = items.into_iter().map(from).collect();
    let sealed = SealRequest::new(&secret, items)
        .seal(&key.certificate)
        .expect("sealed");
    let name = file.file_name().expect("a name");
    fs::write(into.join(name), sealed.to_yaml()).expect("written");
}

fn seal_theirs(file: &Path, into: &Path, key: &Key) {
    let out = into.join(file.file_name().expect("a name"));
    let mut command = Command::new("kubeseal");
    command
        .arg("--cert")
        .arg(&key.certificate_file)
        .arg("-f")
        .arg(file)
        .arg("-w")
        .arg(out);
    assert!(command.status().expect("kubeseal runs").success());
}

fn rotate_ours(folder: &Path, backup: &Path, new: &Key) {
    let backup = fs::read(backup).expect("read");
    let keys = Backup::read(&backup).expect("keys").into_keys();
    let files = fs::read_dir(folder).expect("listed").count();
    let reports = Rotation::new(&keys, &new.certificate)
        .with_threads(NonZeroUsize::MIN)
        .run(folder, &|_| {})
        .expect("rotated");
    assert_eq!(reports.len(), files);
}

fn rotate_theirs(file: &Path, backup: &Path, new: &Key) {
    let opened = Command::new("kubeseal")
        .args(["--recovery-unseal", "--recovery-private-key"])
        .arg(backup)
        .arg("-f")
        .arg(file)
        .output()
        .expect("kubeseal runs");
    assert!(opened.status.success());
    let mut sealing = Command::new("kubeseal")
        .arg("--cert")
        .arg(&new.certificate_file)
        .arg("-w")
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .expect("kubeseal runs");
    let mut pipe = sealing.stdin.take().expect("a pipe");
    pipe.write_all(&opened.stdout).expect("written");
    drop(pipe);
    assert!(sealing.wait().expect("kubeseal runs").success());
}

/// How many items the key opens.
fn opened(folder: &Path, key: &Key) -> usize {
    let keys = Backup::read(key.pem.private_key_pem.expose())
        .expect("a key")
        .into_keys();
    let mut items = 0;
    each(folder, |file| {
        let text = fs::read_to_string(file).expect("read");
        for sealed in SealedFile::read("", text).expect("YAML").secrets() {
            items += sealed.unseal(&keys).expect("it opens").data().len();
        }
    });
    items
}

/// The fastest round of each side, by the clock and by processor time.
#[derive(Default)]
struct Race {
    ours: Option<(Duration, Duration)>,
    theirs: Option<(Duration, Duration)>,
}

impl Race {
    fn ours(&mut self, work: impl FnOnce()) {
        self.ours = Some(fastest(self.ours, measure(work)));
    }

    fn theirs(&mut self, work: impl FnOnce()) {
        self.theirs = Some(fastest(self.theirs, measure(work)));
    }

    fn report(self, report: &mut Report, name: &str, peer: &str, note: &str) {
        let (Some(ours), Some(theirs)) = (self.ours, self.theirs) else {
            return;
        };
        report.record(
            name,
            peer,
            &format!("{note}, wall clock, ours on one thread"),
            ours.0,
            theirs.0,
        );
        let name = format!("{name}-cpu");
        report.record(
            &name,
            peer,
            &format!("{note}, processor time"),
            ours.1,
            theirs.1,
        );
    }
}

fn fastest(
    before: Option<(Duration, Duration)>,
    now: (Duration, Duration),
) -> (Duration, Duration) {
    before.map_or(now, |before| (before.0.min(now.0), before.1.min(now.1)))
}

/// Wall clock, and the processor time of this process and of the children it waited for.
fn measure(work: impl FnOnce()) -> (Duration, Duration) {
    let (start, used) = (Instant::now(), processor_time());
    work();
    (start.elapsed(), processor_time().saturating_sub(used))
}

/// From `/proc/self/stat`, in hundredths of a second; zero where there is none.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command's name, in parentheses, may hold anything; utime, stime, cutime and cstime are the
    // 12th to 15th fields after it.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(4)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
