//! Moving a branch of a remote, from where it must stand.

use super::Remote;
use super::error::{Error, ErrorKind};
use super::pack::{self, Packed};
use super::transport::{self, Conversation, Service};
use super::watch::{Event, Watch};
use super::wire::{ObjectId, PacketReader, PushRequest, Pushable, Report, Said, Sideband};
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
        match self.try_push(repository, branch, expected, new, &watch)? {
            Verdict::Taken => Ok(PushOutcome::Pushed),
            Verdict::Elsewhere(found) if found == Some(new) => Ok(PushOutcome::AlreadyThere),
            Verdict::Elsewhere(found) => Ok(PushOutcome::Moved { expected, found }),
            Verdict::No(words) => match self.tip_within(branch, &watch)? {
                found if found != expected => Ok(PushOutcome::Moved { expected, found }),
                _ => Err(self.refused(branch, &words)),
            },
        }
    }

    /// One push. A lost race shows as [`Verdict::Elsewhere`] or as a refusal.
    pub(super) fn try_push(
        &self,
        repository: &Repository,
        branch: &str,
        expected: Option<CommitId>,
        new: CommitId,
        watch: &Watch,
    ) -> Result<Verdict, Error> {
        let name = repository::reference_name(branch)?;
        let mut conversation =
            transport::open(&self.address, &self.options, Service::ReceivePack, watch)
                .map_err(|error| self.failed(error))?;
        let mut push = || {
            let stream = conversation.greeting()?;
            let server = Pushable::read(&mut PacketReader::new(stream), &name)?;
            let found = server.tip().map(CommitId::from);
            if found != expected {
                return Ok(Verdict::Elsewhere(found));
            }
            let (bytes, objects) = self.message(repository, &name, expected, new, &server)?;
            watch.tell(&Event::Sending {
                objects,
                bytes: bytes.len(),
            });
            let (report, said) = report(conversation.as_mut(), bytes, &server)?;
            let said = said.lines();
            for line in &said {
                watch.tell(&Event::Said(line.clone()));
            }
            Ok(match report.refusal(&name) {
                None => Verdict::Taken,
                Some(reason) => Verdict::No(words(said, reason)),
            })
        };
        let verdict = push();
        match verdict {
            Ok(verdict) => {
                conversation.finish();
                Ok(verdict)
            }
            Err(error) => Err(self.failed(conversation.explain(error))),
        }
    }

    /// Command and pack, and how many objects are in it.
    fn message(
        &self,
        repository: &Repository,
        name: &str,
        expected: Option<CommitId>,
        new: CommitId,
        server: &Pushable,
    ) -> Result<(Vec<u8>, usize), Error> {
        match server.value("object-format") {
            None | Some("sha1") => {}
            Some(other) => {
                let message = format!("the objects of {} are {other}, expected sha1", self.address);
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        let old = expected.map(ObjectId::from);
        let request =
            PushRequest::new(name, old, new.into()).with_options(self.options.push_options.clone());
        let mut bytes = request
            .to_bytes(server)
            .map_err(|error| Error::from(error).with_kind(ErrorKind::Unsupported))?;
        let unsent = repository.unsent(expected, new)?;
        let is_thin = !server.has("no-thin");
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

    pub(super) fn tip_within(
        &self,
        branch: &str,
        watch: &Watch,
    ) -> Result<Option<CommitId>, Error> {
        super::snapshot::tip(&mut super::fetch::Fetcher::open(self, watch)?, branch)
    }

    pub(super) fn refused(&self, branch: &str, words: &str) -> Error {
        let message = format!("{} refuses to move `{branch}`: {words}", self.address);
        Error::new(ErrorKind::Refused, message)
    }

    fn failed(&self, error: Error) -> Error {
        error.during(format_args!("cannot push to {}", self.address))
    }
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
