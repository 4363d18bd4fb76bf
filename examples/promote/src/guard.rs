//! Everything a run writes or prints is looked through for what looks like a secret.

use std::sync::Arc;

use narae_secrets::guard::{Guard, KnownValues, Leak};

use crate::cli::Common;

/// Looks through outputs, unless `--unguarded`.
#[derive(Clone, Debug)]
pub(crate) struct Outputs(Option<Arc<Guard>>);

impl Outputs {
    pub(crate) fn new(common: &Common) -> Self {
        let guard = || Arc::new(Guard::new(KnownValues::new()));
        Self((!common.unguarded).then(guard))
    }

    pub(crate) fn check(&self, what: &str, bytes: &[u8]) -> Result<(), Leak> {
        self.0
            .as_ref()
            .map_or(Ok(()), |guard| guard.check(what, bytes))
    }

    /// `text`, or why it may not be shown or written.
    pub(crate) fn cleared(&self, what: &str, text: String) -> anyhow::Result<String> {
        self.check(what, text.as_bytes()).map_err(|leak| {
            anyhow::anyhow!("the {what} is kept back: there is a secret in it\n{leak}\n  try: --unguarded, when it is none or must out")
        })?;
        Ok(text)
    }
}
