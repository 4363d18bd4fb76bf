//! The servers that git has, each with a repository that writers reach over it.

use std::any::Any;

use narae_gitops::remote::{Remote, SshOptions};
use narae_testservers::{Cut, GitDaemon, Lost, Relay, Sshd};

use super::fixture::{Served, remote};

/// A repository, and how each writer reaches it.
pub(crate) struct Site {
    pub(crate) served: Served,
    connect: Box<dyn Fn() -> Remote + Sync>,
    relay: Option<Relay>,
    _server: Box<dyn Any + Send + Sync>,
}

/// Starts one; `None` where the machine lacks what it needs.
pub(crate) type Start = fn(what: &str) -> Option<Site>;

impl Site {
    pub(crate) fn new(
        served: Served,
        server: impl Any + Send + Sync,
        connect: impl Fn() -> Remote + Sync + 'static,
    ) -> Self {
        Self {
            served,
            connect: Box::new(connect),
            relay: None,
            _server: Box::new(server),
        }
    }

    fn behind(self, relay: Relay) -> Self {
        let relay = Some(relay);
        Self { relay, ..self }
    }

    /// The connections that the relay before it lost; `None` where there is no relay.
    pub(crate) fn lost(&self) -> Option<Vec<Lost>> {
        self.relay.as_ref().map(Relay::lost)
    }

    /// A remote of its own for each writer.
    pub(crate) fn remote(&self) -> Remote {
        (self.connect)()
    }
}

pub(crate) fn on_this_machine(_what: &str) -> Option<Site> {
    let served = Served::new();
    let address = served.path().display().to_string();
    Some(Site::new(served, (), move || remote(&address)))
}

pub(crate) fn over_tcp(what: &str) -> Option<Site> {
    let served = Served::new();
    let server = daemon(&served, what)?;
    let address = server.address("gitops.git");
    Some(Site::new(served, server, move || remote(&address)))
}

pub(crate) fn over_ssh(what: &str) -> Option<Site> {
    let (served, server) = (Served::new(), sshd(what)?);
    let connect = over(&server, &served, server.port());
    Some(Site::new(served, server, connect))
}

/// Through a relay that loses connections in the middle of them.
pub(crate) fn over_tcp_that_breaks(what: &str) -> Option<Site> {
    let served = Served::new();
    let server = daemon(&served, what)?;
    let relay = Relay::start(server.port(), |number| breaks(number, 1_200));
    let address = server.address_at(relay.port(), "gitops.git");
    let site = Site::new(served, server, move || remote(&address));
    Some(site.behind(relay))
}

pub(crate) fn over_ssh_that_breaks(what: &str) -> Option<Site> {
    let (served, server) = (Served::new(), sshd(what)?);
    // Most of them are the keys and names that are exchanged before git says anything.
    let relay = Relay::start(server.port(), |number| breaks(number, 6_000));
    let connect = over(&server, &served, relay.port());
    Some(Site::new(served, server, connect).behind(relay))
}

/// Every third connection, after a number of bytes that has no pattern.
fn breaks(number: usize, most: u64) -> Option<Cut> {
    let random = u64::try_from(number)
        .unwrap()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bytes = (random >> 32) % most;
    match number % 6 {
        1 => Some(Cut::Sent(bytes)),
        4 => Some(Cut::Answered(bytes)),
        _ => None,
    }
}

pub(crate) fn daemon(served: &Served, what: &str) -> Option<GitDaemon> {
    GitDaemon::start(served.folder(), &served.folder().join("daemon.log"), what)
}

pub(crate) fn sshd(what: &str) -> Option<Sshd> {
    Sshd::start("AcceptEnv GIT_PROTOCOL\n", what)
}

/// Over `port`, which may be a relay's.
pub(crate) fn over(
    server: &Sshd,
    served: &Served,
    port: u16,
) -> impl Fn() -> Remote + Sync + use<> {
    let address = server.address_at(port, &served.path());
    let options = SshOptions::new()
        .with_configuration("/dev/null")
        .with_known_hosts(server.known_hosts_at(port, "host"))
        .with_identity(server.identity());
    move || remote(&address).with_ssh(options.clone())
}

#[cfg(feature = "http")]
pub(crate) fn over_tls_with_a_password(what: &str) -> Option<Site> {
    over_tls(narae_testservers::GitHttpOptions::new(), what)
}

/// With Basic auth and TLS, whatever else `options` say.
#[cfg(feature = "http")]
pub(crate) fn over_tls(options: narae_testservers::GitHttpOptions, what: &str) -> Option<Site> {
    use narae_gitops::remote::{Asked, Credential, HttpOptions};
    use narae_testservers::GitHttp;

    let served = Served::new();
    let options = options.with_login("ci", "secret").with_tls();
    let server = GitHttp::start(served.folder(), options, what)?;
    let address = server.address("gitops.git");
    let options = HttpOptions::new()
        .with_credentials(|_: &Asked<'_>| Some(Credential::basic("ci", "secret")))
        .with_certificates(server.certificate())
        .unwrap();
    let connect = move || remote(&address).with_http(options.clone());
    Some(Site::new(served, server, connect))
}
