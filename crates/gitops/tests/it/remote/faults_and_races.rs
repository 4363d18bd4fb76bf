//! Twenty writers at once on servers that die, dawdle, refuse, break connections off and are restarted: all land or see the
//! other's value, and whoever is told no has changed nothing.

use std::fs;
#[cfg(feature = "http")]
use std::io::Write as _;
#[cfg(feature = "http")]
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use narae_gitops::remote::ErrorKind;

use super::fixture::{Served, remote};
use super::racing::{adjacent_lines, different_applications, the_same_line};
use super::site::{self, Site};

const WHAT: &str = "twenty writers on a server that fails";

/// Of every eight pushes, one finds git killed before the branch moves, one is refused and one waits. Of two at once
/// each has a number of its own.
const BEFORE: &str = "set -C; n=1
until true 2> /dev/null > before-$n; do n=$((n + 1)); done
case $((n % 8)) in
1) echo killed before >> faults; kill -9 $PPID ;;
3) echo refused >> faults; echo 'not on Fridays' >&2; exit 1 ;;
5) echo delayed >> faults; sleep 0.2 ;;
esac";
/// And one in four finds it killed when the branch has moved, so that the answer is cut short.
const AFTER: &str = "set -C; n=1
until true 2> /dev/null > after-$n; do n=$((n + 1)); done
test $((n % 4)) = 1 || exit 0
echo killed after >> faults; kill -9 $PPID";

/// What the hooks do to twenty pushes, and to one that lands.
const HOOKS: [&str; 4] = ["killed before", "refused", "delayed", "killed after"];
const HOOKS_OF_ONE: [&str; 2] = ["killed before", "killed after"];

/// A server that fails, and what writers have to bear.
struct Beset {
    site: Site,
    /// What it may tell a writer.
    told: &'static [ErrorKind],
    /// What it does to twenty pushes.
    faults: Vec<&'static str>,
    /// What it does however soon the first lands.
    faults_of_one: Vec<&'static str>,
}

/// Its hooks fail as above.
fn beset(site: Site) -> Beset {
    site.served.hook("pre-receive", BEFORE);
    site.served.hook("post-receive", AFTER);
    Beset {
        site,
        told: &[ErrorKind::Refused],
        faults: HOOKS.to_vec(),
        faults_of_one: HOOKS_OF_ONE.to_vec(),
    }
}

fn on_this_machine() -> Option<Beset> {
    site::on_this_machine(WHAT).map(beset)
}

fn over_tcp() -> Option<Beset> {
    site::over_tcp_that_breaks(WHAT).map(beset)
}

fn over_ssh() -> Option<Beset> {
    site::over_ssh_that_breaks(WHAT).map(beset)
}

/// Each of the first seven pushes meets one of these, and then every third, too.
#[cfg(feature = "http")]
fn over_tls() -> Option<Beset> {
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Arc, OnceLock};

    use narae_testservers::{Fault, GitHttpOptions};

    let answer = |status, headers: &str| Fault::Answer(status, headers.to_owned(), "");
    let elsewhere = "Location: https://elsewhere.example/gitops.git\r\n";
    // Those first that nothing lands by: whoever writes the same line may give up when something has.
    let faults = [
        ("closed before", Fault::CloseBefore),
        ("401", answer("401 Unauthorized", "")),
        ("302", answer("302 Found", elsewhere)),
        (
            "503",
            answer("503 Service Unavailable", "Retry-After: 7\r\n"),
        ),
        ("dripped", Fault::Drip),
        ("truncated", Fault::Truncate(20)),
        ("closed after", Fault::CloseAfter),
    ];
    let names = faults.each_ref().map(|(name, _)| *name);
    let count = AtomicUsize::new(0);
    let log = Arc::new(OnceLock::<PathBuf>::new());
    let written = Arc::clone(&log);
    let options = GitHttpOptions::new().with_faults(move |seen| {
        let is_push = seen.method == "POST" && seen.target.ends_with("/git-receive-pack");
        let number = is_push.then(|| count.fetch_add(1, Ordering::SeqCst))?;
        let (name, fault) = match number.checked_sub(faults.len()) {
            None => faults.get(number)?,
            Some(later) if later % 3 == 0 => faults.get(later / 3 % faults.len())?,
            Some(_) => return None,
        };
        let log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(written.get()?);
        writeln!(log.unwrap(), "{name}").unwrap();
        Some(fault.clone())
    });
    let mut beset = beset(site::over_tls(options, WHAT)?);
    log.set(beset.site.served.path().join("faults")).unwrap();
    beset.faults.extend(names);
    // The first push that git hears of is killed; the next one may land.
    beset.faults_of_one.extend(names.iter().take(6));
    beset.told = &[
        ErrorKind::Refused,
        ErrorKind::Unauthorized,
        ErrorKind::Protocol,
        ErrorKind::Unavailable,
    ];
    Some(beset)
}

type Write = fn(&Site, &[ErrorKind]);

/// All that is to go wrong has, and it held.
fn race(start: fn() -> Option<Beset>, write: Write, faults: fn(&Beset) -> &[&'static str]) {
    let Some(beset) = start() else { return };
    write(&beset.site, beset.told);
    let happened = fs::read_to_string(beset.site.served.path().join("faults")).unwrap();
    for fault in faults(&beset) {
        assert!(
            happened.lines().any(|line| line == *fault),
            "{fault}: {happened}"
        );
    }
}

macro_rules! twenty_writers {
    ($($server:ident)+) => {$(
        mod $server {
            #[test]
            fn different_applications() {
                super::race(super::$server, super::different_applications, |beset| &beset.faults);
            }

            #[test]
            fn adjacent_lines() {
                super::race(super::$server, super::adjacent_lines, |beset| &beset.faults);
            }

            #[test]
            fn the_same_line() {
                super::race(super::$server, super::the_same_line, |beset| &beset.faults_of_one);
            }
        }
    )+};
}

twenty_writers!(on_this_machine over_tcp over_ssh);
#[cfg(feature = "http")]
twenty_writers!(over_tls);

/// Says when what is done beside it can end, also when it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The server is killed four times while they land, and started again.
fn adjacent_lines_land_meanwhile(site: &Site, mut restart: impl FnMut() + Send) {
    let is_over = AtomicBool::new(false);
    let repository = site.served.path();
    thread::scope(|scope| {
        let restarts = scope.spawn(|| {
            let mut restarts = 0;
            for commits in [4, 8, 12, 16] {
                while Served::commits_of(&repository) < commits {
                    if is_over.load(Ordering::SeqCst) {
                        return restarts;
                    }
                    // Only the time between two looks.
                    thread::sleep(Duration::from_millis(10));
                }
                restart();
                restarts += 1;
            }
            restarts
        });
        let over = Over(&is_over);
        adjacent_lines(site, &[ErrorKind::Unreachable]);
        drop(over);
        assert_eq!(restarts.join().unwrap(), 4);
    });
}

#[test]
fn adjacent_lines_land_while_the_daemon_is_killed_and_started_again() {
    let served = Served::new();
    let Some(mut daemon) = site::daemon(&served, WHAT) else {
        return;
    };
    let address = daemon.address("gitops.git");
    let site = Site::new(served, (), move || remote(&address));
    adjacent_lines_land_meanwhile(&site, || daemon.restart());
}

#[test]
fn adjacent_lines_land_while_sshd_is_killed_and_started_again() {
    let served = Served::new();
    let Some(mut sshd) = site::sshd(WHAT) else {
        return;
    };
    let connect = site::over(&sshd, &served, sshd.port());
    let site = Site::new(served, (), connect);
    adjacent_lines_land_meanwhile(&site, || sshd.restart());
}
