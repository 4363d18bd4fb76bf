//! Programs of the machine: where they are, and what happens when they are not there.

use std::env;
use std::path::PathBuf;

/// The program `name`: in `KUBEBUILDER_ASSETS`, where Kubernetes' own tests look, or on `PATH`.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    assets
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Whether one of the programs is missing; says which, and what is skipped for it.
#[must_use]
pub fn is_missing(names: &[&str], skipped: &str) -> bool {
    let missing = names.iter().find(|name| program(name).is_none());
    if let Some(name) = missing {
        skip(&format!("`{name}` on PATH"), skipped);
    }
    missing.is_some()
}

/// Says that `what` is not here and that therefore `skipped` is not tested; a failure with
/// `NARAE_REQUIRE_SERVERS=1`.
pub fn skip(what: &str, skipped: &str) {
    assert!(
        env::var("NARAE_REQUIRE_SERVERS").as_deref() != Ok("1"),
        "NARAE_REQUIRE_SERVERS=1, and there is no {what}, needed for: {skipped}"
    );
    eprintln!("skipped: {skipped}: no {what}");
}
