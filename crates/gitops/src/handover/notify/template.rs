//! What a messenger is told, as JSON with names in double braces: `{"text": "{{application}} is at {{image}}"}`.
//!
//! The JSON is read first and the facts are put into its texts then, so no fact can change its structure. A name
//! that is not among the facts is an error: half a sentence in a channel helps nobody.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::handover::{Error, ErrorKind};

/// Longest accepted template.
pub const MAX_TEMPLATE_BYTES: usize = 64 * 1024;
/// Longer facts are cut, with an ellipsis: messengers refuse long texts whole.
pub const MAX_FACT_CHARS: usize = 500;

/// A message with gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    body: Value,
    escape: Escape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    /// `&`, `<` and `>`, which Slack takes for links and mentions.
    Slack,
}

impl Template {
    /// JSON of any shape.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with line and column when it is not JSON, or a gap is not closed;
    /// [`ErrorKind::TooLarge`] past [`MAX_TEMPLATE_BYTES`].
    pub fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > MAX_TEMPLATE_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a template of more than {MAX_TEMPLATE_BYTES} bytes"),
            ));
        }
        let body: Value = serde_json::from_str(json)
            .map_err(|error| Error::new(ErrorKind::Invalid, format!("template: {error}")))?;
        check(&body)?;
        Ok(Self {
            body,
            escape: Escape::None,
        })
    }

    /// As [`parse`](Self::parse), for Slack and what takes Slack's messages (Mattermost, Rocket.Chat): facts are
    /// escaped, so that none becomes a link or calls the whole channel.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn parse_slack(json: &str) -> Result<Self, Error> {
        Ok(Self {
            escape: Escape::Slack,
            ..Self::parse(json)?
        })
    }

    /// The message with `facts` in its gaps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when a gap has no fact.
    pub fn render<'a>(
        &self,
        facts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Value, Error> {
        let facts = facts
            .into_iter()
            .map(|(name, fact)| (name, self.escape.apply(&cut(fact))))
            .collect();
        filled(&self.body, &facts)
    }
}

impl Escape {
    fn apply(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Slack => text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;"),
        }
    }
}

fn cut(fact: &str) -> String {
    let mut cut: String = fact.chars().take(MAX_FACT_CHARS).collect();
    if fact.chars().nth(MAX_FACT_CHARS).is_some() {
        cut.push('…');
    }
    cut
}

/// Fails when a gap is not closed. The recursion is as deep as the JSON, which its reader bounds.
fn check(value: &Value) -> Result<(), Error> {
    match value {
        Value::String(text) => fill(text, |_| Ok("")).map(drop),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        _ => Ok(()),
    }
}

fn filled(value: &Value, facts: &BTreeMap<&str, String>) -> Result<Value, Error> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, |name| {
            facts.get(name).map(String::as_str).ok_or_else(|| {
                let known: Vec<_> = facts.keys().copied().collect();
                Error::new(
                    ErrorKind::Invalid,
                    format!("template: nothing is known of `{{{{{name}}}}}`"),
                )
                .hint(&format!("one of: {}", known.join(", ")))
            })
        })?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| filled(item, facts))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), filled(field, facts)?)))
                .collect::<Result<_, Error>>()?,
        ),
        other => other.clone(),
    })
}

/// `text` with every `{{name}}` replaced. What a fact brings is not looked at again.
fn fill<'a>(text: &str, fact: impl Fn(&str) -> Result<&'a str, Error>) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            let message = format!("template: `{{{{` is not closed in `{text}`");
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        out.push_str(before);
        out.push_str(fact(name.trim())?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
