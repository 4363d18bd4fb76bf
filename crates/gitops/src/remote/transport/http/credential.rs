//! Who we are to a server over HTTP.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use super::super::super::error::{Error, ErrorKind};
use super::super::super::watch::Watch;

/// A name and password, or a token. Not printed, and overwritten before its memory is given back.
#[derive(Clone)]
pub struct Credential(Form);

#[derive(Clone)]
enum Form {
    Basic {
        user: String,
        password: Zeroizing<String>,
    },
    Bearer(Zeroizing<String>),
}

impl Credential {
    /// A user's name and password, or what a forge takes for it: most take a token as the password
    /// (`x-access-token` for GitHub, `oauth2` for GitLab, any name for Gitea).
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Form::Basic {
            user: user.into(),
            password: Zeroizing::new(password.into()),
        })
    }

    /// A token that is sent as it is (`Authorization: Bearer`).
    pub fn bearer(token: impl Into<String>) -> Self {
        Self(Form::Bearer(Zeroizing::new(token.into())))
    }

    /// Name and password, where it is those.
    pub(super) fn as_basic(&self) -> Option<(&str, &str)> {
        match &self.0 {
            Form::Basic { user, password } => Some((user, password)),
            Form::Bearer(_) => None,
        }
    }

    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let text = Zeroizing::new(match &self.0 {
            Form::Basic { user, .. } if user.contains(':') => {
                return Err(unfit("a user name with a colon"));
            }
            Form::Basic { user, password } => {
                let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
                format!("Basic {}", STANDARD.encode(pair.as_bytes()))
            }
            Form::Bearer(token) => format!("Bearer {}", token.as_str()),
        });
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| unfit("a token with characters that no token has"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Form::Basic { .. } => "Credential::basic(…)",
            Form::Bearer(_) => "Credential::bearer(…)",
        })
    }
}

/// For whom credentials are asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// Scheme, host and port: `https://git.example.com`. They will be sent there only.
    pub origin: &'a str,
    /// The user named in the address.
    pub user: Option<&'a str>,
    /// 1, or 2 when the first were not taken.
    pub attempt: u8,
    /// Of the operation that needs them.
    pub(super) watch: &'a Watch,
}

impl Asked<'_> {
    /// How long the operation may still take.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.watch.remaining().unwrap_or_default()
    }
}

/// Where credentials come from. Any closure from [`Asked`] to `Option<Credential>` is such a place.
///
/// They are asked for when the server wants some, and at most once more when it does not take them, so
/// that no account is locked for too many wrong passwords. What was taken is kept as long as the
/// [`Remote`](crate::remote::Remote) is.
pub trait Credentials: Send + Sync {
    /// What to send; `None` gives up.
    ///
    /// # Errors
    ///
    /// When they cannot be had; the operation ends with it.
    fn credential(&self, asked: &Asked<'_>) -> Result<Option<Credential>, Error>;

    /// The server took them: git answered. After any other status but 401 neither this nor [`refused`](Self::refused)
    /// is called, since it may be about something else.
    fn accepted(&self, asked: &Asked<'_>, credential: &Credential) {
        let _ = (asked, credential);
    }

    /// The server did not take them.
    fn refused(&self, asked: &Asked<'_>, credential: &Credential) {
        let _ = (asked, credential);
    }
}

impl<F: Fn(&Asked<'_>) -> Option<Credential> + Send + Sync> Credentials for F {
    fn credential(&self, asked: &Asked<'_>) -> Result<Option<Credential>, Error> {
        Ok(self(asked))
    }
}

fn unfit(what: &str) -> Error {
    Error::new(
        ErrorKind::Unauthorized,
        format!("these credentials cannot be sent: {what}"),
    )
}
