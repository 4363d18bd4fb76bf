//! What a guard reports: where, what and in which form; never the bytes.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Something secret in an output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Bytes of the output before it.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
    /// Its column in that line, in characters, from 1.
    pub column: u64,
    /// What it is.
    pub what: What,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum What {
    /// A value the guard knows.
    Known {
        /// The name it was added under.
        name: Arc<str>,
        /// How it is written there.
        form: Form,
    },
    /// Something that looks like a secret, whatever its value.
    Shape(Shape),
}

/// How a known value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Form {
    /// As it is.
    Plain,
    /// With escapes by `\`, once or twice.
    Escaped,
    /// With escapes by `%`.
    Percent,
    /// In base64, of whichever alphabet and alignment, wrapped or not.
    Base64,
    /// In hexadecimal digits.
    Hex,
}

/// What looks like a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// A Kubernetes Secret with literals in `data` or `stringData`.
    SecretObject,
    /// The annotation in which `kubectl apply` keeps such a Secret.
    LastApplied,
    /// A private key in PEM, OpenSSH's and PGP's included, or PEM in base64.
    PrivateKey,
    /// A private key of age.
    AgeKey,
    /// A token of Vault or OpenBao.
    VaultToken,
    /// A key of AWS.
    AwsKey,
    /// A key or token of Google Cloud.
    GoogleKey,
    /// A token of GitHub.
    GithubToken,
    /// A token of GitLab.
    GitlabToken,
    /// A token or webhook of Slack.
    SlackToken,
    /// A JSON Web Token, such as that of a service account.
    Jwt,
    /// A password in a URL.
    UrlPassword,
}

/// An output that must not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct Leak {
    /// What the output is, in the caller's words.
    pub output: String,
    /// What was found, in the order it stands there; at least one.
    pub findings: Vec<Finding>,
}

/// One line for each finding: `values.yaml:12:7: the value of ref+vault://… in base64`.
impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let line_end = if index > 0 { "\n" } else { "" };
            write!(f, "{line_end}{}:{finding}", self.output)?;
        }
        Ok(())
    }
}

/// `12:7: the value of ref+vault://… in base64`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known { name, form } => write!(f, "the value of {name}{form}"),
            Self::Shape(shape) => shape.fmt(f),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "",
            Self::Escaped => " with escapes",
            Self::Percent => " percent-encoded",
            Self::Base64 => " in base64",
            Self::Hex => " in hexadecimal",
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretObject => "a Secret with plaintext",
            Self::LastApplied => "a Secret with plaintext in a last-applied annotation",
            Self::PrivateKey => "a private key",
            Self::AgeKey => "a private key of age",
            Self::VaultToken => "a token of Vault or OpenBao",
            Self::AwsKey => "a key of AWS",
            Self::GoogleKey => "a key of Google Cloud",
            Self::GithubToken => "a token of GitHub",
            Self::GitlabToken => "a token of GitLab",
            Self::SlackToken => "a token of Slack",
            Self::Jwt => "a JSON Web Token",
            Self::UrlPassword => "a password in a URL",
        })
    }
}
