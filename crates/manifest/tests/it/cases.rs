//! Cases that are files with sections, `== name` before each; what a case expects is its last one.

use std::fs;
use std::path::{Path, PathBuf};

/// The sections of a case.
pub(crate) struct Case(String);

impl Case {
    pub(crate) fn section(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.0.split_once(&format!("== {name}\n"))?;
        let end = rest.split_once("\n== ");
        Some(end.map_or(rest, |(section, _)| section))
    }
}

/// Runs every case of a folder that `is_for_us`, and compares what it gives with the section `expected`.
pub(crate) fn check(
    folder: &str,
    expected: &str,
    is_for_us: impl Fn(&Path) -> bool,
    run: impl Fn(&Case) -> Result<String, narae_manifest::Error>,
) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(folder);
    let entries = fs::read_dir(path).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| is_for_us(case));
    cases.sort();
    assert!(cases.len() >= 20, "the cases were not found");
    let mut failures = Vec::new();
    for path in &cases {
        let case = Case(fs::read_to_string(path).unwrap());
        let wanted = case.section(expected).unwrap_or_default().trim_end();
        let found = run(&case).unwrap_or_else(|error| error.to_string());
        if found != wanted {
            failures.push(format!(
                "{}\nexpected:\n{wanted}\nfound:\n{found}",
                path.display()
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}
