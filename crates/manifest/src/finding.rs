//! What is wrong with an object or a value, as data: one type for every check of this crate.

use std::fmt;

use narae_yaml::Path;

use crate::object::ObjectId;
use crate::origin::Origin;
use crate::template::{Rendered, Rendering, Respelled};
use crate::values::Values;

/// One thing that is wrong, where, and what to try.
///
/// The message never quotes what a field holds, because that may be a secret; it names fields,
/// types and what was expected. Displays as
///
/// ```text
/// error[unknown-field] Deployment shop-dev/shop: `spec.replcas` is not a field of DeploymentSpec
///   = template templates/deployment.yaml:8:13
///   = value `replicas` at values/prod.yaml:3:11
///   = did you mean `replicas`
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which duty was not done; its [`id`](Rule::id) is stable.
    pub rule: Rule,
    /// What is wrong, in words.
    pub message: String,
    /// Which of the objects given to the check it is; `None` for values.
    pub index: Option<usize>,
    /// The object, when it has an address.
    pub object: Option<ObjectId>,
    /// The field of the object, or the path in the values; [`Path::to_pointer`] makes a JSON
    /// pointer of it. What is absent is named as if it were there.
    pub field: Path,
    /// The place in the template, for rendered objects: that of the key for a field that should not
    /// be there.
    pub template: Option<Origin>,
    /// The values behind the field, and who set each.
    pub values: Vec<(Path, Origin)>,
    /// Another of the objects that it is about: the first of two that are the same.
    pub related: Option<usize>,
    /// What to try.
    pub suggestion: Option<String>,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// An API server would take it; people would not want it.
    Warning,
    /// An API server would refuse it, or drop a part of it without a word.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal $severity:ident;)+) => {
        /// What is checked. Ids are stable: what one means does not change, and none is used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its stable id: `unknown-field`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// One line that says what it is about.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+ }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }
        }
    };
}

rules! {
    /// A field that the schema does not have; an API server drops it or refuses the object.
    UnknownField = "unknown-field" Error;
    /// A field that must be there is not.
    MissingField = "missing-field" Error;
    /// A value of a type that cannot stand there.
    WrongType = "wrong-type" Error;
    /// A text that is not a Kubernetes quantity.
    BadQuantity = "bad-quantity" Error;
    /// A text or number that is not of the format asked for.
    BadFormat = "bad-format" Error;
    /// A value outside what its schema allows: an enumeration, a range, a pattern.
    BadValue = "bad-value" Error;
    /// Two items of a list that must differ by their key, or at all, do not.
    DuplicateItem = "duplicate-item" Error;
    /// A validation rule of a custom resource definition does not hold.
    FailedRule = "failed-rule" Error;
    /// A kind, or a version of it, that Kubernetes and the definitions given do not have.
    UnknownKind = "unknown-kind" Error;
    /// A custom resource whose definition was not given: it was not checked.
    MissingSchema = "missing-schema" Warning;
    /// An API version that the target version of Kubernetes does not serve any more.
    RemovedApi = "removed-api" Error;
    /// An API version that a later version of Kubernetes does not serve.
    DeprecatedApi = "deprecated-api" Warning;
    /// A document that is not a Kubernetes object.
    NotAnObject = "not-an-object" Error;
    /// Two objects with one address: the second replaces the first.
    DuplicateObject = "duplicate-object" Error;
    /// A namespaced object that leaves its namespace to whoever applies it.
    MissingNamespace = "missing-namespace" Warning;
    /// A cluster-wide object that names a namespace.
    NeedlessNamespace = "needless-namespace" Warning;
    /// A value that no template used.
    UnusedValue = "unused-value" Warning;
    /// A number or boolean that became a text other than the one written in the values.
    RespelledValue = "respelled-value" Warning;
    /// A validation rule of a custom resource definition that cannot be checked here.
    SkippedRule = "skipped-rule" Warning;
    /// A check that stopped at a limit; nothing beyond it was looked at.
    NotChecked = "not-checked" Error;
}

impl Finding {
    pub(crate) fn new(rule: Rule, field: Path, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            index: None,
            object: None,
            field,
            template: None,
            values: Vec::new(),
            related: None,
            suggestion: None,
        }
    }

    pub(crate) fn suggesting(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    pub(crate) fn of(mut self, index: usize, object: Option<&ObjectId>) -> Self {
        self.index = Some(index);
        self.object = object.cloned();
        self
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }

    /// The values that a rendering did not use, as [`Rendering::unused`] has them.
    #[must_use]
    pub fn unused_values(rendering: &Rendering, values: &Values) -> Vec<Self> {
        let finding = |(path, origin): (Path, Origin)| {
            let message = format!("no template used the value `{path}`");
            let meant = rendering.suggestion(&path);
            let mut finding = Self::new(Rule::UnusedValue, path.clone(), message);
            finding.values = vec![(path, origin)];
            finding.suggesting(meant.map(|meant| format!("did you mean `{meant}`")))
        };
        rendering.unused(values).into_iter().map(finding).collect()
    }

    /// The values that became another text than is written, as [`Rendering::respelled`] has them.
    #[must_use]
    pub fn respelled_values(rendering: &Rendering) -> Vec<Self> {
        let finding = |found: Respelled| {
            let message = format!(
                "`{}` has a text in it that is not written so in the values: without quotes it is a number or a boolean",
                found.field
            );
            let object = rendering.objects.get(found.object);
            let id = object.and_then(|object| object.id().ok());
            let mut finding = Self::new(Rule::RespelledValue, found.field, message);
            finding.template = Some(found.template);
            finding.values = vec![(found.value, found.origin)];
            finding
                .of(found.object, id.as_ref())
                .suggesting(Some("write it in quotes to keep it as it is"))
        };
        rendering.respelled().into_iter().map(finding).collect()
    }

    /// Adds the places in templates and values to findings about rendered objects. `objects` are
    /// those that were checked, in the same order.
    pub fn trace(findings: &mut [Self], objects: &[Rendered]) {
        for finding in findings {
            let rendered = finding.index.and_then(|index| objects.get(index));
            // Of a field that should not be there it is the name that is wrong.
            let provenance = match finding.rule {
                Rule::UnknownField => Rendered::key_provenance,
                _ => Rendered::provenance,
            };
            if let Some(provenance) = rendered.and_then(|one| provenance(one, &finding.field)) {
                finding.template = Some(provenance.template);
                finding.values = provenance.values;
            }
            if let Some(first) = finding.related.and_then(|first| objects.get(first)) {
                finding.suggestion = Some(format!("the first is at {}", first.origin()));
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity().as_str(), self.rule.id())?;
        if let Some(object) = &self.object {
            write!(f, " {object}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(template) = &self.template {
            write!(f, "\n  = template {template}")?;
        }
        for (path, origin) in &self.values {
            write!(f, "\n  = value `{path}` at {origin}")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\n  = {suggestion}")?;
        }
        Ok(())
    }
}
