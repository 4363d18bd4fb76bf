//! What the adapters that speak over the network share: waiting for an answer in a runtime of their own, bodies that are
//! wiped, and telling an error of trust from one of the network. Knows neither servers nor requests.

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use serde::Serialize;
#[cfg(feature = "kube")]
use tokio::runtime::EnterGuard;
use tokio::runtime::{Builder, Handle, Runtime};
use zeroize::Zeroizing;

use crate::store::StoreErrorKind;

/// Waits for answers. Within an asynchronous runtime waiting is refused instead of stalling it.
pub(crate) struct Waiting {
    /// `None` only while dropping.
    runtime: Option<Runtime>,
}

impl Waiting {
    /// A runtime of its own, on whichever threads wait.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Waits; `None` within another runtime.
    pub(crate) fn on<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        match &self.runtime {
            Some(runtime) if Handle::try_current().is_err() => Some(runtime.block_on(answer)),
            _ => None,
        }
    }

    /// What is made while this is held runs there.
    #[cfg(feature = "kube")]
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.runtime.as_ref().map(Runtime::enter)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits, and panics within another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether rustls is somewhere among the causes.
pub(crate) fn is_of_tls(error: &(dyn StdError + 'static)) -> bool {
    // An I/O error names the cause of what is within it as its own, and not that itself.
    let within = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || within.is_some_and(|error| is_of_tls(error))
        || error.source().is_some_and(is_of_tls)
}

/// Adds to a body that is wiped, and leaves no copy behind where it grows.
pub(crate) fn append(body: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if body.capacity() - body.len() < bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (body.len() + bytes.len())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(bytes);
}

/// A body of JSON, wiped when the last who sends it is done. Written twice: once to learn the size, then into memory that
/// never moves and leaves no copy.
pub(crate) fn json(value: &impl Serialize, most_bytes: usize) -> Result<Bytes, StoreErrorKind> {
    let refused = |reason: String| StoreErrorKind::Refused { reason };
    let mut size = Counter(0);
    let unfit = |_| refused("it cannot be written as JSON".to_owned());
    serde_json::to_writer(&mut size, value).map_err(unfit)?;
    if size.0 > most_bytes {
        let bytes = size.0;
        return Err(refused(format!(
            "a request of {bytes} bytes, more than {most_bytes}"
        )));
    }
    let mut body = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *body, value).map_err(unfit)?;
    Ok(Bytes::from_owner(body))
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
