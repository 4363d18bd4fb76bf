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
use narae_testservers::{Cut, Lost};

use super::fixture::{Served, remote};
use super::racing::{adjacent_lines, different_applications, the_same_line};
use super::site::{self, Site};

const WHAT: &str = "twenty writers on a server that fails";

/// Of every eight pushes, one finds git killed before the branch moves, one is refused and one waits: the first three, so that all
/// of it happens before anything lands. Of two at once each has a number of its own.
const BEFORE: &str = "set -C; n=1
until true 2> /dev/null > before-$n; do n=$((n + 1)); done
case $((n % 8)) in
1) echo killed before >> faults; kill -9 $PPID ;;
2) echo refused >> faults; echo 'not on Fridays' >&2; exit 1 ;;
3) echo delayed >> faults; sleep 0.2 ;;
esac";
/// And one in four finds it killed when the branch has moved, so that the answer is cut short.
const AFTER: &str = "set -C; n=1
until true 2> /dev/null > after-$n; do n=$((n + 1)); done
test $((n % 4)) = 1 || exit 0
echo killed after >> faults; kill -9 $PPID";

/// What the hooks do until one has landed.
const HOOKS: [&str; 4] = ["killed before", "refused", "delayed", "killed after"];

/// A server that fails, and what writers have to bear.
struct Beset {
    site: Site,
    /// What it may tell a writer.
    told: &'static [ErrorKind],
    /// What it does, however soon the first lands.
    faults: Vec<&'static str>,
}

/// Its hooks fail as above.
fn beset(site: Site) -> Beset {
    site.served.hook("pre-receive", BEFORE);
    site.served.hook("post-receive", AFTER);
    Beset {
        site,
        told: &[ErrorKind::Refused],
        faults: HOOKS.to_vec(),
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
    // Nothing lands by the first four, nor by the next two, which are the first that the hooks hear of.
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
fn race(start: fn() -> Option<Beset>, write: Write) -> Option<Beset> {
    let beset = start()?;
    write(&beset.site, beset.told);
    let happened = fs::read_to_string(beset.site.served.path().join("faults")).unwrap();
    for fault in &beset.faults {
        assert!(
            happened.lines().any(|line| line == *fault),
            "{fault}: {happened}"
        );
    }
    if let Some(lost) = beset.site.lost() {
        let is_sent = |lost: &Lost| matches!(lost.cut, Cut::Sent(_));
        let ways = [true, false].map(|way| lost.iter().any(|lost| is_sent(lost) == way));
        assert_eq!(ways, [true; 2], "{lost:?}");
    }
    Some(beset)
}

/// Where git's words can be seen on their way, and twenty come through: some were in the middle of a push.
fn race_with_pushes_lost(start: fn() -> Option<Beset>, write: Write) {
    let lost = race(start, write).and_then(|beset| beset.site.lost());
    let pushes = |lost: &Lost| lost.began.contains("git-receive-pack");
    let is_plain = |lost: &Lost| lost.began.contains("git-");
    if let Some(lost) = lost.filter(|lost| lost.iter().any(is_plain)) {
        assert!(lost.iter().any(pushes), "{lost:?}");
    }
}

macro_rules! twenty_writers {
    ($($server:ident)+) => {$(
        mod $server {
            #[test]
            fn different_applications() {
                super::race_with_pushes_lost(super::$server, super::different_applications);
            }

            #[test]
            fn adjacent_lines() {
                super::race_with_pushes_lost(super::$server, super::adjacent_lines);
            }

            #[test]
            fn the_same_line() {
                let _ = super::race(super::$server, super::the_same_line);
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
