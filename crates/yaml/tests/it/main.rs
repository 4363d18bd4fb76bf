//! Everything the public API promises.
#![expect(
    clippy::expect_used,
    reason = "a test's free functions fail the test by panicking"
)]

#[cfg(feature = "serde_yaml")]
mod conversions;
mod document;
mod edit;
mod edit_random;
mod errors;
mod limits;
mod literals;
mod mapping;
mod readers;
mod round_trip;
mod serde;
mod suite;

/// Runs every file of `tests/data/<folder>` and returns what failed, by file.
///
/// # Panics
///
/// If there is no file.
fn cases(folder: &str, check: impl Fn(&str) -> Result<(), String>) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of cases")
        .map(|file| file.expect("a case").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a case of UTF-8");
        if let Err(why) = check(&text) {
            failures.push(format!("{}: {why}", file.display()));
        }
    }
    failures
}
