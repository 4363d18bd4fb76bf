//! What is printed: objects, explanations, findings, errors. Decides nothing; what comes from files
//! and goes to a person cannot act on the terminal.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::mem::ManuallyDrop;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use narae_cli::terminal::visible_lines;
use narae_manifest::object::sort_for_apply;
use narae_manifest::values::Explanation;
use narae_manifest::{Finding, Rendering, Rule, Severity};
use narae_yaml::{Mapping, Value};

use crate::cli::Format;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

/// Prints data to standard output, as it is.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Whether nobody reads standard output any more.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// The objects, in the order in which they can be applied. Takes them, and leaves the rest.
pub(crate) fn objects(rendering: &mut Rendering, format: Format) -> Result<String> {
    let rendered = rendering.objects.iter_mut();
    let mut objects: Vec<Value> = rendered.map(|rendered| rendered.value.take()).collect();
    sort_for_apply(&mut objects);
    // As in `run`: the process ends soon.
    let objects = ManuallyDrop::new(Value::Sequence(objects));
    if format == Format::Yaml {
        return Ok(narae_yaml::write_all(
            objects.as_sequence().unwrap_or_default(),
        ));
    }
    let list = ManuallyDrop::new(Mapping::from([
        ("apiVersion", Value::from("v1")),
        ("kind", Value::from("List")),
        ("items", ManuallyDrop::into_inner(objects)),
    ]));
    Ok(serde_json::to_string_pretty(&*list)? + "\n")
}

/// Prints where a value comes from and where it goes; on a terminal the values stand out.
pub(crate) fn explanation(explanation: &Explanation, format: Format) -> Result<()> {
    if format == Format::Json {
        return Ok(print(&(serde_json::to_string_pretty(explanation)? + "\n"))?);
    }
    let mut stdout = anstream::stdout().lock();
    for line in visible_lines(explanation).trim_end().lines() {
        match line.starts_with(' ') {
            true => writeln!(stdout, "{line}")?,
            false => writeln!(stdout, "{BOLD}{line}{BOLD:#}")?,
        }
    }
    Ok(())
}

/// Every finding there is, one a line.
pub(crate) fn rules() -> String {
    let mut out = String::new();
    for rule in Rule::ALL {
        let _ = writeln!(
            out,
            "{:18} {:8} {}",
            rule.id(),
            rule.severity().as_str(),
            rule.summary()
        );
    }
    out
}

/// What is wrong, for people, with how much of it there is.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let text = visible_lines(finding);
        let (head, rest) = text.split_at(text.find(']').map_or(0, |end| end + 1));
        let style = match finding.severity() {
            Severity::Error => RED,
            _ => YELLOW,
        };
        let _ = writeln!(out, "{style}{head}{style:#}{rest}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .count();
    let counts = [(errors, "error"), (findings.len() - errors, "warning")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !words.is_empty() {
        let _ = writeln!(out, "{BOLD}{}{BOLD:#}", words.join(", "));
    }
    out
}

/// An error with its causes.
pub(crate) fn error(error: &anyhow::Error) -> String {
    let mut out = format!("{RED}error{RED:#}: {}\n", visible_lines(error));
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because {}", visible_lines(cause));
    }
    out
}
