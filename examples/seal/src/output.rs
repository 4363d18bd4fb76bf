//! Where results go: standard output or a file, as JSON or YAML the way kubeseal writes them.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use narae_cli::terminal::{visible, visible_lines};
use narae_secrets::sealed::SealedSecret;

use crate::cli::{Format, Seal};
use crate::files::{self, Mode};

impl Format {
    /// As kubeseal: the name of the file to write decides over `--format`.
    pub(crate) fn of(arguments: &Seal, file: Option<&Path>) -> Self {
        let extension = file.and_then(Path::extension);
        match extension.is_some_and(|extension| extension == "yaml" || extension == "yml") {
            true => Self::Yaml,
            false => arguments.format.as_ref().copied().unwrap_or_default(),
        }
    }

    /// One object, ready to be followed by another.
    pub(crate) fn write(self, sealed: &SealedSecret) -> Result<String> {
        Ok(match self {
            Self::Json => serde_json::to_string_pretty(&sealed.manifest)? + "\n",
            Self::Yaml => format!("---\n{}", sealed.to_yaml()),
        })
    }
}

/// Writes a result to `file`, or to standard output.
pub(crate) fn write(file: Option<&Path>, bytes: &[u8]) -> Result<()> {
    write_as(file, bytes, Mode::Shared)
}

/// Writes plaintext: a new file is its owner's alone; one that is there is as open as it was, which is said.
pub(crate) fn write_plaintext(file: Option<&Path>, bytes: &[u8]) -> Result<()> {
    write_as(file, bytes, Mode::Private)?;
    if let Some(file) = file.filter(|file| files::is_open_to_others(file)) {
        note(&format!(
            "warning: {} holds plaintext, and others than its owner may read it; try: chmod 600 {0}",
            file.display()
        ));
    }
    Ok(())
}

fn write_as(file: Option<&Path>, bytes: &[u8], mode: Mode) -> Result<()> {
    match file {
        Some(file) => files::replace(file, bytes, mode),
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes)
                .and_then(|()| out.flush())
                .context("cannot write to standard output")
        }
    }
}

/// A line for people. Nobody is left to tell when standard error is closed.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible_lines(text));
}

/// Rows in columns, two spaces between them; the last one is as wide as it likes. Cells come from files, so
/// nothing in them may act on the terminal.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}
