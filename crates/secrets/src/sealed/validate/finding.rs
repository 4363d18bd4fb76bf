//! What a validation found: a stable id, a place, words, and what to do about it.

use std::fmt;

/// What was checked. Its id is stable: people filter by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The file cannot be read as Kubernetes reads it.
    Unreadable,
    /// Name or namespace do not fit the scope.
    Label,
    /// A scope annotation that is ignored, or two of them.
    ScopeAnnotation,
    /// The template asks for another scope than the SealedSecret.
    ScopeMismatch,
    /// The template was made for another name or namespace.
    TemplateName,
    /// There is nothing to unseal, or it is no mapping of text.
    Items,
    /// An item's name cannot be a key of a Secret.
    ItemName,
    /// An item is not base64 or its frame is unsound.
    Malformed,
    /// An item opens, but is not written as any tool writes it.
    NotCanonical,
    /// The deprecated V1 form.
    V1,
    /// No certificate given can have made an item.
    UnknownKey,
    /// The record says an item was sealed for another key.
    OtherKey,
    /// The certificate an item was sealed for has expired.
    Expired,
    /// An item was sealed for another name, namespace or scope.
    Copied,
    /// An item stands under another name than it was sealed for.
    Swapped,
    /// A ciphertext is not the one that was recorded.
    Edited,
    /// The record speaks of an item that is not there, or cannot be read.
    Record,
    /// The same ciphertext under two names.
    DuplicateItem,
    /// Two SealedSecrets of one name and namespace.
    DuplicateSecret,
    /// Plaintext where anyone can read it.
    Plaintext,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a third would need its own exit code"
)]
pub enum Severity {
    /// It works, but hardly as meant.
    Warning,
    /// It will not open, or tells what it should not.
    Error,
}

/// One finding. Holds no ciphertext and no plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// `file:line:column`.
    pub place: String,
    /// `namespace/name` of the SealedSecret; empty for the file as a whole.
    pub secret: String,
    /// The item, if it is about one.
    pub item: Option<String>,
    /// What was found.
    pub message: String,
}

impl Check {
    /// The id, in words joined by `-`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Label => "label",
            Self::ScopeAnnotation => "scope-annotation",
            Self::ScopeMismatch => "scope-mismatch",
            Self::TemplateName => "template-name",
            Self::Items => "items",
            Self::ItemName => "item-name",
            Self::Malformed => "malformed",
            Self::NotCanonical => "not-canonical",
            Self::V1 => "v1",
            Self::UnknownKey => "unknown-key",
            Self::OtherKey => "other-key",
            Self::Expired => "expired",
            Self::Copied => "copied",
            Self::Swapped => "swapped",
            Self::Edited => "edited",
            Self::Record => "record",
            Self::DuplicateItem => "duplicate-item",
            Self::DuplicateSecret => "duplicate-secret",
            Self::Plaintext => "plaintext",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => "correct the file; until then nothing in it can be applied",
            Self::Label => "set metadata.name and metadata.namespace as when it was sealed",
            Self::ScopeAnnotation => "keep one scope annotation, with the value \"true\" in quotes",
            Self::ScopeMismatch => {
                "give metadata and spec.template.metadata the same scope annotation"
            }
            Self::TemplateName => "if the file was copied, seal the items anew for their new name",
            Self::Items => "put the items under spec.encryptedData",
            Self::ItemName => "use letters, digits, `-`, `_` and `.`, at most 253",
            Self::Malformed => "restore it from the history, or seal it anew",
            Self::NotCanonical => "seal it anew if nobody knows why it was edited",
            Self::V1 => "unseal it and seal the Secret anew",
            Self::UnknownKey => "check which cluster it is for, or seal it anew for this one",
            Self::OtherKey => {
                "seal it anew for this cluster, or check it with that cluster's certificate"
            }
            Self::Expired => "seal it anew for the controller's current certificate",
            Self::Copied => "seal it for this name, namespace and scope; a copy does not open",
            Self::Swapped => "put the items back under their own names",
            Self::Edited => "find out who changed it; sealing anew records it again",
            Self::Record => "seal the Secret anew to have it recorded again",
            Self::DuplicateItem => "if both are meant, seal each on its own",
            Self::DuplicateSecret => "keep one; the last applied wins",
            Self::Plaintext => {
                "seal it as an item, and change the secret if it is one; \
                 what is no secret and stands in the template on purpose, write as {{ \"text\" }}"
            }
        }
    }

    /// How bad such a finding is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::ScopeAnnotation
            | Self::ScopeMismatch
            | Self::TemplateName
            | Self::NotCanonical
            | Self::V1
            | Self::Expired
            | Self::Record
            | Self::DuplicateItem
            | Self::DuplicateSecret => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Finding {
    /// `db.yaml:7:15: error[edited]: shop/db, item `password`: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: ", self.place, self.severity, self.check)?;
        match (&self.secret, &self.item) {
            (secret, _) if secret.is_empty() => {}
            (secret, None) => write!(f, "{secret}: ")?,
            (secret, Some(item)) => write!(f, "{secret}, item `{item}`: ")?,
        }
        f.write_str(&self.message)
    }
}
