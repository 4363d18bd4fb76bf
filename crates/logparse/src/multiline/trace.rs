//! What continues a stack trace: one small automaton over whole lines for all languages.

/// What the lines of the group so far were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No trace yet.
    Line,
    /// The place and source that Node prints before an uncaught error.
    Source,
    /// An exception without frames yet: its message may go on.
    Header,
    /// Frames; whether the last line opened an object that Node prints.
    Frames { braces: bool },
    /// A Python traceback before the exception.
    Traceback,
    /// After the exception of a Python traceback.
    Raised,
    /// A Go panic or goroutine.
    Goroutine,
    /// Inside a block of klog.
    Block,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It begins a group.
    Start(State),
    /// It continues the group.
    Join(State),
    /// It continues the group if a later line joins.
    Perhaps(State),
}

pub(super) fn step(line: &[u8], state: State) -> Step {
    if state == State::Block {
        let ended = line.starts_with(b" >") && !line.ends_with(b"=<");
        return Step::Join(if ended { State::Line } else { State::Block });
    }
    if let Some(joined) = anywhere(line).or_else(|| after(line, state)) {
        return Step::Join(joined);
    }
    if begins_alone(line) {
        return Step::Start(State::Goroutine).with_language(line);
    }
    if line.trim_ascii().is_empty() {
        // Spring Boot and Rails leave a line free between what they say and the exception.
        return Step::Perhaps(state);
    }
    let goes_on = match state {
        // The message of an exception may be of several lines, and so may the source.
        State::Header | State::Source => !looks_fresh(line),
        _ => false,
    };
    if goes_on {
        return Step::Perhaps(state);
    }
    Step::Start(if opens_block(line) {
        State::Block
    } else if contains(line, b"http: panic serving") {
        State::Goroutine
    } else if is_source_place(line) {
        State::Source
    } else {
        State::Line
    })
}

impl Step {
    /// Go's panics go on unlike the exceptions of other languages.
    fn with_language(self, line: &[u8]) -> Self {
        match self {
            Self::Start(_)
                if !line.starts_with(b"panic: ") && !line.starts_with(b"fatal error: ") =>
            {
                Self::Start(State::Header)
            }
            step => step,
        }
    }
}

/// What is part of a trace whatever came before it.
fn anywhere(line: &[u8]) -> Option<State> {
    let text = line.trim_ascii_start();
    let indented = text.len() < line.len();
    if line.starts_with(b"Traceback (most recent call last):") {
        return Some(State::Traceback);
    }
    if line.starts_with(b"goroutine ") && line.ends_with(b"]:") {
        return Some(State::Goroutine);
    }
    let called_from = || text.strip_prefix(b"from ").is_some_and(is_ruby_place);
    let at = || text.starts_with(b"at ") || text.starts_with(b"eval at ");
    let frame = (indented && (at() || called_from()))
        || text.starts_with(b"Caused by: ")
        || text.starts_with(b"Suppressed: ")
        || text.starts_with(b"nested exception is:")
        || (text.starts_with(b"... ") && (text.ends_with(b" more") || text.ends_with(b" omitted")))
        || text.starts_with(b"---> ")
        || text.starts_with(b"--- End of ")
        || text.starts_with(b"+ Exception Group Traceback (most recent call last):")
        || text == b"Stack trace:"
        || text == b"[stacktrace]"
        || (!indented && is_ruby_place(line) && !looks_fresh(line));
    if frame {
        return Some(State::Frames {
            braces: text.ends_with(b"{"),
        });
    }
    (!indented && is_exception(line)).then_some(State::Header)
}

/// What is part of a trace because of what came before it.
fn after(line: &[u8], state: State) -> Option<State> {
    let indented = matches!(line.first(), Some(b' ' | b'\t'));
    match state {
        State::Frames { braces } => {
            let closes = braces && line.starts_with(b"}");
            let numbered =
                line.first() == Some(&b'#') && line.get(1).is_some_and(u8::is_ascii_digit);
            let last = line == b"\"}" || line.starts_with(b"\"} ") || line.starts_with(b"Next ");
            let joins = indented || closes || numbered || last;
            joins.then_some(State::Frames {
                braces: (braces && !closes) || line.ends_with(b"{"),
            })
        }
        State::Source => indented.then_some(State::Source),
        State::Traceback if indented => Some(State::Traceback),
        // Frames end with the exception at the margin.
        State::Traceback => is_raised(line).then_some(State::Raised),
        State::Raised => {
            let chained = line.starts_with(b"During handling of the above exception")
                || line.starts_with(b"The above exception was the direct cause");
            chained.then_some(State::Raised)
        }
        State::Goroutine => {
            let goes_on = indented
                || line.starts_with(b"[signal ")
                || line.starts_with(b"created by ")
                || line.starts_with(b"goroutine running on")
                || line.starts_with(b"exit status ")
                || is_go_call(line);
            goes_on.then_some(State::Goroutine)
        }
        State::Line | State::Header | State::Block => None,
    }
}

/// What says that no log line introduced it.
fn begins_alone(line: &[u8]) -> bool {
    let starts: [&[u8]; 6] = [
        b"Exception in thread ",
        b"Unhandled exception",
        b"panic: ",
        b"fatal error: ",
        b"PHP Fatal error: ",
        b"Uncaught ",
    ];
    starts.iter().any(|start| line.starts_with(start))
}

/// `a.b.SomeException`, `TypeError`, `Foo::BarError (message)`: the name of an exception, then `:`, ` (` or nothing.
fn is_exception(line: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.:/\\".contains(byte);
    let length = line.iter().take_while(|byte| is_name(byte)).count();
    let (name, rest) = line.split_at_checked(length).unwrap_or((line, b""));
    let (name, has_colon) = match name.strip_suffix(b":") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ends =
        name.ends_with(b"Exception") || name.ends_with(b"Error") || name.ends_with(b"Throwable");
    let followed = match rest {
        [] => true,
        [b' ', b'(', ..] => rest.ends_with(b"):"),
        // `Error [ERR_X]: message` is Node's.
        [b' ', b'[', ..] => contains(rest, b"]: "),
        [b' ', ..] => has_colon,
        _ => false,
    };
    // A bare word is a level or a sentence sooner than an exception.
    let bare = rest.is_empty() && !has_colon && !name.contains(&b'.');
    ends && followed && !bare && name.first().is_some_and(u8::is_ascii_alphabetic)
}

/// The exception that ends a Python traceback: a dotted name, perhaps with a message.
fn is_raised(line: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte) || *byte >= 0x80;
    let length = line.iter().take_while(|byte| is_name(byte)).count();
    let rest = line.get(length..).unwrap_or_default();
    length > 0 && (rest.is_empty() || rest.starts_with(b":"))
}

/// `path:12:in 'method'`, with nothing before it: a record may mention one.
fn is_ruby_place(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b":in ") else {
        return false;
    };
    let before = line.get(..at).unwrap_or_default();
    let after = line.get(at + 4..).unwrap_or_default();
    let is_path = !before.iter().any(|byte| b" \t\"'`".contains(byte));
    let digits = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let colon = before
        .len()
        .checked_sub(digits + 1)
        .and_then(|at| before.get(at));
    is_path
        && digits > 0
        && colon == Some(&b':')
        && matches!(after.first(), Some(b'`' | b'\'' | b'<' | b'b'))
}

/// `package.Func(0x1, …)`, as the runtime prints calls.
fn is_go_call(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| matches!(byte, b'(' | b' '));
    let is_call = end.is_some_and(|end| end > 0 && line.get(end) == Some(&b'('));
    is_call && line.ends_with(b")") && (line.contains(&b'.') || line.starts_with(b"panic("))
}

/// `/app/server.js:12`, `node:internal/x:12`.
fn is_source_place(line: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', line) else {
        return false;
    };
    let (path, number) = (
        line.get(..colon).unwrap_or_default(),
        line.get(colon + 1..).unwrap_or_default(),
    );
    let is_path =
        path.starts_with(b"/") || path.starts_with(b"file:") || path.starts_with(b"node:");
    is_path && !path.contains(&b' ') && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

fn opens_block(line: &[u8]) -> bool {
    line.ends_with(b"=<") && line.contains(&b']')
}

/// Whether a line looks like the first of a log event rather than a message's next.
fn looks_fresh(line: &[u8]) -> bool {
    let levels: [&[u8]; 8] = [
        b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"FATAL", b"time=", b"level=",
    ];
    match line {
        [b'{' | b'[' | b'<' | 0x1b, ..] => true,
        [a, b, c, d, ..] => {
            let digits = |bytes: &[&u8]| bytes.iter().all(|byte| byte.is_ascii_digit());
            let dated = digits(&[a, b, d]) && (c.is_ascii_digit() || *c == b':');
            let klog = b"IWEF".contains(a) && digits(&[b, c, d]);
            let syslog = *d == b' '
                && a.is_ascii_uppercase()
                && b.is_ascii_lowercase()
                && c.is_ascii_lowercase()
                && line.get(4..6).is_some_and(|day| {
                    day.iter()
                        .all(|byte| *byte == b' ' || byte.is_ascii_digit())
                });
            dated || klog || syslog || levels.iter().any(|level| line.starts_with(level))
        }
        _ => false,
    }
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(line, part).is_some()
}
