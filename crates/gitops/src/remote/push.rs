//! Moving a branch of a remote, from where it must stand.

use super::Remote;
use super::error::{Error, ErrorKind};
use super::pack::{self, Packed};
use super::transport::{self, Conversation, Service};
use super::watch::{Event, Watch};
use super::wire::{PacketReader, PushRequest, Pushable, Report, Said, Sideband};
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

/// What the server says to a push.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken,
    /// The branch stood elsewhere when the server was first asked.
    Elsewhere(Option<CommitId>),
    /// In its words; perhaps because another writer was faster.
    No(String),
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
        let watch = self.options.watch();
        let pusher = Pusher::open(self, branch, &watch)?;
        match pusher.push(repository, expected, new, &watch)? {
            Verdict::Taken => Ok(PushOutcome::Pushed),
            Verdict::Elsewhere(found) if found == Some(new) => Ok(PushOutcome::AlreadyThere),
            Verdict::Elsewhere(found) => Ok(PushOutcome::Moved { expected, found }),
            Verdict::No(words) => match self.tip_within(branch, &watch)? {
                found if found != expected => Ok(PushOutcome::Moved { expected, found }),
                _ => Err(self.refused(branch, &words)),
            },
        }
    }

    pub(super) fn tip_within(
        &self,
        branch: &str,
        watch: &Watch,
    ) -> Result<Option<CommitId>, Error> {
        super::snapshot::tip(&mut super::fetch::Fetcher::start(self, watch)?, branch)
    }

    pub(super) fn refused(&self, branch: &str, words: &str) -> Error {
        let message = format!("{} refuses to move `{branch}`: {words}", self.address);
        Error::new(ErrorKind::Refused, message)
    }
}

/// A conversation with `git-receive-pack` about one reference.
pub(super) struct Pusher<'a> {
    remote: &'a Remote,
    conversation: Box<dyn Conversation + 'a>,
    /// `refs/heads/…`
    name: String,
    server: Pushable,
    has_failed: bool,
}

impl<'a> Pusher<'a> {
    /// Begins one, and hears where the branch stands.
    pub(super) fn open(remote: &'a Remote, branch: &str, watch: &Watch) -> Result<Self, Error> {
        Self::open_at(remote, repository::reference_name(branch)?, watch)
    }

    /// The same for any reference.
    pub(super) fn open_at(remote: &'a Remote, name: String, watch: &Watch) -> Result<Self, Error> {
        let (address, options) = (&remote.address, &remote.options);
        let mut conversation = transport::open(address, options, Service::ReceivePack, watch)
            .map_err(|error| failed(remote, error))?;
        let server = conversation
            .greeting()
            .and_then(|stream| Ok(Pushable::read(&mut PacketReader::new(stream), &name)?))
            .and_then(of_sha1);
        match server {
            Ok(server) => Ok(Self {
                remote,
                conversation,
                name,
                server,
                has_failed: false,
            }),
            Err(error) => Err(failed(remote, conversation.explain(error))),
        }
    }

    /// Where it stood when the conversation began.
    pub(super) fn tip(&self) -> Option<CommitId> {
        self.server.tip().map(CommitId::from)
    }

    /// One push. A lost race shows as [`Verdict::Elsewhere`] or as a refusal.
    pub(super) fn push(
        self,
        repository: &Repository,
        expected: Option<CommitId>,
        new: CommitId,
        watch: &Watch,
    ) -> Result<Verdict, Error> {
        let found = self.tip();
        if found != expected {
            return Ok(Verdict::Elsewhere(found));
        }
        self.replace(repository, expected, new, watch)
    }

    /// Moves it from wherever it stood, sending what follows on `base`, a commit that is there.
    pub(super) fn replace(
        mut self,
        repository: &Repository,
        base: Option<CommitId>,
        new: CommitId,
        watch: &Watch,
    ) -> Result<Verdict, Error> {
        let pushed = self
            .message(repository, base, new)
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
        Ok(match report.refusal(&self.name) {
            None => Verdict::Taken,
            Some(reason) => Verdict::No(words(said, reason)),
        })
    }

    /// Command and pack, and how many objects are in it.
    fn message(
        &self,
        repository: &Repository,
        base: Option<CommitId>,
        new: CommitId,
    ) -> Result<(Vec<u8>, usize), Error> {
        let request = PushRequest::new(&self.name, self.server.tip(), new.into())
            .with_options(self.remote.options.push_options.clone());
        let mut bytes = request
            .to_bytes(&self.server)
            .map_err(|error| Error::from(error).with_kind(ErrorKind::Unsupported))?;
        let unsent = repository.unsent(base, new)?;
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

/// The hooks' lines and git's reason.
fn words(said: Vec<String>, reason: &str) -> String {
    let mut lines = said;
    lines.push(reason.to_owned());
    lines.join("\n")
}
