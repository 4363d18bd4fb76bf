//! Moving branches of a remote, each from where it must stand: all of a push or none.

use super::Remote;
use super::error::{Error, ErrorKind, Refusal};
use super::pack::{self, Packed};
use super::transport::{self, Conversation, Service};
use super::watch::{Event, Watch};
use super::wire::{PacketReader, PushRequest, Pushable, Report, Said, Sideband, WireError};
use crate::repository::{self, CommitId, Repository};

/// How a push ended that nobody refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum PushOutcome {
    /// The branch stands at the pushed commit now.
    Pushed,
    /// It stood there before.
    AlreadyThere,
    /// The branch is not where it was expected; nothing was changed there.
    Moved {
        /// Where it was expected.
        expected: Option<CommitId>,
        /// Where it is.
        found: Option<CommitId>,
    },
}

/// How a push of several branches ended that nobody refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum JointPushOutcome {
    /// Each stands at its pushed commit now.
    Pushed,
    /// Each stood there before.
    AlreadyThere,
    /// Not all are where they were expected; none was moved.
    Moved {
        /// Where each is, in their order.
        found: Vec<Option<CommitId>>,
    },
}

/// A branch to move, from where it must stand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// The branch.
    pub branch: String,
    /// Where it must stand; `None`: it must not exist.
    pub expected: Option<CommitId>,
    /// Where it goes: a commit that descends from there.
    pub new: CommitId,
}

impl Move {
    /// `branch` from `expected` to `new`.
    #[must_use]
    pub fn new(branch: impl Into<String>, expected: Option<CommitId>, new: CommitId) -> Self {
        Self {
            branch: branch.into(),
            expected,
            new,
        }
    }
}

/// What the server says to a push.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken,
    /// Not all stood where they were expected when the server was first asked.
    Elsewhere(Vec<Option<CommitId>>),
    /// In its words; perhaps because another writer was faster.
    No(No),
}

/// A refusal, as the server put it.
#[derive(Debug)]
pub(super) struct No {
    /// The lines of its hooks.
    said: Vec<String>,
    refusals: Vec<Refusal>,
}

impl Remote {
    /// Moves `branch` there from `expected` (`None`: it must not exist) to `new`, a commit of
    /// `repository` that descends from it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with the server's words. After [`ErrorKind::Interrupted`],
    /// [`ErrorKind::TimedOut`] and [`ErrorKind::Cancelled`] the branch may have moved or not.
    pub fn push(
        &self,
        repository: &Repository,
        branch: &str,
        expected: Option<CommitId>,
        new: CommitId,
    ) -> Result<PushOutcome, Error> {
        let moves = [Move::new(branch, expected, new)];
        Ok(match self.push_together(repository, &moves)? {
            JointPushOutcome::Pushed => PushOutcome::Pushed,
            JointPushOutcome::AlreadyThere => PushOutcome::AlreadyThere,
            JointPushOutcome::Moved { found } => PushOutcome::Moved {
                expected,
                found: found.into_iter().next().flatten(),
            },
        })
    }

    /// Moves several branches as one: each from where it is expected, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`Remote::push`]: [`Error::refusals`] has the server's words about each branch.
    /// [`ErrorKind::NotAtomic`] when the server cannot move several as one.
    pub fn push_together(
        &self,
        repository: &Repository,
        moves: &[Move],
    ) -> Result<JointPushOutcome, Error> {
        let watch = self.options.watch();
        let branches: Vec<&str> = moves.iter().map(|step| step.branch.as_str()).collect();
        let pusher = Pusher::open(self, &branches, &watch)?;
        let new: Vec<_> = moves.iter().map(|step| Some(step.new)).collect();
        let is_there = moves.iter().map(|step| step.expected).collect::<Vec<_>>();
        match pusher.push(repository, moves, &watch)? {
            Verdict::Taken => Ok(JointPushOutcome::Pushed),
            Verdict::Elsewhere(found) if found == new => Ok(JointPushOutcome::AlreadyThere),
            Verdict::Elsewhere(found) => Ok(JointPushOutcome::Moved { found }),
            Verdict::No(no) => match self.tips_within(&branches, &watch)? {
                found if found != is_there => Ok(JointPushOutcome::Moved { found }),
                _ => Err(self.refused(no)),
            },
        }
    }

    pub(super) fn tips_within(
        &self,
        branches: &[&str],
        watch: &Watch,
    ) -> Result<Vec<Option<CommitId>>, Error> {
        super::snapshot::tips(&mut super::fetch::Fetcher::start(self, watch)?, branches)
    }

    pub(super) fn refused(&self, no: No) -> Error {
        let words = no.words();
        let refused = no.refusals.iter().map(|no| format!("`{}`", no.branch));
        let branches = refused.collect::<Vec<_>>().join(", ");
        let message = format!("{} refuses to move {branches}: {words}", self.address);
        Error::new(ErrorKind::Refused, message).refusing(no.refusals)
    }
}

impl No {
    /// The hooks' lines, and git's reason; where there are several branches, for each.
    pub(super) fn words(&self) -> String {
        let reasons = self.refusals.iter().map(|no| match self.refusals.len() {
            1 => no.reason.clone(),
            _ => format!("`{}`: {}", no.branch, no.reason),
        });
        let lines: Vec<String> = self.said.iter().cloned().chain(reasons).collect();
        lines.join("\n")
    }
}

/// A conversation with `git-receive-pack` about some references.
pub(super) struct Pusher<'a> {
    remote: &'a Remote,
    conversation: Box<dyn Conversation + 'a>,
    /// `refs/heads/…`
    names: Vec<String>,
    server: Pushable,
    has_failed: bool,
}

impl<'a> Pusher<'a> {
    /// Begins one, and hears where the branches stand.
    pub(super) fn open(
        remote: &'a Remote,
        branches: &[&str],
        watch: &Watch,
    ) -> Result<Self, Error> {
        Self::open_at(remote, repository::reference_names(branches)?, watch)
    }

    /// The same for any references.
    pub(super) fn open_at(
        remote: &'a Remote,
        names: Vec<String>,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let (address, options) = (&remote.address, &remote.options);
        let mut conversation = transport::open(address, options, Service::ReceivePack, watch)
            .map_err(|error| failed(remote, error))?;
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let server = conversation
            .greeting()
            .and_then(|stream| Ok(Pushable::read(&mut PacketReader::new(stream), &wanted)?))
            .and_then(of_sha1);
        match server {
            Ok(server) => Ok(Self {
                remote,
                conversation,
                names,
                server,
                has_failed: false,
            }),
            Err(error) => Err(failed(remote, conversation.explain(error))),
        }
    }

    /// Where each stood when the conversation began.
    pub(super) fn tips(&self) -> Vec<Option<CommitId>> {
        let tip = |name: &String| self.server.tip(name).map(CommitId::from);
        self.names.iter().map(tip).collect()
    }

    /// One push of `moves`, some of the branches it was opened for. A lost race shows as [`Verdict::Elsewhere`] or as a
    /// refusal.
    pub(super) fn push(
        self,
        repository: &Repository,
        moves: &[Move],
        watch: &Watch,
    ) -> Result<Verdict, Error> {
        let mut steps = Vec::with_capacity(moves.len());
        for step in moves {
            let name = repository::reference_name(&step.branch)?;
            steps.push((name, step.expected, step.new));
        }
        let tip = |name: &str| self.server.tip(name).map(CommitId::from);
        let found: Vec<_> = steps.iter().map(|(name, ..)| tip(name)).collect();
        if !found
            .iter()
            .eq(steps.iter().map(|(_, expected, _)| expected))
        {
            return Ok(Verdict::Elsewhere(found));
        }
        self.replace(repository, &steps, watch)
    }

    /// Moves references from wherever they stood, sending what follows on the commit beside each, which is there.
    pub(super) fn replace(
        mut self,
        repository: &Repository,
        steps: &[Step],
        watch: &Watch,
    ) -> Result<Verdict, Error> {
        let pushed = self
            .message(repository, steps)
            .and_then(|(bytes, objects)| {
                watch.tell(&Event::Sending {
                    objects,
                    bytes: bytes.len(),
                });
                report(self.conversation.as_mut(), bytes, &self.server)
            });
        self.has_failed = pushed.is_err();
        let (report, said) =
            pushed.map_err(|error| failed(self.remote, self.conversation.explain(error)))?;
        let said = said.lines();
        for line in &said {
            watch.tell(&Event::Said(line.clone()));
        }
        let refusals: Vec<Refusal> = steps
            .iter()
            .filter_map(|(name, ..)| {
                Some(Refusal {
                    reason: report.refusal(name)?.to_owned(),
                    branch: name.strip_prefix("refs/heads/").unwrap_or(name).to_owned(),
                })
            })
            .collect();
        Ok(match refusals.is_empty() {
            true => Verdict::Taken,
            false => Verdict::No(No { said, refusals }),
        })
    }

    /// Commands and pack, and how many objects are in it.
    fn message(&self, repository: &Repository, steps: &[Step]) -> Result<(Vec<u8>, usize), Error> {
        let mut request =
            PushRequest::default().with_options(self.remote.options.push_options.clone());
        for (name, _, new) in steps {
            request = request.and(name, self.server.tip(name), (*new).into());
        }
        let mut bytes = request
            .to_bytes(&self.server)
            .map_err(|error| match error {
                WireError::NotAtomic => Error::from(error),
                error => Error::from(error).with_kind(ErrorKind::Unsupported),
            })?;
        let chains: Vec<_> = steps.iter().map(|(_, base, new)| (*base, *new)).collect();
        let unsent = repository.unsent(&chains)?;
        let is_thin = !self.server.has("no-thin");
        let packed: Vec<Packed<'_>> = unsent
            .iter()
            .map(|object| {
                let like = object.like.as_ref().filter(|_| is_thin);
                let difference = like.and_then(|(id, base)| {
                    Some(Packed::Difference(
                        *id,
                        pack::difference(base, &object.bytes)?,
                    ))
                });
                difference.unwrap_or(Packed::Whole(object.kind, &object.bytes))
            })
            .collect();
        bytes.extend_from_slice(&pack::write(&packed)?);
        Ok((bytes, packed.len()))
    }
}

/// A reference, a commit that is there, and the one that follows on it.
pub(super) type Step = (String, Option<CommitId>, CommitId);

impl Drop for Pusher<'_> {
    fn drop(&mut self) {
        if !self.has_failed {
            self.conversation.finish();
        }
    }
}

fn of_sha1(server: Pushable) -> Result<Pushable, Error> {
    match server.value("object-format") {
        None | Some("sha1") => Ok(server),
        Some(other) => {
            let message = format!("the objects there are {other}, expected sha1");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

fn failed(remote: &Remote, error: Error) -> Error {
    error.during(format_args!("cannot push to {}", remote.address))
}

/// Sends the push and reads what the server says about it.
fn report(
    conversation: &mut dyn Conversation,
    bytes: Vec<u8>,
    server: &Pushable,
) -> Result<(Report, Said), Error> {
    let mut said = Said::new();
    let mut packets = PacketReader::new(conversation.ask(bytes)?);
    if !server.has("side-band-64k") {
        return Ok((Report::read(&mut packets)?, said));
    }
    let mut bands = Sideband::new(&mut packets, &mut said);
    let report = Report::read(&mut PacketReader::new(&mut bands))?;
    // Hooks that run after the branch has moved may still talk, and may be cut short by nobody
    // listening. What goes wrong from here cannot undo the push.
    let _ = bands.finish();
    Ok((report, said))
}
