//! Everything a run writes or prints is looked through for the values it resolved, and for what looks like a secret.

use std::sync::{Arc, OnceLock};

use narae_secrets::guard::{Guard, KnownValues, Leak};
use narae_secrets::resolve::Resolved;

/// Looks through outputs. It knows the values from when they are resolved; before that, only what secrets look like.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    shapes: Arc<Guard>,
    values: Arc<OnceLock<Guard>>,
}

impl Outputs {
    pub(crate) fn new() -> Self {
        Self {
            shapes: Arc::new(Guard::new(KnownValues::new())),
            values: Arc::default(),
        }
    }

    /// From now on these values may stand in no output, except those whose reference `--not-secret` names.
    pub(crate) fn know(&self, resolved: &Resolved, not_secret: &[String]) {
        let mut known = KnownValues::new();
        for (reference, found) in resolved.iter() {
            let name = reference.to_string();
            if !not_secret.contains(&name) {
                known.insert(name, &found.value);
            }
        }
        // One run resolves once.
        let _ = self.values.set(Guard::new(known));
    }

    pub(crate) fn check(&self, what: &str, bytes: &[u8]) -> Result<(), Leak> {
        self.values.get().unwrap_or(&self.shapes).check(what, bytes)
    }

    /// `text`, or why it may not be shown.
    pub(crate) fn cleared(&self, what: &str, text: String) -> anyhow::Result<String> {
        self.check(what, text.as_bytes()).map_err(|leak| {
            anyhow::anyhow!("the {what} is not shown: it would show a secret\n{leak}")
        })?;
        Ok(text)
    }
}
