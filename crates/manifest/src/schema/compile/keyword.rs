//! One keyword of a schema.

use narae_yaml::{Entry, NodeData};

use super::{Compiler, Dialect, Draft};
use crate::error::Error;
use crate::schema::node::{Bound, Format, List, Others, Types};
use crate::suggestion::nearest;

/// Keywords that describe and ask nothing.
const NOTES: &[&str] = &[
    "$comment",
    "$id",
    "$schema",
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "readOnly",
    "title",
    "writeOnly",
];

/// Keywords that ask something, in either dialect; what a misspelt one is compared with.
const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "definitions",
    "dependentRequired",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
    "uniqueItems",
];

/// How `controller-gen` spells a quantity.
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

impl Compiler<'_> {
    pub(super) fn keyword(&mut self, draft: &mut Draft, entry: &Entry) -> Result<(), Error> {
        let known = match draft.dialect {
            Dialect::JsonSchema => self.of_json_schema(draft, entry)?,
            Dialect::Structural | Dialect::Junctor => self.of_kubernetes(draft, entry)?,
        };
        if known || self.common(draft, entry)? {
            return Ok(());
        }
        let name = entry.name();
        if NOTES.contains(&name) || name.starts_with("x-") {
            return Ok(());
        }
        let origin = self.source.origin(&entry.key);
        let error = self.source.refuse(
            origin,
            format!("the keyword `{name}` is not understood here"),
        );
        Err(match nearest(name, KEYWORDS.iter().copied()) {
            Some(known) => error.note(format!("did you mean `{known}`")),
            None => error,
        })
    }

    /// What both dialects have.
    fn common(&mut self, draft: &mut Draft, entry: &Entry) -> Result<bool, Error> {
        let (source, value) = (&self.source, &entry.value);
        let node = &mut draft.node;
        match entry.name() {
            "type" => self.types(draft, entry)?,
            "format" => {
                if node.format == Format::Any {
                    node.format = match (draft.dialect, source.text(value)?) {
                        (Dialect::JsonSchema, "duration") => Format::IsoDuration,
                        (_, name) => Format::named(name),
                    };
                }
            }
            "properties" => {
                draft.node.fields = self.named(draft, draft.dialect, entry)?;
            }
            "required" => node.required = source.texts(value)?,
            "additionalProperties" => {
                draft.node.others = match value.to_value().as_bool() {
                    Some(true) => {
                        draft.preserves = true;
                        Others::Anything
                    }
                    Some(false) => Others::Unknown,
                    None => Others::Each(self.one(draft, draft.dialect, entry)?),
                };
            }
            "items" => draft.node.items = Some(self.one(draft, draft.dialect, entry)?),
            "enum" => {
                let values = source
                    .sequence(value)?
                    .iter()
                    .map(narae_yaml::Node::to_value);
                node.more().one_of_these(values.collect());
            }
            "minimum" => node.more().at_least(source.bound(value)?),
            "maximum" => node.more().at_most(source.bound(value)?),
            "multipleOf" => node.more().multiple_of = Some(source.number(value)?),
            "minLength" => node.more().length.least = source.count(value)?,
            "maxLength" => node.more().length.most = source.count(value)?,
            "minItems" => node.more().item_count.least = source.count(value)?,
            "maxItems" => node.more().item_count.most = source.count(value)?,
            "minProperties" => node.more().field_count.least = source.count(value)?,
            "maxProperties" => node.more().field_count.most = source.count(value)?,
            "uniqueItems" => {
                if source.flag(value)? {
                    node.list = List::Set;
                }
            }
            "pattern" => {
                if source.text(value)? == QUANTITY {
                    node.format = Format::Quantity;
                } else {
                    node.more().pattern = Some(source.pattern(value)?);
                }
            }
            "allOf" => {
                let schemas = self.list(draft, entry)?;
                draft.node.more().all_of.extend(schemas);
            }
            "anyOf" => draft.node.more().any_of = self.list(draft, entry)?,
            "oneOf" => draft.node.more().one_of = self.list(draft, entry)?,
            "not" => draft.node.more().not = Some(self.one(draft, draft.inner(), entry)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn types(&mut self, draft: &mut Draft, entry: &Entry) -> Result<(), Error> {
        let written = match &entry.value.data {
            NodeData::Sequence(items) if draft.dialect == Dialect::JsonSchema => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for item in written {
            let name = self.source.text(item)?;
            let Some(types) = Types::named(name) else {
                let origin = self.source.origin(item);
                let error = self
                    .source
                    .refuse(origin, format!("there is no type `{name}`"));
                return Err(match nearest(name, Types::names()) {
                    Some(known) => error.note(format!("did you mean `{known}`")),
                    None => error,
                });
            };
            draft.node.types = draft.node.types.or(types);
        }
        Ok(())
    }

    fn of_json_schema(&mut self, draft: &mut Draft, entry: &Entry) -> Result<bool, Error> {
        let value = &entry.value;
        match entry.name() {
            "$ref" => {
                let text = self.source.text(value)?;
                let origin = self.source.origin(value);
                let Some(pointer) = text
                    .strip_prefix('#')
                    .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                else {
                    let message = "a reference must be into this file: `#/$defs/name`";
                    return Err(self.source.refuse(origin, message));
                };
                self.references.push((draft.id, pointer.to_owned(), origin));
            }
            "$defs" | "definitions" => {
                self.named(draft, Dialect::JsonSchema, entry)?;
            }
            "const" => draft.node.more().one_of_these(vec![value.to_value()]),
            "exclusiveMinimum" => {
                let number = self.source.number(value)?;
                draft.node.more().at_least(Bound {
                    number,
                    exclusive: true,
                });
            }
            "exclusiveMaximum" => {
                let number = self.source.number(value)?;
                draft.node.more().at_most(Bound {
                    number,
                    exclusive: true,
                });
            }
            "prefixItems" => draft.node.more().first_items = self.list(draft, entry)?,
            "patternProperties" => {
                let named = self.named(draft, Dialect::JsonSchema, entry)?;
                for (pattern, schema) in named {
                    let regex = self.source.regex(&entry.key, &pattern)?;
                    draft.node.more().field_patterns.push((regex, schema));
                }
            }
            "propertyNames" => {
                draft.node.more().field_names =
                    Some(self.one(draft, Dialect::JsonSchema, entry)?);
            }
            "dependentRequired" => {
                for one in self.source.mapping(value)? {
                    let others = self.source.texts(&one.value)?;
                    draft
                        .node
                        .more()
                        .required_with
                        .push((one.name().into(), others));
                }
            }
            "if" => {
                let test = self.one(draft, Dialect::JsonSchema, entry)?;
                draft.node.more().condition.test = Some(test);
            }
            "then" => {
                let then = self.one(draft, Dialect::JsonSchema, entry)?;
                draft.node.more().condition.then = Some(then);
            }
            "else" => {
                let otherwise = self.one(draft, Dialect::JsonSchema, entry)?;
                draft.node.more().condition.otherwise = Some(otherwise);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn of_kubernetes(&mut self, draft: &mut Draft, entry: &Entry) -> Result<bool, Error> {
        let (source, value) = (&self.source, &entry.value);
        let node = &mut draft.node;
        match entry.name() {
            "default" if draft.dialect == Dialect::Structural => {
                node.default = Some(Box::new(value.to_value()));
            }
            "nullable" => draft.nullable = source.flag(value)?,
            "exclusiveMinimum" => draft.exclusive.0 = source.flag(value)?,
            "exclusiveMaximum" => draft.exclusive.1 = source.flag(value)?,
            "x-kubernetes-int-or-string" => {
                if source.flag(value)? {
                    node.types = Types::INTEGER.or(Types::STRING);
                }
            }
            "x-kubernetes-preserve-unknown-fields" => draft.preserves = source.flag(value)?,
            "x-kubernetes-embedded-resource" => draft.is_embedded = source.flag(value)?,
            "x-kubernetes-list-type" => match source.text(value)? {
                "set" => node.list = List::Set,
                "map" if matches!(node.list, List::Atomic) => node.list = List::Map(Vec::new()),
                "map" | "atomic" => {}
                _ => return Err(source.expected(value, "atomic, set or map")),
            },
            "x-kubernetes-list-map-keys" => node.list = List::Map(source.texts(value)?),
            #[cfg(feature = "cel")]
            "x-kubernetes-validations" => self.rules(draft, entry)?,
            // Without the feature `cel`, what they would say is not known.
            #[cfg(not(feature = "cel"))]
            "x-kubernetes-validations" => {
                for rule in self.source.sequence(value)? {
                    self.skip(self.source.origin(rule), "the feature `cel` is off", false);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
