//! Ways to reach a git service: a program on this machine, `ssh`, TCP, HTTP.
//!
//! All are blocking streams of bytes to the rest of [`remote`](super); none knows what is in them. Every
//! wait looks at the operation's deadline and at its cancelling, whatever the server does or does
//! not send.

mod daemon;
#[cfg(feature = "http")]
mod http;
mod program;
mod ssh;
mod stream;

use std::io::Read;
use std::sync::atomic::Ordering;

#[cfg(feature = "http")]
pub use http::{Asked, Credential, CredentialHelper, Credentials, HttpOptions};
pub use ssh::SshOptions;

#[cfg(feature = "http")]
pub(super) use http::Client;

use super::address::Address;
use super::error::Error;
use super::options::Options;
use super::watch::{Event, Watch};

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Objects and references from there.
    UploadPack,
    /// Objects and references to there.
    ReceivePack,
}

impl Service {
    /// The program's name, which is also the service's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// Questions to one service of one repository, and its answers, in turns.
pub(super) trait Conversation: Send {
    /// What the service says first.
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Error>;

    /// The answer to `request`.
    fn ask(&mut self, request: Vec<u8>) -> Result<Box<dyn Read + '_>, Error>;

    /// Why it went wrong, where the transport knows better.
    fn explain(&mut self, error: Error) -> Error {
        error
    }

    /// Everything was said: what is still running may end by itself.
    fn finish(&mut self) {}
}

/// Opens a conversation.
pub(super) fn open<'a>(
    address: &Address,
    options: &'a Options,
    service: Service,
    watch: &Watch,
) -> Result<Box<dyn Conversation + 'a>, Error> {
    watch.remaining()?;
    watch.tell(&Event::Asking {
        service: service.name(),
    });
    Ok(match address {
        Address::Path(path) => Box::new(program::local(path, service, watch)?),
        Address::Ssh {
            user,
            host,
            port,
            path,
        } => {
            let target = ssh::Target {
                user: user.as_deref(),
                host,
                port: *port,
                path,
                has_shell: options.has_shell.load(Ordering::Relaxed),
            };
            Box::new(ssh::open(&target, &options.ssh, service, watch)?)
        }
        Address::Daemon { host, port, path } => {
            Box::new(daemon::Daemon::connect(host, *port, path, service, watch)?)
        }
        #[cfg(feature = "http")]
        Address::Http {
            secure,
            user,
            authority,
            path,
        } => {
            let client = options.http_client.get_or_init(|| {
                let user = user.as_deref();
                Client::new(*secure, user, authority, path, &options.http)
            });
            Box::new(http::Http::new(client, service, watch))
        }
        #[cfg(not(feature = "http"))]
        Address::Http { .. } => {
            return Err(Error::new(
                super::ErrorKind::Unsupported,
                format!("{address} needs the feature `http` of narae-gitops"),
            ));
        }
    })
}
