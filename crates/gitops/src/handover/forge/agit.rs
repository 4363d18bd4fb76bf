//! Merge requests that a push asks for: what to push with, as data.
//!
//! A push option is one line (`gitprotocol-pack`, push-options), so texts of several lines are written as each
//! forge reads them back: GitLab takes `\n` for a line break (since 2022), Gitea decodes what begins with
//! `{base64}` (seen in 1.26).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Error, ErrorKind, MergeRequest};

/// Longest push option: a packet line's 65,520 bytes, less what stands around it.
pub const MAX_OPTION_BYTES: usize = 65_000;

/// What to push a commit with, so that Gitea or Forgejo open a merge request for it: no branch is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgitPush {
    /// `refs/for/main`: what to push to.
    pub reference: String,
    /// `topic=…`, `title=…`, `description=…`.
    pub options: Vec<String>,
}

impl MergeRequest {
    /// For a push of the source branch to GitLab. When there is one that is open, it is changed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] when a text is longer than [`MAX_OPTION_BYTES`].
    pub fn gitlab_push_options(&self) -> Result<Vec<String>, Error> {
        let mut options = vec![
            "merge_request.create".to_owned(),
            format!("merge_request.target={}", self.target),
            format!("merge_request.title={}", self.title),
        ];
        if !self.description.is_empty() {
            let lines: Vec<&str> = self.description.lines().collect();
            options.push(format!("merge_request.description={}", lines.join("\\n")));
        }
        for label in &self.labels {
            options.push(format!("merge_request.label={label}"));
        }
        if self.removes_source {
            options.push("merge_request.remove_source_branch".to_owned());
        }
        checked(options)
    }

    /// For a push to Gitea or Forgejo: the source is only the topic, by which a later push finds the same one and
    /// replaces its commit; title and description stay as they were. Labels cannot be asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] when a text is longer than [`MAX_OPTION_BYTES`].
    pub fn agit(&self) -> Result<AgitPush, Error> {
        let mut options = vec![
            format!("topic={}", self.source),
            format!("title={}", self.title),
            // One that is open gets the new commit also when it does not stand on the one before.
            "force-push=true".to_owned(),
        ];
        if self.description.chars().any(char::is_control) {
            let encoded = STANDARD.encode(&self.description);
            options.push(format!("description={{base64}}{encoded}"));
        } else if !self.description.is_empty() {
            options.push(format!("description={}", self.description));
        }
        Ok(AgitPush {
            reference: format!("refs/for/{}", self.target),
            options: checked(options)?,
        })
    }
}

fn checked(options: Vec<String>) -> Result<Vec<String>, Error> {
    // A carriage return alone, a NUL: none of a text's lines has them.
    let options: Vec<String> = options
        .into_iter()
        .map(|option| option.replace(|c: char| c.is_control() && c != '\t', " "))
        .collect();
    match options
        .iter()
        .all(|option| option.len() <= MAX_OPTION_BYTES)
    {
        true => Ok(options),
        false => Err(Error::new(
            ErrorKind::TooLarge,
            format!("a push option has at most {MAX_OPTION_BYTES} bytes"),
        )),
    }
}
