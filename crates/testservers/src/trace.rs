//! What libraries log and trace at the most talkative level, as text to search for what must not be there.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every span, event and log line.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<String>>);

/// There is one logger for the whole process, whichever test comes first.
static LOGGED: LazyLock<Trace> = LazyLock::new(|| {
    let trace = Trace::default();
    log::set_boxed_logger(Box::new(trace.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    trace
});

impl Trace {
    /// What this thread traces in `work`, and what all have logged so far, from the first call on; and the work's result.
    pub fn of<T>(work: impl FnOnce() -> T) -> (String, T) {
        let logged = LOGGED.clone();
        let traced = Self::default();
        let result = tracing::subscriber::with_default(traced.clone(), work);
        (traced.text() + &logged.text(), result)
    }

    /// Hears every thread of this process from now on. Can be called once, and not beside [`Trace::of`].
    pub fn of_the_process() -> Self {
        let trace = LOGGED.clone();
        tracing::subscriber::set_global_default(trace.clone()).unwrap();
        trace
    }

    /// What was said so far.
    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn line(&self, metadata: &Metadata<'_>, fields: impl FnOnce(&mut Fields<'_>)) {
        let mut text = self.0.lock().unwrap();
        let _ = write!(text, "\n{} {}:", metadata.target(), metadata.name());
        fields(&mut Fields(&mut text));
    }
}

struct Fields<'t>(&'t mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Trace {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Trace {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut text = self.0.lock().unwrap();
        let _ = write!(text, "\n{}: {}", record.target(), record.args());
    }

    fn flush(&self) {}
}
