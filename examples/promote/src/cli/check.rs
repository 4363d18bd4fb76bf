//! Flags that would do nothing: refused, so that nobody waits for what does not come.

use super::{Arguments, Command, UsageError};

impl Arguments {
    /// Refuses what happens to a commit, of a command that makes none.
    ///
    /// `--sign-key` is let pass, since its variable is set for all commands; and `--dry-run`, since these write nothing.
    pub(crate) fn check(&self) -> Result<(), UsageError> {
        let (command, hint) = match &self.command {
            Command::Change(_) | Command::Apply(_) => return Ok(()),
            Command::Plan(_) => ("plan", "give it to `promote apply`"),
            Command::History(_) => ("history", "leave it out"),
            Command::Drift(_) => ("drift", "leave it out"),
        };
        let common = &self.common;
        let flags = [
            ("--wait-argocd", common.handover.wait_argocd.is_some()),
            ("--argocd-webhook", common.handover.argocd_webhook.is_some()),
            (
                "--merge-request",
                common.merge_request.merge_request.is_some(),
            ),
        ];
        match flags.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((flag, _)) => Err(UsageError(format!(
                "{flag}: `promote {command}` makes no commit\n  try: {hint}"
            ))),
        }
    }
}
