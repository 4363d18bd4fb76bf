//! Questions to `git-upload-pack`: where a branch stands, and objects by their ids.

use super::error::{Error, ErrorKind};
use super::pack;
use super::transport::{self, Conversation, Service};
use super::watch::{Event, Watch};
use super::wire::{
    Capabilities, FetchRequest, FetchResponse, ObjectId, PacketReader, Reference,
    ReferencesRequest, Said,
};
use super::{Address, Remote};
use crate::repository::Repository;

/// An open conversation with `git-upload-pack`.
pub(super) struct Fetcher<'a> {
    remote: &'a Remote,
    conversation: Box<dyn Conversation + 'a>,
    capabilities: Capabilities,
    watch: Watch,
    is_interrupted: bool,
}

impl<'a> Fetcher<'a> {
    pub(super) fn open(remote: &'a Remote, watch: &Watch) -> Result<Self, Error> {
        match Self::attempt(remote, watch)? {
            Some(fetcher) => Ok(fetcher),
            // A plain sshd does not pass the wish for version 2 on: ask its shell to.
            None if matches!(remote.address, Address::Ssh { .. })
                && !remote
                    .options
                    .has_shell
                    .swap(true, std::sync::atomic::Ordering::Relaxed) =>
            {
                Self::attempt(remote, watch)?.ok_or_else(|| too_old(remote))
            }
            None => Err(too_old(remote)),
        }
    }

    /// Another conversation with the same server, within the same deadline.
    pub(super) fn again(&self) -> Result<Self, Error> {
        Self::open(self.remote, &self.watch)
    }

    fn attempt(remote: &'a Remote, watch: &Watch) -> Result<Option<Self>, Error> {
        let doing = format!("cannot fetch from {}", remote.address);
        let mut conversation =
            transport::open(&remote.address, &remote.options, Service::UploadPack, watch)
                .map_err(|error| error.during(&doing))?;
        let read = conversation
            .greeting()
            .and_then(|stream| Ok(Capabilities::read(&mut PacketReader::new(stream))?));
        let capabilities = match read {
            Ok(Some(capabilities)) => capabilities,
            Ok(None) => return Ok(None),
            Err(error) => return Err(conversation.explain(error).during(doing)),
        };
        match capabilities.value("object-format") {
            None | Some("sha1") => {}
            Some(other) => {
                let message = format!("{doing}: its objects are {other}, expected sha1");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        Ok(Some(Self {
            remote,
            conversation,
            capabilities,
            watch: watch.clone(),
            is_interrupted: false,
        }))
    }

    /// Whether the server sends parts of what an object refers to.
    pub(super) fn can_filter(&self) -> bool {
        self.capabilities.has("fetch", "filter")
    }

    /// References whose names begin with one of `prefixes`.
    pub(super) fn references(&mut self, prefixes: &[&str]) -> Result<Vec<Reference>, Error> {
        let request = ReferencesRequest::new(prefixes.iter().copied());
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
        let bytes = request.to_bytes()?;
        let limits = self.remote.options.limits();
        let mut said = Said::new();
        let answer = self.conversation.ask(bytes).and_then(|stream| {
            let mut packets = PacketReader::new(stream);
            let response = FetchResponse::read(&mut packets)?;
            let mut stream = FetchResponse::pack(&mut packets, &mut said);
            let objects = pack::read(&mut stream, &limits, |id: &ObjectId| repository.object(*id))?;
            stream.finish()?;
            Ok((response, objects))
        });
        let (response, objects) = answer.map_err(|error| self.failed(error))?;
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
        self.is_interrupted |= error.kind() == ErrorKind::Interrupted;
        let doing = format!("cannot fetch from {}", self.remote.address);
        self.conversation.explain(error).during(doing)
    }
}

impl Drop for Fetcher<'_> {
    fn drop(&mut self) {
        self.conversation.finish();
    }
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
