//! Twenty writers at once on servers that die, dawdle, refuse, break connections off and are restarted: all land or see the
//! other's value, and whoever is told no has changed nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use narae_gitops::remote::ErrorKind;

use super::fixture::{Served, remote};
use super::racing::{adjacent_lines, different_applications, the_same_line};
use super::site::{self, Site};

const WHAT: &str = "twenty writers on a server that fails";

/// Of every eight pushes, one finds git killed before the branch moves, one is refused and one waits.
const BEFORE: &str = "echo >> before
case $(($(wc -l < before) % 8)) in
1) echo killed >> faults; kill -9 $PPID ;;
3) echo refused >> faults; echo 'not on Fridays' >&2; exit 1 ;;
5) sleep 0.2 ;;
esac";
/// And one in four finds it killed when the branch has moved, so that the answer is cut short.
const AFTER: &str = "echo >> after
test $(($(wc -l < after) % 4)) = 1 || exit 0
echo killed >> faults; kill -9 $PPID";

/// Its hooks fail as above.
fn beset(site: Site) -> Site {
    site.served.hook("pre-receive", BEFORE);
    site.served.hook("post-receive", AFTER);
    site
}

/// The server, and what it may tell a writer.
type Beset = fn() -> Option<(Site, &'static [ErrorKind])>;

fn on_this_machine() -> Option<(Site, &'static [ErrorKind])> {
    let site = beset(site::on_this_machine(WHAT)?);
    Some((site, &[ErrorKind::Refused]))
}

fn over_tcp() -> Option<(Site, &'static [ErrorKind])> {
    let site = beset(site::over_tcp_that_breaks(WHAT)?);
    Some((site, &[ErrorKind::Refused]))
}

fn over_ssh() -> Option<(Site, &'static [ErrorKind])> {
    let site = beset(site::over_ssh_that_breaks(WHAT)?);
    Some((site, &[ErrorKind::Refused]))
}

/// Every third push meets one of these, too.
#[cfg(feature = "http")]
fn over_tls() -> Option<(Site, &'static [ErrorKind])> {
    use std::sync::atomic::AtomicUsize;

    use narae_testservers::{Fault, GitHttpOptions};

    let answer = |status, headers: &str| Fault::Answer(status, headers.to_owned(), "");
    let elsewhere = "Location: https://elsewhere.example/gitops.git\r\n";
    let faults = [
        Fault::CloseBefore,
        answer("401 Unauthorized", ""),
        Fault::CloseAfter,
        answer("302 Found", elsewhere),
        Fault::Truncate(20),
        answer("503 Service Unavailable", "Retry-After: 7\r\n"),
        Fault::Drip,
    ];
    let count = AtomicUsize::new(0);
    let options = GitHttpOptions::new().with_faults(move |seen| {
        let is_push = seen.method == "POST" && seen.target.ends_with("/git-receive-pack");
        let number = is_push.then(|| count.fetch_add(1, Ordering::SeqCst))?;
        let fault = faults.get(number / 3 % faults.len()).cloned();
        fault.filter(|_| number % 3 == 1)
    });
    let told = &[
        ErrorKind::Refused,
        ErrorKind::Unauthorized,
        ErrorKind::Protocol,
        ErrorKind::Unavailable,
    ];
    Some((beset(site::over_tls(options, WHAT)?), told))
}

fn race(start: Beset, write: fn(&Site, &[ErrorKind])) {
    let Some((site, told)) = start() else { return };
    write(&site, told);
    let faults = std::fs::read_to_string(site.served.path().join("faults"));
    assert!(faults.unwrap().contains("killed"));
}

macro_rules! twenty_writers {
    ($($server:ident)+) => {$(
        mod $server {
            #[test]
            fn different_applications() {
                super::race(super::$server, super::different_applications);
            }

            #[test]
            fn adjacent_lines() {
                super::race(super::$server, super::adjacent_lines);
            }

            #[test]
            fn the_same_line() {
                super::race(super::$server, super::the_same_line);
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

#[test]
fn adjacent_lines_land_while_the_daemon_is_killed_and_started_again() {
    let served = Served::new();
    let Some(mut daemon) = site::daemon(&served, WHAT) else {
        return;
    };
    let address = daemon.address("gitops.git");
    let repository = served.path();
    let site = Site::new(served, (), move || remote(&address));
    let is_over = AtomicBool::new(false);
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
                daemon.restart();
                restarts += 1;
            }
            restarts
        });
        let over = Over(&is_over);
        adjacent_lines(&site, &[ErrorKind::Unreachable]);
        drop(over);
        assert_eq!(restarts.join().unwrap(), 4);
    });
}
