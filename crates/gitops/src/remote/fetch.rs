//! Questions to `git-upload-pack`: where a branch stands, and objects by their ids.

use std::sync::atomic::Ordering;

use super::error::{Error, ErrorKind};
use super::pack;
use super::transport::{self, Conversation, Service};
use super::watch::{Event, Watch};
use super::wire::{
    Capabilities, FetchRequest, FetchResponse, ObjectId, PacketReader, Reference,
    ReferencesRequest, Said,
};
use super::{Address, Remote};
use crate::repository::{self, Repository};

/// A conversation with `git-upload-pack`.
pub(super) struct Fetcher<'a> {
    remote: &'a Remote,
    conversation: Box<dyn Conversation + 'a>,
    /// `None` until the first question.
    capabilities: Option<Capabilities>,
    watch: Watch,
    is_interrupted: bool,
    has_failed: bool,
}

impl<'a> Fetcher<'a> {
    /// Begins one; what the server says first is waited for when something is asked.
    pub(super) fn start(remote: &'a Remote, watch: &Watch) -> Result<Self, Error> {
        Ok(Self {
            remote,
            conversation: open(remote, watch)?,
            capabilities: None,
            watch: watch.clone(),
            is_interrupted: false,
            has_failed: false,
        })
    }

    /// Another conversation with the same server, within the same deadline.
    pub(super) fn again(&self) -> Result<Self, Error> {
        Self::start(self.remote, &self.watch)
    }

    fn greeted(&mut self) -> Result<&Capabilities, Error> {
        if self.capabilities.is_none() {
            let mut found = self.greeting()?;
            // A plain sshd does not pass the wish for version 2 on: ask its shell to.
            if found.is_none()
                && matches!(self.remote.address, Address::Ssh { .. })
                && !self.remote.options.has_shell.swap(true, Ordering::Relaxed)
            {
                self.conversation = open(self.remote, &self.watch)?;
                found = self.greeting()?;
            }
            self.capabilities = found;
        }
        self.capabilities
            .as_ref()
            .ok_or_else(|| too_old(self.remote))
    }

    /// What the server says first; `None` when it does not speak version 2.
    fn greeting(&mut self) -> Result<Option<Capabilities>, Error> {
        let read = self
            .conversation
            .greeting()
            .and_then(|stream| Ok(Capabilities::read(&mut PacketReader::new(stream))?));
        let capabilities = read.map_err(|error| self.failed(error))?;
        match capabilities
            .as_ref()
            .and_then(|all| all.value("object-format"))
        {
            None | Some("sha1") => Ok(capabilities),
            Some(other) => {
                let message = format!("its objects are {other}, expected sha1");
                Err(self.failed(Error::new(ErrorKind::Unsupported, message)))
            }
        }
    }

    /// Whether the server sends parts of what an object refers to.
    pub(super) fn can_filter(&mut self) -> Result<bool, Error> {
        Ok(self.greeted()?.has("fetch", "filter"))
    }

    /// References whose names begin with one of `prefixes`.
    pub(super) fn references(&mut self, prefixes: &[&str]) -> Result<Vec<Reference>, Error> {
        let request = ReferencesRequest::new(prefixes.iter().copied());
        self.greeted()?;
        let bytes = request.to_bytes()?;
        let answer = self
            .conversation
            .ask(bytes)
            .and_then(|stream| Ok(request.read(&mut PacketReader::new(stream))?));
        answer.map_err(|error| self.failed(error))
    }

    /// Fetches objects into `repository`.
    pub(super) fn objects(
        &mut self,
        repository: &Repository,
        request: &FetchRequest,
    ) -> Result<(), Error> {
        self.greeted()?;
        let bytes = request.to_bytes()?;
        let limits = self.remote.options.limits();
        let mut said = Said::new();
        let mut is_absent = false;
        let answer = self.conversation.ask(bytes).and_then(|stream| {
            let mut packets = PacketReader::new(stream);
            let response = FetchResponse::read(&mut packets)?;
            let mut stream = FetchResponse::pack(&mut packets, &mut said);
            let objects = pack::read(&mut stream, &limits, |id: &ObjectId| {
                let object = repository.object(*id);
                is_absent |= object.is_none();
                object
            })?;
            stream.finish()?;
            Ok((response, objects))
        });
        let (response, objects) = answer.map_err(|error| {
            let error = self.failed(error);
            match is_absent && request.has_haves() {
                // It was told that we have it.
                true => error.with_kind(ErrorKind::Repository(repository::ErrorKind::Damaged)),
                false => error,
            }
        })?;
        self.watch.tell(&Event::Received {
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.bytes().len()).sum(),
        });
        repository.keep(objects)?;
        repository.mark_shallow(&response.shallow)?;
        Ok(())
    }

    /// Whether the connection ended early.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    fn failed(&mut self, error: Error) -> Error {
        self.has_failed = true;
        self.is_interrupted |= error.kind() == ErrorKind::Interrupted;
        let doing = format!("cannot fetch from {}", self.remote.address);
        self.conversation.explain(error).during(doing)
    }
}

impl Drop for Fetcher<'_> {
    fn drop(&mut self) {
        if !self.has_failed {
            self.conversation.finish();
        }
    }
}

fn open<'a>(remote: &'a Remote, watch: &Watch) -> Result<Box<dyn Conversation + 'a>, Error> {
    transport::open(&remote.address, &remote.options, Service::UploadPack, watch)
        .map_err(|error| error.during(format_args!("cannot fetch from {}", remote.address)))
}

fn too_old(remote: &Remote) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "cannot fetch from {}: the server does not speak version 2 of git's protocol",
            remote.address
        ),
    )
    .hint("git 2.18 or later there; for sshd, `AcceptEnv GIT_PROTOCOL`")
}
