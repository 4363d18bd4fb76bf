//! Lines that belong together: stack traces with the log line that introduced them, indented continuations, rules of
//! your own.
//!
//! [`Rules`] say whether a line continues the one before; [`Grouper`] puts groups together by them and hands each
//! over once a line comes that does not. It keeps no time: whoever will not wait for that line calls [`Grouper::flush`], by
//! a clock of their own, and what has come so far is handed over, never dropped.
//!
//! | traces of | begin | go on |
//! |---|---|---|
//! | Java, Kotlin, Scala | `a.b.SomeException: message`, which may go on over lines | `at`, `Caused by:`, `Suppressed:`, `... 3 more` |
//! | .NET | `A.B.SomeException: message` | `at`, ` ---> `, `--- End of … ---` |
//! | Node | `TypeError: message`, or `file.js:1` and the source before it | `at`, properties up to `}` |
//! | Python | `Traceback (most recent call last):` | indented lines, the exception, chained tracebacks |
//! | Go | `goroutine 1 [running]:` | calls, indented places, `created by` |
//! | Ruby | `SomeError (message):`, `a.rb:1:in 'f'` | `a.rb:1:in 'f'`, `from …` |
//! | PHP | `Stack trace:`, `[stacktrace]` | `#0 …`, `thrown in` |
//! | klog | a line that ends in `=<` | up to ` >` |
//!
//! A trace joins the line before it. `Exception in thread "main" …`, `Unhandled exception. …`, `panic: …`, `fatal error: …` and
//! `PHP Fatal error: …` say of themselves that no line introduced them and begin a group.
//!
//! Blank lines and further lines of a message are joined only once a later line proves that the trace goes on; if none
//! does, they are handed over as lines of their own.

mod group;
mod trace;

use std::fmt;
use std::sync::Arc;

pub use group::{Group, Grouper, Limits};

/// A question about a line.
type Test = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// Whether a line continues the one before.
#[derive(Clone, Default)]
pub struct Rules {
    traces: bool,
    indentation: bool,
    start: Option<Test>,
    continuation: Option<Test>,
}

impl Rules {
    /// Stack traces of all the languages of the module.
    pub fn traces() -> Self {
        Self {
            traces: true,
            ..Self::default()
        }
    }

    /// Lines that begin with a space or a tab continue the one before.
    pub fn indentation() -> Self {
        Self {
            indentation: true,
            ..Self::default()
        }
    }

    /// Lines that pass the test begin a group, and all others continue one.
    ///
    /// ```
    /// use narae_logparse::line::Ending;
    /// use narae_logparse::multiline::{Grouper, Rules};
    ///
    /// let dated = Rules::starting_with(|line| line.starts_with(b"2026-"));
    /// let mut grouper = Grouper::new(dated);
    /// for line in ["2026-11-21 one", "more of it", "2026-11-22 two"] {
    ///     grouper.push(line.as_bytes(), Ending::Lf, 0..0, ());
    /// }
    /// grouper.flush();
    /// let texts: Vec<_> = std::iter::from_fn(|| grouper.next_group()).map(|group| group.text().to_vec()).collect();
    /// assert_eq!(texts, [&b"2026-11-21 one\nmore of it"[..], b"2026-11-22 two"]);
    /// ```
    pub fn starting_with(test: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self {
            start: Some(Arc::new(test)),
            ..Self::default()
        }
    }

    /// Lines that pass the test continue the one before, besides those that the rules already join.
    #[must_use]
    pub fn or_continuing(mut self, test: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        self.continuation = Some(Arc::new(test));
        self
    }

    /// Stack traces, besides what the rules already join.
    #[must_use]
    pub const fn or_traces(mut self) -> Self {
        self.traces = true;
        self
    }

    /// Indented lines, besides what the rules already join.
    #[must_use]
    pub const fn or_indentation(mut self) -> Self {
        self.indentation = true;
        self
    }

    /// What becomes of this line, given what came before it in the group, if there is one.
    fn step(&self, line: &[u8], state: trace::State) -> trace::Step {
        let passes = |test: &Option<Test>| test.as_ref().is_some_and(|test| test(line));
        let is_indented = matches!(line.first(), Some(b' ' | b'\t'));
        let joined = passes(&self.continuation)
            || (self.indentation && is_indented)
            || (self.start.is_some() && !passes(&self.start));
        if self.traces {
            match trace::step(line, state) {
                trace::Step::Start(_) if joined => trace::Step::Join(state),
                step => step,
            }
        } else if joined {
            trace::Step::Join(trace::State::Line)
        } else {
            trace::Step::Start(trace::State::Line)
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("traces", &self.traces)
            .field("indentation", &self.indentation)
            .field("start", &self.start.is_some())
            .field("continuation", &self.continuation.is_some())
            .finish()
    }
}
