//! A writer that lets nothing secret through.

use std::fmt;
use std::io::{self, Write};

use zeroize::Zeroizing;

use super::Guard;
use super::finding::Leak;
use super::scanner::{BLOCK, CAPACITY, Scanner};

/// Passes on what is written to it, except what is secret or could still become it.
///
/// From the first finding on nothing is taken or passed on, and every call fails with an error whose source is
/// the [`Leak`]. What the writer behind this answers an error to is not written again: every later call fails, too. Bytes that could begin something secret are held back until it is certain that they do
/// not; [`flush`](Write::flush) passes on what is certain, [`finish`](Self::finish) decides the rest. What is
/// held back when this is dropped is not written.
///
/// ```
/// use std::io::Write as _;
/// use narae_secrets::SecretBytes;
/// use narae_secrets::guard::{Guard, KnownValues};
///
/// let mut known = KnownValues::new();
/// known.insert("shop/db/password", &SecretBytes::from("pa55word".to_owned()));
/// let guard = Guard::new(known);
///
/// let mut writer = guard.writer("log", Vec::new());
/// write!(writer, "connecting\nwith pa55")?;
/// writer.flush()?;
/// assert!(write!(writer, "word").and_then(|()| writer.flush()).is_err());
/// assert_eq!(writer.get_ref(), b"connecting\nwith ");
/// # std::io::Result::Ok(())
/// ```
pub struct GuardedWriter<'g, W> {
    scanner: Scanner<'g>,
    output: String,
    /// What was taken and is not yet passed on.
    held: Zeroizing<Vec<u8>>,
    passed: u64,
    /// The writer behind this failed: how much it took is not known.
    has_failed: bool,
    inner: W,
}

impl<'g, W: Write> GuardedWriter<'g, W> {
    pub(super) fn new(guard: &'g Guard, output: String, inner: W) -> Self {
        Self {
            scanner: Scanner::new(guard),
            output,
            held: Zeroizing::new(Vec::new()),
            passed: 0,
            has_failed: false,
            inner,
        }
    }

    /// What is behind this.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Decides and passes on what is held back, and flushes.
    ///
    /// # Errors
    ///
    /// A [`Leak`], or what the writer behind this answers.
    pub fn finish(mut self) -> io::Result<W> {
        self.scanner.end();
        self.pass_on()?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    /// Whether anything may still be taken.
    fn check(&self) -> io::Result<()> {
        let findings = self.scanner.findings();
        if !findings.is_empty() {
            let leak = Leak {
                output: self.output.clone(),
                findings: findings.to_vec(),
            };
            return Err(io::Error::other(leak));
        }
        if self.has_failed {
            return Err(io::Error::other("writing failed before"));
        }
        Ok(())
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.check()?;
        let certain = self.scanner.decided() - self.passed;
        let certain = usize::try_from(certain)
            .unwrap_or(usize::MAX)
            .min(self.held.len());
        let (now, _) = self.held.split_at(certain);
        let written = self.inner.write_all(now);
        self.has_failed = written.is_err();
        written?;
        self.held.drain(..certain);
        self.passed += certain as u64;
        Ok(())
    }
}

impl<W: Write> Write for GuardedWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        // A piece at a time, so that what is held stays bounded.
        let bytes = bytes.get(..BLOCK).unwrap_or(bytes);
        if self.held.capacity() == 0 {
            // All at once: growing would leave copies behind.
            self.held.reserve_exact(CAPACITY + BLOCK);
        }
        self.held.extend_from_slice(bytes);
        self.scanner.feed(bytes);
        self.pass_on()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        self.scanner.settle();
        self.pass_on()?;
        self.inner.flush()
    }
}

impl<W> fmt::Debug for GuardedWriter<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedWriter")
            .field("output", &self.output)
            .field("scanner", &self.scanner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Guard, KnownValues};
    use super::*;

    #[test]
    fn nothing_is_kept_of_what_comes_after_a_finding() {
        let guard = Guard::new(KnownValues::new());
        let mut writer = guard.writer("x", Vec::new());
        let secret = "kind: Secret\nstringData:\n  a: pa55\n---\n";
        writer.write_all(secret.as_bytes()).unwrap();
        assert!(writer.flush().is_err());
        let held = writer.held.len();
        for _ in 0..100 {
            assert!(writer.write(&[b'a'; BLOCK]).is_err());
        }
        assert_eq!(writer.held.len(), held);
        assert!(writer.held.capacity() <= CAPACITY + BLOCK);
    }
}
