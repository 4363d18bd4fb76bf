//! Who a client is: the credentials of a request, verified as the policies of its listener say. What follows from it
//! is the table's to decide.

mod htpasswd;
mod issuer;
mod keys;
mod passwords;
mod recent;
mod token;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use narae_routing::gateway::{AccessPolicy, ObjectName};
use narae_routing::matching::{Identity, Presented, Scheme};
use zeroize::Zeroizing;

pub(crate) use htpasswd::HtpasswdError;
pub(crate) use keys::KeysError;

use htpasswd::Htpasswd;
use issuer::Issuer;
use passwords::Passwords;
use token::{Expected, Token};

use crate::objects::Files;

/// The longest value of `Authorization` that is read, in bytes.
const MAX_CREDENTIALS: usize = 16 << 10;

/// Verifies what the policies of a configuration ask for.
#[derive(Default)]
pub(crate) struct Gatekeeper {
    policies: HashMap<ObjectName, Verifier>,
}

struct Verifier {
    tokens: Option<(Expected, Arc<Issuer>)>,
    passwords: Option<Arc<Passwords>>,
}

/// What came of verifying.
#[derive(Debug)]
pub(crate) enum Verified {
    Nothing,
    Identity(Identity),
    Invalid(Scheme),
    Unverifiable,
}

impl Verified {
    pub(crate) fn presented(&self) -> Presented<'_> {
        match self {
            Self::Nothing => Presented::Nothing,
            Self::Identity(identity) => Presented::Identity(identity),
            Self::Invalid(scheme) => Presented::Invalid(*scheme),
            Self::Unverifiable => Presented::Unverifiable,
        }
    }
}

/// Why somebody is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The credentials are wrong.
    Invalid,
    /// Nobody can say just now.
    Unverifiable,
}

impl Gatekeeper {
    /// Reads keys and passwords; what is fetched goes on from `last`.
    pub(crate) fn new(files: &Files, last: &Self) -> Result<Self, AccessError> {
        let policies = files.objects.access_policies.iter();
        let policies = policies.map(|policy| {
            let name = policy.metadata.object_name();
            let verifier = Verifier::new(files, policy, last).map_err(|cause| AccessError {
                policy: name.clone(),
                cause,
            })?;
            Ok((name, verifier))
        });
        Ok(Self {
            policies: policies.collect::<Result<_, _>>()?,
        })
    }

    /// Whether nobody asks who clients are.
    pub(crate) fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Verifies a request's credentials as one of these policies. `now` never goes back, `wall` is since the epoch.
    pub(crate) async fn verify(
        &self,
        policies: &[&ObjectName],
        headers: &HeaderMap,
        now: Duration,
        wall: Duration,
    ) -> Verified {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = sent.next() else {
            return Verified::Nothing;
        };
        let own = policies
            .iter()
            .filter_map(|name| self.policies.get_key_value(*name));
        let own: Vec<(&ObjectName, &Verifier)> = own.collect();
        let text = value.to_str().unwrap_or_default();
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim_matches(' ');
        // Of two, nobody could say which one the backend would read.
        let fits = sent.next().is_none() && rest.len() <= MAX_CREDENTIALS;
        if scheme.eq_ignore_ascii_case("Bearer") {
            let believed = own.into_iter().filter_map(|(name, verifier)| {
                let (expected, issuer) = verifier.tokens.as_ref()?;
                Some((name, expected, issuer))
            });
            let believed: Vec<_> = believed.collect();
            if believed.is_empty() {
                return Verified::Nothing;
            }
            let verified = if fits {
                bearer(&believed, rest, now, wall).await
            } else {
                Err(Fault::Invalid)
            };
            return verdict(verified, Scheme::Bearer);
        }
        if scheme.eq_ignore_ascii_case("Basic") {
            let believed = own.into_iter();
            let believed = believed.filter_map(|(name, v)| Some((name, v.passwords.as_ref()?)));
            let believed: Vec<_> = believed.collect();
            if believed.is_empty() {
                return Verified::Nothing;
            }
            let verified = if fits {
                basic(&believed, rest, now).await
            } else {
                Err(Fault::Invalid)
            };
            return verdict(verified, Scheme::Basic);
        }
        Verified::Nothing
    }
}

fn verdict(verified: Result<Identity, Fault>, scheme: Scheme) -> Verified {
    match verified {
        Ok(identity) => Verified::Identity(identity),
        Err(Fault::Invalid) => Verified::Invalid(scheme),
        Err(Fault::Unverifiable) => Verified::Unverifiable,
    }
}

/// The first policy that believes a token.
async fn bearer(
    believed: &[(&ObjectName, &Expected, &Arc<Issuer>)],
    text: &str,
    now: Duration,
    wall: Duration,
) -> Result<Identity, Fault> {
    let token = Token::read(text).ok_or(Fault::Invalid)?;
    let mut last = Fault::Invalid;
    for (name, expected, issuer) in believed {
        if !token.is_as(expected, wall) {
            continue;
        }
        match issuer.signed(&token, now).await {
            Ok(()) => {
                return Ok(Identity::of_claims(token.into_claims()).verified_by((*name).clone()));
            }
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

/// The first policy that knows a user by a password.
async fn basic(
    believed: &[(&ObjectName, &Arc<Passwords>)],
    text: &str,
    now: Duration,
) -> Result<Identity, Fault> {
    let decoded = STANDARD.decode(text).map_err(|_| Fault::Invalid)?;
    let decoded = Zeroizing::new(decoded);
    let decoded = std::str::from_utf8(&decoded).map_err(|_| Fault::Invalid)?;
    let (user, password) = decoded.split_once(':').ok_or(Fault::Invalid)?;
    for (name, passwords) in believed {
        if passwords.verify(user, password, now).await? {
            return Ok(Identity::of_user(user).verified_by((*name).clone()));
        }
    }
    Err(Fault::Invalid)
}

impl Verifier {
    fn new(files: &Files, policy: &AccessPolicy, last: &Gatekeeper) -> Result<Self, Cause> {
        let name = policy.metadata.object_name();
        let tokens = policy.spec.jwt.as_ref().map(|jwt| {
            let known = last.policies.values().filter_map(|v| v.tokens.as_ref());
            let issuer = match (&jwt.jwks.url, &jwt.jwks.file, &jwt.jwks.inline) {
                (Some(url), None, None) => {
                    let same = known
                        .map(|(_, issuer)| issuer)
                        .find(|issuer| issuer.url() == Some(url));
                    same.map_or_else(
                        || Issuer::at(url).map(Arc::new),
                        |issuer| Ok(Arc::clone(issuer)),
                    )?
                }
                (None, Some(file), None) => Arc::new(Issuer::of(&files.beside(&name, file)?)?),
                (None, None, Some(text)) => Arc::new(Issuer::of(text)?),
                // The table closes what such a policy is about.
                _ => Arc::new(Issuer::of(r#"{"keys":[]}"#)?),
            };
            Ok::<_, Cause>((Expected::of(jwt), issuer))
        });
        let passwords = policy.spec.basic.as_ref().map(|basic| {
            let text = match (&basic.htpasswd.secret, &basic.htpasswd.file) {
                (Some(secret), None) => {
                    let secret = ObjectName::new(name.namespace(), secret);
                    let text = files.htpasswds.get(&secret).cloned();
                    text.ok_or(Cause::NoSecret(secret))?
                }
                (None, Some(file)) => files.beside(&name, file)?,
                _ => Zeroizing::default(),
            };
            Ok::<_, Cause>(Arc::new(Passwords::new(Htpasswd::parse(&text)?)?))
        });
        Ok(Self {
            tokens: tokens.transpose()?,
            passwords: passwords.transpose()?,
        })
    }
}

/// Why a policy about access cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("AccessPolicy {policy}: {cause}")]
pub(crate) struct AccessError {
    policy: ObjectName,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("Secret {0} is not in the files, or has neither `auth` nor `.htpasswd`")]
    NoSecret(ObjectName),
    #[error(transparent)]
    File(#[from] crate::objects::FileError),
    #[error("htpasswd: {0}")]
    Htpasswd(#[from] HtpasswdError),
    #[error("jwks: {0}")]
    Keys(#[from] KeysError),
    #[error("the system gives no random key")]
    Random,
}
