//! Several branches move as one, or none does: the messages of [`PushRequest`] to git's own `receive-pack`.

use std::io::{BufReader, Write as _};
use std::process::Stdio;

use narae_gitops::remote::pack;
use narae_gitops::remote::wire::{
    ObjectId, PacketReader, PushRequest, Pushable, Report, Said, Sideband, WireError,
};

use super::fixture::Served;
use crate::fixture::{command, fsck, git};

const BRANCHES: [&str; 2] = ["refs/heads/main", "refs/heads/other"];

/// With the branch `other` beside `main`, and the id of a commit on both.
fn served() -> (Served, ObjectId, ObjectId) {
    let served = Served::new();
    let old = served.tip();
    git(&served.path(), &["branch", "other", "main"]);
    let new = git(
        &served.path(),
        &["commit-tree", "-p", "main", "-m", "new", "main^{tree}"],
    );
    let id = |text: &str| text.trim().parse().unwrap();
    (served, id(&old.to_string()), id(&new))
}

fn tips(served: &Served) -> [String; 2] {
    BRANCHES.map(|name| git(&served.path(), &["rev-parse", name]).trim().to_owned())
}

/// Both from `old` to `new` in one push: what the server says.
fn push(served: &Served, old: ObjectId, new: ObjectId) -> Result<Report, WireError> {
    let mut server = command(served.folder(), &["receive-pack", "gitops.git"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut packets = PacketReader::new(BufReader::new(server.stdout.take().unwrap()));
    let said = Pushable::read(&mut packets, BRANCHES[0]).unwrap();
    assert_eq!(said.tip(), Some(old));
    let request = PushRequest::new(BRANCHES[0], Some(old), new).and(BRANCHES[1], Some(old), new);
    let mut to = server.stdin.take().unwrap();
    let bytes = request.to_bytes(&said);
    if let Ok(bytes) = &bytes {
        // What is new there is there already.
        let empty = pack::write(&[]).unwrap();
        to.write_all(&[bytes.as_slice(), &empty].concat()).unwrap();
    }
    let report = bytes.and_then(|_| {
        let mut words = Said::new();
        let mut bands = Sideband::new(&mut packets, &mut words);
        let report = Report::read(&mut PacketReader::new(&mut bands));
        bands.finish().unwrap();
        report
    });
    drop(to);
    server.wait().unwrap();
    report
}

#[test]
fn both_move() {
    let (served, old, new) = served();
    let report = push(&served, old, new).unwrap();
    assert_eq!(BRANCHES.map(|name| report.refusal(name)), [None; 2]);
    assert_eq!(tips(&served), [(); 2].map(|()| new.to_string()));
    fsck(&served.path());
}

#[test]
fn one_that_a_hook_refuses_keeps_the_other_where_it_is() {
    let (served, old, new) = served();
    served.hook("update", "test $1 != refs/heads/other");
    let report = push(&served, old, new).unwrap();
    let [main, other] = BRANCHES.map(|name| report.refusal(name).unwrap_or_default());
    assert!(other.contains("hook declined"), "{other}");
    assert!(main.contains("atomic"), "{main}");
    assert_eq!(tips(&served), [(); 2].map(|()| old.to_string()));
}

#[test]
fn a_server_that_cannot_is_not_asked_to() {
    let (served, old, new) = served();
    git(
        &served.path(),
        &["config", "receive.advertiseAtomic", "false"],
    );
    let error = push(&served, old, new).unwrap_err();
    assert!(
        error.to_string().contains("several branches as one"),
        "{error}"
    );
    assert_eq!(tips(&served), [(); 2].map(|()| old.to_string()));
}
